"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def data(connection, sequence, octets, declared=None):
    octets = bytes.fromhex(octets)
    length = len(octets) if declared is None else declared
    return struct.pack("<HHHIIHH", 2, 0x8002, 8, connection, sequence, 0xB1, length) + octets


for port in (2222, 12222):
    for sequence in (1, 2, 3):
        put(CLIENT, SERVER, UDP(sport=port, dport=port), data(0x80FE0017, sequence, f"0{sequence}00 01000000 ff00"))
        put(SERVER, CLIENT, UDP(sport=port, dport=port), data(0x00010002, sequence, f"0{sequence}00 0c08"))
put(CLIENT, SERVER, UDP(sport=2222, dport=2222), data(0x80FE0017, 4, "0400 01000000 ff00", declared=99))
wrpcap("capture.pcap", frames)
