"""Groups: what goes to all members, and sessions (spec/group.md U-14 to U-23)."""
import re
import threading
import time

from groups_front import Caller, Gateway, check, until
from groups_server import MODERN, TOOLS
from groups_stage import (ALL, BAD, GATEWAY, MORTAL, ONE, PLAIN, PROGRAM, TWO, UNAVAILABLE, WORK, caller, names_of,
    refused, session, token, untouched, walk, write_config)


def everybody():
    """U-14, U-17, U-19, U-20, and U-15 where nothing came"""
    seen, before = [len(each.seen) for each in ALL], len(GATEWAY.lines())
    agent = session()
    check("initialize reaches all",
          [len(each.of("initialize", at)) for each, at in zip(ALL, seen)] == [1, 1, 1], agent.hello)
    lines = GATEWAY.decisions(before, 3, method="initialize", decision="ALLOW")
    check("and each has a line in the log",
          sorted(each.get("upstream") for each in lines if each.get("upstream") != "all")
          == ["one", "plain", "two"], lines)
    check("so does notifications/initialized",
          all(until(lambda each=each, at=at: each.of("notifications/initialized", at))
              for each, at in zip(ALL, seen)), "")
    check("its version is the oldest", agent.hello.result.get("protocolVersion") == "2025-06-18", agent.hello)
    capabilities = agent.hello.result.get("capabilities")
    check("capabilities are those of all, as far as they are carried", capabilities == {
        "tools": {"listChanged": True}, "prompts": {}, "resources": {"subscribe": True}, "logging": {},
        "completions": {}}, agent.hello)
    told = agent.hello.result.get("instructions", "")
    check("instructions stand below the names", re.search(
        r'one[^\n]*\nBe kind to one\.\n+two[^\n]*\nQuotes "and" ż\.', told) is not None and "plain" not in told, told)
    check("the server is the gateway", agent.hello.result.get("serverInfo", {}).get("name") not in (
        "one", "two", "plain", None), agent.hello)
    for each, version in ((ONE, "2025-11-25"), (TWO, "2025-06-18"), (PLAIN, "2025-11-25")):
        agent.tool(f"{each.name}__echo")
        saw = each.last("tools/call")
        check(f"{each.name} is spoken to in its own version",
              saw.headers.get("mcp-protocol-version") == version, saw.headers)
        check("and with its own session", (saw.session in each.known) == each.sessions and (
            each.sessions or saw.session is None), saw.headers)
    reply, quiet = untouched(ALL, lambda: agent.ask("ping"))
    check("ping is answered by the gateway", reply.status == 200 and reply.answer.get("result") == {} and quiet, reply)
    seen = [len(each.seen) for each in ALL]
    reply = agent.ask("logging/setLevel", {"level": "debug"})
    check("logging/setLevel reaches all", reply.status == 200 and reply.answer.get("result") == {} and
          [len(each.of("logging/setLevel", at)) for each, at in zip(ALL, seen)] == [1, 1, 1], reply)
    for method, params in (("notifications/cancelled", {"requestId": "nothing"}),
                           ("notifications/roots/list_changed", None)):
        seen = [len(each.seen) for each in ALL]
        reply = agent.notify(method, params)
        check(f"{method} reaches all", reply.status == 202 and
              [len(each.of(method, at)) for each, at in zip(ALL, seen)] == [1, 1, 1], reply)
    ONE.says["prompts/list"] = {"method": "notifications/message", "params": {"level": "info", "data": "psst"}}
    reply = agent.ask("prompts/list")
    del ONE.says["prompts/list"]
    check("what a member says meanwhile is relayed",
          "text/event-stream" in reply.headers.get("content-type", "") and any(
        each.get("params", {}).get("data") == "psst" for each in reply.messages), reply)
    check("before the one answer", len([each for each in reply.messages if "method" not in each]) == 1 and
          "one__greet" in names_of(reply, "prompts") and "two__greet" in names_of(reply, "prompts"), reply)
    TWO.version = "1999-01-01"
    agent = session()
    check("a member with a version that nobody speaks is not there",
          agent.hello.status == 200 and agent.hello.result.get("_meta", {}).get(UNAVAILABLE) == ["two"], agent.hello)
    TWO.version = "2025-06-18"
    answers_of_none()


