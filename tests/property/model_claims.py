"""Names and claims of one element, restated from spec/token.md T-3 and T-10 to T-37 and spec/identity.md I-2 to I-8."""
import re
import sys
from functools import lru_cache
from pathlib import Path

from model_json import decode_base64url

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "vectors"))
from edwards import base58, is_acceptable_key, unbase58  # noqa: E402

INTEGER_MAX, DEPTH_MAX, ELEMENT_BYTES_MAX = 2**53 - 1, 15, 8192
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
BUDGET = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,6}))?\Z")
INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"


class Refusal(Exception):
    def __init__(self, name, at=None):
        super().__init__(name, at)
        self.name, self.at = name, at


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


def read_plain(value, maximum=512):
    """A string without escapes (T-3), not empty, and mostly no longer than an identifier may be (I-6)."""
    demand(value.kind == "string" and not value.is_escaped() and 1 <= len(value.text.encode()) <= maximum)
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
    return [read_plain(item, ELEMENT_BYTES_MAX) for item in value.items]


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
    data = decode_base64url(read_plain(value))
    demand(data is not None and len(data) == 32)
    return value.text


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
