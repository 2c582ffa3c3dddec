"""What a test of faults does to a gateway and sees of it: requests byte by byte, lines of the log, memory, descriptors,
children. The command line is that of faults.py."""
import json
import os
import socket
import sys
import time
from urllib.parse import urlsplit

GATEWAY, TOKEN_FILE, AUDIT, PID, UPSTREAM = sys.argv[1:6]
PID = int(PID)
HOST, PORT = urlsplit(GATEWAY).hostname, urlsplit(GATEWAY).port
with open(TOKEN_FILE, encoding="ascii") as file:
    TOKEN = file.read().strip()
SETTLE_SECONDS = 4  # until the gateway has closed what its callers and upstreams closed
MIB_MORE = int(os.environ.get("FAULTS_MIB", "24"))  # a sanitizer keeps freed memory: more there
KEPT = 24  # connections to the upstream that may stay for reuse
results = {"failed": 0}


def check(name, good, told=""):
    results["failed"] += not good
    print(f"ok   {name}" if good else f"FAIL {name}: {str(told)[:300]}", flush=True)


# ---- requests ----

def message(tool, identity=1, **arguments):
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": identity, "method": "tools/call", "params": params}).encode()


def head(size, *extra, line="POST /mcp HTTP/1.1", host=None, token=TOKEN, length=True):
    lines = [line, f"Host: {host or f'{HOST}:{PORT}'}", "Content-Type: application/json",
             "Accept: application/json, text/event-stream"]
    lines += [f"X-AIP-Token: {token}"] if token else []
    lines += [f"Content-Length: {size}"] if length else []
    return ("\r\n".join(lines + list(extra)) + "\r\n\r\n").encode()


def post(body, *extra, **how):
    return head(len(body), *extra, **how) + body


def connect(timeout=20):
    connection = socket.create_connection((HOST, PORT), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection):
    """All that comes until the other side closes, or until nothing came for the time-out."""
    got = b""
    try:
        while piece := connection.recv(1 << 20):
            got += piece
    except OSError:
        pass
    return got


def unchunk(body):
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        if not size.strip() or int(size, 16) == 0:
            break
        whole, body = whole + body[:int(size, 16)], body[int(size, 16) + 2:]
    return whole


class Reply:
    def __init__(self, raw):
        self.raw = raw
        top, _, self.body = raw.partition(b"\r\n\r\n")
        lines = top.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if self.fields.get("transfer-encoding") == "chunked":
            self.body = unchunk(self.body)
        found = self.body.rpartition(b'"code_name":"')[2].split(b'"')[0] if b'"code_name"' in self.body else b""
        self.code = found.decode()
        self.decision = self.fields.get("x-aip-decision-id", "")

    def __str__(self):
        return f"{self.status} {self.code} {self.body[:200]!r}"


def ask(raw, timeout=20):
    with connect(timeout) as connection:
        connection.sendall(raw)
        return Reply(receive(connection))


def call(tool, *extra, **arguments):
    return ask(post(message(tool, **arguments), "Connection: close", *extra))


def call_modern(tool):
    body = json.loads(message(tool))
    meta = "io.modelcontextprotocol/"
    body["params"]["_meta"] = {meta + "protocolVersion": "2026-07-28", meta + "clientCapabilities": {}}
    return ask(post(json.dumps(body).encode(), "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call",
                    f"Mcp-Name: {tool}", "Connection: close"))


def upstream_state():
    with socket.create_connection((urlsplit(UPSTREAM).hostname, urlsplit(UPSTREAM).port), timeout=20) as connection:
        connection.sendall(b"GET /state HTTP/1.1\r\nHost: x\r\n\r\n")
        return json.loads(Reply(receive(connection)).body)


# ---- what is to be seen of the gateway from outside ----

def audit_of(decision):
    """The lines about that decision: {event: code}."""
    found = {}
    with open(AUDIT, encoding="utf-8") as log:
        for line in log:
            if decision and decision in line:
                entry = json.loads(line)
                found[entry["event"]] = entry["code"]
    return found


def has_lines(decision, wanted):
    for _ in range(60):
        if audit_of(decision) == wanted:
            return True
        time.sleep(0.05)
    return False


def resident_mib():
    with open(f"/proc/{PID}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


def descriptors():
    """Those of connections to the upstream, which may be kept for reuse, and all others."""
    port, upstream = urlsplit(UPSTREAM).port, set()
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            words = line.split()
            if int(words[2].rpartition(":")[2], 16) == port:
                upstream.add(f"socket:[{words[9]}]")
    kept = others = 0
    for each in os.listdir(f"/proc/{PID}/fd"):
        try:
            known = os.readlink(f"/proc/{PID}/fd/{each}") in upstream
        except OSError:
            continue  # closed meanwhile
        kept, others = kept + known, others + (not known)
    return kept, others


def children():
    count = 0
    for each in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{each}/stat", encoding="latin-1") as stat:
                count += int(stat.read().rpartition(")")[2].split()[1]) == PID
        except OSError:
            pass
    return count


def wait_until(condition, seconds=6):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Measure:
    """What the gateway was before; connections kept for reuse may stay."""

    def __init__(self, name):
        self.name, self.mib, self.descriptors, self.children = name, resident_mib(), descriptors()[1], children()

    def check(self):
        reply = call("good", text=self.name)
        answered = reply.status == 200 and self.name.encode() in reply.body
        check(f"{self.name}: the next request is answered", answered, reply)
        check(f"{self.name}: descriptors return",
              wait_until(lambda: descriptors()[1] <= self.descriptors + 2, SETTLE_SECONDS),
              f"{self.descriptors} before, {descriptors()[1]} now")
        check(f"{self.name}: few connections to the upstream are kept", wait_until(lambda: descriptors()[0] <= KEPT),
              descriptors()[0])
        check(f"{self.name}: memory returns", resident_mib() <= self.mib + MIB_MORE,
              f"{self.mib} MiB before, {resident_mib()} now")
        check(f"{self.name}: no child is left", children() == self.children, children())
        check(f"{self.name}: the upstream has no call open", wait_until(lambda: upstream_state()["open"] == 0),
              upstream_state())


def is_alive():
    try:
        with open(f"/proc/{PID}/stat", encoding="latin-1") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
