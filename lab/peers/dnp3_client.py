"""Control centre: a DNP3 master (yadnp3, after opendnp3) that reads and commands an outstation, and journals both directions."""

import random
import threading
import time

import opendnp3
from opendnp3 import FileStatus, FunctionCode, Header, MasterTaskType, OperationType, TripCloseCode

import dnp3_told
from dnp3_points import (
    ANALOG_LIMIT,
    CLOCK_OUTPUT,
    FILE_BLOCK,
    FILES,
    MASTER,
    OUTSTATION,
    POINTS,
    PORT,
    UNKNOWN_FILE,
    UNKNOWN_POINT,
)
from journal import Journal, Refused
from talk import options_of, single

# The outstation drops a request that crosses a report of its own; then it is asked again.
RESPONSE_TIMEOUT, PATIENCE, ATTEMPTS = 1, 3.0, 3
EVENTS = [Header.AllObjects(60, 2), Header.AllObjects(60, 3), Header.AllObjects(60, 4)]
# Groups with their variations: what is static, and what is an event.
STATIC = {1: (1, 2), 3: (1, 2), 10: (1, 2), 20: (1, 2, 5, 6), 21: (1, 2, 5, 6, 9, 10), 30: (1, 2, 3, 4, 5, 6), 40: (1, 2, 3, 4)}
CHANGED = {2: (1, 2), 4: (1, 2), 11: (1, 2), 22: (1, 2, 5, 6), 32: (1, 2, 3, 4, 5, 6, 7, 8), 42: (1, 2, 3, 4, 5, 6, 7, 8)}
REFUSING = 0x0007
ANALOGS = {1: opendnp3.AnalogOutputInt32, 2: opendnp3.AnalogOutputInt16, 3: opendnp3.AnalogOutputFloat32, 4: opendnp3.AnalogOutputDouble64}
RELAYS = (
    (OperationType.LATCH_ON, TripCloseCode.NUL), (OperationType.LATCH_OFF, TripCloseCode.NUL), (OperationType.PULSE_ON, TripCloseCode.NUL),
    (OperationType.PULSE_OFF, TripCloseCode.NUL), (OperationType.PULSE_ON, TripCloseCode.TRIP), (OperationType.PULSE_ON, TripCloseCode.CLOSE),
)  # fmt: skip


class Ear(opendnp3.ILogHandler):
    """Takes down every fragment, as the library logs it. What is heard between two operations belongs to the next one."""

    def __init__(self):
        super().__init__()
        self._lock, self._quiet = threading.Lock(), threading.Event()
        self._quiet.set()
        self._record, self.last = {"asked": [], "got": []}, None

    def log(self, module, id, level, location, message):
        if level.value in dnp3_told.HEADERS and (told := dnp3_told.header(message)):
            with self._lock:
                self.last = told
                self._record[dnp3_told.HEADERS[level.value]].append(told)
                if "iin" in told:
                    self._quiet.clear()
        elif level.value in dnp3_told.OBJECTS:
            dnp3_told.add_object(self.last, message)

    def told_whole(self):
        """The library is through with what it received."""
        self._quiet.set()

    def begin(self, record):
        with self._lock:
            record["asked"][:0], record["got"][:0] = self._record["asked"], self._record["got"]
            self._record = record

    def end(self):
        """Not in the middle of a fragment."""
        while True:
            self._quiet.wait()
            with self._lock:
                if self._quiet.is_set():
                    self._record = {"asked": [], "got": []}
                    return


class Values(opendnp3.ISOEHandler):
    """Takes down the values of what came."""

    def __init__(self, ear):
        super().__init__()
        self._ear = ear

    def BeginFragment(self, info):
        pass

    def EndFragment(self, info):
        pass

    def Process(self, info, values):
        dnp3_told.add_values(self._ear.last, info, values)


