#!/usr/bin/env python3
"""An upstream that trusts everybody, answers everything, and writes down what reached it, one JSON line a request."""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

RECORD = open(sys.argv[1], "a", buffering=1, encoding="utf-8")


class Recorder(BaseHTTPRequestHandler):
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

    def do_POST(self):
        body = self.read_body()
        RECORD.write(json.dumps({"headers": {k.lower(): v for k, v in self.headers.items()}, "body": body.hex()}) + "\n")
        try:
            identity = json.loads(body).get("id")
        except (ValueError, AttributeError):
            identity = None
        reply = json.dumps({"jsonrpc": "2.0", "id": identity, "result": {"content": []}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # one that overflows costs a second

    def server_bind(self):  # without the usual look-up of the machine's name, which may take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


server = Server(("127.0.0.1", 0), Recorder)
print(f"listening on http://127.0.0.1:{server.server_port}/mcp", flush=True)
server.serve_forever()
