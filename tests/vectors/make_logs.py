#!/usr/bin/env python3
"""Writes tests/vectors/log/keylog.jsonl: key logs, good and bad, signed through the driver.

Run by hand when a rule changes (BUILD/tests/aip-conform must be built); the recorded file is what the tests read.
Canonical bytes, hashes and identifiers are made here, not by the library; the keys come from public test seeds.
"""
import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

from edwards import base58

HERE = Path(__file__).resolve().parent
DRIVER = HERE.parent.parent / os.environ.get("BUILD", "build") / "tests" / "aip-conform"
NOW = 1800000000
FIRST = NOW - 1000
SEEDS = [hashlib.sha256(b"key log vector %d" % i).hexdigest() for i in range(8)]

driver = subprocess.Popen([str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def sign(seed, message):
    driver.stdin.write(json.dumps({"id": 0, "op": "ed25519.sign", "seed": seed, "msg": message.hex()}) + "\n")
    driver.stdin.flush()
    return json.loads(driver.stdout.readline())


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def multikey(raw):
    return "z" + base58(b"\xed\x01" + raw)


RAW = [bytes.fromhex(sign(seed, b"")["pk"]) for seed in SEEDS]
KEYS = [multikey(raw) for raw in RAW]
DIDS = ["did:aip:" + key for key in KEYS]


def canonical(entry):
    """RFC 8785, for what entries hold: ASCII names and texts, small whole numbers."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(entry):
    return b64(hashlib.sha256(canonical(entry)).digest())


def commitment(raw):
    return b64(hashlib.sha256(b"\xed\x01" + raw).digest())


def signed(entry, signer):
    return dict(entry, sig=b64(bytes.fromhex(sign(SEEDS[signer], canonical(entry))["sig"])))


def entry(place, before, **changes):
    """A good entry of version `place` that follows `before`, with `changes`; None takes a member out."""
    made = {"did": DIDS[0], "version": place, "prev": digest(before) if before else None, "keys": [KEYS[place]],
            "next": commitment(RAW[place + 1]), "time": FIRST + 100 * place}
    made.update(changes)
    return made


def log(count, **changes):
    """`count` good entries; `changes` are of the last one. `signer` signs it, `drop` is a member that it loses."""
    entries = []
    for version in range(count):
        last = version + 1 == count
        said = dict(changes) if last else {}
        signer, drop = said.pop("signer", version), said.pop("drop", None)
        made = entry(version, entries[-1] if entries else None, **said)
        made = signed({name: value for name, value in made.items() if name != drop}, signer)
        entries.append(made)
    return entries


def text_of(entries):
    return "".join(json.dumps(made, separators=(",", ":")) + "\n" for made in entries)


CASES = []


def case(clause, why, text, expected, **request):
    request = {"op": "didlog.verify", "did": DIDS[0], "log": text, "now": NOW, **request}
    CASES.append({"clause": clause, "why": why, "request": request, "expected": expected})


def good(clause, why, entries, *, text=None, **request):
    last = entries[-1]
    ended = last.get("deactivated", False)
    expected = {"ok": True, "version": last["version"], "deactivated": ended, "head": digest(last),
                "current_key": None if ended else last["keys"][0]}
    case(clause, why, text_of(entries) if text is None else text, expected, **request)


def bad(clause, why, what, error, at, **request):
    text = what if isinstance(what, str) else text_of(what)
    case(clause, why, text, {"ok": False, "error": error, **({} if at is None else {"at": at})}, **request)


THREE = log(3)
LINES = text_of(THREE).splitlines(keepends=True)
END = {"next": None, "deactivated": True}

good("rotation", "one entry", log(1))
good("rotation", "two rotations", THREE)
good("rotation", "the last line without its line feed", THREE, text=text_of(THREE)[:-1])
good("rotation", "members in another order, with white space", THREE,
     text="".join(json.dumps(dict(reversed(made.items())), separators=(" , ", " :\t")) + "\n" for made in THREE))
good("rotation", "no key is committed to", log(2, next=None))
good("deactivation", "by the committed key", log(2, **END))
good("deactivation", "by the first entry", log(1, **END))
good("compromised", "the key that is replaced", log(2, compromised=[KEYS[0]]))
good("compromised", "two earlier keys", log(4, compromised=[KEYS[2], KEYS[0]]))
good("time", "thirty seconds ahead", log(1, time=NOW + 30))
good("memory", "it extends what was seen", THREE, seen_version=1, seen_head=digest(THREE[1]))
good("memory", "it is what was seen", THREE, seen_version=2, seen_head=digest(THREE[2]))

bad("lines", "nothing", "", "log.malformed", None)
bad("lines", "a blank line", "\n", "log.malformed", 0)
bad("lines", "a blank line between", LINES[0] + "\n" + LINES[1], "log.malformed", 1)
bad("lines", "a blank line at the end", text_of(THREE) + "\n", "log.malformed", 3)
bad("lines", "a carriage return", text_of(THREE).replace("\n", "\r\n"), "log.malformed", 0)
bad("lines", "a space before a line", " " + text_of(THREE), "log.malformed", 0)
bad("lines", "a space after a line", text_of(THREE)[:-1] + " ", "log.malformed", 2)
bad("lines", "a byte order mark", "\ufeff" + text_of(THREE), "log.malformed", 0)
bad("lines", "two entries on one line", text_of(THREE).replace("\n", "", 1), "log.malformed", 0)
bad("lines", "an entry over two lines", text_of(THREE).replace(",", ",\n", 1), "log.malformed", 0)
bad("lines", "an array of entries", json.dumps(THREE), "log.malformed", 0)
bad("lines", "over 64 KiB", text_of(THREE) + "x" * 65536, "json.size", None)
bad("lines", "over 256 entries", LINES[0] + "{}\n" * 256, "json.size", None)

for name in ("did", "version", "prev", "keys", "next", "time"):
    bad("members", f"`{name}` is missing", log(2, drop=name), "log.malformed", 1)
bad("members", "`sig` is missing", json.dumps(entry(0, None)), "log.malformed", 0)
bad("members", "one that no entry has", log(2, note="x"), "log.malformed", 1)
bad("members", "one twice", LINES[0].replace('{"did"', f'{{"did":"{DIDS[0]}","did"'), "log.malformed", 0)
bad("members", "one twice, once escaped", LINES[0].replace('{"did"', f'{{"d\\u0069d":"{DIDS[0]}","did"'), "log.malformed", 0)
bad("members", "a name with an escape", LINES[0].replace('{"did"', '{"d\\u0069d"'), "log.malformed", 0)
bad("members", "a text with an escape", LINES[0].replace('"did:', '"\\u0064id:'), "log.malformed", 0)

bad("did", "a hash form", log(1, did="did:aip:" + hashlib.sha256(RAW[0]).hexdigest()[:32]), "log.malformed", 0)
bad("did", "another method", log(1, did="did:key:" + KEYS[0]), "log.malformed", 0)
bad("did", "another's identifier", log(1, did=DIDS[1]), "log.key", 0)
bad("did", "changed by a later entry", log(2, did=DIDS[1]), "log.prev", 1)
bad("did", "a log of somebody else", THREE, "log.key", None, did=DIDS[1])

bad("version", "begins with 1", log(1, version=1), "log.prev", 0)
bad("version", "the same again", log(2, version=0), "log.prev", 1)
bad("version", "one left out", log(2, version=2), "log.prev", 1)
bad("version", "a fraction", log(2, version=1.0), "log.malformed", 1)
bad("version", "an exponent", LINES[0].replace('"version":0', '"version":0e0'), "log.malformed", 0)
bad("version", "negative", log(2, version=-1), "log.malformed", 1)
bad("version", "a text", log(2, version="1"), "log.malformed", 1)

bad("prev", "in the first entry", log(1, prev=digest(THREE[0])), "log.prev", 0)
bad("prev", "null in a later entry", log(2, prev=None), "log.prev", 1)
bad("prev", "of another entry", log(3, prev=digest(THREE[0])), "log.prev", 2)
bad("prev", "of the entry without its signature", log(2, prev=digest(entry(0, None))), "log.prev", 1)
bad("prev", "of the line as written", log(2, prev=b64(hashlib.sha256(LINES[0].encode()).digest())), "log.prev", 1)
bad("prev", "padded", log(2, prev=digest(THREE[0]) + "="), "log.malformed", 1)
bad("prev", "too short", log(2, prev=digest(THREE[0])[:-4]), "log.malformed", 1)
bad("prev", "entries swapped", LINES[0] + LINES[2] + LINES[1], "log.prev", 1)
bad("prev", "an entry cut out", LINES[0] + LINES[2], "log.prev", 1)
bad("prev", "an entry replayed", LINES[0] + LINES[1] + LINES[1], "log.prev", 2)
bad("prev", "the first entry alone is missing", LINES[1] + LINES[2], "log.prev", 0)

bad("keys", "the first is not the identifier's", log(1, keys=[KEYS[1]], signer=1), "log.key", 0)
bad("keys", "not the one committed to", log(2, keys=[KEYS[2]], signer=2), "log.key", 1)
bad("keys", "a thief extends with the current key", log(2, keys=[KEYS[0]], signer=0), "log.key", 1)
bad("keys", "two", log(2, keys=[KEYS[1], KEYS[2]]), "log.malformed", 1)
bad("keys", "none", log(2, keys=[]), "log.malformed", 1)
bad("keys", "a text in place of a list", log(2, keys=KEYS[1]), "log.malformed", 1)
bad("keys", "no multibase", log(2, keys=[KEYS[1][1:]]), "log.malformed", 1)
bad("keys", "another multibase of the same bytes", log(2, keys=["f" + (b"\xed\x01" + RAW[1]).hex()]), "log.malformed", 1)

committed_to_used = signed(entry(0, None, next=commitment(RAW[0])), 0)
bad("keys", "used before, although committed to",
    [committed_to_used, signed(entry(1, committed_to_used, keys=[KEYS[0]]), 0)], "log.key", 1)
committed_to_bad = signed(entry(0, None, next=commitment(bytes(32))), 0)
bad("keys", "of small order, although committed to",
    [committed_to_bad, signed(entry(1, committed_to_bad, keys=[multikey(bytes(32))]), 1)], "did.key.invalid", 1)
committed_to_raw = signed(entry(0, None, next=b64(hashlib.sha256(RAW[1]).digest())), 0)
bad("next", "a hash of the 32 bytes alone", [committed_to_raw, signed(entry(1, committed_to_raw), 1)], "log.key", 1)
bad("next", "too long", log(1, next=commitment(RAW[1]) + "AAAA"), "log.malformed", 0)
bad("next", "the key itself", log(1, next=KEYS[1]), "log.malformed", 0)
without_next = log(2, next=None)
bad("next", "an entry after null", without_next + [signed(entry(2, without_next[-1]), 2)], "log.ended", 2)

bad("time", "the same again", log(2, time=FIRST), "log.time", 1)
bad("time", "earlier", log(3, time=FIRST + 99), "log.time", 2)
bad("time", "thirty-one seconds ahead", log(1, time=NOW + 31), "log.time", 0)
bad("time", "a fraction", log(1, time=FIRST + 0.5), "log.malformed", 0)
bad("time", "beyond 2^53", log(1, time=2**53 + 1), "log.malformed", 0)
bad("time", "negative", log(1, time=-1), "log.malformed", 0)
bad("time", "a date", log(1, time="2026-11-21T12:00:00Z"), "log.malformed", 0)

bad("sig", "of the key before", log(2, signer=0), "log.signature", 1)
bad("sig", "of the next key", log(2, signer=2), "log.signature", 1)
bad("sig", "of another entry", [THREE[0], dict(THREE[1], sig=THREE[0]["sig"])], "log.signature", 1)
bad("sig", "a changed time", [dict(THREE[0], time=FIRST + 1)], "log.signature", 0)
bad("sig", "a deactivation put in", [dict(log(1, next=None)[0], deactivated=True)], "log.signature", 0)
bad("sig", "`compromised` taken out", [THREE[0], {k: v for k, v in log(2, compromised=[KEYS[0]])[1].items() if k != "compromised"}],
    "log.signature", 1)
bad("sig", "of the line as written", [dict(entry(0, None), sig=b64(bytes.fromhex(sign(SEEDS[0], json.dumps(
    entry(0, None), separators=(",", ":")).encode())["sig"])))], "log.signature", 0)
bad("sig", "too short", [dict(THREE[0], sig=THREE[0]["sig"][:-2])], "log.malformed", 0)
bad("sig", "hexadecimal", [dict(THREE[0], sig="00" * 64)], "log.malformed", 0)

bad("deactivated", "false", log(2, deactivated=False), "log.malformed", 1)
bad("deactivated", "with a commitment", log(2, deactivated=True), "log.malformed", 1)
ended = log(2, **END)
bad("deactivated", "an entry after it", ended + [signed(entry(2, ended[-1]), 2)], "log.ended", 2)
bad("deactivated", "by the current key alone", log(2, keys=[KEYS[0]], signer=0, **END), "log.key", 1)

bad("compromised", "its own key", log(2, compromised=[KEYS[1]]), "log.malformed", 1)
bad("compromised", "a key that the log never had", log(2, compromised=[KEYS[5]]), "log.malformed", 1)
bad("compromised", "in the first entry", log(1, compromised=[KEYS[0]]), "log.malformed", 0)
bad("compromised", "one twice", log(2, compromised=[KEYS[0], KEYS[0]]), "log.malformed", 1)
bad("compromised", "an empty list", log(2, compromised=[]), "log.malformed", 1)
bad("compromised", "a text", log(2, compromised=KEYS[0]), "log.malformed", 1)
listed = log(2, compromised=[KEYS[0]])
bad("compromised", "listed by an entry before", listed + [signed(entry(2, listed[-1], compromised=[KEYS[0]]), 2)], "log.malformed", 2)

bad("memory", "shorter than what was seen", THREE[:2], "log.rollback", 2, seen_version=2, seen_head=digest(THREE[2]))
fork = [THREE[0], signed(entry(1, THREE[0], time=FIRST + 101), 1)]
fork.append(signed(entry(2, fork[1]), 2))
bad("memory", "another entry of the version that was seen", fork, "log.fork", 1, seen_version=1, seen_head=digest(THREE[1]))
bad("memory", "longer than what was seen, and other", fork, "log.fork", 1, seen_version=1, seen_head=digest(THREE[2]))

driver.stdin.close()
driver.wait()
(HERE / "log").mkdir(exist_ok=True)
(HERE / "log" / "keylog.jsonl").write_text("".join(json.dumps(row) + "\n" for row in CASES))
print(f"{len(CASES)} cases")
