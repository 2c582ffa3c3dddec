#!/usr/bin/env python3
"""Random delegation trees, each path judged by the program and by the model of the rules; every verdict must be the same.

    model.py [SEED]            MODEL_CASES=N raises the number of tokens; a difference prints its seed
"""
import json
import os
import random
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

sys.dont_write_bytecode = True
from model_claims import Refusal, base58  # noqa: E402
from model_constraint_cases import TOOLS, random_arguments  # noqa: E402
from model_json import JsonRefusal, decode_base64url, encode_base64url, read_json  # noqa: E402
from model_rules import judge, lies_within  # noqa: E402
from model_trees import AUDIENCES, PARTIES, Party, Tree  # noqa: E402
from model_writing import Decks  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
DRIVER = ROOT / os.environ.get("BUILD", "build") / "tests" / "aip-conform"
CASES = int(os.environ.get("MODEL_CASES", "4000"))
SEEDS = [bytes([i] * 32).hex() for i in range(PARTIES)]
SHOWN, SHOWN_CHARACTERS = 10, 1500
CONTROLS = dict.fromkeys(range(32), " ")
KINDS = ["good"] * 2 + ["faulty"] * 12 + ["root"] * 12 + ["odd"] * 8 + ["constraint"] * 14
QUESTIONS = {"constraint": 6}  # asked of each path
NOW_EDGES = (("exp", (-1, 0, 1)), ("iat", (-31, -30, -29)), ("nbf", (-31, -30)))
ANY_PLACE = ("token.size", "chain.length", "token.malformed", "token.unsupported")


def ask(requests):
    """Replies of the driver to the requests, in order; arguments go in as the text that they are."""
    lines = []
    for i, request in enumerate(requests):
        line = json.dumps(dict(request, id=i, **({"arguments": "@arguments@"} if "arguments" in request else {})))
        lines.append(line.replace('"@arguments@"', request["arguments"]) if "arguments" in request else line)
    done = subprocess.run([str(DRIVER)], input="\n".join(lines).encode() + b"\n", stdout=subprocess.PIPE, check=False)
    replies = [json.loads(line, parse_float=Decimal) for line in done.stdout.decode().splitlines()]
    if done.returncode != 0 or [reply.get("id") for reply in replies] != list(range(len(lines))):
        sys.exit(f"aip-conform ended with {done.returncode} after {len(replies)} of {len(lines)} replies")
    return replies


def make_parties():
    keys = [bytes.fromhex(reply["pk"]) for reply in ask([{"op": "ed25519.sign", "seed": seed, "msg": ""} for seed in SEEDS])]
    return [Party(i, "z" + base58(b"\xed\x01" + key), key) for i, key in enumerate(keys)]


def grow_trees(rng, parties):
    trees, paths, decks = [], 0, Decks(rng)
    while paths < CASES:
        trees.append(Tree(rng, parties, decks, rng.choice(KINDS)))
        paths += len(trees[-1].nodes) * QUESTIONS.get(trees[-1].kind, 1)
    return trees


def sign_all(trees, parties):
    """Signs every node; the set of all signatures ever made is what the model knows of signatures."""
    nodes = [node for tree in trees for node in tree.nodes]
    replies = ask([{"op": "ed25519.sign", "seed": SEEDS[node.signer], "msg": node.signed.encode().hex()} for node in nodes])
    made = set()
    for node, reply in zip(nodes, replies):
        node.signature = bytes.fromhex(reply["sig"])
        node.text = node.signed + "." + encode_base64url(node.signature)
        made.add((node.signed, node.signature, parties[node.signer].key))
    return made


