#!/usr/bin/env python3
"""Requests that do not prove what they must: each is refused by its own name, in the answer and in the audit log.

Usage: authority_requests.py FOLDER URL AUDIT all STRICT_URL STRICT_AUDIT
       authority_requests.py FOLDER URL AUDIT send FILE      a proven request that is allowed, kept in FILE
       authority_requests.py FOLDER URL AUDIT replay FILE    and sent once more, which is refused
       authority_requests.py FOLDER URL AUDIT cut KIND TOKEN COMMAND…   what is under way when COMMAND revokes TOKEN, or
                                                                       waits until it has expired (KIND `old`)
FOLDER has organisation, orchestrator, researcher, assistant, friend and stranger as NAME.key, and the chain of the
first four as orchestrator.token, researcher.token and assistant.token. Prints one line for each check."""
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from authority_wire import (COVERED, TOOL_CALL, FileKey, Gateway, Report, content_digest, extend, jws, payload_of,
                            problem_with_reply, proof_lines, proven, read_reply, request_facts, sign_facts,
                            write_request)
from identity_sign import base64url

FOLDER = Path(sys.argv[1])
GATEWAY = Gateway(sys.argv[2], sys.argv[3])
KEYS = {path.stem: FileKey(path) for path in FOLDER.glob("*.key")}
TOKENS = {path.stem: path.read_text().strip() for path in FOLDER.glob("*.token")}
BODY = TOOL_CALL % b"search"
LEAF, TOKEN = KEYS["assistant"], TOKENS["assistant"]
E0, E1, E2 = TOKEN.split("~")
report = Report()


def problem_with(raw, wanted, gateway=GATEWAY):
    """None = answered and recorded as wanted, `ok` or the name of a refusal."""
    before = len(gateway.records())
    status, code, body = gateway.ask(raw)
    records = [each for each in gateway.records()[before:] if each["event"] == "decision"]
    if len(records) != 1:
        return f"HTTP {status}, {len(records)} records: {body[:200]}"
    decision = "ALLOW" if wanted == "ok" else "BLOCK"
    proof = "holder" if wanted == "ok" and b"\r\nSignature: " in raw else records[0]["proof"]
    answered = status == 200 and code is None if wanted == "ok" else status >= 400 and code == wanted
    recorded = [records[0][name] for name in ("decision", "code", "proof")] == [decision, wanted, proof]
    if answered and recorded:
        return None
    return f"HTTP {status} {code}, recorded {records[0]['code']}, proof {records[0]['proof']}: {body[:200]}"


def expect(wanted, name, raw, gateway=GATEWAY):
    report(name if wanted == "ok" else f"{name}: {wanted}", problem_with(raw, wanted, gateway))


def facts(**changes):
    return request_facts(TOKEN, changes.pop("body", BODY), **changes)


def changed(wanted, name, signed=None, sent=None, key=LEAF, **parameters):
    """A request that is signed as one thing and sent as another."""
    lines = proof_lines(sign_facts({**facts(), **(signed or {})}, key, **parameters))
    expect(wanted, name, write_request({**facts(), **(sent or {})}, *lines))


# ---- what is signed ----


def accepted():
    expect("ok", "a chain with its holder's proof", proven(facts(), LEAF))
    expect("ok", "a proof that covers more", proven(facts(), LEAF, covered=[*COVERED, "content-type"]))
    expect("ok", "a query that is covered", proven(facts(query="?a=1"), LEAF))
    expect("ok", "another signature beside it", write_request(
        facts(), *proof_lines(sign_facts(facts(), LEAF)), *proof_lines(sign_facts(facts(), KEYS["friend"]), "other")))
    expect("ok", "a digest by sha-512 alone", proven(facts(digest=content_digest(BODY, "sha-512")), LEAF))
    expect("ok", "a digest that is not judged, beside one that is",
           proven(facts(digest=f"md5=:AAAAAAAAAAAAAAAAAAAAAA==:, {content_digest(BODY)}"), LEAF))
    expect("ok", "a host in capitals, signed in small letters", write_request(
        facts(authority="GW.test"), *proof_lines(sign_facts(facts(), LEAF))))
    expect("ok", "a proof that expires later", proven(facts(), LEAF, more=f";expires={int(time.time()) + 20}"))


