"""Makes capture.pcap. Needs scapy; run it in this folder."""

from scapy.all import wrpcap
from wire import Stream, adu, frames

EXCHANGES = [
    ("01 0013 0013", "01 03 cd6b05"),  # read coils
    ("02 00c4 0016", "02 03 acdb35"),  # read discrete inputs
    ("03 006b 0003", "03 06 022b 0000 0064"),  # read holding registers
    ("04 0008 0001", "04 02 000a"),  # read input registers
    ("05 00ac ff00", "05 00ac ff00"),  # write single coil
    ("06 0001 0003", "06 0001 0003"),  # write single register
    ("07", "07 6d"),  # read exception status
    *((f"08 {sub:04x} 0000", f"08 {sub:04x} 0007") for sub in (0, 1, 2, 3, *range(10, 19), 20)),  # diagnostics
    ("08 0004 0000", None),  # force listen only mode: never answered
    ("0b", "0b ffff 0108"),  # get communication event counter
    ("0c", "0c 08 0000 0108 0121 2000"),  # get communication event log
    ("0f 0013 000a 02 cd01", "0f 0013 000a"),  # write multiple coils
    ("10 0001 0002 04 000a 0102", "10 0001 0002"),  # write multiple registers
    ("11", "11 05 41 ff 666f6f"),  # report server identity
    ("14 0e 06 0004 0001 0002 06 0003 0009 0002", "14 0c 05 06 0dfe 0020 05 06 33cd 0040"),  # read file record
    ("15 0d 06 0004 0007 0003 06af 04be 100d", "15 0d 06 0004 0007 0003 06af 04be 100d"),  # write file record
    ("16 0004 00f2 0025", "16 0004 00f2 0025"),  # mask write register
    ("17 0003 0006 000e 0003 06 00ff 00ff 00ff", "17 0c 00fe 0acd 0001 0003 000d 00ff"),  # read/write registers
    ("18 04de", "18 0006 0002 01b8 1284"),  # read FIFO queue
    ("2b 0d 0102", "2b 0d 0304"),  # CANopen general reference
    ("2b 0e 01 00", "2b 0e 01 01 00 00 03 00 03 414243 01 02 5858 02 05 56322e3131"),  # read device identification
    ("41 0102", "41 0304"),  # a user-defined function
    ("5a 0002", "5a 00fe 0102"),  # Unity programming
    ("03 0000 0001", "83 02"),  # refused: illegal data address
    ("17 0003 0001 000e 0001 02 00ff", "97 04"),  # refused: server device failure
]

stream = Stream()
for transaction, (question, answer) in enumerate(EXCHANGES, start=1):
    stream.ask(adu(transaction, question))
    if answer is not None:
        stream.answer(adu(transaction, answer))
wrpcap("capture.pcap", frames)