class Tasks(opendnp3.IMasterApplication):
    """Knows when a task is over: the indications of its last answer are told after that."""

    def __init__(self, ear):
        super().__init__()
        self._ear = ear
        self.over, self.wanted, self._completed = threading.Event(), None, False
        self.clock = None

    def expect(self, kind):
        self.wanted, self._completed = kind, False
        self.over.clear()

    def OnReceiveIIN(self, iin):
        self._ear.told_whole()
        if self._completed:
            self._completed = False
            self.over.set()

    def OnTaskStart(self, kind, id):
        pass

    def OnTaskComplete(self, info):
        # What was not answered in time is asked again.
        self._completed = info.type == self.wanted and info.result != opendnp3.TaskCompletion.FAILURE_RESPONSE_TIMEOUT

    def AssignClassDuringStartup(self):
        return False

    def Now(self):
        self.clock = time.time_ns() // 1_000_000
        return opendnp3.UTCTimestamp(self.clock)


class Centre:
    """One association with the outstation."""

    def __init__(self, options, journal, dice):
        self._journal, self._dice, self._server = journal, dice, options.server
        self._ear = Ear()
        self._tasks = Tasks(self._ear)
        self._values = Values(self._ear)
        self._manager = opendnp3.DNP3Manager(1, self._ear)
        endpoints = [opendnp3.IPEndpoint(options.server, PORT)]
        retry = opendnp3.ChannelRetry.Default()
        channel = self._manager.AddTCPClient("centre", opendnp3.levels.ALL_APP_COMMS, retry, endpoints, options.address, None)
        config = opendnp3.MasterStackConfig()
        config.link.LocalAddr, config.link.RemoteAddr = MASTER, OUTSTATION
        config.master.responseTimeout = opendnp3.TimeDuration.Seconds(RESPONSE_TIMEOUT)
        config.master.timeSyncMode = opendnp3.TimeSyncMode.LAN
        self._master = channel.AddMaster("centre", self._values, self._tasks, config)

    def open(self):
        """Connects; the library reads all classes and lets the outstation report by itself."""
        self._do("associate", FunctionCode.ENABLE_UNSOLICITED, self._master.Enable, MasterTaskType.ENABLE_UNSOLICITED)
        self._report(FunctionCode.DISABLE_UNSOLICITED)

    def close(self):
        """Whatever the outstation still reports belongs to the last operation."""
        with self._journal.request(server=self._server, protocol="dnp3", operation="associate", function=0, asked=[], got=[]) as record:
            self._ear.begin(record)
            time.sleep(0.5)
            self._manager.Shutdown()

    def integrity(self):
        self._scan([*EVENTS, Header.AllObjects(60, 1)])

    def read_static(self):
        """A few groups whole, in any variation or in one."""
        self._scan([Header.AllObjects(group, self._dice.choice([0, *STATIC[group]])) for group in self._dice.sample([*STATIC], 2)])

    def read_range(self):
        """A run of points, now and then longer than there are."""
        group = self._dice.choice([*STATIC])
        first = self._dice.randrange(POINTS)
        last = self._dice.choice([*range(first, POINTS), UNKNOWN_POINT])
        make = self._dice.choice([Header.Range8, Header.Range16])
        self._scan([make(group, self._dice.choice(STATIC[group]), first, last)])

    def read_changes(self):
        """Events of a kind, as many as there are or a few."""
        group = self._dice.choice([*CHANGED])
        variation = self._dice.choice(CHANGED[group])
        self._scan([self._dice.choice([Header.AllObjects(group, variation), Header.Count8(group, variation, 2)])])

    def read_unknown(self):
        """Device attributes, which the outstation does not have."""
        self._scan([Header.Range8(0, 254, 0, 0)])

    def operate_relay(self):
        kind, code = self._dice.choice(RELAYS)
        count, on, off = self._dice.randint(1, 3), self._dice.randrange(1 << 32), self._dice.randrange(5000)
        index = self._dice.choice([*range(CLOCK_OUTPUT), UNKNOWN_POINT])
        self._operate(opendnp3.ControlRelayOutputBlock(kind, code, False, count, on, off), index)

    def operate_analog(self):
        """Any variation, now and then beyond the limit or to an output that is not there."""
        variation = self._dice.choice([*ANALOGS])
        value = self._dice.uniform(-ANALOG_LIMIT, 1.2 * ANALOG_LIMIT)
        value = {1: int, 2: lambda value: self._dice.randint(-32768, 32767), 3: single, 4: float}[variation](value)
        index = self._dice.choice([*range(POINTS), UNKNOWN_POINT])
        self._operate(ANALOGS[variation](value), index, variation)

    def set_clock(self):
        """An output upon which the outstation wants to be told the time; the library then does so."""
        self._operate(opendnp3.ControlRelayOutputBlock(OperationType.LATCH_ON), CLOCK_OUTPUT, ends=MasterTaskType.LAN_TIME_SYNC)

    def freeze(self):
        kind = self._dice.choice([opendnp3.FreezeType.ImmediateFreeze, opendnp3.FreezeType.FreezeAndClear])
        function = FunctionCode.IMMED_FREEZE if kind == opendnp3.FreezeType.ImmediateFreeze else FunctionCode.FREEZE_CLEAR
        self._do("operate", function, lambda: self._master.Freeze(kind, [Header.AllObjects(20, 0)]))

    def restart(self):
        """Cold or warm; the outstation says how long it will be away."""
        kind = self._dice.choice([opendnp3.RestartType.COLD, opendnp3.RestartType.WARM])
        function = FunctionCode.COLD_RESTART if kind == opendnp3.RestartType.COLD else FunctionCode.WARM_RESTART
        delays = []
        self._do("mode", function, lambda: self._master.Restart(kind, lambda result: delays.append(int(str(result.restartTime)))),
                 then=lambda got: got[-1].update(delayed(got[-1], delays[-1])))  # fmt: skip

    def reports(self):
        """For a while the outstation reports by itself what changes; most of the time it has to be asked."""
        self._report(FunctionCode.ENABLE_UNSOLICITED)
        for exchange in (self.operate_relay, self.operate_analog, self.operate_relay):
            exchange()
            time.sleep(0.05)
        self._report(FunctionCode.DISABLE_UNSOLICITED)

    def _report(self, function):
        self._do("configure", function, lambda: self._master.PerformFunction("reports", function, EVENTS))

    def assign_class(self):
        headers = [Header.AllObjects(60, self._dice.randint(2, 4)), Header.AllObjects(30, 0)]
        self._do("configure", FunctionCode.ASSIGN_CLASS,
                 lambda: self._master.PerformFunction("classes", FunctionCode.ASSIGN_CLASS, headers))  # fmt: skip

    def initialize(self):
        """A function that the outstation does not have."""
        self._do("mode", FunctionCode.INITIALIZE_DATA,
                 lambda: self._master.PerformFunction("initialize", FunctionCode.INITIALIZE_DATA, []))  # fmt: skip

    def use_files(self):
        """One is written, read, looked up and deleted; now and then one that is not there."""
        name = self._dice.choice(FILES)
        content = bytes(self._dice.randrange(256) for _ in range(self._dice.randint(1, 350)))
        self._file(FunctionCode.OPEN_FILE, lambda done: self._master.WriteFile(name, content, opendnp3.FilePermissions(), done), content)
        for wanted in (name, UNKNOWN_FILE):
            self._file(FunctionCode.OPEN_FILE, lambda done: self._master.ReadFile(wanted, done))
            self._file(FunctionCode.GET_FILE_INFO, lambda done: self._master.GetFileInfo(wanted, done))
            self._file(FunctionCode.DELETE_FILE, lambda done: self._master.DeleteFile(wanted, done))

    def _file(self, function, action, content=None):
        """An operation on a file: what answers it is known from how it ended."""
        results = []

        def told(record):
            asked = [told for told in record["asked"] if told["function_code"] != FunctionCode.CONFIRM.value]
            got = [told for told in record["got"] if told["function_code"] == FunctionCode.RESPONSE.value]
            moved = content if content is not None else bytes(getattr(results[-1], "data", b""))
            transport = [pair for pair in zip(asked, got) if pair[0]["function_code"] in (1, 2)]
            if transport:
                dnp3_told.add_blocks(*zip(*transport), moved, FILE_BLOCK)
            for question, answer in zip(asked, got):
                if question["function_code"] not in (1, 2):
                    answer.update(self._about_file(question, results[-1]))

        self._do("transfer", function, lambda: action(results.append), whole=told, status=lambda: results[-1].statusCode)

    def _about_file(self, question, result):
        """What answers an opening, a closing, a deletion or a question."""
        head, status = {"qualifier": [0x5B]}, result.statusCode
        if question["function_code"] == FunctionCode.GET_FILE_INFO.value and status == FileStatus.SUCCESS:
            info = result.info
            described = {"file_name": [info.fileName], "file_size": [info.size], "file_type": [info.type.value]}
            return head | described | {"object": [dnp3_told.FILE_DESCRIPTOR]}
        return head | {"object": [dnp3_told.FILE_STATUS], "file_status": [status.value]}

    def _scan(self, headers):
        self._do("read", FunctionCode.READ, lambda: self._master.Scan(headers, self._values))

    def _operate(self, command, index, variation=None, ends=MasterTaskType.USER_TASK):
        """Selected first, or at once."""
        results = []
        direct = self._dice.random() < 0.5
        action = self._master.DirectOperate if direct else self._master.SelectAndOperate
        function = FunctionCode.DIRECT_OPERATE if direct else FunctionCode.SELECT

        def told(record):
            """The library checks that an answer repeats the command; the last one has the status that it reports."""
            fields = commanded(command, index)
            codes = (FunctionCode.SELECT.value, FunctionCode.OPERATE.value, FunctionCode.DIRECT_OPERATE.value)
            asked = [told for told in record["asked"] if told["function_code"] in codes]
            sequences = [told["sequence"] for told in asked]
            got = [told for told in record["got"] if told["function_code"] == 129 and told["sequence"] in sequences]
            for message in asked:
                message.update(fields | {"status": [0]})
            for message in got:
                message.update(fields | {"status": [results[-1].status.value if message is got[-1] else 0]})

        self._do("operate", function, lambda: action(command, index, lambda result: results.extend(result.to_list())), ends,
                 whole=told, status=lambda: results[-1].status)  # fmt: skip

    def _do(self, operation, function, action, ends=MasterTaskType.USER_TASK, then=None, whole=None, status=None):
        """One operation. It is over when a task of that kind is."""
        facts = {"server": self._server, "protocol": "dnp3", "operation": operation, "function": function.value}
        with self._journal.request(**facts, asked=[], got=[]) as record:
            self._ear.begin(record)
            self._tasks.expect(ends)
            for _ in range(ATTEMPTS):
                action()
                if over := self._tasks.over.wait(PATIENCE):
                    break
            self._ear.end()
            if not over:
                raise TimeoutError(f"{function.name} was not answered")
            if then:
                then(record["got"])
            if whole:
                whole(record)
            for told in record["asked"]:
                complete(told, self._tasks.clock)
            refusals = [told["iin"] & REFUSING for told in record["got"] if told.get("iin", 0) & REFUSING]
            if status and status().value:
                raise Refused(f"status {status().value}")
            if refusals:
                raise Refused(f"indications {refusals[-1]}")