def replies():
    """Each is bound to its request, of whatever it makes."""
    good, other = sign_facts(facts(), LEAF), sign_facts(facts(), KEYS["friend"])
    once, unreadable = proven(facts(), LEAF), [f"{each}," for each in proof_lines(good)]
    for name, raw in {
        "of a request that is allowed": once,
        "of the same request, replayed": once,
        "of a request with two signatures": write_request(facts(), *proof_lines(good), *proof_lines(other, "other")),
        "of a request with another agent's signature": write_request(facts(), *proof_lines(other)),
        "of a request whose signature cannot be read": write_request(facts(), *unreadable),
        "of a request without a token": write_request({**facts(), "token": None}, *proof_lines(good)),
        "of a request that is no JSON": proven(facts(body=b"{"), LEAF),
    }.items():
        report(f"the reply {name} is signed for it", problem_with_reply(GATEWAY.head_of(raw), raw, KEYS["gateway"]))
    head = GATEWAY.head_of(write_request(facts()))
    report("a reply is not signed for a request that is not", "signed" if "\r\nSignature" in head else None)


def another_request():
    other = TOOL_CALL % b"read"
    changed("proof.signature", "a proof for another method", {"method": "GET"})
    changed("proof.signature", "a proof for another path", {"path": "/mcp/"})
    changed("proof.signature", "a proof for another host", {"authority": "gw2.test"})
    changed("proof.signature", "a proof for the same host, another port", {"authority": "gw.test:8080"})
    changed("proof.signature", "a proof for another query", {"query": "?a=1"}, {"query": "?a=2"})
    changed("proof.signature", "a query where none was signed", {}, {"query": "?a=1"})
    changed("proof.signature", "a proof for another token", {"token": TOKENS["again"]})
    changed("proof.digest", "another body", {}, {"body": other})
    changed("proof.digest", "a body with a space more", {}, {"body": BODY + b" "})
    changed("proof.signature", "another body with a digest of its own", {},
            {"body": other, "digest": content_digest(other)})
    changed("proof.digest", "one good digest and a bad one",
            *[{"digest": f"{content_digest(BODY)}, {content_digest(other, 'sha-512')}"}] * 2)
    changed("proof.digest.algorithm", "a digest of another algorithm alone",
            *[{"digest": content_digest(BODY, "md5")}] * 2)
    changed("proof.uncovered", "a body whose digest is not signed", covered=COVERED[:-1])
    for name in COVERED[:-1]:
        changed("proof.uncovered", f"{name} is not covered", covered=[each for each in COVERED if each != name])
    changed("proof.component", "a component that is not there", covered=[*COVERED, "x-other"])
    changed("proof.component", "a component that nobody knows", covered=[*COVERED, "@other"])
    changed("proof.component", "a component twice", covered=[*COVERED, "@method"])


def another_time():
    now = int(time.time())
    changed("proof.expired", "a proof of 65 seconds ago", created=now - 65)
    changed("proof.expired", "a proof of 1970", created=0)
    changed("proof.not_yet_valid", "a proof of 40 seconds ahead", created=now + 40)
    changed("proof.expired", "a proof that says that it expired", more=f";expires={now - 1}")
    changed("proof.malformed", "a proof of no time", created=None)
    changed("proof.malformed", "a time that is a text", created=str(now))


def another_key():
    own = f"{LEAF.did}#key-1"
    for name in ("researcher", "orchestrator", "organisation"):
        changed("proof.key", f"a signature by an ancestor, the {name}", key=KEYS[name])
        changed("proof.signature", f"the {name}'s key under the holder's name", key=KEYS[name], keyid=own)
    changed("proof.key", "a signature by another agent", key=KEYS["friend"])
    changed("proof.signature", "another agent's key under the holder's name", key=KEYS["friend"], keyid=own)
    changed("proof.key", "a name that begins as the holder's", keyid=f"{LEAF.did}x#key-1")
    changed("proof.key", "the holder's name without a key", keyid=LEAF.did)
    changed("diddoc.key.not_found", "a key that the holder does not have", keyid=f"{LEAF.did}#key-2")
    changed("proof.key", "no key's name", keyid=None)


