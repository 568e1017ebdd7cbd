# strace, for programs of its own word size.

. /usr/share/repro/cross.sh
flags strace

echo "== configure"
# A table is sorted by a program of its own, which runs here.
host="$target-gcc -static"
[ "$arch" = x86_64 ] || host=gcc
CC_FOR_BUILD=$host CFLAGS_FOR_BUILD=-g0 autotools strace --disable-dependency-tracking --disable-gcc-Werror \
    --enable-bundled=yes --enable-mpers=no --enable-stacktrace=no --without-libselinux

echo "== make"
# Nothing of its tests.
make SUBDIRS="bundled src"

echo "== install"
make SUBDIRS="bundled src" DESTDIR=/out/run install
finish

echo "== check"
try /out/run/usr/bin/strace -V | grep -qF 'strace -- version 6.1' || { echo "strace: no version" >&2; exit 1; }
# Who builds is traced already, and may then trace nobody: it says so, or it shows the call.
try /out/run/usr/bin/strace -o calls -e trace=write /bin/sh -c 'echo text' >report 2>&1 || true
grep -q 'write(1, "text' calls || grep -qiE 'not permitted|PTRACE' report ||
    { cat report >&2; echo "strace: a call is not shown" >&2; exit 1; }
