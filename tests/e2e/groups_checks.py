#!/usr/bin/env python3
"""Groups clause by clause (spec/group.md), before servers of our own.

Usage: groups_checks.py GATEWAY WORK [PART…]; the tokens are WORK/NAME.token."""
import pathlib
import re
import sys
import time

import groups_front
from groups_all import discovery, everybody, faults, hostile, late, lists, sessions
from groups_front import check
from groups_one import addresses, calls, explained, names, questions, resumption, rules, scopes
from groups_stage import GATEWAY
from groups_streams import farewell, leavers, limits, listening, reloads, slow_reader, streams

PARTS = sys.argv[3:]
ALL_PARTS = (names, addresses, scopes, rules, calls, questions, resumption, everybody, lists, discovery, hostile,
             sessions, streams, listening, slow_reader, limits, late, faults, leavers, explained, reloads, farewell)
try:
    for part in ALL_PARTS:
        if not PARTS or part.__name__ in PARTS:
            begun = time.monotonic()
            try:
                part()
            except Exception as error:  # one part that breaks off is one failure
                check(f"{part.__name__} comes to its end", False, f"{type(error).__name__} {error} "
                      f"line {error.__traceback__.tb_next.tb_lineno if error.__traceback__.tb_next else '?'}")
            print(f"     {part.__name__}: {time.monotonic() - begun:.1f} s", flush=True)
finally:
    status = GATEWAY.stop()
log = pathlib.Path(GATEWAY.log).read_text(encoding="utf-8", errors="replace")
check("the gateway ends with 0", status == 0, f"{status} {log[-1500:]}")
check("and said nothing of races or leaks", not re.search("Sanitizer|runtime error", log), log[-1500:])
sys.exit(1 if groups_front.failed else 0)
