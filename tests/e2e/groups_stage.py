"""Members, groups and the gateway before them, for the parts of groups_checks.py.

All members have the same names, addresses and ids, so that only a prefix tells them apart."""
import pathlib
import sys

from groups_front import Caller, Gateway, check
from groups_server import TOOLS, Member

PROGRAM, WORK = sys.argv[1:3]
UNAVAILABLE = "aip/unavailable"


def token(name):
    return pathlib.Path(f"{WORK}/{name}.token").read_text(encoding="ascii").strip()


ONE = Member("one", page=5)
TWO = Member("two", version="2025-06-18", ttl=300, instructions='Quotes "and" ż.')
PLAIN = Member("plain", sessions=False, listens=False, capabilities={"tools": {}, "logging": {}}, instructions=None,
               page=4)
STRICT = Member("strict", tools=["echo", "what", "delete", "changing", "ask_me", "rated"])
LOOSE = Member("loose", sessions=False)
BAD = Member("bad")
SLOW = Member("slow", delay={"tools/list": 4, "notifications/initialized": 4, "subscriptions/listen": 4,
                             "server/discover": 4})
MORTAL = Member("mortal")
MUTE = Member("mute", sessions=False, listens=False)
ALL = (ONE, TWO, PLAIN)
DEAD_PORT = 9

POLICY = """apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata: {name: strict}
spec:
  allowed_methods: ["*"]
  denied_methods: [resources/list]
  denied_tools: [delete]
  allowed_tools: [echo, changing, fresh]
  tool_rules:
    - {tool: what, cost_usd: 0.4}
    - {tool: ask_me, action: ask}
    - {tool: rated, rate_limit: 1/hour}
  pins: {mode: first_sight, flagged: block}
  approval: {timeout: 20s, prompts_per_minute: 10}
  dlp:
    enabled: true
    builtin: false
    scan_requests: true
    scan_responses: true
    on_request_match: redact
    patterns: [{name: Project name, regex: '(?i)\\bproject[ -]aurora\\b', action: redact}]
"""


def write_config(name):
    root = pathlib.Path(f"{WORK}/root.did").read_text(encoding="ascii").strip()
    servers = "".join(
        f"  - {{name: {each.name}, url: 'http://127.0.0.1:{each.port}/mcp'{more}}}\n" for each, more in
        ((ONE, ""), (TWO, ""), (PLAIN, ""), (STRICT, f", policy: {WORK}/strict.yaml"), (SLOW, ", timeout: 20s"),
         (MORTAL, ""), (MUTE, ""), (LOOSE, ""), (BAD, "")))
    groups = "".join(
        f"  - {{name: {name}, path: /{name}, members: [{', '.join(members)}], timeout: 1s{more}}}\n"
        for name, members, more in (
            ("all", ("one", "two", "plain"), ""), ("faulty", ("one", "slow", "dead"), ""),
            ("short", ("one", "two"), ", name_bytes: 16"), ("ruled", ("strict", "one"), ""),
            ("quiet", ("plain", "mute"), ""), ("mortals", ("one", "mortal"), ""), ("lost", ("dead", "gone"), ""),
            ("pair", ("one", "two"), ", max_connections: 500"), ("loosely", ("one", "loose"), ""),
            ("badly", ("bad", "one"), ""), ("few", ("one", "slow"), ", max_connections: 2")))
    return (f"listen: {{port: 0}}\nadmin: {{socket: {WORK}/{name}.admin}}\napproval: {{notify: false}}\n"
            f"audit: {{file: {WORK}/{name}.audit, sync: none}}\n"
            f"identity: {{key: {WORK}/gate.key, store: {WORK}/{name}.db}}\nlimits: {{threads: 2}}\n"
            f"trust: [{{root: '{root}', bearer: true}}]\nupstreams:\n{groups}{servers}"
            f"  - {{name: dead, url: 'http://127.0.0.1:{DEAD_PORT}/mcp', connect_timeout: 1s}}\n"
            f"  - {{name: gone, url: 'http://127.0.0.1:{DEAD_PORT}/mcp', connect_timeout: 1s}}\n")


pathlib.Path(f"{WORK}/strict.yaml").write_text(POLICY, encoding="ascii")
GATEWAY = Gateway(PROGRAM, WORK, "groups", write_config("groups"))


def caller(path="all", name="agent", **ways):
    return Caller(GATEWAY, f"/{path}", token(name), **ways)


def session(path="all", name="agent"):
    return caller(path, name).begin()


def refused(name, reply, code, status=None):
    check(f"{name}: {code}", reply.code == code and reply.status != 200 and status in (None, reply.status), reply)


def untouched(members, run):
    """Runs it; did nothing reach the members?"""
    before = [len(each.seen) for each in members]
    result = run()
    return result, before == [len(each.seen) for each in members]


def names_of(reply, kind="tools", name="name"):
    return [each[name] for each in reply.result.get(kind, [])]


def walk(who, method, kind, name="name"):
    """All pages of a list: entries, number of pages, and the last reply."""
    found, cursor, pages = [], None, 0
    while pages < 20:
        reply = who.ask(method, {} if cursor is None else {"cursor": cursor})
        found += names_of(reply, kind, name)
        pages += 1
        cursor = reply.result.get("nextCursor")
        if cursor is None:
            return found, pages, reply
    return found, pages, reply
