# @name@: meson, ninja, install.

. /usr/share/repro/cross.sh
flags @source@

echo "== configure"
meson setup /build/objects /src/@source@ --cross-file /usr/share/repro/cross.meson --buildtype plain \
    --wrap-mode nodownload --prefix /usr --libdir lib --sysconfdir /etc --localstatedir /var

echo "== ninja"
# One job: it cannot share cores with other stages, as make does.
ninja -C /build/objects -j 1

echo "== install"
DESTDIR=/out/run meson install -C /build/objects --no-rebuild
@deliver@
