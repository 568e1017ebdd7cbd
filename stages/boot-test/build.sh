# Three boots, one after the other; boot.py says what each must show.

[ "$REPRO_ARCH" = x86_64 ] || { echo "boot-test: no machine for architecture $REPRO_ARCH" >&2; exit 1; }
(cd /in/image && sha256sum -c SHA256SUMS)
exec python3 /stage/boot.py /in/image /out/result.txt
