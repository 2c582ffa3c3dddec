#!/usr/bin/env python3
"""Faults of upstreams and of clients, through a gateway whose upstream is faults_upstream.py: what the caller gets, the
lines of the log, and that memory, descriptors and children of the gateway return to where they were.
Usage: faults.py GATEWAY_URL TOKEN_FILE AUDIT_FILE GATEWAY_PID UPSTREAM_URL CONFIGURATION_FILE [PART…]"""
import json
import os
import resource
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
from faults_probe import (AUDIT, PID, Measure, Reply, ask, audit_of, call, call_modern, check, connect,
                          has_lines, head, is_alive, message, post, receive, resident_mib, results,
                          upstream_state, wait_until, HOST, PORT)

FILE, PARTS = sys.argv[6], sys.argv[7:]
SILENCE = 2  # seconds that an upstream may be silent, as the gateway was told


# ---- upstreams ----

# Where libraries differ in whether an answer that was cut off is a bad one or none.
CUT = "upstream.invalid|upstream.unreachable|memory"

# tool, HTTP status, code in the answer ("" for none), code of the outcome
UPSTREAMS = [
    ("good", 200, "", "ok"),
    ("slow", 200, "", "ok"),
    ("last_event_unfinished", 200, "", "ok"),
    ("lines_cr", 200, "", "ok"),
    ("lines_crlf", 200, "", "ok"),
    ("lines_joined", 200, "", "ok"),
    ("split_everywhere", 200, "", "ok"),
    ("until_close", 200, "", "ok"),
    ("chunked_with_trailers", 200, "", "ok"),
    ("early_hints", 200, "", "ok"),
    ("asks_much", 200, "", "ok"),
    ("extra_after_answer", 200, "", "ok"),
    ("closes", 502, "upstream.unreachable", "upstream.unreachable"),
    ("resets", 502, "upstream.unreachable", "upstream.unreachable"),
    ("dies_in_head", 502, CUT, CUT),
    ("dies_in_stream", 200, CUT, CUT),
    ("resets_in_stream", 200, CUT, CUT),
    ("ends_without_answer", 200, "upstream.invalid", "upstream.invalid"),
    ("hangs", 504, "upstream.timeout", "upstream.timeout"),
    ("hangs_in_head", 504, "upstream.timeout", "upstream.timeout"),
    ("hangs_in_body", 504, "upstream.timeout", "upstream.timeout"),
    ("drips", 504, "upstream.timeout", "upstream.timeout"),
    ("drips_chunks", 504, "upstream.timeout", "upstream.timeout"),
    ("drips_in_head", 504, "upstream.timeout", "upstream.timeout"),
    ("drips_heads", 504, "upstream.timeout", "upstream.timeout"),
    ("drips_headers", 504, "upstream.timeout", "upstream.timeout"),
    ("slow_but_large", 200, "", "ok"),
    ("too_short", 502, "upstream.invalid", "upstream.invalid"),
    ("too_long", 502, CUT, CUT),
    ("two_lengths", 502, "upstream.invalid", "upstream.invalid"),
    ("two_types", 502, "upstream.invalid", "upstream.invalid"),
    ("two_sessions", 502, "upstream.invalid", "upstream.invalid"),
    ("negative_length", 502, "upstream.invalid", "upstream.invalid"),
    ("no_http", 502, "upstream.invalid", "upstream.invalid"),
    ("old_http", 502, "upstream.invalid", "upstream.invalid"),
    ("bad_chunks", 502, "upstream.invalid", "upstream.invalid"),
    ("giant_chunk", 502, "upstream.invalid", "upstream.invalid"),
    ("cut_chunk", 502, CUT, CUT),
    ("coded", 502, "upstream.invalid", "upstream.invalid"),
    ("redirects", 502, "upstream.invalid", "upstream.invalid"),
    ("status_zero", 502, "upstream.invalid", "upstream.invalid"),
    ("deep", 502, "upstream.invalid", "upstream.invalid"),
    ("no_json", 502, "upstream.invalid", "upstream.invalid"),
    ("twice_a_member", 502, "upstream.invalid", "upstream.invalid"),
    ("two_documents", 502, "upstream.invalid", "upstream.invalid"),
    ("a_page", 502, "upstream.invalid", "upstream.invalid"),
    ("nothing", 502, "upstream.invalid", "upstream.invalid"),
    ("wrong_id", 502, "upstream.invalid", "upstream.invalid"),
    ("id_respelled", 502, "upstream.invalid", "upstream.invalid"),
    ("batch", 502, "upstream.invalid", "upstream.invalid"),
    ("answers_twice", 200, "", "upstream.invalid"),
    ("answers_nobody", 200, "upstream.invalid", "upstream.invalid"),
    ("event_no_json", 200, "upstream.invalid", "upstream.invalid"),
    ("byte_order_mark", 200, "upstream.invalid", "upstream.invalid"),
    ("not_utf8", 200, "upstream.invalid", "upstream.invalid"),
]

