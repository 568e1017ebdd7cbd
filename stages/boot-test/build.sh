# All boots, one after the other; machines.py says which there are, boot.py what each must show.

(cd /in/image && sha256sum -c SHA256SUMS)
# python would leave its compiled modules beside them.
export PYTHONDONTWRITEBYTECODE=1
exec python3 /stage/boot.py "$REPRO_ARCH" "$REPRO_PROFILE" /in/image /in/containers* /out/result.txt
