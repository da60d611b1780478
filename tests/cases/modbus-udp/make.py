"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, adu, frames, put  # noqa: E402


def datagram(ends, ports, payload):
    put(*ends, UDP(sport=ports[0], dport=ports[1]), payload)


for port in (502, 10502):  # the registered one, and another
    datagram((CLIENT, SERVER), (40000, port), adu(1, "03 0064 0002"))
    datagram((SERVER, CLIENT), (port, 40000), adu(1, "03 04 0007 0009"))
    datagram((CLIENT, SERVER), (40000, port), adu(2, "06 0001 0003"))
    datagram((SERVER, CLIENT), (port, 40000), adu(2, "06 0001 0003"))
datagram((CLIENT, SERVER), (40000, 502), adu(3, "10 0001 0002 04 000a 0102")[:13])  # cut short
datagram((CLIENT, SERVER), (40000, 502), adu(4, "11"))
datagram((SERVER, CLIENT), (502, 40000), adu(4, "91 01"))
wrpcap("capture.pcap", frames)
