"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=443)
ask, answer = stream.ask, stream.answer
def record(kind, content):
    return bytes([kind, 3, 1]) + len(content).to_bytes(2, "big") + content


def handshake(kind, content):
    return bytes([kind]) + len(content).to_bytes(3, "big") + content


def der(tag, *contents):
    content = b"".join(contents)
    return bytes([tag, len(content)]) + content


def names(text):
    return der(0x30, der(0x31, der(0x30, b"\x06\x03\x55\x04\x03", der(0x0C, text))))


name = b"\0\0\0\x0d\0\x0b\0\0\x08plc.cell"
algorithms = b"\0\x0d\0\x06\0\x04\x04\x03\x08\x04"
hello = b"\x03\x03" + bytes(32) + b"\0\0\x06\x1a\x1a\xc0\x2b\xc0\x2f\x01\0" + len(name + algorithms).to_bytes(2, "big") + name + algorithms
whole = record(22, handshake(1, hello))
ask(whole[:20])
ask(whole[20:])
signed = der(0x30, b"\xa0\x03\x02\x01\x02\x02\x01\x09\x30\0", names(b"plant CA"), b"\x30\0", names(b"plc.cell"))
certificate = der(0x30, signed)
chain = len(certificate).to_bytes(3, "big") + certificate
answer(
    record(22, handshake(2, b"\x03\x03" + bytes(32) + b"\0\xc0\x2b\0"))
    + record(22, handshake(11, len(chain).to_bytes(3, "big") + chain) + handshake(14, b""))
)
ask(record(22, handshake(16, b"\0")) + record(20, b"\x01") + record(22, b"\x01\0\0\0 not a hello"))
answer(record(21, b"\x02\x28"))
wrpcap("capture.pcap", frames)
