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


def save():
    with open("capture.pcap", "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n, frame in enumerate(frames):
            out.write(struct.pack("<IIII", START + n // 100, n % 100 * 10000, len(frame), len(frame)) + frame)


PORTS = (47808, 47808)


def npdu(side, apdu, function=0x0A, before=b"\x01\x04"):
    content = before + bytes.fromhex(apdu)
    udp(side, struct.pack(">BBH", 0x81, function, 4 + len(content)) + content, PORTS)


EXCHANGES = [
    ("00 00 01 0c 0c 00000005 19 55", "30 01 0c 0c 00000005 19 55 3e 44 4290999a 3f"),  # read property (F.3.5)
    ("00 04 59 0f 0c 00800001 19 55 3e 44 43340000 3f 49 08", "20 59 0f"),  # write property at priority 8 (F.3.8)
    ("00 04 5a 0f 0c 00400001 19 55 3e 00 3f 49 08", "20 5a 0f"),  # the command is given up
    ("00 04 07 0e 0c 02000008 1e 09 4c 19 02 09 1c 1f", "30 07 0e 0c 02000008 1e 29 4c 39 02 4e c4 00000001 4f 29 1c 5e 91 02 91 20 5f 1f"),
    ("00 04 01 10 0c 00800005 1e 09 55 2e 44 42860000 2f 1f 0c 00800006 1e 09 55 2e 44 42860000 2f 1f", "20 01 10"),
    ("00 02 00 06 c4 02800001 0e 31 00 21 1b 0f", "30 00 06 10 0e 31 00 65 05 4368696c6c 0f"),  # atomic read file (F.2.1)
    ("00 04 02 14 09 01 1d 09 00 4162436445664768", "20 02 14"),  # warm start (F.4.4)
    ("00 04 05 11 09 05 19 01 2d 08 00 23656762646621", "50 05 11 91 04 91 1a"),  # communication disabled, refused (F.4.1)
    ("00 04 57 0b c4 02c00006", "60 57 09"),  # delete object, rejected
]
for question, answer in EXCHANGES:
    npdu(0, question)
    npdu(1, answer)
npdu(0, "10 08", 0x0B, bytes.fromhex("0120ffff00ff"))  # who is
npdu(1, "10 00 c4 02000001 22 01e0 91 00 21 63", 0x0B, bytes.fromhex("0120ffff00ff"))  # I am
npdu(0, "10 06 a4 7e0101 04 b4 00000000")  # time synchronization
for segment in ("3c 09 00 04 0c 0c 00000005 19 55 3e", "3c 09 01 04 0c 44 4290", "38 09 02 04 0c 999a 3f"):
    npdu(1, segment)
npdu(0, "40 09 02 04")  # segments acknowledged
npdu(0, "", 0x0B, bytes.fromhex("0180 00"))  # who is router to network
udp(0, bytes.fromhex("81050006003c"), PORTS)  # register foreign device
udp(0, bytes.fromhex("8101000ec0a80102bac0ffffffff"), PORTS)  # write broadcast distribution table
npdu(0, "00 04 01 0f 0c 0080")  # the object identifier is cut short
save()
