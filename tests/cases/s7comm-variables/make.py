"""Makes capture.pcap. Needs scapy; run it in this folder."""

from wire import Capture, answer, any_item, job

capture = Capture()
capture.ask(job(1, "f0 00 0001 0001 03c0"))
capture.answer(answer(1, "f0 00 0001 0001 00f0"))

# Read: two INT, a bit, three octets (odd, so filled up), a REAL, counters 5 and 6, timer 3, an octet beyond the block.
items = [
    any_item(5, 2, 1, 0x84, 0), any_item(1, 1, 0, 0x83, 83), any_item(2, 3, 0, 0x81, 0), any_item(8, 1, 7, 0x84, 32),
    any_item(28, 2, 0, 0x1C, 5), any_item(29, 1, 0, 0x1D, 3), any_item(2, 1, 1, 0x84, 80000),
]
capture.ask(job(2, "04 07" + "".join(items)))
capture.answer(answer(2, "04 07", (
    "ff 05 0020 0007 fff9" "ff 03 0001 01 00" "ff 04 0018 010203 00" "ff 07 0004 42280000"
    "ff 09 0004 0100 0200" "ff 09 0002 2127" "05 00 0000")))

# Write: a bit, a WORD, a DINT; the second is refused.
items = [any_item(1, 1, 0, 0x82, 0), any_item(4, 1, 2, 0x84, 80), any_item(7, 1, 2, 0x84, 96)]
capture.ask(job(3, "05 03" + "".join(items), "00 03 0001 01 00" "00 04 0010 1234" "00 07 0004 fffffff6"))
capture.answer(answer(3, "05 03", "ff 0a ff"))

# A refused write, octets of two data blocks in one item (S7-400), and a symbol, which is kept raw.
capture.ask(job(4, "05 01" + any_item(2, 1, 0, 0x83, 0), "00 04 0008 2a"))
capture.answer(answer(4, "05 00", error=0x8104))
capture.ask(job(5, "04 01 12 0c b0 02 04 0001 0000 02 0005 000a"))
capture.answer(answer(5, "04 01", "ff 09 0006 010203040506"))
capture.ask(job(6, "04 01 12 0e b2 ff 0000 0052 00000001 2000 0009"))
capture.answer(answer(6, "04 01", "ff 04 0008 01"))
capture.write()
