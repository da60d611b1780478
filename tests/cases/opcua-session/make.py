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


HEADER = bytes.fromhex("0000" + "00" * 8 + "00000000 00000000 ffffffff 00000000 000000")
RESULT = {"good": "00000000", "refused": "00000b80"}


def text(value):
    return struct.pack("<i", len(value)) + value.encode()


def chunk(front, body):
    return front + struct.pack("<I", 8 + len(body)) + body


def secured(request, body, front=b"MSGF"):
    return chunk(front, struct.pack("<IIII", 7, 1, request, request) + body)


def question(service, parameters):
    return struct.pack("<BBH", 1, 0, service) + HEADER + bytes.fromhex(parameters)


def answer(service, parameters, result="good"):
    head = bytes(12) + bytes.fromhex(RESULT[result]) + bytes.fromhex("00 00000000 000000")
    return struct.pack("<BBH", 1, 0, service) + head + bytes.fromhex(parameters)


def opening(policy, rest):
    return chunk(b"OPNF", bytes(4) + text(policy) + b"\xff" * 8 + rest)


NONE = "http://opcfoundation.org/UA/SecurityPolicy#None"
BASIC = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256"
READ = "0000000000000000 02000000 02000000 01 02 e903 0d000000 ffffffff 0000 ffffffff 01 00 d208 11000000 ffffffff 0000 ffffffff"
WRITE = "02000000 01 02 e903 0d000000 ffffffff 01 06 2a000000 03 0300 04000000 50756d70 0d000000 ffffffff 01 0b 000000000000f83f"
USER = "ffffffff ffffffff 00000000 00000000 01 00 4401 01 17000000 01000000 30 05000000 616c696365 01000000 78 ffffffff"
ITEMS = "05000000 02000000 01000000 01 02 e903 0d000000 ffffffff 0000 ffffffff 02000000 63000000 0000000000000000 000000 0a000000 01"
PUBLISHED = "05000000 00000000 00 01000000 0000000000000000 01000000 01 00 2b03 01 12000000 01000000 63000000 01 06 05000000 00000000"

plain = Tcp((40000, 4840))
plain.say(0, chunk(b"HELF", struct.pack("<IIIII", 0, 65536, 65536, 0, 0) + text("opc.tcp://plc:4840")))
plain.say(1, chunk(b"ACKF", struct.pack("<IIIII", 0, 65536, 65536, 0, 0)))
plain.say(0, opening(NONE, struct.pack("<II", 1, 1) + question(446, "00000000 00000000 01000000 ffffffff 80ee3600")))
plain.say(0, secured(2, question(467, USER)))
plain.say(0, secured(3, question(631, READ)))
plain.say(1, secured(3, answer(634, "02000000 01 05 4d00 02 00001f80 00000000")))
write = question(673, WRITE)
both = secured(4, write[:20], b"MSGC") + secured(4, write[20:])
plain.say(0, both[:50])
plain.say(0, both[50:])
plain.say(1, secured(4, answer(676, "02000000 00000000 00003b80 00000000")))
plain.say(0, secured(5, question(712, "01000000 01 02 0100 01 02 0200 02000000 06 07000000 01 01")))
plain.say(1, secured(5, answer(397, "", "refused")))
plain.say(0, secured(6, question(751, ITEMS)))
plain.say(1, secured(7, answer(829, PUBLISHED)))
plain.say(0, secured(8, write[:20], b"MSGC"))
plain.say(0, secured(8, bytes.fromhex("00000b80 ffffffff"), b"MSGA"))
plain.say(0, secured(9, question(673, WRITE)[:-9]))
plain.say(1, chunk(b"ERRF", bytes.fromhex("00000780") + text("malformed")))
hidden = Tcp((40001, 4840))
hidden.say(0, opening(BASIC, b"\x5a" * 64))
hidden.say(0, chunk(b"MSGF", struct.pack("<II", 7, 1) + b"\xa5" * 48))
save()
