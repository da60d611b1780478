"""The controller of the EtherNet/IP peers: its tags (Rockwell 1756-PM020) and the objects it has besides."""

PORT = 44818
# Tags by name: type of IEC 61131-3 and number of elements, none for a tag that is no array.
TAGS = {
    "Valve_Open": ("BOOL", 0), "Step": ("SINT", 0), "Level": ("INT", 0), "Batch": ("DINT", 0), "Total": ("LINT", 0),
    "Mode": ("USINT", 0), "Speed": ("UINT", 0), "Runtime": ("UDINT", 0), "Energy": ("ULINT", 0),
    "Flow": ("REAL", 0), "Position": ("LREAL", 0), "Recipe": ("STRING", 0),
    "Levels": ("INT", 20), "Flows": ("REAL", 12), "Steps": ("SINT", 16), "Trends": ("DINT", 400),
}  # fmt: skip
UNKNOWN_TAG = "Nobody"
# Longer than a connection of 500 octets: read and written in fragments. With a name of five or six letters pycomm3 cuts them between
# elements.
LONG_TAG = "Trends"
# Objects with attributes: class, instance, attribute and type; the first two are those by which a Logix controller tells its name
# and its clock (in microseconds since 1970), the third is anybody's.
PROGRAM_NAME, WALL_CLOCK, LIMIT = (100, 1, 1), (139, 1, 6), (120, 2, 1)
OBJECTS = {PROGRAM_NAME: "STRING", WALL_CLOCK: "ULINT", LIMIT: "DINT"}
UNKNOWN_ATTRIBUTE, UNKNOWN_CLASS = 99, 200
