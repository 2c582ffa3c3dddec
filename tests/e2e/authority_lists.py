#!/usr/bin/env python3
"""Statements that a gateway does not take, and the signed list of those that it took, read page by page.

Usage: authority_lists.py GATEWAY_URL FOLDER_OF_KEYS_AND_TOKENS"""
import hashlib
import json
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from authority_wire import FileKey, Report, jws, unbase64url, verifies
from identity_sign import base64url

FOLDER = Path(sys.argv[2])
CONNECTION = HTTPConnection(urlsplit(sys.argv[1]).netloc, timeout=20)
PLACE = "/aip/v1/revocations"
SELF, STRANGER, RESEARCHER = (FileKey(FOLDER / f"{name}.key") for name in ("gateway", "stranger", "researcher"))
report = Report()


def ask(method, body=None, path=PLACE, **headers):
    """(HTTP status, code or None, headers, body)"""
    if body is not None:
        headers = {"Content-Type": "application/jose", **headers}
    CONNECTION.request(method, path, body, headers)
    reply = CONNECTION.getresponse()
    data = reply.read()
    code = json.loads(data)["error"]["code_name"] if reply.status >= 400 else None
    return reply.status, code, reply.headers, data


def statement(key, seq, target=None, **changes):
    claims = {"iss": key.did, "iat": int(time.time()), "seq": seq, **(target or {"did": STRANGER.did}), **changes}
    return jws(key, {name: value for name, value in claims.items() if value is not None}, "aip-revocation+jwt")


def refuses(wanted, name, *request, **headers):
    status, code, _, body = ask(*request, **headers)
    report(f"{name}: {wanted}", None if code == wanted else f"HTTP {status} {code}: {body[:200]}")


def bad_statements():
    good, later = statement(STRANGER, 1), int(time.time()) + 60
    head, _, signature = good.rpartition(".")
    changed = ("B" if signature[0] == "A" else "A") + signature[1:]
    refuses("token.signature", "a statement with a bad signature", "POST", f"{head}.{changed}")
    refuses("token.signature", "a statement in another's name", "POST", statement(STRANGER, 1, iss=RESEARCHER.did))
    refuses("request.media_type", "another media type", "POST", good, **{"Content-Type": "application/json"})
    refuses("request.media_type", "the media type with a parameter", "POST", good,
            **{"Content-Type": "application/jose; a=b"})
    refuses("request.size", "more than 16384 bytes", "POST", good + "A" * 16384)
    refuses("request.invalid", "a query with POST", "POST", good, PLACE + "?since=0")
    refuses("request.http_method", "another method", "DELETE")
    refuses("request.origin", "a page of another origin", "POST", good, Origin="https://evil.example")
    refuses("token.malformed", "no JWS", "POST", "revoke")
    refuses("base64url.invalid", "a statement and white space", "POST", good + "\n")
    refuses("token.header", "a token instead of a statement", "POST", jws(STRANGER, {"iss": STRANGER.did}))
    refuses("token.not_yet_valid", "a statement of tomorrow", "POST", statement(STRANGER, 1, iat=later))
    refuses("token.claim.invalid", "no target", "POST", statement(STRANGER, 1, did=None))
    refuses("token.claim.unknown", "a claim that nobody knows", "POST", statement(STRANGER, 1, until=later))
    refuses("revocation.unauthorized", "a chain that gives no right", "POST", statement(
        STRANGER, 1, {"did": RESEARCHER.did}, chain=(FOLDER / "researcher.token").read_text().strip()))
    for query in ("?since=", "?since=01", "?since=-1", "?since=x", "?since=1&a=1", "?a=1", "?",
                  "?since=9007199254740992"):
        refuses("request.invalid", f"a list by {query}", "GET", None, PLACE + query)


