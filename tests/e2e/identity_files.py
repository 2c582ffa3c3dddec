#!/usr/bin/env python3
"""An HTTPS server of plain files: FOLDER/HOST/PATH. A file FOLDER/HOST/delay holds the seconds that it waits first.

Usage: identity_files.py FOLDER CERTIFICATE_AND_KEY
Listens on 127.0.0.2 and notes each request as a line `HOST PATH` in FOLDER/requests."""
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

FOLDER = Path(sys.argv[1]).resolve()
REQUESTS = open(FOLDER / "requests", "a", buffering=1, encoding="utf-8")


class Files(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        host = self.headers.get("Host", "").split(":")[0]
        REQUESTS.write(f"{host} {self.path}\n")
        delay, file = FOLDER / host / "delay", FOLDER / host / self.path.lstrip("/")
        if delay.exists():
            time.sleep(float(delay.read_text()))
        body = file.read_bytes() if file.is_file() else b""
        self.send_response(200 if file.is_file() else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):  # without the usual look-up of the machine's name, which may take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def get_request(self):
        connection, address = super().get_request()
        connection.settimeout(20)
        return CONTEXT.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_):
        pass  # who left early is part of the tests


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(sys.argv[2])
server = Server(("127.0.0.2", 0), Files)
print(f"listening on https://127.0.0.2:{server.server_port}", flush=True)
server.serve_forever()