def another_purpose():
    changed("proof.tag", "the tag of replies", tag="aip-reply")
    changed("proof.tag", "the tag of somebody else", tag="web-bot-auth")
    changed("proof.tag", "no tag", tag=None)
    good, foreign = sign_facts(facts(), LEAF), sign_facts(facts(), LEAF, tag="other-purpose")
    expect("proof.missing", "another label", write_request(facts(), *proof_lines(good, "sig1")))
    expect("proof.tag", "labels swapped", write_request(
        facts(), *proof_lines(foreign, "aip"), *proof_lines(good, "other")))
    expect("proof.signature", "signatures swapped under their labels", write_request(
        facts(), f"Signature-Input: aip={good[0]}, other={foreign[0]}",
        f"Signature: aip={foreign[1]}, other={good[1]}"))
    again = sign_facts(facts(), LEAF)
    expect("proof.repeated", "two signatures of one label", write_request(
        facts(), f"Signature-Input: aip={good[0]}, aip={again[0]}", f"Signature: aip={good[1]}, aip={again[1]}"))
    expect("proof.repeated", "in two lines", write_request(facts(), *proof_lines(good), *proof_lines(again)))
    expect("proof.missing", "a signature without its input", write_request(facts(), f"Signature: aip={good[1]}"))
    expect("proof.missing", "an input without its signature", write_request(facts(), f"Signature-Input: aip={good[0]}"))
    for name, written in {
        "a comma at the end": f"aip={good[0]},",
        "two spaces in the list": f"aip={good[0].replace(' ', '  ', 1)}",
        "a space after a semicolon": f"aip={good[0].replace(';', '; ', 1)}",
        "leading zeros": f"aip={good[0].replace('created=', 'created=0')}",
        "a quote that does not end": f"aip={good[0]}\"",
    }.items():
        expect("proof.malformed", name, write_request(
            facts(), f"Signature-Input: {written}", f"Signature: aip={good[1]}"))
    expect("proof.malformed", "base64 without its padding", write_request(
        facts(), f"Signature-Input: aip={good[0]}", f"Signature: aip={good[1].replace('=', '')}"))


# ---- what serves once ----


def replays():
    once = proven(facts(), LEAF)
    expect("ok", "a nonce", once)
    expect("proof.replayed", "the same request again", once)
    nonce = base64url(b"the same for both")
    expect("ok", "a nonce for one body", proven(facts(), LEAF, nonce=nonce))
    expect("proof.replayed", "and for another", proven(facts(body=BODY + b" "), LEAF, nonce=nonce))
    expect("ok", "and for another key", proven(
        request_facts(TOKENS["researcher"], BODY), KEYS["researcher"], nonce=nonce))
    changed("proof.nonce", "a nonce of 15 characters", nonce="n" * 15)
    changed("proof.nonce", "a nonce of 65 characters", nonce="n" * 65)
    changed("proof.nonce", "no nonce", nonce=None)
    raw = proven(facts(), LEAF)
    with ThreadPoolExecutor(12) as pool:
        codes = [code for _, code, _ in pool.map(GATEWAY.ask, [raw] * 12)]
    good = codes.count(None) == 1 and codes.count("proof.replayed") == 11
    report("twelve at once: one passes", None if good else str(codes))
    refused = proven(facts(body=TOOL_CALL % b"delete"), LEAF)
    expect("scope.insufficient", "a tool outside the token", refused)
    expect("scope.insufficient", "which takes no nonce", refused)


# ---- what is presented ----


