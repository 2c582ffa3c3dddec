#!/usr/bin/env python3
"""An HTTPS server of identities, good and hostile: the first label of the host, or the log asked for, says how it acts.

Usage: identity_server.py FOLDER
FOLDER holds good.pem, expired.pem, other.pem and self.pem (certificate and key each). Prints one line
`listening on https://127.0.0.2:PORT stalled PORT plain PORT old PORT` and listens at 127.0.0.3 and ::1 as well. Writes
a line of JSON for each connection and each request to FOLDER/requests. Hosts are `LABEL.aip-test.example`; a label that
no table has serves good documents, and `-NUMBER` at a label's end counts for nothing."""
import gzip
import json
import re
import socket
import ssl
import sys
import threading
import time
import zlib
from pathlib import Path

sys.dont_write_bytecode = True
import identity_sign as sign  # noqa: E402

DOMAIN = "aip-test.example"
ADDRESS = "127.0.0.2"
FORBIDDEN = "127.0.0.3"  # the same server, at an address that nobody opened
CANARY = "text-of-the-hostile-host"  # must never come out of a program
LIMIT = 65536
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(".")
ERRORS = (OSError, ssl.SSLError, ValueError)


class Exchange:
    """One request, and the ways to answer it."""

    def __init__(self, connection, host, path, seen):
        self.connection, self.host, self.path, self.seen = connection, host, path, seen

    def raw(self, data):
        self.connection.sendall(data.encode() if isinstance(data, str) else data)

    def head(self, status="200 OK", *fields):
        self.raw("".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", "Connection: close", *fields)) + "\r\n")

    def send(self, body, status="200 OK", *fields):
        body = body.encode() if isinstance(body, str) else body
        self.raw("".join(f"{line}\r\n" for line in (
            f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close",
            *fields)).encode() + b"\r\n" + body)

    def chunk(self, data):
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    @property
    def did(self):
        """The did:web name whose document is asked for here."""
        path = re.sub(r"^/\.well-known/did\.json$|/did\.json$", "", self.path)
        return "did:web:" + self.host.replace(":", "%3A") + path.replace("/", ":")

    @property
    def name(self):
        """The aip:web name whose document is asked for here."""
        return f"aip:web:{self.host}/" + self.path.removeprefix("/.well-known/aip/").removesuffix(".json")

    def document(self, **changes):
        """The good document that belongs at this address, of whichever kind."""
        if self.path.startswith("/.well-known/aip/"):
            return json.dumps(sign.aip_document(self.name, **changes)).encode()
        return json.dumps(sign.web_document(self.did, **changes)).encode()


def padded(body, size):
    return body + b" " * (size - len(body))


# --- how a host answers -------------------------------------------------------------------------------------------

def redirect(status, target):
    def act(x):
        where = target.format(host=x.host, domain=DOMAIN)
        x.send(CANARY, f"{status} {CANARY}", f"Location: {where}")
    return act


def status(line, *fields):
    return lambda x: x.send(CANARY, line, *fields)


def document(change, *fields):
    """`change` makes bytes of the exchange."""
    return lambda x: x.send(change(x), "200 OK", *fields)


def members(**changes):
    return document(lambda x: x.document(**changes))


def endless(block, seconds=60):
    """Sends `block` again and again; a reader who leaves ends it. Not so fast that nobody else gets the processor."""
    def act(x):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            x.raw(block)
            time.sleep(0.001)
    return act


def after_head(*fields):
    def wrap(act):
        def both(x):
            x.head("200 OK", *fields)
            act(x)
        return both
    return wrap


def slow_first(x):
    time.sleep(10)
    x.send(x.document())


def slow_trickle(x):
    body = x.document()
    x.head("200 OK", f"Content-Length: {len(body)}")
    for byte in body:
        x.raw(bytes([byte]))
        time.sleep(0.2)


def slow_fields(x):
    x.raw("HTTP/1.1 200 OK\r\n")
    for number in range(100):
        x.raw(f"X-{number}: 1\r\n")
        time.sleep(0.2)


def endless_fields(x):
    x.raw("HTTP/1.1 200 OK\r\n")
    endless(f"X-Field: {CANARY}\r\n" * 64)(x)


def endless_field(x):
    x.raw("HTTP/1.1 200 OK\r\nX-Field: ")
    endless(b"a" * 4096)(x)


def endless_informational(x):
    endless("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 16)(x)


def endless_chunks(x):
    x.head("200 OK", "Transfer-Encoding: chunked")
    endless(b"1000\r\n" + b" " * 4096 + b"\r\n")(x)


def endless_chunk_extension(x):
    x.head("200 OK", "Transfer-Encoding: chunked")
    x.raw("1;")
    endless(b"a" * 4096)(x)


def endless_trailers(x):
    x.head("200 OK", "Transfer-Encoding: chunked")
    x.chunk(x.document())
    x.raw("0\r\n")
    endless(b"X-Trailer: a\r\n" * 64)(x)


def chunked_too_large(x):
    x.head("200 OK", "Transfer-Encoding: chunked")
    body = padded(x.document(), LIMIT + 1)
    for at in range(0, len(body), 8192):
        x.chunk(body[at:at + 8192])
    x.raw("0\r\n\r\n")


def without_length(size):
    def act(x):
        x.head("200 OK")
        x.raw(padded(x.document(), size))
    return act


def gzip_bomb(megabytes):
    """A gzip stream of spaces: 512 MiB are half a MiB. Its blocks repeat, so that making it is cheap."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    begin = packer.flush(zlib.Z_FULL_FLUSH)
    blocks = []
    for _ in range(2):
        blocks.append(packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH))
    return begin + blocks[0] + blocks[1] * (megabytes - 1) + packer.flush()


def truncated_length(x):
    body = x.document()
    x.head("200 OK", f"Content-Length: {len(body) + 100}")
    x.raw(body)


def truncated_chunks(x):
    x.head("200 OK", "Transfer-Encoding: chunked")
    x.chunk(x.document())


def closed(_):
    pass


def without_status_line(x):
    x.raw(x.document())


def failing_later(x):
    if x.seen > 1:
        return x.send(CANARY, f"500 {CANARY}")
    return x.send(x.document(), "200 OK", "Cache-Control: max-age=60")


def garbled_later(x):
    if x.seen > 1:
        return x.send(f"<html>{CANARY}</html>")
    return x.send(x.document(), "200 OK", "Cache-Control: max-age=60")


def key_leaves(x):
    """Another key from the second request on, and the first one again from the third on."""
    label = x.did if x.seen != 2 else x.did + " second"
    method = x.did + "#key-1"
    return x.send(x.document(verificationMethod=[
        {"id": method, "type": "Multikey", "controller": x.did, "publicKeyMultibase": sign.Key(label).text}]),
        "200 OK", "Cache-Control: no-cache")


def method_of(x, **changes):
    return {"id": x.did + "#key-1", "type": "Multikey", "controller": x.did,
            "publicKeyMultibase": sign.Key(x.did).text, **changes}


def with_method(**changes):
    return document(lambda x: x.document(verificationMethod=[method_of(x, **changes)]))


def nested(depth):
    return document(lambda x: x.document()[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}")


SMALL_ORDER = "z" + sign.base58(b"\xed\x01" + bytes(31) + b"\x80")  # y = 0: a point of order four

HOSTS = {
    "redirect-301": redirect(301, "/elsewhere/did.json"),
    "redirect-302": redirect(302, "https://target.{domain}/.well-known/did.json"),
    "redirect-303": redirect(303, "https://{host}/elsewhere/did.json"),
    "redirect-307": redirect(307, "https://169.254.169.254/latest/meta-data/"),
    "redirect-308": redirect(308, "http://{host}/.well-known/did.json"),
    "redirect-file": redirect(302, "file:///etc/passwd"),
    "redirect-bare": status("302 Found"),
    "refresh": status("300 Multiple Choices", "Refresh: 0; url=/elsewhere/did.json"),
    "not-modified": status("304 Not Modified"),
    "status-404": status(f"404 {CANARY}"),
    "status-410": status(f"410 {CANARY}"),
    "status-401": status(f"401 {CANARY}", f'WWW-Authenticate: Basic realm="{CANARY}"'),
    "status-403": status(f"403 {CANARY}"),
    "status-429": status(f"429 {CANARY}", "Retry-After: 0"),
    "status-500": status(f"500 {CANARY}"),
    "status-503": status(f"503 {CANARY}"),
    "status-204": lambda x: x.head("204 No Content"),
    "status-206": lambda x: x.send(x.document(), "206 Partial Content", "Content-Range: bytes 0-9/400"),
    "slow-first": slow_first,
    "slow-trickle": slow_trickle,
    "slow-fields": slow_fields,
    "endless-open": after_head()(endless(b" " * 4096)),
    "endless-length": after_head("Content-Length: 9223372036854775807")(endless(b" " * 4096)),
    "endless-chunks": endless_chunks,
    "endless-extension": endless_chunk_extension,
    "endless-trailers": endless_trailers,
    "endless-fields": endless_fields,
    "endless-field": endless_field,
    "endless-informational": endless_informational,
    "large": document(lambda x: padded(x.document(), LIMIT)),
    "large-gzip": document(lambda x: gzip.compress(padded(x.document(), LIMIT)), "Content-Encoding: gzip"),
    "large-open": without_length(LIMIT),
    "larger": document(lambda x: padded(x.document(), LIMIT + 1)),
    "larger-open": without_length(LIMIT + 1),
    "larger-chunks": chunked_too_large,
    "larger-gzip": document(lambda x: gzip.compress(padded(x.document(), LIMIT + 1)), "Content-Encoding: gzip"),
    "larger-deflate": document(lambda x: zlib.compress(padded(x.document(), LIMIT + 1)), "Content-Encoding: deflate"),
    "gzip": document(lambda x: gzip.compress(x.document()), "Content-Encoding: gzip"),
    "bomb": document(lambda _: gzip_bomb(512), "Content-Encoding: gzip"),
    "bomb-twice": document(lambda _: gzip.compress(gzip_bomb(512)), "Content-Encoding: gzip, gzip"),
    "gzip-broken": document(lambda x: gzip.compress(x.document())[:20] + b"\xff" * 400, "Content-Encoding: gzip"),
    "gzip-cut": document(lambda x: gzip.compress(x.document())[:100], "Content-Encoding: gzip"),
    "gzip-plain": document(lambda x: x.document(), "Content-Encoding: gzip"),
    "coding": document(lambda x: x.document(), "Content-Encoding: x-unknown"),
    "coding-brotli": document(lambda x: x.document(), "Content-Encoding: br"),
    "truncated-length": truncated_length,
    "truncated-chunks": truncated_chunks,
    "closed": closed,
    "no-status-line": without_status_line,
    "cookie": document(lambda x: x.document(), "Set-Cookie: identity=1; Max-Age=1000", "Cache-Control: no-cache"),
    "no-store": document(lambda x: x.document(), "Cache-Control: no-store"),
    "no-cache": document(lambda x: x.document(), "Cache-Control: no-cache"),
    "age-60": document(lambda x: x.document(), "Cache-Control: public, max-age=60"),
    "age-86400": document(lambda x: x.document(), "Cache-Control: max-age=86400"),
    "age-absurd": document(lambda x: x.document(), "Cache-Control: max-age=99999999999999999999"),
    "age-negative": document(lambda x: x.document(), "Cache-Control: max-age=-1"),
    "failing-later": failing_later,
    "garbled-later": garbled_later,
    "key-leaves": key_leaves,
    "wrong-id": members(id="did:web:good." + DOMAIN),
    "without-id": document(lambda x: b"{}"),
    "wrong-controller": with_method(controller="did:web:good." + DOMAIN),
    "foreign-method": with_method(id="did:web:good." + DOMAIN + "#key-1"),
    "small-order": with_method(publicKeyMultibase=SMALL_ORDER),
    "not-a-key": with_method(publicKeyMultibase="z6Mk"),
    "same-method-twice": document(lambda x: x.document(verificationMethod=[method_of(x), method_of(x)])),
    "duplicate": document(lambda x: b'{"id":"did:web:other",' + x.document()[1:]),
    "duplicate-escaped": document(lambda x: b'{"\\u0069d":"did:web:other",' + x.document()[1:]),
    "not-json": document(lambda _: f"<html><body>{CANARY}</body></html>", "Content-Type: application/did+json"),
    "empty": document(lambda _: b""),
    "array": document(lambda x: b"[" + x.document() + b"]"),
    "byte-order-mark": document(lambda x: b"\xef\xbb\xbf" + x.document()),
    "bad-utf8": document(lambda x: x.document()[:-1] + b',"x":"\xff"}'),
    "trailing": document(lambda x: x.document() + b"{}"),
    "deep": nested(200),
    # Identity documents of aip:web names
    "aip-other-id": members(id="aip:web:good." + DOMAIN + "/a"),
    "aip-version": members(aip="2.0"),
    "aip-expired": members(expires=sign.timestamp(sign.STARTED - 60)),
    "aip-other-signer": members(signer=sign.Key("somebody else")),
    "aip-hex": members(encode_signature=bytes.hex),
    "aip-changed": document(lambda x: x.document().replace(b'"expires": "20', b'"expires": "21')),
    "aip-unsigned": document(lambda x: json.dumps(
        {k: v for k, v in json.loads(x.document()).items() if k != "document_signature"})),
    "aip-duplicate": document(lambda x: b'{"aip":"1.0",' + x.document()[1:]),
}


# --- key logs -----------------------------------------------------------------------------------------------------

def reversed_time(name):
    return sign.log_text(sign.log_entries(name, 3, time=sign.LOG_BEGINS + 50))


def reused_key(name):
    entries = sign.log_entries(name, 2, next=sign.log_key(name, 0).commitment())
    return sign.log_text(entries + [sign.log_entry(name, 2, entries[-1], keys=[sign.log_key(name, 0).text],
                                                   signer=sign.log_key(name, 0))])


def uncommitted_key(name):
    other = sign.Key("not the next one")
    return sign.log_text(sign.log_entries(name, 2, keys=[other.text], signer=other))


def continued_after_end(name):
    entries = sign.log_entries(name, 2, deactivated=True, next=None)
    return sign.log_text(entries + [sign.log_entry(name, 2, entries[-1])])


def never_again(name):
    entries = sign.log_entries(name, 2, next=None)
    return sign.log_text(entries + [sign.log_entry(name, 2, entries[-1])])


def good_log(count, **last):
    return lambda name, seen: sign.log_text(sign.log_entries(name, count, **last))


def always(make):
    return lambda name, seen: make(name)


def second_time(first, later):
    return lambda name, seen: (first if seen < 2 else later)(name, seen)


# `last` changes the last entry. The log of NAME is that of the identity sign.log_key(NAME, 0).
LOGS = {
    "rotated": good_log(3),
    "first": good_log(1),
    "beside": good_log(2),
    "growing": lambda name, seen: good_log(min(seen, 5))(name, seen),
    "long": good_log(20),
    "rolled-back": second_time(good_log(3), good_log(2)),
    "forked": second_time(good_log(3), good_log(3, time=sign.LOG_BEGINS + 299)),
    "forked-longer": second_time(good_log(2), lambda name, seen: sign.log_text(
        (lambda before: before + [sign.log_entry(name, 2, before[-1])])(
            sign.log_entries(name, 2, time=sign.LOG_BEGINS + 199)))),
    "gone": second_time(good_log(2), lambda name, seen: None),
    "ended": good_log(2, deactivated=True, next=None),
    "ended-later": second_time(good_log(1), good_log(2, deactivated=True, next=None)),
    "revived": second_time(good_log(2, deactivated=True, next=None), always(continued_after_end)),
    "compromised": lambda name, seen: good_log(3, compromised=[sign.log_key(name, 1).text])(name, seen),
    "bad-signature": good_log(2, signer=sign.Key("somebody else")),
    "bad-first": good_log(1, signer=sign.Key("somebody else")),
    "short-signature": good_log(2, sig="AAAA"),
    "bad-prev": good_log(3, prev=sign.base64url(bytes(32))),
    "missing-prev": good_log(3, prev=None),
    "uncommitted": always(uncommitted_key),
    "reused": always(reused_key),
    "sealed": always(never_again),
    "wrong-first-key": lambda name, seen: good_log(1, keys=[sign.log_key(name, 1).text],
                                                   signer=sign.log_key(name, 1))(name, seen),
    "future": good_log(2, time=sign.STARTED + 3600),
    "not-rising": always(reversed_time),
    "after-end": always(continued_after_end),
    "of-another": lambda name, seen: good_log(2)("rotated", seen),
    "skipping": good_log(2, version=2),
    "unknown-member": good_log(2, extra=1),
    "two-keys": lambda name, seen: good_log(2, keys=[sign.log_key(name, n).text for n in (1, 5)])(name, seen),
    "blank-line": lambda name, seen: good_log(1)(name, seen) + b"\n" + good_log(2)(name, seen).split(b"\n")[1] + b"\n",
    "carriage-return": lambda name, seen: good_log(2)(name, seen).replace(b"\n", b"\r\n"),
    "not-a-log": lambda name, seen: f"<html>{CANARY}</html>".encode(),
    "nothing": lambda name, seen: b"",
    "too-large": lambda name, seen: padded(good_log(2)(name, seen), LIMIT + 1),
    "killed": good_log(3),
}


def answer_log(x, did):
    make = LOGS[LOG_NAMES[did]] if did in LOG_NAMES else lambda name, seen: None
    text = make(LOG_NAMES.get(did), x.seen)
    lines = (text or b"").splitlines(True)
    if x.host.startswith("logs-short."):  # keeps the newest entry back
        text = b"".join(lines[:-1])
    elif x.host.startswith("logs-forked."):  # the last entry differs, and its owner signed both
        before = [json.loads(line) for line in lines[:-1]]
        changed = sign.log_entry(LOG_NAMES[did], len(before), before[-1], time=json.loads(lines[-1])["time"] + 1)
        text = sign.log_text(before + [changed])
    elif x.host.startswith("logs-broken."):  # a stranger changed it
        text = re.sub(rb'"next":"(.)', lambda found: b'"next":"' + (b"B" if found[1] == b"A" else b"A"), text)
    if text is None:
        return x.send(CANARY, f"404 {CANARY}")
    return x.send(text, "200 OK", "Cache-Control: no-cache")


LOG_NAMES = {}  # did → name, filled before the first request


# --- connections --------------------------------------------------------------------------------------------------

class Record:
    """What arrived, as lines of JSON, and how often each address was asked for."""

    def __init__(self, path):
        self.file, self.lock, self.counts = open(path, "a", buffering=1, encoding="utf-8"), threading.Lock(), {}

    def write(self, **line):
        with self.lock:
            self.file.write(json.dumps(line) + "\n")

    def count(self, key):
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            return self.counts[key]


def contexts():
    """One context a certificate; the name in the greeting chooses."""
    made = {}
    for name in ("good", "expired", "other", "self"):
        made[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made[name].load_cert_chain(FOLDER / f"{name}.pem")

    def choose(connection, name, _):
        kind = (name or "").split(".")[0].removeprefix("tls-")
        connection.context = made.get(kind, made["good"])

    made["good"].sni_callback = choose
    return made["good"]


def old_context():
    """TLS 1.1 and nothing newer."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(FOLDER / "good.pem")
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_1
    return made


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data and len(data) < LIMIT:
        block = connection.recv(4096)
        if not block:
            raise ValueError("left early")
        data += block
    lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return lines[0], fields


def answer(connection, record):
    line, fields = read_request(connection)
    method, path, _ = (line + "  ").split(" ", 2)
    host = fields.get("host", "")
    label = host.split(".")[0]
    x = Exchange(connection, host, path, record.count((host, path)))
    record.write(label=label, host=host, method=method, path=path, fields=fields)
    if path.startswith("/.well-known/aip/did/") and label.startswith("logs"):
        did = path.removeprefix("/.well-known/aip/did/").removesuffix(".jsonl")
        return answer_log(x, "did:aip:" + did)
    act = HOSTS.get(label) or HOSTS.get(re.sub(r"-\d+$", "", label))
    return act(x) if act else x.send(x.document())


def serve(raw, context, record):
    with raw:
        raw.settimeout(20)
        try:
            with context.wrap_socket(raw, server_side=True) as connection:
                answer(connection, record)
                connection.unwrap()
        except ERRORS:
            pass


def listen(address, port, act, record):
    """Accepts for ever; gives the port."""
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(256)

    def accept():
        while True:
            connection = listener.accept()[0]
            record.write(connection=address, port=listener.getsockname()[1])
            threading.Thread(target=act, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def stall(connection):
    with connection:
        time.sleep(20)


def plain(connection):
    """What a server without TLS says to a greeting that it cannot read."""
    with connection:
        connection.settimeout(20)
        try:
            connection.recv(4096)
            connection.sendall(f"HTTP/1.1 400 {CANARY}\r\nContent-Length: 0\r\n\r\n".encode())
        except ERRORS:
            pass


def main():
    record = Record(FOLDER / "requests")
    for name in LOGS:
        LOG_NAMES[sign.log_key(name, 0).did] = name
    context, old = contexts(), old_context()
    port = listen(ADDRESS, 0, lambda c: serve(c, context, record), record)
    listen(FORBIDDEN, port, lambda c: serve(c, context, record), record)
    try:
        listen("::1", port, lambda c: serve(c, context, record), record)
    except OSError:
        pass  # a machine without IPv6
    stalled = listen(ADDRESS, 0, stall, record)
    plain_port = listen(ADDRESS, 0, plain, record)
    old_port = listen(ADDRESS, 0, lambda c: serve(c, old, record), record)
    print(f"listening on https://{ADDRESS}:{port} stalled {stalled} plain {plain_port} old {old_port}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
