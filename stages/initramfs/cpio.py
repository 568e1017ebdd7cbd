"""Writes a tree as a cpio archive of the kind that Linux unpacks at boot.

    cpio.py ROOT MANIFEST OUT

Format: newc (Linux Documentation/driver-api/early-userspace/buffer-format.rst), entries in the manifest's order, which
has each folder before what is in it. Times are SOURCE_DATE_EPOCH, inode numbers count from 1, there are no hard links.
Every file's digest and size are compared with the manifest's on the way.
"""

import hashlib
import os
import sys

FORMAT = {"d": 0o040000, "f": 0o100000, "l": 0o120000, "c": 0o020000, "b": 0o060000}
END = "TRAILER!!!"


def padding(length):
    return bytes(-length % 4)


def header(name, data, inode, mode=0, user=0, group=0, links=1, time=0, device=(0, 0)):
    encoded = name.encode() + b"\0"
    fields = [inode, mode, user, group, links, time, len(data), 0, 0, *device, len(encoded), 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return head + padding(len(head))


def content(root, line):
    kind, _, _, _, digest, extra, path = line
    if kind == "l":
        return extra.encode()
    if kind != "f":
        return b""
    with open(root + path, "rb") as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != digest or str(len(data)) != extra:
        sys.exit(f"cpio: `{path}` is not the file that the manifest lists")
    return data


def write(root, manifest, out):
    time = int(os.environ["SOURCE_DATE_EPOCH"])
    with open(manifest, encoding="utf-8") as lines:
        entries = [line.rstrip("\n").split(" ") for line in lines]
    with open(out, "wb") as file:
        for inode, line in enumerate(entries, 1):
            kind, mode, user, group, _, extra, path = line
            data = content(root, line)
            device = tuple(map(int, extra.split(":"))) if kind in "cb" else (0, 0)
            links = 2 if kind == "d" else 1
            file.write(header(path[1:] or ".", data, inode, FORMAT[kind] | int(mode, 8), int(user), int(group), links,
                              time, device))
            file.write(data + padding(len(data)))
        file.write(header(END, b"", 0))
        # Readers take whole blocks of 512 bytes.
        file.write(bytes(-file.tell() % 512))
    print(f"{len(entries)} entries")


if __name__ == "__main__":
    write(*sys.argv[1:])
