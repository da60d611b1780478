"""Makes capture.pcap. Run it in this folder."""

import struct
import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

KEY = bytes([0x37, 0xFA, 0x21, 0x3D])


def frame(octets, masked, first=0x82):
    """A frame of WebSocket (RFC 6455, 5.2)."""
    octets = bytes.fromhex(octets) if isinstance(octets, str) else octets
    mask = 0x80 if masked else 0
    head = struct.pack(">BB", first, mask | len(octets)) if len(octets) < 126 else struct.pack(">BBH", first, mask | 126, len(octets))
    if masked:
        octets = KEY + bytes(octet ^ KEY[place % 4] for place, octet in enumerate(octets))
    return head + octets


NODE, HUB, OTHER = "020000000005", "020000000014", "020000000033"

talk = Conversation(port=4443)
talk.ask(
    b"GET /hub HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: hub.bsc.bacnet.org\r\n\r\n"
)
talk.answer(
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: hub.bsc.bacnet.org\r\n\r\n"
)
talk.ask(frame("06 00 0001" + NODE + "000102030405060708090a0b0c0d0e0f 05ab 05a5", True))
talk.answer(frame("07 00 0001" + HUB + "101112131415161718191a1b1c1d1e1f 05ab 05a5", False))
talk.answer(frame("05 00 0007", False))
talk.ask(frame("04 00 0002 01 00 05ab 05a5", True))
talk.ask(frame("01 04 0003" + OTHER + "0104 0000010c 0c00000005 1955", True))
talk.answer(frame("01 08 0104" + OTHER + "0100 30010c 0c00000005 1955 3e 444290999a 3f", False))
talk.ask(frame("01 05 0004" + OTHER + "01 0104 0004590f 0c00800001 1955 3e 4443340000 3f 4908", True))
talk.answer(frame("01 08 0105" + OTHER + "0100 20590f", False))
talk.ask(frame("01 04 0005 020000000044 0104 0004 5a0f 0c00800001 1955 3e 4443340000 3f 4908", True))
talk.answer(frame("00 00 0005 01 01 00 0007 00bb" + b"no such node".hex(), False))
talk.ask(frame("02 04 0006" + OTHER, True))
talk.answer(frame("03 08 0006" + OTHER + b"wss://10.0.0.33:443/dc".hex(), False))
talk.ask(frame("0a 00 0007", True))
talk.answer(frame("0b 00 0007", False))
talk.ask(frame("08 00 0008", True))
talk.answer(frame("09 00 0008", False))
talk.ask(frame("03e8", True, 0x88))

late = Conversation(port=4443, client_port=49153)
late.ask(frame("01 04 0003" + OTHER + "0104 0000010c 0c00000005 1955", True))
late.answer(frame("01 08 0104" + OTHER + "0100 30010c 0c00000005 1955 3e 444290999a 3f", False))
whole = bytes.fromhex("06 00 0001" + NODE + "000102030405060708090a0b0c0d0e0f 05ab 05a5")
late.ask(frame(whole[:9], True, 0x02) + frame(b"", True, 0x89))
late.ask(frame(whole[9:], True, 0x80))
late.ask(frame("0c 00 0009 0103 07 cafe", True))
late.ask(frame("06 00 000a 0200", True))
late.ask(frame("01 04 000b 0200", True))
late.ask(frame("3f 00 000c", True))
late.answer(frame(b"hello", False, 0x81))
late.write("capture.pcap")
