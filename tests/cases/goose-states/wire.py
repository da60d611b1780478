"""What the cases of protocols below IP share: frames out of hexadecimal, a capture around them. No library needed."""

import struct

CLIENT, SERVER, ALL = "02:00:00:00:00:05", "02:00:00:00:00:20", "ff:ff:ff:ff:ff:ff"
START = 1767225600  # 2026-01-01T00:00:00Z
ETHERNET, CAN = 1, 227
frames = []


def octets(text):
    return bytes.fromhex(text.replace(":", " "))


def put(source, destination, kind, payload):
    """One frame; `kind` is an EtherType, or 0 for a length and LLC."""
    payload = octets(payload) if isinstance(payload, str) else payload
    frame = octets(destination) + octets(source) + struct.pack(">H", kind or len(payload)) + payload
    frames.append(frame.ljust(60, b"\0"))


def ipv4(source, destination, protocol, payload):
    """An IPv4 packet between the client's and the server's hardware; addresses by their last octet in 10.0.0.0/24."""
    payload = octets(payload) if isinstance(payload, str) else payload
    header = bytearray(struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), len(frames), 0, 64, protocol, 0))
    header += bytes((10, 0, 0, source, 10, 0, 0, destination))
    words = sum(struct.unpack(">10H", header))
    header[10:12] = struct.pack(">H", ~((words & 0xFFFF) + (words >> 16)) & 0xFFFF)
    put(CLIENT, SERVER, 0x0800, bytes(header) + payload)


def udp(source, destination, ports, payload):
    payload = octets(payload) if isinstance(payload, str) else payload
    ipv4(source, destination, 17, struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload)


def write(link_type=ETHERNET):
    with open("capture.pcap", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type))
        for number, frame in enumerate(frames):
            at = START + number / 100
            file.write(struct.pack("<IIII", int(at), round(at % 1 * 1e6), len(frame), len(frame)) + frame)
