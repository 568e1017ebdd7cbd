"""The other end of the network cable: what a machine that boots needs to find, and nothing else.

qemu hands over whole Ethernet frames as datagrams (`-netdev dgram`, qemu(1)), and gets the answers the same way: nothing of
it touches a network of the machine that builds. Answered are ARP (RFC 826), echo requests (RFC 792), DHCP (RFC 2131), and
DNS (RFC 1035) for one name.
"""

import os
import socket
import struct

MAC = bytes.fromhex("525400000202")
NETWORK = bytes([10, 0, 2])
ROUTER, NAMED, GUEST = (NETWORK + bytes([host]) for host in (2, 42, 15))
DOMAIN = b"repro.test"
NAME = b"name." + DOMAIN

ETHER = struct.Struct("!6s6sH")
IP = struct.Struct("!BBHHHBBH4s4s")
UDP = struct.Struct("!HHHH")


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(protocol, source, to, data):
    head = IP.pack(0x45, 0, IP.size + len(data), 0, 0, 64, protocol, 0, source, to)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data


def udp(source, to, ports, data):
    # No checksum: RFC 768 lets IPv4 leave it out.
    return ip(17, source, to, UDP.pack(*ports, UDP.size + len(data), 0) + data)


def arp(frame):
    operation, asker, asking, wanted = frame[20:22], frame[22:28], frame[28:32], frame[38:42]
    if operation != b"\0\1" or wanted[:3] != NETWORK or wanted == GUEST:
        return None
    return frame[14:20] + b"\0\2" + MAC + wanted + asker + asking


def dhcp(request):
    options, at = {}, 240
    while at < len(request) and request[at] != 255:
        if request[at] == 0:
            at += 1
            continue
        size = request[at + 1]
        options[request[at]] = request[at + 2:at + 2 + size]
        at += 2 + size
    answer = {b"\1": b"\2", b"\3": b"\5"}.get(options.get(53))
    if answer is None:
        return None
    head = b"\2" + request[1:4] + request[4:8] + bytes(8) + GUEST + ROUTER + bytes(4) + request[28:44] + bytes(192)
    text = request[236:240]
    for code, value in ((53, answer), (54, ROUTER), (51, b"\0\1\0\0"), (1, bytes([255, 255, 255, 0])), (3, ROUTER),
                        (6, ROUTER), (15, DOMAIN)):
        text += bytes([code, len(value)]) + value
    return udp(ROUTER, b"\xff" * 4, (67, 68), head + text + b"\xff")


def dns(query):
    """One question; the name's address, nothing of other kinds for the name, and no other name."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    kind, known = query[at + 1:at + 3], b".".join(labels).lower() == NAME
    found = known and kind == b"\0\1"
    flags = b"\x85\x80" if known else b"\x85\x83"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + NAMED if found else b""
    return query[:2] + flags + b"\0\1" + struct.pack("!H", found) + bytes(4) + query[12:at + 5] + answer


class Peer:
    def __init__(self, folder, name):
        self.here, self.there = f"{folder}/{name}.peer", f"{folder}/{name}.qemu"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.here)

    def arguments(self, card):
        ends = f"local.type=unix,local.path={self.there},remote.type=unix,remote.path={self.here}"
        return ["-netdev", f"dgram,id=net,{ends}", "-device", f"{card},netdev=net,romfile="]

    def answer(self):
        frame = self.socket.recv(65536)
        if len(frame) < ETHER.size:
            return
        _, guest, kind = ETHER.unpack_from(frame)
        answer = arp(frame) if kind == 0x0806 else self.packet(frame[14:]) if kind == 0x0800 else None
        if answer is None:
            return
        whole = ETHER.pack(guest, MAC, kind) + answer
        try:
            self.socket.sendto(whole + bytes(max(0, 60 - len(whole))), self.there)
        except OSError:
            # The machine has gone: what it shows says why.
            pass

    def packet(self, packet):
        head = IP.unpack_from(packet)
        size, protocol, source, to = (head[0] & 15) * 4, head[6], head[8], head[9]
        data = packet[size:head[2]]
        if protocol == 1 and data[:1] == b"\x08" and to[:3] == NETWORK:
            echo = b"\0\0\0\0" + data[4:]
            return ip(1, to, source, echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:])
        if protocol != 17:
            return None
        port, service = struct.unpack_from("!HH", data)
        if service == 67:
            return dhcp(data[8:])
        if service == 53 and to == ROUTER:
            return udp(ROUTER, source, (53, port), dns(data[8:]))
        return None

    def close(self):
        self.socket.close()
        for path in (self.here, self.there):
            if os.path.lexists(path):
                os.unlink(path)
