"""The address space of the OPC UA peers: nodes of a namespace of their own, by identifier (OPC 10000-3, 8.2)."""

import datetime
import uuid

from asyncua import ua

PORT = 4840
NAMESPACE = 2
NAMESPACE_URI = "urn:fieldwarden:lab"
USER, PASSWORD = "engineer", "chlorine"  # may add and delete nodes


def node(identifier):
    """A node of the plant."""
    if isinstance(identifier, int):
        return ua.NodeId(identifier, NAMESPACE)
    kinds = {str: ua.NodeIdType.String, uuid.UUID: ua.NodeIdType.Guid, bytes: ua.NodeIdType.ByteString}
    return ua.NodeId(identifier, NAMESPACE, kinds[type(identifier)])


T = ua.VariantType
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
# Writable variables: type and first value. Identifiers of every kind.
VARIABLES = {
    1001: (T.Boolean, False), 1002: (T.SByte, 0), 1003: (T.Byte, 0), 1004: (T.Int16, 0), 1005: (T.UInt16, 0),
    1006: (T.Int32, 0), 1007: (T.UInt32, 0), 1008: (T.Int64, 0), 1009: (T.UInt64, 0), 1010: (T.Float, 0.0),
    1011: (T.Double, 0.0), 1012: (T.String, "stopped"), 1013: (T.DateTime, START), 1014: (T.Guid, uuid.UUID(int=1)),
    1015: (T.ByteString, b""), 1016: (T.NodeId, ua.NodeId(85)), 1017: (T.StatusCode, ua.StatusCode(0)),
    1018: (T.QualifiedName, ua.QualifiedName("Pump", 2)), 1019: (T.LocalizedText, ua.LocalizedText("Pump", "en")),
    1101: (T.Int16, [0] * 8), 1102: (T.Float, [0.0] * 8), 1103: (T.Double, [0.0] * 300), 1104: (T.Boolean, [False] * 16),
    1105: (T.String, ["open", "closed"]),
    100_001: (T.UInt32, 0),
    "Dosing.Chlorine.Setpoint": (T.Double, 0.9),
    uuid.UUID("72962b91-fa75-4ae6-8d28-b404dc7daf63"): (T.Int32, 0),
    b"\x01\xfe\x7f\x00plc": (T.Int32, 0),
}  # fmt: skip
RECIPE = 1201  # a text that takes several chunks
MEASURED = 1301  # not to be written
ABSENT = 1999
PLANT, START_PUMP, TRIP = 2000, 2001, 2002  # an object and its methods; the second always fails
ATTRIBUTES = (1, 2, 3, 4, 13, 14, 15, 17, 20)  # OPC 10000-6, A.1