def places():
    quiet = {**facts(), "token": None}
    beside = proof_lines(sign_facts(facts(), LEAF))
    expect("token.repeated", "two tokens", write_request(facts(), *beside, f"X-AIP-Token: {TOKEN}"))
    expect("token.repeated", "a token and an Authorization", write_request(
        facts(), *beside, f"Authorization: AIP {TOKEN}"))
    for name in ("x-aip-token", "aip-token", "aip_token", "aip", "X-AIP-Token"):
        expect("token.place", f"a token in the query as {name}", write_request({**quiet, "query": f"?{name}={TOKEN}"}))
    expect("token.place", "a token in the query, and one where it belongs", proven(facts(query=f"?a=1&aip={E0}"), LEAF))
    expect("token.place", "a token in a cookie", write_request(quiet, f"Cookie: aip-token={TOKEN}"))
    expect("token.place", "a token in the second cookie, and one where it belongs",
           write_request(facts(), *beside, f"Cookie: a=1; x-aip-token={TOKEN}"))
    expect("proof.component", "a proof does not cover an Authorization", write_request(
        quiet, *beside, f"Authorization: AIP {TOKEN}"))
    expect("proof.missing", "a chain as a bearer", write_request(facts()))
    expect("proof.missing", "a chain of two as a bearer", write_request(request_facts(TOKENS["researcher"], BODY)))


def presented(wanted, name, token, key=LEAF):
    expect(wanted, name, proven(request_facts(token, BODY), key))


def chains():
    o, r, a, f = (KEYS[name] for name in ("orchestrator", "researcher", "assistant", "friend"))
    presented("proof.key", "a truncated chain, presented by a later holder", f"{E0}~{E1}")
    presented("proof.key", "a chain truncated to its root", E0)
    foreign = TOKENS["again"].split("~")
    presented("chain.parent", "a link spliced from another chain of the same parties", f"{E0}~{E1}~{foreign[2]}")
    presented("chain.parent", "a middle link spliced", f"{E0}~{foreign[1]}~{E2}")
    presented("chain.issuer", "links reordered", f"{E0}~{E2}~{E1}")
    presented("token.claim.missing", "a chain without its root", f"{E1}~{E2}")
    presented("chain.issuer", "a link repeated", f"{E0}~{E1}~{E1}~{E2}")
    presented("token.claim.missing", "a root repeated", f"{E0}~{E0}~{E1}~{E2}")
    presented("chain.cycle", "a key cycle: back to the orchestrator", extend(TOKENS["researcher"], r, o.did), o)
    presented("chain.cycle", "a key cycle: to itself", extend(TOKENS["researcher"], r, r.did), r)
    presented("chain.cycle", "a key cycle: back to the root", extend(TOKENS["researcher"], r, KEYS["organisation"].did))
    presented("chain.depth", "one hop too many", extend(TOKEN, a, f.did, max_depth=0), f)
    above = payload_of(E1)
    for code, changes in {
        "chain.widened.scope": {"scope": ["tool:*"]},
        "chain.widened.budget": {"budget_usd": 0.500001},
        "chain.widened.depth": {"max_depth": 2},
        "chain.widened.time": {"exp": above["exp"] + 1},
        "chain.widened.audience": {"aud": "elsewhere"},
        "chain.principal": {"principal": "somebody else"},
    }.items():
        presented(code, "a wider link", extend(TOKENS["researcher"], r, a.did, **changes))
    forged = extend(TOKENS["researcher"], f, a.did, iss=r.did)
    presented("token.signature", "a link in another's name", forged)
    stranger = jws(KEYS["stranger"], {**payload_of(E0), "iss": KEYS["stranger"].did, "sub": a.did})
    presented("trust.root.unknown", "a root that is not trusted", stranger)


def strict(gateway):
    bearer = request_facts(TOKENS["orchestrator"], BODY)
    expect("ok", "a token of one element as a bearer", write_request(bearer))
    expect("proof.missing", "a bearer where proofs are required", write_request(bearer), gateway)
    expect("proof.missing", "a chain as a bearer there", write_request(facts()), gateway)
    expect("ok", "a token of one element with a proof there", proven(bearer, KEYS["orchestrator"]), gateway)
    expect("proof.signature", "a bad proof is no bearer", write_request(
        bearer, *proof_lines(sign_facts({**bearer, "path": "/"}, KEYS["orchestrator"]))))
    sample = proven(facts(), LEAF)
    report("a request for one gateway", problem_with(sample, "ok"))
    expect("proof.replayed", "is refused there the second time", sample)


