#!/usr/bin/env python3
"""Writes tests/vectors/did/aipdoc.jsonl: identity documents of aip: names, good and bad, signed through the driver.

Run by hand when a rule changes (BUILD/tests/aip-conform must be built); the recorded file is what the tests read.
Canonical bytes and encodings are made here, not by the library.
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
NOW = 1800000000  # 2027-01-15T08:00:00Z
NAME = "aip:web:agents.example.com/team/writer"
SEEDS = [hashlib.sha256(b"identity document vector %d" % i).hexdigest() for i in range(3)]

driver = subprocess.Popen([str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def sign(seed, message):
    driver.stdin.write(json.dumps({"id": 0, "op": "ed25519.sign", "seed": seed, "msg": message.hex()}) + "\n")
    driver.stdin.flush()
    return json.loads(driver.stdout.readline())


KEYS = [bytes.fromhex(sign(seed, b"")["pk"]) for seed in SEEDS]
RAW = ["z" + base58(key) for key in KEYS]
MULTIKEYS = ["z" + base58(b"\xed\x01" + key) for key in KEYS]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


ENCODINGS = {"base64url": b64, "base64": lambda data: base64.b64encode(data).decode(), "hex": bytes.hex}


def key(i=0, **changes):
    return dict({"id": f"key-{i + 1}", "type": "Ed25519", "public_key_multibase": RAW[i],
                 "valid_from": "2026-12-01T00:00:00Z", "valid_until": "2027-02-01T00:00:00Z"}, **changes)


def document(**changes):
    made = {"aip": "1.0", "id": NAME, "public_keys": [key()], "name": "Writer", "expires": "2027-02-01T00:00:00Z"}
    made.update(changes)
    return {name: value for name, value in made.items() if value is not None}


def canonical(value):
    """RFC 8785 of ASCII names, whole numbers and texts without controls."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signed(value, signer=0, encoding="base64url", over=None):
    signature = bytes.fromhex(sign(SEEDS[signer], canonical(value) if over is None else over)["sig"])
    return dict(value, document_signature=ENCODINGS[encoding](signature))


lines = []


def case(why, value, error=None, name=NAME, now=NOW, clause="I-91", **reply):
    raw = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    expected = {"ok": True, **reply} if error is None else {"ok": False, "error": error}
    request = {"op": "aipdoc.verify", "name": name, "now": now, "raw": raw}
    lines.append(json.dumps({"clause": clause, "why": why, "request": request, "expected": expected}, ensure_ascii=False))


def offered(*entries):
    return [{"pk": KEYS[i].hex(), "uses": 31, "fragment": fragment} for i, fragment in entries]


good = signed(document())
case("a good document", good, keys=offered((0, "key-1")), expires=1801440000)
for encoding in ENCODINGS:
    case(f"a signature in {encoding}", signed(document(), encoding=encoding), clause="I-92")