def choose_trust(rng, tree, parties):
    """Mostly the root, in one of the ways to list it; sometimes others only."""
    party, name = parties[tree.nodes[0].signer], tree.nodes[0].claims.get("iss")
    if name not in party.names():
        name = party.did
    others = [rng.choice(parties).did for _ in range(rng.choice([0, 0, 1, 3]))]
    pinned = f"{name}={party.key}"
    if name in (party.did, party.did_key):
        right = rng.choice([name] * 20 + [party.key, "ed25519:" + party.key, party.hex, pinned] * 4 + [party.did, party.did_key])
    else:
        right = rng.choice([pinned] * 15 + [name, party.key, party.did])
    wrong = [[], [party.web + "=" + party.key], [party.hash], [parties[0].hex]]
    listed = others + [right] if rng.random() < 0.98 else rng.choice([others] + wrong)
    rng.shuffle(listed)
    return listed


def choose_now(rng, tree, path):
    if rng.random() < 0.9:
        return tree.now
    claims = rng.choice(path).claims
    edges = [claims[name] + shift for name, shifts in NOW_EDGES if type(claims.get(name)) is int for shift in shifts]
    return max(0, min(rng.choice(edges), 2**52)) if edges else tree.now


def choose_audience(rng, path):
    named = next((node.claims["aud"] for node in reversed(path) if isinstance(node.claims.get("aud"), (str, list)) and node.claims["aud"]), None)
    if named is not None and rng.random() < 0.93:
        one = named if isinstance(named, str) else rng.choice(named)
        if isinstance(one, str) and "\\" not in one and one:
            return [one] + rng.sample(AUDIENCES, rng.choice([0, 0, 1, 3]))
    return rng.sample(AUDIENCES, rng.choice([0, 1, 2])) if rng.random() < 0.5 else []


def choose_use(rng, tree, path):
    if tree.kind != "constraint" and rng.random() < 0.5:
        return {}
    claims = []
    for node in path:
        try:
            payload = read_json(decode_base64url(node.signed.split(".")[1]))
            found = payload.get("constraints") if payload.kind == "object" else None
        except JsonRefusal:
            found = None
        claims += [found] if found is not None and found.kind == "object" else []
    if tree.kind == "constraint":
        return {"tool": "t", "arguments": random_arguments(rng, claims, "t")}
    if rng.random() < 0.1:
        return {"tool": rng.choice(["prompt:summary", "resource:file:///data/x", "http:GET /v1/a", "tool:search", "tool:db.*", "SEARCH",
            "db.read\u00fc", "db. read", "db.read*", "", "search "])}
    tool = rng.choice([name for value in claims for name, _ in value.members] + list(TOOLS))
    entries = [entry for entry in path[-1].force["scope"] if entry.startswith("tool:")]
    if not entries and rng.random() < 0.8:
        return {}
    if entries and rng.random() < 0.8:
        covered = [name for name in TOOLS if any(lies_within("tool:" + name, entry) for entry in entries)]
        tool = rng.choice(covered or [rng.choice(entries)[5:].replace("*", "x")])
    try:
        return {"tool": tool, "arguments": random_arguments(rng, claims, tool)}
    except (AttributeError, KeyError, TypeError, ValueError):
        return {"tool": tool, "arguments": "{}"}  # the constraints of this path are not well formed


def flip(rng, text):
    """One bit of one part of one element, or one character of the text."""
    if rng.random() < 0.3:
        at = rng.randrange(len(text))
        return text[:at] + rng.choice("ABCxyz019-_.~=+ e") + text[at + 1 :]
    elements = text.split("~")
    i, part = rng.randrange(len(elements)), rng.choice([0, 1, 1, 2, 2])
    parts = elements[i].split(".")
    data = bytearray(decode_base64url(parts[part]))
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    parts[part] = encode_base64url(bytes(data))
    return "~".join(elements[:i] + [".".join(parts)] + elements[i + 1 :])


