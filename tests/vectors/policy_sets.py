"""The peer's suites on policies, its examples, and single evaluations.

A suite's rows that only say what a reply looks like, or that need a person's answer, are compared by what the decision
gives; exceptions.json names the rows where ours is stricter or the row needs a part that this driver has not.
"""
import json
import os
import subprocess
from pathlib import Path

from cases import rows

ROOT = Path(__file__).resolve().parent.parent.parent
DRIVER = ROOT / os.environ.get("BUILD", "build") / "tests" / "aip-conform"
COMPARED = ("decision", "error_code", "violation")

# Their patterns look ahead, which the dialect has not: the peer's own program does not load them either.
NOT_LOADED = {"gemini-jack-defense.yaml", "read-only.yaml"}


def read_yaml(path):
    """The project's own reader, through the driver: no other one is needed."""
    line = json.dumps({"id": 0, "op": "yaml.parse", "hex": path.read_bytes().hex()}) + "\n"
    done = subprocess.run([str(DRIVER)], input=line.encode(), stdout=subprocess.PIPE, timeout=60, check=True)
    reply = json.loads(done.stdout)
    if not reply["ok"]:
        raise ValueError(f"{path}: {reply['error']}")
    return json.loads(reply["json"])


def evaluate(row):
    expected = dict(row["expected"])
    wanted = {name: expected[name] for name in COMPARED if name in expected}
    error = expected.get("response_format", {}).get("error", {})
    if "code" in error:
        wanted["error_code"] = error["code"]
    return row["id"], {"op": "policy.eval", "policy": row["policy"], "input": row["input"]}, {"ok": True, **wanted}


def suite(path):
    for row in read_yaml(path)["tests"]:
        yield evaluate(row)


def data_loss(path):
    for row in read_yaml(path)["tests"]:
        wanted = {"redacted": row["expected"]["redacted"], "output": row["expected"]["output"]}
        asked = row["input"]
        request = {"op": "dlp.scan", "policy": row["policy"], "text": asked["content"], "direction": asked["type"]}

        def same(reply, wanted=wanted, events=row["expected"].get("dlp_events")):
            found = {name: reply.get(name) for name in wanted}
            if not reply.get("ok") or found != wanted:
                return f"wanted {wanted}, got {reply}"
            names = [finding["name"] for finding in reply["findings"]]
            counts = [{"rule": name, "count": names.count(name)} for name in dict.fromkeys(names)]
            return None if events is None or counts == events else f"wanted {events}, got {counts}"

        yield row["id"], request, same


def evaluations(path):
    for row in rows(path):
        yield evaluate(row)


def examples(path):
    for file in sorted(path.glob("*.yaml")):
        wanted = {"ok": file.name not in NOT_LOADED}
        yield file.stem, {"op": "policy.load", "policy": file.read_text()}, wanted
