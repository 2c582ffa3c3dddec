"""The rules of spec/token.md T-1 to T-62 for native tokens, restated from the text alone; a second opinion on src/chain."""
import hashlib
import re
import sys
from functools import lru_cache
from pathlib import Path

from model_constraints import ConstraintRefusal, allows, check_form
from model_json import JsonRefusal, decode_base64url, encode_base64url, read_json

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "vectors"))
from edwards import base58, is_acceptable_key, unbase58  # noqa: E402

TOKEN_BYTES_MAX, ELEMENT_BYTES_MAX, ELEMENTS_MAX = 16384, 8192, 16
INTEGER_MAX, DEPTH_MAX, SKEW_SECONDS = 2**53 - 1, 15, 30
B58 = "[1-9A-HJ-NP-Za-km-z]"
SELF = re.compile(rf"did:(aip|key):(z6Mk{B58}{{44}})\Z")
HASH = re.compile(r"did:aip:(?:[a-z][a-z0-9]*(?:-[a-z0-9]+)*:)?([0-9a-f]{32})\Z")
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
WEB = re.compile(rf"did:web:(?:{LABEL}\.)+(?![0-9]){LABEL}(?:%3A[1-9][0-9]{{0,4}})?(?::[A-Za-z0-9._-]+)*\Z")
FOREIGN = (
    ("did.foreign.solana", re.compile(rf"did:aip:{B58}{{32,44}}:[A-Za-z0-9_-]{{1,32}}\Z")),
    ("did.foreign.eip155", re.compile(r"did:aip:eip155:")),
    ("did.foreign.provider", re.compile(r"did:aip:(?:[a-z][a-z0-9]*_[A-Za-z0-9._-]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\Z")),
)
SCOPE = re.compile(r"[a-z0-9]+:(?:[A-Za-z0-9._:/@%-]+\*?|\*)\Z")
HTTP_SCOPE = re.compile(r"http:[A-Za-z0-9._:/@%-]+ (?:[A-Za-z0-9._:/@%-]+\*?|\*)\Z")
WANTED = re.compile(r"[A-Za-z0-9._:/@%-]+(?: [A-Za-z0-9._:/@%-]+)?\Z")
BUDGET = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,6}))?\Z")
INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"


class Refusal(Exception):
    def __init__(self, name, at=None):
        super().__init__(name, at)
        self.name, self.at = name, at


class Element:
    """One element as sent: its parts decoded, and its claims once they are read."""

    def __init__(self, text):
        self.text, self.claims, self.scope = text, {}, []
        self.signed, self.header, self.payload, self.signature = "", b"", b"", b""

    def link_id(self):
        return encode_base64url(hashlib.sha256(self.signed.encode()).digest())


# Names


@lru_cache(maxsize=10000)
def key_in(name):
    """The key that a name carries, as z6Mk…, or None."""
    return name.rsplit(":", 1)[1] if SELF.match(name) else None


@lru_cache(maxsize=10000)
def judge_name(name):
    """I-2 to I-7: None, or why the text is no name of a party in a native token."""
    own = SELF.match(name)
    if own:
        data = unbase58(own.group(2)[1:])
        return None if len(data) == 34 and data[:2] == b"\xed\x01" and "z" + base58(data) == own.group(2) else "did.invalid"
    if HASH.match(name) or (WEB.match(name) and len(name) <= 512):
        return None
    for status, form in FOREIGN:
        if form.match(name):
            return status
    method = re.match(r"did:([a-z0-9]+):[A-Za-z0-9._:%-]+\Z", name)
    return "did.method.unsupported" if method and method.group(1) not in ("aip", "key", "web") else "did.invalid"


@lru_cache(maxsize=1000)
def key_is_acceptable(key):
    return is_acceptable_key(unbase58(key[1:])[2:])


# Claims: each reader gives the claim's value or refuses


def demand(holds, name="token.claim.invalid"):
    if not holds:
        raise Refusal(name)


def read_plain(value):
    demand(value.kind == "string" and not value.is_escaped())
    return value.text


def read_name(value):
    text = read_plain(value)
    demand(judge_name(text) is None, judge_name(text))
    return text


