"""Frames of one flow in a file: what cases that need no more than that share."""

from scapy.all import IP, TCP, UDP, Ether, Raw, wrpcap

CLIENT, SERVER = ("10.0.0.5", "02:00:00:00:00:05"), ("10.0.0.30", "02:00:00:00:00:30")
START = 1767225600  # 2026-01-01T00:00:00Z


class Capture:
    """A TCP connection or a pair of UDP ports, one frame per call."""

    def __init__(self, port, transport=TCP, client_port=50000):
        self.ports, self.transport, self.next, self.frames = (client_port, port), transport, [1000, 2000], []

    def ask(self, payload):
        self.send(0, payload)

    def answer(self, payload):
        self.send(1, payload)

    def send(self, side, payload):
        payload = bytes.fromhex(payload) if isinstance(payload, str) else payload
        source, target = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        sport, dport = self.ports if side == 0 else self.ports[::-1]
        if self.transport is UDP:
            segment = UDP(sport=sport, dport=dport)
        else:
            segment = TCP(sport=sport, dport=dport, flags="PA", seq=self.next[side], ack=self.next[1 - side])
        frame = Ether(src=source[1], dst=target[1]) / IP(src=source[0], dst=target[0]) / segment / Raw(payload)
        frame.time = START + len(self.frames) / 100
        self.next[side] += len(payload)
        self.frames.append(frame)

    def write(self):
        wrpcap("capture.pcap", self.frames)
