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


def message(protocol, kind, service, body, length=None):
    body = bytes.fromhex(body)
    size = 20 + len(body) if length is None else length
    return struct.pack(">BBBBII", 1, 0xC0, protocol << 2 | kind, service, 0x012F0001, size) + body + struct.pack(">II", 5, 9)


SESSION, FIELD, MANAGEMENT = (50000, 1090), (50001, 1090), (50002, 1091)
udp(0, message(1, 0, 0x81, "00000000"), SESSION)
udp(1, message(1, 1, 0x81, "00000000"), SESSION)
udp(0, message(2, 0, 0x01, "00"), MANAGEMENT)
udp(0, message(2, 0, 0x8C, "00"), MANAGEMENT)
for kind, service, body in [
    (0, 0x82, "00000005"),  # read
    (1, 0x82, "01020304"),
    (0, 0x83, "00000005 aabb"),  # write
    (1, 0x83, ""),
    (0, 0xD3, "00000005 00000002 aabb"),  # write with subindex
    (2, 0xD3, "00000007"),  # error
    (0, 0x89, "00000001"),  # initiate download sequence
    (0, 0x94, "00000001"),  # stop
    (0, 0x00, "00000005 01"),  # information report
]:
    udp(kind != 0, message(3, kind, service, body), FIELD)
udp(0, message(3, 0, 0x82, "00000005", 99), FIELD)
save()
