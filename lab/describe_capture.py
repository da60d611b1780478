"""Turns a recording and the journals of its lab into pcaps/NAME.pcap, NAME.truth.jsonl and an entry in
PROVENANCE.toml.

The journals say what was asked and answered, tshark says what is in the frames. Both must agree, request
by request and in order, or nothing is written: the truth then holds for every record the frame of its request.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import time
import tomllib
from importlib.metadata import version

FIELDS = ("frame.number", "frame.time_epoch", "ip.src", "tcp.srcport", "modbus.func_code", "s7comm.param.func")
# Requests as clients send them: to the server's port, and for S7 of kind Job.
REQUESTS = "(tcp.dstport == 502 && modbus) || (tcp.dstport == 102 && s7comm.header.rosctr == 1)"
FUNCTIONS = "modbus.func_code || s7comm.param.func"
TALKERS = {
    "10.1.0.10": "Chlorine dosing PLC",
    "10.1.0.20": "Filter line PLC",
    "10.2.0.10": "Control room HMI",
    "10.2.0.66": "Rogue laptop",
    "10.9.0.10": "client",
    "10.9.0.20": "server",
    "10.9.0.255": "broadcast",
}
HEADER = """# Captures made by lab/make-captures in the lab of lab/README.md; nothing in them comes from a real plant.
# Licence: as the project. `episodes` are unbroken runs of requests by one client with one intention, with the
# frames of their first and last request. NAME.truth.jsonl holds every request; its keys are in lab/peers/journal.py,
# and `frame` is the frame of the request. Counts were made by tshark and agree with the journals.
# A conversation (lab/converse) has no frames in its truth: its client journals each message that it sent and received, and
# tests/peers.rs holds them against what `decode` reads; `operations` are the client's.
"""


def main():
    """Describes one capture."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for word in ("--name", "--story", "--state", "--out"):
        arguments.add_argument(word, required=True)
    arguments.add_argument("--peers", nargs="+", default=["pymodbus", "python-snap7"], help="packages that spoke")
    arguments.add_argument("--conversation", action="store_true", help="of lab/converse: tests/peers.rs joins its journal")
    options = arguments.parse_args()
    state, out = pathlib.Path(options.state), pathlib.Path(options.out)
    recording = state / "capture.pcap"

    frames = tshark(recording, "frame", ("frame.number", "frame.time_epoch", "ip.src", "ip.dst"))
    if options.conversation:
        truth = [json.loads(line) for line in (state / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    else:
        truth = place(journals(state), tshark(recording, REQUESTS, FIELDS), rfc3339(frames[0][1]))

    out.mkdir(exist_ok=True)
    capture = out / f"{options.name}.pcap"
    shutil.copyfile(recording, capture)
    capture.chmod(0o644)
    truth_file = out / f"{options.name}.truth.jsonl"
    truth_file.write_text("".join(json.dumps(record) + "\n" for record in truth), encoding="utf-8")
    entry = {
        "name": options.name,
        "story": options.story,
        "made_by": f"lab/make-captures {options.name}",
        "made_on": time.strftime("%Y-%m-%d", time.gmtime()),
        "peers": [f"{peer} {version(peer)}" for peer in options.peers],
        "recorded_with": first_line("tcpdump", "--version"),
        "checked_with": first_line("tshark", "--version"),
        "frames": len(frames),
        "seconds": round(float(frames[-1][1]) - float(frames[0][1]), 3),
        "sha256": digest(capture),
        "truth_sha256": digest(truth_file),
        "talkers": talkers(frames),
    }
    if options.conversation:
        entry |= {"messages": layers(recording), "operations": operations(truth)}
    else:
        entry |= {"messages": messages(recording), "episodes": episodes(truth)}
    save(out / "PROVENANCE.toml", entry)
    print(f"lab: {options.name}: {len(frames)} frames, {capture.stat().st_size} bytes, {len(truth)} requests")


def tshark(recording, wanted, fields):
    """Rows of the frames that match a display filter."""
    command = ["tshark", "-r", recording, "-Y", wanted, "-T", "fields", "-E", "occurrence=f"]
    for field in fields:
        command += ["-e", field]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split("\t") for line in lines]


def journals(state):
    """What the clients wrote down, in order of time."""
    records = []
    for actor in ("hmi", "rogue"):
        path = state / f"{actor}.jsonl"
        if path.exists():
            records += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(records, key=lambda record: record["time"])


def place(records, requests, first_time):
    """Joins journal and capture: within a connection the n-th record is the n-th request.

    Requests from before the recording began are left out of the truth.
    """
    asked, seen = collections.defaultdict(list), collections.defaultdict(list)
    for record in records:
        asked[(record.get("client"), record.get("client_port"))].append(record)
    for frame, _, source, port, modbus, s7 in requests:
        seen[(source, int(port))].append((int(frame), int(modbus or s7, 0)))
    placed = []
    for connection in asked.keys() | seen.keys():
        written, frames = asked[connection], seen[connection]
        missed = len(written) - len(frames)
        if missed < 0 or any(record["time"] >= first_time for record in written[:missed]):
            sys.exit(f"{connection}: the journal has {len(written)} requests, the capture {len(frames)}")
        for record, (frame, function) in zip(written[missed:], frames, strict=True):
            if record["function"] != function:
                sys.exit(f"the journal says {record}, the capture has function {function} in frame {frame}")
            placed.append({"frame": frame, **record})
    return sorted(placed, key=lambda record: record["frame"])


def rfc3339(epoch):
    """tshark's seconds since 1970, as journals write time."""
    seconds, fraction = epoch.split(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(seconds))) + f".{fraction[:9]}Z"


