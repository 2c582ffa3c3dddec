#!/usr/bin/env python3
"""Gateways before a server that answers as the called tool's name says. Prints ok or FAIL, a line for each check.

Usage: duties.py GATEWAY WORK"""
import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time

PROGRAM, WORK = sys.argv[1:3]


def content(name):
    with open(f"{WORK}/{name}", encoding="utf-8") as file:
        return file.read().strip()


AGENT, OTHER, ROOT = content("agent.token"), content("other.token"), content("root.did")
failed = 0


def check(name, good, told=""):
    global failed
    failed += not good
    print("ok  " if good else "FAIL", name, "" if good else f": {told}"[:400], flush=True)


# ---- the server ----


def answer(body, status="200 OK", kind="application/json", *more):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *more, f"Content-Length: {len(text)}", "", ""]
    return "\r\n".join(head).encode() + text


def events(*messages, kind="text/event-stream", fields=(), first=""):
    text = (first + "".join(f"data: {json.dumps(each)}\n\n" for each in messages)).encode()
    head = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", *fields, "Transfer-Encoding: chunked", "", ""]
    return "\r\n".join(head).encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)


def result(identity, **members):
    return {"jsonrpc": "2.0", "id": identity, "result": {"content": [], **members}}


def asks(message, good):
    return answer(result(message["id"], resultType="input_required", requestState="4111 1111 1111 1111/x"))


def asks_calmly(message, good):
    return answer(result(message["id"], resultType="input_required", requestState='opaque "\\u0041\\n" AAAA+/=='))


PAUSE = 16.5  # seconds; after 15 the gateway says that it is still there


def paused(message, good):
    """An event that comes in two halves, and another whose last line end does."""
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}
    first, second = json.dumps(note).encode().split(b", ", 1)
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    for piece in (b"data: " + first + b",\r\n", b"data: " + second + b"\r\n\r",
                  b"\ndata: " + json.dumps(good).encode() + b"\n\n", b""):
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
        if piece:
            time.sleep(PAUSE if not piece.startswith(b"\ndata") else 0)


# Each is a tool: what it answers, given the message and what a good answer would be.
TOOLS = {
    "paused": paused,
    "asks": asks,
    "asks_calmly": asks_calmly,
    "unauthorized": lambda message, good: answer(good, "401 Unauthorized", "application/json"),
    "utf16": lambda message, good: answer(good, "200 OK", "application/json; charset=utf-16"),
    "utf7_events": lambda message, good: events(good, kind='text/event-stream; charset="utf-7"'),
    "shared": lambda message, good: answer(good, "200 OK", "application/json", "Cache-Control: public, max-age=99"),
    "own": lambda message, good: answer(good, "200 OK", "application/json", "Cache-Control: private, max-age=9"),
    "utf8": lambda message, good: answer(good, "200 OK", 'application/json; profile=x; charset="UTF-8"'),
    "padded": lambda message, good: answer(good, "200 OK", "application/jsonp"),
    "kept": lambda message, good: events(good, fields=["Cache-Control: public, max-age=3600"]),
    "unkept": lambda message, good: events(good, fields=["Cache-Control: no-cache, no-transform"]),
    "two_results": lambda message, good: answer(result(message["id"], Content=[{"type": "text", "text": "x"}])),
    "two_failures": lambda message, good: answer(result(message["id"], isError=False, iserror=True)),
    "two_codes": lambda message, good: answer({"jsonrpc": "2.0", "id": message["id"],
                                               "error": {"code": 1, "Code": 2, "message": "x"}}),
    "long_s": lambda message, good: answer(result(message["id"], **{"iſError": True})),
    "two_params": lambda message, good: events(
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "ProgressToken": 2}}, good),
    "large": lambda message, good: answer(result(message["id"], text="x" * (5 << 20))),
    "large_event": lambda message, good: events(result(message["id"], text="x" * (5 << 20))),
    "identified": lambda message, good: events(good, first="id: first-7\ndata:\n\n"),
}


