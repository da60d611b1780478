"""The device of the BACnet peers: its objects, by type and instance (ANSI/ASHRAE 135, clause 12)."""

from bacpypes3.basetypes import BinaryPV, EngineeringUnits
from bacpypes3.primitivedata import (
    BitString,
    CharacterString,
    Date,
    Double,
    Integer,
    OctetString,
    Real,
    Time,
    Unsigned,
)

PORT = 47808
NETMASK = 24
DEVICE, CLIENT_DEVICE, STRANGER = 20, 10, 4_000
PASSWORD = "chlorine"
UNITS = EngineeringUnits("milligramsPerLiter")
# Objects with a priority array, and those whose value is written as it is: type, kind of the value, first value.
COMMANDED = {"analog-output": Real, "binary-output": BinaryPV, "multi-state-output": Unsigned, "analog-value": Real}
PLAIN = {
    "characterstring-value": (CharacterString, "stopped"), "integer-value": (Integer, 0), "large-analog-value": (Double, 0.0),
    "positive-integer-value": (Unsigned, 0), "octetstring-value": (OctetString, b""), "bitstring-value": (BitString, [0] * 5),
    "date-value": (Date, (126, 1, 1, 4)), "time-value": (Time, (0, 0, 0, 0)),
}  # fmt: skip
INSTANCES = (1, 2, 3)
STATES = 5
MEASURED = "analog-input"  # not to be written
ABSENT = ("analog-value", 999)
MANY = range(100, 700)  # values beside, so that the list of objects takes several segments
