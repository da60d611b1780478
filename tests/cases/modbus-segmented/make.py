"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct

from scapy.all import Ether, IP, TCP, UDP, Raw, wrpcap

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


stream = Stream()
write = adu(1, "10 0064 0003 06 0001 0002 0003")
for place in range(0, len(write), 5):  # one message in four segments
    stream.ask(write[place : place + 5])
stream.answer(adu(1, "10 0064 0003"))
# Four questions in one segment, to two units under repeated transaction ids.
questions = [(2, 1, "03 0000 0001"), (2, 2, "03 0064 0001"), (3, 1, "04 00c8 0001"), (4, 1, "06 0007 0008")]
stream.ask(b"".join(adu(transaction, pdu, unit) for transaction, unit, pdu in questions))
# Their answers in another order, the segment ending within the last.
answers = [(3, 1, "04 02 0003"), (2, 2, "03 02 0002"), (4, 1, "06 0007 0008"), (2, 1, "03 02 0001")]
octets = b"".join(adu(transaction, pdu, unit) for transaction, unit, pdu in answers)
stream.answer(octets[:-4])
stream.answer(octets[-4:])
# Three questions under one transaction id, as some clients ask.
for pdu in ("06 0004 09c4", "06 0004 0000", "06 0005 36c1"):
    stream.ask(adu(504, pdu))
for pdu in ("06 0004 09c4", "06 0004 0000", "06 0005 36c1"):
    stream.answer(adu(504, pdu))
wrpcap("capture.pcap", frames)
