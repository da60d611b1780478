"""The outstation of the DNP3 peers (IEEE 1815): how many points of each type it has, and what it refuses."""

PORT = 20000
OUTSTATION, MASTER = 10, 1
POINTS = 6
# Binary outputs: the state of an output comes back as binary and as double-bit input of the same index, and is counted. The last
# says that the clock is needed. Analog outputs come back as analog input.
CLOCK_OUTPUT = POINTS - 1
ANALOG_LIMIT = 1e6
# Beyond every range.
UNKNOWN_POINT = 40
# Files, and how much of one goes into a block.
FILES, UNKNOWN_FILE, FILE_BLOCK = ("recipe.txt", "events.bin"), "nobody.txt", 100
