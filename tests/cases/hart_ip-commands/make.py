"""Makes capture.pcap. Needs Python alone; run it in this folder."""

import struct

CLIENT, SERVER = (bytes([10, 0, 0, 5]), bytes.fromhex("020000000005")), (bytes([10, 0, 0, 20]), bytes.fromhex("020000000020"))
START = 1767225600  # 2026-01-01T00:00:00Z
frames = []


def put(sender, receiver, protocol, payload):
    """A frame: Ethernet, IPv4 with its checksum, then what TCP or UDP made."""
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), len(frames), 0, 64, protocol, 0, sender[0], receiver[0])
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    header = header[:10] + struct.pack(">H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) + header[12:]
    frames.append(receiver[1] + sender[1] + b"\x08\x00" + header + payload)


def udp(side, octets, ports):
    """A datagram without a checksum, from the client (0) or the server (1)."""
    ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
    source, destination = ports if side == 0 else ports[::-1]
    put(*ends, 17, struct.pack(">HHHH", source, destination, 8 + len(octets), 0) + octets)


class Tcp:
    """A connection without its handshake; checksums are left out."""

    def __init__(self, ports):
        self.ports, self.next = ports, [1000, 2000]

    def say(self, side, octets):
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        source, destination = self.ports if side == 0 else self.ports[::-1]
        header = struct.pack(">HHIIBBHHH", source, destination, self.next[side], self.next[1 - side], 0x50, 0x18, 8192, 0, 0)
        put(*ends, 6, header + octets)
        self.next[side] += len(octets)


def save():
    with open("capture.pcap", "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n, frame in enumerate(frames):
            out.write(struct.pack("<IIII", START + n // 100, n % 100 * 10000, len(frame), len(frame)) + frame)


PORTS = (50000, 5094)


def message(kind, identifier, sequence, body):
    return struct.pack(">BBBBHH", 1, kind, identifier, 0, sequence, 8 + len(body)) + body


def frame(delimiter, command, data):
    octets = bytes([delimiter]) + bytes.fromhex("264e0000d2") + bytes([command, len(data)]) + data
    check = 0
    for octet in octets:
        check ^= octet
    return octets + bytes([check])


udp(0, message(0, 0, 1, bytes.fromhex("01 00007530")), PORTS)
udp(1, message(1, 0, 1, bytes.fromhex("01 00007530")), PORTS)
EXCHANGES = [
    (0, "", "0000 fe 264e 05 07 01 0e 0c 00 00d2d2d2"),
    (3, "", "0000 41400000 20 41c80000 fa 3f800000"),
    (35, "20 42c80000 00000000", "0000 20 42c80000 00000000"),
    (40, "41400000", "0000 41400000"),
    (42, "", "1000"),
    (79, "03 01 20 41c80000 c0", "0000 03 01 20 41c80000 c0"),
]
for sequence, (command, question, answer) in enumerate(EXCHANGES, start=2):
    udp(0, message(0, 3, sequence, frame(0x82, command, bytes.fromhex(question))), PORTS)
    udp(1, message(1, 3, sequence, frame(0x86, command, bytes.fromhex(answer))), PORTS)
udp(1, message(2, 3, 9, frame(0x81, 1, bytes.fromhex("0000 20 41c80000"))), PORTS)
udp(0, message(0, 3, 10, frame(0x82, 0, b"")[:-1] + b"\x55"), PORTS)
udp(0, message(0, 1, 11, b""), PORTS)
stream = Tcp((40000, 5094))
stream.say(0, message(0, 3, 1, frame(0x82, 1, b"")) + message(0, 3, 2, frame(0x82, 2, b"")))
whole = message(0, 3, 3, frame(0x82, 48, b""))
stream.say(0, whole[:9])
stream.say(0, whole[9:])
save()
