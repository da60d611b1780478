"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=3389)
ask, answer = stream.ask, stream.answer
ask(b"\x03\0\0\x29\x24\xe0\0\0\0\0\0Cookie: mstshash=ops\r\n\x01\0\x08\0\x03\0\0\0")
answer(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x03\0\x08\0\x02\0\0\0")
wrpcap("capture.pcap", frames)
