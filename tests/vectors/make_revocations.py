#!/usr/bin/env python3
"""Writes tests/vectors/revocation/statement.jsonl: revocations, good and bad, signed through the driver.

Run by hand when a rule changes (BUILD/tests/aip-conform must be built); the recorded file is what the tests read.
The keys come from public test seeds.
"""
import hashlib

from signer import HERE, b64url, chain, compact, multikey, public_key, sha256, signing_input, write

NOW = 1800000000
SEEDS = [hashlib.sha256(b"revocation vector %d" % i).hexdigest() for i in range(6)]
RAW = [public_key(seed) for seed in SEEDS]
KEYS = [multikey(raw) for raw in RAW]
NAMES = ["did:aip:" + key for key in KEYS]
ELEMENTS = chain(NAMES, SEEDS, NOW - 60, 3)  # 0 grants to 1, 1 to 2, 2 to 3; 4 and 5 stand outside
TOKEN = "~".join(ELEMENTS)
LINKS = [b64url(sha256(signing_input(element))) for element in ELEMENTS]
HEADER = {"alg": "EdDSA", "typ": "aip-revocation+jwt"}
WEB = "did:web:agents.example"

CASES = []


def statement(issuer=1, *, header=None, seed=None, drop=(), **claims):
    """By party `issuer`, of the middle link unless `claims` name another target."""
    said = {"iss": NAMES[issuer], "iat": NOW, "seq": 7}
    said.update({} if {"link", "did", "key"} & set(claims) else {"link": LINKS[1]})
    said.update(claims)
    return compact(header or HEADER, {name: value for name, value in said.items() if name not in drop}, SEEDS[issuer] if seed is None else seed)


def case(clause, why, text, expected, **request):
    CASES.append({"clause": clause, "why": why, "request": {"op": "revocation.verify", "statement": text, "now": NOW, **request},
                  "expected": expected})


def good(clause, why, text, link=None, **request):
    case(clause, why, text, {"ok": True, **({} if link is None else {"link_id": LINKS[link]})}, **request)


def bad(clause, why, text, error, **request):
    case(clause, why, text, {"ok": False, "error": error}, **request)


def ends(clause, why, text, link, **request):
    good(clause, why, text, link, **{"token": TOKEN, **request})


def spares(clause, why, text, **request):
    bad(clause, why, text, "revocation.unauthorized", **{"token": TOKEN, **request})


def raw(payload, **options):
    return compact(HEADER, payload, SEEDS[1], **options)


def plain(**claims):
    """Its payload as text, to be edited."""
    members = {"iss": NAMES[1], "iat": NOW, "seq": 7, "link": LINKS[1], **claims}
    return "{" + ",".join(f'"{name}":' + (value if name in ("iat", "seq") and isinstance(value, str) else
                                           str(value) if isinstance(value, int) else f'"{value}"') for name, value in members.items()) + "}"


# Form.
good("R-1", "of a link", statement(), 1)
good("R-1", "of an identity", statement(did=NAMES[2]))
good("R-1", "of a key", statement(key=KEYS[2]))
good("R-1", "of a name without a key", statement(did=WEB))
good("R-1", "with a reason", statement(reason="the laptop was stolen"), 1)
good("R-1", "a reason of 256 bytes", statement(reason="r" * 256), 1)
good("R-1", "the number 0", statement(seq=0), 1)
good("R-1", "kid is the only key", statement(header=dict(HEADER, kid=NAMES[1] + "#key-1")), 1)
good("R-1", "kid is the key itself", statement(header=dict(HEADER, kid=NAMES[1] + "#" + KEYS[1])), 1)
good("R-1", "the algorithm's other name", statement(header=dict(HEADER, alg="Ed25519")), 1)
good("R-1", "its members in another order", raw(f'{{"link":"{LINKS[1]}", "seq":7,\n"iat":{NOW},"iss":"{NAMES[1]}"}}'), 1)
for claim in ("iss", "iat", "seq"):
    bad("R-1", f"no {claim}", statement(drop=[claim]), "token.claim.missing")
bad("R-1", "no target", statement(drop=["link"]), "token.claim.invalid")
bad("R-1", "two targets", statement(link=LINKS[1], did=NAMES[2]), "token.claim.invalid")
bad("R-1", "three targets", statement(link=LINKS[1], did=NAMES[2], key=KEYS[2]), "token.claim.invalid")
for name, value in (("exp", NOW + 60), ("aud", "https://gateway.example"), ("x-note", "x"), ("jti", "A" * 22), ("nbf", NOW)):
    bad("R-1", f"another claim, {name}", statement(**{name: value, "link": LINKS[1]}), "token.claim.unknown")
