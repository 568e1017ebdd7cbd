# Python. The interpreter of the tools, which has to be of the same version, freezes modules, builds extensions and compiles
# the library. Left out: tests, IDLE, tkinter, pip.

. /usr/share/repro/cross.sh
flags python3
export LDFLAGS=-Wl,-rpath-link,/target/usr/lib PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
python=/usr/bin/python3.11
[ "$($python -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')" = 3.11.2 ]
# In its source, for it remembers where that lies if it is elsewhere.
cp -Rp /src/python3 /build/python3
cd /build/python3

echo "== configure"
# What it would try out on the target.
export ac_cv_aligned_required=no ac_cv_broken_sem_getvalue=no ac_cv_buggy_getaddrinfo=no ac_cv_file__dev_ptc=no \
    ac_cv_file__dev_ptmx=yes ac_cv_posix_semaphores_enabled=yes ac_cv_rshift_extends_sign=yes ac_cv_working_tzset=yes
./configure --build="$build" --host="$target" --prefix=/usr --with-build-python=$python --with-pkg-config=yes \
    --with-ensurepip=no --disable-test-modules --without-static-libpython --enable-ipv6 --with-system-ffi

echo "== make"
make python sharedmods

echo "== install"
lib=/out/run/usr/lib/python3.11
mkdir -p /out/run/usr/bin $lib/lib-dynload $lib/site-packages
cp python /out/run/usr/bin/python3.11
ln -s python3.11 /out/run/usr/bin/python3
(cd /src/python3/Lib && tar -cf - --exclude=__pycache__ --exclude=./test --exclude=tests --exclude=./unittest/test \
    --exclude=./ctypes/test --exclude=./ensurepip --exclude=./idlelib --exclude=./tkinter --exclude=./turtledemo \
    --exclude=./turtle.py --exclude=./site-packages .) | tar -xf - --no-same-owner -C $lib
cp "$(cat pybuilddir.txt)"/*.so $lib/lib-dynload/
rm -f $lib/lib-dynload/_ctypes_test.* $lib/lib-dynload/_test* $lib/lib-dynload/xx*
cp "$(cat pybuilddir.txt)"/_sysconfigdata_*.py $lib/
# Where it was built is of no use to anybody.
sed -i -e 's|/build/python3|.|g' -e 's|/target/usr|/usr|g' -e 's|-ffile-prefix-map=[^ '"'"']*||g' $lib/_sysconfigdata_*.py
# What is run says its interpreter by the name that is there; no other file is run.
find $lib -type f -name '*.py' -exec chmod a-x {} +
find $lib -type f -name '*.py' -exec sed -i -E '1s@^#! *(/usr/local/bin/|.*/env )python.*@#!/usr/bin/python3@' {} +
make DESTDIR=/out/dev inclinstall
finish
# By contents, not by times: what lies beside a module is what it was compiled to.
PYTHONDONTWRITEBYTECODE= PYTHONPATH=$lib $python -S -m compileall -q -f --invalidation-mode unchecked-hash -s /out/run -p / \
    -x lib2to3/tests/data $lib

echo "== check"
for module in _bz2 _ctypes _curses _decimal _lzma pyexpat zlib; do
    [ -n "$(find $lib/lib-dynload -name "$module.*.so")" ] || { echo "python3: without $module" >&2; exit 1; }
done
cat >t.py <<'END'
import bz2, ctypes, curses, decimal, hashlib, json, lzma, sys, sysconfig, zlib
import xml.etree.ElementTree as tree
text = b"a text, " * 1000
for method in zlib, bz2, lzma:
    assert method.decompress(method.compress(text)) == text
assert zlib.ZLIB_RUNTIME_VERSION == "1.2.13"
assert ctypes.CDLL(None).abs(-5) == 5
pick = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda number: number * 3)
assert pick(7) == 21
assert decimal.Decimal(1) / 8 == decimal.Decimal("0.125")
assert tree.fromstring("<a><b>c</b></a>").find("b").text == "c"
assert hashlib.sha256(b"abc").hexdigest().startswith("ba7816bf")
assert json.__file__.startswith("/out/run/usr/lib/python3.11/")
assert sysconfig.get_config_var("prefix")
print("python", sys.version.split()[0])
END
export PYTHONHOME=/out/run/usr
[ "$(try /out/run/usr/bin/python3.11 t.py)" = "python 3.11.2" ] ||
    { echo "python3: a program went wrong" >&2; exit 1; }
