"""What the S7 cases share: messages out of hexadecimal, packets around them, frames in a file."""

import struct

from scapy.all import Ether, IP, TCP, Raw, wrpcap

CLIENT, SERVER = ("10.0.0.5", "02:00:00:00:00:05"), ("10.0.0.30", "02:00:00:00:00:30")
START = 1767225600  # 2026-01-01T00:00:00Z
CONNECT = bytes.fromhex("03000016 11e00000000100 c0010a c1020100 c2020102")  # to rack 0, slot 2
CONFIRM = bytes.fromhex("03000016 11d00001000200 c0010a c1020100 c2020102")


def packet(user, last=True):
    """TPKT and a COTP data unit."""
    return struct.pack(">BBHBBB", 3, 0, len(user) + 7, 2, 0xF0, 0x80 if last else 0) + user


def message(rosctr, reference, parameters, data="", error=None):
    parameters, data = bytes.fromhex(parameters), bytes.fromhex(data)
    head = struct.pack(">BBHHHH", 0x32, rosctr, 0, reference, len(parameters), len(data))
    return head + (b"" if error is None else struct.pack(">H", error)) + parameters + data


def job(reference, parameters, data=""):
    return message(1, reference, parameters, data)


def answer(reference, parameters, data="", error=0):
    return message(3, reference, parameters, data, error)


def userdata(reference, parameters, data="0a000000"):
    return message(7, reference, parameters, data)


def any_item(transport, count, db, area, address):
    """An S7ANY item; the address counts bits, for counters and timers numbers."""
    return struct.pack(">BBBBHHB", 0x12, 10, 0x10, transport, count, db, area).hex() + f"{address:06x}"


class Capture:
    """A TCP connection with its COTP handshake, one frame per call."""

    def __init__(self, client_port=50000):
        self.port, self.next, self.frames = client_port, [1000, 2000], []
        self.send(0, CONNECT)
        self.send(1, CONFIRM)

    def ask(self, unit):
        self.send(0, packet(unit))

    def answer(self, unit):
        self.send(1, packet(unit))

    def send(self, side, payload):
        source, target = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        ports = (self.port, 102) if side == 0 else (102, self.port)
        segment = TCP(sport=ports[0], dport=ports[1], flags="PA", seq=self.next[side], ack=self.next[1 - side])
        frame = Ether(src=source[1], dst=target[1]) / IP(src=source[0], dst=target[0]) / segment / Raw(payload)
        frame.time = START + len(self.frames) / 100
        self.next[side] += len(payload)
        self.frames.append(frame)

    def write(self):
        wrpcap("capture.pcap", self.frames)
