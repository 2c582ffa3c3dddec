"""Groups: streams of what members say by themselves, and limits (spec/group.md U-24 to U-28)."""
import http.client
import json
import pathlib
import re
import subprocess
import threading
import time

from groups_front import Caller, check, until
from groups_server import SUBSCRIPTION, URI
from groups_stage import (ALL, GATEWAY, ONE, PLAIN, PROGRAM, SLOW, TWO, WORK, caller, names_of, refused, session, token,
    untouched)


def streams():
    """U-24, U-26"""
    agent = session()
    stream = agent.stream()
    check("the stream of a session is that of all members", stream.status == 200 and ONE.wait_for_listeners(1) and
          TWO.wait_for_listeners(1), stream.status)
    ONE.publish("notifications/message", {"level": "info", "data": "from one"}, "e:1")
    first = stream.find(lambda event: event.params.get("data") == "from one")
    TWO.publish("notifications/resources/updated", {"uri": URI}, "x7")
    second = stream.find(lambda event: event.method == "notifications/resources/updated")
    check("what they say comes", first and second, "")
    check("with addresses of this group", second and second.params["uri"] == f"two.{URI}", second and second.text)
    check("and ids", first.id and second.id and first.id != second.id, f"{first.id} {second.id}")
    TWO.publish("notifications/tools/list_changed", {}, "x8")
    third = stream.find(lambda event: event.method == "notifications/tools/list_changed")
    last = third.id if third else None
    stream.close()
    check("when the caller is gone the members' streams end",
          ONE.wait_for_listeners(0) and TWO.wait_for_listeners(0), "")
    again = agent.stream(Last_Event_ID=last)
    check("who resumes resumes all",
          again.status == 200 and ONE.wait_for_listeners(1) and TWO.wait_for_listeners(1), "")
    check("each where it was",
          (ONE.last("GET").headers.get("last-event-id"), TWO.last("GET").headers.get("last-event-id"))
          == ("e:1", "x8"), f"{ONE.last('GET').headers} {TWO.last('GET').headers}")
    TWO.publish("sampling/createMessage", {"messages": [], "maxTokens": 1})
    check("events of a resumed stream come", again.find(lambda event: event.method == "sampling/createMessage"), "")
    TWO.publish(None, {"id": 99, "result": {"content": []}})
    check("an answer to a call is none of its events",
          again.find(lambda event: "result" in event.message, 0.5) is None, "")
    check("and the member that gave one is asked again", TWO.wait_for_listeners(1, 3), "")
    lose_one(again)
    again.close()
    refused("the stream with another agent's token", agent.other(token("other")).send(None, http_method="GET"),
            "session.not_found", 404)
    check("where no member has a stream: 405", session("quiet").send(None, http_method="GET").status == 405, "")
    ONE.wait_for_listeners(0)


def lose_one(stream):
    """U-26: the streams of one end; those of the other go on, and it is asked again."""
    seen, begun = len(ONE.seen), time.monotonic()
    ONE.publish("notifications/message", {"level": "info", "data": "last"}, "e:9")
    stream.find(lambda event: event.params.get("data") == "last")
    ONE.cut_streams()
    ONE.wait_for_listeners(0)
    TWO.publish("notifications/message", {"level": "info", "data": "still"})
    check("the other member's events go on", stream.find(lambda event: event.params.get("data") == "still", 1), "")
    check("the one whose stream ended is asked again after a second", until(lambda: ONE.of("GET", seen), 3) and
          0.8 < ONE.last("GET").time - begun < 2.5, time.monotonic() - begun)
    check("from where it was", ONE.last("GET").headers.get("last-event-id") == "e:9", ONE.last("GET").headers)
    ONE.wait_for_listeners(1)
    ONE.publish("notifications/message", {"level": "info", "data": "back"})
    check("and is heard again", stream.find(lambda event: event.params.get("data") == "back"), "")


