"""Engineering station: an EtherNet/IP client (pycomm3) that reads and writes a controller's tags and objects, and journals both directions."""

import contextlib
import logging
import random
import string

from pycomm3 import CIPDriver, CommError, LogixDriver, ResponseError, Services, cip
from pycomm3.packets import WriteTagRequestPacket

import cip_told
from cip_points import LIMIT, LONG_TAG, OBJECTS, PROGRAM_NAME, TAGS, UNKNOWN_ATTRIBUTE, UNKNOWN_CLASS, UNKNOWN_TAG
from journal import Journal, Refused
from talk import options_of, single

logging.getLogger("pycomm3").setLevel(logging.CRITICAL)
RANGES = {
    "SINT": (-(1 << 7), (1 << 7) - 1), "INT": (-(1 << 15), (1 << 15) - 1), "DINT": (-(1 << 31), (1 << 31) - 1),
    "LINT": (-(1 << 63), (1 << 63) - 1), "USINT": (0, (1 << 8) - 1), "UINT": (0, (1 << 16) - 1), "UDINT": (0, (1 << 32) - 1),
    "ULINT": (0, (1 << 64) - 1),
}  # fmt: skip
# How an object is asked for something: over the connection, without one, or without one and by a detour.
WAYS = ({"connected": True}, {"connected": False, "route_path": False}, {"connected": False, "unconnected_send": True})


class Ear(CIPDriver):
    """Takes down what goes through a session."""

    def hear(self, record):
        """Where the next messages are taken down, and which values are written by them."""
        self._record, self.values = record, {}

    def send(self, request):
        if isinstance(request, WriteTagRequestPacket):
            # The library has built it already, and 1.2.16 would send both.
            request._msg, request._msg_setup = [], False
        self._record["asked"] += cip_told.asked(self, request)
        response = super().send(request)
        self._record["got"] += cip_told.got(self, request, response)
        return response


class Controller(LogixDriver, Ear):
    """A session with the controller; its tags are known beforehand, since cpppo does not list them."""

    def __init__(self, address, large):
        super().__init__(address, init_tags=False)
        if not large:
            self._cfg |= {"extended forward open": False, "connection_size": 500}
        self._tags = {name: described(*shape) for name, shape in TAGS.items()} | {UNKNOWN_TAG: described("DINT", 0)}


