# Lua: interpreter, compiler and library, by its own makefile, which builds in its source.

. /usr/share/repro/cross.sh
flags lua
cp -R /src/lua /build/lua
cd /build/lua

echo "== make"
# Where it looks for modules.
sed -i 's|^#define LUA_ROOT.*|#define LUA_ROOT "/usr/"|' src/luaconf.h
grep -qxF '#define LUA_ROOT "/usr/"' src/luaconf.h
make -C src all CC="$CC -std=gnu99" CFLAGS="$CFLAGS -DLUA_COMPAT_5_3 -DLUA_USE_LINUX" AR="$AR rc" RANLIB="$RANLIB" \
    MYLDFLAGS=-Wl,-E

echo "== install"
make install INSTALL_TOP=/out/run/usr
rm -rf /out/run/usr/man /out/run/usr/share /out/run/usr/lib/lua
mkdir -p /out/dev/usr/lib
mv /out/run/usr/include /out/dev/usr/include
mv /out/run/usr/lib/liblua.a /out/dev/usr/lib/
rmdir /out/run/usr/lib
finish

echo "== check"
cat >t.lua <<'END'
local t = {}
for word in ("the quick brown fox"):gmatch("%a+") do t[#t + 1] = word:upper() end
table.sort(t)
assert(package.path:find("/usr/share/lua/5.4/?.lua", 1, true) == 1)
io.write(table.concat(t, ","), " ", 7 // 2, " ", string.format("%q", 1 / 3), "\n")
END
try /out/run/usr/bin/luac -o t.luac t.lua
for file in t.lua t.luac; do
    [ "$(try /out/run/usr/bin/lua $file)" = "BROWN,FOX,QUICK,THE 3 0x1.5555555555555p-2" ] ||
        { echo "lua: $file went wrong" >&2; exit 1; }
done
