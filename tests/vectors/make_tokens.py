#!/usr/bin/env python3
"""Writes tests/vectors/token/chain.jsonl: native tokens, good and bad, signed through the driver.

Run by hand when a rule changes (BUILD/tests/aip-conform must be built); the recorded file is what the tests read.
The keys come from public test seeds.
"""
import base64
import copy
import hashlib
import json
import os
import subprocess
from pathlib import Path

from edwards import base58

HERE = Path(__file__).resolve().parent
DRIVER = HERE.parent.parent / os.environ.get("BUILD", "build") / "tests" / "aip-conform"
NOW = 1800000000
HEADER = {"alg": "EdDSA", "typ": "aip+jwt"}
SEEDS = [bytes(range(32 * i, 32 * i + 32)).hex() for i in range(5)]

driver = subprocess.Popen([str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def sign(seed, message):
    driver.stdin.write(json.dumps({"id": 0, "op": "ed25519.sign", "seed": seed, "msg": message.hex()}) + "\n")
    driver.stdin.flush()
    return json.loads(driver.stdout.readline())


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


NAMES = ["did:aip:z" + base58(b"\xed\x01" + bytes.fromhex(sign(seed, b"")["pk"])) for seed in SEEDS]

ROOT = {"iss": NAMES[0], "sub": NAMES[1], "scope": ["tool:search", "tool:db.*"], "budget_usd": 1.5, "max_depth": 3,
        "iat": NOW - 60, "exp": NOW + 3600}
HOP = {"iss": NAMES[1], "sub": NAMES[2], "scope": ["tool:db.read"], "iat": NOW - 50, "exp": NOW + 600, "jti": "A" * 22,
       "par_hash": None, "context": "read the users"}
LAST = dict(HOP, iss=NAMES[2], sub=NAMES[3], iat=NOW - 40, jti="B" * 21 + "A")


class Raw(str):
    """JSON text that goes into a payload as it stands."""


def encode(payload):
    members = (json.dumps(name) + ":" + (value if isinstance(value, Raw) else json.dumps(value)) for name, value in payload.items())
    return "{" + ",".join(members) + "}"


def token(payloads, headers=None, seeds=None):
    elements, parent = [], None
    for i, payload in enumerate(payloads):
        payload = {name: b64(hashlib.sha256(parent).digest()) if name == "par_hash" and value is None else value
                   for name, value in payload.items()}
        signed = (b64(json.dumps((headers or {}).get(i, HEADER), separators=(",", ":")).encode()) + "." + b64(encode(payload).encode())).encode()
        signature = bytes.fromhex(sign((seeds or {}).get(i, SEEDS[NAMES.index(payload["iss"])] if payload.get("iss") in NAMES else SEEDS[0]), signed)["sig"])
        elements.append(signed.decode() + "." + b64(signature))
        parent = signed
    return "~".join(elements)


def edited(i, *, drop=(), **changes):
    payloads = copy.deepcopy([ROOT, HOP, LAST])
    payloads[i].update(changes)
    for name in drop:
        del payloads[i][name]
    return payloads


CASES = []


def case(clause, why, text, expected, **request):
    request = {"op": "token.verify", "token": text, "trust": [NAMES[0]], "now": NOW, **request}
    CASES.append({"clause": clause, "why": why, "request": request, "expected": expected})


def good(clause, why, payloads, leaf=3, **request):
    case(clause, why, token(payloads), {"ok": True, "leaf": NAMES[leaf]}, **request)


def bad(clause, why, payloads, error, at, **request):
    case(clause, why, token(payloads), {"ok": False, "error": error, "at": at}, **request)


BASE = [ROOT, HOP, LAST]
good("chain", "one element", [ROOT], leaf=1)
good("chain", "two hops", BASE)
good("scope", "the tool is granted by the leaf", BASE, tool="db.read")
case("scope", "the leaf lost what the root had", token(BASE), {"ok": False, "error": "scope.insufficient"}, tool="search")
good("scope", "a prefix covers", [ROOT], leaf=1, tool="db.drop")
case("scope", "a prefix does not cover another name", token([ROOT]), {"ok": False, "error": "scope.insufficient"}, tool="dbase")
bad("scope", "a hop adds a tool", edited(1, scope=["tool:db.read", "tool:mail"]), "chain.widened.scope", 1)
bad("scope", "a hop turns a name into a prefix", edited(2, scope=["tool:db.read*"]), "chain.widened.scope", 2)
bad("scope", "a hop takes the whole kind", edited(1, scope=["tool:*"]), "chain.widened.scope", 1)
bad("scope", "an empty list", edited(1, scope=[]), "token.claim.invalid", 1)
bad("scope", "a string in place of a list", edited(0, scope="tool:search"), "token.claim.invalid", 0)
good("budget_usd", "a smaller one", edited(2, budget_usd=0.25))
good("budget_usd", "an equal one", edited(2, budget_usd=1.5))
bad("budget_usd", "a larger one", edited(1, budget_usd=2), "chain.widened.budget", 1)
bad("budget_usd", "larger than the nearest declared", [ROOT, dict(HOP, budget_usd=0.5), dict(LAST, budget_usd=0.500001)], "chain.widened.budget", 2)
bad("budget_usd", "an exponent", edited(0, budget_usd=Raw("1e0")), "token.claim.invalid", 0)
bad("budget_usd", "seven decimals", edited(0, budget_usd=Raw("0.0000001")), "token.claim.invalid", 0)
bad("budget_usd", "a string", edited(0, budget_usd="1.5"), "token.claim.invalid", 0)
bad("max_depth", "missing in the root", edited(0, drop=["max_depth"]), "token.claim.missing", 0)
bad("max_depth", "no further hop allowed", [dict(ROOT, max_depth=0), HOP], "chain.depth", 1)
bad("max_depth", "widened", edited(1, max_depth=3), "chain.widened.depth", 1)
bad("max_depth", "narrowed to nothing, then a hop", edited(1, max_depth=0), "chain.depth", 2)
bad("max_depth", "over the cap", edited(0, max_depth=16), "token.claim.invalid", 0)
good("exp", "the last second", BASE, now=NOW + 599)
bad("exp", "expired at now = exp", BASE, "token.expired", 1, now=NOW + 600)
bad("exp", "a hop outlives its parent", edited(2, exp=NOW + 601), "chain.widened.time", 2)
bad("iat", "a hop older than its parent", edited(1, iat=NOW - 61), "chain.widened.time", 1)
good("iat", "thirty seconds ahead", [dict(ROOT, iat=NOW + 30)], leaf=1)
bad("iat", "thirty-one seconds ahead", [dict(ROOT, iat=NOW + 31)], "token.not_yet_valid", 0)
bad("nbf", "not yet", edited(0, nbf=NOW + 31), "token.not_yet_valid", 0)
bad("iss", "not the parent's subject", edited(2, iss=NAMES[1]), "chain.issuer", 2)
bad("sub", "the root again", edited(2, sub=NAMES[0]), "chain.cycle", 2)
bad("sub", "a party twice", edited(2, sub=NAMES[1]), "chain.cycle", 2)
bad("jti", "missing in a hop", edited(1, drop=["jti"]), "token.claim.missing", 1)
bad("context", "missing in a hop", edited(1, drop=["context"]), "token.claim.missing", 1)
bad("context", "blank", edited(1, context=" \u200b "), "token.claim.invalid", 1)
bad("par_hash", "another parent's", edited(1, par_hash=b64(bytes(32))), "chain.parent", 1)
bad("par_hash", "in the root", edited(0, par_hash=b64(bytes(32))), "token.claim.unknown", 0)
bad("principal", "introduced by a hop", edited(1, principal="Ann"), "chain.principal", 1)
bad("principal", "changed", [dict(ROOT, principal="Ann"), dict(HOP, principal="Bob"), LAST], "chain.principal", 1)
bad("others", "an unknown claim", edited(0, restriction="x"), "token.claim.unknown", 0)
good("others", "an advisory name in the root", edited(0, **{"x-note": "x"}))
bad("others", "an advisory name in a hop", edited(1, **{"x-note": "x"}), "token.claim.unknown", 1)
good("aud", "the verifier is named", edited(0, aud=["https://gw.example"]), audience="https://gw.example")
bad("aud", "another verifier", edited(0, aud=["https://gw.example"]), "token.audience", 0, audience="https://other.example")
bad("aud", "a verifier without a name", edited(0, aud=["https://gw.example"]), "token.audience", 0)
bad("aud", "widened", [dict(ROOT, aud=["https://gw.example"]), dict(HOP, aud=["https://gw.example", "https://b.example"]), LAST],
    "chain.widened.audience", 1, audience="https://gw.example")
bad("json", "a member twice", edited(0, sub=Raw(json.dumps(NAMES[1]) + ',"max_depth":9')), "json.duplicate", 0)
case("header", "another type", token([ROOT], headers={0: dict(HEADER, typ="JWT")}), {"ok": False, "error": "token.header", "at": 0})
case("header", "no algorithm", token([ROOT], headers={0: dict(HEADER, alg="none")}), {"ok": False, "error": "token.header", "at": 0})
case("header", "a critical extension", token([ROOT], headers={0: dict(HEADER, crit=["x"], x=1)}), {"ok": False, "error": "token.header", "at": 0})
case("signature", "the root signed by another", token(BASE, seeds={0: SEEDS[4]}), {"ok": False, "error": "token.signature", "at": 0})
case("signature", "a hop signed by its subject", token(BASE, seeds={1: SEEDS[2]}), {"ok": False, "error": "token.signature", "at": 1})
case("signature", "the leaf signed by the root", token(BASE, seeds={2: SEEDS[0]}), {"ok": False, "error": "token.signature", "at": 2})
case("text", "an empty last element", token(BASE) + "~", {"ok": False})
case("text", "padding", token([ROOT]) + "=", {"ok": False, "error": "base64url.invalid", "at": 0})
case("text", "a newline", token([ROOT]) + "\n", {"ok": False, "error": "base64url.invalid", "at": 0})
case("text", "a hop taken out", "~".join(token(BASE).split("~")[::2]), {"ok": False, "at": 1})
case("text", "hops swapped", "~".join([token(BASE).split("~")[i] for i in (0, 2, 1)]), {"ok": False, "at": 1})
case("text", "a hop alone", token(BASE).split("~")[1], {"ok": False, "at": 0})
good("trust", "the root by its key", BASE, trust=[NAMES[0].rsplit(":", 1)[1]])
bad("trust", "another root", BASE, "trust.root.unknown", 0, trust=[NAMES[4]])
bad("trust", "nothing trusted", BASE, "trust.root.unknown", 0, trust=[])
bad("trust", "a hop's issuer is no root", BASE, "trust.root.unknown", 0, trust=[NAMES[1]])
RULED = edited(1, constraints={"db.read": {"table": {"type": "one_of", "values": ["users", "teams"]}}})
good("constraints", "kept", RULED, tool="db.read", arguments={"table": "users"})
case("constraints", "violated", token(RULED), {"ok": False, "error": "constraint.violated"}, tool="db.read", arguments={"table": "keys"})
case("constraints", "an argument missing", token(RULED), {"ok": False, "error": "constraint.violated"}, tool="db.read", arguments={})
bad("constraints", "of an unknown type", edited(1, constraints={"db.read": {"table": {"type": "regex", "value": ".*"}}}), "constraint.unknown", 1)
bad("shares", "in a hop", edited(1, shares=[[NAMES[4], 1]]), "token.claim.unknown", 1)

driver.stdin.close()
driver.wait()
(HERE / "token" / "chain.jsonl").write_text("".join(json.dumps(row) + "\n" for row in CASES))
print(f"{len(CASES)} cases")
