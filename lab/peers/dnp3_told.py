"""What opendnp3 says of its fragments, under the keys of `fieldwarden decode --json`: their headers from its log, their values from its
callbacks."""

import re

from opendnp3 import FunctionCode, flags

HEADER = re.compile(r"FIR: (\d) FIN: (\d) CON: (\d) UNS: (\d) SEQ: (\d+) FUNC: (\w+)(?: IIN: \[(\w+), (\w+)\])?")
OBJECT = re.compile(r"(\d+),(\d+) .*?(?:- all objects|, ([\w\- ]+?)(?: \[([\d, ]+)\])?)$")
FILE = re.compile(r"Group70Var\d \w+ - (.*)")
# What the log calls the parts of a file object.
FILE_KEYS = {
    "file": "file_name", "size": "file_size", "mode": "file_mode", "max_block": "file_block_size", "req_id": "file_request",
    "handle": "file_handle", "block": "file_block", "final": "file_last_block", "status": "file_status", "type": "file_type",
}  # fmt: skip
# What answers a function on files (annex A.27), as it comes when it succeeds; a refusal is always a file status.
FILE_STATUS, FILE_TRANSPORT, FILE_TRANSPORT_STATUS, FILE_DESCRIPTOR = (70 << 8 | variation for variation in (4, 5, 6, 7))
# Qualifiers by their names (IEEE 1815 clause 4.2.2.7.3), None for all objects.
QUALIFIERS = {
    None: 0x06, "8-bit start stop": 0x00, "16-bit start stop": 0x01, "8-bit count": 0x07, "16-bit count": 0x08,
    "8-bit count and prefix": 0x17, "16-bit count and prefix": 0x28, "16-bit free format": 0x5B,
}  # fmt: skip
POINTS = {
    1: "BI", 2: "BI", 3: "DBI", 4: "DBI", 10: "BO", 11: "BO", 12: "BO", 20: "CT", 21: "FC", 22: "CT", 23: "FC", 30: "AI", 32: "AI",
    34: "AIDB", 40: "AO", 41: "AO", 42: "AO", 80: "IIN", 110: "OS", 111: "OS",
}  # fmt: skip
CLASS_DATA, TIME_AND_INTERVAL = 60, 50
# States without flags, several to an octet: `decode` gives them no indexes.
PACKED = ((1, 1), (3, 1), (10, 1))
# The levels of the log that tell fragments and object headers.
HEADERS = {flags.APP_HEADER_TX.value: "asked", flags.APP_HEADER_RX.value: "got"}
OBJECTS = (flags.APP_OBJECT_TX.value, flags.APP_OBJECT_RX.value)


def header(line):
    """A fragment as its header has it; nothing where the line is none."""
    fields = HEADER.match(line)
    if fields is None:
        return None
    *control, function, first, second = fields.groups()
    told = dict(zip(("fir", "fin", "con", "uns", "sequence"), map(int, control)))
    told["function_code"] = getattr(FunctionCode, function).value
    if first is not None:
        told["iin"] = int(first, 16) << 8 | int(second, 16)
    return told


def add_object(told, line):
    """An object header joins its fragment."""
    if file := FILE.match(line):
        add_file(told, file[1])
        return
    group, variation, name, numbers = OBJECT.match(line).groups()
    group, variation = int(group), int(variation)
    qualifier = QUALIFIERS[name]
    told.setdefault("object", []).append(group << 8 | variation)
    told.setdefault("qualifier", []).append(qualifier)
    if group == CLASS_DATA:
        told.setdefault("points", []).append(f"class {variation - 1}")
    elif qualifier == 0x06 or (qualifier in (0x07, 0x08) and group in POINTS):
        # So many of any points.
        told.setdefault("points", []).append(f"{POINTS.get(group, f'g{group}')} all")
    elif qualifier in (0x00, 0x01) and group != TIME_AND_INTERVAL:
        first, last = map(int, numbers.split(","))
        name = "attribute 254:" if group == 0 else f"{POINTS.get(group, f'g{group}:')} "
        told.setdefault("points", []).append(f"{name}{first}" + (f"-{last}" if last > first else ""))


def add_file(told, parts):
    """The parts of a file object join the request that has it."""
    for key, text in re.findall(r'(\w+): ("[^"]*"|\w+)', parts):
        if key in FILE_KEYS:
            value = text.strip('"') if text.startswith('"') else {"true": 1, "false": 0}.get(text, text)
            told.setdefault(FILE_KEYS[key], []).append(value if key == "file" else int(value))


def add_blocks(asked, got, content, block):
    """The blocks of a transfer, which the library does not tell: those of a read stand in the answers, those of a write in the requests."""
    for number, (question, answer) in enumerate(zip(asked, got)):
        data = content[number * block : (number + 1) * block].hex()
        reads = question["function_code"] == FunctionCode.READ.value
        question["file_data"], question["file_block"] = ["" if reads else data], [number]
        answer |= {"object": [FILE_TRANSPORT if reads else FILE_TRANSPORT_STATUS], "qualifier": [0x5B], "file_block": [number]}
        answer |= {"file_data": [data]} if reads else {"file_status": [0]}


def add_values(told, info, measured):
    """The objects of one header join their fragment."""
    group, variation = map(int, re.findall(r"\d+", info.gv.name))
    for item in measured:
        if (group, variation) not in PACKED:
            told.setdefault("index", []).append(item.index)
        value = item.value if hasattr(item, "value") else item
        if group in (110, 111):
            told.setdefault("octets", []).append(bytes(value.ToBytes()).hex())
        elif group == TIME_AND_INTERVAL:
            told.setdefault("time", []).append(value.time.value)
        else:
            told.setdefault("value", []).append(number(value.value))
            if info.flagsValid:
                told.setdefault("flags", []).append(value.flags.value)
            if has_time(group, variation):
                told.setdefault("time", []).append(value.time.value)


def has_time(group, variation):
    """Whether an object of that kind carries its time (annex A)."""
    events = {2: (2,), 4: (2,), 11: (2,), 21: (5, 6), 22: (5, 6), 23: (5, 6), 32: (3, 4, 7, 8), 42: (3, 4, 7, 8)}
    return variation in events.get(group, ())


def number(value):
    """A state, a double-bit state or a number."""
    return value if isinstance(value, float) else int(getattr(value, "value", value))
