"""What pycomm3's packets say, under the keys of `fieldwarden decode --json`: one object for each packet of the encapsulation, and one
for each CIP message in it."""

import io
import re

from pycomm3 import cip
from pycomm3.packets import (
    GenericConnectedRequestPacket,
    GenericUnconnectedRequestPacket,
    ListIdentityRequestPacket,
    MultiServiceRequestPacket,
    RegisterSessionRequestPacket,
    SendUnitDataRequestPacket,
    UnRegisterSessionRequestPacket,
)

LARGE_FORWARD_OPEN, FORWARD_OPEN, FORWARD_CLOSE, UNCONNECTED_SEND, MULTIPLE = 0x5B, 0x54, 0x4E, 0x52, 0x0A
GET_ALL, GET_LIST, READ_FRAGMENT = 0x01, 0x03, 0x52
PARTIAL = 6
# The route of every connection: the backplane (port 1), slot 0, and there the message router.
PORT, SLOT, ROUTER, ROUTE = 1, "00", (2, 1), "0100"
# pycomm3 asks for a packet every 2113537 us.
INTERVAL = 0x204001
SEGMENTS = ("class", "instance", "attribute", "symbol", "member", "port", "link_address")
# The attributes of an identity in their order, as far as cpppo has them (CIP Vol. 1, 5-2).
IDENTITY = {
    1: cip.UINT, 2: cip.UINT, 3: cip.UINT, 4: cip.UINT, 5: cip.UINT, 6: cip.UDINT, 7: cip.SHORT_STRING, 8: cip.USINT, 9: cip.UINT,
    10: cip.USINT,
}  # fmt: skip


def asked(link, request):
    """The messages of a request."""
    head = {"command": number(request._encap_command), "status": 0, "session": link._session}
    if isinstance(request, RegisterSessionRequestPacket):
        return [head | {"protocol_version": number(request.protocol_version)}]
    if isinstance(request, (ListIdentityRequestPacket, UnRegisterSessionRequestPacket)):
        return [head]
    if isinstance(request, SendUnitDataRequestPacket):
        sequence = request._sequence
        head |= {"connection_id": number(link._target_cid), "sequence_count": sequence, "item_type": [0xA1, 0xB1]}
    else:
        head |= {"item_type": [0, 0xB2]}
    return [head, *carried(link, request)]


def carried(link, request):
    """The CIP messages of a request."""
    path = sum_of(way(link, request), target(request))
    if isinstance(request, MultiServiceRequestPacket):
        whole = {"service": MULTIPLE, "service_count": len(request.requests)} | path
        return [whole, *[target(part) | question(link, part) for part in request.requests]]
    if not isinstance(request, (GenericConnectedRequestPacket, GenericUnconnectedRequestPacket)):
        return [path | question(link, request)]
    told = question_of_service(link, request)
    if told["service"] == FORWARD_CLOSE:
        # What it closes is told first: the path of the connection as it was opened.
        return [sum_of(sum_of(routed(), path), told)]
    if isinstance(request, GenericUnconnectedRequestPacket) and request.unconnected_send:
        send = {"service": UNCONNECTED_SEND, "class": [6], "instance": [1], "priority": 10, "timeout_ticks": 5, "route": ROUTE}
        return [send, target(request) | told]
    return [sum_of(path, told)]


def question(link, request):
    """What a tag service asks."""
    told = {"service": number(request.tag_service), "elements": request.elements}
    if hasattr(request, "offset"):
        told["offset"] = request.offset
    if request.type_ == "write":
        kind = request.tag_info["data_type_name"]
        told |= {"data_type": cip.DataTypes[kind].code, "data_type_name": kind}
        told |= written(link, request, kind)
    return told


