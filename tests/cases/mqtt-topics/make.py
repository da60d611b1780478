"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=1883)
ask, answer = stream.ask, stream.answer
ask(b"\x10\x18\0\x04MQTT\x04\xc2\0\x3c\0\x02c1\0\x03ops\0\x03pwd")
answer(b"\x20\x02\0\0")
ask(b"\x82\x0f\0\x01\0\x03a/b\0\0\x04cell\x01")
answer(b"\x90\x04\0\x01\0\x01")
ask(b"\x31\x08\0\x04cell42")
answer(b"\x30\xc4\x13\0\x02up" + b"0" * 1000)
answer(b"0" * 1496 + b"\xd0\0")
ask(b"\xc0\0\xe0\0")
wrpcap("capture.pcap", frames)
