"""Control centre: an IEC 60870-5-104 client (c104) that reads and commands the substation, and journals both directions."""

import datetime
import queue
import random
import time

import c104

from iec104_points import (
    ANALOG_LIMIT,
    COMMANDS,
    COMMON_ADDRESS,
    MONITORED,
    PORT,
    SELECT_FIRST,
    STRANGE_STATION,
    TABLE,
    TABLE_COMMAND,
    UNKNOWN_COMMAND,
    UNKNOWN_MONITORED,
)
from journal import Journal, Refused
from talk import options_of, single

PATIENCE = 2.0
# The library misses a confirmation now and then though it came: then it waits as long as this, and its verdict is worth nothing.
WAKE_MILLIS = 50
CONFIRMED, TERMINATED, RETURNED, REQUESTED = 7, 10, (11, 12), 5
UNKNOWN = range(44, 48)
FIRST_COMMAND_TYPE = 45


class Centre:
    """One connection. What arrives is taken from two callbacks: one says what each data unit is, the other each object's value."""

    def __init__(self, options, journal, dice):
        self._journal, self._dice, self._server = journal, dice, options.server
        self._units, self._objects = queue.Queue(), queue.Queue()
        self._sent = self._wanted = 0
        self._client = c104.Client(tick_rate_ms=50, command_timeout_ms=WAKE_MILLIS)
        self._link = self._client.add_connection(ip=options.server, port=PORT, init=c104.Init.NONE)
        self._station = self._link.add_station(common_address=COMMON_ADDRESS)
        self._listen()

    def _listen(self):
        def on_unit(connection: c104.Connection, data: bytes) -> None:
            self._units.put(c104.explain_bytes_dict(data))

        def on_send(connection: c104.Connection, data: bytes) -> None:
            self._sent += c104.explain_bytes_dict(data)["format"] == "I"

        def on_object(point: c104.Point, previous_info: c104.Information, message: c104.IncomingMessage) -> c104.ResponseState:
            self._objects.put((message.io_address, plain(message.info)))
            return c104.ResponseState.SUCCESS

        self._link.on_receive_raw(callable=on_unit)
        self._link.on_send_raw(callable=on_send)
        kinds = MONITORED | dict.fromkeys(TABLE, c104.Type.M_ME_NB_1) | {UNKNOWN_MONITORED: c104.Type.M_SP_NA_1}
        for address, kind in kinds.items():
            self._station.add_point(io_address=address, type=kind).on_receive(callable=on_object)
        for address, (kind, _) in COMMANDS.items():
            self._station.add_point(io_address=address, type=kind)
        self._station.add_point(io_address=TABLE_COMMAND, type=c104.Type.C_SE_NB_1)
        self._station.add_point(io_address=UNKNOWN_COMMAND, type=c104.Type.C_SC_NA_1)

    def open(self):
        """Connects. The library sends STARTDT by itself, but now and then it forgets to and has to be told."""
        self._client.start()
        until = time.monotonic() + 5
        while self._link.state != c104.ConnectionState.OPEN:
            if time.monotonic() > until:
                raise TimeoutError("no connection")
            time.sleep(0.1)
            if self._link.state == c104.ConnectionState.OPEN_MUTED:
                self._link.unmute()

    def close(self):
        """What comes late, as the end of the last command may on a busy machine, is told too."""
        with self._journal.request(server=self._server, protocol="iec104", operation="associate", function=0, asked=[], got=[]) as record:
            time.sleep(0.3)
            while not self._units.empty():
                unit = self._units.get()
                if unit["format"] == "I":
                    record["got"].append(self._told(unit))
        self._client.stop()

    def interrogate(self):
        """All monitored objects, counters excepted."""
        self._ask(lambda: self._link.interrogation(COMMON_ADDRESS), 100, "interrogate", qualifier=[20])

    def interrogate_counters(self):
        """The counters, not frozen: request 5 (-101 clause 7.2.6.23)."""
        self._ask(lambda: self._link.counter_interrogation(COMMON_ADDRESS), 101, "interrogate", qualifier=[5])

    def interrogate_stranger(self):
        """A station that is not there."""
        self._ask(lambda: self._link.interrogation(STRANGE_STATION), 100, "interrogate", station=STRANGE_STATION, qualifier=[20])

    def set_clock(self):
        self._ask(lambda: self._link.clock_sync(COMMON_ADDRESS), 103, "time", ends=CONFIRMED)

    def test(self):
        self._ask(lambda: self._link.test(COMMON_ADDRESS), 107, "diagnose", ends=CONFIRMED)

    def read(self):
        """One object, now and then one that does not exist."""
        address = self._dice.choice([*MONITORED, UNKNOWN_MONITORED])
        point = self._station.get_point(address)
        self._ask(point.read, 102, "read", address=address, cause=5, ends=REQUESTED)

    def command(self):
        """Any command with any value, some beyond the limit; some select first."""
        address = self._dice.choice(list(COMMANDS))
        point = self._station.get_point(address)
        fill(point, self._dice)
        point.command_mode = c104.CommandMode.SELECT_AND_EXECUTE if address in SELECT_FIRST else c104.CommandMode.DIRECT
        self._command(point, returns=COMMANDS[address][1], selects=address in SELECT_FIRST)

    def command_without_selection(self):
        """An object that wants to be selected first is executed at once."""
        point = self._station.get_point(SELECT_FIRST[0])
        fill(point, self._dice)
        point.command_mode = c104.CommandMode.DIRECT
        self._command(point)

    def command_table(self):
        """A command upon which eight measurements come in one data unit."""
        point = self._station.get_point(TABLE_COMMAND)
        fill(point, self._dice)
        self._command(point, returns=TABLE[0])

    def command_unknown(self):
        point = self._station.get_point(UNKNOWN_COMMAND)
        fill(point, self._dice)
        self._command(point)

    def _command(self, point, returns=None, selects=False):
        told = plain(point.info)
        asked = told if point.type in (c104.Type.C_BO_NA_1, c104.Type.C_BO_TA_1) else told | {"select": [0]}
        before = [asked | {"select": [1]}] if selects else []
        ends = TERMINATED if selects else CONFIRMED
        self._ask(
            lambda: point.transmit(cause=c104.Cot.ACTIVATION), int(point.type), "operate", address=point.io_address,
            ends=ends, returns=returns, before=before, **asked,
        )  # fmt: skip

    def _ask(self, action, kind, operation, *, station=COMMON_ADDRESS, address=0, cause=6, ends=TERMINATED, returns=None,
             before=(), **told):  # fmt: skip
        """One exchange. It is over when a data unit of cause `ends` came, and the object that returns the value."""
        head = {"type_id": kind, "cause": cause, "common_address": station, "object_address": [address]}
        facts = {"server": self._server, "protocol": "iec104", "operation": operation, "function": kind}
        selecting = bool(before)
        with self._journal.request(**facts, asked=[head | part for part in (*before, told)]) as record:
            record["got"] = []
            self._wanted += len(record["asked"])
            action()
            if selecting and not self._all_left():
                # It selected and did not execute: the confirmation of the selection was refused, or missed.
                record["asked"], ends, returns = record["asked"][:1], CONFIRMED, None
                self._wanted -= 1
            self._collect(record["got"], ends, returns, time.monotonic() + PATIENCE)
            refusals = [told for told in record["got"] if told["negative"] or told["cause"] in UNKNOWN]
            if refusals:
                raise Refused(f"cause {refusals[-1]['cause']}")

    def _all_left(self):
        """Whether all that was to be sent was; the library tells of what it sent a little later."""
        until = time.monotonic() + 0.1
        while self._sent < self._wanted and time.monotonic() < until:
            time.sleep(0.005)
        return self._sent >= self._wanted

    def _collect(self, got, ends, returns, until):
        """Takes what arrives until the exchange is over."""
        ended, returned = False, returns is None
        while not (ended and returned):
            try:
                unit = self._units.get(timeout=max(0.001, until - time.monotonic()))
            except queue.Empty as silence:
                raise TimeoutError(f"nothing of cause {ends}, or not the value of {returns}") from silence
            if unit["format"] != "I":
                continue
            told = self._told(unit)
            got.append(told)
            if told["cause"] in UNKNOWN:
                return
            ended = ended or told["cause"] == ends
            returned = returned or told["object_address"][0] == returns or bool(told["negative"])
            ended = ended or (bool(told["negative"]) and told["type_id"] != 102 and not self._more_refusals())

    def _more_refusals(self):
        """A refusal may be followed by its reason; both come at once."""
        time.sleep(0.03)
        return not self._units.empty()

    def _told(self, unit):
        told = {
            "type_id": int(unit["type"].value), "cause": int(unit["cot"].value), "negative": int(unit["negative"]),
            "common_address": unit["commonAddress"], "number": unit["numberOfObjects"],
        }  # fmt: skip
        if told["type_id"] >= FIRST_COMMAND_TYPE:
            return told | {"object_address": [unit["firstInformationObjectAddress"]]}
        objects = [self._objects.get(timeout=PATIENCE) for _ in range(told["number"])]
        told["object_address"] = [address for address, _ in objects]
        for key in objects[0][1]:
            told[key] = [value for _, information in objects for value in information[key]]
        return told


