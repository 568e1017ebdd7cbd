finish

# dev is all of it, stripped, for others to compile against; run is what a system needs.
cp -a /out/run /out/dev
rm -rf /out/run/usr/include /out/run/usr/lib/pkgconfig /out/run/usr/lib/cmake
rm -rf /out/run/usr/share/aclocal /out/run/usr/share/cmake /out/run/usr/share/pkgconfig
find /out/run -type f -name '*.a' -exec rm {} +
