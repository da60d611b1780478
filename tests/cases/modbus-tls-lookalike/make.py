"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, adu, frames  # noqa: E402

# On a port that nobody registered, with transaction ids that read like the first octets of a TLS record.
for port, transaction in enumerate((0x1603, 0x0103, 0x0300), start=40000):
    stream = Stream(port, 5020)
    stream.ask(adu(transaction, "03 0064 0002"))
    stream.answer(adu(transaction, "03 04 0007 0009"))
# A TLS client hello on the registered port is no Modbus.
tls = Stream(41000, 502)
tls.ask(bytes.fromhex("1603010200010001fc0303") + bytes(range(64)))
tls.answer(bytes.fromhex("160303007a020000760303") + bytes(range(64)))
wrpcap("capture.pcap", frames)
