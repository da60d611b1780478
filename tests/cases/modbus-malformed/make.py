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
stream.ask(adu(1, "03 0000 0001"))
stream.answer(adu(1, "03 02 0007"))
FAULTS = [
    "03 0000 0000",  # nothing to read
    "03 0000 007e",  # 126 registers, one too many
    "01 0000 07d1",  # 2001 coils, one too many
    "0f 0000 07b1 f6",  # 1969 coils, one too many, and none there
    "03 ffff 0002",  # past the last address
    "03 0000",  # too short
    "03 0000 0001 00",  # too long
    "05 0001 1234",  # neither on nor off
    "0f 0000 000a 01 ff",  # ten coils in one octet
    "10 0000 0002 04 0001",  # four octets announced, two there
    "10 0000 0001 04 0001 0002",  # one register in four octets
    "14 07 05 0001 0000 0001",  # reference type 5
    "2b 0e 05 00",  # identification code 5
    "00",  # function 0
    "83 02",  # an exception as a question
]
for transaction, pdu in enumerate(FAULTS, start=2):
    stream.ask(adu(transaction, pdu))
stream.ask(adu(30, "03 0000 0001", protocol=9))  # unknown protocol id
for transaction, length in ((31, 0), (32, 1), (33, 255), (34, 65535)):  # lengths that cannot be
    stream.ask(adu(transaction, "03 0005 0001", length=length))
    stream.ask(adu(transaction + 10, "06 0001 0003"))  # and the next message is found
# Answers that do not fit their question.
for transaction, question, answer in (
    (51, "03 0000 0002", "03 02 0001"),
    (52, "10 0001 0001 02 0001", "10 0001 0002"),
    (53, "03 0000 0001", "04 02 0001"),
):
    stream.ask(adu(transaction, question))
    stream.answer(adu(transaction, answer))
stream.answer(adu(99, "03 02 0001"))  # nobody asked
wrpcap("capture.pcap", frames)