# ---- what is open when it is revoked ----


def read_until(connection, data, wanted):
    while wanted not in data:
        block = connection.recv(65536)
        if not block:
            raise SystemExit(f"FAIL the stream ended before it was revoked: {data[:300]}")
        data += block
    return data


def cut_stream(connection, command):
    """Problem of a stream that has to end, without a regular end, within a second of the command's end."""
    seen = read_until(connection, b"", b'"data": 1}')
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    revoked, last = time.monotonic(), 0.0
    connection.settimeout(2)
    while time.monotonic() - revoked < 3 and not seen.endswith(b"0\r\n\r\n"):
        try:
            block = connection.recv(65536)
        except (ConnectionResetError, TimeoutError):
            block = b""
        if not block:
            break
        seen, last = seen + block, time.monotonic() - revoked
    after = time.monotonic() - revoked
    if after > 1.2:
        return f"was open for {after:.2f} seconds, its last event came after {last:.2f}"
    return "ended as if it were complete" if seen.endswith(b"0\r\n\r\n") else None


def storm(token_name, command):
    """Many requests on many connections while the link is revoked: what begins after the acknowledgement is refused."""
    raws = [proven(request_facts(TOKENS[token_name], BODY), KEYS[token_name]) for _ in range(200)]

    def one(raw):
        began = time.monotonic()
        return began, *GATEWAY.ask(raw)[:2]

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(one, raw) for raw in raws]
        while not answers[40].done():
            time.sleep(0.002)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        revoked = time.monotonic()
        answers = [each.result() for each in answers]
    strays = {(status, code) for _, status, code in answers} - {(200, None), (401, "token.revoked")}
    late = [began - revoked for began, status, _ in answers if status == 200 and began > revoked]
    refused = sum(code == "token.revoked" for *_, code in answers)
    report("in a storm of requests none passes after the acknowledgement",
           None if not strays and not late and 0 < refused < 160 else f"{strays} {late} {refused} refused")


def cut(kind, token_name, command):
    key, token = KEYS[token_name], TOKENS[token_name]
    tool = {"post": b"stream", "silent": b"silent"}.get(kind, b"search")
    quiet = kind in ("get", "old")
    raw = proven(request_facts(token, b"" if quiet else TOOL_CALL % tool, method="GET" if quiet else "POST"), key)
    before = len(GATEWAY.records())
    with GATEWAY.connect() as connection:
        if quiet or kind == "post":
            connection.sendall(raw)
            report(f"an open stream ({kind}) is cut within a second", cut_stream(connection, command))
        else:
            connection.sendall(raw if kind == "silent" else raw[:-10])
            time.sleep(0.3)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            started = time.monotonic()
            connection.sendall(b"" if kind == "silent" else raw[-10:])
            status, code, *_ = read_reply(connection)
            took = time.monotonic() - started
            what = "a call that the server has not answered" if kind == "silent" else "a request in the middle of its body"
            good = (status, code) == (401, "token.revoked") and took < 1.2
            report(f"{what}: token.revoked", None if good else f"HTTP {status} {code} after {took:.2f} seconds")
    time.sleep(0.1)
    why = "token.expired" if kind == "old" else "token.revoked"
    last = GATEWAY.records()[before:][-1]
    wanted = "decision" if kind == "body" else "outcome"
    report("and the record says so", None if (last["event"], last["code"]) == (wanted, why) else str(last))


def run(mode, *rest):
    if mode == "all":
        for each in (accepted, replies, another_request, another_time, another_key, another_purpose, replays, places,
                     chains):
            each()
        strict(Gateway(*rest))
    elif mode == "send":
        Path(rest[0]).write_bytes(proven(facts(), LEAF))
        expect("ok", "a nonce before the end", Path(rest[0]).read_bytes())
    elif mode == "replay":
        expect("proof.replayed", "the same nonce afterwards", Path(rest[0]).read_bytes())
    elif rest[0] == "storm":
        storm(rest[1], list(rest[2:]))
    else:
        cut(rest[0], rest[1], list(rest[2:]))


run(*sys.argv[4:])
report.leave()
