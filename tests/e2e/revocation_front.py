#!/usr/bin/env python3
"""An HTTPS front of lists of revocations: of a real gateway, and of a publisher that does as it is told.

Usage: revocation_front.py FOLDER CERTIFICATE_AND_KEY
Listens on 127.0.0.2, and prints `listening on https://… as DID` with the DID of its own list. What is read each time:
FOLDER/gateway   the address of the gateway that `a.…` leads to; 503 without one
FOLDER/mode-a    `pass`, or `replay`: the first answer to this question once more
FOLDER/mode-c    how the own list at `c.…` is answered (MODES)
FOLDER/list      the own list, one statement a line
Each request is a line `HOST PATH` in FOLDER/requests."""
import json
import ssl
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from urllib.parse import parse_qs, urlsplit

sys.dont_write_bytecode = True
import identity_sign as sign  # noqa: E402

FOLDER = Path(sys.argv[1]).resolve()
REQUESTS = open(FOLDER / "requests", "a", buffering=1, encoding="utf-8")
OWN, OTHER = sign.Key("list"), sign.Key("another list")
first_answers = {}


def page(since, key=OWN, **changes):
    """The page that is due, with members changed."""
    lines = (FOLDER / "list").read_text().split()
    payload = {"iss": OWN.did, "iat": int(time.time()), "from": since, "to": len(lines), "last": len(lines),
               "statements": lines[since:], **changes}
    header = {"alg": "EdDSA", "typ": "aip-revocations+jwt", "kid": payload["iss"] + "#key-1"}
    text = b".".join(sign.base64url(json.dumps(part).encode()).encode() for part in (header, payload))
    return text + b"." + sign.base64url(key.sign(text)).encode()


def beyond(since):
    """`since` and the end of a list that has nothing after that."""
    return {"from": since, "to": since, "last": since, "statements": []}


MODES = {
    "good": page,
    "gap": lambda since: page(since, **beyond(since + 1)),
    "hidden": lambda since: page(since, **{**beyond(since), "last": since + 1}),
    "back": lambda since: page(since, **{**beyond(since), "last": since - 1}),
    "old": lambda since: page(since, iat=int(time.time()) - 3600),
    "ahead": lambda since: page(since, iat=int(time.time()) + 3600),
    "forged": lambda since: page(since, OTHER),
    "other": lambda since: page(since, OTHER, iss=OTHER.did),
    "extra": lambda since: page(since, exp=1),
    "large": lambda since: page(since) + b"A" * (5 << 20),
}


def of_gateway(path):
    if not (FOLDER / "gateway").exists():
        return None
    if (FOLDER / "mode-a").read_text().strip() == "replay":
        return first_answers.get(path)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open((FOLDER / "gateway").read_text().strip() + path, timeout=5) as answer:
            body = answer.read()
    except OSError:
        return None
    first_answers.setdefault(path, body)
    return body


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        host = self.headers.get("Host", "").split(":")[0]
        REQUESTS.write(f"{host} {self.path}\n")
        since = int(parse_qs(urlsplit(self.path).query)["since"][0])
        body = of_gateway(self.path) if host.startswith("a.") else MODES[(FOLDER / "mode-c").read_text().strip()](since)
        self.send_response(503 if body is None else 200)
        self.send_header("Content-Type", "application/jose")
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body or b"")


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
server = Server(("127.0.0.2", 0), Front)
print(f"listening on https://127.0.0.2:{server.server_port} as {OWN.did}", flush=True)
server.serve_forever()