class Server:
    """Knows neither sessions nor callers; `seen` are the bodies that reached it."""

    def __init__(self):
        self.seen, self.versions = [], None
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/mcp"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection = self.socket.accept()[0]
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        reader = connection.makefile("rb")
        with connection, contextlib.suppress(OSError):
            while line := reader.readline():
                head = line
                while (line := reader.readline()).strip():
                    head += line
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = reader.read(int(length[1]) if length else 0)
                self.seen.append(body)
                reply = self.reply(head, body)
                for piece in [reply] if isinstance(reply, bytes) else reply:
                    connection.sendall(piece)

    def reply(self, head, body):
        if head.startswith(b"GET"):
            return events(result(1, of="another caller"))
        message = json.loads(body)
        method, name = message.get("method"), message.get("params", {}).get("name")
        if method == "server/discover" and self.versions:
            return answer(result(message["id"], supportedVersions=self.versions, ttlMs=1.50))
        if method == "server/discover":
            return answer(b"Unsupported protocol version", "400 Bad Request", "text/plain")
        if method == "initialize":
            ping = {"jsonrpc": "2.0", "id": "ping-1", "method": "ping"}
            return events(ping, result(message["id"]), fields=["Mcp-Session-Id: one"])
        if "id" not in message or "method" not in message:
            return answer(b"{}")
        good = result(message["id"])
        return TOOLS[name](message, good) if name in TOOLS else answer(good)


# ---- the gateway and its callers ----