def fill(point, dice):
    """A new value for a command, with the time where its type has one."""
    kind = c104.Type(point.type).name
    timed = {"recorded_at": datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)} if "_TA_" in kind or kind in (
        "C_SE_TB_1", "C_SE_TC_1",
    ) else {}  # fmt: skip
    family = kind[2:4] if kind[2:4] != "SE" else kind[-3]
    if family == "A" and kind.startswith("C_SE"):
        point.info = c104.NormalizedCmd(c104.NormalizedFloat(dice.randint(-32768, 32767) / 32768), **timed)
    elif family == "B":
        point.info = c104.ScaledCmd(c104.Int16(dice.randint(-32768, 32000)), **timed)
    elif family == "C":
        point.info = c104.ShortCmd(single(dice.uniform(-1000, 1.2 * ANALOG_LIMIT)), **timed)
    elif family == "SC":
        point.info = c104.SingleCmd(dice.random() < 0.5, **timed)
    elif family == "DC":
        point.info = c104.DoubleCmd(dice.choice([c104.Double.ON, c104.Double.OFF]), **timed)
    elif family == "RC":
        point.info = c104.StepCmd(dice.choice([c104.Step.HIGHER, c104.Step.LOWER]), **timed)
    else:
        point.info = c104.BinaryCmd(c104.Byte32(dice.getrandbits(32)), **timed)


