"""Sends TCP segments to the server in every wrapping: frames_send.py MAC CLIENT4 SERVER4 CLIENT6 SERVER6."""
import ipaddress
import socket
import struct
import sys

mac = bytes.fromhex(sys.argv[1].replace(":", ""))
addresses = [ipaddress.ip_address(word).packed for word in sys.argv[2:6]]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
own = wire.getsockname()[4]
STACKS = {
    "plain": [],
    "q": [0x8100],
    "ad": [0x88A8],
    "old": [0x9100],
    "ad-q": [0x88A8, 0x8100],
    "q-q": [0x8100, 0x8100],
    "old-q": [0x9100, 0x8100],
}


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source, destination, mark):
    head = struct.pack("!HHIIBBHHH", source, destination, 1, 1, 0x50, 0x18, 4096, 0, 0)
    return head + mark


def ip4(client, server, body, options):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(body), 1, 0, 64, 6, 0) + client + server + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip6(client, server, body):
    return struct.pack("!IHBB", 0x60000000, len(body), 6, 64) + client + server + body


for name, tags in STACKS.items():
    wrapping = b"".join(struct.pack("!HH", tag, 10 + n) for n, tag in enumerate(tags))
    for port in (502, 80):
        for kind in ("ip4", "options", "ip6"):
            mark = f"FWQ:{name}/{kind}/{port};".encode()
            body = segment(40000, port, mark)
            if kind == "ip6":
                ethertype, packet = 0x86DD, ip6(addresses[2], addresses[3], body)
            else:
                options = b"\x01" * 8 if kind == "options" else b""
                ethertype, packet = 0x0800, ip4(addresses[0], addresses[1], body, options)
            wire.send(mac + own + wrapping + struct.pack("!H", ethertype) + packet)