class Gateway:
    def __init__(self, name, server, *options):
        self.process = subprocess.Popen(
            [PROGRAM, "--upstream", server.url, "--port", "0", "--trust-key", ROOT.removeprefix("did:aip:"), "--audit", f"{WORK}/{name}.audit",
             "--store", f"{WORK}/{name}.db", "--quiet", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.port = int(re.search(r":(\d+)", self.process.stdout.readline())[1])

    def stop(self):
        self.process.terminate()
        check("a gateway ends well", self.process.wait(30) == 0)


class Reply:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if " " in lines[0] else 0
        self.fields = [tuple(line.split(": ", 1)) for line in lines[1:]]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def code(self):
        found = re.search(rb'"code_name":"([^"]*)"', self.body)
        return found[1].decode() if found else ""

    def __str__(self):
        return f"{self.status} {self.fields} {self.body[:200]}"


def send(gateway, line, fields, body=b"", token=AGENT, timeout=10):
    head = [line, "Host: 127.0.0.1", "Connection: close", f"X-AIP-Token: {token}", *fields]
    head += [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=timeout) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        raw = b""
        while piece := connection.recv(65536):
            raw += piece
    return Reply(raw)


def post(gateway, message, *fields, **how):
    accept = "Accept: application/json, text/event-stream"
    return send(gateway, "POST /mcp HTTP/1.1", [accept, *fields], json.dumps(message).encode(), **how)


def request(method, **params):
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def call(gateway, name, *fields, **how):
    return post(gateway, request("tools/call", name=name, arguments={}), *fields, **how)


def modern(gateway, method, **params):
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    fields = ["MCP-Protocol-Version: 2026-07-28", f"Mcp-Method: {method}"]
    fields += [f"Mcp-Name: {params['name']}"] if "name" in params else []
    return post(gateway, request(method, **params, _meta=meta), *fields)


def log_of(name):
    """The lines of a gateway's log, when its last request has its outcome."""
    for _ in range(40):
        with open(f"{WORK}/{name}.audit", encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        if lines[-1]["event"] == "outcome":
            return lines
        time.sleep(0.05)
    return lines


# ---- checks ----


def replies(gateway, server):
    reply = post(gateway, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    check("a notification is answered with 202 and nothing, whatever the server says",
          (reply.status, reply.body) == (202, b""), reply)
    reply = modern(gateway, "server/discover")
    check("400 without JSON stays 400, so that a client of both eras tries the older one",
          (reply.status, reply.code) == (400, "upstream.invalid"), reply)
    for told, versions, wanted in (("some versions", ["2026-07-28", "2099-01-01", "2025-11-25", 7], ["2026-07-28", "2025-11-25"]),
                                   ("none of them", ["2099-01-01"], []), ("all", ["2026-07-28"], ["2026-07-28"])):
        server.versions = versions
        reply = modern(gateway, "server/discover")
        check(f"a server of which {told} are known here is told of so", reply.status == 200 and
              json.loads(reply.body)["result"]["supportedVersions"] == wanted, reply)
    server.versions = None
    reply = call(gateway, "unauthorized")
    check("401 of the server is about the gateway's credential, not the caller's",
          (reply.status, reply.code, reply.all("WWW-Authenticate")) == (502, "upstream.invalid", []), reply)
    for name in ("utf16", "utf7_events", "padded", "two_results", "two_failures", "two_codes", "long_s"):
        reply = call(gateway, name)
        check(f"{name}: 502", (reply.status, reply.code) == (502, "upstream.invalid"), reply)
    reply = call(gateway, "two_params")
    check("a notification of two readings ends the stream", reply.code == "upstream.invalid" and
          b"ProgressToken" not in reply.body, reply)
    check("a reply that names UTF-8 passes", call(gateway, "utf8").status == 200)
    for name, wanted in (("shared", []), ("own", ["private, max-age=9"])):
        reply = call(gateway, name)
        check(f"{name}: what one caller got is nobody else's", reply.all("Cache-Control") == wanted, reply)
    for name, wanted in (("kept", ["no-cache"]), ("unkept", ["no-cache, no-transform"])):
        reply = call(gateway, name)
        check(f"{name}: nobody may keep a stream, which is said once", reply.all("Cache-Control") == wanted, reply)
    for told, members in (("a result", {"result": {"roots": [], "Roots": []}}),
                          ("an error", {"error": {"code": 1, "message": "x", "Code": 2}})):
        reply = post(gateway, {"jsonrpc": "2.0", "id": 1, **members})
        check(f"{told} of the client with two readings is refused", reply.code == "json.ambiguous", reply)


def subscriptions(gateway, server):
    def listen(*addresses):
        return modern(gateway, "subscriptions/listen", notifications={"resourceSubscriptions": list(addresses)})

    check("an address that the policy lets pass", listen("test://open/a").status == 200)
    before = len(server.seen)
    for first, second, wanted in (("secret", "open", "policy.target"), ("open", "secret", "policy.target"),
                                  ("nowhere", "open", "policy.target"), ("person", "open", "approval.denied"),
                                  ("open", "person", "approval.denied")):
        reply = listen(f"test://{first}/a", f"test://{second}/a")
        check(f"{first} and {second} in one subscription: {wanted}", (reply.status, reply.code) == (403, wanted), reply)
    reply = listen("test://open/a", "other://b", "test://open/c", "other://d")
    check("one challenge names all that the token lacks", reply.code == "scope.insufficient" and
          reply.all("WWW-Authenticate") == ['AIP error="insufficient_scope", scope="resource:other://b resource:other://d"'],
          reply)
    check("none of them reached the server", len(server.seen) == before, server.seen[before:])
    check("several that pass", listen("test://open/a", "test://open/b").status == 200)


def states(gateway, server):
    reply = modern(gateway, "tools/call", name="asks", arguments={})
    check("a state that would be redacted does not go on at all", reply.code == "dlp.blocked" and
          b"REDACTED" not in reply.body and b"4111" not in reply.body, reply)
    before = len(server.seen)
    reply = modern(gateway, "tools/call", name="x", arguments={}, requestState="4111 1111 1111 1111/x")
    check("nor does it the other way", reply.code == "dlp.blocked" and len(server.seen) == before, reply)
    state = 'opaque "\\u0041\\n" AAAA+/=='
    reply = modern(gateway, "tools/call", name="asks_calmly", arguments={})
    check("one that holds nothing secret arrives as it was sent", json.dumps(state).encode() in reply.body, reply)
    reply = modern(gateway, "tools/call", name="x", arguments={"card": "4111 1111 1111 1111"}, requestState=state)
    arrived = json.loads(server.seen[-1])["params"]
    lines = log_of("ruled")
    wanted, given = lines[-3].get("state"), lines[-2].get("state")
    check("the log tells which round belongs to which, and not the state", wanted is not None and
          (lines[-3]["event"], lines[-2]["event"]) == ("outcome", "decision") and given == wanted and
          "state" not in lines[-1] and state not in json.dumps(lines), lines[-3:])
    check("beside an argument that is redacted a state stays as it was", reply.status == 200 and
          arrived["requestState"] == state and "REDACTED" in arrived["arguments"]["card"], server.seen[-1])


def resume(gateway, event, *fields, token=AGENT):
    return send(gateway, "GET /mcp HTTP/1.1", ["Accept: text/event-stream", f"Last-Event-ID: {event}", *fields],
                token=token)


def resumption(gateway):
    call(gateway, "identified")
    check("who got an event goes on after it", resume(gateway, "first-7").status == 200)
    for told, reply in (("another agent", resume(gateway, "first-7", token=OTHER)),
                        ("an event that nobody got", resume(gateway, "first-8")),
                        ("an empty one", resume(gateway, "")), ("a long one", resume(gateway, "x" * 600))):
        check(f"{told}: 404", (reply.status, reply.code) == (404, "session.not_found") and
              b"another caller" not in reply.body, reply)


def patience(gateway):
    """Comments of the gateway stand between events, never inside one."""
    reply = call(gateway, "paused", timeout=60)
    text, rest = b"", reply.body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        text, rest = text + rest[:int(size, 16)], rest[int(size, 16) + 2:]
    comment, half, end = b":\n\n", text.find(b"data:"), text.find(b"\r\n\r")
    events_of = [each for each in re.split(rb"\r\n\r\n|\n\n|\r\r|\r\n\r(?=:)", text) if b"data" in each]
    check("a stream that pauses is kept alive by comments", text.count(comment) == 2 and half > 0, text)
    check("none of them inside an event", comment not in text[half:end] and len(events_of) == 2 and
          all(b":\n\n" not in each for each in events_of), text)


def sizes(server):
    """One cap for all that is read whole."""
    gateway = Gateway("small", server)
    for name, where in (("large", 502), ("large_event", 200)):
        reply = call(gateway, name)
        check(f"{name}: beyond the cap", (reply.status, reply.code) == (where, "upstream.invalid"), reply)
    gateway.stop()
    gateway = Gateway("roomy", server, "--max-body", str(6 << 20))
    for name in ("large", "large_event"):
        reply = call(gateway, name)
        check(f"{name}: within another cap", reply.status == 200 and reply.body.count(b"x") >= 5 << 20, reply)
    many = ["test://open/a"] * 4097
    reply = modern(gateway, "subscriptions/listen", notifications={"resourceSubscriptions": many})
    check("a subscription has so many addresses", reply.code == "request.invalid", reply)
    many.pop()
    reply = modern(gateway, "subscriptions/listen", notifications={"resourceSubscriptions": many})
    check("and no more", reply.status == 200, reply)
    gateway.stop()


def sessions(server):
    options = ("--key", f"{WORK}/gateway.key")
    gateway = Gateway("first", server, *options)
    session = f"Mcp-Session-Id: {post(gateway, request('initialize')).all('Mcp-Session-Id')[0]}"
    pong = {"jsonrpc": "2.0", "id": "ping-1", "result": {}}
    stranger = f"Mcp-Session-Id: {post(gateway, request('initialize'), token=OTHER).all('Mcp-Session-Id')[0]}"
    check("what its server asks while a session begins is answered", post(gateway, pong, session).status == 202)
    reply = post(gateway, pong, session)
    check("once", reply.code == "request.invalid", reply)
    reply = post(gateway, pong)
    check("and in that session", reply.code == "request.invalid", reply)
    check("that of another agent is its own", post(gateway, pong, stranger, token=OTHER).status == 202)
    replica = Gateway("replica", server, *options)
    check("a session is known to every gateway with the key", call(replica, "x", session).status == 200)
    check("and of its agent alone", call(replica, "x", session, token=OTHER).status == 404)
    gateway.stop()
    replica.stop()
    gateway = Gateway("again", server, *options)
    check("it outlives a restart", call(gateway, "x", session).status == 200)
    gateway.stop()
    gateway = Gateway("keyless", server)
    check("a gateway without the key does not know it", call(gateway, "x", session).status == 404)
    gateway.stop()


def main():
    server = Server()
    patient = Gateway("patient", server)
    waiting = threading.Thread(target=patience, args=(patient,))
    waiting.start()
    gateway = Gateway("plain", server)
    replies(gateway, server)
    resumption(gateway)
    gateway.stop()
    gateway = Gateway("ruled", server, "--policy", f"{WORK}/policy.yaml")
    subscriptions(gateway, server)
    states(gateway, server)
    gateway.stop()
    sizes(server)
    sessions(server)
    waiting.join()
    patient.stop()


main()
sys.exit(1 if failed else 0)
