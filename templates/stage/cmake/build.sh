# @name@: cmake, make, install.

. /usr/share/repro/cross.sh
flags @source@

echo "== configure"
# Makefiles: make shares the cores of a build with other stages. No build type: its flags would come after ours.
cmake -S /src/@source@ -B /build/objects -G "Unix Makefiles" -DCMAKE_TOOLCHAIN_FILE=/usr/share/repro/cross.cmake \
    -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=ON

echo "== make"
make -C /build/objects

echo "== install"
make -C /build/objects DESTDIR=/out/run install
@deliver@
