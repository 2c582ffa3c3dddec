#!/usr/bin/env python3
"""Do all lines of an audit log carry the hash of the line before, and is its file closed to others? Usage: FILE"""
import base64
import hashlib
import json
import os
import sys

expected, count = "A" * 43, 0
with open(sys.argv[1], "rb") as log:
    for line in log.read().splitlines():
        if json.loads(line)["prev"] != expected:
            sys.exit(f"line {count + 1} does not follow the one before")
        expected = base64.urlsafe_b64encode(hashlib.sha256(line).digest()).decode().rstrip("=")
        count += 1
if count == 0 or os.stat(sys.argv[1]).st_mode & 0o077:
    sys.exit(f"{count} lines, mode {os.stat(sys.argv[1]).st_mode:o}")
