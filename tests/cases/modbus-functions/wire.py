"""What the Modbus cases share: ADUs out of hexadecimal, a connection around them, frames in a list."""

import struct

from scapy.all import Ether, IP, TCP, Raw

CLIENT, SERVER = ("10.0.0.5", "02:00:00:00:00:05"), ("10.0.0.20", "02:00:00:00:00:20")
START = 1767225600  # 2026-01-01T00:00:00Z
frames = []


def adu(transaction, pdu, unit=1, protocol=0, length=None):
    pdu = bytes.fromhex(pdu)
    return struct.pack(">HHHB", transaction, protocol, length if length is not None else len(pdu) + 1, unit) + pdu


def put(sender, receiver, layer, payload):
    frame = Ether(src=sender[1], dst=receiver[1]) / IP(src=sender[0], dst=receiver[0]) / layer / Raw(payload)
    frame.time = START + len(frames) / 100
    frames.append(frame)


class Stream:
    """A TCP connection without its handshake."""

    def __init__(self, client_port=40000, server_port=502):
        self.ports, self.next = (client_port, server_port), [1000, 2000]

    def ask(self, payload):
        self.send(0, payload)

    def answer(self, payload):
        self.send(1, payload)

    def send(self, side, payload):
        ends, ports = ((CLIENT, SERVER), self.ports) if side == 0 else ((SERVER, CLIENT), self.ports[::-1])
        put(*ends, TCP(sport=ports[0], dport=ports[1], flags="PA", seq=self.next[side], ack=self.next[1 - side]), payload)
        self.next[side] += len(payload)