def answers_of_none():
    refusal = caller("lost").ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                                "clientInfo": {"name": "e2e", "version": "1"}})
    refused("where nobody answers the refusal is the answer", refusal, "upstream.unreachable")
    for each in ALL:
        each.errors["prompts/list"] = {"code": -32000, "message": f"{each.name} cannot"}
    reply = session().ask("prompts/list")
    check("an error of all is the first one's",
          reply.error.get("message") == "one cannot" and "id" in reply.answer, reply)
    for each in ALL:
        each.errors["prompts/list"] = {"code": -32601, "message": "Method not found"}
    reply = session().ask("prompts/list")
    check("where none has the method the answer says so", reply.error.get("code") == -32601 or
          reply.result.get("prompts") == [], reply)
    for each in ALL:
        del each.errors["prompts/list"]


def lists():
    """U-16"""
    agent = session()
    seen = [len(each.seen) for each in ALL]
    tools, pages, reply = walk(agent, "tools/list", "tools")
    asked = [len(each.of("tools/list", at)) for each, at in zip(ALL, seen)]
    check("pages go on until the last member has no more", pages == 3 and asked == [3, 1, 3], f"{pages} {asked}")
    check("each tool comes once", len(tools) == len(set(tools)) == 3 * len(TOOLS), tools)
    first = agent.ask("tools/list")
    owners = [each.split("__")[0] for each in names_of(first)]
    check("in the order of the members", owners == ["one"] * 5 + ["two"] * len(TOOLS) + ["plain"] * 4, owners)
    check("a cursor reaches its member as it was",
          [each.message["params"]["cursor"] for each in ONE.of("tools/list", seen[0])[1:3]] == ["one!5", "one!10"],
          ONE.last("tools/list").body)
    entry = next((each for each in first.result["tools"] if each["name"] == "two__echo"), {})
    check("entries are as they came", entry == {"name": "two__echo", "description": "echo of two",
                                                "inputSchema": {"type": "object"}}, entry)
    for bad in ("x", "one!5", "", "AAAA", "////", 7):
        reply, quiet = untouched(ALL, lambda: agent.ask("tools/list", {"cursor": bad}))
        check(f"a cursor of nobody, {bad!r}, is refused", reply.code == "request.invalid" and quiet, reply)
    modern = caller(modern=True)
    ONE.page = PLAIN.page = 0
    reply = modern.ask("tools/list")
    ONE.page, PLAIN.page = 5, 4
    check("a modern list is private and as fresh as the least fresh", reply.result.get("cacheScope") == "private" and
          reply.result.get("ttlMs") == 300 and reply.result.get("resultType") == "complete", reply)
    check("and has all", len(names_of(reply)) == 3 * len(TOOLS), reply)


def discovery():
    """U-18"""
    ONE.versions = [MODERN, "2099-01-01"]
    reply = caller(modern=True).ask("server/discover")
    ONE.versions = [MODERN]
    check("versions are those that all have", reply.result.get("supportedVersions") == [MODERN], reply)
    check("what they can do is joined", set(reply.result.get("capabilities", {})) == {
        "tools", "prompts", "resources", "logging", "completions"}, reply)
    begun = time.monotonic()
    reply = caller("faulty", modern=True).ask("server/discover")
    check("without those that do not answer in time", reply.result.get("supportedVersions") == [MODERN] and
          "slow" in reply.result.get("_meta", {}).get(UNAVAILABLE, []) and time.monotonic() - begun < 3, reply)


