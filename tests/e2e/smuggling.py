#!/usr/bin/env python3
"""Requests that two readers could read differently, sent as raw bytes: none may bring `danger_tool` to the upstream.

Usage: smuggling.py GATEWAY_URL TOKEN_FILE RECORD_FILE VECTORS_FOLDER
The token grants tool:safe_tool only. Prints one line for each check."""
import json
import re
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

GATEWAY, RECORD, VECTORS = urlsplit(sys.argv[1]), Path(sys.argv[3]), Path(sys.argv[4])
TOKEN = Path(sys.argv[2]).read_bytes().strip()
AUTHORITY = GATEWAY.netloc.encode()
SAFE = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe_tool","arguments":{}}}'
DANGER = SAFE.replace(b"safe_tool", b"danger_tool")
# Rows of the public sets that end otherwise here, and why. A row that no longer does fails, so the table stays true.
EXCEPTIONS = {
    # libmicrohttpd 0.9.75 ends a header's value at a NUL and shows nothing of the rest. The credential that is judged is
    # the part before it; the NUL goes nowhere, since headers are written anew (spec/gateway.md, G-12).
    "http-012": "forward",
}
failed = 0


def report(name, problem):
    global failed
    failed += problem is not None
    print(f"ok   {name}" if problem is None else f"FAIL {name}: {problem}", flush=True)


def recorded():
    return [json.loads(line) for line in RECORD.read_text().splitlines()]


def exchange(raw):
    """Sends bytes; gives (HTTP status, body) of each reply until the gateway closes or falls silent."""
    data = b""
    with socket.create_connection((GATEWAY.hostname, GATEWAY.port), timeout=10) as connection:
        connection.sendall(raw)
        try:
            while not complete(data, raw.count(b"POST /") or 1):
                block = connection.recv(65536)
                if not block:
                    break
                data += block
        except (TimeoutError, ConnectionResetError):
            pass
    return list(replies(data))


def replies(data):
    while match := re.match(rb"HTTP/1\.1 (\d{3}) .*?\r\n\r\n", data, re.S):
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", match[0])
        end = match.end() + (int(length[1]) if length else 0)
        if len(data) < end:
            return
        yield int(match[1]), data[match.end():end]
        data = data[end:]


def complete(data, wanted):
    return len(list(replies(data))) >= wanted


def request(body, *headers, target=None, kind=b"application/json", framing=None, token=True):
    lines = [b"POST " + (target or GATEWAY.path.encode()) + b" HTTP/1.1", b"Host: " + AUTHORITY]
    lines += [b"Content-Type: " + kind, b"Accept: application/json, text/event-stream"]
    lines += [b"X-AIP-Token: " + TOKEN] if token else []
    lines += [framing or b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def problem_with(raw, expected, body=None):
    """Expected: `forward`, `deny` or `reject`, or an HTTP status. None = as it should be."""
    before = len(recorded())
    answers = exchange(raw)
    status, reply = answers[0] if answers else (0, b"")
    reached = recorded()[before:]
    if any(b"danger_tool" in bytes.fromhex(each["body"]) for each in reached):
        return "the tool reached the upstream"
    if expected in ("forward", "200", 200):
        if status != 200 or len(reached) != 1:
            return f"HTTP {status}, {len(reached)} requests reached the upstream: {reply[:200]}"
        if body is not None and bytes.fromhex(reached[0]["body"]) != body:
            return "the bytes that reached the upstream differ"
        return None
    if reached:
        return "a request reached the upstream"
    if isinstance(expected, int) or expected.isdigit():
        return None if status == int(expected) else f"HTTP {status}: {reply[:200]}"
    if expected == "deny" and b"scope.insufficient" not in reply:
        return f"HTTP {status}: {reply[:200]}"
    # A connection closed without a word is a refusal as well, of framing that nobody should answer.
    return None if status == 0 or 400 <= status < 500 else f"HTTP {status}: {reply[:200]}"


def same_id(raw, body):
    answer = json.loads(exchange(raw)[0][1])
    return None if answer["id"] == json.loads(body)["id"] else f"id is {answer['id']}"


def rows(name):
    path = VECTORS / "10-attack" / name
    if not path.exists():
        print(f"skip {path.name}: absent")
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def public_rows():
    for row in rows("jsonrpc_smuggling_public.jsonl"):
        body = bytes.fromhex(row["body_hex"])
        headers = [f"{k}: {v}".encode() for k, v in row["headers"].items() if k.lower() != "content-type"]
        raw = request(body, *headers)
        report(f"{row['id']} {row['name']}", problem_with(raw, row["expected"], body))
        if row["expected"] == "deny":
            report(f"{row['id']} the refusal carries the id", same_id(raw, body))
    for row in rows("http_raw_public.jsonl"):
        raw = bytes.fromhex(row["raw_hex"]) if row["raw_hex"] else row["raw"].encode()
        raw = raw.replace(b"{{TOKEN}}", TOKEN)
        expected = EXCEPTIONS.get(row["id"], row["expected"])
        report(f"{row['id']} {row['name']}", problem_with(raw, expected))


def own_rows():
    def params(text):
        return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + text + b"}"

    bodies = {
        "a member name spelt with an escape": params(b'{"name":"safe_tool","na\\u006de":"danger_tool"}'),
        "params twice": SAFE[:-1] + b',"params":{"name":"danger_tool"}}',
        "a name that ends in U+0000": params(b'{"name":"safe_tool","name\\u0000":"danger_tool"}'),
        "a name with U+017F for s": SAFE[:-1] + ',"paramſ":{"name":"danger_tool"}}'.encode(),
        "a second document": SAFE + DANGER,
        "a byte order mark": b"\xef\xbb\xbf" + DANGER,
        "overlong UTF-8 in the tool's name": params(b'{"name":"\xc1\xb3afe_tool","x":"danger_tool"}'),
        "UTF-16": DANGER.decode().encode("utf-16"),
        "a tool's name in an array": params(b'{"name":["safe_tool","danger_tool"]}'),
        "a method in another case": DANGER.replace(b"tools/call", b"Tools/Call"),
        "no method, a result that hides a call": b'{"jsonrpc":"2.0","id":1,"result":{},"method":"tools/call","params":{"name":"danger_tool"}}',
        "a notification that calls": b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"danger_tool"}}',
    }
    for name, body in bodies.items():
        report(name, problem_with(request(body), "reject"))
    spelt = DANGER.replace(b"danger_tool", b"danger\\u005ftool")
    report("a tool's name spelt with an escape", problem_with(request(spelt), "deny"))
    number = SAFE.replace(b'"arguments":{}', b'"arguments": {"n": 12345678901234567890.10e2, "m": 1.10}')
    report("numbers arrive as they were sent", problem_with(request(number), "forward", number))


