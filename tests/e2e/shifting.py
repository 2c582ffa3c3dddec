#!/usr/bin/env python3
"""A server whose tools are whatever the file says at the moment: `shifting.py FILE`, a JSON array of tools."""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer


class Shifting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[1], encoding="utf-8") as file:
            tools = json.load(file)
        result = {"tools": tools} if message["method"] == "tools/list" else {"content": []}
        reply = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


class Server(ThreadingHTTPServer):
    def server_bind(self):  # without the usual look-up of the machine's name, which may take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


server = Server(("127.0.0.1", 0), Shifting)
print(f"listening on http://127.0.0.1:{server.server_port}/mcp", flush=True)
server.serve_forever()