bad("R-1", "a claim twice", raw(plain()[:-1] + f',"link":"{LINKS[2]}"}}'), "json.duplicate")
bad("R-1", "an escaped name twice", raw(plain()[:-1] + f',"\\u006cink":"{LINKS[2]}"}}'), "json.duplicate")
bad("R-1", "an array", raw("[]"), "token.malformed")
bad("R-1", "bytes after the payload", raw(plain() + "{}"), "json.trailing")
for why, value in (("a fraction", f"{NOW}.0"), ("an exponent", "18e8"), ("negative", "-1"), ("a string", f'"{NOW}"'), ("2^53", str(2**53)),
                   ("null", "null")):
    bad("R-1", f"iat is {why}", raw(plain(iat=value)), "token.claim.invalid")
bad("R-1", "seq is a fraction", raw(plain(seq="7.5")), "token.claim.invalid")
bad("R-1", "seq is a string", statement(seq="7"), "token.claim.invalid")
bad("R-1", "a link id of 31 bytes", statement(link=b64url(bytes(31))), "token.claim.invalid")
bad("R-1", "a link id of 33 bytes", statement(link=b64url(bytes(33))), "base64url.invalid")
bad("R-1", "a link id with padding", statement(link=LINKS[1] + "="), "base64url.invalid")
bad("R-1", "a link id with trailing bits", statement(link=LINKS[1][:-1] + chr(ord(LINKS[1][-1]) + 1)), "base64url.invalid")
bad("R-1", "a link id in hexadecimal", statement(link=sha256(b"").hex()), "base64url.invalid")
bad("R-1", "a link id as a number", statement(link=7), "token.claim.invalid")
bad("R-1", "a target with an escape", raw(plain().replace(LINKS[1], "\\u0041" * 43)), "token.claim.invalid")
bad("R-1", "an identity that is none", statement(did="alice"), "did.invalid")
bad("R-1", "an identity of another method", statement(did="did:example:123"), "did.method.unsupported")
bad("R-1", "an issuer that is none", statement(iss="alice"), "did.invalid")
bad("R-1", "a key without multicodec", statement(key="z" + "6" * 43), "multibase.invalid")
bad("R-1", "a DID in place of a key", statement(key=NAMES[2]), "multibase.invalid")
bad("R-1", "a reason of 257 bytes", statement(reason="r" * 257), "token.claim.invalid")
bad("R-1", "a reason that is no string", statement(reason=["lost"]), "token.claim.invalid")
bad("R-1", "a chain that is no string", statement(chain=[TOKEN]), "token.claim.invalid")
bad("R-1", "the type of a token", statement(header={"alg": "EdDSA", "typ": "aip+jwt"}), "token.header")
bad("R-1", "no type", statement(header={"alg": "EdDSA"}), "token.header")
bad("R-1", "no algorithm", statement(header=dict(HEADER, alg="none")), "token.header")
bad("R-1", "a key in the header", statement(header=dict(HEADER, jwk={"kty": "OKP", "crv": "Ed25519", "x": b64url(RAW[1])})), "token.header")
bad("R-1", "a critical extension", statement(header=dict(HEADER, crit=["b64"], b64=False)), "token.header")
bad("R-1", "kid of another party", statement(header=dict(HEADER, kid=NAMES[2] + "#key-1")), "token.header")
bad("R-1", "kid without #", statement(header=dict(HEADER, kid=NAMES[1])), "token.header")
bad("R-1", "two parts", statement().rsplit(".", 1)[0], "token.malformed")
bad("R-1", "a line feed at the end", statement() + "\n", "base64url.invalid")
bad("R-1", "a token in its place", ELEMENTS[1], "token.header")
bad("R-1", "nothing", "", "token.malformed")
bad("R-1", "too long", statement(chain="A" * 13000), "token.size")

# Signature and time.
bad("R-3", "by another key", statement(seed=SEEDS[4]), "token.signature")
bad("R-3", "by the holder under the signer's name", statement(seed=SEEDS[2]), "token.signature")
bad("R-3", "a changed target", ".".join([statement().split(".")[0], statement(link=LINKS[2]).split(".")[1], statement().split(".")[2]]),
    "token.signature")
