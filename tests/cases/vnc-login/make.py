"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=5900)
ask, answer = stream.ask, stream.answer
answer(b"RFB 003.008\n")
ask(b"RFB 003.008\n")
answer(b"\x02\x02\x01")
ask(b"\x02")
answer(bytes(range(16)))
ask(bytes(range(16)))
answer(b"\0\0\0\x01\0\0\0\x04oops")
wrpcap("capture.pcap", frames)
