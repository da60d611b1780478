"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct

from wire import Capture

CONNECT = "03000016 11e00000000100 c0010a c1020001 c2020001"
CONFIRM = "03000016 11d00001000200 c0010a c1020001 c2020001"


def tlv(tag, *parts):
    content = b"".join(bytes.fromhex(part) if isinstance(part, str) else part for part in parts)
    length = bytes([len(content)]) if len(content) < 128 else b"\x82" + struct.pack(">H", len(content))
    return bytes.fromhex(tag) + length + content


def cotp(user):
    return struct.pack(">BBHBBB", 3, 0, len(user) + 7, 2, 0xF0, 0x80) + user


def associate(kind, acse, mms):
    """CN or AC, CP or CPA, AARQ or AARE, with an initiate in it."""
    external = tlv("28", "0602510102 0103", tlv("a0", mms))
    result = "a203020100a305a103020100" if acse == "61" else ""
    unit = tlv(acse, "a107 0605 28ca220203", result, tlv("be", external))
    data = tlv("61", tlv("30", "020101", tlv("a0", unit)))
    contexts = "a423 300f 020101 0604 52010001 3004 0602 5101 3010 020103 0605 28ca220201 3004 0602 5101"
    presentation = tlv("31", "a003800101", tlv("a2", contexts if acse == "60" else "", data))
    user = b"\xc1" + bytes([len(presentation)]) + presentation
    return cotp(bytes.fromhex(kind) + bytes([len(user)]) + user)


def data(mms):
    return cotp(bytes.fromhex("01000100") + tlv("61", tlv("30", "020103", tlv("a0", mms))))


def name(domain, item):
    return tlv("a0", tlv("a1", tlv("1a", domain.encode()), tlv("1a", item.encode())))


def request(invoke, *service):
    return data(tlv("a0", f"0201{invoke:02x}", *service))


def response(invoke, *service):
    return data(tlv("a1", f"0201{invoke:02x}", *service))


def read(domain, *items):
    return tlv("a4", tlv("a1", tlv("a0", *[tlv("30", name(domain, item)) for item in items])))


def write(domain, item, value):
    return tlv("a5", tlv("a0", tlv("30", name(domain, item))), tlv("a0", value))


INITIATE = "80020fa0 81010a 82010a 830105 a416 800101 8103 05f100 820c 03ee1c00000408000079ef18"
capture = Capture(102)
capture.ask(CONNECT)
capture.answer(CONFIRM)
capture.ask(associate("0d", "60", tlv("a8", INITIATE)))
capture.answer(associate("0e", "61", tlv("a9", INITIATE)))

capture.ask(request(1, "8200"))  # identify
capture.answer(response(1, tlv("a2", tlv("80", b"Vendor"), tlv("81", b"Model"), tlv("82", b"1.0"))))
capture.ask(request(2, tlv("a1", "a003800109", "a1028000")))  # getNameList of domains
capture.answer(response(2, tlv("a1", tlv("a0", tlv("1a", b"RELAY")), "810100")))
capture.ask(request(3, read("RELAY", "MMXU1$MX$TotW$mag$f", "XCBR1$ST$Pos$stVal", "XCBR1$ST$None")))
capture.answer(response(3, tlv("a4", tlv("a1", "870508 42280000", "84020680", "80010a"))))

# Select before operate with value, operate, and a cancel that is refused; ctlVal, origin, ctlNum, T, Test, Check.
for invoke, step in ((4, "SBOw"), (5, "Oper"), (6, "Cancel")):
    value = tlv("a2", "8301ff", "a206 850103 890141", "860101", "9108 0000000000000000", "830100", "84020600")
    capture.ask(request(invoke, write("RELAY", f"XCBR1$CO$Pos${step}", value)))
    capture.answer(response(invoke, tlv("a5", "8100" if step != "Cancel" else "800103")))
capture.ask(request(7, write("RELAY", "LLN0$RP$urcb01$RptEna", "8301ff")))
capture.answer(response(7, tlv("a5", "8100")))
capture.answer(data(tlv("a3", tlv("a0", "a105 8003 525054", tlv("a0", tlv("8a", b"RELAY/LLN0$RP$urcb01"), "84020640", "8301ff")))))

capture.ask(request(8, tlv("bf48", tlv("a0", tlv("19", b"COMTRADE/1.dat")), "810100")))  # fileOpen
capture.answer(data(tlv("a2", "800108", tlv("a2", "a0038b0107"))))
capture.ask(request(9, tlv("bf29", tlv("80", b"Application"))))  # stop, never answered
capture.ask(cotp(tlv("a0", "02010a", tlv("bf28", tlv("80", b"Application")))))  # start, without session and presentation
capture.ask(data("a07f02010ba400"))  # reaches beyond its unit
capture.ask(data("8b00"))
capture.answer(data("8c00"))
capture.write()