def written(link, request, kind):
    """The values of a write, as they were given to the library; a fragment has a part of them."""
    values = link.values[request.tag]
    if kind == "STRING":
        return {"data": cip.STRING.encode(values[0]).hex()}
    size = cip.DataTypes[kind].size
    first = getattr(request, "offset", 0) // size
    return {"values": values[first : first + len(request.value) // size]}


def question_of_service(link, request):
    """What any other service asks."""
    service, data = number(request.service), request.request_data
    told = {"service": service}
    if service in (FORWARD_OPEN, LARGE_FORWARD_OPEN):
        size = link.connection_size
        parameters = size | 0x4200 << (16 if service == LARGE_FORWARD_OPEN else 0)
        told |= triad(link) | {
            "to_target_id": 0, "to_target_interval": INTERVAL, "to_target_size": size, "to_target_parameters": parameters,
            "to_originator_id": number(link._cfg["cid"]), "to_originator_interval": INTERVAL, "to_originator_size": size,
            "to_originator_parameters": parameters, "transport": 0xA3,
        } | connection()  # fmt: skip
    elif service == FORWARD_CLOSE:
        told |= triad(link) | connection()
    elif service == GET_LIST:
        told["attribute"] = listed(data)
    elif data:
        told["data"] = data.hex()
    return told


def got(link, request, response):
    """The messages of an answer; nothing where the library wants none."""
    if request.no_response:
        return []
    head = {"command": number(response.command), "status": response.command_status}
    if isinstance(request, RegisterSessionRequestPacket):
        return [head | {"session": response.session}]
    if isinstance(request, ListIdentityRequestPacket):
        return [head | {"item_type": [0x0C]} | identity(response.identity)]
    if response.command_status:
        return [head]
    if isinstance(request, SendUnitDataRequestPacket):
        head |= {"item_type": [0xA1, 0xB1], "sequence_count": request._sequence}
    else:
        head |= {"item_type": [0, 0xB2]}
    return [head, *answers(link, request, response)]


def answers(link, request, response):
    """The CIP messages of an answer. Each repeats the path of its question."""
    path = sum_of(way(link, request), target(request))
    if isinstance(request, MultiServiceRequestPacket):
        whole = status(response) | path | {"service": MULTIPLE, "service_count": len(response.responses)}
        return [whole, *[target(part.request) | answer(part.request, part) for part in response.responses]]
    if not isinstance(request, (GenericConnectedRequestPacket, GenericUnconnectedRequestPacket)):
        return [path | answer(request, response)]
    return [sum_of(path, status(response) | answer_of_service(request, response))]


def answer(request, response):
    """What a tag service answers."""
    told = status(response) | {"service": number(request.tag_service)}
    if request.type_ == "write" or response.service_status not in (0, PARTIAL):
        return told
    kind = request.tag_info["data_type_name"]
    told |= {"data_type": cip.DataTypes[kind].code, "data_type_name": kind}
    if kind == "STRING":
        return told | {"data": cip.STRING.encode(response.value).hex()}
    values = response.value
    if number(request.tag_service) == READ_FRAGMENT or response.service_status == PARTIAL:
        # The library puts the pieces together when it has them all.
        values = decoded(cip.DataTypes.get_type(number(response.data[:2])), response.data[2:])
    values = values if isinstance(values, list) else [values]
    return told | {"values": [int(value) if isinstance(value, bool) else value for value in values]}


def answer_of_service(request, response):
    """What any other service answers."""
    service, data = number(request.service), response.data
    told = {"service": service}
    if response.service_status:
        return told
    if service in (FORWARD_OPEN, LARGE_FORWARD_OPEN):
        keys = ("to_target_id", "to_originator_id", "connection_serial", "originator_vendor", "originator_serial",
                "to_target_interval", "to_originator_interval")  # fmt: skip
        kinds = (cip.UDINT, cip.UDINT, cip.UINT, cip.UINT, cip.UDINT, cip.UDINT, cip.UDINT)
        opened = cip.Struct(*[kind(key) for kind, key in zip(kinds, keys)]).decode(data)
        return told | opened | connection()
    if service == FORWARD_CLOSE:
        keys = ("connection_serial", "originator_vendor", "originator_serial")
        closed = cip.Struct(*[kind(key) for kind, key in zip((cip.UINT, cip.UINT, cip.UDINT), keys)]).decode(data)
        return told | closed | connection()
    if service == GET_ALL and number(request.class_code) == 1:
        return told | all_of_identity(io.BytesIO(data))
    if service == GET_LIST:
        return told | list_of(number(request.class_code), io.BytesIO(data))
    return told | ({"data": data.hex()} if data else {})


def all_of_identity(stream):
    """Every attribute of an identity, and what they mean."""
    values = [kind.decode(stream) for kind in IDENTITY.values()]
    vendor, device_type, product_code, revision, device_status, serial, name = values[:7]
    return {
        "attribute": list(IDENTITY), "attribute_data": [kind.encode(value).hex() for kind, value in zip(IDENTITY.values(), values)],
        "vendor": vendor, "device_type": device_type, "product_code": product_code, "revision_major": revision & 0xFF,
        "revision_minor": revision >> 8, "device_status": device_status, "serial_number": serial, "product_name": name,
    }  # fmt: skip


def list_of(class_code, stream):
    """Attributes by a list: id, status and, where the status is 0, the data (CIP Vol. 1, Appendix A-4.3)."""
    told = {"attribute": [], "attribute_status": [], "attribute_data": []}
    for _ in range(cip.UINT.decode(stream)):
        attribute, state = cip.UINT.decode(stream), cip.UINT.decode(stream)
        told["attribute"].append(attribute)
        told["attribute_status"].append(state)
        if not state:
            kind = IDENTITY[attribute] if class_code == 1 else cip.ULINT
            told["attribute_data"].append(kind.encode(kind.decode(stream)).hex())
    return told


def identity(found):
    """What a device says of itself to whoever asks."""
    return {
        "protocol_version": found["encap_protocol_version"], "vendor": cip.VENDORS[found["vendor"]],
        "device_type": cip.PRODUCT_TYPES[found["product_type"]], "product_code": found["product_code"],
        "revision_major": found["revision"]["major"], "revision_minor": found["revision"]["minor"],
        "device_status": number(found["status"]), "serial_number": int(found["serial"], 16), "product_name": found["product_name"],
        "device_state": found["state"], "socket_address": bytes(map(int, found["ip_address"].split("."))).hex(),
    }  # fmt: skip


def status(response):
    """General status and, from the words of the library, the extended one."""
    told = {"status": response.service_status}
    extended = re.search(r"\([0-9a-f]+, ([0-9a-f]+)\)$", response.error or "")
    return told | ({"extended_status": [int(extended[1], 16)]} if extended else {})


def way(link, request):
    """The path that stands before a request's own: that of the connection, or of the unconnected send."""
    if isinstance(request, SendUnitDataRequestPacket):
        return routed()
    if isinstance(request, GenericUnconnectedRequestPacket) and request.unconnected_send:
        return {"class": [6], "instance": [1]}
    return {}


def target(request):
    """A request's own path."""
    if isinstance(request, MultiServiceRequestPacket):
        return {"class": [ROUTER[0]], "instance": [ROUTER[1]]}
    if hasattr(request, "tag"):
        name, *index = request.tag.rstrip("]").split("[")
        return {"symbol": [name]} | ({"member": [int(index[0])]} if index else {})
    path = {"class": [number(request.class_code)], "instance": [number(request.instance)]}
    if number(request.service) in (FORWARD_OPEN, LARGE_FORWARD_OPEN, FORWARD_CLOSE):
        # The path of the connection stands in the data, after that of the request.
        return sum_of(path, {"class": [ROUTER[0]], "instance": [ROUTER[1]]})
    return path | ({"attribute": [number(request.attribute)]} if request.attribute else {})


def sum_of(first, second):
    """Both together; segments of a path follow each other."""
    joined = {key: first[key] + second[key] for key in SEGMENTS if key in first and key in second}
    return first | second | joined


def routed():
    """The whole path of a connection."""
    return {"class": [ROUTER[0]], "instance": [ROUTER[1]]} | connection()


def connection():
    """What stands in it before the message router."""
    return {"port": [PORT], "link_address": [SLOT]}


def triad(link):
    """What names a connection."""
    keys = {"connection_serial": "csn", "originator_vendor": "vid", "originator_serial": "vsn"}
    return {key: number(link._cfg[name]) for key, name in keys.items()}


def listed(data):
    """The attributes that a list asks for: their number, then each."""
    return [number(data[at : at + 2]) for at in range(2, len(data), 2)]


def decoded(kind, octets):
    """Values one behind the other."""
    return [kind.decode(octets[at : at + kind.size]) for at in range(0, len(octets), kind.size)]


def number(octets):
    """Little-endian, as all of CIP."""
    return octets if isinstance(octets, int) else int.from_bytes(octets, "little")
