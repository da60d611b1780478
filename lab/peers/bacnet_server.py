"""Controller: a BACnet/IP device (bacpypes3) whose objects keep what is written to them."""

import argparse
import asyncio
import logging

from bacpypes3.app import Application
from bacpypes3.apdu import SimpleAckPDU, WritePropertyMultipleError
from bacpypes3.argparse import SimpleArgumentParser
from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.errors import ExecutionError, PropertyError
from bacpypes3.local.analog import AnalogInputObject, AnalogOutputObject, AnalogValueObject, AnalogValueObjectCmd
from bacpypes3.local.binary import BinaryOutputObject
from bacpypes3.local.multistate import MultiStateOutputObject
from bacpypes3.local.object import Object
from bacpypes3.object import (
    BitStringValueObject,
    CharacterStringValueObject,
    DateValueObject,
    IntegerValueObject,
    LargeAnalogValueObject,
    OctetStringValueObject,
    PositiveIntegerValueObject,
    TimeValueObject,
)
from bacpypes3.service.device import DeviceCommunicationControlServices

from bacnet_objects import COMMANDED, DEVICE, INSTANCES, MANY, MEASURED, NETMASK, PASSWORD, PLAIN, PORT, STATES, UNITS


class Measurement(AnalogInputObject):
    """What the process says, not who asks."""

    async def write_property(self, attr, value, index=None, priority=None):
        raise PropertyError("writeAccessDenied")


class Reported(AnalogValueObject):
    """A value whose subscribers hear of it; the library tells them of assignments alone."""

    async def write_property(self, attr, value, index=None, priority=None):
        if int(attr) == PropertyIdentifier.presentValue:
            self.presentValue = value
        else:
            await super().write_property(attr, value, index, priority)


CLASSES = {
    "analog-output": AnalogOutputObject, "binary-output": BinaryOutputObject, "multi-state-output": MultiStateOutputObject,
    "analog-value": AnalogValueObjectCmd,
}  # fmt: skip
BASES = {
    "characterstring-value": CharacterStringValueObject, "integer-value": IntegerValueObject,
    "large-analog-value": LargeAnalogValueObject, "positive-integer-value": PositiveIntegerValueObject,
    "octetstring-value": OctetStringValueObject, "bitstring-value": BitStringValueObject, "date-value": DateValueObject,
    "time-value": TimeValueObject,
}  # fmt: skip


class Controller(Application, DeviceCommunicationControlServices):
    """The library's device, which starts anew for those who know the word."""

    async def do_ReinitializeDeviceRequest(self, apdu):
        if apdu.password != PASSWORD:
            raise ExecutionError(errorClass="security", errorCode="passwordFailure")
        await self.response(SimpleAckPDU(context=apdu))

    async def do_WritePropertyMultipleRequest(self, apdu):
        """The library raises the right error, and nobody sends it."""
        try:
            await super().do_WritePropertyMultipleRequest(apdu)
        except WritePropertyMultipleError as error:
            told = {"errorType": error.errorType, "firstFailedWriteAttempt": error.firstFailedWriteAttempt}
            await self.response(WritePropertyMultipleError(**told, context=apdu))


def common(kind, instance):
    """What every object has."""
    return {
        "objectIdentifier": (kind, instance), "objectName": f"{kind} {instance}", "statusFlags": [0, 0, 0, 0],
        "eventState": "normal", "outOfService": False,
    }  # fmt: skip


def commanded(kind, instance):
    """An object with a priority array."""
    own = {
        "analog-output": {"presentValue": 0.0, "units": UNITS, "covIncrement": 1.0},
        "analog-value": {"presentValue": 0.0, "units": UNITS, "covIncrement": 1.0},
        "binary-output": {"presentValue": "inactive", "polarity": "normal"},
        "multi-state-output": {"presentValue": 1, "numberOfStates": STATES},
    }[kind]
    return CLASSES[kind](**common(kind, instance), description="", **own)


def plain(kind, instance):
    """An object whose value is written as it is."""
    local = type(f"Local{BASES[kind].__name__}", (Object, BASES[kind]), {})
    return local(**common(kind, instance), presentValue=PLAIN[kind][1])


async def main():
    """Serves until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--address", required=True)
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    words = ["--address", f"{options.address}/{NETMASK}:{PORT}", "--instance", str(DEVICE), "--name", "Controller"]
    device = Controller.from_args(SimpleArgumentParser().parse_args(words))
    device.device_object._dcc_password = PASSWORD
    # Where the library looks for what it is to silence.
    device.smap = device.asap
    for instance in INSTANCES:
        for kind in COMMANDED:
            device.add_object(commanded(kind, instance))
        for kind in PLAIN:
            device.add_object(plain(kind, instance))
        device.add_object(Measurement(**common(MEASURED, instance), presentValue=7.25, units=UNITS, covIncrement=1.0))
    for instance in MANY:
        device.add_object(Reported(**common("analog-value", instance), presentValue=0.5, units=UNITS, covIncrement=1.0))
    print("ready")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
