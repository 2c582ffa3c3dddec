"""What can be wrong, or only odd, in one element. Each function changes one node; the model alone says what follows."""
from model_constraint_cases import odd_claim, random_claim
from model_json import encode_base64url
from model_writing import Raw, write_members

SKEW = 30
LONG = 2**53


def micro(text, otherwise=None):
    """An amount as written in micro-USD, or `otherwise` where it is none."""
    whole, _, fraction = str(text).partition(".")
    good = whole.isdigit() and (fraction or "0").isdigit() and len(fraction) <= 6
    return int(whole) * 10**6 + int(fraction.ljust(6, "0")) if good else otherwise


def random_shares(rng, parties, total):
    count = rng.randint(1, 4)
    return [[party.random_name(rng), Raw(f"{total // count // 10**6}.{total // count % 10**6:06d}")] for party in rng.sample(parties, count)]


def above(node, name, otherwise):
    """What the elements before this one left in force."""
    found = node.parent.force.get(name) if node.parent else None
    return otherwise if found is None else found


def odd_value(*names):
    """A fault that gives one of the claims a value of the wrong kind."""

    def wrong_kind(rng, node, tree):
        node.claims[rng.choice(names)] = tree.decks.deal("wrong_kind",
            [None, True, Raw("1.5"), "", [], {}, [None], [[]], Raw("-1"), " ", Raw("1e3"), Raw("0"), "x" * 600])

    return wrong_kind


def absent(rng, node, tree):
    node.claims.pop(rng.choice(list(node.claims)), None)


def scope_spelling(rng, node, tree):
    entries = [e for e in above(node, "scope", ["tool:db.*", "tool:search"]) if isinstance(e, str)]
    entry = rng.choice(entries)
    stem = entry.rstrip("*")
    odd = tree.decks.deal("scope_spelling", [
        entry + "*", stem + "*", stem[:-1] + "*", stem[:-1], stem.upper(), stem.swapcase() + "*", stem + "x", stem + "*x", stem + "**", "*", "tool:*",
        "tool:", ":x",
        "tool", "", stem + "a b", "tool:a b", "http:GET /v1/x y", "http:GET /v1/a*", "http:GET", "tool:\u00fc", stem + "%2a", "Tool:search", "t-l:x",
        "tool:" + "a" * 251,
        "tool:" + "a" * 252, (stem + "a" * 256)[:255] + "*", (stem + "a" * 256)[:256], (stem + "a" * 256)[:257], stem.replace(":", ":/", 1),
        "tool:s\u0435arch", "tool:se\\rch",
        stem + "\n", stem + "?", "tool:db", "tool:db.", "tool:db.*.*", "tool:d*", Raw('"tool:s\\u0065arch"'), Raw('"tool:x\\/y"'), None, Raw("1"),
        ["tool:search"],
        "tool:a,b", 'tool:a"b', "mcp2:x", "http:*", "http:G* /x", "http: /v1/a", "http:GET ", "http:GET *",
    ])
    scope = node.claims.get("scope")
    node.claims["scope"] = [odd] if rng.random() < 0.5 or not isinstance(scope, list) else scope + [odd]


def scope_join(rng, node, tree):
    """Entries that only together would cover another; or ones that the grandparent had."""
    if node.parent and node.parent.parent and rng.random() < 0.5:
        node.claims["scope"] = list(above(node.parent, "scope", ["tool:search"]))[:4]
    else:
        node.claims["scope"] = tree.decks.deal("scope_join", [["tool:search", "tool:db.*", "tool:t*", "tool:"], ["tool:*"], ["tool:d*", "tool:s*"],
            ["prompt:*"], ["tool:search", "prompt:summary"]])


def scope_count(rng, node, tree):
    scope = [e for e in above(node, "scope", ["tool:search"]) if isinstance(e, str)]
    count = tree.decks.deal("scope_count", [0, 63, 64, 64, 65, 65])
    node.claims["scope"] = [rng.choice(scope[:3]).replace("resource:file:///data/*", scope[0]) for _ in range(count)]
    if rng.random() < 0.1:
        node.claims["scope"] = tree.decks.deal("scope_count", ["tool:search", {"tool": "search"}, [scope]])


