"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=23)
ask, answer = stream.ask, stream.answer
answer(b"\xff\xfd\x18\xff\xfd\x20cell 4\r\nlogin: ")
ask(b"\xff\xfc\x18\xff\xfa\x20\x0038400\xff\xf0")
for octet in b"opz\x7fs\r":
    ask(bytes([octet]))
answer(b"ops\r\nPassword: ")
ask(b"guess\r\0")
answer(b"\r\nLogin incorrect\r\nlogin: ")
ask(b"ops\r\n")
answer(b"ops\r\nPassword: ")
ask(b"right\r\n")
answer(b"\r\n$ ")
ask(b"reboot\r\n")
wrpcap("capture.pcap", frames)
