#!/usr/bin/env python3
"""A plain HTTP API that answers everything and writes down what reached it, one JSON line a request.

Its paths below /v1: `echo` gives the request back, `text` a text, `secret` a text with a key in it, `bytes` bytes,
`empty` nothing, `moved` a redirect, `events` an event stream, `cached` an ETag, anything else a small object."""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

RECORD = open(sys.argv[1], "a", buffering=1, encoding="utf-8")
KEY = "AKIA" + "QWERTYUIOPASDFGH"


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def give(self, body, kind="application/json", status=200, **fields):
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def answer(self):
        body = self.read_body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        row = {"method": self.command, "target": self.path, "headers": headers, "body": body.decode("latin-1")}
        RECORD.write(json.dumps(row) + "\n")
        name = self.path.split("?")[0].removeprefix("/v1/")
        if name == "echo":
            self.give(json.dumps(row).encode())
        elif name == "text":
            self.give(b"a plain text\n", "text/plain; charset=utf-8")
        elif name == "secret":
            self.give(f"the key is {KEY}\n".encode(), "text/plain")
        elif name == "bytes":
            self.give(bytes(range(256)), "application/octet-stream")
        elif name == "empty":
            self.give(b"", None, 204)
        elif name == "moved":
            self.give(b"", None, 302, Location="http://internal.example/")
        elif name == "broken":
            self.give(b'{"a":1,"a":2}')
        elif name == "missing":
            self.give(b'{"error":"nothing here"}', status=404)
        elif name == "cookies":
            self.give(b"{}", Set_Cookie="session=1", Cache_Control="public, max-age=600", Server="inner/1.0")
        elif name == "cached":
            known = self.headers.get("If-None-Match") == '"one"'
            self.give(b'{"cached":true}', status=304 if known else 200, ETag='"one"')
        elif name == "events":
            self.give(b'data: {"n":1}\n\ndata: [DONE]\n\n', "text/event-stream")
        elif name == "secret-events":
            self.give(f"data: fine\n\ndata: the key is {KEY}\n\n".encode(), "text/event-stream")
        else:
            self.give(b'{"ok":true}')

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def server_bind(self):  # without the usual look-up of the machine's name, which may take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


server = Server(("127.0.0.1", 0), Api)
print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
