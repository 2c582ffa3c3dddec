#!/usr/bin/env python3
"""Stands between a caller and a gateway and changes answers. Usage: GATEWAY_URL MODE_FILE (what to do, one word)."""
import re
import socket
import sys
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

from authority_wire import content_digest

GATEWAY, MODE = urlsplit(sys.argv[1]), Path(sys.argv[2])
RECEIPT = b": aip-receipt "
kept = []  # answers that went through, to be given again


def read_message(connection):
    """(head, body) of a message with a length; of one without, all until the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65536)
        if not block:
            return None
        data += block
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    chunked = re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head)
    while chunked and not body.endswith(b"0\r\n\r\n") or length and len(body) < int(length[1]):
        block = connection.recv(65536)
        if not block:
            break
        body += block
    return head, body


def from_chunks(body):
    data = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            return data
        data, body = data + body[:int(size, 16)], body[int(size, 16) + 2:]


def set_field(head, name, value):
    return re.sub(rb"(?i)\r\n" + name + rb": [^\r]*", b"\r\n" + name + b": " + value, head)


def drop_field(head, name):
    return re.sub(rb"(?i)\r\n" + name + rb": [^\r]*", b"", head)


def change_byte(head, body):
    return head, body.replace(b"content", b"c0ntent", 1)


def change_digest(head, body):
    head, body = change_byte(head, body)
    return set_field(head, b"Content-Digest", content_digest(body).encode()), body


def twice(head, body):
    lines = re.findall(rb"(?i)\r\n(?:signature|signature-input): [^\r]*", head)
    return head + b"".join(lines), body


def first_receipt():
    """The receipt of the first stream."""
    body = next(body for _, body in kept if RECEIPT in body)
    return body[body.index(RECEIPT):]


CHANGES = {
    "pass": lambda head, body: (head, body),
    "body": change_byte,
    "digest": change_digest,
    "status": lambda head, body: (head.replace(b" 200 ", b" 201 ", 1), body),
    "type": lambda head, body: (set_field(head, b"Content-Type", b"application/json; charset=utf-8"), body),
    "decision": lambda head, body: (set_field(head, b"X-AIP-Decision-Id", b"AAAAAAAAAAAAAAAAAAAAAA"), body),
    "swap": lambda head, body: kept[0],
    "strip": lambda head, body: (drop_field(drop_field(head, b"Signature"), b"Signature-Input"), body),
    "double": twice,
    # of streams
    "drop": lambda head, body: (head, body[body.index(b"\n\n") + 2:]),
    "add": lambda head, body: (head, body[:body.index(b"\n\n") + 2] + body),
    "end": lambda head, body: (head, body[:body.index(RECEIPT)]),
    "after": lambda head, body: (head, body + b"data: {}\n\n"),
    "receipt": lambda head, body: (head, body[:body.index(RECEIPT)] + first_receipt()),
}


class Between(BaseRequestHandler):
    def handle(self):
        while (message := read_message(self.request)) is not None:
            with socket.create_connection((GATEWAY.hostname, GATEWAY.port)) as gateway:
                gateway.sendall(b"\r\n\r\n".join(message))
                answer = read_message(gateway)
            if answer is None:
                return
            chunked = b"chunked" in answer[0].lower()
            kept.append((answer[0], from_chunks(answer[1])) if chunked else answer)
            head, body = CHANGES[MODE.read_text().strip()](*kept[-1])
            framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
            self.request.sendall(head + b"\r\n\r\n" + framed)


ThreadingTCPServer.daemon_threads = True
with ThreadingTCPServer(("127.0.0.1", 0), Between) as server:
    print(f"listening on http://127.0.0.1:{server.server_address[1]}/mcp", flush=True)
    server.serve_forever()
