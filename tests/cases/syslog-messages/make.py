"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def ask(payload, port=514):
    put(CLIENT, SERVER, UDP(sport=40000, dport=port), payload)


def answer(payload, port=514):
    put(SERVER, CLIENT, UDP(sport=port, dport=40000), payload)


ask(b"<34>1 2026-01-01T00:00:00Z plc7 su - - - 'su root' failed\n")
ask(b"<13>Jan  1 00:00:00 plc7 heartbeat")
ask(b"<192>no priority")
wrpcap("capture.pcap", frames)