def budget_form(rng, node, tree):
    node.claims["budget_usd"] = tree.decks.deal("budget_form", [Raw(text) for text in (
        "1e2", "1E-2", "0.5e0", "0.0000001", "0.5000000", "12345678901", "9999999999", "10000000000", "0.1234567", "-1", "-0.5", "-0", "-0.0", "-1e2",
        '"1"', "null", "01", ".5",
        "1.", "+1", "1.000000", "0.000000", "[1]", "NaN", "1e400", "-0.0000001", "00000000001")])


def budget_larger(rng, node, tree):
    ceiling = above(node, "budget", 10**6)
    more = ceiling + rng.choice([0, 1, 1, 10**6, 10**12])
    node.claims["budget_usd"] = Raw(f"{more // 10**6}.{more % 10**6:06d}")


def depth_wrong(rng, node, tree):
    n = above(node, "depth", 3)
    node.claims["max_depth"] = tree.decks.deal("depth_wrong",
        [n, n, n + 1, n - 1, 0, 0, 15, 16, Raw("1.0"), Raw("1e0"), Raw("-1"), Raw("-0"), "1", None, True, Raw("01"), Raw("9007199254740992")])
    if rng.random() < 0.2:
        node.claims.pop("max_depth")


def time_order(rng, node, tree):
    claims = node.claims
    iat, exp = above(node, "iat", claims.get("iat", 0)), above(node, "exp", claims.get("exp", 0))
    nbf = above(node, "nbf", iat)
    name, value = tree.decks.deal("time_order", [("iat", iat - 1), ("iat", iat), ("exp", exp + 1), ("exp", exp), ("exp", claims.get("iat")), ("iat",
        claims.get("exp")), ("exp", exp + 10**6), ("iat", 0),
                              ("nbf", nbf - 1), ("nbf", nbf - 1), ("nbf", nbf), ("nbf", exp + 5), ("nbf", 0), ("exp", LONG - 1), ("exp", 0)])
    claims[name] = value


def time_skew(rng, node, tree):
    """Edges of the leeway and of the end, for the time that the tree is mostly asked about."""
    name = tree.decks.deal("time_skew", ["iat", "nbf", "exp"])
    node.claims[name] = tree.now + (rng.choice([SKEW - 1, SKEW, SKEW + 1, SKEW + 1, 0]) if name != "exp" else rng.choice([-1, 0, 0, 1, 31]))
    if name == "iat":
        end = node.claims.get("exp")  # another fault may have spelled it in its own way
        node.claims["exp"] = max(end if isinstance(end, int) else 0, node.claims["iat"] + 1)
    elif name == "exp" and isinstance(node.claims.get("iat"), int):
        node.claims["iat"] = min(node.claims["iat"], node.claims["exp"] - 1)


def time_form(rng, node, tree):
    node.claims[rng.choice(["iat", "exp", "nbf"])] = tree.decks.deal("time_form",
        [Raw("1800000000.0"), Raw("18e8"), Raw("-1"), "1800000000", None, LONG, LONG - 1, Raw("1" + "0" * 30), [1800000000], Raw("-0"),
                                                                 Raw("01800000000")])


def audience_wrong(rng, node, tree):
    have = above(node, "aud", ["https://gw.example", "https://gw2.example"])
    node.claims["aud"] = tree.decks.deal("audience_wrong", [
        have + ["https://other.example"], ["https://other.example"], "https://other.example", [have[0].upper()], have[0] + "/", have[::-1],
        have + have, [], None, {}, Raw("1"), [None],
        [have[0]] * 16, [have[0]] * 17, Raw('["https:\\/\\/gw.example"]'), Raw('"https://gw\\u002eexample"'), [have[0], [have[0]]]])


def audience_wider(rng, node, tree):
    have, more = above(node, "aud", ["https://gw.example"]), rng.choice(tree.audiences)
    node.claims["aud"] = tree.decks.deal("audience_wider", [have + [more], [more], more, [more] + have[:1]])


def depth_used_up(rng, node, tree):
    """Good in itself; whatever follows is too deep."""
    node.claims["max_depth"] = 0


