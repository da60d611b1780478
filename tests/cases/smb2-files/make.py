"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=445)
ask, answer = stream.ask, stream.answer
def message(command, body, status=0, answer=False, more=False, number=7):
    octets = b"\xfeSMB\x40\0\0\0" + status.to_bytes(4, "little") + bytes([command, 0, 1, 0, int(answer), 0, 0, 0])
    body = body.ljust((len(body) + 7) // 8 * 8, b"\0")
    octets += (64 + len(body) if more else 0).to_bytes(4, "little") + number.to_bytes(8, "little")
    return octets.ljust(64, b"\0") + body


def packet(*messages):
    octets = b"".join(messages)
    return b"\0" + len(octets).to_bytes(3, "big") + octets


user, domain = "ops".encode("utf-16-le"), "CELL".encode("utf-16-le")
part = lambda octets, at: len(octets).to_bytes(2, "little") * 2 + at.to_bytes(4, "little")  # noqa: E731
ntlm = b"NTLMSSP\0\x03\0\0\0" + bytes(16) + part(domain, 64) + part(user, 64 + len(domain)) + bytes(16) + b"\x01\0\0\0" + domain + user
ask(packet(message(0, b"\x24\0\x01\0")))
answer(packet(message(0, b"\x41\0\x01\0\x11\x03", answer=True)))
ask(packet(message(1, b"\x19\0" + bytes(22) + ntlm)))
answer(packet(message(1, b"\x09\0", 0xC000006D, True)))
path = "\\\\s\\c$".encode("utf-16-le")
ask(packet(message(3, b"\x09\0\0\0\x48\0" + len(path).to_bytes(2, "little") + path)))
answer(packet(message(3, b"\x10\0", answer=True)))
file = "recipe.csv".encode("utf-16-le")
create = b"\x39\0" + bytes(42) + b"\x78\0" + len(file).to_bytes(2, "little") + bytes(8) + file
ask(packet(message(5, create, more=True, number=8), message(9, b"\x31\0" + bytes(46), number=9)))
answer(packet(message(5, b"\x59\0", more=True, answer=True, number=8), message(9, b"\x11\0", 0xC0000022, True, number=9)))
ask(b"\0\0\0\x40\xfdSMB" + bytes(60))
wrpcap("capture.pcap", frames)
