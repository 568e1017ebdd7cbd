# busybox: defconfig, changed by the lines of the file `config` beside this script.

. /usr/share/repro/cross.sh
# Its makefile has names of its own for the compiler and its flags; what the environment says would be in its way.
unset CC CXX CPP AR AS LD NM RANLIB STRIP OBJCOPY OBJDUMP PKG_CONFIG
# Its build-time programs (kconfig, applet tables) are made by our compiler too, statically, where what it makes runs here.
# SOURCE_DATE_EPOCH gives the date in its banner.
host="$target-gcc -static"
[ "$arch" = x86_64 ] || host=gcc
# SKIP_STRIP: `finish` does that.
bb() { make -C /src/busybox O=/build HOSTCC="$host" CROSS_COMPILE="$target-" SKIP_STRIP=y "$@"; }

echo "== configure"
bb defconfig
wanted=$(grep -E '^(CONFIG_|# CONFIG_.* is not set)' /stage/config)
[ "$mode" = release ] || wanted=$(printf '%s\n' "$wanted" | sed 's/"-g0 /"-g /')
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
bb CONFIG_PREFIX=/out/run install
STRIP=$target-strip OBJCOPY=$target-objcopy
finish

echo "== check"
# Runs on this machine's kernel by the loader of /target.
try /out/run/bin/busybox | sed -n 1p