def commanded(command, index):
    """A command in plain numbers (annex A.8, A.20)."""
    if not isinstance(command, opendnp3.ControlRelayOutputBlock):
        return {"index": [index], "value": [command.value]}
    code = command.opType.value | command.tcc.value << 6
    return {
        "index": [index], "control_code": [code], "count": [command.count], "on_time": [command.onTimeMS],
        "off_time": [command.offTimeMS],
    }  # fmt: skip


def complete(told, clock):
    """What the library writes by itself: that the restart was noticed, and the time."""
    if told["function_code"] == FunctionCode.WRITE.value and told["object"] == [80 << 8 | 1]:
        told["value"] = [0]
    elif told["function_code"] == FunctionCode.WRITE.value and told["object"] == [50 << 8 | 3]:
        told["time"] = [clock]


def delayed(told, milliseconds):
    """How long a restart takes."""
    return {"value": [milliseconds]}


def main():
    """A number of rounds, each with every kind of exchange in an order of its own."""
    options = options_of(__doc__)
    dice = random.Random(options.seed)
    centre = Centre(options, Journal(options.log, "control centre"), dice)
    centre.open()
    for _ in range(options.rounds):
        round_of = [
            centre.integrity, centre.read_unknown, centre.set_clock, centre.freeze, centre.restart, centre.assign_class, centre.initialize,
            centre.use_files, centre.reports, *[centre.read_static] * 3, *[centre.read_range] * 5, *[centre.read_changes] * 6,
            *[centre.operate_relay] * 6, *[centre.operate_analog] * 6,
        ]  # fmt: skip
        dice.shuffle(round_of)
        for exchange in round_of:
            exchange()
    centre.close()


if __name__ == "__main__":
    main()
