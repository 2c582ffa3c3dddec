#!/usr/bin/env python3
"""Do all lines of an audit log carry the hash of the line before, and is its file closed to others? Usage: FILE
With `--fill BYTES` it makes a log of that many bytes instead; with `--projected COUNT` FILE holds so many decisions in the
shape that other gateways' logs have."""
import base64
import hashlib
import json
import os
import sys

START = "A" * 43


def link(line):
    return base64.urlsafe_b64encode(hashlib.sha256(line).digest()).decode().rstrip("=")


def fill(path, size):
    previous, left = START, size
    with open(path, "wb") as log:
        while left > 0:
            pad = 500 if left > 2000 else left - len(json.dumps({"pad": "", "prev": previous})) - 1
            line = json.dumps({"pad": "x" * pad, "prev": previous}).encode()
            log.write(line + b"\n")
            previous, left = link(line), left - len(line) - 1


def verify(path):
    expected, count = START, 0
    with open(path, "rb") as log:
        for line in log.read().splitlines():
            if json.loads(line)["prev"] != expected:
                sys.exit(f"line {count + 1} does not follow the one before")
            expected = link(line)
            count += 1
    if count == 0 or os.stat(path).st_mode & 0o077:
        sys.exit(f"{count} lines, mode {os.stat(path).st_mode:o}")


def verify_projected(path, count):
    decisions = 0
    with open(path, "rb") as log:
        for line in log:
            record = json.loads(line)
            names = list(record)
            if names[:5] != ["time", "level", "msg", "timestamp", "direction"] or record["level"] not in ("INFO", "WARN"):
                sys.exit(f"not of that shape: {names}")
            decisions += record["msg"] == "audit"
    if decisions != count:
        sys.exit(f"{decisions} decisions of {count}")


if len(sys.argv) > 3 and sys.argv[2] == "--projected":
    verify_projected(sys.argv[1], int(sys.argv[3]))
elif len(sys.argv) > 3 and sys.argv[2] == "--fill":
    fill(sys.argv[1], int(sys.argv[3]))
else:
    verify(sys.argv[1])
