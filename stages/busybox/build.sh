# busybox: defconfig, changed by the lines of the file `config` beside this script.

target=$REPRO_ARCH-repro-linux-musl
# Its build-time programs (kconfig, applet tables) are made by our compiler too, statically against our musl: they run
# here as well. SOURCE_DATE_EPOCH gives the date in its banner.
bb() { make -C /src/busybox O=/build HOSTCC="$target-gcc -static" CROSS_COMPILE="$target-" "$@"; }

echo "== configure"
bb defconfig
wanted=$(grep -E '^(CONFIG_|# CONFIG_.* is not set)' /stage/config)
printf '%s\n' "$wanted" | while read -r line; do
    symbol=$(printf '%s\n' "$line" | sed -E 's/^(# )?(CONFIG_[A-Z0-9_]+).*/\2/')
    sed -i -E "/^(# )?$symbol( is not set|=.*)\$/d" .config
    printf '%s\n' "$line" >>.config
done
# Questions about options that the changes opened: the default answer. (The pipe's status is that of make.)
yes '' | bb oldconfig
# A line that depends on something switched off vanishes without a word: say so.
printf '%s\n' "$wanted" | while read -r line; do
    grep -qxF -- "$line" .config || { echo "busybox: no effect: $line" >&2; exit 1; }
done

echo "== make"
bb

echo "== install"
bb CONFIG_PREFIX=/out install

echo "== check"
# Runs on this machine's kernel by the loader of /target.
/target/usr/lib/libc.so /out/bin/busybox | sed -n 1p