bad("R-3", "a signature of zeros", statement().rsplit(".", 1)[0] + "." + b64url(bytes(64)), "token.signature")
bad("R-3", "a later key that no log is known of", statement(header=dict(HEADER, kid=NAMES[1] + "#key-2")), "diddoc.key.not_found")
bad("R-3", "an issuer whose document is not known", statement(iss=WEB), "did.not_found")
good("R-3", "thirty seconds ahead", statement(), 1, now=NOW - 30)
bad("R-3", "thirty-one seconds ahead", statement(), "token.not_yet_valid", now=NOW - 31)
good("R-3", "ten years old", statement(), 1, now=NOW + 315360000)

# Who may end a link: its signer, those above, and its holder.
for link in range(3):
    for party in range(5):
        text = statement(party, link=LINKS[link])
        if party <= link + 1:
            ends("R-10", f"link {link} by party {party}", text, link)
        else:
            spares("R-10", f"link {link} by party {party}", text)
spares("R-10", "a link that is not in the chain", statement(0, link=b64url(bytes(32))))
spares("R-10", "a link below the chain that is shown", statement(2, link=LINKS[2]), token="~".join(ELEMENTS[:2]))
ends("R-10", "a link above the end", statement(1), 1, token="~".join(ELEMENTS[:2]))
ends("R-10", "the first link, and so all below", statement(0, link=LINKS[0]), 0)

# Who may end an identity: itself, and those above it.
for party in range(5):
    for target, link, may in ((0, 0, party == 0), (2, 1, party <= 2), (3, 2, party <= 3)):
        text = statement(party, did=NAMES[target])
        ends("R-11", f"party {target} by party {party}", text, link) if may else spares("R-11", f"party {target} by party {party}", text)
spares("R-11", "an identity that is not in the chain, by the root", statement(0, did=NAMES[5]))
bad("R-13", "of the root by itself: no chain is needed, and this one does not name it as a subject",
    statement(0, did=NAMES[0], chain=TOKEN), "revocation.unauthorized")
spares("R-11", "another name of the same key", statement(2, did="did:key:" + KEYS[2]))

# Who may end a key: its holder, and those above.
for party in range(5):
    for target, link, may in ((0, 0, party == 0), (2, 1, party <= 2), (3, 2, party <= 3)):
        text = statement(party, key=KEYS[target])
        ends("R-12", f"the key of party {target} by party {party}", text, link) if may else \
            spares("R-12", f"the key of party {target} by party {party}", text)
spares("R-12", "a key that is not in the chain, by the root", statement(0, key=KEYS[5]))

# A statement that carries its chain.
SHORT = "~".join(ELEMENTS[:2])
good("R-13", "judged by its chain", statement(1, chain=SHORT), 1)
good("R-13", "judged by a longer chain", statement(1, chain=TOKEN), 1)
good("R-13", "of an identity", statement(0, did=NAMES[2], chain=SHORT))
good("R-13", "of a key", statement(0, key=KEYS[2], chain=SHORT))
ends("R-13", "and it ends the token", statement(2, chain=SHORT), 1)
bad("R-13", "by a stranger", statement(4, chain=TOKEN), "revocation.unauthorized")
bad("R-13", "by one below", statement(3, chain=TOKEN), "revocation.unauthorized")
bad("R-13", "a chain that ends above the link", statement(1, link=LINKS[2], chain=SHORT), "revocation.unauthorized")
bad("R-13", "an identity that is not in it", statement(0, did=NAMES[4], chain=TOKEN), "revocation.unauthorized")
bad("R-13", "a key that is not in it", statement(0, key=KEYS[4], chain=TOKEN), "revocation.unauthorized")
FORGED = chain(NAMES[:1] + NAMES[4:6], [SEEDS[4], SEEDS[4]], NOW - 60, 2)
bad("R-13", "a chain that the issuer made up", statement(4, link=b64url(sha256(signing_input(FORGED[1]))), chain="~".join(FORGED)), "token.signature")
bad("R-13", "its elements swapped", statement(1, chain="~".join(ELEMENTS[1::-1])), "token.claim.missing")
bad("R-13", "an element without its parents", statement(1, chain=ELEMENTS[1]), "token.claim.missing")
bad("R-13", "an empty chain", statement(1, chain=""), "token.claim.invalid")
bad("R-13", "a foreign text", statement(1, chain="En0KFQ"), "token.unsupported")

# The token that is shown.
bad("R-10", "its signature does not verify", statement(), "token.signature",
    token=TOKEN[:-8] + ("A" if TOKEN[-8] != "A" else "B") + TOKEN[-7:])
bad("R-10", "it cannot be read", statement(), "base64url.invalid", token=TOKEN + "\n")

write(HERE / "revocation" / "statement.jsonl", CASES)
