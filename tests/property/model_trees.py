"""Seeded random delegation trees: elements that mostly narrow, with now and then a fault or an odd spelling at one of them."""
import hashlib

import model_faults
from model_constraint_cases import odd_claim, random_claim, simple_claim
from model_json import encode_base64url
from model_writing import Raw, write_members

NOW = 1800000000
PARTIES = 20
LEVELS_MAX, NODES_MAX = 9, 12
HEADER = '{"alg":"EdDSA","typ":"aip+jwt"}'
SCOPES = ("tool:search", "tool:db.*", "tool:*", "tool:db.read", "tool:t*", "prompt:summary", "resource:file:///data/*", "a2a:message/send",
          "skill:plan*", "http:GET /v1/*", "http:GET*", "tool:a%2Fb@c:d-_*", "tool:db.read*")
SUFFIXES = ("read", "read.all", "x", ".", "a/b", "Read", "%20", "1-2_3:4@5")
AUDIENCES = ("https://gw.example", "https://gw2.example", "did:web:gw.example", "https://third.example:8443", "did:aip:" + "0" * 32)
BUDGETS = ("0", "0.0", "0.000001", "0.5", "0.50", "1", "1.0", "1.000000", "2.25", "10", "10.000001", "9999999999", "9999999999.999999")


class Party:
    """A key and the names that go with it."""

    def __init__(self, index, key, key_bytes):
        self.index, self.key = index, key
        self.hex = key_bytes.hex()
        self.did, self.did_key = "did:aip:" + key, "did:key:" + key
        digest = hashlib.sha256(key_bytes).hexdigest()[:32]
        self.hash, self.ns_hash = "did:aip:" + digest, "did:aip:acme-corp:" + digest
        self.web = f"did:web:host{index}.example:agents:a{index}"

    def names(self):
        return [self.did, self.did_key, self.hash, self.ns_hash, self.web]

    def random_name(self, rng):
        roll = rng.random()
        return self.did if roll < 0.88 else self.did_key if roll < 0.94 else rng.choice([self.hash, self.ns_hash, self.web])


class Node:
    """One element: its claims by name, what else a fault changed, and what is in force for those that follow it."""

    def __init__(self, parent, signer):
        self.parent, self.signer = parent, signer
        self.claims, self.more, self.header, self.payload = {}, [], HEADER, None
        self.force = {}
        self.level = parent.level + 1 if parent else 0
        self.subject = None
        self.note = ""

    def path(self):
        return (self.parent.path() if self.parent else []) + [self]

    def seal(self, rng):
        """Writes the payload; the claims' order decides nothing."""
        members = list(self.claims.items()) + self.more
        if rng.random() < 0.3:
            rng.shuffle(members)
        text = self.payload if self.payload is not None else write_members(members, rng)
        data = text if isinstance(text, bytes) else text.encode()
        self.signed = encode_base64url(self.header.encode()) + "." + encode_base64url(data)
        self.link_id = encode_base64url(hashlib.sha256(self.signed.encode()).digest())


def narrow_entry(rng, entry):
    roll = rng.random()
    if not entry.endswith("*") or roll < 0.4:
        return entry
    text = entry[:-1]
    if roll < 0.5 and not text.endswith(":"):
        return text
    text += rng.choice(SUFFIXES)
    return text if len(text) > 200 or rng.random() < 0.6 else text + "*"


def narrow_scope(rng, scope):
    chosen = rng.sample(scope, rng.randint(1, min(len(scope), 4)))
    return [narrow_entry(rng, entry) for entry in chosen for _ in range(rng.choice([1, 1, 1, 2]))]


def random_jti(rng):
    return encode_base64url(rng.randbytes(16))


def random_text(rng):
    return rng.choice(["report", "nightly \u00fcbersicht", "\u6771\u4eac", Raw('"r\\u00e9port \\"x\\""'), "a" * 256, "\u00e9" * 128,
        Raw('"' + "\\u00e9" * 128 + '"'),
                       "\U0001f600" * 64, " .", "0"])


