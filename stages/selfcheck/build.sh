# One dynamically linked C++ program; the image's self-check runs it.

. /usr/share/repro/cross.sh
flags selfcheck
place=/out/run/usr/libexec/repro
mkdir -p "$place"
"$CXX" -std=c++17 $CXXFLAGS -Wall -Wextra -Werror -pthread -ffile-prefix-map=/stage=selfcheck \
    /stage/check-cxx.cc -o "$place/check-cxx"
finish

case $libc in musl) c=libc.so ;; *) c=libc.so.6 ;; esac
for library in libstdc++.so.6 libgcc_s.so.1 "$c"; do
    "$READELF" -dW "$place/check-cxx" | grep -F NEEDED | grep -qF "[$library]" ||
        { echo "selfcheck: not linked with $library" >&2; exit 1; }
done
# Here already, on this machine's kernel, by the loader and libraries that it is for.
try "$place/check-cxx"
