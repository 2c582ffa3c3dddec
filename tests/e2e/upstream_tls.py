#!/usr/bin/env python3
"""An MCP server over TLS that demands a client certificate: upstream_tls.py CERT KEY CLIENT_CA RECORD.

It writes down the header Authorization of each request."""
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CERT, KEY, CLIENT_CA, RECORD = sys.argv[1:]
RECORD = open(RECORD, "a", buffering=1, encoding="utf-8")


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        subject = dict(part[0] for part in self.connection.getpeercert()["subject"])
        RECORD.write(f"{self.headers.get_all('Authorization')} {self.headers['Host']} {subject['commonName']}\n")
        reply = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": {"content": []}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # handshakes that were to fail


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERT, KEY)
context.load_verify_locations(CLIENT_CA)
context.verify_mode = ssl.CERT_REQUIRED
server = Quiet(("127.0.0.1", 0), Server)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(f"listening on http://127.0.0.1:{server.server_port}/mcp", flush=True)  # the tests' way to say it; it is https
server.serve_forever()
