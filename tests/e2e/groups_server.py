"""MCP servers of both eras for the tests of groups, in threads of whoever imports this: what reached them, and what
they do, stands in the open. All have the same names, addresses and ids, so that only a prefix tells them apart."""
import json
import queue
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

MODERN = "2026-07-28"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
CAPABILITIES = {
    "tools": {"listChanged": True},
    "prompts": {},
    "resources": {"subscribe": True},
    "completions": {},
    "experimental": {"beyond": {}},
}
TOOLS = ["echo", "what", "link", "ask", "ask_text", "cancels", "progress", "breaks", "delete", "round", "prompt_me"]
URI = "doc://shared/1"


def text(value):
    return {"type": "text", "text": value}


class Stream:
    """An event stream that is being written."""

    def __init__(self, handler):
        self.handler = handler
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.flush()
        handler.close_connection = True

    def send(self, message, identity=None):
        head = "" if identity is None else f"id: {identity}\n"
        self.handler.wfile.write(f"{head}data: {json.dumps(message)}\n\n".encode())
        self.handler.wfile.flush()

    def is_read(self):
        """Does the other end still listen?"""
        try:
            self.handler.connection.setblocking(False)
            return self.handler.connection.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            try:
                self.handler.connection.setblocking(True)
            except OSError:
                pass


class Call:
    """A call of a tool under way."""

    def __init__(self, handler, message, session):
        self.handler, self.member, self.session = handler, handler.server.member, session
        self.id, self.params = message["id"], message["params"]
        self.args = self.params.get("arguments", {})
        self.stream = None

    def send(self, message, identity=None):
        if self.stream is None:
            self.stream = Stream(self.handler)
        self.stream.send({"jsonrpc": "2.0", **message}, identity)

    def ask(self, identity):
        """The caller's response to a question of the server."""
        params = {"messages": [], "maxTokens": 1, "_meta": {"progressToken": identity}}
        self.send({"id": identity, "method": "sampling/createMessage", "params": params})
        return self.member.wait_for(
            lambda each: "method" not in each.message and same(each.message.get("id"), identity)
            and each.session == self.session)

    def end(self, result, identity=None):
        self.send({"id": self.id, "result": result}, identity)

    def progress(self, number, identity=None):
        token = self.params.get("_meta", {}).get("progressToken", "none")
        params = {"progressToken": token, "progress": number}
        self.send({"method": "notifications/progress", "params": params}, identity)


def same(a, b):
    return json.dumps(a) == json.dumps(b)  # 7 is not "7"


# ---- tools ----


def echo(call):
    return {"content": [text(f"{call.member.name}: {call.args.get('message', '')}")]}


def what(call):
    return {"content": [text(json.dumps(call.params))]}


def link(call):
    return {"content": [
        text(f"see {URI}"),
        {"type": "resource_link", "uri": URI, "name": "linked"},
        {"type": "resource", "resource": {"uri": URI, "text": f"whole {URI}"}}],
        "structuredContent": {"uri": URI, "type": "resource_link"}}


def ask(call, identity=7):
    answer = call.ask(identity)
    call.end({"content": [text(f"{call.member.name} heard {json.dumps(answer and answer.message)}")]})


def ask_text(call):
    ask(call, "7")


def ask_any(call):
    ask(call, call.args["id"])