def listening():
    """U-25, U-26 of modern MCP"""
    agent = caller(modern=True)

    def listen(notifications, who=agent):
        return who.stream(who.message("subscriptions/listen", {"notifications": notifications}, "s-1"))

    seen = [len(each.seen) for each in ALL]
    stream = listen({"resourceSubscriptions": [f"one.{URI}"]})
    first = stream.next()
    check("what is granted is acknowledged first",
          first and first.method == "notifications/subscriptions/acknowledged" and
          first.params["notifications"] == {"resourceSubscriptions": [f"one.{URI}"]} and
          first.params["_meta"][SUBSCRIPTION] == "s-1", first and first.text)
    check("only the member with that address is asked", [len(each.of("subscriptions/listen", at)) for each, at in zip(
        ALL, seen)] == [1, 0, 0], "")
    check("by its own address", ONE.last("subscriptions/listen").message["params"]["notifications"]
          == {"resourceSubscriptions": [URI]}, ONE.last("subscriptions/listen").body)
    ONE.publish("notifications/resources/updated", {"uri": URI})
    told = stream.next()
    check("an update has the address of this group", told and told.params["uri"] == f"one.{URI}" and
          told.params["_meta"][SUBSCRIPTION] == "s-1", told and told.text)
    stream.close()
    check("who stops to listen stops the member", ONE.wait_for_listeners(0), "")
    seen = [len(each.seen) for each in ALL]
    stream = listen({"toolsListChanged": True, "promptsListChanged": True,
                     "resourceSubscriptions": [f"one.{URI}", "two.doc://shared/2"]})
    first = stream.next()
    granted = first.params["notifications"] if first else {}
    check("one acknowledgement for all", granted.get("toolsListChanged") is True and
          sorted(granted.get("resourceSubscriptions", [])) == [f"one.{URI}", "two.doc://shared/2"] and
          "promptsListChanged" not in granted, first and first.text)
    check("who listens to lists listens to all", [len(each.of("subscriptions/listen", at)) for each, at in zip(
        ALL, seen)] == [1, 1, 1], "")
    asked = TWO.last("subscriptions/listen").message["params"]["notifications"]
    check("each is asked for its own", asked == {"toolsListChanged": True, "promptsListChanged": True,
                                                 "resourceSubscriptions": ["doc://shared/2"]}, asked)
    PLAIN.wait_for_listeners(1)
    for each in ALL:
        each.publish("notifications/tools/list_changed")
    events = [stream.next() for _ in ALL]
    check("all are heard, and nothing is acknowledged twice", [each and each.method for each in events]
          == ["notifications/tools/list_changed"] * 3, [each and each.text for each in events])
    restart(stream)
    stream.close()
    for name, uri in (("an address of nobody", URI), ("one of another group's", f"slow.{URI}")):
        filter_ = {"resourceSubscriptions": [uri]}
        reply, quiet = untouched(ALL, lambda: agent.ask("subscriptions/listen", {"notifications": filter_}))
        check(f"{name} is refused, and nobody asked", reply.code == "request.invalid" and quiet, reply)
    narrow = caller(name="prefixed", modern=True)
    reply = narrow.ask("subscriptions/listen", {"notifications": {"resourceSubscriptions": [f"two.{URI}"]}})
    refused("an address outside the token", reply, "scope.insufficient")
    begun = time.monotonic()
    stream = listen({"toolsListChanged": True}, caller("faulty", modern=True))
    first = stream.next()
    check("a slow member holds the acknowledgement up as long as the group says", first and first.params[
        "notifications"].get("toolsListChanged") is True and time.monotonic() - begun < 3, first and first.text)
    stream.close()


def restart(stream):
    """A member that starts anew meanwhile."""
    TWO.stop()
    ONE.publish("notifications/resources/updated", {"uri": URI})
    check("while a member is away the others are heard",
          stream.find(lambda event: event.params.get("uri") == f"one.{URI}",
                                                                     2), "")
    TWO.start()
    check("it is listened to again", TWO.wait_for_listeners(1, 8), "")
    TWO.publish("notifications/tools/list_changed")
    told = stream.find(lambda event: True)
    check("without a second acknowledgement",
          told and told.method == "notifications/tools/list_changed", told and told.text)