text = good["document_signature"]
for why, spelled in {
    "base64url with padding": text + "==",
    "base64 without padding": ENCODINGS["base64"](b"\xfb\xff" * 32).rstrip("="),
    "upper-case hex": signed(document(), encoding="hex")["document_signature"].upper(),
    "spare bits in base64url": text[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[text[-1]],
    "an empty text": "",
    "a signature of half the length": text[:43],
}.items():
    case(f"a signature as {why}", dict(good, document_signature=spelled), "aipdoc.invalid", clause="I-92")
case("no signature", document(), "aipdoc.invalid")
case("a signature that is null", dict(document(), document_signature=None), "aipdoc.invalid")
case("the signature first and spaces", '{ "document_signature" : ' + json.dumps(text) + ",\n" + json.dumps(document())[1:])
case("an escaped member name of the signature", json.dumps(good).replace("document_signature", "document\\u005fsignature"))
case("a nested document_signature is signed", signed(document(extensions={"document_signature": "x"})))
nested = document(extensions={"document_signature": "x"})
case("a nested document_signature left out of the signed bytes",
     signed(nested, over=canonical(dict(nested, extensions={}))), "aipdoc.signature")
case("members nobody knows are signed too", signed(document(more={"z": [1, None, True], "a": {}})))
case("a member added after signing", dict(good, more=1), "aipdoc.signature")
case("a null member left out of the signed bytes", dict(good, delegation=None), "aipdoc.signature")
case("text beyond ASCII, signed as it is", signed(document(name="Schriftstellerin é ☃ 𝄞")))
escaped = document(name="é")
case("text beyond ASCII, signed with escapes", signed(escaped, over=json.dumps(escaped, sort_keys=True, separators=(",", ":")).encode()),
     "aipdoc.signature")
case("a whole number", signed(document(delegation={"max_depth": 3})))
case("the largest whole number", signed(document(more=2**53 - 1)))
case("a whole number beyond it", signed(document(more=2**53)), "json.number")
case("a number far below zero", signed(document(more=-(2**53))), "json.number")
case("a fraction", json.dumps(good)[:-1] + ',"more":[{"x":1.5}]}', "json.number")
case("a whole number with a fraction", json.dumps(good)[:-1] + ',"more":1.0}', "json.number")
case("a whole number with an exponent", json.dumps(good)[:-1] + ',"more":1e2}', "json.number")
case("a member twice", json.dumps(good)[:-1] + ',"id":"x"}', "json.duplicate")
case("no object", "[]", "aipdoc.invalid")
case("no JSON", "{", "json.syntax")
case("too large", json.dumps(good) + " " * 65536, "json.size")

case("version 1.7", signed(document(aip="1.7")))
case("version 2.0", signed(document(aip="2.0")), "aipdoc.version")
case("version 10.0", signed(document(aip="10.0")), "aipdoc.version")
for version in ("1", "1.", ".0", "01.0", "0.9", "1.0.0", "1.0x", "v1.0", "", 1, None):
    case(f"version {version!r}", signed(document(aip=version)), "aipdoc.invalid")
case("a later version, signed by nobody", dict(document(aip="2.0")), "aipdoc.version")

case("another name", good, "aipdoc.invalid", name="aip:web:agents.example.com/team/reader")
case("a name in another case", good, "aipdoc.invalid", name="aip:web:agents.example.com/team/Writer")
case("a DID", good, "did.invalid", name="did:web:agents.example.com")
case("no id", signed(document(id=None)), "aipdoc.invalid")

case("signed by another key", signed(document(), 1), "aipdoc.signature")
case("the second key signs", signed(document(public_keys=[key(0), key(1)]), 1), keys=offered((0, "key-1"), (1, "key-2")))
retired = {"valid_until": "2027-01-15T07:59:59Z"}
coming = {"valid_from": "2027-01-15T08:00:01Z"}
case("a retired key beside a current one", signed(document(public_keys=[key(0, **retired), key(1)]), 1),
     keys=offered((0, "key-1"), (1, "key-2")))
case("the retired key signs", signed(document(public_keys=[key(0, **retired), key(1)]), 0), "aipdoc.signature")
case("the coming key signs", signed(document(public_keys=[key(0, **coming), key(1)]), 0), "aipdoc.signature")
case("the last second of a key", signed(document(public_keys=[key(0, valid_until="2027-01-15T08:00:00Z")])))
case("the first second of a key", signed(document(public_keys=[key(0, valid_from="2027-01-15T08:00:00Z")])))
case("times with an offset", signed(document(public_keys=[key(0, valid_from="2026-12-01T05:30:00.123456+05:30")])))
for why, time in {
    "no zone": "2026-12-01T00:00:00", "two zones": "2026-12-01T00:00:00+00:00Z", "lower case": "2026-12-01t00:00:00z",
    "a space": "2026-12-01 00:00:00Z", "no such day": "2026-02-29T00:00:00Z", "a date": "2026-12-01",
    "a number": 1796083200, "no time": None,
}.items():
    case(f"valid_from with {why}", signed(document(public_keys=[key(0, valid_from=time)])), "aipdoc.invalid")
    case(f"expires with {why}", signed(document(expires=time)), "aipdoc.invalid")
case("valid_until missing", signed(document(public_keys=[{n: v for n, v in key().items() if n != "valid_until"}])), "aipdoc.invalid")
case("expires now", signed(document(expires="2027-01-15T08:00:00Z")), "aipdoc.expired")
case("expires in a second", signed(document(expires="2027-01-15T08:00:01Z")))
case("expired, and signed by nobody", dict(signed(document(expires="2027-01-01T00:00:00Z"), 1)), "aipdoc.signature")

case("a key in its other spelling", signed(document(public_keys=[key(0, public_key_multibase=MULTIKEYS[0])])))
case("a key of another type", signed(document(public_keys=[key(0, type="Ed25519VerificationKey2020")])), "aipdoc.invalid")
case("a key of small order", signed(document(public_keys=[key(0), key(1, public_key_multibase="z" + base58(b"\1" + bytes(31)))])),
     "did.key.invalid")
case("a key that is too short", signed(document(public_keys=[key(0, public_key_multibase="z" + base58(bytes(31)))])), "aipdoc.invalid")
case("no keys", signed(document(public_keys=[])), "aipdoc.invalid")
case("keys that are no list", signed(document(public_keys=key())), "aipdoc.invalid")
case("a key that is no object", signed(document(public_keys=[RAW[0]])), "aipdoc.invalid")
case("ids as fragments", signed(document(public_keys=[key(0, id="#a"), key(1, id=NAME + "#b")])), keys=offered((0, "a"), (1, "b")))
case("two keys of one id", signed(document(public_keys=[key(0, id="#a"), key(1, id="a")])), "aipdoc.invalid")
case("the id of another's key", signed(document(public_keys=[key(0, id="aip:web:x.example.com/y#a")])), "aipdoc.invalid")
case("an empty id", signed(document(public_keys=[key(0, id="#")])), "aipdoc.invalid")
case("too many keys", signed(document(public_keys=[key(0, id=f"k{i}") for i in range(65)])), "aipdoc.invalid")

own = "aip:key:ed25519:" + RAW[0]
case("the document of a key", signed(document(id=own)), name=own, keys=offered((0, "key-1")))
case("the document of a key with another key", signed(document(id=own, public_keys=[key(1)]), 1), "did.key.mismatch", name=own)
case("the document of a key with two entries", signed(document(id=own, public_keys=[key(0), key(0, id="again")])), "aipdoc.invalid", name=own)

(HERE / "did" / "aipdoc.jsonl").write_text("\n".join(lines) + "\n")
print(len(lines), "cases")
