"""Makes capture.pcap; run it in this folder."""

from wire import Connection

connection = Connection()
for register, values in (
    (100, (0, 3, 1, 2)),  # a selector of 0, 1 and 3
    (101, (0x0400, 0x0403, 0x040F, 0x0500)),  # a command word of four bits
    (102, (253, 254, 255, 0, 1, 5)),  # a life sign, which jumps
    (103, (60, 140, 150)),  # a set-point from 60 to 140
):
    for value in values:
        connection.write(register, value)
connection.save()