def plain(information):
    """An element in plain numbers, as IEC 60870-5-101 clause 7.2.6 puts it on the wire."""
    value, told = information.value, {}
    if isinstance(value, c104.NormalizedFloat):
        value = round(float(value) * 32768)
    elif isinstance(value, c104.Byte32):
        value = int.from_bytes(bytes(value), "little")
    elif isinstance(value, (c104.Double, c104.Step)):
        value = int(value.value)
    elif not isinstance(value, float):
        value = int(value)
    told["value"] = [value]
    if information.quality is not None:
        told["quality"] = [int(information.quality.value)]
    if information.recorded_at is not None:
        told["time"] = [information.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]]
    return told


def main():
    """A number of rounds, each with every kind of exchange in an order of its own."""
    options = options_of(__doc__)
    dice = random.Random(options.seed)
    centre = Centre(options, Journal(options.log, "control centre"), dice)
    centre.open()
    for _ in range(options.rounds):
        round_of = [
            centre.interrogate, centre.interrogate_counters, centre.interrogate_stranger, centre.set_clock, centre.test,
            centre.command_without_selection, centre.command_table, centre.command_unknown,
            *[centre.read] * 6, *[centre.command] * 12,
        ]  # fmt: skip
        dice.shuffle(round_of)
        for exchange in round_of:
            exchange()
    centre.close()


if __name__ == "__main__":
    main()
