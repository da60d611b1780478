"""Says Modbus in chosen segments and tells what came of each: modbus_segments.py SERVER.

One word a line: the case, then `answered`, `reset`, `silence` or `closed` for what came back.
"""
import socket
import sys
import time

READ = bytes([0, 9, 0, 0, 0, 6, 1, 3, 0, 10, 0, 4])
SINGLE = bytes([0, 9, 0, 0, 0, 6, 1, 6, 0, 10, 0, 99])
COIL = bytes([0, 9, 0, 0, 0, 6, 1, 5, 0, 10, 255, 0])
MANY = bytes([0, 9, 0, 0, 0, 9, 1, 16, 0, 10, 0, 1, 2, 0, 99])
COILS = bytes([0, 9, 0, 0, 0, 8, 1, 15, 0, 10, 0, 1, 1, 1])
MASK = bytes([0, 9, 0, 0, 0, 8, 1, 22, 0, 10, 0, 0, 0, 99])
BOTH = bytes([0, 9, 0, 0, 0, 13, 1, 23, 0, 10, 0, 1, 0, 10, 0, 1, 2, 0, 99])
CASES = {
    "read": [READ],
    "single": [SINGLE],
    "coil": [COIL],
    "many": [MANY],
    "coils": [COILS],
    "mask": [MASK],
    "both": [BOTH],
    "split": [SINGLE[:7], SINGLE[7:]],
    "octets": [SINGLE[n : n + 1] for n in range(12)],
    "split-read": [READ[:6], READ[6:]],
    "pipelined": [READ + SINGLE],
    "shifted": [READ[:11], READ[11:] + SINGLE[:11], SINGLE[11:]],
    "read-again": [READ],
}


def say(segments):
    peer = socket.create_connection((sys.argv[1], 502), timeout=1)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.settimeout(0.4)
    try:
        for segment in segments:
            peer.sendall(segment)
            time.sleep(0.02)
        return "answered" if peer.recv(300) else "closed"
    except TimeoutError:
        return "silence"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    finally:
        peer.close()


for name, segments in CASES.items():
    print(name, say(segments), flush=True)