# What is sent without end is cut early: the most megabytes that the upstream may have got rid of.
FLOODS = [
    ("huge_body", 502, "upstream.invalid"),
    ("huge_chunks", 502, "upstream.invalid"),
    ("huge_event", 200, "upstream.invalid"),
    ("huge_head", 502, CUT),
    ("huge_line", 502, CUT),
    ("many_1xx", 502, CUT),
]
FLOOD_MIB = 24  # the cap of 4 and what sockets hold


def fails_as_it_should(tool, http, code, outcome):
    reply = call(tool)
    good = reply.code in code.split("|") and (reply.status == http or (reply.code == "memory" and reply.status == 503))
    check(f"{tool}: {http} {code}", good, reply)
    wanted = reply.code if outcome == CUT else outcome
    after = call("good")
    check(f"{tool}: the next request is answered", after.status == 200, after)
    check(f"{tool}: a decision, and the outcome {wanted}",
          has_lines(reply.decision, {"decision": "ok", "outcome": wanted}), audit_of(reply.decision))


def upstream_faults():
    measure = Measure("after the faults of upstreams")
    for tool, http, code, outcome in UPSTREAMS:
        fails_as_it_should(tool, http, code, outcome)
    reply = call("early_hints")
    check("nothing of a 103 comes through", "mcp-session-id" not in reply.fields, reply.fields)
    reply = call("chunked_with_trailers")
    check("nothing of a trailer comes through", b"late" not in reply.raw, reply.raw)
    reply = call("ends_without_answer")
    check("what came before it ended is there", reply.body.startswith(b"data: ") and b'"data": 1' in reply.body, reply)
    reply = call("last_event_unfinished")
    check("half an event is not passed on", b"half" not in reply.body, reply)
    measure.check()


def ends_of_streams():
    """A caller that can resume is not told that its call failed; one that cannot is."""
    for tool, outcome in (("dies_after_id", CUT), ("ends_after_id", "ok")):
        reply = call(tool)
        check(f"{tool}: no error in the answer's place", reply.status == 200 and b"error" not in reply.body, reply)
        ended = b"0\r\n\r\n" in reply.raw
        check(f"{tool}: and the stream ends as it did", ended == (outcome == "ok"), reply.raw[-40:])
        check(f"{tool}: the outcome {outcome}", any(has_lines(reply.decision, {"decision": "ok", "outcome": each})
                                                   for each in outcome.split("|")), audit_of(reply.decision))
        reply = call_modern(tool)
        check(f"{tool}, where nothing can be resumed: an error", reply.status == 200 and reply.code in CUT, reply)
        call("good")
    reply = call("asks_once")
    check("a request of a server, before the version without them", reply.status == 200 and not reply.code, reply)
    reply = call_modern("asks_once")
    check("a request of a server, in the version without them", reply.code == "upstream.invalid", reply)
    check("is not passed on", b"ping" not in reply.body, reply)
    reply = call_modern("good")
    check("a good answer in that version", reply.status == 200 and not reply.code, reply)


