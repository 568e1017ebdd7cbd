"""The images for containers, run by stock runc, crun and podman.

They want to be root and to mount, which nobody is in a stage: so they run in the virtual machine, on our kernel, with our
root file system around them. What they need is a second cpio archive behind the initramfs; the kernel unpacks both over
each other (initramfs, Documentation/driver-api/early-userspace/buffer-format.rst). The first program moves everything to
a file system that pivot_root(2) accepts, and unpacks the image's archive with umoci.
"""

import os
import stat

INIT = "rdinit=/containers/start"
REQUIRED = {"umoci", "runc", "crun", "podman"}
# Where programs of each architecture expect their loader.
LOADER = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}
# What of the tree is needed: the programs, and all that they load.
WANTED = ("usr/lib", "usr/bin", "usr/sbin")

START = """#!/bin/sh
# The initramfs itself cannot be left by pivot_root(2).
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t tmpfs -o mode=0755,size=1000m root /mnt
mkdir /mnt/proc /mnt/sys /mnt/dev /mnt/run /mnt/tmp /mnt/mnt /mnt/root
for name in bin containers etc init lib lib64 sbin usr var; do
    [ ! -e "/$name" ] || cp -a "/$name" /mnt/
done
exec switch_root /mnt /containers/run
"""

RUN = """#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin LC_ALL=C HOME=/root TMPDIR=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
dmesg -n 4
ip link set lo up
total=0
passed=0
check() {
    name=$1
    shift
    total=$((total + 1))
    if "$@" >/tmp/log 2>&1; then
        passed=$((passed + 1))
        echo "CHECK $name ok"
    else
        cat /tmp/log
        echo "CHECK $name FAIL $(tail -n 1 /tmp/log)"
    fi
}
unpack() {
    mkdir -p /run/layout && tar -xf /containers/oci.tar -C /run/layout && umoci unpack --image /run/layout:repro:latest /run/bundle
}
# Runs a command, tells what it said, and fails if that was not said inside the container.
inside() {
    said=$("$@" 2>&1)
    status=$?
    echo "$said"
    [ "$status" = 0 ] && case $said in *from-inside*) ;; *) false ;; esac
}
# The container's own shell, once as it comes from the image's configuration, by the runtime of that name.
contained() {
    sed -e 's/"terminal": *true/"terminal": false/' \\
        -e 's|"/bin/sh"|"/bin/sh", "-c", "echo $(id -u) $(hostname) $(ls -d /proc/1) $(/bin/busybox echo from-inside)"|' \\
        /run/bundle/config.json >/run/bundle/config.new
    cp /run/bundle/config.json /run/bundle/config.old
    cp /run/bundle/config.new /run/bundle/config.json
    inside "$1" run --bundle /run/bundle "with-$1"
    status=$?
    cp /run/bundle/config.old /run/bundle/config.json
    return "$status"
}
# podman, for once: nothing to reach, no journal, no snapshots of file systems. All of it is gone with the machine.
once() {
    podman --root /run/podman --runroot /run/podman.run --tmpdir /run/podman.tmp --storage-driver vfs \\
        --cgroup-manager cgroupfs --events-backend none --runtime /usr/bin/crun "$@"
}
# What `docker load` takes, loaded and run by podman.
loaded() {
    mkdir -p /etc/containers
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >/etc/containers/policy.json
    once load -i /containers/docker.tar || return 1
    image=$(once images --quiet --no-trunc) || return 1
    inside once run --rm --network none --log-driver none --pull never "$image" /bin/sh -c 'echo $(id -u) from-inside'
}
check umoci unpack
check runc contained runc
check crun contained crun
check podman loaded
if [ "$passed" = "$total" ]; then
    echo "SELF-CHECK PASSED $passed of $total"
else
    echo "SELF-CHECK FAILED $((total - passed)) of $total"
fi
sync
poweroff -f
"""


def entry(number, name, mode, data):
    """One member of a cpio archive of the kind `newc` (cpio(5)): header, name and data, each padded to four bytes."""
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def members(architecture, tree):
    """(path, mode, content) of the programs of a tree, folders before what is in them."""
    yield "containers", stat.S_IFDIR | 0o755, b""
    # The tree has all of this in usr, and links at the top, which cannot lie over the image's own folders: those that its
    # programs go by lead to the same places.
    folder, loader = os.path.split(LOADER[architecture])
    yield folder, stat.S_IFDIR | 0o755, b""
    yield f"{folder}/{loader}", stat.S_IFLNK | 0o777, f"../usr/lib/{architecture}-linux-gnu/{loader}".encode()
    for name in sorted(os.listdir(os.path.join(tree, "usr/lib"))):
        if name.endswith("-linux-gnu"):
            yield f"lib/{name}", stat.S_IFLNK | 0o777, f"../usr/lib/{name}".encode()
    for top in WANTED:
        path = os.path.join(tree, top)
        for folder, folders, files in os.walk(path):
            folders.sort()
            below = os.path.relpath(folder, tree)
            yield below, stat.S_IFDIR | 0o755, b""
            for name in sorted(files + [name for name in folders if os.path.islink(os.path.join(folder, name))]):
                place = os.path.join(folder, name)
                if os.path.islink(place):
                    yield f"{below}/{name}", stat.S_IFLNK | 0o777, os.readlink(place).encode()
                else:
                    with open(place, "rb") as file:
                        yield f"{below}/{name}", stat.S_IFREG | 0o755, file.read()


def initrd(architecture, images, tree, path):
    """Writes the initramfs with what containers need behind it, and gives its path."""
    extra = list(members(architecture, tree))
    extra += [(f"containers/{name}", stat.S_IFREG | 0o755, text.encode()) for name, text in (("start", START), ("run", RUN))]
    for name in ("oci.tar", "docker.tar"):
        with open(f"{images}/{name}", "rb") as file:
            extra.append((f"containers/{name}", stat.S_IFREG | 0o644, file.read()))
    with open(f"{images}/initramfs.img", "rb") as file:
        first = file.read()
    with open(path, "wb") as out:
        out.write(first + bytes(-len(first) % 4))
        for number, (name, mode, data) in enumerate(extra, 1):
            out.write(entry(number, name, mode, data))
        out.write(entry(0, "TRAILER!!!", 0, b""))
    return path
