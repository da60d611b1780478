"""Sends frames into interfaces and tells which come out where.

Every line of the input is a JSON list of [interface, frame in hexadecimal digits, mark]; it is answered by one line, a JSON
list of [interface, mark]. A mark is the identification of IPv4 or the lower half of the flow label of IPv6.
"""
import json
import selectors
import socket
import sys

EVERY_PROTOCOL = 3
OUTGOING = 4
TCP, RESET = 6, 4

sockets = {}
waiting = selectors.DefaultSelector()
for name in sys.argv[1:]:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    wire.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
    wire.bind((name, EVERY_PROTOCOL))
    wire.setblocking(False)
    sockets[name] = wire
    waiting.register(wire, selectors.EVENT_READ, name)


def mark(frame):
    at = 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
        at += 4
    kind, at = frame[at : at + 2], at + 2
    if kind == b"\x08\x00":
        header, carried, found = (frame[at] & 15) * 4, frame[at + 9], frame[at + 4 : at + 6]
    elif kind == b"\x86\xdd":
        header, carried, found = 40, frame[at + 6], frame[at + 2 : at + 4]
    else:
        return None
    # A reset is made by whoever refuses, and none of what was sent.
    if carried == TCP and frame[at + header + 13] & RESET:
        return None
    return int.from_bytes(found, "big")


def hear(heard, patience):
    while ready := waiting.select(patience):
        for key, _ in ready:
            frame, address = key.fileobj.recvfrom(65536)
            if address[2] != OUTGOING and (found := mark(frame)):
                heard.add((key.data, found))


print("ready", flush=True)
for line in sys.stdin:
    heard, last = set(), None
    for number, (name, frame, _) in enumerate(json.loads(line)):
        sockets[name].send(bytes.fromhex(frame))
        if number % 16 == 15:
            hear(heard, 0)
    hear(heard, 0.25)
    print(json.dumps(sorted(heard)), flush=True)