def jti_wrong(rng, node, tree):
    data = rng.randbytes(16)
    node.claims["jti"] = tree.decks.deal("jti_wrong", [
        encode_base64url(data[:15]), encode_base64url(data + b"x"), "", encode_base64url(data) + "==", "A" * 21 + "B", "A" * 22, "+" + "A" * 21,
        "A" * 21 + "/", data.hex(), None, 7,
        "urn:uuid:0000", ["A" * 22], " " + "A" * 21, "A" * 21 + "\n"])


def text_wrong(rng, node, tree):
    name = tree.decks.deal("text_wrong", ["context", "principal"])
    limit = 256 if name == "context" else 512
    node.claims[name] = tree.decks.deal("text_wrong", [
        "", " ", "\t \n", Raw('"\\u0020\\u0009"'), "\u00a0", "\u3000\u2003", "\u200b", "\ufeff ", "a" * limit, "a" * (limit + 1),
        "\u00e9" * (limit // 2), "\u00e9" * (limit // 2) + "a",
        Raw('"' + "\\u00e9" * (limit // 2) + '"'), Raw('"' + "\\u00e9" * (limit // 2) + 'a"'), "\u20ac" * (limit // 3) + "ab",
        "\U0001f600" * (limit // 4) + "a",
        None, 1, ["x"], "x ", Raw('"\\ud83d\\ude00"'), "a" * (limit - 1), "\u00e9" + "a" * (limit - 2)])


def principal_changed(rng, node, tree):
    had = above(node, "principal", "Ann")
    other = Raw(had[:-2] + '!"') if isinstance(had, Raw) else had[:-1] + "!"
    node.claims["principal"] = tree.decks.deal("principal_changed",
        [other, other, "Bob", "Ann", had, str(had) + " ", str(had).upper(), Raw('"\\u0041nn"'), Raw('"A\\u006en"')])


def parent_wrong(rng, node, tree):
    path, others = node.path(), [n for n in tree.nodes if hasattr(n, "link_id")]
    node.claims["par_hash"] = tree.decks.deal("parent_wrong", [
        rng.choice(others).link_id if others else "A" * 43, path[0].link_id if len(path) > 1 else "A" * 43, "A" * 43,
        path[-3].link_id if len(path) > 2 else "B" * 42 + "A", str(node.claims.get("par_hash"))[::-1], None, 1,
        str(node.claims.get("par_hash")).lower()])


def parties_wrong(rng, node, tree):
    """A party twice, under this name or another; an issuer that is not the one before."""
    before = [tree.parties[n.signer] for n in node.path()]
    again, other = rng.choice(before), rng.choice(tree.parties)
    name, value = tree.decks.deal("parties_wrong", [
        ("sub", again.did), ("sub", again.did), ("sub", again.did_key), ("sub", again.hash), ("sub", node.claims.get("iss")), ("iss", other.did),
        ("iss", again.did_key), ("iss", again.did),
        ("iss", again.hash), ("iss", before[-1].web)])
    node.claims[name] = value


def name_odd(rng, node, tree):
    name = tree.decks.deal("name_odd", ["iss", "sub", "sub"])
    key = rng.choice(tree.parties).key
    node.claims[name] = tree.decks.deal("name_odd", [
        key, "did:aip:" + key[:-1], "did:aip:" + key + "1", "DID:aip:" + key, "did:AIP:" + key, "did:aip:" + key.lower(), "did:aip:" + key + "#key-1",
        "did:aip:" + "F" * 32, "did:aip:" + "f" * 32,
        "did:aip:acme:" + "0" * 32, "did:aip:", "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", "did:web:example.com",
        "did:web:localhost", "did:web:Example.com",
        "did:web:10.0.0.1", "did:web:example.com%3A8443:a", "did:ethr:0x1234567890", "did:aip:eip155:1:0x00", "did:aip:agent_7",
        "did:aip:0f8fad5b-d9cb-469f-a165-70867728950e",
        "did:aip:" + "4" * 40 + ":agent", "", " ", "https://example.com", "did:aip:" + key + " ", None, 5, ["did:aip:" + key],
        Raw('"did:aip:z\\u0036Mk"'), "did:plc:ewvi7nxzyoun6zhxrhs64oiz"])


def claim_more(rng, node, tree):
    name = tree.decks.deal("claim_more", ["x-later", "x-", "X-note", "scopes", "nonce", "cnf", "Scope", "exp ", "shares_usd", "", "x_note",
        "delegation", "\u017fub"])
    node.more.append((name, rng.choice([None, 1, "x", [], {"type": "x"}])))


def claim_twice(rng, node, tree):
    name = rng.choice(list(node.claims))
    node.more.append((name, node.claims[name]))


def claim_misplaced(rng, node, tree):
    if node.parent is None:
        node.claims["par_hash"] = rng.choice(["A" * 43, None, 1])
    else:
        node.claims["shares"] = tree.decks.deal("claim_misplaced", [random_shares(rng, tree.parties, 10**6), None, []])


def constraint_odd(rng, node, tree):
    node.claims["constraints"] = odd_claim(rng, tree.decks)
    if rng.random() < 0.1:
        node.claims["constraints"] = tree.decks.deal("constraint_odd",
            [None, [], "x", Raw("1"), {}, Raw('{"t":{},"t":{}}'), Raw('{"t":{"a":{"type":"any","type":"all"}}}')])


def constraint_more(rng, node, tree):
    node.claims["constraints"] = {**random_claim(rng), **random_claim(rng)}


def shares_odd(rng, node, tree):
    node.claims["budget_usd"] = Raw("3.5")
    a, b = (party.did for party in rng.sample(tree.parties, 2))
    node.claims["shares"] = tree.decks.deal("shares_odd", [
        [[a, Raw("1.5")], [b, Raw("2")]], [[a, Raw("1.5")], [b, Raw("2.000001")]], [[a, Raw("1")], [a, Raw("1")]], [], {}, None, [[a]],
        [[a, Raw("1"), Raw("1")]], [[Raw("1"), a]], [[a, "1"]],
        [a, Raw("1")], [[a, Raw("1e0")]], [[a, Raw("-1")]], [["gw", Raw("1")]], [[a, Raw("0")]], [[a, Raw("3.5")]],
        [[party.did, Raw("0.1")] for party in tree.parties[:20]],
        [[f"did:web:g{i}.example", Raw("0.1")] for i in range(32)], [[f"did:web:g{i}.example", Raw("0.1")] for i in range(33)],
        [[a, Raw("0.0000001")]], [[a, None]]])
    if rng.random() < 0.15:
        node.claims.pop("budget_usd")


def header_odd(rng, node, tree):
    name, key = node.claims.get("iss"), tree.parties[node.signer].key
    plain = '"alg":"EdDSA","typ":"aip+jwt"'
    node.header = tree.decks.deal("header_odd", [
        '{"typ":"aip+jwt","alg":"EdDSA"}', '{"alg":"EdDSA","typ":"aip+jwt" }', '{"alg":"EdDSA","typ":"JWT"}', '{"alg":"EdDSA"}', '{"typ":"aip+jwt"}',
        '{"alg":"none","typ":"aip+jwt"}',
        '{"alg":"Ed25519","typ":"aip+jwt"}', '{"alg":"eddsa","typ":"aip+jwt"}', '{"alg":"EdDSA","typ":"AIP+JWT"}', "{%s,\"crit\":[]}" % plain,
        "{%s,\"b64\":false}" % plain,
        "{%s,\"jwk\":{}}" % plain, "{%s,\"x5c\":[]}" % plain, '{"alg":"HS256","typ":"aip+jwt"}', '{"alg":["EdDSA"],"typ":"aip+jwt"}',
        '{"alg":"EdDSA","typ":"aip+jwt","kid":null}',
        '{"alg":"EdDSA","typ":"aip+jwt","kid":""}', '{"alg":"EdDSA","typ":"aip+jwt","kid":1}', "{%s,\"x-note\":1}" % plain,
        *(f'{{{plain},"kid":"{kid}"}}' for kid in (f"{name}#", f"{name}", f"{name}#key-1", f"{name}#key-2", f"{name}#{key}",
        f"{name}#{tree.parties[0].key}", f"{tree.parties[1].did}#key-1",
                                                   f"{name}?versionId=0#key-1", "#key-1", f"{name}#key-1#key-1", f"{name}#key-01"))])


def payload_odd(rng, node, tree):
    """JSON that one reader could take and another not."""
    text = write_members(list(node.claims.items()), rng)
    deep = {n: Raw("[" * n + "]" * n) for n in (14, 15, 16)}
    wide = {n: [1] * n for n in (300, 505, 600)}
    node.payload = tree.decks.deal("payload_odd", [
        text + "x", text + "{}", "[" + text + "]", text[:-2], "", "null", '"x"', text.replace(":", "=", 1), text.replace(",", ",,", 1),
        text.replace("{", "{,", 1), text.rstrip("} \t\r\n") + ",}",
        "\ufeff" + text, " \t\r\n" + text + "\n", text.encode().replace(b"tool", b"t\xc0\xaf", 1), text.encode().replace(b"tool", b"\xff", 1),
        text.encode().replace(b"tool", b"\xed\xa0\x80", 1),
        text.replace("tool:", "tool:\\ud800", 1), text.replace("tool:", "tool:\x01", 1), text.replace("tool:", "tool:\\x", 1),
        text.replace('"sub"', '"\\u0073ub"', 1),
        text.replace('"sub"', '"s\\u0075b":1,"sub"', 1), text.replace("true", "True"), text.replace("{", "{/**/", 1), text.replace('"', "'"),
        *(write_members(list(node.claims.items()) + [("x-more", value)], rng) for value in [*deep.values(), *wide.values(), "a" * 5000, "a" * 6100])])


def signed_by_other(rng, node, tree):
    node.signer = tree.decks.deal("signed_by_other", [party.index for party in tree.parties if party.index != node.signer])


def widen_scope(rng, node, tree):
    node.claims["scope"] = ["other:thing"]


def widen_budget(rng, node, tree):
    more = above(node, "budget", 0) + 1
    node.claims["budget_usd"] = Raw(f"{more // 10**6}.{more % 10**6:06d}")


def widen_depth(rng, node, tree):
    node.claims["max_depth"] = min(15, above(node, "depth", 3))


def widen_time(rng, node, tree):
    name, step = rng.choice([("iat", -1), ("exp", 1)])
    node.claims[name] = above(node, name, tree.now) + step


def widen_start(rng, node, tree):
    node.claims["nbf"] = above(node, "nbf", tree.now) - 1


def widen_audience(rng, node, tree):
    node.claims["aud"] = "https://wider.example"


def new_principal(rng, node, tree):
    node.claims["principal"] = "Somebody new"


def repeated_party(rng, node, tree):
    node.claims["sub"] = tree.parties[node.path()[0].signer].did


def other_parent(rng, node, tree):
    node.claims["par_hash"] = "A" * 43


ANYWHERE = [
    absent, scope_spelling, scope_spelling, scope_spelling, scope_count, budget_form, depth_wrong, time_order, time_order, time_skew, time_form,
    audience_wrong, audience_wrong, jti_wrong,
    text_wrong, text_wrong, parties_wrong, parties_wrong, name_odd, claim_more, claim_twice, claim_misplaced, constraint_odd, constraint_odd,
    constraint_odd, constraint_odd, constraint_more,
    header_odd, payload_odd, signed_by_other,
    odd_value("iss", "sub", "scope", "budget_usd", "max_depth", "iat", "exp", "nbf", "jti", "aud", "par_hash", "context", "principal", "constraints"),
]
SURE = [widen_scope, widen_budget, widen_depth, widen_time, widen_start, widen_audience, new_principal, repeated_party, other_parent]
PAIRS = [(first, second) for i, first in enumerate(SURE) for second in SURE[i + 1 :]]
WIDENING = [scope_join, budget_larger, depth_wrong, time_order, audience_wider, principal_changed, parties_wrong, parent_wrong]
ROOT = ANYWHERE + [shares_odd, shares_odd, shares_odd]
LATER = ANYWHERE + WIDENING + [budget_larger, depth_used_up, scope_join]


def spoil(rng, node, tree):
    """One fault; sometimes two, which tell in which order the rules are applied."""
    name, faults = ("root", ROOT) if node.parent is None else ("later", LATER)
    if node.parent is not None and rng.random() < 0.15:
        chosen = tree.decks.deal("pairs", PAIRS)
    else:
        chosen = [tree.decks.deal(name, faults) for _ in range(rng.choice([1, 1, 1, 1, 1, 1, 2]))]
    for fault in chosen:
        node.note += " " + fault.__name__
        fault(rng, node, tree)