def hostile():
    """What a member says of itself, or in place of an answer, is its own."""
    agent = session("badly")
    BAD.tools = ["two__x", "one__echo", "ok"]
    tools, _, reply = walk(agent, "tools/list", "tools")
    check("a member cannot take another's name", [each for each in tools if not each.startswith("one__")]
          == ["bad__two__x", "bad__one__echo", "bad__ok"], reply)
    ok = {"inputSchema": {"type": "object"}}
    listed = {"jsonrpc": "2.0", "id": 0, "result": {"tools": [
        {"name": 5, **ok}, {"title": "x", **ok}, "text", {"name": "one__echo", "name ": "x", **ok}, {"name": "", **ok},
        {"name": "good", **ok}], "_meta": {UNAVAILABLE: ["one"]}, "nextCursor": 7, "prompts": "x"}}
    for replies in (listed, {**listed, "result": {"tools": {}}}, {**listed, "result": {}}, {**listed, "result": []}):
        BAD.says["tools/list"] = {"method": "notifications/message", "params": {"level": "info", "data": "x"}}
        BAD.override = replies["result"]
        reply = agent.ask("tools/list")
        names_ = names_of(reply)
        check("a list that is none harms nobody", reply.status == 200 and "one__echo" in names_ and all(
            isinstance(each, str) and each.startswith(("one__", "bad__")) for each in names_) and
            reply.result.get("_meta", {}).get(UNAVAILABLE) in (None, ["bad"]), reply)
    BAD.override = None
    del BAD.says["tools/list"]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    for name, raw in (("no JSON", head + b"4\r\n\r\nnone"), ("half of one", head + b"400\r\n\r\n{\"jsonrpc\":"),
                      ("another id", head + b'37\r\n\r\n{"jsonrpc":"2.0","id":"z","result":{}}'),
                      ("a redirect", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                                     b"Content-Length: 0\r\n\r\n"),
                      ("no HTTP", b"hello\r\n\r\n"), ("nothing", b""),
                      ("too much", head + b"9000000\r\n\r\n" + b" " * 9000000)):
        BAD.raw["tools/list"] = raw
        reply = agent.ask("tools/list")
        check(f"{name} in place of a list is that member's fault alone", reply.status == 200 and
              "one__echo" in names_of(reply) and reply.result.get("_meta", {}).get(UNAVAILABLE) == ["bad"], reply)
    BAD.raw.clear()
    BAD.version = 'x"y'
    check("nor is a version that is none", caller("badly").begin().hello.result.get("_meta", {}).get(UNAVAILABLE)
          == ["bad"], "")
    BAD.version = "2025-11-25"


def sessions():
    """U-21, U-23"""
    agent, other = session(), session(name="other")
    check("a session id tells nothing",
          agent.session and not any(name in agent.session for name in ("one-", "two-", ".")),
          agent.session)
    check("two sessions are two", agent.session != other.session, "")
    reply, quiet = untouched(ALL, lambda: other.other(token("agent")).tool("one__echo"))
    refused("another agent's session", reply, "session.not_found", 404)
    check("reaches nobody", quiet)
    refused("the session at another group", agent.other(path="/pair").tool("one__echo"), "session.not_found", 404)
    refused("or at a member", agent.other(path="/one").tool("echo"), "session.not_found", 404)
    own = Caller(GATEWAY, "/one", token("agent")).begin()
    refused("a member's session at the group", own.other(path="/all").tool("one__echo"), "session.not_found", 404)
    refused("a session id of nobody", Caller.other(agent).send(agent.message("tools/list"), Mcp_Session_Id="AAAA" * 20),
            "session.not_found", 404)
    check("a member without sessions takes part", agent.tool("plain__echo").said == "plain: ", "")
    replica = Gateway(PROGRAM, WORK, "replica", write_config("replica"))
    moved = Caller(replica, "/all", token("agent"))
    moved.session, moved.version = agent.session, agent.version
    check("another gateway with the same key serves the session", moved.tool("two__echo").said == "two: ", "")
    moved.token = token("other")
    refused("to its own agent", moved.tool("two__echo"), "session.not_found", 404)
    check("and ends with 0", replica.stop() == 0, "")
    TWO.forget()
    reply = agent.tool("two__echo")
    check("a member that has forgotten its session says 404", reply.status == 404, reply)
    reply = agent.ask("tools/list")
    check("and in a list it is not there", reply.result.get("_meta", {}).get(UNAVAILABLE) == ["two"] and
          "one__echo" in names_of(reply), reply)
    fresh = session()
    known = ONE.last("initialize"), len(ONE.known), len(TWO.known)
    reply = fresh.other(token("other")).send(None, http_method="DELETE")
    refused("another agent cannot end it", reply, "session.not_found", 404)
    reply = fresh.send(None, http_method="DELETE")
    check("DELETE ends the sessions of all members", reply.status in (200, 202, 204) and
          (len(ONE.known), len(TWO.known)) == (known[1] - 1, known[2] - 1), f"{reply} {known}")
    check("after which they are not found", fresh.tool("one__echo").status == 404, "")
    check("another session goes on", agent.tool("one__echo").said == "one: ", "")


