"""A Modbus connection in a capture file, made with the standard library alone."""

import struct

CLIENT, SERVER = (bytes([10, 0, 0, 5]), bytes.fromhex("020000000005")), (bytes([10, 0, 0, 30]), bytes.fromhex("020000000030"))
START = 1767225600  # 2026-01-01T00:00:00Z


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Connection:
    """One frame per call, 10 ms apart."""

    def __init__(self):
        self.next, self.transaction, self.frames = [1000, 2000], 0, []

    def exchange(self, question, answer):
        self.transaction += 1
        for side, pdu in enumerate((question, answer)):
            self.send(side, struct.pack(">HHHB", self.transaction, 0, len(pdu) + 1, 1) + pdu)

    def write(self, register, value):
        pdu = struct.pack(">BHH", 6, register, value)
        self.exchange(pdu, pdu)

    def switch(self, coil, on):
        pdu = struct.pack(">BHH", 5, coil, 0xFF00 if on else 0)
        self.exchange(pdu, pdu)

    def send(self, side, payload):
        source, target = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        ports = (50000, 502) if side == 0 else (502, 50000)
        segment = struct.pack(">HHIIHHHH", *ports, self.next[side], self.next[1 - side], 0x5018, 8192, 0, 0) + payload
        pseudo = source[0] + target[0] + struct.pack(">HH", 6, len(segment))
        segment = segment[:16] + struct.pack(">H", checksum(pseudo + segment)) + segment[18:]
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0, 64, 6, 0) + source[0] + target[0]
        header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
        self.next[side] += len(payload)
        self.frames.append(target[1] + source[1] + b"\x08\x00" + header + segment)

    def save(self):
        with open("capture.pcap", "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for n, frame in enumerate(self.frames):
                file.write(struct.pack("<IIII", START + n // 100, n % 100 * 10_000, len(frame), len(frame)) + frame)
