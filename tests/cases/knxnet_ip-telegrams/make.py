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


PORTS = (50000, 3671)


def say(side, service, body):
    octets = bytes.fromhex(body)
    udp(side, struct.pack(">HHH", 0x0610, service, 6 + len(octets)) + octets, PORTS)


HERE = "08 01 0a000005 c350 "
say(0, 0x0201, HERE)
say(0, 0x0205, HERE + HERE + "04 04 02 00")
say(1, 0x0206, "05 00 08 01 0a000014 0e57 04 04 1101")
TELEGRAMS = [
    "11 00 bc e0 0000 0a03 01 0081",  # 1/2/3 on
    "11 00 bc e0 0000 0a04 03 0080 0c65",  # 1/2/4, two octets
    "11 00 bc e0 0000 0a03 01 0000",  # read 1/2/3
    "29 00 bc e0 1105 0a03 01 0041",  # 1.1.5 answers: on
    "11 00 b0 60 0000 1105 06 4283 0100 aabbcc",  # memory write
    "11 00 b0 60 0000 1105 06 43d7 00 36 10 01 01",  # property value write
    "11 00 b0 60 0000 1105 01 4380",  # restart
    "11 00 bc e0 0000 0a03 09 0081",  # cut short
]
for number, telegram in enumerate(TELEGRAMS):
    say(0, 0x0420, f"04 05 {number:02x} 00 {telegram}")
    say(1, 0x0421, f"04 05 {number:02x} 00")
say(0, 0x0310, "04 05 01 00 f6 000b 01 34 1001 0f")
say(1, 0x0530, "29 00 bc d0 1105 0a03 01 0080")
say(0, 0x0743, "01 02")
say(0, 0x0209, "05 00 " + HERE)
save()
