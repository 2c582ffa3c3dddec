#!/usr/bin/env python3
"""An upstream that misbehaves as the name of the called tool says, byte by byte. GET /state, asked directly, tells how
many calls are open and what was sent for the last large answer; GET of anything else is a stream that says nothing."""
import asyncio
import json
import re
import socket
import struct

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
state = {"open": 0, "sent": 0, "left": 0, "streams": 0, "requests": 0}
sessions = []  # of the streams that are open


def answer(identity, text="ok"):
    result = {"content": [{"type": "text", "text": text}]}
    return json.dumps({"jsonrpc": "2.0", "id": identity, "result": result}).encode()


def sized(body, head=JSON_HEAD):
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data):
    return b"data: " + data + b"\n\n"


def note(number):
    params = {"level": "info", "data": number}
    return json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": params}).encode()


class Call:
    """One request. Each method named like a tool is a way to answer it, and gives whether the connection may go on."""

    def __init__(self, reader, writer, identity, arguments):
        self.reader, self.writer, self.identity, self.arguments = reader, writer, identity, arguments

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def until_left(self):
        """Until the caller closes its side."""
        while await self.reader.read(65536):
            pass
        state["left"] += 1

    async def events(self, body, ends=True):
        end = b"0\r\n\r\n" if ends else b""
        await self.send(SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(body) + end)
        return ends

    # ---- good ones ----

    async def good(self):
        await self.send(sized(answer(self.identity, self.arguments.get("text", "ok"))))
        return True

    async def gives_session(self):
        name = self.arguments["text"].encode()
        await self.send(sized(answer(self.identity), JSON_HEAD + b"Mcp-Session-Id: " + name + b"\r\n"))
        return True

    async def slow(self):
        await asyncio.sleep(0.3)
        return await self.good()

    async def last_event_unfinished(self):
        await self.events(event(note(1)) + event(answer(self.identity)) + b"data: half an event")

    async def lines_cr(self):
        return await self.events(b": hello\rdata: " + note(1) + b"\r\rid: 7\rdata: " + answer(self.identity) + b"\r\r")

    async def lines_crlf(self):
        return await self.events(b": hello\r\nevent: message\r\ndata: " + answer(self.identity) + b"\r\n\r\n")

    async def lines_joined(self):
        first, second = answer(self.identity).split(b", ", 1)
        return await self.events(b"data: " + first + b",\ndata:" + second + b"\n\n")

    async def split_everywhere(self):
        await self.send(SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for byte in event(note(1)).replace(b"\n", b"\r\n") + event(answer(self.identity)):
            await self.send(chunk(bytes([byte])))
        await self.send(b"0\r\n\r\n")
        return True

    async def until_close(self):
        await self.send(SSE_HEAD + b"Connection: close\r\n\r\n" + event(answer(self.identity)))

    async def chunked_with_trailers(self):
        await self.send(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(answer(self.identity)) +
                        b"0\r\nX-Late: 1\r\nMcp-Session-Id: late\r\n\r\n")
        return True

    async def early_hints(self):
        await self.send(b"HTTP/1.1 103 Early Hints\r\nMcp-Session-Id: early\r\nX-AIP-Verified: no\r\n\r\n")
        return await self.good()

    async def asks_much(self):
        for number in range(5000):
            ping = {"jsonrpc": "2.0", "id": f"flood-{number}", "method": "ping"}
            head = SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" if number == 0 else b""
            await self.send(head + chunk(event(json.dumps(ping).encode())))
        await self.send(chunk(event(answer(self.identity))) + b"0\r\n\r\n")
        return True

    async def extra_after_answer(self):
        await self.send(sized(answer(self.identity)) + sized(answer("poison", "of nobody")))
        return True

    # ---- connections ----

    async def closes(self):
        pass

    async def resets(self):
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def dies_in_head(self):
        await self.send(JSON_HEAD)

    async def dies_in_stream(self):
        await self.events(event(note(1)), ends=False)

    async def resets_in_stream(self):
        await self.events(event(note(1)), ends=False)
        await asyncio.sleep(0.1)
        await self.resets()

    async def ends_without_answer(self):
        return await self.events(event(note(1)))

    async def dies_after_id(self):
        await self.events(b"id: 1\n" + event(note(1)), ends=False)

    async def ends_after_id(self):
        return await self.events(b"id: 1\n" + event(note(1)))

    async def asks_once(self):
        return await self.events(event(json.dumps({"jsonrpc": "2.0", "id": 5, "method": "ping"}).encode()) +
                                 event(answer(self.identity)))

    async def hangs(self):
        await self.until_left()

    async def hangs_in_head(self):
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
        await self.until_left()

    async def hangs_in_body(self):
        await self.send(JSON_HEAD + b"Content-Length: 1000\r\n\r\n{")
        await self.until_left()

    async def drip(self, bytes_without_end):
        while not self.writer.transport.is_closing():
            await self.send(bytes_without_end)
            await asyncio.sleep(0.5)
        state["left"] += 1

    async def drips(self):
        await self.send(JSON_HEAD + b"Content-Length: 100000\r\n\r\n")
        await self.drip(b" ")

    async def drips_chunks(self):
        await self.send(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        await self.drip(chunk(b" "))

    async def drips_in_head(self):
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Slow: ")
        await self.drip(b"x")

    async def drips_heads(self):
        await self.drip(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def drips_headers(self):
        await self.send(JSON_HEAD)
        await self.drip(b"X-More: x\r\n")

    async def slow_but_large(self):
        body = answer(self.identity, "x" * 40000)
        await self.send(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        for at in range(0, len(body), 4500):
            await self.send(body[at:at + 4500])
            await asyncio.sleep(0.5)
        return True

    async def stream(self):
        await self.send(SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(event(note(0))))
        await self.until_left()

    # ---- lies about length and form ----

    async def too_short(self):
        body = answer(self.identity)
        await self.send(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) - 9) + body)

    async def too_long(self):
        body = answer(self.identity)
        await self.send(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + 9) + body)

    async def two_lengths(self):
        body = answer(self.identity)
        await self.send(JSON_HEAD + b"Content-Length: %d\r\nContent-Length: 5\r\n\r\n" % len(body) + body)

    async def two_types(self):
        await self.send(sized(answer(self.identity), JSON_HEAD + b"Content-Type: text/event-stream\r\n"))

    async def two_sessions(self):
        await self.send(sized(answer(self.identity), JSON_HEAD + b"Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\n"))

    async def negative_length(self):
        await self.send(JSON_HEAD + b"Content-Length: -5\r\n\r\n" + answer(self.identity))

    async def no_http(self):
        await self.send(b"220 mail.example ESMTP\r\n" * 10)

    async def old_http(self):
        await self.send(answer(self.identity))

    async def bad_chunks(self):
        body = b"ZZ\r\n" + answer(self.identity) + b"\r\n0\r\n\r\n"
        await self.send(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)

    async def giant_chunk(self):
        await self.send(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n" + answer(self.identity))

    async def cut_chunk(self):
        await self.send(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n" + answer(self.identity))

    async def coded(self):
        await self.send(sized(b"\x1f\x8b\x08\x00 no text", JSON_HEAD + b"Content-Encoding: gzip\r\n"))

    async def redirects(self):
        await self.send(b"HTTP/1.1 307 Over There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        return True

    async def status_zero(self):
        await self.send(sized(answer(self.identity), b"HTTP/1.1 000 Nothing\r\nContent-Type: application/json\r\n"))

    # ---- too much ----

    async def pour(self, head, piece, millions):
        state["sent"] = 0
        await self.send(head)
        while state["sent"] < millions << 20:
            await self.send(piece)
            state["sent"] += len(piece)

    async def huge_body(self):
        await self.pour(JSON_HEAD + b"Content-Length: 314572800\r\n\r\n[", b'"xxxxxxxxxxxx",' * 4096, 300)

    async def huge_chunks(self):
        await self.pour(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"x" * 65536), 300)

    async def huge_event(self):
        await self.pour(SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"data: " + b"x" * 65536), 300)

    async def huge_head(self):
        await self.pour(JSON_HEAD, b"X-Much: " + b"x" * 8000 + b"\r\n", 300)

    async def huge_line(self):
        await self.pour(JSON_HEAD + b"X-Much: ", b"x" * 65536, 300)

    async def many_1xx(self):
        await self.pour(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 400, 300)

    async def deep(self):
        await self.send(sized(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 100000 + b"]" * 100000 + b"}"))
        return True

    # ---- what is no answer ----

    async def no_json(self):
        await self.send(sized(b'{"jsonrpc":"2.0","id":1,"result":{'))
        return True

    async def twice_a_member(self):
        await self.send(sized(b'{"jsonrpc":"2.0","id":1,"result":{},"result":{"content":[]}}'))
        return True

    async def two_documents(self):
        await self.send(sized(answer(self.identity) + answer(self.identity)))
        return True

    async def a_page(self):
        await self.send(sized(b"<html>no</html>", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"))
        return True

    async def nothing(self):
        await self.send(sized(b""))
        return True

    async def wrong_id(self):
        await self.send(sized(answer("another")))
        return True

    async def id_respelled(self):
        await self.send(sized(answer(str(self.identity))))
        return True

    async def batch(self):
        await self.send(sized(b"[" + answer(self.identity) + b"]"))
        return True

    async def answers_twice(self):
        return await self.events(event(answer(self.identity)) + event(answer(self.identity, "again")))

    async def answers_nobody(self):
        return await self.events(event(answer(999)) + event(answer(self.identity)))

    async def event_no_json(self):
        return await self.events(event(b"hello") + event(answer(self.identity)))

    async def byte_order_mark(self):
        return await self.events(b"\xef\xbb\xbf" + event(answer(self.identity)))

    async def not_utf8(self):
        return await self.events(event(answer(self.identity).replace(b"ok", b"\xff\xfe")))


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    size = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    return head, await reader.readexactly(size)


async def give_state(writer):
    writer.write(sized(json.dumps(state).encode()))
    await writer.drain()


def field(head, name):
    found = re.search(rb"\r\n%s: ([^\r]*)" % name, head, re.IGNORECASE)
    return found[1].decode() if found else ""


async def give_stream(reader, writer, head):
    session = field(head, b"Mcp-Session-Id")
    if field(head, b"Last-Event-ID") == "busy" and sessions.count(session) > 0:
        writer.write(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return True
    state["streams"] += 1
    sessions.append(session)
    try:
        writer.write(SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b": quiet\n\n"))
        await writer.drain()
        while await reader.read(4096):
            pass
    finally:
        state["streams"] -= 1
        sessions.remove(session)


async def give_answer(reader, writer, body):
    message = json.loads(body)
    params = message.get("params") or {}
    state["open"] += 1
    state["requests"] += 1
    try:
        call = Call(reader, writer, message.get("id"), params.get("arguments") or {})
        return await getattr(call, params.get("name", "good"))()
    finally:
        state["open"] -= 1


async def serve(reader, writer):
    try:
        goes_on = True
        while goes_on:
            head, body = await read_request(reader)
            if head.startswith(b"GET /state "):
                goes_on = await give_state(writer)
            elif head.startswith(b"GET "):
                goes_on = await give_stream(reader, writer, head)
            else:
                goes_on = await give_answer(reader, writer, body)
    except (OSError, EOFError):
        pass  # whoever asked is gone
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20, backlog=1024)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp", flush=True)
    await server.serve_forever()


asyncio.run(main())
