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


def message(command, flags, invoke, data, port=851):
    data = bytes.fromhex(data)
    plc, client = bytes.fromhex("050d75600101") + struct.pack("<H", port), bytes.fromhex("c0a801c70101 1080")
    ends = client + plc if flags & 1 else plc + client
    ams = ends + struct.pack("<HHIII", command, flags, len(data), 0, invoke) + data
    return struct.pack("<HI", 0, len(ams)) + ams


stream = Tcp((40000, 48898))
EXCHANGES = [
    (1, "", "00000000 03 01 4c04 506c63333020417070000000000000"),  # device information
    (2, "20400000 04000000 04000000", "00000000 04000000 2a000000"),  # read
    (3, "20400000 08000000 02000000 0700", "00000000"),  # write
    (3, "20400000 08000000 02000000 0700", "05070000"),  # refused: access denied
    (9, "03f00000 00000000 04000000 09000000 4d41494e2e78706100", "00000000 04000000 2a000000"),  # handle by name
    (6, "20400000 04000000 02000000 04000000 00000000 10270000" + "00" * 16, "00000000 63000000"),  # add notification
    (5, "0600 0000 00000000", "00000000"),  # stop
    (4, "", "00000000 0600 0000"),  # read state
    (5, "0500 0000 00000000", "00000000"),  # run
]
for invoke, (command, question, answer) in enumerate(EXCHANGES, start=1):
    stream.say(0, message(command, 4, invoke, question))
    stream.say(1, message(command, 5, invoke, answer))
stream.say(1, message(8, 4, 0, "1e000000 01000000 0000000000000000 01000000 63000000 02000000 0900"))
whole = message(3, 4, 20, "7b000000 00000000 02000000 4142", 10000)  # file write
stream.say(0, whole[:20])
stream.say(0, whole[20:])
stream.say(0, message(2, 4, 21, "20400000"))  # too short
route = "03661471 00000000 06000000 c0a801c70101 1027 03000000 0c00 0300 504300 0d00 0600 41646d696e00 0200 0200 3100"
udp(0, bytes.fromhex(route), (48899, 48899))
save()