def chunked(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def framing_rows():
    te, length = b"Transfer-Encoding: chunked", b"Content-Length: %d" % len(DANGER)
    token = b"X-AIP-Token: " + TOKEN
    cases = {
        "a chunked body": (request(chunked(SAFE), framing=te), "forward"),
        "Content-Length and Transfer-Encoding": (request(chunked(SAFE) + DANGER, te), "reject"),
        "two lengths": (request(DANGER, length.replace(b"%d" % len(DANGER), b"4")), "reject"),
        "an unknown transfer coding": (request(chunked(DANGER), framing=b"Transfer-Encoding: xchunked"), "reject"),
        "a folded header": (request(DANGER, b"X-Other: a\r\n Content-Length: 5"), "reject"),
        "a coded body": (request(SAFE, b"Content-Encoding: gzip"), 415),
        "another media type": (request(SAFE, kind=b"text/plain"), 415),
        "two tokens": (request(SAFE, token), 401),
        "a token and an Authorization": (request(SAFE, b"Authorization: AIP " + TOKEN), 401),
        "a token in the query": (request(SAFE, target=GATEWAY.path.encode() + b"?X-AIP-Token=" + TOKEN, token=False), 401),
        "an origin that is not allowed": (request(SAFE, b"Origin: https://evil.example"), 403),
        "another host name": (request(SAFE).replace(b"Host: " + AUTHORITY, b"Host: evil.example"), 403),
        "a modern header that names another tool": (
            request(DANGER, b"MCP-Protocol-Version: 2026-07-28", b"Mcp-Method: tools/call", b"Mcp-Name: safe_tool"),
            "reject",
        ),
    }
    for name, (raw, expected) in cases.items():
        report(name, problem_with(raw, expected))
    before = len(recorded())
    statuses = [status for status, _ in exchange(request(SAFE) + request(DANGER, token=False))]
    reached = len(recorded()) - before
    report("a second request on the connection needs its own token",
           None if statuses == [200, 401] and reached == 1 else f"{statuses}, {reached} reached the upstream")


def ends_of_doubt():
    """What a proxy before the gateway may take for a body must not become a request of its own."""
    second = request(SAFE)
    doubts = {
        "a space before the colon of Transfer-Encoding": b"Transfer-Encoding : chunked\r\n\r\n",
        "a space before the colon of Content-Length": b"Content-Length : %d\r\n\r\n" % len(second),
        "length and coding": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "two lengths": b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    }
    for target in (GATEWAY.path.encode(), b"/nothing", b"/healthz"):
        for name, rest in doubts.items():
            before = len(recorded())
            method = b"GET " if target == b"/healthz" else b"POST "
            head = method + target + b" HTTP/1.1\r\nHost: " + AUTHORITY + b"\r\nX-AIP-Token: " + TOKEN + b"\r\n"
            answers, closed = until_closed(head + rest + second)
            good = len(answers) == 1 and closed and len(recorded()) == before
            report(f"{name} at {target.decode()}: the connection ends with the answer", None if good else answers)


def until_closed(raw):
    data = b""
    with socket.create_connection((GATEWAY.hostname, GATEWAY.port), timeout=3) as connection:
        connection.sendall(raw)
        try:
            while block := connection.recv(65536):
                data += block
        except ConnectionResetError:
            pass
        except TimeoutError:
            return list(replies(data)), False
    return list(replies(data)), True


def upstream_view():
    seen = [each["headers"] for each in recorded()]
    leaked = sum(TOKEN.decode() in json.dumps(each) for each in seen)
    report("the token never reaches the upstream", None if seen and leaked == 0 else f"{leaked} of {len(seen)}")
    wanted = ("x-aip-verified", "x-aip-subject", "x-aip-root", "x-aip-decision-id")
    lacking = [name for name in wanted if any(name not in each for each in seen)]
    report("the upstream is told who asks", None if not lacking else f"lacking {lacking}")


public_rows()
own_rows()
framing_rows()
ends_of_doubt()
upstream_view()
sys.exit(failed != 0)
