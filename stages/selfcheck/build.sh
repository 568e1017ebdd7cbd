# One dynamically linked C++ program; the image's self-check runs it.

target=$REPRO_ARCH-repro-linux-musl
place=/out/usr/libexec/repro
mkdir -p "$place"
"$target-g++" -std=c++17 -O2 -g0 -Wall -Wextra -Werror -pthread -ffile-prefix-map=/stage=selfcheck \
    /stage/check-cxx.cc -o "$place/check-cxx" -s

for library in libstdc++.so.6 libgcc_s.so.1 libc.so; do
    "$target-readelf" -dW "$place/check-cxx" | grep -F NEEDED | grep -qF "[$library]" ||
        { echo "selfcheck: not linked with $library" >&2; exit 1; }
done
# Here already, on this machine's kernel, by the loader and libraries that it is for.
/target/usr/lib/libc.so --library-path /target/usr/lib "$place/check-cxx"
