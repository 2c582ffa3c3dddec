"""Tokens, proofs and raw requests as a test, an attacker or a careless caller would make them; nothing here is the
tested code. Signatures are RFC 9421, digests RFC 9530, keys and arithmetic those of identity_sign.py."""
import base64
import hashlib
import json
import os
import re
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from identity_sign import BASE, L, Key, add, base64url, decode_point, encode, multiply

AUTHORITY = "gw.test"
COVERED = ["@method", "@authority", "@path", "@query", "x-aip-token", "content-digest"]
TOOL_CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":{}}}'


class FileKey(Key):
    """The key of a key file."""

    def __init__(self, path):
        file = json.loads(Path(path).read_text())
        seed = unbase64url(file["seed"])
        digest = hashlib.sha512(seed).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self.prefix = digest[32:]
        self.public = encode(multiply(self.scalar, BASE))
        self.did = file["did"]
        self.text = self.did.removeprefix("did:aip:")


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verifies(public, message, signature):
    """RFC 8032, without its small print on non-canonical points: these are the gateway's own signatures."""
    point, key = decode_point(signature[:32]), decode_point(public)
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return encode(multiply(int.from_bytes(signature[32:], "little"), BASE)) == encode(add(point, multiply(hashed, key)))


# ---- tokens ----


def jws(key, payload, kind="aip+jwt", **header):
    parts = {"alg": "EdDSA", "typ": kind, **header}, payload
    text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{base64url(key.sign(text.encode()))}"


def payload_of(element):
    return json.loads(unbase64url(element.split(".")[1]))


def extend(token, key, sub, **changes):
    """Appends an element, well signed, whatever it says; a change to None leaves the claim out."""
    parent = token.split("~")[-1]
    above = payload_of(parent)
    claims = {
        "iss": key.did,
        "sub": sub,
        "scope": above["scope"],
        "iat": above["iat"],
        "exp": above["exp"],
        "jti": base64url(os.urandom(16)),
        "par_hash": base64url(hashlib.sha256(parent.rpartition(".")[0].encode()).digest()),
        "context": "a test",
        **changes,
    }
    return f"{token}~{jws(key, {name: value for name, value in claims.items() if value is not None})}"


# ---- proofs ----


def content_digest(body, name="sha-256"):
    value = base64.b64encode(hashlib.new(name.replace("-", ""), body).digest()).decode()
    return f"{name}=:{value}:"


def request_facts(token, body, **changes):
    """A request before it is signed or sent."""
    return {
        "method": "POST",
        "authority": AUTHORITY,
        "path": "/mcp",
        "query": "",
        "token": token,
        "body": body,
        "digest": content_digest(body) if body else None,
        **changes,
    }


def component_values(facts):
    return {
        "@method": facts["method"],
        "@authority": facts["authority"],
        "@path": facts["path"],
        "@query": facts["query"] or "?",
        "x-aip-token": facts["token"],
        "content-digest": facts["digest"],
        "content-type": "application/json",
    }


def parameters_of(key, **wanted):
    """The parameters of a proof, as text; a wanted value of None leaves one out, `more` is appended."""
    values = {
        "created": int(time.time()),
        "nonce": base64url(os.urandom(16)),
        "keyid": f"{key.did}#key-1",
        "tag": "aip-proof",
    }
    more = wanted.pop("more", "")
    values.update(wanted)
    written = ((n, v if isinstance(v, int) else f'"{v}"') for n, v in values.items() if v is not None)
    return "".join(f";{name}={value}" for name, value in written) + more


def sign_facts(facts, key, covered=None, **parameters):
    """(inner list with parameters, signature) without a label."""
    names = covered or [name for name in COVERED if name != "content-digest" or facts["digest"]]
    values = component_values(facts)
    signed = "(" + " ".join(f'"{name}"' for name in names) + ")" + parameters_of(key, **parameters)
    base = "".join(f'"{name}": {values.get(name, "")}\n' for name in names) + f'"@signature-params": {signed}'
    return signed, f":{base64.b64encode(key.sign(base.encode())).decode()}:"


def write_request(facts, *lines):
    """The bytes of a request with these further header lines."""
    body = facts["body"]
    head = [f"{facts['method']} {facts['path']}{facts['query']} HTTP/1.1", f"Host: {facts['authority']}"]
    head += [f"X-AIP-Token: {facts['token']}"] if facts["token"] else []
    if facts["method"] == "POST":
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    head += [f"Content-Digest: {facts['digest']}"] if facts["digest"] else []
    head += ["Accept: application/json, text/event-stream", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def proof_lines(signed, label="aip"):
    return [f"Signature-Input: {label}={signed[0]}", f"Signature: {label}={signed[1]}"]


def proven(facts, key, **parameters):
    return write_request(facts, *proof_lines(sign_facts(facts, key, **parameters)))


def problem_with_reply(head, raw, key):
    """None if the gateway signed the head of this reply for the request of these bytes."""
    def fields(text):
        found = {}
        for name, value in re.findall(r"\r\n([^:\r]+): *([^\r]*)", text):
            found.setdefault(name.lower(), []).append(value)
        return {name: ", ".join(values) for name, values in found.items()}

    sent, got = fields(raw.split(b"\r\n\r\n")[0].decode()), fields(head)
    match = re.fullmatch(r"aip=(\((.*?)\);.*)", got.get("signature-input", ""))
    if match is None:
        return f"not signed: {head}"
    base = ""
    for component in match[2].split(" "):
        name = component.split('"')[1]
        values = {"@status": head[9:12], **got} if component.endswith('"') else sent
        base += f"{component}: {values[name]}\n"
    if not {'"@status"', '"signature";req', '"x-aip-decision-id"'} <= set(match[2].split(" ")):
        return f"covers only {match[2]}"
    signature = base64.b64decode(re.fullmatch(r"aip=:(.*):", got["signature"])[1])
    good = verifies(key.public, f'{base}"@signature-params": {match[1]}'.encode(), signature)
    return None if good else f"the signature is wrong: {base}"


# ---- the gateway ----


class Gateway:
    """Where requests go, and the log that must tell of each."""

    def __init__(self, url, audit):
        self.address = urlsplit(url).hostname, urlsplit(url).port
        self.audit = Path(audit)

    def connect(self):
        return socket.create_connection(self.address, timeout=10)

    def ask(self, raw):
        """(HTTP status, code or None, body) of one request."""
        with self.connect() as connection:
            connection.sendall(raw)
            return read_reply(connection)[:3]

    def head_of(self, raw):
        with self.connect() as connection:
            connection.sendall(raw)
            return read_reply(connection)[3]

    def records(self):
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


def read_reply(connection):
    data = b""
    while not (match := re.match(rb"HTTP/1\.1 (\d{3}) .*?\r\n\r\n", data, re.S)):
        block = connection.recv(65536)
        if not block:
            return 0, None, data, ""
        data += block
    length = int((re.search(rb"(?i)\r\ncontent-length: *(\d+)", match[0]) or [0, b"0"])[1])
    while len(data) < match.end() + length:
        data += connection.recv(65536)
    body = data[match.end():]
    code = re.search(rb'"code_name": *"([^"]*)"', body)
    return int(match[1]), code[1].decode() if code else None, body, match[0].decode()


class Report:
    """One line a check, as the other tests print them."""

    failed = 0

    def __call__(self, name, problem):
        Report.failed += problem is not None
        print(f"ok   {name}" if problem is None else f"FAIL {name}: {problem}", flush=True)

    def leave(self):
        sys.exit(self.failed != 0)
