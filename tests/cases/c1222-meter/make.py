"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../dnp3-outstation")

from wire import Capture  # noqa: E402

METER, HOST = "060c607c86f75401160001014021", "060f607c86f7540116000101400000876d"


def tlv(tag, content):
    return bytes([tag, len(content)]) + content


def message(asks, epsem, number):
    called, calling = (METER, HOST) if asks else (HOST, METER)
    inside = tlv(0xA2, bytes.fromhex(called))
    if not asks:
        inside += tlv(0xA4, tlv(2, bytes([number])))
    inside += tlv(0xA6, bytes.fromhex(calling)) + tlv(0xA8, tlv(2, bytes([number])))
    return tlv(0x60, inside + tlv(0xBE, tlv(0x28, tlv(0x81, epsem))))


def services(*texts, flags=0x80):
    octets = [bytes.fromhex(text) for text in texts]
    return bytes([flags]) + b"".join(bytes([len(one)]) + one for one in octets)


c = Capture(1153)
c.ask(message(True, services("20"), 1))  # identify
c.answer(message(False, services("00 00 01 00 00"), 1))
c.ask(message(True, services("50 0002 61646d696e20202020", "51 70617373776f7264 000000000000000000000000"), 2))  # logon
c.answer(message(False, services("00", "00"), 2))
c.ask(message(True, services("30 0001", "3f 0017 000010 0004"), 3))  # tables 1 and 23
c.answer(message(False, services("00 0004 41424344 f6", "01"), 3))
c.ask(message(True, services("40 0007 0003 000001 ff", "40 0834 0002 0102 fd"), 4))  # cold start, manufacturer table 52
c.answer(message(False, services("00", "03"), 4))
c.ask(message(True, bytes.fromhex("88 0102030405060708 090a0b0c"), 5))  # encrypted
c.ask(message(True, services("7f"), 6))  # unknown
c.ask(message(True, bytes.fromhex("80 09 30 0001"), 7))  # more announced than there is
c.write()
