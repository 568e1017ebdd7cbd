# What a package's script needs to know of the target, in one place: shell variables and functions (cross.sh), the same for
# CMake and Meson, a pkg-config that sees /target alone, and, for glibc, the compiler by another name.

compiler=$REPRO_ARCH-repro-linux-musl
case $REPRO_LIBC-$REPRO_ARCH in
    musl-*) abi=musl loader=/lib/ld-musl-$REPRO_ARCH.so.1 start=/target/usr/lib/libc.so ;;
    glibc-x86_64) abi=gnu loader=/lib64/ld-linux-x86-64.so.2 start=/target$loader ;;
    glibc-aarch64) abi=gnu loader=/lib/ld-linux-aarch64.so.1 start=/target$loader ;;
    *) echo "cross: no names for $REPRO_LIBC on $REPRO_ARCH" >&2; exit 1 ;;
esac
target=$REPRO_ARCH-repro-linux-$abi
emulator=
[ "$REPRO_ARCH" = x86_64 ] || emulator=qemu-$REPRO_ARCH-static

mkdir -p /out/usr/bin /out/usr/share/repro

echo "== names"
if [ "$target" != "$compiler" ]; then
    for tool in addr2line ar as c++filt elfedit ld ld.bfd nm objcopy objdump ranlib readelf size strings strip; do
        ln -s "$compiler-$tool" "/out/usr/bin/$target-$tool"
    done
    # The compiler's own headers come before the library's, as glibc's ask for (`#include_next`); musl's come first by
    # themselves. Said before the caller's own options, so that these win.
    own=$("$compiler-gcc" -print-file-name=include)
    for tool in gcc g++ cpp; do
        printf '#!/bin/sh\nexec %s-%s -mglibc -isystem %s -isystem %s-fixed "$@"\n' "$compiler" "$tool" "$own" "$own" \
            >"/out/usr/bin/$target-$tool"
        chmod 0755 "/out/usr/bin/$target-$tool"
    done
    ln -s "$target-gcc" "/out/usr/bin/$target-cc"
    ln -s "$target-g++" "/out/usr/bin/$target-c++"
fi

echo "== what scripts say"
fill() {
    sed -e "s|@ARCH@|$REPRO_ARCH|g" -e "s|@LIBC@|$REPRO_LIBC|g" -e "s|@TARGET@|$target|g" \
        -e "s|@LOADER@|$loader|g" -e "s|@START@|$start|g" -e "s|@EMULATOR@|$emulator|g" "/stage/$1"
}
for file in cross.sh cross.cmake cross.meson; do fill "$file" >"/out/usr/share/repro/$file"; done
fill pkg-config >"/out/usr/bin/$target-pkg-config"
chmod 0755 "/out/usr/bin/$target-pkg-config"
if grep -n '@[A-Z]*@' /out/usr/share/repro/* /out/usr/bin/*-pkg-config; then
    echo "cross: a place was not filled in" >&2
    exit 1
fi
