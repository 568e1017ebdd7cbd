# iproute2, by makefiles that build in its source. Without libmnl, and so without devlink, rdma, dcb, vdpa and tipc; without
# tables for netem, which would be made by programs that run here.

. /usr/share/repro/cross.sh
flags iproute2
cp -R /src/iproute2 /build/iproute2
cd /build/iproute2
parts="lib ip tc bridge misc genl"

echo "== configure"
sh configure /target/usr/include
cat config.mk

echo "== make"
make V=1 SUBDIRS="$parts" SBINDIR=/usr/sbin

echo "== install"
make V=1 SUBDIRS="$parts" SBINDIR=/usr/sbin DESTDIR=/out/run install
# The last is a script for Python.
rm -rf /out/run/usr/share/bash-completion /out/run/usr/include /out/run/usr/sbin/routel
[ -s /out/run/etc/iproute2/rt_tables ]
finish

echo "== check"
try /out/run/usr/sbin/ip -V | grep -qF iproute2 || { echo "iproute2: no version" >&2; exit 1; }
try /out/run/usr/sbin/ip -o link show lo | grep -qF 'lo: <LOOPBACK' || { echo "iproute2: ip sees no lo" >&2; exit 1; }
try /out/run/usr/sbin/ss -ltn | grep -q '^State' || { echo "iproute2: ss sees nothing" >&2; exit 1; }
