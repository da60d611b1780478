"""Operator station: an OPC UA client (asyncua) that reads, writes, calls and subscribes, and journals both directions.

What was asked and got is taken from the library where its objects become octets and octets become its objects.
"""

import asyncio
import datetime
import logging
import random
import uuid

from asyncua import Client, ua
from asyncua.client.ua_client import UASocketProtocol
from asyncua.common.utils import wait_for
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary, uatcp_to_binary

import opcua_told
from journal import Journal, Refused
from opcua_nodes import (
    ABSENT,
    ATTRIBUTES,
    MEASURED,
    NAMESPACE,
    PASSWORD,
    PLANT,
    PORT,
    RECIPE,
    START_PUMP,
    TRIP,
    USER,
    VARIABLES,
    node,
)
from talk import options_of, single

T = ua.VariantType
PATIENCE = 4.0
BUFFER = 8192  # the least that may be negotiated (OPC 10000-6, 7.1.2.3), so that long messages take several chunks
NEVER = 1e6
BAD = 0x8000_0000
RANGES = {
    T.SByte: (-128, 127), T.Byte: (0, 255), T.Int16: (-(2**15), 2**15 - 1), T.UInt16: (0, 2**16 - 1),
    T.Int32: (-(2**31), 2**31 - 1), T.UInt32: (0, 2**32 - 1), T.Int64: (-(2**63), 2**63 - 1), T.UInt64: (0, 2**64 - 1),
}  # fmt: skip


class Wire(UASocketProtocol):
    """A connection that tells each message as it leaves and as it arrives."""

    def __init__(self, station, *arguments, **options):
        super().__init__(*arguments, **options)
        self._station = station

    async def send_hello(self, url, max_messagesize=0, max_chunkcount=0):
        hello = ua.Hello(ReceiveBufferSize=BUFFER, SendBufferSize=BUFFER, MaxMessageSize=0, MaxChunkCount=0, EndpointUrl=url)
        acknowledged = self._callbackmap[0] = asyncio.get_running_loop().create_future()
        self._station.asked.append(opcua_told.line(limits("HEL", hello) | {"endpoint": url}))
        self.transport.write(uatcp_to_binary(ua.MessageType.Hello, hello))
        return await wait_for(acknowledged, self.timeout)

    def _send_request(self, request, timeout=1, message_type=ua.MessageType.SecureMessage):
        future = super()._send_request(request, timeout, message_type)
        head = {"message_type": message_type.decode(), "request_id": self._request_id}
        self._station.asked.append(opcua_told.line(head | opcua_told.asked(request)))
        return future

    def _process_received_message(self, msg):
        if msg is not None:
            self._station.got.append(opcua_told.line(self._told(msg)))
        super()._process_received_message(msg)

    def _told(self, msg):
        if isinstance(msg, ua.Acknowledge):
            return limits("ACK", msg)
        if isinstance(msg, ua.ErrorMessage):
            return {"message_type": "ERR", "error": msg.Error.value, "reason": msg.Reason}
        kind = ua.extension_objects_by_typeid[nodeid_from_binary(msg.body().copy())]
        head = {"message_type": "MSG", "request_id": msg.request_id()}
        if kind is ua.OpenSecureChannelResponse:
            head |= {"message_type": "OPN", "security_policy": msg.SecurityHeader().SecurityPolicyURI}
        return head | opcua_told.got(struct_from_binary(kind, msg.body().copy()))


def limits(kind, message):
    """A hello or its acknowledgement."""
    return {
        "message_type": kind, "version": message.ProtocolVersion, "receive_buffer": message.ReceiveBufferSize,
        "send_buffer": message.SendBufferSize, "max_message_size": message.MaxMessageSize,
        "max_chunk_count": message.MaxChunkCount,
    }  # fmt: skip


