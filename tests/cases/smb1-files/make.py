"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=139)
ask, answer = stream.ask, stream.answer
def message(command, body, status=0, answer=False):
    head = b"\xffSMB" + bytes([command]) + status.to_bytes(4, "little") + bytes([0x88 if answer else 8, 1, 0xC0])
    octets = head.ljust(32, b"\0") + body
    return b"\0" + len(octets).to_bytes(3, "big") + octets


user, domain = "ops".encode("utf-16-le"), "CELL".encode("utf-16-le")
part = lambda octets, at: len(octets).to_bytes(2, "little") * 2 + at.to_bytes(4, "little")  # noqa: E731
ntlm = b"NTLMSSP\0\x03\0\0\0" + bytes(16) + part(domain, 64) + part(user, 64 + len(domain)) + bytes(16) + b"\x01\0\0\0" + domain + user
ask(b"\x81\0\0\x44" + bytes(0x44))
answer(b"\x82\0\0\0")
ask(message(0x72, b"\0\x0c\0\x02NT LM 0.12\0"))
answer(message(0x72, b"\0\0\0", answer=True))
ask(message(0x73, b"\x0c\xff\0\0\0" + bytes(20) + len(ntlm).to_bytes(2, "little") + ntlm))
answer(message(0x73, b"\x03\xff\0\0\0\0\0\0\0", answer=True))
path = "\\\\s\\c".encode("utf-16-le") + b"\0\0"
ask(message(0x75, b"\x04\xff\0\0\0\0\0\x01\0" + (len(path) + 6).to_bytes(2, "little") + b"\0" + path + b"?????"))
answer(message(0x75, b"\x03\xff\0\0\0\0\0\0\0", answer=True))
file = "\\recipe.csv".encode("utf-16-le") + b"\0\0"
ask(message(0xA2, b"\x18\xff" + bytes(47) + (len(file) + 1).to_bytes(2, "little") + b"\0" + file))
answer(message(0xA2, b"\0\0\0", 0xC0000022, True))
ask(b"\0\0\0\x08\xffSMB\x72\0\0\0")
wrpcap("capture.pcap", frames)
