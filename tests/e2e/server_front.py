#!/usr/bin/env python3
"""Gateways of several configurations, and callers of all kinds. Prints ok or FAIL, a line for each check.

Usage: server_front.py GATEWAY WORK UPSTREAM [PART…]"""
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

warnings.simplefilter("ignore", DeprecationWarning)  # old TLS is what it is about
PROGRAM, WORK, UPSTREAM = sys.argv[1:4]
TOKEN = open(f"{WORK}/agent.token", encoding="ascii").read().strip()
ROOT = open(f"{WORK}/root.did", encoding="ascii").read().strip()
failed = 0


def check(name, good, told=""):
    global failed
    failed += not good
    print("ok  " if good else "FAIL", name, "" if good else f": {told}"[:600], flush=True)


def path(name):
    return f"{WORK}/{name}"


class Gateway:
    """One gateway with a configuration of its own; `more` are further lines of YAML."""

    def __init__(self, name, more="", limits="", listen="", stderr=None, before=None, options=(),
                 upstream=f"upstream:\n  url: {UPSTREAM}\n"):
        self.audit = path(f"{name}.audit")
        with open(path(f"{name}.yaml"), "w", encoding="ascii") as file:
            file.write(
                f"listen:\n  port: 0\n{listen}{upstream}audit:\n  file: {self.audit}\n"
                f"identity:\n  store: {path(name)}.db\nlimits:\n  threads: 2\n{limits}"
                f"trust:\n  - root: {ROOT}\n    bearer: true\n{more}")
        self.log = path(f"{name}.stderr")
        self.process = subprocess.Popen(
            [PROGRAM, "--config", path(f"{name}.yaml"), *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=stderr or open(self.log, "w", encoding="ascii"), text=True, preexec_fn=before)
        line = self.process.stdout.readline()
        found = re.match(r"listening on (https?)://127\.0\.0\.1:(\d+)", line)
        if not found:
            raise SystemExit(f"FAIL {name} did not start: {open(self.log).read()}")
        self.port = int(found[2])

    def lines(self):
        return [json.loads(line) for line in open(self.audit, encoding="utf-8")]

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        if code != 0:
            check("a gateway ends well", False, open(self.log, encoding="utf-8").read()[-2000:])
        return code


class Reply:
    def __init__(self, head, body):
        first, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.fields = [tuple(field.split(": ", 1)) for field in fields if ": " in field]
        self.body = body

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def one(self, name):
        return (self.all(name) or [""])[0]

    @property
    def code(self):
        found = re.search(rb'"code_name": ?"([^"]*)"', self.body)
        return found[1].decode() if found else ""


class Caller:
    """One connection; `wrap` makes TLS of it."""

    def __init__(self, gateway, wrap=None):
        self.socket = socket.create_connection(("127.0.0.1", gateway.port), 10)
        if wrap:
            self.socket = wrap.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.rest = b""

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        data = self.socket.recv(65536)
        self.rest += data
        return bool(data)

    def until(self, mark):
        while mark not in self.rest:
            if not self.more():
                raise EOFError(self.rest)
        part, self.rest = self.rest.split(mark, 1)
        return part

    def head(self):
        return self.until(b"\r\n\r\n")

    def exactly(self, size):
        while len(self.rest) < size:
            if not self.more():
                raise EOFError(self.rest)
        part, self.rest = self.rest[:size], self.rest[size:]
        return part

    def chunk(self):
        """The next chunk of a stream; b"" is its end."""
        size = int(self.until(b"\r\n"), 16)
        data = self.exactly(size)
        self.until(b"\r\n")
        return data

    def event(self, holds):
        """Reads events until one holds these bytes; None at the end."""
        while data := self.chunk():
            if holds in data:
                return data
        return None

    def reply(self):
        reply = Reply(self.head(), b"")
        if reply.one("Transfer-Encoding") != "chunked":
            reply.body = self.exactly(int(reply.one("Content-Length") or 0))
        return reply

    def ask(self, data):
        self.send(data)
        return self.reply()

    def closed(self, seconds):
        """How long until the other side closed; None: it did not."""
        begun = time.monotonic()
        self.socket.settimeout(seconds)
        try:
            while self.more():
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        except TimeoutError:
            return None
        return time.monotonic() - begun


def get(target, *fields):
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""]).encode()


def message(tool, **arguments):
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def post(what, *fields, token=TOKEN):
    body = json.dumps(what).encode()
    head = ["POST /mcp HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
            "Accept: application/json, text/event-stream", f"Content-Length: {len(body)}",
            *([f"X-AIP-Token: {token}"] if token else []), *fields, "", ""]
    return "\r\n".join(head).encode() + body


def once(gateway, data, wrap=None):
    caller = Caller(gateway, wrap)
    try:
        return caller.ask(data)
    finally:
        caller.close()