def damage(rng, path, trees):
    """The texts of the path, mostly as they are; sometimes taken apart and put together otherwise."""
    texts = [node.text for node in path]
    kind = rng.choice(["drop", "swap", "repeat", "splice", "other leaf", "flip", "flip", "flip", "glue", "long"])
    i = rng.randrange(len(texts))
    if kind == "drop":
        del texts[i]
    elif kind == "swap":
        j = rng.randrange(len(texts))
        texts[i], texts[j] = texts[j], texts[i]
    elif kind == "repeat":
        texts.insert(i, texts[rng.randrange(len(texts))])
    elif kind == "splice":
        texts[i] = rng.choice(rng.choice(trees).nodes).text
    elif kind == "other leaf":
        texts.append(rng.choice(rng.choice(trees).nodes).text)
    elif kind == "long":
        texts += [texts[-1]] * rng.choice([15, 16, 17, 40])
    text = "~".join(texts)
    if kind == "flip":
        return flip(rng, text)
    if kind == "glue":
        return rng.choice([text + "~", "~" + text, text + " ", text + "=", text + "\n", text.replace("~", "~~", 1), text.replace("~", " ", 1), "",
            "E" + text, "C" + text, text[:-1], text + "A", text + ".",
                           text.replace(".", "..", 1), text.rsplit(".", 1)[0], text.rsplit(".", 1)[0] + ".", " " + text])
    return text


def make_cases(rng, trees, parties):
    cases = []
    for tree in trees:
        for node in tree.nodes * QUESTIONS.get(tree.kind, 1):
            path = node.path()
            token = damage(rng, path, trees) if rng.random() < 0.1 and tree.kind != "constraint" else "~".join(n.text for n in path)
            case = {"token": token, "trust": choose_trust(rng, tree, parties), "now": choose_now(rng, tree, path), **choose_use(rng, tree, path)}
            audience = choose_audience(rng, path)
            cases.append((dict(case, audience=audience), path))
    return cases


def opinion(case, made):
    try:
        return dict(judge(case, made), ok=True)
    except Refusal as refusal:
        return {"ok": False, "error": refusal.name, "at": refusal.at}


def same(reply, wanted):
    if reply["ok"] != wanted["ok"]:
        return False
    if not wanted["ok"]:
        place = reply.get("at") == wanted["at"] or (wanted["at"] is None and wanted["error"] in ANY_PLACE)
        return reply["error"] == wanted["error"] and place
    grant = reply["grant"]
    budget = None if grant["budget_usd"] is None else grant["budget_usd"] * 10**6
    return budget == wanted["budget"] and all(grant[name] == wanted[name] for name in ("root", "leaf", "scope", "depth_left", "expires", "link_ids"))


def show(seed, number, case, path, reply, wanted):
    print(f"  FAILED seed {seed} case {number}: program {({k: v for k, v in reply.items() if k not in ('id', 'peer', 'link_ids')})}")
    print(f"    model {wanted}")
    print("    " + json.dumps({name: value for name, value in case.items() if name != "token"}))
    for i, element in enumerate(case["token"].split("~")):
        payload = decode_base64url((element.split(".") + [""])[1]) or b""
        note = path[i].note if i < len(path) else ""
        print(f"    {i} {note}: {payload.decode('latin-1').translate(CONTROLS)[:SHOWN_CHARACTERS]}")


def main():
    if not DRIVER.exists():
        sys.exit(f"{DRIVER} is not built: run make")
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    rng = random.Random(seed)
    parties = make_parties()
    trees = grow_trees(rng, parties)
    made = sign_all(trees, parties)
    cases = make_cases(rng, trees, parties)
    failed, names = 0, Counter()
    for number, ((case, path), reply) in enumerate(zip(cases, ask([dict(case, op="token.verify") for case, _ in cases]))):
        wanted = opinion(case, made)
        names[wanted.get("error", "ok")] += 1
        if not same(reply, wanted):
            failed += 1
            if failed <= SHOWN:
                show(seed, number, case, path, reply, wanted)
    if os.environ.get("MODEL_COUNTS"):
        print("\n".join(f"  {count:6} {name}" for name, count in names.most_common()))
    print(f"model: {len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