def read_integer(maximum):
    def read(value):
        demand(value.kind == "number" and value.raw.isdigit() and int(value.raw) <= maximum)
        return int(value.raw)

    return read


def read_scope(value):
    demand(value.kind == "array" and 1 <= len(value.items) <= 64)
    return [read_plain(item) for item in value.items]


def micro_usd(raw):
    found = BUDGET.match(raw)
    demand(found is not None)
    return int(found.group(1)) * 10**6 + int((found.group(2) or "").ljust(6, "0"))


def read_budget(value):
    demand(value.kind == "number")
    demand(not value.raw.startswith("-"), "token.budget.negative")
    return micro_usd(value.raw)


def read_jti(value):
    demand(value.kind == "string")
    data = decode_base64url(value.text)
    demand(data is not None and len(data) == 16)
    return value.text


def read_audience(value):
    if value.kind == "string":
        return [read_plain(value)]
    demand(value.kind == "array" and 1 <= len(value.items) <= 16)
    return [read_plain(item) for item in value.items]


def read_par_hash(value):
    return read_plain(value)


def read_text(maximum):
    def read(value):
        demand(value.kind == "string" and len(value.text.encode()) <= maximum)
        demand(any(not c.isspace() and c not in INVISIBLE for c in value.text))
        return value.text

    return read


def read_object(value):
    demand(value.kind == "object")
    return value


def read_array(value):
    demand(value.kind == "array")
    return value


REQUIRED, OPTIONAL, REFUSED = "required", "optional", "refused"
CLAIMS = (  # name, in the root, later, reader
    ("iss", REQUIRED, REQUIRED, read_name),
    ("sub", REQUIRED, REQUIRED, read_name),
    ("scope", REQUIRED, REQUIRED, read_scope),
    ("budget_usd", OPTIONAL, OPTIONAL, read_budget),
    ("max_depth", REQUIRED, OPTIONAL, read_integer(DEPTH_MAX)),
    ("iat", REQUIRED, REQUIRED, read_integer(INTEGER_MAX)),
    ("exp", REQUIRED, REQUIRED, read_integer(INTEGER_MAX)),
    ("nbf", OPTIONAL, OPTIONAL, read_integer(INTEGER_MAX)),
    ("jti", OPTIONAL, REQUIRED, read_jti),
    ("aud", OPTIONAL, OPTIONAL, read_audience),
    ("par_hash", REFUSED, REQUIRED, read_par_hash),
    ("context", OPTIONAL, REQUIRED, read_text(256)),
    ("principal", OPTIONAL, OPTIONAL, read_text(512)),
    ("constraints", OPTIONAL, OPTIONAL, read_object),
    ("shares", OPTIONAL, REFUSED, read_array),
)


# T-61, step 1


def split(text):
    if len(text.encode()) > TOKEN_BYTES_MAX:
        raise Refusal("token.size")
    if not text.startswith("eyJ"):
        raise Refusal("token.unsupported" if text[:1] in ("E", "C") else "token.malformed")
    elements = [Element(part) for part in text.split("~")]
    if len(elements) > ELEMENTS_MAX:
        raise Refusal("chain.length")
    for i, element in enumerate(elements):
        if len(element.text) > ELEMENT_BYTES_MAX:
            raise Refusal("token.size", i)
    for i, element in enumerate(elements):
        decode_parts(element, i)
    return elements


def decode_parts(element, i):
    parts = element.text.split(".")
    if len(parts) != 3:
        raise Refusal("token.malformed", i)
    element.signed = parts[0] + "." + parts[1]
    decoded = [decode_base64url(part) for part in parts]
    if None in decoded:
        raise Refusal("base64url.invalid", i)
    element.header, element.payload, element.signature = decoded
    if len(element.signature) != 64:
        raise Refusal("token.malformed", i)


# T-61, step 2


def read_element(element, i):
    payload = read_json(element.payload)
    if payload.kind != "object":
        raise Refusal("json.shape")
    read_claims(element, payload, i)
    read_header(element)
    for entry in element.claims["scope"]:
        demand(len(entry) <= 256 and (SCOPE.match(entry) or HTTP_SCOPE.match(entry)))
    if "constraints" in element.claims:
        check_form(element.claims["constraints"])
    if "shares" in element.claims:
        check_shares(element.claims)


