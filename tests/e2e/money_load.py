#!/usr/bin/env python3
"""Sends calls over several connections at once and tells what came of each: its number, the status, the name of the
refusal or `-`; `0 -` when there was no answer.

money_load.py GATEWAY CONNECTIONS FOLDER        each NAME.header of the folder with its NAME.body, once
money_load.py GATEWAY CONNECTIONS TOKEN N BODY  N times the same call with a bearer token"""
import http.client
import json
import pathlib
import sys
import threading
import urllib.parse

FIXED = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


def of_folder(folder):
    for header in sorted(pathlib.Path(folder).glob("*.header")):
        lines = header.read_text(encoding="utf-8").splitlines()
        fields = dict(line.split(": ", 1) for line in lines if line)
        yield header.stem, fields, header.with_suffix(".body").read_bytes()


def of_token(token, count, body):
    text = pathlib.Path(token).read_text(encoding="utf-8").strip()
    for number in range(int(count)):
        yield str(number), {"X-AIP-Token": text}, body.encode()


def ask(connection, path, fields, body):
    connection.request("POST", path, body, {**FIXED, **fields})
    reply = connection.getresponse()
    text = reply.read()
    try:
        code = json.loads(text)["error"]["data"]["code_name"]
    except (ValueError, KeyError, TypeError):
        code = "-"
    return reply.status, code


def work(url, calls, lock, results):
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    while True:
        with lock:
            call = next(calls, None)
        if call is None:
            return
        number, fields, body = call
        try:
            results.append((number, *ask(connection, url.path, fields, body)))
        except (OSError, http.client.HTTPException):
            results.append((number, 0, "-"))
            connection.close()


address = urllib.parse.urlsplit(sys.argv[1])
calls = iter(list(of_folder(sys.argv[3]) if len(sys.argv) == 4 else of_token(*sys.argv[3:])))
guard, told = threading.Lock(), []
workers = [threading.Thread(target=work, args=(address, calls, guard, told)) for _ in range(int(sys.argv[2]))]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
for result in told:
    print(*result)
