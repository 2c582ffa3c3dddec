"""The gateway before groups, and its callers, for groups_checks.py."""
import http.client
import json
import queue
import re
import signal
import socket
import subprocess
import threading
import time

from groups_server import MODERN

failed = 0


def check(name, good, told=""):
    global failed
    failed += not good
    print("ok  " if good else "FAIL", name, "" if good else f": {told}"[:700], flush=True)


def until(condition, seconds=6):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Gateway:
    def __init__(self, program, work, name, config):
        self.audit, self.log = f"{work}/{name}.audit", f"{work}/{name}.stderr"
        with open(f"{work}/{name}.yaml", "w", encoding="ascii") as file:
            file.write(config)
        self.process = subprocess.Popen(
            [program, "--config", f"{work}/{name}.yaml"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(self.log, "w", encoding="ascii"), text=True)
        found = re.match(r"listening on http://127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        if not found:
            raise SystemExit(f"FAIL {name} did not start: {open(self.log).read()}")
        self.port = int(found[1])

    def lines(self, event="decision"):
        with open(self.audit, encoding="utf-8") as file:
            return [each for each in map(json.loads, file) if each["event"] == event]

    def decisions(self, after, count, **members):
        """The decisions after so many, once there are so many that have these members."""
        found = []

        def enough():
            found[:] = [each for each in self.lines()[after:] if members.items() <= each.items()]
            return len(found) >= count

        until(enough, 3)
        return found

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return -9


class Reply:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        events = text.startswith(("id", "data", "event", ":"))
        self.messages = [json.loads(each) for each in (read_data(text) if events else [text]) if each.startswith("{")]
        self.answer = next((each for each in reversed(self.messages) if "method" not in each), {})
        self.result = self.answer.get("result", {})
        self.error = self.answer.get("error", {})
        found = re.search(r'"code_name": ?"([^"]*)"', text)
        self.code = found[1] if found else ""

    @property
    def said(self):
        """The text of a tool's result."""
        return "".join(each.get("text", "") for each in self.result.get("content", []))

    def __str__(self):
        return f"HTTP {self.status} {self.text[:500]}"


def read_data(text):
    for event in re.split(r"\n\n", text):
        lines = [line[5:].lstrip() for line in event.split("\n") if line.startswith("data:")]
        if lines and "".join(lines):
            yield "\n".join(lines)


class Event:
    def __init__(self, text):
        self.text = text
        found = re.search(r"^id: ?(.*)$", text, re.M)
        self.id = found[1] if found else None
        data = list(read_data(text))
        self.message = json.loads(data[0]) if data else {}
        self.method = self.message.get("method")
        self.params = self.message.get("params", {})


class Stream:
    """A reply that is read event by event, in a thread of its own."""

    def __init__(self, connection, reply, reads=True):
        self.connection, self.reply, self.status = connection, reply, reply.status
        self.headers = {name.lower(): value for name, value in reply.getheaders()}
        self.box = queue.Queue()
        self.events = []
        self.socket = connection.sock or reply.fp.raw._sock
        if reads:
            self.read()

    def read(self):
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        held = ""
        try:
            while line := self.reply.readline():
                held += line.decode()
                if line in (b"\n", b"\r\n"):
                    if re.search(r"^(data|id)", held, re.M):
                        self.box.put(Event(held))
                    held = ""
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        self.box.put(None)

    def next(self, seconds=6):
        """The next event with a message; None: it ended, or nothing came."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                event = self.box.get(timeout=left)
            except queue.Empty:
                return None
            if event is None:
                self.box.put(None)
                return None
            self.events.append(event)
            if event.message:
                return event
        return None

    def find(self, condition, seconds=6):
        """The first event from here on that meets the condition."""
        end = time.monotonic() + seconds
        while (event := self.next(max(0.01, end - time.monotonic()))) is not None:
            if condition(event):
                return event
        return None

    def ended(self, seconds=6):
        while self.next(seconds) is not None:
            pass
        return not self.box.empty()

    @property
    def last_id(self):
        return next((each.id for each in reversed(self.events) if each.id is not None), None)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Caller:
    """An agent at one address of the gateway; legacy with a session once it has begun, modern without."""

    def __init__(self, gateway, path, token, modern=False):
        self.gateway, self.path, self.token, self.modern = gateway, path, token, modern
        self.session = self.version = None
        self.count = 0
        self.hello = None

    def headers(self, message, more):
        headers = {"X-AIP-Token": self.token, "Accept": "application/json, text/event-stream"}
        if message is not None:
            headers["Content-Type"] = "application/json"
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        if self.modern:
            headers["MCP-Protocol-Version"] = MODERN
            headers["Mcp-Method"] = message["method"]
            params = message.get("params", {})
            if message["method"] in ("tools/call", "prompts/get", "resources/read"):
                headers["Mcp-Name"] = params.get("name", params.get("uri", ""))
        elif self.version:
            headers["MCP-Protocol-Version"] = self.version
        return {name: value for name, value in {**headers, **more}.items() if value is not None}

    def open(self, http_method, message=None, body=None, **more):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        if body is None:
            body = None if message is None else json.dumps(message)
        more = {name.replace("_", "-"): value for name, value in more.items()}
        connection.request(http_method, self.path, body=None if body is None else body.encode(),
                           headers=self.headers(message, more))
        return connection, connection.getresponse()

    def send(self, message, body=None, http_method="POST", **more):
        connection, reply = self.open(http_method, message, body, **more)
        try:
            text = reply.read().decode()
        except (http.client.IncompleteRead, ConnectionError) as broken:
            text = getattr(broken, "partial", b"").decode()
        connection.close()
        return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, text)

    def message(self, method, params=None, identity=None):
        self.count += 1
        params = dict(params or {})
        if self.modern:
            params["_meta"] = {"io.modelcontextprotocol/protocolVersion": MODERN,
                               "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
                               **params.get("_meta", {})}
        return {"jsonrpc": "2.0", "id": identity or self.count, "method": method, "params": params}

    def ask(self, method, params=None, **more):
        return self.send(self.message(method, params), **more)

    def tool(self, name, arguments=None, **more):
        return self.ask("tools/call", {"name": name, "arguments": arguments or {}}, **more)

    def notify(self, method, params=None, **more):
        return self.send({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})}, **more)

    def respond(self, identity, result=None):
        return self.send({"jsonrpc": "2.0", "id": identity, "result": result or {"role": "assistant"}})

    def begin(self, version="2025-11-25"):
        self.hello = self.ask("initialize", {"protocolVersion": version, "capabilities": {"sampling": {}},
                                             "clientInfo": {"name": "e2e", "version": "1"}})
        self.session = self.hello.headers.get("mcp-session-id")
        self.version = self.hello.result.get("protocolVersion")
        self.notify("notifications/initialized")
        return self

    def stream(self, message=None, reads=True, **more):
        """Posts the message, or listens where there is none."""
        connection, reply = self.open("GET" if message is None else "POST", message, **more)
        return Stream(connection, reply, reads)

    def call_stream(self, name, arguments=None, meta=None):
        params = {"name": name, "arguments": arguments or {}}
        return self.stream(self.message("tools/call", {**params, **({"_meta": meta} if meta else {})}))

    def other(self, token=None, path=None):
        """Somebody else with the same session."""
        other = Caller(self.gateway, path or self.path, token or self.token, self.modern)
        other.session, other.version = self.session, self.version
        return other