def wait_for(seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def modern(method, **params):
    return {"jsonrpc": "2.0", "id": "listen-1", "method": method, "params": {**params, "_meta": META}}


# ---- TLS ----


def trusting(name, *identity):
    context = ssl.create_default_context(cafile=path(f"{name}.pem"))
    if identity:
        context.load_cert_chain(path(f"{identity[0]}.pem"), path(f"{identity[0]}.key.pem"))
    return context


def install(name):
    """As a program that renews certificates does it: new files under the old names."""
    for kind in ("pem", "key.pem"):
        shutil.copy(path(f"{name}.{kind}"), path(f"new.{kind}"))
        os.rename(path(f"new.{kind}"), path(f"served.{kind}"))


def is_served(gateway, name):
    try:
        return once(gateway, get("/healthz"), trusting(name)).status == 200
    except ssl.SSLError:
        return False


def refuses_connection(gateway, wrap):
    """Is the connection refused, at the latest by the first answer?"""
    try:
        return once(gateway, get("/healthz"), wrap) is None
    except (ssl.SSLError, EOFError, ConnectionError):
        return True


def resumes(gateway, wrap):
    """Of two connections, does the second one go on with the session of the first?"""
    first = Caller(gateway)
    first.socket = wrap.wrap_socket(first.socket, server_hostname="127.0.0.1")
    if first.ask(get("/healthz")).status != 200:
        return False
    session = first.socket.session
    first.close()
    second = Caller(gateway)
    second.socket = wrap.wrap_socket(second.socket, server_hostname="127.0.0.1", session=session)
    good = second.socket.session_reused and second.ask(get("/healthz")).status == 200
    second.close()
    return good


def tls():
    install("first")
    listen = f"  tls:\n    cert_file: {path('served.pem')}\n    key_file: {path('served.key.pem')}\n"
    gateway = Gateway("tls", listen=listen, limits="  head: 2s\n")
    check("TLS is served with the certificate", is_served(gateway, "first"))
    check("a caller that trusts another certificate goes away", not is_served(gateway, "second"))
    caller = Caller(gateway, trusting("first"))
    check("it is TLS 1.3", caller.socket.version() == "TLSv1.3", caller.socket.version())
    check("a tool is called over TLS", caller.ask(post(message("x"))).status == 200)
    large = once(gateway, post(message("x", text="a" * 1000000)), trusting("first"))
    check("a large body passes over TLS", large.status == 200, large.status)
    twelve = trusting("first")
    twelve.maximum_version = ssl.TLSVersion.TLSv1_2
    check("TLS 1.2 is served", once(gateway, get("/healthz"), twelve).status == 200)
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
        old = trusting("first")
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, version
        check(f"{version.name} is refused", refuses_connection(gateway, old))
    check("plain HTTP is refused there", refuses_connection(gateway, None))
    stream = Caller(gateway, trusting("first"))
    stream.send(post(message("stream", events=40)))
    stream.head()
    check("a stream runs over TLS", stream.event(b'"data": 1') is not None)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        again = trusting("first")
        again.minimum_version = again.maximum_version = version
        check(f"a session is resumed ({version.name})", resumes(gateway, again))
    install("second")
    check("a new certificate is served without a restart", wait_for(5, lambda: is_served(gateway, "second")),
          open(gateway.log).read())
    check("an open connection goes on", caller.ask(post(message("x"))).status == 200)
    check("an open stream goes on to its end", stream.event(b'"result"') is not None)
    shutil.copy(path("first.key.pem"), path("served.key.pem"))
    check("a key that does not belong is told", wait_for(5, lambda: "do not belong together" in open(gateway.log).read()))
    check("and what was good stays", is_served(gateway, "second"))
    slow = Caller(gateway)
    slow.send(b"\x16\x03\x01")
    check("a handshake that does not go on is cut", (slow.closed(6) or 9) < 5)
    gateway.stop()

    install("first")
    gateway = Gateway("mutual", listen=listen + f"    client_ca: {path('client.pem')}\n")
    check("a caller with a certificate is served",
          once(gateway, get("/healthz"), trusting("first", "client")).status == 200)
    check("whose certificate is asked for each time", not resumes(gateway, trusting("first", "client")))
    check("one without is refused", refuses_connection(gateway, trusting("first")))
    check("one of another authority is refused", refuses_connection(gateway, trusting("first", "stranger")))
    gateway.stop()
    os.chmod(path("served.key.pem"), 0o644)
    done = subprocess.run([PROGRAM, "--config", path("mutual.yaml")], capture_output=True, text=True, timeout=20)
    check("a key that others can read is not taken", done.returncode != 0 and "chmod 600" in done.stderr, done.stderr)


# ---- slow callers ----


def drip(gateway, data, pause, seconds):
    """Sends a byte at a time; how long until the connection was closed."""
    caller = Caller(gateway)
    begun = time.monotonic()
    caller.socket.settimeout(pause)
    for byte in data:
        try:
            caller.send(bytes([byte]))
            if not caller.more():
                break
        except TimeoutError:
            pass
        except ConnectionError:
            break
        if time.monotonic() - begun > seconds:
            return None
    return time.monotonic() - begun


def slow():
    gateway = Gateway("slow", limits="  head: 2s\n  body_time: 2s\n  idle: 4s\n")
    results = {}

    def run(name, data, begin=b""):
        caller_data = data
        if begin:
            caller = Caller(gateway)
            caller.send(begin)
            started = time.monotonic()
            caller.socket.settimeout(0.2)
            for byte in caller_data:
                try:
                    caller.send(bytes([byte]))
                    if not caller.more():
                        break
                except TimeoutError:
                    pass
                except ConnectionError:
                    break
                if time.monotonic() - started > 12:
                    results[name] = None
                    return
            results[name] = time.monotonic() - started
        else:
            results[name] = drip(gateway, caller_data, 0.2, 12)

    whole = post(message("x", text="a" * 500))
    head = whole[:whole.index(b"\r\n\r\n") + 4]
    threads = [threading.Thread(target=run, args=case) for case in (
        ("line", whole), ("head", whole[20:], whole[:40]), ("body", whole[len(head):], head))]
    idle = [Caller(gateway) for _ in range(300)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    reply = once(gateway, post(message("x")))
    check("300 idle connections hold up nobody", reply.status == 200 and time.monotonic() - begun < 1, reply.status)
    for thread in threads:
        thread.join()
    for name, most in (("line", 5), ("head", 4), ("body", 4)):
        took = results[name]
        check(f"a {name} that comes byte by byte is cut", took is not None and took < most, took)
    check("idle connections are closed", all((caller.closed(8) is not None) for caller in idle))
    caller = Caller(gateway)
    caller.ask(post(message("x")))
    took = caller.closed(9)
    check("so is one that had a request", took is not None and 2 < took < 7, took)
    caller = Caller(gateway)
    answers = [caller.ask(post(message("x"))).status for _ in range(6) if time.sleep(1) is None]
    check("one that is used stays", answers == [200] * 6, answers)
    stream = Caller(gateway)
    stream.send(post(message("silent")))
    check("an answer that takes long is waited for", stream.reply().status == 200)
    gateway.stop()


# ---- shares ----


def shares():
    limits = ("  connections_per_address: 40\n  requests_per_address: 6\n  requests_per_root: 4\n"
              "  failures_per_minute: 20\n")
    gateway = Gateway("shares", limits=limits, listen="  trusted_proxies:\n    - 127.0.0.3/32\n")
    streams = []
    for _ in range(4):
        stream = Caller(gateway)
        stream.send(post(message("stream", events=600)))
        stream.head()
        streams.append(stream)
    reply = once(gateway, post(message("x")))
    check("a fifth request of one root at once is refused", (reply.status, reply.code) == (429, "caller.busy"),
          (reply.status, reply.code))
    check("it says when to come again", reply.one("Retry-After") == "1")
    check("and is recorded", gateway.lines()[-1]["code"] == "caller.busy" or
          any(line.get("code") == "caller.busy" for line in gateway.lines()))
    streams.pop().close()
    check("when one has ended the next is served",
          wait_for(3, lambda: once(gateway, post(message("x"))).status == 200))
    for stream in streams:
        stream.close()
    wait_for(10, lambda: read_figures(gateway)["aip_gateway_streams"] == 0)
    gets = []
    for _ in range(6):
        held = Caller(gateway)
        held.send(post(message("x"))[:-4])  # its body is not complete
        gets.append(held)
    wait_for(5, lambda: once(gateway, post(message("x"))).code == "caller.busy")
    reply = once(gateway, post(message("x")))
    check("a seventh request of one address at once is refused", (reply.status, reply.code) == (429, "caller.busy"),
          (reply.status, reply.code))
    for held in gets:
        held.close()
    check("when they are gone it is served", wait_for(3, lambda: once(gateway, post(message("x"))).status == 200))
    many = [Caller(gateway) for _ in range(60)]
    time.sleep(0.5)
    left = 0
    for caller in many:
        caller.socket.settimeout(0.02)
        try:
            left += caller.more()
        except TimeoutError:
            left += 1
        except ConnectionError:
            pass
    check("an address has so many connections and no more", 30 <= left <= 40, left)
    for caller in many:
        caller.close()
    check("others come when these are gone", wait_for(3, lambda: answers(gateway)))
    changed = TOKEN[:-3] + ("AAA" if TOKEN[-3:] != "AAA" else "BBB")
    codes = [once(gateway, post(message("x"), token=changed)).code for _ in range(30)]
    check("tokens that do not verify are refused", codes[0].startswith("token.") or codes[0] == "signature.invalid", codes[0])
    check("so many of an address, then none is looked at", codes[-1] == "caller.failing", codes[-1])
    reply = once(gateway, post(message("x")))
    check("as is a good one, for a while", (reply.status, reply.code) == (429, "caller.failing"), reply.status)
    gateway.stop()


def answers(gateway):
    try:
        return once(gateway, get("/healthz")).status == 200
    except (EOFError, ConnectionError):
        return False


# ---- proxies ----


def peer_of(gateway, *fields):
    known = len(gateway.lines()) if os.path.exists(gateway.audit) else 0
    once(gateway, post(message("x"), *fields))
    return next(line["peer"] for line in gateway.lines()[known:] if line["event"] == "decision")


def proxies():
    gateway = Gateway("proxied", listen="  trusted_proxies:\n    - 127.0.0.1/32\n    - 10.0.0.0/8\n    - 2001:db8:1::/48\n")
    for told, fields, wanted in (
            ("no header", [], "127.0.0.1"),
            ("one address", ["X-Forwarded-For: 203.0.113.7"], "203.0.113.7"),
            ("one that a caller put before it", ["X-Forwarded-For: 198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            ("proxies in a row", ["X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.1.2.3"], "203.0.113.7"),
            ("two headers", ["X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 10.1.2.3"], "203.0.113.7"),
            ("IPv6", ["X-Forwarded-For: 2001:DB8:0:0::1, 2001:db8:1::5"], "2001:db8::1"),
            ("IPv4 written as IPv6", ["X-Forwarded-For: ::ffff:203.0.113.7"], "203.0.113.7"),
            ("no address", ["X-Forwarded-For: 203.0.113.7, unknown"], "127.0.0.1"),
            ("no address before a proxy", ["X-Forwarded-For: 203.0.113.7, x, 10.1.2.3"], "10.1.2.3"),
            ("nothing", ["X-Forwarded-For: "], "127.0.0.1"),
            ("only proxies", ["X-Forwarded-For: 10.9.9.9, 10.1.2.3"], "10.9.9.9")):
        peer = peer_of(gateway, *fields)
        check(f"from a trusted proxy, {told}: {wanted}", peer == wanted, peer)
    gateway.stop()
    gateway = Gateway("direct", listen="  trusted_proxies:\n    - 10.0.0.0/8\n")
    peer = peer_of(gateway, "X-Forwarded-For: 203.0.113.7")
    check("from anybody else X-Forwarded-For is nothing", peer == "127.0.0.1", peer)
    gateway.stop()


# ---- metadata ----


def metadata():
    place = "/.well-known/oauth-protected-resource"
    gateway = Gateway("oauth", more="oauth:\n  resource: https://gateway.example:8443/mcp\n"
                      "  authorization_servers:\n    - https://login.example/tenant\n")
    for target in (place, place + "/mcp"):
        reply = once(gateway, get(target, "X-Forwarded-Host: other.example"))
        told = json.loads(reply.body)
        check(f"{target} is what was configured", reply.status == 200 and told["resource"] ==
              "https://gateway.example:8443/mcp" and told["authorization_servers"] == ["https://login.example/tenant"],
              reply.body)
    for target in (place + "/other", place + "/mcp/", place + "x"):
        check(f"{target} is nothing", once(gateway, get(target)).status == 404)
    check("it is read only", once(gateway, post({}).replace(b"POST /mcp", f"POST {place}".encode())).status == 405)
    wanted = f'Bearer resource_metadata="https://gateway.example:8443{place}/mcp"'
    fields = once(gateway, post(message("x"), token=None)).all("WWW-Authenticate")
    check("the challenge names our scheme, then where the metadata is",
          len(fields) == 2 and fields[0].startswith("AIP ") and fields[1] == wanted, fields)
    fields = once(gateway, post({"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "p"}})).all(
        "WWW-Authenticate")
    check("so does one for more scope", len(fields) == 2 and 'scope="prompt:p", resource_metadata=' in fields[1], fields)
    gateway.stop()
    gateway = Gateway("plain")
    check("without OAuth there is no such address", once(gateway, get(place)).status == 404)
    fields = once(gateway, post(message("x"), token=None)).all("WWW-Authenticate")
    check("and no such challenge", len(fields) == 1 and fields[0].startswith("AIP "), fields)
    gateway.stop()
    for name, lines in (("no servers", "oauth:\n  resource: https://gateway.example/mcp\n"),
                        ("plain HTTP", "oauth:\n  resource: http://gateway.example/mcp\n  authorization_servers: "
                         "[https://l.example]\n"),
                        ("a fragment", "oauth:\n  resource: https://gateway.example/mcp#x\n  authorization_servers: "
                         "[https://l.example]\n")):
        with open(path("bad.yaml"), "w", encoding="ascii") as file:
            file.write(f"upstream:\n  url: {UPSTREAM}\ntrust:\n  - {ROOT}\n{lines}")
        done = subprocess.run([PROGRAM, "check", "--config", path("bad.yaml")], capture_output=True, timeout=20)
        check(f"OAuth with {name} is an error", done.returncode == 1, done)


# ---- health, figures, log ----


def health():
    gateway = Gateway("health")
    reply = once(gateway, get("/readyz"))
    told = json.loads(reply.body)
    check("a gateway that works is ready", reply.status == 200 and told["status"] == "ok" and told["store"] == "ok",
          reply.body)
    reply = once(gateway, get("/readyz", "X-Forwarded-For: 203.0.113.7"))
    check("strangers are told no reasons", json.loads(reply.body) == {"status": "ok"}, reply.body)
    gateway.stop()
    gateway = Gateway("full", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000)))
    for _ in range(400):
        if once(gateway, post(message("x"))).status != 200:
            break
    reply = once(gateway, post(message("x")))
    check("a decision that cannot be recorded is refused", (reply.status, reply.code) == (503, "audit.unavailable"),
          (reply.status, reply.code))
    reply = once(gateway, get("/readyz"))
    check("then the gateway is not ready, and says why", reply.status == 503 and b'"audit":"audit.unavailable"' in reply.body,
          reply.body)
    check("but it lives", once(gateway, get("/healthz")).status == 200)
    gateway.stop()


def read_figures(gateway):
    figures = {}
    reply = once(gateway, get("/metrics"))
    assert reply.status == 200 and reply.one("Content-Type").startswith("text/plain; version=0.0.4"), reply.body
    for line in reply.body.decode("ascii").splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP|TYPE) [a-z_]+ .+", line), line
            continue
        found = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? ([0-9.]+)', line)
        assert found, line
        figures[found[1] + (found[2] or "")] = float(found[4])
    return figures


def figures():
    gateway = Gateway("figures")
    for _ in range(5):
        once(gateway, post(message("x")))
    for _ in range(3):
        once(gateway, post(message("x"), token=None))
    once(gateway, post({"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "p"}}))
    once(gateway, get("/nothing"))
    stream = Caller(gateway)
    stream.send(post(message("stream", events=600)))
    stream.head()
    told = read_figures(gateway)
    wanted = {}
    for line in gateway.lines():
        if line["event"] == "decision":
            wanted[line["code"]] = wanted.get(line["code"], 0) + 1
    begin = 'aip_gateway_decisions_total{status="'
    counted = {name[len(begin):-2]: int(value) for name, value in told.items() if name.startswith(begin) and value}
    check("decisions are those of the log, by name", counted == wanted and sum(wanted.values()) == 11, (counted, wanted))
    check("peers' names tell the same", told["aip_requests_total"] >= 11 and
          told['aip_decisions_total{decision="allow"}'] == 6 and
          told['aip_decisions_total{decision="token_required"}'] == 3, told)
    check("an open stream is counted", told["aip_gateway_streams"] == 1, told["aip_gateway_streams"])
    check("connections are", 1 <= told["aip_gateway_connections"] <= 3, told["aip_gateway_connections"])
    check("upstreams' answers are timed", told["aip_gateway_upstream_seconds_count"] == 6, told)
    check("verifications are", told["aip_gateway_verification_seconds_count"] == 11, told)
    stream.close()
    check("a closed stream is not counted", wait_for(3, lambda: read_figures(gateway)["aip_gateway_streams"] == 0))
    check("nor does a request wait", read_figures(gateway)["aip_gateway_waiting"] == 0)
    for field in ("X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7", "Via: 1.1 proxy"):
        reply = once(gateway, get("/metrics", field))
        check(f"figures are not for callers behind a proxy ({field.split(':')[0]})", reply.status == 404, reply.status)
    reply = once(gateway, get("/metrics").replace(b"Host: 127.0.0.1", b"Host: rebound.example"))
    check("nor for a page that rebinds its name", reply.status == 403, reply.status)
    gateway.stop()
    gateway = Gateway("elsewhere", more="metrics:\n  path: /figures\n  allow:\n    - 10.0.0.0/8\n")
    check("nor for addresses that are not allowed", once(gateway, get("/figures")).status == 404)
    gateway.stop()
    outage()
    apart()


def outage():
    """G-133"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        gateway = Gateway("outage", options=("--upstream", f"http://127.0.0.1:{port}/mcp"))
        for _ in range(5):
            once(gateway, post(message("x")))
        told = read_figures(gateway)
        check("what did not reach the server is counted by its end",
              told['aip_gateway_outcomes_total{outcome="upstream.unreachable"}'] == 3 and
              told['aip_gateway_outcomes_total{outcome="ok"}'] == 0, told)
        check("an upstream that fails is a figure", told['aip_gateway_upstream_failing{upstream=""}'] == 1, told)
        check("and health names it", json.loads(once(gateway, get("/healthz")).body)["upstreams"] == {"upstream": "failing"})
        lines = [line for line in open(gateway.log) if "upstream is failing" in line]
        check("the log says so once, and why", len(lines) == 1 and "Connection refused" in lines[0], open(gateway.log).read())
        taken.listen(1)
        taken.settimeout(10)
        time.sleep(1.1)
        caller = Caller(gateway)
        caller.send(post(message("x")))
        with taken.accept()[0] as server:
            answer = b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}'
            server.recv(65536)
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                           % (len(answer), answer))
            check("it is asked again after its rest", caller.reply().status == 200)
        caller.close()
    told = read_figures(gateway)
    check("then it fails no longer", told['aip_gateway_upstream_failing{upstream=""}'] == 0, told)
    check("an answer that tells of an error is counted apart", told['aip_gateway_outcomes_total{outcome="error"}'] == 1, told)
    check("and the log says so", sum("upstream answers again" in line for line in open(gateway.log)) == 1)
    gateway.stop()


class Beside:
    """The port of the figures, where it is another one than the callers'."""

    def __init__(self, gateway):
        found = re.match(r"figures on http://127\.0\.0\.1:(\d+)", gateway.process.stdout.readline())
        self.port = int(found[1]) if found else 0


def apart():
    """G-130"""
    install("first")
    listen = f"  tls:\n    cert_file: {path('served.pem')}\n    key_file: {path('served.key.pem')}\n"
    gateway = Gateway("apart", listen=listen, more="metrics:\n  port: 0\n")
    beside, wrap = Beside(gateway), trusting("first")
    check("the figures have a port of their own, and say so", beside.port not in (0, gateway.port), beside.port)
    check("a call goes on", once(gateway, post(message("x")), wrap).status == 200)
    told = read_figures(beside)
    check("they are read there, without TLS", told['aip_decisions_total{decision="allow"}'] == 1, told)
    for target in ("/metrics", "/healthz", "/readyz"):
        check(f"the callers' port has no {target}", once(gateway, get(target), wrap).status == 404)
    check("health stands there", once(beside, get("/healthz")).status == 200)
    ready = once(beside, get("/readyz"))
    check("and readiness with its reasons", ready.status == 200 and b'"store":"ok"' in ready.body, ready.body)
    for request in (post(message("x")), get("/mcp"), get("/aip/v1/revocations"), get("/.well-known/did.json")):
        reply = once(beside, request)
        check(f"nothing else is served there ({request.split()[1].decode()})",
              (reply.status, reply.code) == (404, "request.not_found"), (reply.status, reply.body))
    check("no decision was made there", sum(line["event"] == "decision" and line["code"] == "ok"
                                            for line in gateway.lines()) == 1, gateway.lines())
    reply = once(beside, get("/metrics").replace(b"Host: 127.0.0.1", b"Host: rebound.example"))
    check("not for a page that rebinds its name", reply.status in (403, 404), reply.status)
    reply = once(beside, get("/metrics", "X-Forwarded-For: 203.0.113.7"))
    check("not for callers behind a proxy", reply.status == 404, reply.status)
    refused = subprocess.run([PROGRAM, "--config", path("apart.yaml"), "--audit", path("apart2.audit"), "--store",
                              path("apart2.db"), "--port", str(beside.port)], capture_output=True, text=True)
    check("a port that is taken is named", refused.returncode != 0 and f"port {beside.port}: Address already in use"
          in refused.stderr, refused.stderr)
    stream = Caller(gateway, wrap)
    stream.send(post(message("stream", events=600)))
    stream.head()
    stream.event(b'"data": 1')
    gateway.process.send_signal(signal.SIGTERM)
    check("while it stops, the port tells so", wait_for(3, lambda: once(beside, get("/readyz")).status == 503))
    stream.close()
    gateway.stop()


def log():
    gateway = Gateway("told", more="log:\n  format: json\n")
    once(gateway, post(message("x")))
    once(gateway, post(message("x\u001b[31m\n"), token=TOKEN))
    once(gateway, get("/.well-known/did.json"))
    once(gateway, get("/healthz"))
    once(gateway, post(message("x"), token="secret-secret"))
    gateway.stop()
    text = open(gateway.log, encoding="ascii").read()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    decisions = {line["decision_id"] for line in gateway.lines() if line["event"] == "decision"}
    check("a line for each decision, by its id",
          {line["decision_id"] for line in lines if line["event"] == "request"} == decisions and len(decisions) == 3, text)
    check("one for what was read, none for health", [line["path"] for line in lines if line["event"] == "read"] ==
          ["/.well-known/did.json"] or all(line["path"] != "/healthz" for line in lines if line["event"] == "read"), text)
    check("no control character, no secret", "\x1b" not in text and "secret-secret" not in text and TOKEN not in text, text)
    gateway = Gateway("few", more="log:\n  level: warning\n")
    once(gateway, post(message("x")))
    once(gateway, post(message("x"), token=None))
    gateway.stop()
    text = open(gateway.log, encoding="ascii").read()
    check("at level warning only refusals are told", "token.missing" in text and "ALLOW" not in text, text)
    gateway = Gateway("mute", stderr=subprocess.PIPE)
    caller, begun = Caller(gateway), time.monotonic()
    statuses = {caller.ask(post(message("x"), token=None)).status for _ in range(3000)}
    check("a log that nobody reads holds up nobody", statuses == {401} and time.monotonic() - begun < 30, statuses)
    gateway.process.send_signal(signal.SIGTERM)
    gateway.process.stderr.read()
    check("and nothing hangs at the end", gateway.process.wait(20) == 0)


# ---- the end ----


def end():
    gateway = Gateway("end", limits="  drain: 8s\n")
    legacy = Caller(gateway)
    legacy.send(get("/mcp", "Accept: text/event-stream", f"X-AIP-Token: {TOKEN}"))
    legacy.head()
    legacy.event(b'"data": 1')
    listening = Caller(gateway)
    listening.send(post(modern("subscriptions/listen", notifications={"toolsListChanged": True}),
                        "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen"))
    first = listening.reply()
    running = Caller(gateway)
    running.send(post(message("stream", events=30)))
    running.head()
    silent = Caller(gateway)
    silent.send(post(message("silent")))
    idle = Caller(gateway)
    idle.ask(post(message("x")))
    results = {"ok": 0, "other": []}
    stopping = threading.Event()

    def load():
        while not stopping.is_set():
            try:
                status = once(gateway, post(message("x"))).status
                results["ok"] += status == 200
                if status != 200:
                    results["other"].append(status)
            except (EOFError, ConnectionError, OSError) as error:
                if stopping.is_set() or gateway_is_closing(gateway):
                    return
                results["other"].append(repr(error))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    gateway.process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    gateway.ending = True
    check("a stream of a session ends when the gateway does", legacy.event(b"no such thing") is None and
          time.monotonic() - begun < 2, time.monotonic() - begun)
    check("a subscription is open", first.one("Transfer-Encoding") == "chunked", first.body)
    if first.one("Transfer-Encoding") == "chunked":
        data = listening.event(b"notifications/cancelled") or b""
        check("a subscription is told that it is cancelled", b'"requestId":"listen-1"' in data, data)
        if b'"resultType"' not in data:
            data = listening.event(b'"resultType"') or b""
        check("and then gets its result", b'"resultType":"complete"' in data and
              b'"io.modelcontextprotocol/subscriptionId":"listen-1"' in data, data)
    check("an idle connection is closed", (idle.closed(2) or 9) < 2)
    check("nobody new is let in", wait_for(2, lambda: not connects(gateway)))
    check("a call that runs is answered", silent.reply().status == 200)
    check("a stream that answers a call goes on to its end", running.event(b'"result"') is not None)
    code = gateway.process.wait(40)
    stopping.set()
    for thread in threads:
        thread.join()
    check("then it ends well", code == 0, code)
    check("no request of the load was refused or lost before", results["ok"] > 20 and not results["other"], results)

    gateway = Gateway("hurried", limits="  drain: 60s\n")
    running = Caller(gateway)
    running.send(post(message("stream", events=600)))
    running.head()
    gateway.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    check("what runs holds up the end", gateway.process.poll() is None)
    begun = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    data = running.event(b'"error"')
    took = time.monotonic() - begun
    check("a second signal ends the wait at once", took < 4, took)
    check("and the call is told", data is not None and b"gateway.overloaded" in data, data)
    check("it ends well", gateway.process.wait(40) == 0)
    lines = gateway.lines()
    check("its outcome is recorded", any(line["event"] == "outcome" and line["code"] == "gateway.overloaded"
                                         for line in lines), lines)
    gateway = Gateway("drained", limits="  drain: 1s\n")
    running = Caller(gateway)
    running.send(post(message("stream", events=600)))
    running.head()
    begun = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    running.event(b'"error"')
    took = time.monotonic() - begun
    check("the drain has an end", 0.8 < took < 6, took)
    check("and so has the gateway", gateway.process.wait(40) == 0)


def connects(gateway):
    try:
        Caller(gateway).close()
        return True
    except OSError:
        return False


def gateway_is_closing(gateway):
    return getattr(gateway, "ending", False) or not connects(gateway)


# ---- MCP and HTTP ----


def headers_of(what, **other):
    fields = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": what["method"]}
    if "name" in what["params"]:
        fields["Mcp-Name"] = what["params"]["name"]
    fields.update({name.replace("_", "-"): value for name, value in other.items()})
    return [f"{name}: {value}" for name, value in fields.items() if value is not None]


def error_of(reply):
    try:
        return reply.status, json.loads(reply.body)["error"]["code"]
    except (ValueError, KeyError):
        return reply.status, reply.body


def mcp():
    gateway = Gateway("modern")
    call = modern("tools/call", name="x", arguments={})

    def answer(what, **other):
        return once(gateway, post(what, *headers_of(what, **other)))

    check("a modern call passes", answer(call).status == 200)
    coded = {"Mcp_Name": "=?base64?eA==?="}
    check("so does one with a coded name", answer(call, **coded).status == 200)
    for told, other in (("another coded name", {"Mcp_Name": "=?base64?eQ==?="}), ("no base64", {"Mcp_Name": "=?base64?e?="}),
                        ("no name", {"Mcp_Name": None}), ("no method", {"Mcp_Method": None}),
                        ("no version", {"MCP_Protocol_Version": None}), ("another method", {"Mcp_Method": "ping"}),
                        ("an older version", {"MCP_Protocol_Version": "2025-11-25"})):
        got = error_of(answer(call, **other))
        check(f"{told} in the headers: 400, -32020", got == (400, -32020), got)
    unknown = json.loads(json.dumps(call).replace("2026-07-28", "2099-01-01"))
    reply = answer(unknown, MCP_Protocol_Version="2099-01-01")
    data = json.loads(reply.body)["error"]
    check("a version that nobody has: 400, -32022", (reply.status, data["code"]) == (400, -32022), reply.body)
    check("with those that are, and the one that was wanted", "2026-07-28" in data["data"]["supported"] and
          data["data"]["requested"] == "2099-01-01", data)
    reply = answer(unknown, MCP_Protocol_Version="2099-01-01(x)")
    check("what is no date is not repeated", b"(x)" not in reply.body and reply.status == 400, reply.body)
    reply = once(gateway, post(message("x"), "MCP-Protocol-Version: 1999-01-01"))
    check("an old version that nobody has: 400", (reply.status, reply.code) == (400, "request.version"), reply.body)
    for told, meta in (("no _meta", None), ("no version", {k: v for k, v in META.items() if "Capab" in k}),
                       ("no capabilities", {k: v for k, v in META.items() if "Capab" not in k}),
                       ("capabilities of another type", {**META, "io.modelcontextprotocol/clientCapabilities": 1}),
                       ("a version of another type", {**META, "io.modelcontextprotocol/protocolVersion": 1})):
        what = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {}}}
        if meta is not None:
            what["params"]["_meta"] = meta
        got = error_of(answer(what))
        check(f"{told} in the body: 400, -32602", got == (400, -32602), got)
    for method in ("initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list", "nothing/such"):
        got = error_of(answer(modern(method, uri="test://x")))
        check(f"{method}: 404, -32601", got == (404, -32601), got)
    got = error_of(answer(modern("tools/list", requestState="x")))
    check("a state where nothing was asked: 400", got == (400, -32600), got)
    check("one where it may be passes", answer(modern("tools/call", name="x", requestState="x")).status == 200)
    for method in ("GET", "DELETE"):
        reply = once(gateway, get("/mcp", "MCP-Protocol-Version: 2026-07-28", f"X-AIP-Token: {TOKEN}").replace(
            b"GET", method.encode()))
        check(f"{method}: 405 and what is allowed", (reply.status, reply.one("Allow")) == (405, "POST"), reply.status)
    reply = once(gateway, post({"jsonrpc": "2.0", "id": 1, "method": "ping"}))
    check("legacy clients may still ping", reply.status == 200, reply.body)
    gateway.stop()


# ---- pages of browsers ----

PAGE = "https://page.example"


def options(target, *fields, origin=PAGE):
    return get(target, *([f"Origin: {origin}"] if origin else []), *fields).replace(b"GET", b"OPTIONS", 1)


def is_marked(reply):
    """Can the page read it?"""
    shown = reply.one("Access-Control-Expose-Headers").split(", ")
    return (reply.all("Access-Control-Allow-Origin") == [PAGE] and "Origin" in reply.all("Vary") and
            reply.all("Access-Control-Allow-Credentials") == [] and
            {"Mcp-Session-Id", "MCP-Protocol-Version", "WWW-Authenticate", "X-AIP-Decision-Id", "X-AIP-Receipt", "X-AIP-Audit",
             "Signature", "Signature-Input", "Content-Digest", "Retry-After"} <= set(shown))


def is_unmarked(reply):
    return not [name for name, _ in reply.fields if name.lower().startswith("access-control-") or name.lower() == "vary"]


def pages():
    asks = "Access-Control-Request-Method: POST"
    gateway = Gateway("pages", more=f"origins:\n  - {PAGE}\n  - https://other.example\noauth:\n  resource: "
                      "https://gateway.example/mcp\n  authorization_servers:\n    - https://login.example\n")
    reply = once(gateway, options("/mcp", asks, "Access-Control-Request-Headers: x-aip-token,mcp-param-region, Mcp-Param-b,"
                                  "mcp-param-,x-else,mcp-param-a b"))
    names = reply.one("Access-Control-Allow-Headers").split(", ")
    check("a page's browser is told that it may ask", reply.status == 204 and not reply.body and is_marked(reply), reply.fields)
    check("by which methods", reply.one("Access-Control-Allow-Methods") == "GET, POST, DELETE", reply.fields)
    wanted = {"Content-Type", "Accept", "Authorization", "X-AIP-Token", "Signature", "Signature-Input", "Content-Digest",
              "Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-ID", "traceparent",
              "tracestate"}
    check("with which headers, and parameters that it asked for", set(names) == wanted | {"mcp-param-region", "Mcp-Param-b"},
          names)
    check("and for how long that is known", reply.one("Access-Control-Max-Age") == "600", reply.fields)
    check("nothing of it is recorded", not os.path.exists(gateway.audit) or not [
        line for line in gateway.lines() if line["event"] == "decision"])
    figures = once(gateway, get("/metrics")).body
    check("or counted as a decision", not re.search(rb'decisions_total\{[^}]*\} [1-9]', figures), figures)
    for told, reply in (("a call", once(gateway, post(message("x"), f"Origin: {PAGE}"))),
                        ("a refusal without a token", once(gateway, post(message("x"), f"Origin: {PAGE}", token=None))),
                        ("one for want of scope", once(gateway, post(
                            {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "p"}}, f"Origin: {PAGE}"))),
                        ("one of the address", once(gateway, get("/nothing", f"Origin: {PAGE}"))),
                        ("the metadata", once(gateway, get("/.well-known/oauth-protected-resource", f"Origin: {PAGE}"))),
                        ("a method that it has not", once(gateway, get("/mcp", f"Origin: {PAGE}", f"X-AIP-Token: {TOKEN}").replace(
                            b"GET", b"PUT", 1)))):
        check(f"the page can read {told}", is_marked(reply), (reply.status, reply.fields))
    stream = Caller(gateway)
    stream.send(post(message("stream", events=1), f"Origin: {PAGE}"))
    check("and a stream", is_marked(Reply(stream.head(), b"")))
    stream.close()
    reply = once(gateway, options("/.well-known/oauth-protected-resource", "Access-Control-Request-Method: GET",
                                  "Access-Control-Request-Headers: mcp-protocol-version"))
    check("what anyone may read can be asked about, too", reply.status == 204 and is_marked(reply) and
          reply.one("Access-Control-Allow-Methods") == "GET, HEAD", reply.fields)
    for told, origin in (("another origin", "https://page.example.evil"), ("one in other letters", "https://Page.example"),
                         ("no origin at all", "null"), ("two origins", f"{PAGE}\r\nOrigin: {PAGE}")):
        known = len(gateway.lines())
        reply = once(gateway, options("/mcp", asks, origin=origin))
        check(f"{told}: 403, recorded", (reply.status, reply.code) == (403, "request.origin") and is_unmarked(reply) and
              len(gateway.lines()) == known + 1, (reply.status, reply.fields))
        reply = once(gateway, post(message("x"), f"Origin: {origin}"))
        check(f"{told}: no call", reply.status == 403 and is_unmarked(reply), (reply.status, reply.fields))
    reply = once(gateway, options("/mcp", asks).replace(b"Host: 127.0.0.1", b"Host: rebound.example"))
    check("nor does a page that rebinds its name", reply.status == 403 and is_unmarked(reply), reply.fields)
    reply = once(gateway, options("/mcp"))
    check("OPTIONS that asks nothing is a request like any other", reply.status == 405 and is_marked(reply), reply.status)
    reply = once(gateway, options("/mcp", asks, origin=None))
    check("and so is one of no page", reply.status == 405 and not reply.all("Access-Control-Allow-Origin"), reply.status)
    reply = once(gateway, options("/nothing", asks))
    check("nothing is told of addresses that there are not", reply.status == 404, reply.status)
    reply = once(gateway, post(message("x")))
    check("a caller that is no page is told what caches must know", reply.all("Vary") == ["Origin"] and
          not reply.all("Access-Control-Allow-Origin"), reply.fields)
    gateway.stop()
    gateway = Gateway("no-pages")
    reply = once(gateway, options("/mcp", asks))
    check("without origins there are no pages", reply.status == 403 and is_unmarked(reply), reply.fields)
    check("and no headers about them", is_unmarked(once(gateway, post(message("x")))))
    gateway.stop()


# ---- sessions ----


class Sessions(BaseHTTPRequestHandler):
    """A server that gives its session with every answer, has no streams, and forgets the session when told to."""
    protocol_version = "HTTP/1.1"
    forgets = False
    stream = 405

    def log_message(self, *_):
        pass

    def give(self, status, body=b""):
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/json")
            self.send_header("Mcp-Session-Id", "of-the-server")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.give(Sessions.stream)

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        greets = told["method"] == "initialize"
        if not greets and (Sessions.forgets or self.headers["Mcp-Session-Id"] not in (None, "of-the-server")):
            self.give(404)
            return
        result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
        self.give(200, json.dumps({"jsonrpc": "2.0", "id": told["id"], "result": result if greets else {"content": []}}).encode())


class Quick(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):  # without the usual look-up of the machine's name, which may take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


def greeting():
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}}


def lapse(told, gateway):
    """Sessions of three seconds."""
    reply = once(gateway, post(greeting()))
    begun, identity = time.monotonic(), reply.one("Mcp-Session-Id")
    field = f"Mcp-Session-Id: {identity}"
    check(f"{told}: a session begins", reply.status == 200 and len(identity) > 60, (reply.status, reply.body))
    time.sleep(1.1)
    reply = once(gateway, post(message("s__x" if told == "a group" else "x"), field))
    check(f"{told}: it is known, and stays the same text", reply.status == 200 and
          reply.all("Mcp-Session-Id") in ([], [identity]), (reply.status, reply.body, reply.fields))
    last = identity[:-1] + ("A" if identity[-1] != "A" else "B")
    check(f"{told}: another text is not", once(gateway, post(message("x"), f"Mcp-Session-Id: {last}")).status == 404)
    time.sleep(max(0.0, begun + 3.2 - time.monotonic()))
    reply = once(gateway, post(message("x"), field))
    check(f"{told}: it ends when its time is over", (reply.status, reply.code) == (404, "session.not_found"),
          (reply.status, reply.body))
    fresh = once(gateway, post(greeting(), field))
    check(f"{told}: even for a new greeting with its id", fresh.status == 404, fresh.status)
    fresh = once(gateway, post(greeting()))
    check(f"{told}: the next one has another id", fresh.status == 200 and fresh.one("Mcp-Session-Id") not in ("", identity))


def sessions():
    server = Quick(("127.0.0.1", 0), Sessions)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/mcp"
    upstream = f"upstream:\n  url: {address}\n"
    gateway = Gateway("lapse", limits="  session: 3s\n", upstream=upstream)
    lapse("one server", gateway)
    gateway.stop()
    members = "".join(f"  - {{name: {name}, url: '{address}'}}\n" for name in "st")
    gateway = Gateway("group", limits="  session: 3s\n",
                      upstream=f"upstreams:\n{members}  - {{name: all, path: /mcp, members: [s, t]}}\n")
    lapse("a group", gateway)
    gateway.stop()
    gateway = Gateway("stays", upstream=upstream)
    field = f"Mcp-Session-Id: {once(gateway, post(greeting())).one('Mcp-Session-Id')}"

    def tells(told, data, status, code):
        reply = once(gateway, data)
        good = wait_for(2, lambda: gateway.lines()[-1]["event"] == "outcome")
        outcome = gateway.lines()[-1]
        check(told, good and (reply.status, reply.code, outcome["code"]) == (status, code, code) and
              (not reply.body or json.loads(reply.body).get("status", status) == status), (reply.status, reply.body, outcome))
        return reply

    stream = get("/mcp", f"X-AIP-Token: {TOKEN}", "Accept: text/event-stream", field)
    reply = tells("a server without streams: 405 in status, body and log", stream, 405, "request.http_method")
    check("once with what it has", reply.all("Allow") == ["POST"], reply.fields)
    Sessions.stream = 404
    tells("a stream of a session that the server has forgotten: 404 in all three", stream, 404, "session.not_found")
    tells("a stream that it has not, without a session", get("/mcp", f"X-AIP-Token: {TOKEN}", "Accept: text/event-stream"),
          404, "request.not_found")
    Sessions.stream = 500
    tells("a failing server is one", stream, 502, "upstream.invalid")
    Sessions.forgets = True
    tells("a call in a session that it has forgotten", post(message("x"), field), 404, "session.not_found")
    gateway.stop()


def doubt():
    """What libmicrohttpd itself refuses is recorded, too."""
    gateway = Gateway("doubt")
    host = b"Host: 127.0.0.1\r\n"
    for told, data, status in (
            ("a length below zero", b"POST /mcp HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n", 400),
            ("a list of lengths", b"POST /mcp HTTP/1.1\r\n" + host + b"Content-Length: 2, 2\r\n\r\n{}", 400),
            ("two lengths", b"POST /mcp HTTP/1.1\r\n" + host + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400),
            ("length and coding", b"POST /mcp HTTP/1.1\r\n" + host +
             b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
            ("no Host", b"POST /mcp HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400),
            ("a header without a colon", b"GET /mcp HTTP/1.1\r\n" + host + b"none\r\n\r\n", 400),
            ("a head that is too large", b"GET /mcp HTTP/1.1\r\n" + host + b"A: " + b"a" * 40000 + b"\r\n\r\n", 431),
            ("a chunk without a size", post(message("x")).replace(b"Content-Length", b"X-Length").replace(
                b"Accept:", b"Transfer-Encoding: chunked\r\nAccept:").split(b"\r\n\r\n")[0] + b"\r\n\r\nzz\r\n", 400),
            ("a target with a scheme", b"GET http://127.0.0.1/mcp HTTP/1.1\r\n" + host + b"\r\n", 404),
            ("a target with @", b"GET @127.0.0.1/mcp HTTP/1.1\r\n" + host + b"\r\n", 404)):
        known = len(gateway.lines()) if os.path.exists(gateway.audit) else 0
        reply = once(gateway, data)
        check(f"{told}: {status}", reply.status == status, reply.status)
        recorded = wait_for(2, lambda: len(gateway.lines()) == known + 1)
        check(f"{told} is recorded once", recorded and gateway.lines()[-1]["decision"] == "BLOCK", gateway.lines()[known:])
    gateway.stop()


PARTS = {part.__name__: part for part in (tls, slow, shares, proxies, metadata, health, figures, log, mcp, pages, sessions,
                                       doubt, end)}
for part in sys.argv[4:] or PARTS:
    PARTS[part]()
sys.exit(1 if failed else 0)