def nobody_listens():
    """A listener of the part before would be taken for one of this."""
    check("nobody is listening any more", ONE.wait_for_listeners(0) and TWO.wait_for_listeners(0),
          (len(ONE.listeners), len(TWO.listeners)))


def slow_reader():
    """U-27"""
    nobody_listens()
    agent = session("pair")
    stream = agent.stream(reads=False)
    ONE.wait_for_listeners(1)
    TWO.wait_for_listeners(1)
    many, size = 600, 32000
    for number in range(many):
        ONE.publish("notifications/message", {"level": "info", "data": "x" * size, "n": number})
    time.sleep(0.5)
    TWO.publish("notifications/message", {"level": "info", "data": "me too"})
    time.sleep(0.2)
    held = int(re.search(r"VmRSS:\s*(\d+)", pathlib.Path(f"/proc/{GATEWAY.process.pid}/status").read_text())[1])
    check("a slow reader pauses the member", held < 150000, f"{held} KiB")
    check("and nobody else", session().tool("one__echo").said == "one: ", "")
    stream.read()
    order = []
    while len(order) <= many and (event := stream.next(10)) is not None:
        order.append(event.params.get("n", "two"))
    numbers = [each for each in order if each != "two"]
    check("then all of it comes, in order", numbers == list(range(many)),
          f"{len(numbers)}, without {sorted(set(range(many)) - set(numbers))[:9]}")
    check("and the quiet member is not crowded out", "two" in order and order.index("two") < many - 50,
          order.index("two") if "two" in order else "never")
    stream.close()


def leavers():
    """Callers who go away while members are asked."""
    SLOW.delay["GET"] = 4
    agent = session("faulty")
    for method in ("tools/list", "prompts/list", "subscriptions/listen", "server/discover"):
        for _ in range(5):
            who = caller("faulty", modern=True) if "/l" not in method or "sub" in method else agent
            connection = http.client.HTTPConnection("127.0.0.1", GATEWAY.port, timeout=5)
            message = who.message(method, {"notifications": {"toolsListChanged": True}})
            connection.request("POST", who.path, json.dumps(message), who.headers(message, {}))
            time.sleep(0.01)
            connection.close()
    stream = agent.stream()
    check("the stream of a group begins with the first member's", stream.status == 200, stream.status)
    ONE.wait_for_listeners(1)
    ONE.publish("notifications/message", {"level": "info", "data": "early"})
    check("and waits for nobody else", stream.find(lambda event: event.params.get("data") == "early", 2), "")
    stream.close()
    patience()
    check("no member is left listening", ONE.wait_for_listeners(0), len(ONE.listeners))
    check("and others are served", session().tool("one__echo").said == "one: ", "")


def patience():
    """U-26: a second, then twice as long."""
    nobody_listens()
    leaf = pathlib.Path(f"{WORK}/first.did").read_text(encoding="ascii").strip()
    issue = [pathlib.Path(PROGRAM).with_name("aip-token"), "issue", "--key", f"{WORK}/root.key", "--to", leaf]
    issued = subprocess.run([*issue, "--scope", "tool:*", "--max-depth", "0", "--ttl", "2s"], capture_output=True,
                            text=True, timeout=10)
    brief = Caller(GATEWAY, "/pair", issued.stdout.strip()).begin()
    expiring = brief.stream()
    ONE.wait_for_listeners(1)
    check("a stream of all begins", expiring.status == 200 and len(ONE.listeners) == 1, issued)
    ONE.errors["GET"] = 500
    seen = len(ONE.seen)
    stream = session().stream()
    check("a member that fails is asked again", until(lambda: len(ONE.of("GET", seen)) >= 3, 6), ONE.of("GET", seen))
    times = [each.time for each in ONE.of("GET", seen)]
    gaps = [round(b - a, 1) for a, b in zip(times, times[1:])]
    check("after a second, then after two", len(gaps) >= 2 and 0.8 < gaps[0] < 1.9 < gaps[1] < 3, gaps)
    TWO.publish("notifications/message", {"level": "info", "data": "well"})
    check("while the other one is heard", stream.find(lambda event: event.params.get("data") == "well", 2), "")
    del ONE.errors["GET"]
    check("a stream ends with its token", expiring.ended(2), "")
    check("and is asked for no more", ONE.wait_for_listeners(0), len(ONE.listeners))
    stream.close()


