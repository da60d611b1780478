"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=21)
ask, answer = stream.ask, stream.answer
answer(b"220-Welcome\r\n to the FTP of cell 4\r\n")
answer(b"220 Ready\r\n")
for question, reply in (
    ("USER ops", "331 Password required"),
    ("PASS guess", "530 Login incorrect."),
    ("USER ops", "331 Password required"),
    ("PASS right", "230 Logged in."),
    ("TYPE I", "200 Type set."),
    ("STOR plc.bin", "226 Transfer complete."),
    ("DELE old.bin", "250 Deleted."),
    ("XYZZY", "500 Unknown command."),
    ("QUIT", "221 Goodbye."),
):
    ask(question.encode() + b"\r\n")
    answer(reply.encode() + b"\r\n")
wrpcap("capture.pcap", frames)