def messages(recording):
    """How many messages of each function the capture holds, requests and answers together."""
    counts = collections.Counter()
    for modbus, s7 in tshark(recording, FUNCTIONS, ("modbus.func_code", "s7comm.param.func")):
        counts[f"modbus {int(modbus)}" if modbus else f"s7comm {int(s7, 0):#04x}"] += 1
    return dict(sorted(counts.items(), key=lambda item: (item[0].split()[0], int(item[0].split()[1], 0))))


def layers(recording):
    """How many frames of each protocol a conversation holds."""
    counts = collections.Counter(name for (name,) in tshark(recording, "frame", ("_ws.col.Protocol",)))
    return dict(sorted(counts.items()))


def operations(truth):
    """What the client of a conversation did, how often, and how often the server refused."""
    counts = collections.Counter(record["operation"] for record in truth)
    counts["refused"] = sum(record["result"] == "refused" for record in truth)
    return dict(sorted(counts.items()))


def episodes(truth):
    """Runs of requests: all of the operator's are one, the rogue's are split where the operation changes."""
    found = []
    for actor in ("hmi", "rogue"):
        for record in (r for r in truth if r["actor"] == actor):
            kind = "shift" if actor == "hmi" else f"{record['protocol']} {record['operation']}"
            if not found or (found[-1]["actor"], found[-1]["kind"]) != (actor, kind):
                found.append({"actor": actor, "kind": kind, "first_frame": record["frame"], "last_frame": 0,
                              "first_time": record["time"], "last_time": "", "requests": 0, "unanswered": 0})  # fmt: skip
            found[-1].update(last_frame=record["frame"], last_time=record["time"])
            found[-1]["requests"] += 1
            found[-1]["unanswered"] += not record["answered"]
    return found


def talkers(frames):
    """Addresses heard, with their names."""
    heard = {address for _, _, *pair in frames for address in pair if address}
    return [f"{address} {TALKERS.get(address, 'unknown')}" for address in sorted(heard)]


def first_line(*command):
    """A program's name and version."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]


def digest(path):
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save(path, entry):
    """Replaces the entry of that name, or adds it; entries are sorted by name."""
    known = tomllib.loads(path.read_text(encoding="utf-8")).get("capture", []) if path.exists() else []
    entries = sorted([e for e in known if e["name"] != entry["name"]] + [entry], key=lambda e: e["name"])
    path.write_text(HEADER + "".join(table(e) for e in entries), encoding="utf-8")


def table(entry):
    """One [[capture]] table."""
    lines = ["", "[[capture]]"]
    for key, value in entry.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key} = ["] + [f"  {inline(item)}," for item in value] + ["]"]
        else:
            lines.append(f"{key} = {inline(value)}")
    return "\n".join(lines) + "\n"


def inline(value):
    """A TOML value; JSON's strings, numbers and lists are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k) if ' ' in k else k} = {inline(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
