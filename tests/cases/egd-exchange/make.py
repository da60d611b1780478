"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def data(request, producer, exchange, octets, kind=13, nanoseconds=500_000_000):
    head = struct.pack("<BBH4sIIIIII", kind, 1, request, bytes(producer), exchange, 1767225600, nanoseconds, 2, 0, 0)
    return head + bytes.fromhex(octets)


for port in (18246, 28246):
    for request in (1, 2):
        put(CLIENT, SERVER, UDP(sport=port, dport=port), data(request, (10, 0, 0, 5), 1, "a9000000cdcc0442"))
put(SERVER, CLIENT, UDP(sport=18246, dport=18246), data(7, (10, 0, 0, 20), 3, "01"))
put(CLIENT, SERVER, UDP(sport=18246, dport=18246), data(3, (10, 0, 0, 5), 1, "", kind=33))
put(CLIENT, SERVER, UDP(sport=18246, dport=18246), data(4, (10, 0, 0, 5), 1, "a9", nanoseconds=2_000_000_000))
wrpcap("capture.pcap", frames)
