"""A TCP or UDP conversation between a client and a server, written as a capture. Needs nothing but Python."""

import struct

CLIENT, SERVER = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2])
CLIENT_IP, SERVER_IP = bytes([10, 0, 0, 5]), bytes([10, 0, 0, 20])
SYN, ACK, PUSH = 2, 16, 8


class Conversation:
    """Octets are given as hexadecimal, or as they are. Several conversations may go into one capture: `write` takes them."""

    frames = []
    time = 1_767_323_045_000_000

    def __init__(self, port, client_port=49152, transport="tcp"):
        self.ports, self.transport = (client_port, port), transport
        self.next = [1_000, 5_000]
        if transport == "tcp":
            self._tcp(0, b"", SYN)
            self._tcp(1, b"", SYN | ACK)
            self._tcp(0, b"", ACK)

    def ask(self, octets):
        """The client sends a segment, or a datagram."""
        self._say(0, octets)

    def answer(self, octets):
        """The server does."""
        self._say(1, octets)

    @staticmethod
    def write(path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
            for time, frame in Conversation.frames:
                file.write(struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(frame), len(frame)) + frame)

    def _say(self, side, octets):
        octets = bytes.fromhex(octets) if isinstance(octets, str) else octets
        if self.transport == "tcp":
            self._tcp(side, octets, PUSH | ACK)
            return
        header = struct.pack(">HHHH", self.ports[side], self.ports[1 - side], len(octets) + 8, 0)
        self._ip(side, 17, header + octets, 6)

    def _tcp(self, side, octets, flags):
        acknowledged = self.next[1 - side] if flags & ACK else 0
        ports = self.ports[side], self.ports[1 - side]
        header = struct.pack(">HHIIBBHHH", *ports, self.next[side], acknowledged, 5 << 4, flags, 64_240, 0, 0)
        self.next[side] += len(octets) + (1 if flags & SYN else 0)
        self._ip(side, 6, header + octets, 16)

    def _ip(self, side, protocol, above, check_at):
        ips = (CLIENT_IP + SERVER_IP, SERVER_IP + CLIENT_IP)[side]
        macs = (SERVER + CLIENT, CLIENT + SERVER)[side]
        check = checksum(ips + struct.pack(">BBH", 0, protocol, len(above)) + above)
        above = above[:check_at] + check + above[check_at + 2 :]
        header = struct.pack(">BBHHHBBH", 0x45, 0, len(above) + 20, len(Conversation.frames), 0x4000, 64, protocol, 0) + ips
        header = header[:10] + checksum(header) + header[12:]
        Conversation.time += 10_000
        Conversation.frames.append((Conversation.time, macs + b"\x08\x00" + header + above))


def checksum(octets):
    """RFC 1071."""
    octets += b"\x00" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)
