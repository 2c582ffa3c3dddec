"""The rules of spec/token.md T-1 to T-62 for native tokens, restated from the text alone; a second opinion on src/chain."""
import hashlib
import re

from model_claims import CLAIMS, ELEMENT_BYTES_MAX, HASH, REFUSED, REQUIRED, Refusal, base58
from model_claims import demand, judge_name, key_in, key_is_acceptable, read_budget, read_plain
from model_constraints import ConstraintRefusal, allows, check_form
from model_json import JsonRefusal, decode_base64url, encode_base64url, read_json

TOKEN_BYTES_MAX, ELEMENTS_MAX = 16384, 16
SKEW_SECONDS = 30
SCOPE = re.compile(r"[a-z0-9]+:(?:[A-Za-z0-9._:/@%-]+\*?|\*)\Z")
HTTP_SCOPE = re.compile(r"http:[A-Za-z0-9._:/@%-]+ (?:[A-Za-z0-9._:/@%-]+\*?|\*)\Z")
FRAGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]+\Z")
WANTED = re.compile(r"(?:[a-z0-9]+:[A-Za-z0-9._:/@%-]+|http:[A-Za-z0-9._:/@%-]+ [A-Za-z0-9._:/@%-]+)\Z")


class Element:
    """One element as sent: its parts decoded, and its claims once they are read."""

    def __init__(self, text):
        self.text, self.claims, self.scope = text, {}, []
        self.signed, self.header, self.payload, self.signature = "", b"", b"", b""

    def link_id(self):
        return encode_base64url(hashlib.sha256(self.signed.encode()).digest())


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
    demand(payload.kind == "object", "token.malformed")
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
        known.add(name)
        if value is not None:
            demand(allowed != REFUSED, "token.claim.unknown")
            element.claims[name] = read(value)
        else:
            demand(allowed != REQUIRED, "token.claim.missing")
        if name == "exp":
            demand(element.claims["exp"] > element.claims["iat"])
    for name, _ in payload.members:
        demand(name in known or (i == 0 and name.startswith("x-")), "token.claim.unknown")


def read_header(element):
    header = read_json(element.header)
    demand(header.kind == "object", "token.header")
    members = {name: value.text for name, value in header.members}
    has_kid, kid = "kid" in members, members.pop("kid", None)
    demand(members == {"alg": "EdDSA", "typ": "aip+jwt"}, "token.header")
    if has_kid:
        demand(kid is not None and not header.get("kid").is_escaped(), "token.header")
        name, _, fragment = kid.partition("#")
        demand(name == element.claims["iss"] and FRAGMENT.match(fragment), "token.header")
    element.claims["kid"] = kid


def check_shares(claims):
    """T-33."""
    pairs, names, total = claims["shares"].items, set(), 0
    demand(1 <= len(pairs) <= 32 and "budget_usd" in claims)
    for pair in pairs:
        demand(pair.kind == "array" and len(pair.items) == 2)
        name, amount = pair.items
        text = read_plain(name)
        demand(amount.kind == "number")
        demand(judge_name(text) is None, judge_name(text))
        total += read_budget(amount)
        demand(text not in names)
        names.add(text)
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
    return key


def check_keys(keys, leaf):
    """T-13: two names whose signatures are of one key are one party."""
    for i, key in enumerate(keys):
        if key in keys[:i] or key == key_in(leaf):
            raise Refusal("chain.cycle", i)


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
    for i, element in enumerate(elements):
        if "constraints" in element.claims and not allows(element.claims["constraints"], tool, given):
            raise Refusal("constraint.violated", i)


def judge(case, signatures):
    """The grant that the token of the case carries, or Refusal. `signatures` holds every (signed, signature, key) ever made."""
    elements = split(case["token"])
    for i, element in enumerate(elements):
        at_element(i, read_element, element, i)
    for i in range(len(elements)):
        at_element(i, attenuate, elements, i)
    pin = at_element(0, trusted_key, elements[0], case["trust"])
    keys = [at_element(i, check_signature, element, pin if i == 0 else None, signatures) for i, element in enumerate(elements)]
    check_keys(keys, elements[-1].claims["sub"])
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
