"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-values")

from wire import Connection  # noqa: E402

connection = Connection()
connection.exchange(bytes.fromhex("0100000010"), bytes.fromhex("01020000"))
for coil, on in (
    (2, True),  # as ever
    (3, True),  # beside it: information
    (3, False),
    (6, False),  # the second
    (8, True),  # the third within an hour is told
):
    connection.switch(coil, on)
connection.save()
