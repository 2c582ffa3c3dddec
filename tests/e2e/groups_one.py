"""Groups: names, rights and what goes to one member (spec/group.md U-4 to U-13)."""
import json
import pathlib
import re
import subprocess
import threading

from groups_front import Caller, check, until
from groups_server import TOOLS, URI
from groups_stage import (ALL, GATEWAY, LOOSE, ONE, PLAIN, PROGRAM, SLOW, STRICT, TWO, UNAVAILABLE, WORK, caller,
    refused, session, token, untouched, walk)


def names():
    """U-4, U-5, U-6, U-9, U-10"""
    agent = session()
    tools, _, reply = walk(agent, "tools/list", "tools")
    wanted = {f"{each.name}__{tool}" for each in ALL for tool in TOOLS}
    check("all tools are listed, each with its member's name",
          set(tools) == wanted and len(tools) == len(wanted), reply)
    for each in ALL:
        said = agent.tool(f"{each.name}__echo", {"message": "ż"}).said
        check(f"a call reaches {each.name} alone", said == f"{each.name}: ż", said)
    for name in ("a__b", "_x"):
        check(f"a name is cut at its first two underscores, {name}", agent.tool(f"one__{name}").said == "one: " and
              ONE.last("tools/call").message["params"]["name"] == name, ONE.last("tools/call").body)
    prompts, _, reply = walk(agent, "prompts/list", "prompts")
    check("prompts likewise", sorted(prompts) == sorted(f"{each.name}__{name}" for each in ALL
                                                        for name in ("greet", "part")), reply)
    reply = agent.ask("prompts/get", {"name": "two__greet"})
    content = reply.result.get("messages", [{}])[0].get("content", {})
    check("one is got from its member", content.get("resource", {}).get("text") == "greet of two", reply)
    check("and the address in it is one of this group", content.get("resource", {}).get("uri") == f"two.{URI}", reply)
    for ref, wanted in (({"type": "ref/prompt", "name": "two__greet"}, ["two", "greet"]),
                        ({"type": "ref/resource", "uri": f"one.{URI}"}, ["one", URI])):
        reply = agent.ask("completion/complete", {"ref": ref, "argument": {"name": "x", "value": "y"}})
        check(f"an argument of {ref['type']} is completed by its member",
              reply.result.get("completion", {}).get("values") == wanted, reply)
    for name in ("echo", "nobody__echo", "__echo", "one__", "one_echo", "One__echo", "all__echo", "one.echo",
                 "slow__echo"):
        reply, quiet = untouched((ONE, TWO, PLAIN, SLOW), lambda: agent.tool(name))
        refused(f"no member's name, {name}", reply, "request.invalid")
        check("and nobody is asked", quiet)
    reply, quiet = untouched(ALL, lambda: agent.ask("completion/complete", {
        "ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "x", "value": "y"}}))
    refused("an argument of nobody's prompt", reply, "request.invalid")
    unchanged(agent)
    modern_names()
    lengths()


def unchanged(agent):
    """U-10: all else goes on byte for byte."""
    body = ('{ "params" : {"arguments":{"message":"\\u0041\\/","n":1.50,"e":1E+2},"name" :"one__echo", '
            '"_meta":{"x" :[ ]}},'
            '\t"method":"tools/call","id" : "ab" ,"jsonrpc":"2.0"}')
    reply = agent.send({}, body=body)
    check("nothing of a message changes but the name",
          ONE.last("tools/call").body == body.replace("one__echo", "echo"), ONE.last("tools/call").body)
    check("and the answer is the member's", reply.said == "one: A/" and reply.answer["id"] == "ab", reply)
    reply = agent.send({}, body=body.replace("one__echo", "o\\u006ee_\\u005fecho"))
    check("a name with escapes is the same name", reply.said == "one: A/", reply)


def modern_names():
    agent = caller(modern=True)
    check("a modern call", agent.tool("two__echo", {"message": "m"}).said == "two: m", "")
    saw = TWO.last("tools/call")
    check("and Mcp-Name is the member's own name", saw.headers.get("mcp-name") == "echo", saw.headers)
    check("there is no session", "mcp-session-id" not in saw.headers, saw.headers)
    reply, quiet = untouched(ALL, lambda: agent.tool("one__echo", Mcp_Name="two__echo"))
    refused("another member's name in Mcp-Name", reply, "request.headers")
    reply, quiet = untouched(ALL, lambda: agent.tool("one__echo", Mcp_Name="echo"))
    refused("Mcp-Name without the member", reply, "request.headers")
    check("nobody was asked", quiet)
    reply = agent.ask("resources/read", {"uri": f"one.{URI}"})
    check("an address in Mcp-Name likewise", ONE.last("resources/read").headers.get("mcp-name") == URI
          and reply.result["contents"][0]["uri"] == f"one.{URI}", reply)


def lengths():
    """U-5"""
    ONE.tools += ["exactly_11c", "twelve_chars"]
    agent = session("short")
    tools, _, reply = walk(agent, "tools/list", "tools")
    check("a name of as many bytes as may be is listed", "one__exactly_11c" in tools, reply)
    check("one of more is not", "one__twelve_chars" not in tools and "two__prompt_me" in tools, reply)
    check("the first can be called", agent.tool("one__exactly_11c").said == "one: ", "")
    reply, quiet = untouched(ALL, lambda: agent.tool("one__twelve_chars"))
    refused("the other cannot", reply, "request.invalid")
    check("and nobody is asked", quiet)
    check("where names may be longer it can", session().tool("one__twelve_chars").said == "one: ", "")
    del ONE.tools[-2:]


def addresses():
    """U-6"""
    agent = session()
    ONE.resources.append({"uri": "doc.x://a.b", "name": "three"})
    listed, _, reply = walk(agent, "resources/list", "resources", "uri")
    wanted = {f"{each.name}.{one['uri']}" for each in ALL for one in each.resources}
    check("resources are listed with their members' names", set(listed) == wanted and len(listed) == len(wanted), reply)
    listed, _, reply = walk(agent, "resources/templates/list", "resourceTemplates", "uriTemplate")
    check("templates likewise", sorted(listed) == sorted(f"{each.name}.doc://shared/{{id}}" for each in ALL), reply)
    reply = agent.ask("resources/read", {"uri": f"two.{URI}"})
    contents = reply.result.get("contents", [{}])[0]
    check("one is read at its member", contents == {"uri": f"two.{URI}", "text": f"two has {URI}"}, reply)
    refused("an address of nobody", agent.ask("resources/read", {"uri": URI}), "request.invalid")
    refused("or of another group's member", agent.ask("resources/read", {"uri": f"slow.{URI}"}), "request.invalid")
    for method in ("resources/subscribe", "resources/unsubscribe"):
        before = [len(each.of(method)) for each in ALL]
        reply = agent.ask(method, {"uri": f"one.{URI}"})
        after = [len(each.of(method)) for each in ALL]
        check(f"{method} reaches the member alone", reply.status == 200 and
              [b - a for a, b in zip(before, after)] == [1, 0, 0], reply)
        check("with its own address", ONE.last(method).message["params"]["uri"] == URI, ONE.last(method).body)
    reply = agent.tool("one__link")
    said, linked, whole = (reply.result.get("content") or [{}, {}, {}])
    check("a link in a result is one of this group", linked.get("uri") == f"one.{URI}", reply)
    check("a resource in a result, too", whole.get("resource", {}).get("uri") == f"one.{URI}", reply)
    check("texts are left alone", said.get("text") == f"see {URI}" and whole["resource"]["text"] == f"whole {URI}"
          and reply.result.get("structuredContent", {}).get("uri") == URI, reply)
    ONE.resources.pop()


def scopes():
    """U-7"""
    prefixed, bare = session(name="prefixed"), session(name="bare")
    check("a token for one member's tool calls it", prefixed.tool("one__echo").said == "one: ", "")
    for name in ("two__echo", "one__what", "plain__echo"):
        reply, quiet = untouched(ALL, lambda: prefixed.tool(name))
        refused(f"and not {name}", reply, "scope.insufficient")
        check("which nobody is asked for", quiet)
    listed, _, reply = walk(prefixed, "tools/list", "tools")
    check("its list has that one alone", listed == ["one__echo"], reply)
    check("the resource of its member", prefixed.ask("resources/read", {"uri": f"one.{URI}"}).status == 200, "")
    refused("not another member's", prefixed.ask("resources/read", {"uri": f"two.{URI}"}), "scope.insufficient")
    listed, _, reply = walk(prefixed, "resources/list", "resources", "uri")
    check("nor does the list have it", sorted(listed) == sorted(f"one.{each['uri']}" for each in ONE.resources), reply)
    check("the prompt of its member", prefixed.ask("prompts/get", {"name": "one__greet"}).status == 200, "")
    refused("not another one", prefixed.ask("prompts/get", {"name": "two__greet"}), "scope.insufficient")
    refused("at the member itself that token says nothing",
            Caller(GATEWAY, "/one", token("prefixed"), True).tool("echo"),
            "scope.insufficient")
    for name in ("one__echo", "two__echo"):
        refused(f"a token for a bare name does not allow {name}", bare.tool(name), "scope.insufficient")
    refused("nor the bare name", bare.tool("echo"), "request.invalid")
    check("at the member it does", Caller(GATEWAY, "/one", token("bare"), True).tool("echo").said == "one: ", "")
    listed, _, reply = walk(bare, "tools/list", "tools")
    check("its list is empty", reply.status == 200 and listed == [], reply)
    bounded = session(name="bounded")
    check("a bound on an argument, kept", bounded.tool("one__echo", {"n": 5}).status == 200, "")
    refused("broken", bounded.tool("one__echo", {"n": 50}), "constraint.violated")
    check("is that of one member's tool", bounded.tool("two__echo", {"n": 50}).status == 200, "")


def rules():
    """U-8"""
    agent = session("ruled", "rich")
    before = len(GATEWAY.lines())
    listed, _, reply = walk(agent, "tools/list", "tools")
    check("a member's policy holds for its list", {"strict__echo", "strict__changing", "one__delete"} <= set(listed)
          and "strict__delete" not in listed, reply)
    reply, quiet = untouched((STRICT,), lambda: agent.tool("strict__delete"))
    refused("what it denies is denied here", reply, "policy.tool")
    check("and does not reach it", quiet)
    check("another member's tool of the name is another one", agent.tool("one__delete").said == "one: ", "")
    check("what it allows is allowed", agent.tool("strict__echo").said == "strict: ", "")
    reply = agent.tool("strict__Echo")
    check("names are folded as at the member", reply.said == "strict: " and
          STRICT.last("tools/call").message["params"]["name"] == "echo", reply)
    refused("what is denied is so in any spelling", agent.tool("strict__DELETE"), "policy.tool")
    refused("a token for one spelling is not for the other", session("ruled", "folded").tool("strict__Echo"),
            "scope.insufficient")
    check("a token for both is", session("ruled", "unfolded").tool("strict__Echo").said == "strict: ", "")
    line = GATEWAY.decisions(before, 1, tool="echo")
    check("the log names the member and its own tool", {each.get("upstream") for each in line} == {"strict"}, line)
    line = GATEWAY.decisions(before, 1, code="policy.tool")
    check("for what is refused, too", {(each.get("upstream"), each.get("tool").lower()) for each in line}
          == {("strict", "delete")}, line)
    STRICT.extra["changing"] = {"description": "Something else."}
    listed, _, reply = walk(agent, "tools/list", "tools")
    check("a tool that changed after it was pinned is not listed", "strict__changing" not in listed and
          "strict__echo" in listed, reply)
    reply, quiet = untouched((STRICT,), lambda: agent.tool("strict__changing"))
    refused("nor callable", reply, "policy.schema")
    check("prices are the member's", agent.tool("strict__what").status == 200, "")
    refused("and end with the budget", agent.tool("strict__what"), "budget.exceeded")
    check("the member without prices goes on", agent.tool("one__what").status == 200, "")
    check("what was charged stands in the log", until(lambda: any(
        each.get("cost_micro_usd") == 400000 for each in GATEWAY.lines("outcome"))), "")
    person(agent)
    check("a member's rate is counted here", agent.tool("strict__rated").status == 200, "")
    refused("and there", Caller(GATEWAY, "/strict", token("rich"), True).tool("rated"), "policy.rate")
    listed, _, reply = walk(agent, "resources/list", "resources", "uri")
    check("a member whose policy denies the method is left out", len(listed) == len(ONE.resources) and all(
        each.startswith("one.") for each in listed), reply)
    check("and not named", UNAVAILABLE not in reply.result.get("_meta", {}), reply)


def operator(*words):
    words = [PROGRAM, *words, "--socket", f"{WORK}/groups.admin"]
    return subprocess.run(words, capture_output=True, text=True, timeout=10).stdout


def person(agent):
    """A call at a group that waits for a person; and what is looked for in what it says."""
    said = []
    waiting = threading.Thread(target=lambda: said.append(agent.tool("strict__ask_me", {"message": "now"}).said))
    waiting.start()
    found = [None]

    def waits():
        found[0] = re.search(r"^(\S+)\s+waits", operator("approvals", "list"), re.M)
        return found[0] is not None

    check("a call waits for a person", until(waits), operator("approvals", "list"))
    if found[0]:
        shown = operator("approvals", "show", found[0][1], "--json")
        check("who sees the member and its own tool", '"name":"ask_me"' in shown and "strict" in shown, shown)
        operator("approvals", "allow", found[0][1])
    waiting.join(25)
    check("and goes on when it is allowed", said == ["strict: now"], said)
    check("a member's patterns hold",
          agent.tool("strict__echo", {"message": "Project Aurora"}).said.startswith("strict: ")
          and "Aurora" not in STRICT.last("tools/call").body, STRICT.last("tools/call").body)
    check("and are not another's",
          agent.tool("one__echo", {"message": "Project Aurora"}).said == "one: Project Aurora", "")
    for each in (STRICT, ONE):
        each.tools.insert(0, "fresh")
        each.extra["fresh"] = {"title": "Project Aurora"}
    titles = {each["name"]: each["title"] for each in agent.ask("tools/list").result["tools"] if "title" in each}
    check("in a list of both, too", titles.get("one__fresh") == "Project Aurora" and
          "Aurora" not in titles.get("strict__fresh", ""), titles)
    for each in (STRICT, ONE):
        each.tools.remove("fresh")


def calls():
    """U-11"""
    agent = session()
    before = len(GATEWAY.lines())
    stream = agent.call_stream("one__progress", meta={"progressToken": "p-1"})
    events = [stream.next(), stream.next(), stream.next()]
    check("a reply of events comes as it comes", [each and each.method for each in events]
          == ["notifications/progress", "notifications/progress", None] and stream.ended(), events)
    check("with the caller's own token", events[0].params.get("progressToken") == "p-1", events[0].text)
    check("and one line in the log", len(GATEWAY.decisions(before, 1, method="tools/call")) == 1, "")
    modern = caller(modern=True)
    first = modern.tool("two__round")
    check("a question in a result", first.result.get("requestState") == "state of two", first)
    second = modern.ask("tools/call", {"name": "two__round", "arguments": {}, "requestState": "state of two",
                                       "inputResponses": {"name": {"action": "accept", "content": {"name": "x"}}}})
    check("is answered at the same member", second.said == "two got state of two", second)
    reply = agent.tool("one__unknown_tool")
    check("a member's error comes as it is", reply.error.get("code") == -32602, reply)


def questions():
    """U-12"""
    agent = session()
    streams = {name: agent.call_stream(f"{name}__ask") for name in ("one", "two")}
    asked = {name: stream.find(lambda event: event.method == "sampling/createMessage")
             for name, stream in streams.items()}
    check("two members ask with one id, and callers see two",
          [each and each.message["id"] for each in asked.values()] == ["one__7", "two__7"],
          [each and each.text for each in asked.values()])
    check("tokens of progress likewise", asked["one"] and asked["one"].params["_meta"]["progressToken"] == "one__7",
          asked["one"] and asked["one"].text)
    seen = [len(each.seen) for each in ALL]
    for identity in (7, "7", "one__8", "plain__7", "nobody__7", 'one__"7"', "one__", "one__7x", "one__null", "one__ 7"):
        refused(f"a response to nothing, {identity!r}", agent.respond(identity), "request.invalid", 400)
    refused("another agent's response", session(name="other").respond("one__7"), "request.invalid")
    check("none of them reaches a member",
          [len(each.of("response", at)) for each, at in zip(ALL, seen)] == [0, 0, 0], "")
    note = agent.notify("notifications/progress", {"progressToken": "two__7", "progress": 1})
    check("progress of an answer is told", note.status == 202, note)
    saw = TWO.last("notifications/progress")
    check("to that member, by its own token", saw is not None and saw.message["params"]["progressToken"] == 7,
          saw and saw.body)
    check("and to no other", not ONE.of("notifications/progress", seen[0]), "")
    refused("progress of nothing", agent.notify("notifications/progress", {"progressToken": "x", "progress": 1}),
            "request.invalid")
    for name in ("two", "one"):
        reply = agent.respond(f"{name}__7", {"role": "assistant", "of": name})
        check(f"the answer to {name} is taken", reply.status == 202, reply)
    for name, stream in streams.items():
        answer = stream.find(lambda event: "result" in event.message)
        said = answer and answer.message["result"]["content"][0]["text"]
        check(f"and {name} has its own", said is not None and said.startswith(f"{name} heard") and '"id": 7' in said and
              f'"of": "{name}"' in said, said)
    refused("it is answered once", agent.respond("one__7"), "request.invalid")
    stream = agent.call_stream("one__ask_text")
    asked = stream.find(lambda event: event.method == "sampling/createMessage")
    check("an id that is a text stays one", asked and asked.message["id"] == 'one__"7"', asked and asked.text)
    refused("and is not the number", agent.respond("one__7"), "request.invalid")
    check("its answer", agent.respond('one__"7"').status == 202, "")
    answer = stream.find(lambda event: "result" in event.message)
    check("arrives", answer and '"id": "7"' in answer.message["result"]["content"][0]["text"], answer and answer.text)
    for identity in (-1, 1.5, 12345678901234567890, "a__b", "", 'ż "\\ \u2028', "one__7"):
        stream = agent.call_stream("two__ask_any", {"id": identity})
        asked = stream.find(lambda event: event.method == "sampling/createMessage")
        taken = agent.respond(asked.message["id"]) if asked else "not asked"
        answer = stream.find(lambda event: "result" in event.message)
        check(f"an answer to {identity!r}", asked and asked.message["id"].startswith("two__") and answer,
              f"{asked and asked.text} {taken}")
    stream = agent.call_stream("one__cancels")
    told = stream.find(lambda event: event.method == "notifications/cancelled")
    check("a question that is taken back is named as it was asked", told and told.params["requestId"] == "one__8",
          told and told.text)


def resumption():
    """U-13"""
    agent = session()
    stream = agent.call_stream("one__breaks")
    first = stream.next()
    check("ids of events tell the member", first and first.id == "one:5:b:1:2", first and first.text)
    check("the stream breaks off", stream.ended(), "")
    before = [len(each.of("GET")) for each in ALL]
    refused("another agent cannot go on", session(name="other").other(token("agent")).send(
        None, http_method="GET", Last_Event_ID="one:5:b:1:2"), "session.not_found")
    again = agent.stream(Last_Event_ID=first.id if first else "none")
    rest = again.next()
    check("who resumes it gets the rest from that member",
          rest and rest.message.get("result", {}).get("content", [{}])[0]
          .get("text") == "one: the rest" and rest.id == "one:5:b:2:2", rest and rest.text)
    check("which is asked by its own id", ONE.last("GET") and ONE.last("GET").headers.get("last-event-id") == "b:1:2",
          ONE.last("GET") and ONE.last("GET").headers)
    check("and no other", [len(each.of("GET")) for each in ALL] == [before[0] + 1, *before[1:]], before)
    again.close()
    loose, thief = session("loosely"), session("loosely", "other")
    stream = loose.call_stream("loose__breaks")
    first = stream.next()
    stream.ended()
    check("a member without sessions has ids of events, too",
          first and first.id == "loose:5:b:1:2", first and first.text)
    reply, quiet = untouched((LOOSE,), lambda: thief.send(None, http_method="GET", Last_Event_ID="loose:5:b:1:2"))
    check("which another caller does not go on after", reply.code == "session.not_found" and quiet, reply)
    stolen = thief.stream(Last_Event_ID="*loose:5:b:1:2")
    check("not even among ids of all", stolen.find(lambda event: "the rest" in event.text, 0.5) is None and not any(
        each.headers.get("last-event-id") for each in LOOSE.of("GET")), stolen.status)
    stolen.close()
    again = loose.stream(Last_Event_ID="loose:5:b:1:2")
    rest = again.next()
    check("and whoever got it does", rest and "the rest" in rest.text, rest and rest.text)
    for bad in ("b:1:2", "nobody:5:b:1:2", "one:9:b:1:2", "one:0:", "one:x:y", "one:99999999999999999999:b"):
        reply, quiet = untouched(ALL, lambda: agent.send(None, http_method="GET", Last_Event_ID=bad))
        check(f"an id of no event here, {bad}: refused, and nobody asked",
              reply.code == "request.invalid" and quiet, reply)


def explained():
    """`aip-gateway explain` at the path of a group."""
    config = f"{WORK}/groups.yaml"
    for name, verdict in (("strict__echo", "it may go on"), ("strict__delete", "policy.tool"),
                          ("delete", "request.invalid")):
        file = pathlib.Path(f"{WORK}/call")
        file.write_text(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                                    "params": {"name": name, "arguments": {}}}), encoding="ascii")
        told = subprocess.run([PROGRAM, "explain", "--config", config, "--path", "/ruled", "--call", str(file)],
                              capture_output=True, text=True, timeout=10)
        check(f"a call of {name} is explained", verdict in told.stdout, told.stdout[-400:] + told.stderr[-400:])