def page(since):
    """The payload of one page, if the gateway signed it."""
    status, code, headers, body = ask("GET", None, f"{PLACE}?since={since}" if since is not None else PLACE)
    if status != 200 or headers["Content-Type"] != "application/jose" or headers["Cache-Control"] != "no-store":
        raise SystemExit(f"FAIL a list: HTTP {status} {code} {headers}")
    signed, _, signature = body.decode().rpartition(".")
    header, payload = (json.loads(unbase64url(part)) for part in signed.split("."))
    wanted = {"alg": "EdDSA", "typ": "aip-revocations+jwt", "kid": f"{SELF.did}#key-1"}
    if header != wanted or not verifies(SELF.public, signed.encode(), unbase64url(signature)):
        raise SystemExit(f"FAIL the list's header or signature: {header}")
    if set(payload) != {"iss", "iat", "from", "to", "last", "statements"} or payload["iss"] != SELF.did:
        raise SystemExit(f"FAIL the list's members: {set(payload)}")
    if abs(payload["iat"] - time.time()) > 5 or len(payload["statements"]) != payload["to"] - payload["from"]:
        raise SystemExit(f"FAIL the list's numbers: {payload['iat']} {payload['from']} {payload['to']}")
    return payload


def walk():
    found, pages, payload = [], 0, {"to": 0, "last": 1}
    while payload["to"] < payload["last"]:
        payload = page(payload["to"])
        found += payload["statements"]
        pages += 1
    return found, pages


def lists():
    before, _ = walk()
    report("what was revoked is listed", None if len(before) > 10 else f"{len(before)} statements")
    report("without a query from the beginning", None if page(None)["from"] == 0 else "not from 0")
    # Two hundred statements of eleven kilobytes each, which is more than one page holds.
    chain = jws(STRANGER, {"iss": STRANGER.did, "sub": RESEARCHER.did, "scope": ["tool:x"], "max_depth": 0, "iat": 1,
                           "exp": 2, "x-room": "x" * 5800})
    link = base64url(hashlib.sha256(chain.rpartition(".")[0].encode()).digest())
    brought = [statement(STRANGER, seq, {"link": link}, chain=chain) for seq in range(220)]
    answers = [ask("POST", each) for each in brought]
    refused = [each for each in answers if each[0] != 200]
    report("two hundred statements more", f"{len(refused)} refused: {refused[0]}" if refused else None)
    said = [json.loads(body) for *_, body in answers]
    ids = [base64url(hashlib.sha256(each.rpartition(".")[0].encode()).digest()) for each in brought]
    report("each is acknowledged by its id", None if [each["id"] for each in said] == ids else str(said[0]))
    judged = [each for each in said if each["judged"]]
    report("a chain whose root is not admitted judges nothing", str(judged[0]) if judged else None)
    found, pages = walk()
    report("the list is read in pages", None if pages > 1 else f"{pages} pages for {sum(map(len, found))} bytes")
    report("in the order in which they were taken", None if found == before + brought else f"{len(found)} statements")
    report("one that is known is taken again", None if ask("POST", brought[0])[0] == 200 else "refused")
    report("and not listed twice", None if page(len(found))["last"] == len(found) else "listed")
    end = page(len(found))
    empty = (end["to"], end["statements"]) == (len(found), [])
    report("after the last there is none", None if empty else str(end)[:200])


def room():
    """One address may bring a thousand statements that nobody can judge; what proves itself is always taken."""
    first = statement(STRANGER, 0, {"link": base64url(bytes(32))})
    taken, (_, code, _, _) = 1, ask("POST", first)
    while code is None and taken < 1001:
        target = {"link": base64url(hashlib.sha256(b"%d" % taken).digest())}
        _, code, _, _ = ask("POST", statement(STRANGER, taken, target))
        taken += code is None
    report("a thousand that nobody can judge, and no more: revocation.full",
           None if code == "revocation.full" and taken < 1000 - 220 else f"{taken} more, then {code}")
    again = (FOLDER / "again.token").read_text().strip()
    link = base64url(hashlib.sha256(again.split("~")[-1].rpartition(".")[0].encode()).digest())
    refuses("revocation.full", "one more without a chain", "POST", statement(RESEARCHER, 1, {"link": link}))
    status, code, _, body = ask("POST", statement(RESEARCHER, 2, {"link": link}, chain=again))
    judged = status == 200 and json.loads(body)["judged"]
    report("but with its chain it is taken", None if judged else f"{status} {code}")
    status, code, _, _ = ask("POST", first)
    report("and one that is known", None if status == 200 else f"{status} {code}")


bad_statements()
lists()
room()
report.leave()
