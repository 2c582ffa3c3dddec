#!/usr/bin/env python3
"""Runs every vector set through the conformance driver, compares, and prints one line per set and a total."""
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import own_sets  # noqa: E402
import public_sets  # noqa: E402

DRIVER = ROOT / os.environ.get("BUILD", "build") / "tests" / "aip-conform"
VECTORS = Path(os.environ.get("AIP_VECTORS", ROOT / ".." / "shared" / "vectors")).resolve()
DRIVER_SECONDS = 300
SHOWN_FAILURES = 20


def ask(requests):
    """Replies of the driver to the requests, in order; anything but one reply each ends the run."""
    lines = "".join(json.dumps(dict(request, id=i)) + "\n" for i, request in enumerate(requests))
    done = subprocess.run([str(DRIVER)], input=lines.encode(), stdout=subprocess.PIPE, timeout=DRIVER_SECONDS, check=False)
    replies = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if done.returncode != 0 or [reply.get("id") for reply in replies] != list(range(len(requests))):
        sys.exit(f"aip-conform ended with {done.returncode} after {len(replies)} of {len(requests)} replies")
    return replies


def differs(expected, reply):
    """Why the reply is not the expected one, or None. `expected` names the members that count."""
    if callable(expected):
        return expected(reply)
    for name, value in expected.items():
        if reply.get(name) != value:
            return f"{name}: wanted {value!r}, got {reply.get(name)!r} {reply.get('error', '')}".rstrip()
    return None


def run_set(name, cases, exceptions):
    """(passed, failed, skipped) of one set; prints its line."""
    cases = [(f"{name}/{case_id}", request, expected) for case_id, request, expected in cases]
    replies = ask([request for _, request, _ in cases])
    passed, skipped, excepted, failures = 0, 0, 0, []
    for (case_id, _, expected), reply in zip(cases, replies):
        if reply.get("unsupported"):
            skipped += 1
            continue
        if case_id in exceptions:
            expected = exceptions.pop(case_id)["expected"]
            excepted += 1
        reason = differs(expected, reply)
        if reason is None:
            passed += 1
        else:
            failures.append(f"  FAILED {case_id}: {reason}")
    notes = (f", {skipped} skipped" if skipped else "") + (f" ({excepted} by exceptions.json)" if excepted else "")
    print(f"{name}: {passed} passed, {len(failures)} failed{notes}")
    print("\n".join(failures[:SHOWN_FAILURES]), end="\n" if failures else "")
    return passed, len(failures), skipped


def main():
    if not DRIVER.exists():
        sys.exit(f"{DRIVER} is not built: run make")
    exceptions = json.loads((HERE / "exceptions.json").read_text())
    totals = [0, 0, 0]
    absent = 0
    for name, needs, cases in public_sets.SETS:
        if not (VECTORS / needs).exists():
            print(f"{name}: skipped, {needs} is absent")
            totals[2] += 1
            absent += 1
            continue
        counts = run_set(name, list(cases(VECTORS / needs)), exceptions)
        totals = [total + count for total, count in zip(totals, counts)]
    for name, path, operation in public_sets.LATER:
        if not (VECTORS / path).exists():
            reason = f"{path} is absent"
        elif ask([{"op": operation}])[0].get("unsupported"):
            reason = f"{operation} is not built yet"
        else:
            reason = "no comparison is written yet"
        print(f"{name}: skipped, {reason}")
        totals[2] += 1
    for name, cases in own_sets.find(HERE):
        counts = run_set(name, list(cases(HERE)), exceptions)
        totals = [total + count for total, count in zip(totals, counts)]
    if not absent:
        for case_id in exceptions:
            print(f"  FAILED exceptions.json: no case is named {case_id}")
            totals[1] += 1
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