def cancels(call):
    call.send({"id": 8, "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}})
    call.send({"method": "notifications/cancelled", "params": {"requestId": 8, "reason": "enough"}})
    call.end({"content": [text("done")]})


def progress(call):
    call.progress(1)
    call.progress(2)
    call.end({"content": [text("done")]})


def breaks(call):
    """Half of an answer; the rest waits for who resumes it."""
    call.member.rest[call.session] = {"id": call.id, "result": {"content": [text(f"{call.member.name}: the rest")]}}
    call.progress(1, "b:1:2")
    call.handler.connection.shutdown(socket.SHUT_RDWR)


def round_trip(call):
    state = call.params.get("requestState")
    if state is None:
        form = {"type": "object", "properties": {"name": {"type": "string"}}}
        asked = {"method": "elicitation/create", "params": {"mode": "form", "message": "?", "requestedSchema": form}}
        return {"resultType": "input_required", "inputRequests": {"name": asked},
                "requestState": f"state of {call.member.name}"}
    return {"content": [text(f"{call.member.name} got {state}")]}


def prompt_me(call):
    return {"content": [text("nothing")]}


RUN = {"echo": echo, "what": what, "link": link, "ask": ask, "ask_text": ask_text, "ask_any": ask_any,
       "cancels": cancels, "progress": progress, "breaks": breaks, "delete": echo, "round": round_trip,
       "prompt_me": prompt_me,
       "ask_me": echo, "rated": echo, "a__b": echo, "_x": echo, "exactly_11c": echo, "twelve_chars": echo}


class Saw:
    """A request that came."""

    def __init__(self, http, headers, message, body, session):
        self.http, self.headers, self.message, self.body, self.session = http, headers, message, body, session
        self.method = message.get("method", "response") if message else http
        self.time = time.monotonic()


class Member:
    """One server. Change its attributes at any time."""

    def __init__(self, name, **ways):
        self.name = name
        self.version = "2025-11-25"
        self.legacy, self.modern, self.sessions, self.listens = True, True, True, True
        self.capabilities = CAPABILITIES
        self.instructions = f"Be kind to {name}."
        self.page = 0  # entries on one; 0: all
        self.ttl = 60000
        self.tools = list(TOOLS)
        self.extra = {}  # members of a tool's definition
        self.resources = [{"uri": URI, "name": "one"}, {"uri": "doc://shared/2", "name": "two"}]
        self.delay = {}  # seconds, by method or tool
        self.errors = {}  # by method: an error, or an HTTP status
        self.scope = "public"
        self.versions = [MODERN]
        self.override = None  # the result of tools/list, whatever it is
        self.raw = {}  # by method: bytes in place of an answer
        self.says = {}  # by method: a notification before the answer, which is a stream then
        self.rest = {}  # by session: what a broken stream still has to say
        for way, value in ways.items():
            setattr(self, way, value)
        self.lock = threading.Condition()
        self.seen, self.known, self.listeners = [], {}, []
        self.port = 0
        self.server = None
        self.start()

    # ---- its life ----

    def start(self):
        self.sockets = set()
        self.ended = threading.Event()
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.member = self
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """Gone, with all its connections and memory of sessions."""
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            self.known.clear()
            for each in list(self.sockets):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.wait_for_listeners(0)

    def forget(self):
        with self.lock:
            self.known.clear()

    # ---- what came ----

    def note(self, saw):
        with self.lock:
            self.seen.append(saw)
            self.lock.notify_all()

    def wait_for(self, condition, seconds=6, after=0):
        """The first request that meets the condition, or None."""
        with self.lock:
            self.lock.wait_for(lambda: any(condition(each) for each in self.seen[after:]), seconds)
            return next((each for each in self.seen[after:] if condition(each)), None)

    def of(self, method, after=0):
        with self.lock:
            return [each for each in self.seen[after:] if each.method == method]

    def last(self, method):
        found = self.of(method)
        return found[-1] if found else None

    # ---- what it says by itself ----

    def publish(self, method, params=None, identity=None):
        """To all who listen, streams of sessions and subscriptions. No method: the message as it is."""
        with self.lock:
            listeners = list(self.listeners)
        for each in listeners:
            each.put((method, params or {}, identity))
        return len(listeners)

    def wait_for_listeners(self, count, seconds=6):
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(self.listeners) != count:
            time.sleep(0.01)
        return len(self.listeners) == count

    def cut_streams(self):
        for each in list(self.listeners):
            each.put(None)


class Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True

    def server_bind(self):  # without the usual look-up of the machine's name, which may take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def handle_error(self, request, client_address):
        pass  # whoever asked is gone


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.member.sockets.add(self.connection)

    def finish(self):
        self.server.member.sockets.discard(self.connection)
        super().finish()

    def log_message(self, *_):
        pass

    # ---- answers ----

    def give(self, status, message=None, **headers):
        body = b"" if message is None else json.dumps(message).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if body:
            self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def give_error(self, status, identity, number, sentence):
        self.give(status, {"jsonrpc": "2.0", "id": identity, "error": {"code": number, "message": sentence}})

    def receive(self):
        member = self.server.member
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        message = json.loads(body) if body else None
        saw = Saw(self.command, headers, message, body.decode(), headers.get("mcp-session-id"))
        member.note(saw)
        return member, saw

    def knows(self, member, saw):
        """Has the request the session that it needs? If not it is answered."""
        if not member.sessions or saw.session in member.known:
            return True
        self.give_error(400 if saw.session is None else 404, (saw.message or {}).get("id"), -32600, "no such session")
        return False

    # ---- requests ----

    def do_POST(self):
        member, saw = self.receive()
        tool = (saw.message.get("params") or {}).get("name")
        member.ended.wait(member.delay.get(saw.method, member.delay.get(tool, 0)))
        if saw.headers.get("mcp-protocol-version") == MODERN:
            self.serve_modern(member, saw)
        elif not member.legacy:
            self.give_error(400, saw.message.get("id"), -32022, "modern only")
        elif saw.method == "initialize":
            self.begin_session(member, saw)
        elif self.knows(member, saw):
            self.serve(member, saw)

    def begin_session(self, member, saw):
        if member.errors.get("initialize"):
            self.fail(member, saw)
            return
        identity = f"{member.name}-{len(member.seen)}"
        result = {"protocolVersion": member.version, "capabilities": member.capabilities,
                  "serverInfo": {"name": member.name, "version": "1"}}
        if member.instructions:
            result["instructions"] = member.instructions
        headers = {}
        if member.sessions:
            headers["Mcp_Session_Id"] = identity
            with member.lock:
                member.known[identity] = member.version
        self.give(200, {"jsonrpc": "2.0", "id": saw.message["id"], "result": result}, **headers)

    def serve_modern(self, member, saw):
        if not member.modern:
            self.give_error(400, saw.message.get("id"), -32600, "Bad Request: this server knows other versions")
        elif saw.method == "subscriptions/listen" and not member.errors.get(saw.method):
            self.listen(member, saw.message)
        else:
            self.serve(member, saw)

    def fail(self, member, saw):
        error = member.errors[saw.method]
        if isinstance(error, int):
            self.give_error(error, saw.message.get("id"), -32603, "it fails")
        else:
            self.give(200, {"jsonrpc": "2.0", "id": saw.message["id"], "error": error})

    def serve(self, member, saw):
        message = saw.message
        if message.get("id") is None or "method" not in message:
            self.give(202)
        elif saw.method in member.raw:
            self.wfile.write(member.raw[saw.method])
            self.close_connection = True
        elif saw.method in member.errors:
            self.fail(member, saw)
        elif saw.method == "tools/call":
            self.call_tool(member, saw)
        else:
            result = answer(member, saw.method, message.get("params") or {})
            if member.override is not None and saw.method == "tools/list":
                result = member.override
            if result is None:
                self.give_error(200, message["id"], -32601, "Method not found")
                return
            reply = {"jsonrpc": "2.0", "id": message["id"], "result": self.finish_result(saw, member, result)}
            if saw.method in member.says:
                stream = Stream(self)
                stream.send({"jsonrpc": "2.0", **member.says[saw.method]})
                stream.send(reply)
            else:
                self.give(200, reply)

    def finish_result(self, saw, member, result):
        if saw.headers.get("mcp-protocol-version") != MODERN:
            return result
        cached = saw.method.endswith(("/list", "/discover"))
        caching = {"ttlMs": member.ttl, "cacheScope": member.scope} if cached else {}
        return {"resultType": "complete", **caching, **result}

    def call_tool(self, member, saw):
        call = Call(self, saw.message, saw.session)
        run = RUN.get(call.params["name"])
        if run is None:
            self.give_error(200, call.id, -32602, "Unknown tool")
            return
        result = run(call)
        if result is not None:
            self.give(200, {"jsonrpc": "2.0", "id": call.id, "result": self.finish_result(saw, member, result)})

    # ---- streams ----

    def pump(self, stream, write, wanted=lambda method, params: True):
        """What is published, until somebody ends it."""
        member = self.server.member
        box = queue.Queue()
        with member.lock:
            member.listeners.append(box)
        try:
            while not member.ended.is_set() and stream.is_read():
                try:
                    event = box.get(timeout=0.05)
                except queue.Empty:
                    continue
                if event is None:
                    return
                if wanted(event[0], event[1]):
                    write(*event)
        finally:
            with member.lock:
                member.listeners.remove(box)

    def do_GET(self):
        member, saw = self.receive()
        member.ended.wait(member.delay.get("GET", 0))
        if not member.listens or "GET" in member.errors:
            self.give(member.errors.get("GET", 405))
            return
        if not self.knows(member, saw):
            return
        stream = Stream(self)
        last = saw.headers.get("last-event-id")
        if last == "b:1:2" and saw.session in member.rest:
            stream.send({"jsonrpc": "2.0", **member.rest.pop(saw.session)}, "b:2:2")
            return
        self.pump(stream, lambda method, params, identity: stream.send(
            {"jsonrpc": "2.0", **({"method": method, "params": params} if method else params)}, identity))

    def listen(self, member, message):
        """A subscription: what may be had of it is acknowledged first."""
        asked = message["params"]["notifications"]
        granted = {key: value for key, value in asked.items() if key in ("toolsListChanged", "resourceSubscriptions")}
        meta = {"_meta": {SUBSCRIPTION: message["id"]}}
        stream = Stream(self)
        stream.send({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                     "params": {"notifications": granted, **meta}})

        def wanted(method, params):
            if method == "notifications/resources/updated":
                return params["uri"] in granted.get("resourceSubscriptions", [])
            return method == "notifications/tools/list_changed" and "toolsListChanged" in granted

        self.pump(stream, lambda method, params, _: stream.send(
            {"jsonrpc": "2.0", "method": method, "params": {**params, **meta}}), wanted)

    def do_DELETE(self):
        member, saw = self.receive()
        if self.knows(member, saw):
            with member.lock:
                member.known.pop(saw.session, None)
            self.give(200)


# ---- results ----


def paged(member, name, entries, params):
    at = int(params["cursor"].split("!")[1]) if "cursor" in params else 0
    if member.page == 0:
        return {name: entries}
    result = {name: entries[at:at + member.page]}
    if at + member.page < len(entries):
        result["nextCursor"] = f"{member.name}!{at + member.page}"
    return result


def answer(member, method, params):
    if method == "tools/list":
        tools = [{"name": name, "description": f"{name} of {member.name}", "inputSchema": {"type": "object"},
                  **member.extra.get(name, {})} for name in member.tools]
        return paged(member, "tools", tools, params)
    if method == "prompts/list":
        return paged(member, "prompts", [{"name": "greet"}, {"name": "part"}], params)
    if method == "resources/list":
        return paged(member, "resources", member.resources, params)
    if method == "resources/templates/list":
        return {"resourceTemplates": [{"uriTemplate": "doc://shared/{id}", "name": "any"}]}
    if method == "resources/read":
        return {"contents": [{"uri": params["uri"], "text": f"{member.name} has {params['uri']}"}]}
    if method == "prompts/get":
        content = {"type": "resource", "resource": {"uri": URI, "text": f"{params['name']} of {member.name}"}}
        return {"messages": [{"role": "user", "content": content}]}
    if method == "completion/complete":
        ref = params["ref"]
        return {"completion": {"values": [member.name, ref.get("name") or ref.get("uri")]}}
    if method == "server/discover":
        return {"supportedVersions": member.versions, "capabilities": member.capabilities,
                "serverInfo": {"name": member.name, "version": "1"}, "instructions": member.instructions}
    if method in ("logging/setLevel", "resources/subscribe", "resources/unsubscribe", "ping"):
        return {}
    return None