def read_claims(element, payload, i):
    known = set()
    for name, root, later, read in CLAIMS:
        allowed, value = root if i == 0 else later, payload.get(name)
        if allowed == REFUSED:
            continue
        known.add(name)
        if value is not None:
            element.claims[name] = read(value)
        else:
            demand(allowed != REQUIRED, "token.claim.missing")
        if name == "exp":
            demand(element.claims["exp"] > element.claims["iat"])
    for name, _ in payload.members:
        demand(name in known or (i == 0 and name.startswith("x-")), "token.claim.unknown")


def read_header(element):
    try:
        header = read_json(element.header)
    except JsonRefusal:
        raise Refusal("token.header") from None
    demand(header.kind == "object", "token.header")
    members = {name: value.text for name, value in header.members}
    has_kid, kid = "kid" in members, members.pop("kid", None)
    demand(members == {"alg": "EdDSA", "typ": "aip+jwt"}, "token.header")
    if has_kid:
        name, _, fragment = (kid or "").partition("#")
        demand(name == element.claims["iss"] and fragment, "token.header")
    element.claims["kid"] = kid


def check_shares(claims):
    """T-33."""
    pairs, names, total = claims["shares"].items, set(), 0
    demand(1 <= len(pairs) <= 32 and "budget_usd" in claims)
    for pair in pairs:
        demand(pair.kind == "array" and len(pair.items) == 2)
        name, amount = pair.items
        text = read_plain(name)
        demand(judge_name(text) is None and text not in names and amount.kind == "number")
        names.add(text)
        total += micro_usd(amount.raw)
    demand(total <= claims["budget_usd"])


# T-61, step 3


def nearest(elements, i, name):
    """T-12: what the nearest of the elements 0 … i that declares the claim says, or None."""
    return next((e.claims[name] for e in reversed(elements[: i + 1]) if name in e.claims), None)


def hops_after(elements, i):
    """T-34: how many hops may follow element i; absent is one less than before."""
    hops = elements[0].claims["max_depth"]
    for element in elements[1 : i + 1]:
        hops = element.claims.get("max_depth", hops - 1)
    return hops


def same_party(a, b):
    return a == b or (key_in(a) is not None and key_in(a) == key_in(b))


def lies_within(entry, parent):
    """T-21."""
    if entry == parent:
        return True
    return parent.endswith("*") and entry.removesuffix("*").startswith(parent[:-1])


def attenuate(elements, i):
    claims = elements[i].claims
    parties = [elements[0].claims["iss"]] + [e.claims["sub"] for e in elements[:i]]
    if i > 0:
        parent = elements[i - 1].claims
        demand(claims["iss"] == parent["sub"], "chain.issuer")
        demand(claims["par_hash"] == elements[i - 1].link_id(), "chain.parent")
        demand(hops_after(elements, i - 1) > 0, "chain.depth")
    demand(not any(same_party(claims["sub"], party) for party in parties), "chain.cycle")
    if i == 0:
        return
    for entry in claims["scope"]:
        demand(any(lies_within(entry, above) for above in parent["scope"]), "chain.widened.scope")
    above = nearest(elements, i - 1, "budget_usd")
    demand(above is None or claims.get("budget_usd", 0) <= above, "chain.widened.budget")
    demand(claims.get("max_depth", 0) <= hops_after(elements, i - 1) - 1, "chain.widened.depth")
    demand(claims["iat"] >= parent["iat"] and claims["exp"] <= parent["exp"], "chain.widened.time")
    above = nearest(elements, i - 1, "nbf")
    demand(above is None or "nbf" not in claims or claims["nbf"] >= above, "chain.widened.time")
    above = nearest(elements, i - 1, "aud")
    demand(above is None or "aud" not in claims or set(claims["aud"]) <= set(above), "chain.widened.audience")
    demand("principal" not in claims or claims["principal"] == elements[0].claims.get("principal"), "chain.principal")


