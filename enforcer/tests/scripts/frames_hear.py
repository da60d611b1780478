"""Tells the marks of frames_send.py that arrive, in one line, once its input says so."""
import re
import socket
import sys

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(("eth0", 3))
print("ready", flush=True)
for _ in sys.stdin:
    marks = set()
    wire.settimeout(0.3)
    try:
        while True:
            marks.update(mark.decode() for mark in re.findall(rb"FWQ:([^;]*);", wire.recv(4096)))
    except TimeoutError:
        print(" ".join(sorted(marks)), flush=True)
