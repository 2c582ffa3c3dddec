#!/usr/bin/env python3
"""An MCP server that lists and answers what files of a folder say, and writes down what reached it.

FOLDER/tools.json is its list of tools, read anew for each `tools/list`; likewise resources.json and prompts.json. A
call of the tool T is answered with FOLDER/T.json, or with the event stream FOLDER/T.events, where `@ID@` stands for the
call's id; `===` on a line of its own begins another write a moment later, and `!!!` ends the connection there.
FOLDER/T.wait holds seconds to wait before. Otherwise it says `done`."""
import json
import pathlib
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

FOLDER = pathlib.Path(sys.argv[1])
RECORD = open(FOLDER / "record", "a", buffering=1, encoding="utf-8")
LISTS = {"tools/list": "tools", "resources/list": "resources", "prompts/list": "prompts"}
DONE = '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"done"}]}}'


class Scripted(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def give(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def give_events(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for part in text.split("===\n"):
            whole = not part.endswith("!!!\n")
            self.wfile.write(part.removesuffix("!!!\n").encode())
            self.wfile.flush()
            if not whole:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            time.sleep(0.1)

    def answer(self, message):
        identity = json.dumps(message["id"])
        kind = LISTS.get(message["method"])
        if kind:
            listed = (FOLDER / f"{kind}.json").read_text(encoding="utf-8")
            self.give(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {kind: json.loads(listed)}}))
            return
        tool = message.get("params", {}).get("name", "none")
        wait, events, reply = (FOLDER / f"{tool}.{end}" for end in ("wait", "events", "json"))
        if wait.exists():
            time.sleep(float(wait.read_text(encoding="utf-8")))
        if events.exists():
            self.give_events(events.read_text(encoding="utf-8").replace("@ID@", identity))
        else:
            text = reply.read_text(encoding="utf-8") if reply.exists() else DONE
            self.give(text.replace("@ID@", identity))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        RECORD.write(json.dumps({"headers": headers, "body": body.decode()}) + "\n")
        try:
            self.answer(json.loads(body))
        except OSError:
            pass  # whoever asked is gone


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def server_bind(self):  # without the usual look-up of the machine's name, which may take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


server = Server(("127.0.0.1", 0), Scripted)
print(f"listening on http://127.0.0.1:{server.server_port}/mcp", flush=True)
server.serve_forever()