def budget_below(rng, ceiling):
    """Text of an amount in micro-USD of at most the ceiling."""
    if ceiling is None:
        return rng.choice(BUDGETS)
    micro = rng.choice([ceiling, max(ceiling - 1, 0), rng.randint(0, ceiling), 0])
    text = f"{micro // 10**6}.{micro % 10**6:06d}"
    return rng.choice([text, text.rstrip("0") + ("0" if text.rstrip("0").endswith(".") else "")])


class Tree:
    """`kind` is "good"; "faulty": faults anywhere; "root": a faulty root alone; "odd": a root with an odd
    constraint; "constraint": one or two good elements with one constraint."""

    def __init__(self, rng, parties, decks, kind):
        self.rng, self.parties, self.decks, self.kind = rng, parties, decks, kind
        self.nodes, self.now, self.audiences = [], NOW, AUDIENCES
        root = self.grow(None)
        if kind in ("good", "faulty"):
            self.fill(root)
        elif kind == "constraint" and rng.random() < 0.15:
            self.grow(root)
        for node in self.nodes:
            spoilt = any(other.note for other in node.path()[:-1])
            self.write(node, kind == "root" or (kind == "faulty" and rng.random() < (0.06 if spoilt or node is root else 0.12)))
        if kind == "faulty":
            self.add_faulty_leaves()

    def add_faulty_leaves(self):
        open_nodes = [node for node in self.nodes if not node.note and node.force["depth"] > 0 and node.level < LEVELS_MAX - 1]
        for _ in range(min(10, 3 * len(open_nodes))):
            self.write(self.grow(self.rng.choice(open_nodes)), True)

    def grow(self, parent):
        node = Node(parent, None)
        self.nodes.append(node)
        return node

    def fill(self, root):
        """The shape alone: now and then one long line, mostly bushes."""
        long, open_nodes = self.rng.random() < 0.2, [root]
        while open_nodes and len(self.nodes) < NODES_MAX:
            node = open_nodes.pop(0 if not long else -1)
            if node.level < LEVELS_MAX - 1:
                open_nodes += [self.grow(node) for _ in range(self.rng.choice([1] if long else [0, 1, 2, 2, 3]) or (node is root))]

    def height(self, node):
        return max((1 + self.height(other) for other in self.nodes if other.parent is node), default=0)

    def write(self, node, is_faulty):
        node.force = dict(node.parent.force) if node.parent else {"budget": None, "nbf": None, "aud": None, "principal": None}
        if node.parent is None:
            self.write_root(node)
        else:
            self.write_child(node)
        if is_faulty:
            model_faults.spoil(self.rng, node, self)
        self.put_in_force(node)
        node.seal(self.rng)

    def fresh_party(self, node):
        used = {n.subject for n in node.path() if n.subject is not None} | {node.path()[0].signer}
        return self.rng.choice([p for p in self.parties if p.index not in used])

    def write_root(self, node):
        rng = self.rng
        issuer = rng.choice(self.parties)
        node.signer = issuer.index
        subject = self.fresh_party(node)
        node.subject = subject.index
        start = NOW - rng.randint(0, 500)
        node.claims = {
            "iss": issuer.random_name(rng), "sub": subject.did if self.height(node) else subject.random_name(rng),
            "scope": rng.sample(SCOPES, rng.randint(1, 6)) + rng.choice([[], ["tool:*"], ["tool:db.*", "tool:t"]]),
            "max_depth": min(15, self.height(node) + rng.choice([0, 0, 1, 3, 15])), "iat": start, "exp": NOW + rng.randint(500, 5000),
        }
        self.add_optional(node)
        if rng.random() < 0.2:
            node.claims["jti"] = random_jti(rng)
        if rng.random() < 0.3:
            node.claims["context"] = random_text(rng)
        if rng.random() < 0.3:
            node.claims["principal"] = random_text(rng)
        if rng.random() < 0.2:
            node.claims["x-note"] = rng.choice([None, 1, "x", [1, {"scope": []}], Raw("1e3"), Raw("-0.0e-0")])
        if rng.random() < 0.15 and "budget_usd" in node.claims:
            node.claims["shares"] = model_faults.random_shares(rng, self.parties, model_faults.micro(node.claims["budget_usd"]))

    def write_child(self, node):
        rng, parent, force = self.rng, node.parent, node.force
        node.signer = parent.subject
        subject = self.fresh_party(node)
        node.subject = subject.index
        node.claims = {
            "iss": parent.claims.get("sub"),
            "sub": subject.random_name(rng) if self.height(node) == 0 else rng.choice([subject.did] * 9 + [subject.did_key]),
            "scope": narrow_scope(rng, force["scope"]), "iat": rng.choice([force["iat"], force["iat"] + rng.randint(0, 30)]),
            "exp": rng.choice([force["exp"], force["exp"] - rng.randint(0, 40)]), "jti": random_jti(rng), "par_hash": parent.link_id,
            "context": random_text(rng),
        }
        self.add_optional(node)
        if rng.random() < 0.35 and force["depth"] > 0:
            node.claims["max_depth"] = max(min(force["depth"] - 1, self.height(node) + rng.choice([0, 1, 5])), 0)
        if rng.random() < 0.3 and force["principal"] is not None:
            node.claims["principal"] = force["principal"]

    def add_optional(self, node):
        rng, claims, force = self.rng, node.claims, node.force
        if rng.random() < (0.4 if node.parent else 0.6):
            claims["budget_usd"] = Raw(budget_below(rng, force["budget"]))
        if rng.random() < 0.25:
            claims["nbf"] = (force["nbf"] or NOW - 600) + rng.choice([0, 0, 1, 40])
        if rng.random() < 0.25:
            above = force["aud"] or AUDIENCES
            chosen = rng.sample(above, rng.randint(1, len(above)))
            claims["aud"] = chosen[0] if len(chosen) == 1 and rng.random() < 0.5 else chosen
        if self.kind == "constraint":
            claims["constraints"] = simple_claim(rng, self.decks)
            claims["scope"] = ["tool:*"]
        elif self.kind == "odd":
            claims["constraints"] = odd_claim(rng, self.decks)
        elif rng.random() < 0.3:
            claims["constraints"] = random_claim(rng)
        issuer = claims.get("iss")
        if rng.random() < 0.08 and isinstance(issuer, str) and "z6Mk" in issuer:
            key = self.parties[node.signer].key
            fragment = rng.choice(["key-1", key]) if issuer.startswith("did:aip") else key
            node.header = rng.choice(['{"alg":"EdDSA","typ":"aip+jwt","kid":"%s"}',
                '{"kid":"%s","typ":"aip+jwt","alg":"EdDSA"}']) % f"{issuer}#{fragment}"

    def put_in_force(self, node):
        """What those that follow narrow; a claim that a fault made unreadable leaves what was."""
        claims, force = node.claims, node.force
        scope = claims.get("scope")
        if isinstance(scope, list) and scope and all(type(entry) is str for entry in scope):
            force["scope"] = scope[:6]
        force["depth"] = claims["max_depth"] if type(claims.get("max_depth")) is int else force.get("depth", 1) - 1
        for name in ("iat", "exp"):
            if type(claims.get(name)) is int or name not in force:
                force[name] = claims.get(name) if type(claims.get(name)) is int else NOW
        if type(claims.get("nbf")) is int:
            force["nbf"] = claims["nbf"]
        if isinstance(claims.get("budget_usd"), Raw):
            force["budget"] = model_faults.micro(claims["budget_usd"], force["budget"])
        audience = claims.get("aud")
        audience = audience if isinstance(audience, list) else [audience]
        if audience and all(type(name) is str and name for name in audience):
            force["aud"] = audience
        if node.parent is None:
            force["principal"] = claims.get("principal")
        force.setdefault("scope", ["tool:search"])