def late():
    """U-22"""
    MORTAL.stop()
    agent = session("mortals")
    check("a session begins without a member", agent.session and
          agent.hello.result.get("_meta", {}).get(UNAVAILABLE) == ["mortal"], agent.hello)
    refused("whose tools are told to be in no session", agent.tool("mortal__echo"), "session.not_found", 404)
    MORTAL.start()
    seen = len(MORTAL.seen)
    reply = agent.ask("tools/list")
    check("when it comes it is not asked in this session", "one__echo" in names_of(reply) and
          len(MORTAL.seen) == seen, reply)
    refused("a call of it begins a new one", agent.tool("mortal__echo"), "session.not_found", 404)
    check("in which it is there", session("mortals").tool("mortal__echo").said == "mortal: ", "")
    MORTAL.stop()
    agent = session("mortals")
    for _ in range(3):
        caller("mortals", modern=True).tool("mortal__echo")
    refused("one that is known not to answer", agent.tool("mortal__echo"), "upstream.unreachable", 502)
    MORTAL.start()
    check("and answers again after its rest", until(
        lambda: session("mortals").tool("mortal__echo").said == "mortal: ", 8), "")


def faults():
    """U-15, U-19"""
    agent = caller("faulty")
    begun = time.monotonic()
    agent.begin()
    check("a dead member harms nobody", agent.hello.status == 200 and agent.session is not None, agent.hello)
    check("and is told of", agent.hello.result.get("_meta", {}).get(UNAVAILABLE) == ["dead"], agent.hello)
    spent = time.monotonic() - begun
    check("a notification waits for a slow member as long as the group says", 0.8 < spent < 3, spent)
    line = GATEWAY.decisions(0, 1, method="initialize", upstream="dead")
    check("the log has the dead one", line, "")
    begun = time.monotonic()
    reply = agent.ask("tools/list")
    spent = time.monotonic() - begun
    check("a list comes within the group's time", reply.status == 200 and 0.8 < spent < 3, f"{spent} {reply}")
    check("with what came",
          len(names_of(reply)) > 0 and all(each.startswith("one__") for each in names_of(reply)), reply)
    unavailable = reply.result.get("_meta", {}).get(UNAVAILABLE)
    check("and who did not answer",
          unavailable is not None and "slow" in unavailable and "one" not in unavailable, reply)
    check("the log has that, too",
          until(lambda: any(each["code"] == "upstream.timeout" for each in GATEWAY.lines("outcome"))),
          GATEWAY.lines("outcome")[-3:])
    check("a call of the slow one has its own limits", agent.tool("slow__echo").said == "slow: ", "")
    begun = time.monotonic()
    check("while the others answer at once",
          agent.tool("one__echo").said == "one: " and time.monotonic() - begun < 1, "")
    for _ in range(3):
        refused("a call of the dead one", caller("faulty", modern=True).tool("dead__echo"), "upstream.unreachable", 502)
    refused("one in a session that began without it", agent.tool("dead__echo"), "upstream.unreachable", 502)
    few, statuses = caller("few", modern=True), []
    many = [threading.Thread(target=lambda: statuses.append(few.ask("tools/list").status)) for _ in range(4)]
    for each in many:
        each.start()
    for each in many:
        each.join()
    check("a group has its own limit of requests at once", sorted(statuses) == [200, 200, 503, 503], statuses)
    agent = session()
    TWO.errors["tools/list"] = {"code": -32000, "message": "no"}
    reply = agent.ask("tools/list")
    check("a member with an error is told of", reply.result.get("_meta", {}).get(UNAVAILABLE) == ["two"] and
          "one__echo" in names_of(reply), reply)
    TWO.errors["tools/list"] = 500
    reply = agent.ask("tools/list")
    check("one that fails, too", reply.result.get("_meta", {}).get(UNAVAILABLE) == ["two"], reply)
    TWO.errors["tools/list"] = {"code": -32601, "message": "Method not found"}
    reply = agent.ask("tools/list")
    check("one without the method is not", UNAVAILABLE not in reply.result.get("_meta", {}) and
          "one__echo" in names_of(reply) and "two__echo" not in names_of(reply), reply)
    del TWO.errors["tools/list"]