def poisoned_connection():
    """An answer that nobody asked for must not be the next one's."""
    with connect() as connection:
        wrong = []
        for number in range(40):
            tool = "extra_after_answer" if number % 2 == 0 else "good"
            connection.sendall(post(message(tool, identity=number, text="mine")))
            got = connection.recv(65536)
            if b"of nobody" in got or f'"id": {number},'.encode() not in got:
                wrong.append(got)
        check("bytes after an answer are never the next answer", not wrong, wrong)


def upstream_floods():
    measure = Measure("after floods of upstreams")
    for tool, http, code in FLOODS:
        began = time.monotonic()
        fails_as_it_should(tool, http, code, code)
        sent = upstream_state()["sent"] >> 20
        check(f"{tool}: cut early", sent <= FLOOD_MIB, f"{sent} MiB were taken")
        check(f"{tool}: and soon", time.monotonic() - began < 10, time.monotonic() - began)
    measure.check()


# ---- clients ----

def refused(name, raw, statuses, code=None):
    reply = ask(raw, timeout=5)
    good = reply.status in statuses and (code is None or reply.code == code)
    check(f"{name}: {'/'.join(str(each) for each in statuses)} {code or ''}".rstrip(), good, reply)
    if reply.decision:
        check(f"{name}: its line in the log", has_lines(reply.decision, {"decision": reply.code}), reply.decision)


def client_forms():
    before = upstream_state()["requests"]
    body = message("good")
    last = "Connection: close"
    chunks = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    coded = head(0, "Transfer-Encoding: chunked", last, length=False)
    refused("two lengths that differ", post(body, "Content-Length: 5", last), (400,))
    refused("two lengths that agree", post(body, f"Content-Length: {len(body)}", last), (400,))
    refused("a list of lengths", head(0, f"Content-Length: {len(body)}, {len(body)}", last, length=False) + body,
            (400,))
    refused("a length and chunks", post(body, "Transfer-Encoding: chunked", last), (400,))
    gzip = head(0, "Transfer-Encoding: gzip, chunked", last, length=False)
    refused("chunks in another coding", gzip + chunks + b"\r\n", (400,), "request.headers")
    refused("a chunk with a bad size", coded + b"xyz\r\n" + body, (400,))
    refused("a chunk of a negative size", coded + b"-1\r\n" + body, (400,))
    refused("a negative length", head(0, "Content-Length: -1", last, length=False) + body, (400,))
    refused("a length that is a word", head(0, "Content-Length: many", last, length=False) + body, (400,))
    refused("an absolute target", post(body, last, line=f"POST http://{HOST}:{PORT}/mcp HTTP/1.1"), (400, 404))
    refused("another host in the target", post(body, last, line="POST http://evil.example/mcp HTTP/1.1"),
            (400, 403, 404))
    refused("a target that begins with @", post(body, last, line=f"POST @evil.example/mcp HTTP/1.1"), (400, 404))
    refused("a user in Host", post(body, last, host=f"x@{HOST}:{PORT}"), (400, 403))
    refused("a path that only looks the same", post(body, last, line="POST /./mcp HTTP/1.1"), (404,))
    refused("an escaped path", post(body, last, line="POST /%6dcp HTTP/1.1"), (404,))
    refused("two hosts", post(body, f"Host: {HOST}:{PORT}", last), (400,))
    refused("a space before the colon", post(body, "X-Bad : a", last), (400,))
    refused("no HTTP", b"HELO gateway\r\n\r\n", (0, 400))
    refused("HTTP of another kind", post(body, last, line="POST /mcp HTTP/7.3"), (400, 505))
    refused("100 headers", post(body, *[f"X-{number}: x" for number in range(100)], last), (400, 431))
    refused("a header of 64 KiB", post(body, "X-Long: " + "x" * 65536, last), (400, 413, 431))
    refused("a target of 64 KiB", post(body, last, line="POST /" + "x" * 65536 + " HTTP/1.1"), (400, 414, 431))
    refused("no token", post(body, last, token=None), (401,), "token.missing")
    refused("an empty body", post(b"", last), (400,), "json.syntax")
    refused("PUT", post(body, last, line="PUT /mcp HTTP/1.1"), (405,))
    refused("CONNECT", post(body, last, line="CONNECT evil.example:443 HTTP/1.1"), (400, 404, 405))
    check("nothing of that reached the upstream", upstream_state()["requests"] == before, upstream_state())
    reply = ask(coded + chunks + b"\r\n")
    check("chunks are taken", reply.status == 200, reply)
    reply = ask(coded + chunks + b"X-AIP-Token: x\r\nMcp-Session-Id: y\r\n\r\n")
    check("trailers change nothing", reply.status in (200, 400), reply)
    for name, line in (("a folded header", "X-Long: a\r\n b"), ("NUL in a header", "X-Nul: a\0b")):
        reply = ask(post(body, line, last))
        check(f"{name} is refused, or not passed on", reply.status in (200, 400), reply)