class Station:
    """What the engineering station does."""

    def __init__(self, options, journal, dice):
        self._journal, self._dice, self._server = journal, dice, options.server
        self._link = None

    def open(self, large):
        """Registers a session, and asks who is there. Connections are of 4,000 octets, or of 500."""
        self._link = Controller(self._server, large)
        with self._operation("associate", 0x65):
            self._link.open()

    def close(self):
        with self._operation("associate", 0x66):
            self._link.close()

    def read(self):
        """One tag, whole or a part of it, now and then beyond its end."""
        with self._operation("read", 0x4C):
            self._link.read(self._some_of(self._any_tag()))

    def read_unknown(self):
        with self._operation("read", 0x4C):
            self._link.read(UNKNOWN_TAG)

    def read_several(self):
        """In one packet; one of them is not there."""
        tags = [self._some_of(name) for name in self._dice.sample([*TAGS], 5) if name != LONG_TAG]
        with self._operation("read", 0x0A):
            self._link.read(*tags, UNKNOWN_TAG)

    def read_long(self):
        """In fragments, where the connection is small; of a large one cpppo does not use all."""
        with self._operation("read", 0x52):
            self._link.read(f"{LONG_TAG}{{{TAGS[LONG_TAG][1]}}}")

    def write(self):
        tag, values = self._written(self._any_tag())
        with self._operation("write", 0x4D):
            self._write((tag, values))

    def write_several(self):
        writes = [self._written(name) for name in self._dice.sample([*TAGS], 4) if name != LONG_TAG]
        with self._operation("write", 0x0A):
            self._write(*writes)

    def write_unknown(self):
        with self._operation("write", 0x4D):
            self._write((UNKNOWN_TAG, [self._value("DINT")]))

    def write_long(self):
        elements = TAGS[LONG_TAG][1]
        with self._operation("write", 0x53):
            self._write((f"{LONG_TAG}{{{elements}}}", [self._value("DINT") for _ in range(elements)]))

    def identify(self):
        """All of the identity, or a part of it, now and then one that is not there."""
        attributes = self._dice.sample([*cip_told.IDENTITY, UNKNOWN_ATTRIBUTE], self._dice.randint(1, 4))
        data = b"".join(cip.UINT.encode(number) for number in (len(attributes), *attributes))
        self._ask(Services.get_attributes_all, (1, 1), "discover")
        self._ask(Services.get_attribute_list, (1, 1), "discover", request_data=data)
        self._ask(Services.get_attribute_single, (1, 1, self._dice.choice(attributes)), "discover")

    def tell_time(self):
        with self._operation("time", 0x03):
            self._link.get_plc_time()

    def use_objects(self):
        """An object's attribute is read and written, and one that it does not have."""
        self._ask(Services.get_attribute_single, self._dice.choice([*OBJECTS]), "read")
        self._ask(Services.set_attribute_single, LIMIT, "configure", request_data=cip.DINT.encode(self._value("DINT")))
        self._ask(Services.get_attribute_single, (*PROGRAM_NAME[:2], UNKNOWN_ATTRIBUTE), "read")
        self._ask(Services.get_attributes_all, PROGRAM_NAME[:2], "read")

    def ask_stranger(self):
        """A class that is not there, without a connection: cpppo refuses the packet and hangs up. Hence a session of its own."""
        link, ours = Ear(self._server), self._link
        self._link = link
        with self._operation("associate", 0x65):
            link.open()
        self._ask(Services.get_attribute_single, (UNKNOWN_CLASS, 1, 1), "read", WAYS[1])
        link._sock.close()
        self._link = ours

    def _ask(self, service, path, operation, way=None, **data):
        """A service of an object, by any of the ways."""
        way = way or self._dice.choice(WAYS)
        with self._operation(operation, cip_told.number(service)):
            self._link.generic_message(service, *path, **way, **data)

    def _write(self, *writes):
        """Scalars are given to the library as such, arrays as lists."""
        for tag, values in writes:
            self._link.values[tag.split("{")[0]] = values
        self._link.write(*[(tag, values if "{" in tag else values[0]) for tag, values in writes])

    def _any_tag(self):
        return self._dice.choice([name for name in TAGS if name != LONG_TAG])

    def _some_of(self, name):
        """A tag; of an array an element or a run of them. One in ten runs is too long."""
        elements = TAGS[name][1]
        if not elements:
            return name
        first = self._dice.randrange(elements)
        run = self._dice.randint(1, elements - first) + (elements if self._dice.random() < 0.1 else 0)
        return f"{name}[{first}]" + (f"{{{run}}}" if run > 1 else "")

    def _written(self, name):
        tag = self._some_of(name)
        run = int(tag.split("{")[1].rstrip("}")) if "{" in tag else 1
        return tag, [self._value(TAGS[name][0]) for _ in range(run)]

    def _value(self, kind):
        """Any value of a type: now and then one of the ends of its range."""
        if kind == "BOOL":
            return int(self._dice.random() < 0.5)
        if kind == "STRING":
            # The library does not pad a text of an odd length.
            return "".join(self._dice.choices(string.ascii_letters, k=2 * self._dice.randint(1, 12)))
        if kind in ("REAL", "LREAL"):
            number = self._dice.uniform(-1e6, 1e6)
            return single(number) if kind == "REAL" else number
        low, high = RANGES[kind]
        return self._dice.choice([low, high, self._dice.randint(low, high), self._dice.randint(low, high)])

    @contextlib.contextmanager
    def _operation(self, operation, function):
        """One operation. Refused, if any of its messages was."""
        facts = {"server": self._server, "protocol": "cip", "operation": operation, "function": function}
        with self._journal.request(**facts, asked=[], got=[]) as record:
            self._link.hear(record)
            try:
                yield
            except (CommError, ResponseError) as silence:
                raise TimeoutError(str(silence)) from silence
            refusals = [told["status"] for told in record["got"] if told["status"] not in (0, cip_told.PARTIAL)]
            if refusals:
                raise Refused(f"status {refusals[0]}")


def described(kind, elements):
    """A tag as the library wants it."""
    element = cip.DataTypes[kind]
    whole = cip.Array(elements, element) if elements else element
    return {"tag_type": "atomic", "data_type": kind, "data_type_name": kind, "type_class": whole, "dimensions": [elements, 0, 0]}


def main():
    """A number of rounds, each a session with every kind of exchange in an order of its own."""
    options = options_of(__doc__)
    dice = random.Random(options.seed)
    station = Station(options, Journal(options.log, "engineering station"), dice)
    for turn in range(options.rounds):
        station.open(large=turn % 2 == 0)
        round_of = [
            station.read_unknown, station.write_unknown, station.write_long, station.read_long, station.tell_time, station.ask_stranger,
            *[station.identify] * 2, *[station.use_objects] * 2, *[station.read_several] * 3, *[station.write_several] * 3,
            *[station.read] * 10, *[station.write] * 10,
        ]  # fmt: skip
        dice.shuffle(round_of)
        for exchange in round_of:
            exchange()
        station.close()


if __name__ == "__main__":
    main()
