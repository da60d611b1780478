"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys
import uuid

sys.path.insert(0, "../mms-services")

from wire import Capture  # noqa: E402

NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + struct.pack("<I", 2)


def fragment(kind, call, rest, flags=3, auth=b""):
    rest = bytes.fromhex(rest) if isinstance(rest, str) else rest
    trailer = bytes([10, 6, 0, 0, 0, 0, 0, 0]) + auth if auth else b""
    head = struct.pack("<BBBB4sHHI", 5, 0, kind, flags, b"\x10\0\0\0", 16 + len(rest) + len(trailer), len(auth), call)
    return head + rest + trailer


def bind(*interfaces):
    contexts = b"".join(
        struct.pack("<HBB", n, 1, 0) + uuid.UUID(i).bytes_le + struct.pack("<I", 0) + NDR for n, i in enumerate(interfaces))
    return struct.pack("<HHIB3x", 4280, 4280, 0, len(interfaces)) + contexts


def accepted(*results):
    return struct.pack("<HHIH4s2xB3x", 4280, 4280, 1, 4, b"135\0", len(results)) + b"".join(
        struct.pack("<HH", result, 0) + NDR for result in results)


capture = Capture(49166)
capture.ask(fragment(11, 1, bind("39c13a4d-011e-11d0-9675-0020afd8adb3", "39c13a52-011e-11d0-9675-0020afd8adb3")))
capture.answer(fragment(12, 1, accepted(0, 0)))
capture.ask(fragment(16, 1, "00000000", auth=b"NTLMSSP\0"))
capture.ask(fragment(14, 2, bind("39c13a4d-011e-11d0-9675-0020afd8adb3")[:8] + b"\1\0\0\0" + struct.pack("<HBB", 2, 1, 0)
                     + uuid.UUID("367abb81-9844-35f1-ad32-98f038001003").bytes_le + struct.pack("<I", 2) + NDR))
capture.answer(fragment(15, 2, accepted(2)))
for call, (context, operation) in enumerate(((0, 6), (1, 3), (1, 4), (2, 12), (9, 3)), 3):
    capture.ask(fragment(0, call, struct.pack("<IHH", 8, context, operation) + b"\0" * 8))
    if operation == 4:
        capture.answer(fragment(3, call, struct.pack("<IHHII", 32, context, 0, 5, 0)))
    else:
        capture.answer(fragment(2, call, struct.pack("<IHH", 8, context, 0) + b"\0" * 8))
# A request with an object, cut by TCP; one that is shorter than its type; the end.
request = fragment(0, 20, struct.pack("<IHH", 8, 1, 3) + uuid.UUID(int=7).bytes_le, flags=0x83)
capture.ask(request[:10])
capture.ask(request[10:])
capture.ask(fragment(0, 21, "0000"))
capture.answer(fragment(17, 0, ""))
capture.write()