def client_pipelines():
    with connect(5) as connection:
        first = [post(message("slow" if each == 0 else "good", identity=each)) for each in range(3)]
        connection.sendall(b"".join(first) + post(message("good", identity=3), "Connection: close"))
        got = receive(connection)
    places = [got.find(f'"id": {each},'.encode()) for each in range(4)]
    check("requests in one packet are answered in their order", -1 not in places and places == sorted(places), places)
    hidden = post(message("good", identity="smuggled"), "Connection: close")
    reply = ask(head(len(hidden), "Connection: close") + hidden)
    check("a request in a body is a body", reply.status == 400 and reply.code == "json.syntax", reply)


def clients_vanish():
    measure = Measure("after clients that vanish")
    for raw in (b"POST /mc", head(1000), head(1000) + b"{", post(message("good"))[:-5]):
        for _ in range(20):
            with connect() as connection:
                connection.sendall(raw)
    for tool in ("hangs", "hangs_in_body", "stream"):
        call("good")
        left = upstream_state()["left"]
        began = time.monotonic()
        for _ in range(10):
            with connect() as connection:
                arrived = upstream_state()["requests"]
                connection.sendall(post(message(tool)))
                wait_until(lambda arrived=arrived: upstream_state()["requests"] > arrived, 2)
        check(f"{tool}: the upstream learns that the caller has gone",
              wait_until(lambda: upstream_state()["left"] >= left + 10, 3), upstream_state())
        check(f"{tool}: sooner than it would be cut", time.monotonic() - began < 10 * SILENCE, "late")
    with connect() as connection:
        connection.sendall(post(message("stream"), "Connection: close"))
        decision = Reply(connection.recv(4096)).decision
    check("the outcome of a call whose caller went",
          has_lines(decision, {"decision": "ok", "outcome": "request.abandoned"}), audit_of(decision))
    measure.check()


def slow_clients():
    """A byte every half second must not hold a place for ever; what is fast goes on beside it."""
    measure = Measure("after slow clients")
    slow = [connect(60) for _ in range(12)]
    raw = post(message("good"))
    sent, ended = 0, {}
    began = time.monotonic()
    while len(ended) < len(slow) and time.monotonic() - began < 40:
        for number, connection in enumerate(slow):
            if number in ended:
                continue
            begin = 0 if number % 2 == 0 else raw.index(b"\r\n\r\n") + 2  # half of them in the body
            piece = raw[:begin + sent + 1] if sent == 0 else raw[begin + sent:begin + sent + 1]
            try:
                connection.sendall(piece)
                connection.settimeout(0.001)
                connection.recv(4096)  # an answer, or the end
                ended[number] = time.monotonic() - began
            except TimeoutError:
                pass
            except OSError:
                ended[number] = time.monotonic() - began
        sent += 1
        if sent % 10 == 0:
            reply = call("good")
            if reply.status != 200:
                check("a fast request beside slow clients", False, reply)
        time.sleep(0.5)
    for connection in slow:
        connection.close()
    check("clients that send a byte at a time are ended", len(ended) == len(slow), f"{len(ended)} of {len(slow)}")
    print(f"     after {min(ended.values(), default=0):.0f} to {max(ended.values(), default=0):.0f} s")
    measure.check()


