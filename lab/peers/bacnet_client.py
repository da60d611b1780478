"""Building management station: a BACnet/IP client (bacpypes3) that reads, commands and subscribes, and journals both directions.

What was asked and got is taken from the library's application layer, where whole APDUs leave and arrive.
"""

import asyncio
import datetime
import logging
import random

from bacpypes3 import apdu as apdus
from bacpypes3.app import Application
from bacpypes3.argparse import SimpleArgumentParser
from bacpypes3.basetypes import (
    BinaryPV,
    DateTime,
    PropertyReference,
    PropertyValue,
    ReadAccessSpecification,
    WriteAccessSpecification,
)
from bacpypes3.constructeddata import Any
from bacpypes3.pdu import Address, LocalBroadcast
from bacpypes3.primitivedata import (
    BitString,
    CharacterString,
    Date,
    Double,
    Integer,
    Null,
    OctetString,
    Real,
    Time,
    Unsigned,
)

import bacnet_told
from bacnet_objects import (
    ABSENT,
    CLIENT_DEVICE,
    COMMANDED,
    DEVICE,
    INSTANCES,
    MEASURED,
    NETMASK,
    PASSWORD,
    PLAIN,
    PORT,
    STATES,
    STRANGER,
)
from journal import Journal, Refused
from talk import options_of, single

PATIENCE = 5.0
QUIET = 0.03
CONTROLLER = ("device", DEVICE)