# T-61, steps 4 to 8


def spell_key(entry):
    """Bare keys are also listed in hexadecimal."""
    return "z" + base58(b"\xed\x01" + bytes.fromhex(entry)) if re.match(r"[0-9a-f]{64}\Z", entry) else entry


def trusted_key(root, trust):
    """T-50 to T-53: the pinned key, or None where the name has to say its own; refuses a root that nobody listed."""
    issuer, listed = root.claims["iss"], False
    for entry in map(spell_key, trust):
        name, _, pin = entry.rpartition("=")
        if name:
            if name == issuer:
                return pin
        elif entry == issuer or (key_in(issuer) and entry.removeprefix("ed25519:") == key_in(issuer)):
            listed = True
    demand(listed, "trust.root.unknown")
    return None


def key_of(issuer, pin):
    """T-51, T-52, for a verifier that resolves nothing."""
    key = pin or key_in(issuer)
    if key is None:
        raise Refusal("did.key.missing" if HASH.match(issuer) else "did.not_found")
    demand(key_is_acceptable(key), "did.key.invalid")
    return key


def check_kid(element, key):
    """T-6 and I-9."""
    kid = element.claims["kid"]
    if kid is None:
        return
    name, fragment = element.claims["iss"], kid.partition("#")[2]
    known = {key} if name.startswith("did:key:") else {key, "key-1"}
    demand(fragment in known, "diddoc.key.not_found")


def at_element(i, check, *arguments):
    """Runs the check; a refusal of it concerns element i."""
    try:
        return check(*arguments)
    except (JsonRefusal, ConstraintRefusal) as refusal:
        raise Refusal(refusal.args[0], i) from None
    except Refusal as refusal:
        raise Refusal(refusal.name, i) from None


def check_signature(element, pin, signatures):
    key = key_of(element.claims["iss"], pin)
    check_kid(element, key)
    demand((element.signed, element.signature, key) in signatures, "token.signature")


def check_started(element, now):
    for name in ("iat", "nbf"):
        demand(element.claims.get(name, now) <= now + SKEW_SECONDS, "token.not_yet_valid")


def check_audience(elements, audiences):
    for i in reversed(range(len(elements))):
        if "aud" in elements[i].claims:
            if not set(elements[i].claims["aud"]) & set(audiences):
                raise Refusal("token.audience", i)
            return


def check_use(elements, tool, arguments):
    """T-23, T-41."""
    wanted = tool if ":" in tool else "tool:" + tool
    demand(WANTED.match(wanted) and any(lies_within(wanted, entry) for entry in elements[-1].claims["scope"]), "scope.insufficient")
    if arguments is None:
        return
    given = read_json(arguments.encode(), 128, 10**6)
    for element in elements:
        if "constraints" in element.claims:
            demand(allows(element.claims["constraints"], tool, given), "constraint.violated")


def judge(case, signatures):
    """The grant that the token of the case carries, or Refusal. `signatures` holds every (signed, signature, key) ever made."""
    elements = split(case["token"])
    for i, element in enumerate(elements):
        at_element(i, read_element, element, i)
    for i in range(len(elements)):
        at_element(i, attenuate, elements, i)
    pin = at_element(0, trusted_key, elements[0], case["trust"])
    for i, element in enumerate(elements):
        at_element(i, check_signature, element, pin if i == 0 else None, signatures)
    for i, element in enumerate(elements):
        at_element(i, check_started, element, case["now"])
    check_audience(elements, case.get("audience", []))
    for i, element in enumerate(elements):
        at_element(i, lambda e=element: demand(case["now"] < e.claims["exp"], "token.expired"))
    if "tool" in case:
        check_use(elements, case["tool"], case.get("arguments"))
    return {
        "root": elements[0].claims["iss"],
        "leaf": elements[-1].claims["sub"],
        "scope": elements[-1].claims["scope"],
        "budget": nearest(elements, len(elements) - 1, "budget_usd"),
        "depth_left": hops_after(elements, len(elements) - 1),
        "expires": min(element.claims["exp"] for element in elements),
        "link_ids": [element.link_id() for element in elements],
    }