# ---- many ----

def idle_streams():
    measure = Measure("after idle streams")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = 1000 if hard >= 8192 else 300
    mib = resident_mib()
    streams = []
    for _ in range(count):
        connection = connect()
        connection.sendall(head(0, line="GET /mcp HTTP/1.1", length=False))
        streams.append(connection)
    began = sum(b" 200 " in connection.recv(4096) for connection in streams)
    check(f"{count} idle streams are open", began == count, began)
    check("at the upstream too", wait_until(lambda: upstream_state()["streams"] == count, 10), upstream_state())
    print(f"     {(resident_mib() - mib) * 1024 / count:.1f} KiB a stream")
    took = []
    with connect() as connection:
        for number in range(300):
            at = time.monotonic()
            connection.sendall(post(message("good", identity=number)))
            if b" 200 " not in connection.recv(65536):
                check("a busy client beside them", False, number)
            took.append(time.monotonic() - at)
    took.sort()
    check("a busy client beside them is answered quickly", took[len(took) // 2] < 0.05, took[len(took) // 2])
    print(f"     p50 {took[150] * 1e6:.0f} us, p99 {took[297] * 1e6:.0f} us")
    for connection in streams:
        connection.close()
    check("when they go, so do those at the upstream", wait_until(lambda: upstream_state()["streams"] == 0, 10),
          upstream_state())
    measure.check()


def open_stream(*extra):
    connection = connect()
    connection.sendall(head(0, "Connection: close", *extra, line="GET /mcp HTTP/1.1", length=False))
    check("a stream opens", b" 200 " in connection.recv(4096))
    return connection


def is_open(connection):
    """A stream that says nothing. What came is thrown away."""
    connection.settimeout(0.01)
    try:
        while connection.recv(4096):
            pass
        return False
    except TimeoutError:
        return True
    except OSError:
        return False


def streams_of_a_session():
    """G-115: the newest stream of a session is the only one, though the upstream would have more."""
    measure = Measure("after streams of sessions")
    mine, other = (f"Mcp-Session-Id: {call('gives_session', text=name).fields['mcp-session-id']}"
                   for name in ("one", "two"))
    beside = [open_stream(other), open_stream(mine, "Last-Event-ID: 7"), open_stream(), open_stream()]
    streams = [open_stream(mine) for _ in range(7)]
    check("of seven streams of one session, over all shards, the last one stays",
          wait_until(lambda: [is_open(each) for each in streams] == [False] * 6 + [True], 5),
          [is_open(each) for each in streams])
    check("the upstream sees the others go", wait_until(lambda: upstream_state()["streams"] == 5, 5), upstream_state())
    time.sleep(1.5)
    check("the last one stays for good", is_open(streams[-1]))
    check("another session's, one that is resumed, and those of no session are left alone",
          all(is_open(each) for each in beside), [is_open(each) for each in beside])
    streams.append(open_stream(other, "Last-Event-ID: busy"))
    check("one that is resumed, and that its server holds open, ends the one before",
          is_open(streams[-1]) and not is_open(beside[0]) and all(map(is_open, streams[-2:] + beside[1:])))
    refused = ask(head(0, mine, "Connection: close", line="GET /mcp HTTP/1.1", length=False, token=""))
    check("somebody else cannot end it", refused.status == 401 and is_open(streams[-1]), refused)
    for connection in streams + beside:
        connection.close()
    check("when they go, so do those at the upstream", wait_until(lambda: upstream_state()["streams"] == 0, 10),
          upstream_state())
    measure.check()


class Load:
    """Callers who ask one after the other; counts whole answers, connections that were ended, and what is neither."""

    def __init__(self, callers):
        self.whole, self.ended, self.odd, self.stop = 0, 0, [], False
        self.threads = [threading.Thread(target=self.run, args=(each,)) for each in range(callers)]

    def end(self):
        self.stop = True
        for each in self.threads:
            each.join(30)

    def run(self, each):
        tools = ("good", "slow", "lines_crlf", "asks_much")
        number = 0
        while not self.stop:
            number += 1
            tool = tools[(each + number) % len(tools)]
            try:
                reply = call(tool)
            except OSError:
                self.ended += 1
                return
            if reply.status in (200, 502, 503, 504) and reply.body.rstrip()[-1:] in (b"}", b"\n", b""):
                self.whole += 1
            elif reply.raw == b"":
                self.ended += 1
            else:
                self.odd.append(str(reply))


def rewrite(old, new):
    with open(FILE, encoding="utf-8") as configuration:
        text = configuration.read()
    with open(FILE, "w", encoding="utf-8") as configuration:
        configuration.write(text.replace(old, new))


def reload_under_load():
    """Good and bad files in turn: nobody loses an answer, and a stream that is open goes on."""
    measure = Measure("after reloads")
    load = Load(8)
    with connect() as stream:
        stream.sendall(post(message("stream")))
        begun = b""
        while b"data: " not in begun:
            begun += stream.recv(4096)
        for each in load.threads:
            each.start()
        for number in range(8):
            rewrite("timeout: x", "timeout: ")
            if number % 4 == 3:
                rewrite("timeout: ", "timeout: x")
            os.kill(PID, signal.SIGHUP)
            time.sleep(0.3)
        load.end()
        check("the load is answered while the configuration is read again", load.whole > 16, load.whole)
        check("every answer was whole", not load.odd and load.ended == 0, f"{load.odd} {load.ended}")
        stream.settimeout(0.2)
        goes_on = receive(stream) == b"" and upstream_state()["open"] == 1
        check("a stream that was open goes on", goes_on, upstream_state())
    rewrite("timeout: x", "timeout: ")
    reported = 0
    with open(AUDIT, encoding="utf-8") as log:
        reported = sum(json.loads(line)["event"] == "reload" for line in log)
    check("the log tells of the reloads", reported >= 6, reported)
    measure.check()


def stop_under_load():
    load = Load(16)
    for each in load.threads:
        each.start()
    time.sleep(2)
    check("the load is answered", load.whole > 16 and load.ended == 0, f"{load.whole} whole, {load.ended} ended")
    began = time.monotonic()
    os.kill(PID, signal.SIGTERM)
    ended = wait_until(lambda: not os.path.exists(f"/proc/{PID}/fd") or not is_alive(), 8)
    load.end()
    check("it ends soon", ended and time.monotonic() - began < 8, time.monotonic() - began)
    check("every caller got a whole answer or none", not load.odd, load.odd)
    decisions, outcomes = 0, 0
    with open(AUDIT, encoding="utf-8") as log:
        for line in log:
            entry = json.loads(line)
            decisions += entry["event"] == "decision" and entry["decision"] == "ALLOW"
            outcomes += entry["event"] == "outcome"
    check("every call that was allowed has its outcome", decisions == outcomes, f"{decisions} and {outcomes}")
    print(f"     {load.whole} whole answers, {load.ended} ended; {decisions} decisions to allow")


ALL = [upstream_faults, ends_of_streams, poisoned_connection, upstream_floods, client_forms, client_pipelines,
       clients_vanish, slow_clients, idle_streams, streams_of_a_session,
       reload_under_load, stop_under_load]
for warm in range(30):
    call("good")
for part in ALL:
    if not PARTS or part.__name__ in PARTS or part is stop_under_load:
        at = time.monotonic()
        part()
        print(f"     {part.__name__}: {time.monotonic() - at:.1f} s", flush=True)
sys.exit(1 if results["failed"] else 0)
