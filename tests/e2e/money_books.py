#!/usr/bin/env python3
"""Compares what a server saw with what the ledger says and what the log says, after crashes.

money_books.py RECORD AUDIT TREE_JSON PRICE: fails unless each call that reached the server is allowed in the log, and
all of them together are spent or held."""
import json
import sys
from decimal import Decimal

seen = []
with open(sys.argv[1], encoding="utf-8") as record:
    for line in record:
        try:
            each = json.loads(line)
        except ValueError:
            continue
        if json.loads(each["body"]).get("method") == "tools/call":
            seen.append(each["headers"]["x-aip-decision-id"])
allowed = set()
with open(sys.argv[2], encoding="utf-8") as log:
    for line in log:
        each = json.loads(line)
        if each["event"] == "decision" and each["decision"] == "ALLOW":
            allowed.add(each["decision_id"])
tree = json.load(open(sys.argv[3], encoding="utf-8"))
row = tree["accounts"][0]
counted = Decimal(row["spent"]) + Decimal(row["held"])
forwarded = Decimal(sys.argv[4]) * len(seen)
unknown = [each for each in seen if each not in allowed]
print(f"{len(seen)} reached the server, {len(allowed)} are allowed in the log, {counted} USD are spent or held")
sys.exit(bool(unknown) or len(set(seen)) != len(seen) or counted < forwarded or counted > Decimal(row["granted"]))
