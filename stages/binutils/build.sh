# Cross binutils. Static programs (LDFLAGS): the stages after the toolchain run them in a sysroot without the seed's
# libraries.

target=$REPRO_ARCH-repro-linux-musl
machine=x86_64-pc-linux-gnu # said, not guessed: config.guess looks at the running machine

echo "== configure"
# --enable-deterministic-archives: ar and ranlib write no times and owners, here and in everything built with them.
# gprofng, gold, gdb: not needed, and half of the time.
# -static reaches libtool as -all-static only at link time; configure's own tests do not know the latter.
/src/binutils/configure --build=$machine --host=$machine --target="$target" --prefix=/usr --with-sysroot=/target \
    --with-pkgversion=repro --disable-nls --disable-werror --disable-multilib --disable-gdb --disable-gdbserver \
    --disable-sim --disable-gprofng --disable-gold --disable-shared --disable-plugins \
    --enable-deterministic-archives --enable-new-dtags --enable-default-hash-style=gnu \
    --without-zstd --without-debuginfod --without-system-zlib \
    CFLAGS="-O2 -g0" CXXFLAGS="-O2 -g0" LDFLAGS="-s"

# MAKEINFO is said to make: configure replaces one that does not print a version.
echo "== make"
make MAKEINFO=true configure-host
make MAKEINFO=true LDFLAGS="-all-static -s"

echo "== install"
make MAKEINFO=true LDFLAGS="-all-static -s" DESTDIR=/out install

echo "== tidy"
# Manuals are empty shells without texinfo; the host's libbfd and its headers are of use to nobody.
rm -rf /out/usr/share /out/usr/include /out/usr/lib /out/usr/"$REPRO_ARCH"*/lib/*.la
for tool in as ld ar nm objcopy objdump ranlib readelf strip; do
    /out/usr/bin/"$target-$tool" --version >/dev/null || { echo "binutils: $target-$tool does not run" >&2; exit 1; }
    # A static program names no interpreter.
    if readelf -lW /out/usr/bin/"$target-$tool" | grep -q INTERP; then
        echo "binutils: $target-$tool is not static" >&2; exit 1
    fi
done
