"""What the cases of telecontrol protocols share: a TCP conversation or datagrams between two stations, written to a file."""

import socket
import struct

CLIENT, SERVER = ("10.0.0.5", "020000000005"), ("10.0.0.30", "020000000030")
START = 1767225600  # 2026-01-01T00:00:00Z


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


class Capture:
    """Frames 10 ms apart; each is a segment, or a datagram, of the octets given."""

    def __init__(self, port, udp=False):
        self.port, self.udp, self.frames, self.sent = port, udp, [], {True: 1, False: 1}

    def put(self, asks, octets):
        ends = (CLIENT, SERVER) if asks else (SERVER, CLIENT)
        (source, mac), (to, to_mac) = ends
        ports = (50000, self.port) if asks else (self.port, 50000)
        addresses = socket.inet_aton(source) + socket.inet_aton(to)
        if self.udp:
            head = struct.pack(">HHHH", *ports, len(octets) + 8, 0)
            number, place = 17, 6
        else:
            head = struct.pack(">HHIIBBHHH", *ports, self.sent[asks], self.sent[not asks], 0x50, 0x18, 8192, 0, 0)
            number, place = 6, 16
            self.sent[asks] += len(octets)
        whole = head + octets
        total = checksum(addresses + struct.pack(">BBH", 0, number, len(whole)) + whole)
        whole = whole[:place] + struct.pack(">H", total) + whole[place + 2 :]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(whole), len(self.frames) + 1, 0x4000, 64, number, 0) + addresses
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        self.frames.append(bytes.fromhex(to_mac + mac + "0800") + ip + whole)

    def ask(self, octets):
        self.put(True, octets)

    def answer(self, octets):
        self.put(False, octets)

    def write(self, name="capture.pcap"):
        with open(name, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for n, frame in enumerate(self.frames, 1):
                file.write(struct.pack("<IIII", START + n // 100, n % 100 * 10000, len(frame), len(frame)) + frame)