def farewell():
    """The gateway stops under open streams."""
    agent, modern = session(), caller(modern=True)
    stream = agent.stream()
    heard = modern.stream(modern.message("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, "s-9"))
    check("two streams are open", stream.status == 200 and heard.next() is not None, heard.status)
    check("the gateway stops well", GATEWAY.stop() == 0, "")
    last = heard.find(lambda event: "result" in event.message)
    check("a subscription ends with its result", last and last.message["id"] == "s-9" and
          last.message["result"]["_meta"][SUBSCRIPTION] == "s-9", [each.text for each in heard.events])
    check("a stream ends", stream.ended(2), "")
    check("and no member is left listening", all(each.wait_for_listeners(0) for each in ALL), "")


def reloads():
    """A group that changes while it is used."""
    agent = session()
    stream = agent.stream()
    ONE.wait_for_listeners(1)
    config = pathlib.Path(f"{WORK}/groups.yaml")
    text, log = config.read_text(encoding="ascii"), pathlib.Path(GATEWAY.log)
    before = log.read_text(encoding="utf-8").count("reload ok")
    config.write_text(text.replace("members: [one, two], timeout: 1s, max", "members: [two, plain], timeout: 1s, max"),
                      encoding="ascii")
    check("a changed group is taken", until(lambda: log.read_text(encoding="utf-8").count("reload ok") > before),
          log.read_text(encoding="utf-8")[-500:])
    owners = [each.split("__")[0] for each in names_of(session("pair").ask("prompts/list"), "prompts")]
    check("with its new members", owners == ["two", "two", "plain", "plain"], owners)
    refused("and without the old one", caller("pair", modern=True).tool("one__echo"), "request.invalid")
    ONE.publish("notifications/message", {"level": "info", "data": "as before"})
    check("a stream under way goes on", stream.find(lambda event: event.params.get("data") == "as before", 3), "")
    check("so does its session", agent.tool("one__echo").said == "one: ", "")
    stream.close()
    config.write_text(text.replace("members: [one, two], timeout: 1s, max", "members: [two, all], timeout: 1s, max"),
                      encoding="ascii")
    check("a bad one is not", until(lambda: "is a group itself" in log.read_text(encoding="utf-8")),
          log.read_text(encoding="utf-8")[-500:])
    check("and the last good one holds", session("pair").tool("plain__echo").said == "plain: ", "")
    config.write_text(text, encoding="ascii")


def limits():
    """U-28, and what the operator sees"""
    agent = session()
    for method in ("tasks/list", "tasks/get", "tasks/cancel", "danger/now"):
        reply, quiet = untouched(ALL, lambda: agent.ask(method, {"taskId": "x"}))
        check(f"{method} is not carried: request.method", reply.code == "request.method" and quiet, reply)
    health = Caller(GATEWAY, "/healthz", token("agent")).send(None, http_method="GET")
    check("health tells of members and groups", '"one":"ok"' in health.text and '"all":"ok"' in health.text, health)
    check("all that answer keeps the gateway ready",
          Caller(GATEWAY, "/readyz", token("agent")).send(None, http_method="GET").status == 200, "")
    reply = caller().send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, X_AIP_Token=None)
    refused("without a token", reply, "token.missing", 401)
    reply = session().send({}, body="[]")
    refused("a batch", reply, "request.batch")
    many = [threading.Thread(target=lambda: results.append(agent.ask("tools/list").status)) for _ in range(30)]
    results = []
    for each in many:
        each.start()
    for each in many:
        each.join()
    check("thirty lists at once", results == [200] * 30, results)
