#!/usr/bin/env python3
"""An upstream that trusts everybody, answers everything, and writes down what reached it, one JSON line a request.

GET, and the tool `stream`, give an event every tenth of a second, a hundred or as many as its argument `events` says;
the tool `silent` is answered after five seconds."""
import json
import sys
import time
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

    def give_events(self, count=100, answer=None):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for number in range(count):
                params = {"level": "info", "data": number}
                event = {"jsonrpc": "2.0", "method": "notifications/message", "params": params}
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                time.sleep(0.1)
            self.wfile.write(f"data: {json.dumps(answer)}\n\n".encode() if answer else b"")
        except OSError:
            pass  # whoever read it is gone

    def do_GET(self):
        self.give_events()

    def do_POST(self):
        body = self.read_body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        RECORD.write(json.dumps({"headers": headers, "body": body.hex()}) + "\n")
        try:
            message = json.loads(body)
            identity, params = message.get("id"), message.get("params", {})
            tool, count = params.get("name"), params.get("arguments", {}).get("events", 100)
        except (ValueError, AttributeError):
            identity = tool = None
        answer = {"jsonrpc": "2.0", "id": identity, "result": {"content": [], "tools": []}}
        if tool == "stream" or (identity and message.get("method") == "subscriptions/listen"):
            self.give_events(count, answer)
            return
        if tool == "silent":
            time.sleep(5)
        reply = json.dumps(answer).encode()
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