class Station:
    """One connection for all exchanges; logging in opens further ones."""

    def __init__(self, options, journal, dice):
        self._journal, self._dice, self._server = journal, dice, options.server
        self.asked, self.got = [], []
        self._client = self._new_client()
        self._session = self._client.uaclient
        self._changed = asyncio.Event()
        self._added = 0

    def _new_client(self):
        client = Client(f"opc.tcp://{self._server}:{PORT}/", timeout=PATIENCE, watchdog_intervall=NEVER)
        lower = client.uaclient

        def make_protocol():
            lower.protocol = Wire(self, lower._timeout, security_policy=lower.security_policy)
            return lower.protocol

        lower._make_protocol = make_protocol
        return client

    async def open(self):
        await self._do("associate", 0, self._client.connect())

    async def close(self):
        await self._do("associate", 0, self._client.disconnect())

    async def _do(self, operation, function, action):
        """One exchange, or several that belong together; what came in the meantime belongs to it too."""
        facts = {"server": self._server, "protocol": "opcua", "operation": operation, "function": function}
        with self._journal.request(**facts) as record:
            try:
                return await action
            except ua.UaError as refusal:
                raise Refused(type(refusal).__name__) from refusal
            finally:
                record["asked"], record["got"], self.asked, self.got = self.asked, self.got, [], []
                bad = [status for told in record["got"] for status in refusals(told)]
                if bad:
                    raise Refused(f"status {bad[-1]:#010x}")

    def _one_of(self, *others):
        return node(self._dice.choice([*VARIABLES, *others]))

    def _some(self, *others):
        return [self._one_of(*others) for _ in range(self._dice.randint(2, 20))]

    async def read_value(self):
        await self._read([(self._one_of(RECIPE, MEASURED), 13)])

    async def read_values(self):
        """Many at once, now and then one that does not exist."""
        await self._read([(each, 13) for each in self._some(MEASURED, ABSENT)])

    async def read_attributes(self):
        """Of a variable, some of which it does not have."""
        touched = self._one_of(MEASURED)
        await self._read([(touched, attribute) for attribute in self._dice.sample(ATTRIBUTES, 5)])

    async def read_server_status(self):
        """Structures and times of the server itself."""
        await self._read([(ua.NodeId(identifier), 13) for identifier in (2256, 2258, 2259, 2255, 11702)])

    async def _read(self, wanted):
        items = [ua.ReadValueId(NodeId=touched, AttributeId=attribute) for touched, attribute in wanted]
        await self._do("read", 631, self._session.read(ua.ReadParameters(NodesToRead=items)))

    async def write_value(self):
        await self._write([self._written(self._dice.choice(list(VARIABLES)))])

    async def write_values(self):
        """Many at once, some of them refused."""
        chosen = [self._written(self._dice.choice(list(VARIABLES))) for _ in range(self._dice.randint(2, 12))]
        chosen.insert(self._dice.randrange(len(chosen)), (node(MEASURED), ua.Variant(1.5, T.Double)))
        await self._write(chosen)

    async def write_read_only(self):
        await self._write([(node(MEASURED), ua.Variant(self._dice.random(), T.Double))])

    async def write_absent(self):
        await self._write([(node(ABSENT), ua.Variant(self._dice.randint(0, 99), T.Int32))])

    async def write_wrong_type(self):
        await self._write([(node(1010), ua.Variant("fast", T.String))])

    async def write_and_read_recipe(self):
        """A text that is longer than a chunk, there and back."""
        recipe = "".join(self._dice.choice("abcdefgh \u00e4\u2103") for _ in range(self._dice.randint(BUFFER, 2 * BUFFER)))
        await self._write([(node(RECIPE), ua.Variant(recipe, T.String))])
        await self._read([(node(RECIPE), 13)])

    async def _write(self, chosen):
        items = [
            ua.WriteValue(NodeId=touched, AttributeId=ua.AttributeIds.Value, Value=ua.DataValue(value))
            for touched, value in chosen
        ]
        await self._do("write", 673, self._session.write(ua.WriteParameters(NodesToWrite=items)))

    def _written(self, identifier):
        kind, known = VARIABLES[identifier]
        value = [self._value(kind) for _ in known] if isinstance(known, list) else self._value(kind)
        return node(identifier), ua.Variant(value, kind)

    def _value(self, kind):
        """A new value of a type."""
        dice = self._dice
        if kind in RANGES:
            low, high = RANGES[kind]
            return dice.choice([low, high, dice.randint(low, high)])
        word = "".join(dice.choice("abcdef \u00df\u6c34") for _ in range(dice.randint(0, 12)))
        return {
            T.Boolean: lambda: dice.random() < 0.5,
            T.Float: lambda: single(dice.uniform(-1e6, 1e6)),
            T.Double: lambda: dice.uniform(-1e12, 1e12),
            T.String: lambda: word,
            T.DateTime: lambda: datetime.datetime(2020, 1, 1) + datetime.timedelta(microseconds=dice.randrange(10**15)),
            T.Guid: lambda: uuid.UUID(int=dice.getrandbits(128)),
            T.ByteString: lambda: dice.randbytes(dice.randint(0, 9)),
            T.NodeId: lambda: self._one_of(),
            T.StatusCode: lambda: ua.StatusCode(dice.choice([0, 0x8034_0000, 0x40BF_0000])),
            T.QualifiedName: lambda: ua.QualifiedName(word, 2),
            T.LocalizedText: lambda: ua.LocalizedText(word, dice.choice([None, "en"])),
        }[kind]()

    async def browse(self):
        """The plant, the folder of objects, and a node that is not there."""
        asked = [
            ua.BrowseDescription(
                NodeId=touched, BrowseDirection=ua.BrowseDirection.Both, ReferenceTypeId=ua.NodeId(ua.ObjectIds.References),
                IncludeSubtypes=True, NodeClassMask=0, ResultMask=63,
            )
            for touched in (node(PLANT), ua.NodeId(85), node(ABSENT))
        ]  # fmt: skip
        await self._do("discover", 527, self._session.browse(ua.BrowseParameters(NodesToBrowse=asked)))

    async def find_by_path(self):
        path = ua.RelativePath(
            Elements=[ua.RelativePathElement(ua.NodeId(33), False, True, ua.QualifiedName("Plant", NAMESPACE))]
        )  # fmt: skip
        asked = [ua.BrowsePath(ua.NodeId(85), path)]
        await self._do("discover", 554, self._session.translate_browsepaths_to_nodeids(asked))

    async def endpoints(self):
        await self._do("discover", 428, self._client.get_endpoints())

    async def servers(self):
        await self._do("discover", 422, self._client.find_servers())

    async def call(self):
        """Two methods in one request."""
        calls = [self._start(), self._start()]
        await self._do("operate", 712, self._session.call(calls))

    async def call_failing(self):
        """A method that fails, one that lacks an argument, and one that is not there."""
        short = self._start()
        short.InputArguments = short.InputArguments[:1]
        calls = [ua.CallMethodRequest(node(PLANT), node(TRIP), []), short, ua.CallMethodRequest(node(PLANT), node(ABSENT), [])]
        await self._do("operate", 712, self._session.call(calls))

    def _start(self):
        pump, speed = self._dice.randint(1, 6), self._dice.uniform(300, 800)
        return ua.CallMethodRequest(node(PLANT), node(START_PUMP), [ua.Variant(pump, T.Int32), ua.Variant(speed, T.Double)])

    async def register(self):
        nodes = [node(1001), node(100_001)]
        await self._do("associate", 560, self._session.register_nodes(nodes))
        await self._do("associate", 566, self._session.unregister_nodes(nodes))

    async def subscribe(self):
        """Values of three variables as they change, and of one that is not there, until the subscription is taken back."""
        watched = self._dice.sample([each for each in VARIABLES if each != 1103], 3)
        subscription = await self._do("subscribe", 787, self._client.create_subscription(5, self))
        items = [
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(NodeId=node(each), AttributeId=ua.AttributeIds.Value),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=ua.MonitoringParameters(
                    ClientHandle=self._dice.getrandbits(32), SamplingInterval=0, QueueSize=1, DiscardOldest=True,
                ),
            )
            for each in [*watched, ABSENT]
        ]  # fmt: skip
        self._changed.clear()
        await self._do("subscribe", 751, subscription.create_monitored_items(items))
        await self._do("subscribe", 826, asyncio.wait_for(self._changed.wait(), PATIENCE))
        for each in watched:
            self._changed.clear()
            touched, value = self._written(each)
            await self._write([(touched, value)])
            # What is written again as it was is no change.
            await self._do("subscribe", 826, self._next_change())
        await self._do("subscribe", 847, subscription.delete())

    async def _next_change(self):
        try:
            await asyncio.wait_for(self._changed.wait(), 0.05)
        except TimeoutError:
            pass

    def datachange_notification(self, touched, value, data):
        """Called by the library."""
        self._changed.set()

    async def configure_without_right(self):
        """Nobody adds nodes without a name."""
        await self._do("configure", 488, self._session.add_nodes([self._new_node()]))

    def _new_node(self):
        self._added += 1
        return ua.AddNodesItem(
            ParentNodeId=node(PLANT), ReferenceTypeId=ua.NodeId(ua.ObjectIds.Organizes), NodeClass=ua.NodeClass.Object,
            RequestedNewNodeId=node(50_000 + self._added), BrowseName=ua.QualifiedName(f"N{self._added}", NAMESPACE),
            TypeDefinition=ua.NodeId(ua.ObjectIds.FolderType), NodeAttributes=ua.ObjectAttributes(),
        )  # fmt: skip

    async def engineer(self):
        """A session with name and password, for a node that comes and goes; the second deletion finds nothing."""
        client = self._new_client()
        client.set_user(USER)
        client.set_password(PASSWORD)
        await self._do("associate", 0, client.connect())
        new = self._new_node()
        await self._do("configure", 488, client.uaclient.add_nodes([new]))
        gone = ua.DeleteNodesParameters([ua.DeleteNodesItem(new.RequestedNewNodeId, True)])
        await self._do("configure", 500, client.uaclient.delete_nodes(gone))
        await self._do("configure", 500, client.uaclient.delete_nodes(gone))
        await self._do("associate", 0, client.disconnect())

    async def stranger(self):
        """A name that the server does not know."""
        client = self._new_client()
        client.set_user("visitor")
        client.set_password("".join(self._dice.choice("abcdef") for _ in range(8)))
        await self._do("associate", 0, client.connect())


def refusals(told):
    """Statuses that say bad (OPC 10000-4, 7.39)."""
    return [status for status in (told.get("service_result", 0), *told.get("statuses", ())) if status & BAD]


async def main():
    """A number of rounds, each with every kind of exchange in an order of its own."""
    options = options_of(__doc__)
    logging.disable(logging.CRITICAL)
    dice = random.Random(options.seed)
    station = Station(options, Journal(options.log, "operator station"), dice)
    await station.open()
    for _ in range(options.rounds):
        round_of = [
            station.read_attributes, station.read_server_status, station.write_read_only, station.write_absent,
            station.write_wrong_type, station.write_and_read_recipe, station.browse, station.find_by_path, station.endpoints,
            station.servers, station.call, station.call_failing, station.register, station.subscribe,
            station.configure_without_right, station.engineer, station.stranger,
            *[station.read_value] * 4, *[station.read_values] * 2, *[station.write_value] * 8, *[station.write_values] * 2,
        ]  # fmt: skip
        dice.shuffle(round_of)
        for exchange in round_of:
            await exchange()
    await station.close()


if __name__ == "__main__":
    asyncio.run(main())