class Wire(Application):
    """The library's device, which tells each APDU as it leaves and as it arrives."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.asked, self.got = [], []

    def request(self, apdu):
        future = super().request(apdu)
        self.asked.append(bacnet_told.told(apdu))
        return future

    async def response(self, apdu):
        self.asked.append(bacnet_told.told(apdu))
        await super().response(apdu)

    async def indication(self, apdu):
        self.got.append(bacnet_told.told(apdu))
        await super().indication(apdu)

    async def confirmation(self, apdu):
        self.got.append(bacnet_told.told(apdu))
        await super().confirmation(apdu)

    async def do_ConfirmedCOVNotificationRequest(self, apdu):
        """Any is welcome."""
        await self.response(apdus.SimpleAckPDU(context=apdu))

    def take(self):
        """What was asked and got since it was taken last."""
        taken = self.asked, self.got
        self.asked, self.got = [], []
        return taken


class Station:
    """One operator. Each exchange is over when its answer came, and what follows from it."""

    def __init__(self, options, journal, dice):
        self._journal, self._dice, self._server = journal, dice, options.server
        words = ["--address", f"{options.address}/{NETMASK}:{PORT}", "--instance", str(CLIENT_DEVICE), "--name", "Station"]
        self._wire = Wire.from_args(SimpleArgumentParser().parse_args(words))
        self._controller = Address(f"{options.server}:{PORT}")
        self._process = 0

    async def _do(self, operation, apdu, *, to=None, awaited=0):
        """One exchange; `awaited` messages come besides its answer."""
        apdu.pduDestination = to or self._controller
        facts = {"server": self._server, "protocol": "bacnet", "operation": operation, "function": int(apdu.apduService)}
        with self._journal.request(**facts) as record:
            try:
                await asyncio.wait_for(self._wire.request(apdu), PATIENCE)
                await self._besides(awaited)
            except bacnet_told.ERRORS as refusal:
                raise Refused(type(refusal).__name__) from refusal
            finally:
                record["asked"], record["got"] = self._wire.take()

    async def _besides(self, awaited):
        until = asyncio.get_running_loop().time() + PATIENCE
        wanted = awaited + len([told for told in self._wire.asked if told["pdu_type"] == 0])
        while len(self._wire.got) < wanted:
            if asyncio.get_running_loop().time() > until:
                raise TimeoutError(f"{len(self._wire.got)} messages of {wanted}")
            await asyncio.sleep(0.002)
        if awaited:
            # An acknowledgement of what came is still on its way.
            await asyncio.sleep(QUIET)

    async def open(self):
        """Learns whether the controller takes segments."""
        await self.who_is()

    async def who_is(self):
        apdu = apdus.WhoIsRequest(deviceInstanceRangeLowLimit=1, deviceInstanceRangeHighLimit=self._dice.randint(DEVICE, 99))
        await self._do("discover", apdu, to=LocalBroadcast(), awaited=1)

    async def who_is_stranger(self):
        """Nobody answers."""
        apdu = apdus.WhoIsRequest(deviceInstanceRangeLowLimit=STRANGER, deviceInstanceRangeHighLimit=STRANGER)
        await self._do("discover", apdu, to=LocalBroadcast())

    async def who_has(self):
        """By its name, or by its identifier."""
        kind, instance = self._object()
        sought = {"objectName": f"{kind} {instance}"} if self._dice.random() < 0.5 else {"objectIdentifier": (kind, instance)}
        apdu = apdus.WhoHasRequest(object=apdus.WhoHasObject(**sought))
        await self._do("discover", apdu, to=LocalBroadcast(), awaited=1)

    def _object(self, *kinds):
        return self._dice.choice(kinds or [*COMMANDED, *PLAIN, MEASURED]), self._dice.choice(INSTANCES)

    async def read(self):
        await self._read(self._object(), "present-value")

    async def read_elements(self):
        """A priority array as a whole, one element of it, and how many it has."""
        commanded = self._object(*COMMANDED)
        await self._read(commanded, "priority-array")
        await self._read(commanded, "priority-array", self._dice.randint(0, 16))

    async def read_device(self):
        """Texts, numbers, bits and enumerations."""
        wanted = ["object-name", "vendor-identifier", "protocol-services-supported", "system-status", "max-apdu-length-accepted"]
        await self._read(CONTROLLER, self._dice.choice(wanted))

    async def read_objects(self):
        """A list that takes several segments."""
        await self._read(CONTROLLER, "object-list")

    async def read_absent(self):
        """An object, a property and an element that are not there."""
        await self._read(ABSENT, "present-value")
        await self._read((MEASURED, 1), "priority-array")
        await self._read(CONTROLLER, "object-list", 100_000)

    async def _read(self, touched, name, index=None):
        apdu = apdus.ReadPropertyRequest(objectIdentifier=touched, propertyIdentifier=name, propertyArrayIndex=index)
        await self._do("read", apdu)

    async def read_multiple(self):
        """Several properties of several objects, some of which are not there."""
        names = ["present-value", "status-flags", "out-of-service", "event-state", "object-name", "priority-array", "units"]
        specifications = [
            ReadAccessSpecification(
                objectIdentifier=touched,
                listOfPropertyReferences=[
                    PropertyReference(propertyIdentifier=name) for name in self._dice.sample(names, self._dice.randint(1, 5))
                ],
            )
            for touched in [*[self._object() for _ in range(self._dice.randint(1, 4))], ABSENT]
        ]  # fmt: skip
        self._dice.shuffle(specifications)
        await self._do("read", apdus.ReadPropertyMultipleRequest(listOfReadAccessSpecs=specifications))

    async def write(self):
        """An object whose value is kept as it is."""
        kind, instance = self._object(*PLAIN)
        await self._write((kind, instance), self._value(PLAIN[kind][0]))

    async def command(self):
        """With a priority, in most cases; then given up again."""
        kind, instance = self._object(*COMMANDED)
        priority = self._dice.choice([None, *range(1, 17)])
        await self._write((kind, instance), self._value(COMMANDED[kind]), priority)
        await self._read((kind, instance), "present-value")
        await self._write((kind, instance), Null(()), priority or 16)

    async def write_description(self):
        """A text that takes several segments, there and back."""
        commanded = self._object(*COMMANDED)
        text = "".join(self._dice.choice("abcdef \u00e4\u6c34") for _ in range(self._dice.randint(1500, 4000)))
        await self._write(commanded, CharacterString(text), name="description")
        await self._read(commanded, "description")

    async def write_refused(self):
        """What is measured, what is not there, and what is of another type."""
        await self._write(self._object(MEASURED), Real(1.5))
        await self._write(ABSENT, Real(1.5), 8)
        await self._write(("integer-value", 1), CharacterString("fast"))

    async def _write(self, touched, value, priority=None, name="present-value"):
        apdu = apdus.WritePropertyRequest(
            objectIdentifier=touched, propertyIdentifier=name, propertyValue=Any(value), priority=priority
        )
        await self._do("write", apdu)

    async def write_multiple(self):
        """Several objects at once; now and then one of them is not to be written."""
        chosen = [self._written() for _ in range(self._dice.randint(1, 6))]
        if self._dice.random() < 0.4:
            chosen.append(((MEASURED, 1), PropertyValue(propertyIdentifier="present-value", value=Any(Real(2.5)))))
        specifications = [
            WriteAccessSpecification(objectIdentifier=touched, listOfProperties=[value]) for touched, value in chosen
        ]
        await self._do("write", apdus.WritePropertyMultipleRequest(listOfWriteAccessSpecs=specifications))

    def _written(self):
        kind, instance = self._object(*COMMANDED, *PLAIN)
        priority = self._dice.randint(1, 16) if kind in COMMANDED else None
        value = Any(self._value(COMMANDED[kind] if kind in COMMANDED else PLAIN[kind][0]))
        return (kind, instance), PropertyValue(propertyIdentifier="present-value", value=value, priority=priority)

    def _value(self, kind):
        """A new value of a type."""
        dice = self._dice
        return kind({
            Real: lambda: single(dice.uniform(-1000, 1000)),
            Double: lambda: dice.uniform(-1e12, 1e12),
            BinaryPV: lambda: dice.choice(["active", "inactive"]),
            Unsigned: lambda: dice.randint(1, STATES),
            Integer: lambda: dice.choice([-(2**31), -129, -1, 0, 127, 128, dice.randint(-(2**31), 2**31 - 1)]),
            CharacterString: lambda: "".join(dice.choice("abc \u00df\u6c34") for _ in range(dice.randint(0, 20))),
            OctetString: lambda: dice.randbytes(dice.randint(0, 300)),
            BitString: lambda: [dice.randint(0, 1) for _ in range(dice.randint(1, 20))],
            Date: lambda: (dice.randint(100, 150), dice.randint(1, 12), dice.randint(1, 28), dice.randint(1, 7)),
            Time: lambda: (dice.randint(0, 23), dice.randint(0, 59), dice.randint(0, 59), dice.randint(0, 99)),
        }[kind]())  # fmt: skip

    async def subscribe(self):
        """Notifications, confirmed or not, of a value that is then changed; and no more once it is given up."""
        self._process += 1
        touched = ("analog-value", self._dice.choice(range(100, 110)))
        await self._do("subscribe", self._subscription(touched, self._dice.random() < 0.5, 60), awaited=1)
        for step in range(3):
            apdu = apdus.WritePropertyRequest(
                objectIdentifier=touched, propertyIdentifier="present-value",
                propertyValue=Any(Real(single(1000.0 * (step + 1) * self._process))),
            )  # fmt: skip
            await self._do("write", apdu, awaited=1)
        await self._do("subscribe", self._subscription(touched, None, None))

    def _subscription(self, touched, confirmed, lifetime):
        return apdus.SubscribeCOVRequest(
            subscriberProcessIdentifier=self._process, monitoredObjectIdentifier=touched,
            issueConfirmedNotifications=confirmed, lifetime=lifetime,
        )  # fmt: skip

    async def subscribe_absent(self):
        self._process += 1
        await self._do("subscribe", self._subscription(ABSENT, False, 60))

    async def control(self):
        """The controller is kept from speaking unasked and allowed to again; who does not know the word may not."""
        for state, word in (("disableInitiation", PASSWORD), ("enable", PASSWORD), ("disableInitiation", "guess"), ("enable", None)):
            apdu = apdus.DeviceCommunicationControlRequest(timeDuration=5, enableDisable=state, password=word)
            await self._do("mode", apdu)

    async def reinitialize(self):
        state = self._dice.choice(["coldstart", "warmstart", "startBackup", "endBackup", "activateChanges"])
        for word in (PASSWORD, "guess"):
            await self._do("mode", apdus.ReinitializeDeviceRequest(reinitializedStateOfDevice=state, password=word))

    async def set_time(self):
        """To all; nobody answers."""
        now = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=self._dice.randrange(10**7))
        date = Date((now.year - 1900, now.month, now.day, now.isoweekday()))
        time = DateTime(date=date, time=Time((now.hour, now.minute, now.second, 0)))
        await self._do("time", apdus.TimeSynchronizationRequest(time=time), to=LocalBroadcast())

    async def unknown_service(self):
        """A vendor's service that the controller does not have."""
        apdu = apdus.ConfirmedPrivateTransferRequest(vendorID=999, serviceNumber=self._dice.randint(1, 99))
        await self._do("private", apdu)


async def main():
    """A number of rounds, each with every kind of exchange in an order of its own."""
    options = options_of(__doc__)
    logging.disable(logging.CRITICAL)
    dice = random.Random(options.seed)
    station = Station(options, Journal(options.log, "building management station"), dice)
    await station.open()
    for _ in range(options.rounds):
        round_of = [
            station.who_is, station.who_is_stranger, station.who_has, station.read_elements, station.read_device,
            station.read_objects, station.read_absent, station.write_description, station.write_refused, station.subscribe,
            station.subscribe_absent, station.control, station.reinitialize, station.set_time, station.unknown_service,
            *[station.read] * 4, *[station.read_multiple] * 3, *[station.write] * 6, *[station.command] * 4,
            *[station.write_multiple] * 3,
        ]  # fmt: skip
        dice.shuffle(round_of)
        for exchange in round_of:
            await exchange()


if __name__ == "__main__":
    asyncio.run(main())
