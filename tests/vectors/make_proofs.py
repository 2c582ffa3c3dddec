#!/usr/bin/env python3
"""Writes tests/vectors/proof/request.jsonl: signed requests, good and bad, signed through the driver.

Run by hand when a rule changes (BUILD/tests/aip-conform must be built); the recorded file is what the tests read.
Signature bases and digests are made here, not by the library; the keys come from public test seeds.
"""
import hashlib
from urllib.parse import urlsplit

from signer import HERE, b64, b64url, chain, multikey, public_key, sha256, sign, write

NOW = 1800000000
SEEDS = [hashlib.sha256(b"proof vector %d" % i).hexdigest() for i in range(5)]
KEYS = [public_key(seed) for seed in SEEDS]
NAMES = ["did:aip:" + multikey(key) for key in KEYS]
LEAF = 2  # 0 grants to 1, 1 to 2; 3 is a stranger
ELEMENTS = chain(NAMES, SEEDS, NOW - 60, 2)
TOKEN = "~".join(ELEMENTS)
BODY = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{}}}'
URL = "https://gateway.example/mcp?session=1"
NONCE = b64url(bytes(range(16)))
COVERED = ["@method", "@authority", "@path", "@query", "x-aip-token", "content-digest"]
WITHOUT_BODY = COVERED[:-1]


def digest(body, name="sha-256"):
    return f"{name}=:{b64(hashlib.new(name.replace('-', ''), body).digest())}:"


class Request:
    """A request that is signed as it stands and may be changed afterwards."""

    def __init__(self, method="POST", url=URL, body=BODY, headers=None):
        self.method, self.url, self.body = method, url, body
        self.headers = [["Content-Type", "application/json"], ["X-AIP-Token", TOKEN], ["Content-Digest", digest(body)]] \
            if headers is None else headers

    def values(self, name):
        return [value.strip(" \t") for own, value in self.headers if own.lower() == name]

    def component(self, name):
        """RFC 9421 sections 2.1 and 2.2."""
        parts = urlsplit(self.url)
        port = {"https": ":443", "http": ":80"}[parts.scheme]
        authority = parts.netloc.lower().removesuffix(port)
        path, query = parts.path or "/", "?" + parts.query
        derived = {"@method": self.method, "@authority": authority, "@scheme": parts.scheme, "@path": path, "@query": query,
                   "@request-target": path + (query if parts.query else ""),
                   "@target-uri": f"{parts.scheme}://{authority}{path}" + (query if parts.query else "")}
        return derived[name] if name in derived else ", ".join(self.values(name))

    def sign(self, seed=None, *, covered=None, label="aip", text=None, **parameters):
        """`text` replaces the member's value, the list with its parameters, as it goes out and is signed."""
        said = {"created": NOW, "nonce": NONCE, "keyid": NAMES[LEAF] + "#key-1", "tag": "aip-proof", **parameters}
        covered = COVERED if covered is None else covered
        if text is None:
            text = "(" + " ".join(f'"{name}"' for name in covered) + ")" + "".join(
                f";{name}=" + (str(value) if isinstance(value, int) else f'"{value}"') for name, value in said.items() if value is not None)
        base = "".join(f'"{name}": {self.component(name)}\n' for name in covered) + f'"@signature-params": {text}'
        self.headers += [["Signature-Input", f"{label}={text}"],
                         ["Signature", f"{label}=:{b64(sign(SEEDS[LEAF] if seed is None else seed, base.encode()))}:"]]
        return self

    def set(self, name, value):
        """Replaces the first header of this name; None takes it out."""
        at = [own.lower() for own, _ in self.headers].index(name.lower())
        self.headers[at:at + 1] = [] if value is None else [[name, value]]
        return self

    def add(self, name, value):
        self.headers.append([name, value])
        return self

    def get(self, name):
        return self.values(name.lower())[0]

    def but(self, **changes):
        for name, value in changes.items():
            setattr(self, name, value)
        return self

    def asked(self):
        return {"op": "httpsig.verify", "method": self.method, "url": self.url, "headers": self.headers, "body_base64": b64(self.body)}


CASES = []


def case(clause, why, request, expected, *, key=LEAF, **more):
    asked = request.asked()
    asked.update({"pk": KEYS[key].hex() if isinstance(key, int) else key})
    asked.update(more)
    CASES.append({"clause": clause, "why": why, "request": asked, "expected": expected})


def profile(clause, why, request, expected, **more):
    case(clause, why, request, expected, **{"profile": True, "now": NOW, "leaf": NAMES[LEAF], **more})


def good(clause, why, request, **more):
    profile(clause, why, request, {"ok": True}, **more)


def bad(clause, why, request, error, **more):
    profile(clause, why, request, {"ok": False, "error": error}, **more)


def signed(**parameters):
    return Request().sign(**parameters)


def edited(old, new, name="Signature-Input", **parameters):
    """A good request in which a piece of one header is changed after signing."""
    request = signed(**parameters)
    assert old in request.get(name), old
    return request.set(name, request.get(name).replace(old, new, 1))


# RFC 9421 appendix B.2.6, with the test request of appendix B.2 and the key of B.1.4.
PUBLISHED_KEY = "26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb"
PUBLISHED_INPUT = ('sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473'
                   ';keyid="test-key-ed25519"')
PUBLISHED = "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"


def published(**changes):
    headers = [["Host", "example.com"], ["Date", "Tue, 20 Apr 2021 02:07:55 GMT"], ["Content-Type", "application/json"],
               ["Content-Digest", "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"],
               ["Content-Length", "18"], ["Signature-Input", PUBLISHED_INPUT], ["Signature", PUBLISHED]]
    return Request("POST", "https://example.com/foo?param=Value&Pet=dog", b'{"hello": "world"}', headers).but(**changes)


OK = {"ok": True}
case("rfc9421", "B.2.6 as published", published(), OK, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, asked for by its label", published(), OK, key=PUBLISHED_KEY, label="sig-b26")
case("rfc9421", "B.2.6, another query is not covered", published(url="https://example.com/foo?x"), OK, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, the scheme's port", published(url="https://example.com:443/foo"), OK, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, another path", published(url="https://example.com/fo"), {"ok": False, "error": "proof.signature"}, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, another method", published(method="PUT"), {"ok": False, "error": "proof.signature"}, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, another host", published(url="https://example.org/foo"), {"ok": False, "error": "proof.signature"}, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, another date", published().set("Date", "Tue, 20 Apr 2021 02:07:56 GMT"), {"ok": False, "error": "proof.signature"},
     key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, no date", published().set("Date", None), {"ok": False, "error": "proof.component"}, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, a second date", published().add("Date", "Tue, 20 Apr 2021 02:07:55 GMT"), {"ok": False, "error": "proof.signature"},
     key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, another body", published(body=b'{"hello": "worlds"}'), {"ok": False, "error": "proof.digest"}, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, another key", published(), {"ok": False, "error": "proof.signature"}, key=3)
case("rfc9421", "B.2.6, another label", published(), {"ok": False, "error": "proof.missing"}, key=PUBLISHED_KEY, label="sig")
case("rfc9421", "B.2.6, without Signature", published().set("Signature", None), {"ok": False, "error": "proof.missing"}, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6, a line break in the list", published().set("Signature-Input", PUBLISHED_INPUT.replace('" "', '"  "', 1)),
     {"ok": False, "error": "proof.malformed"}, key=PUBLISHED_KEY)
case("rfc9421", "B.2.6 is no proof to a gateway", published(), {"ok": False, "error": "proof.missing"}, key=PUBLISHED_KEY, profile=True,
     now=1618884473, leaf=NAMES[LEAF])
case("labels", "two, and none is meant", published().add("Signature-Input", "b=()").add("Signature", "b=:AAAA:"),
     {"ok": False, "error": "proof.missing"}, key=PUBLISHED_KEY)
for component in ("@scheme", "@target-uri", "@request-target", "content-type"):
    case("S-3", f"{component} is covered", Request().sign(covered=[component]), OK)
case("S-3", "a field in two lines is joined", Request().add("X-A", " 1\t").add("X-A", "2").sign(covered=["x-a"]), OK)
case("S-3", "an empty path", Request(url="http://Gateway.Example:80").sign(covered=["@path", "@query", "@authority", "@request-target"]), OK)
case("S-3", "nothing is covered", Request().sign(covered=[]), OK)
case("S-3", "an algorithm is named", Request().sign(covered=["@method"], alg="ed25519"), OK)
case("S-3", "an algorithm is named by a token in place of a string", Request().sign(covered=["@method"], text='("@method");alg=ed25519'),
     {"ok": False, "error": "proof.signature"})
case("S-3", "another algorithm is named", Request().sign(covered=["@method"], alg="hmac-sha256"), {"ok": False, "error": "proof.signature"})
for name, text in (("a field is parsed", '("content-digest";sf)'), ("a field's member", '("content-digest";key="sha-256")'),
                   ("a field as bytes", '("content-type";bs)'), ("of the request, in a request", '("@method";req)'),
                   ("a query parameter", '("@query-param";name="session")'), ("a status", '("@status")'), ("upper case", '("X-AIP-Token")'),
                   ("twice", '("@method" "@method")'), ("a token in place of a string", "(x-aip-token)"), ("no such field", '("x-absent")'),
                   ("no such derived component", '("@fragment")')):
    case("S-3", name, Request().sign(covered=[], text=text), {"ok": False, "error": "proof.component"})

good("S-1", "all that is needed", signed())
good("S-1", "without a body", Request("GET", body=b"", headers=[["X-AIP-Token", TOKEN]]).sign(covered=WITHOUT_BODY))
good("S-1", "no query", Request(url="https://gateway.example/mcp").sign())
good("S-1", "more is covered", signed(covered=COVERED + ["content-type", "@scheme"]))
good("S-1", "the components in another order", signed(covered=COVERED[::-1]))
good("S-1", "an algorithm is named", signed(alg="ed25519"))
good("S-1", "names of fields and hosts in upper case", Request(url="https://Gateway.Example:443/mcp").sign().but(url="https://gateway.example/mcp"))
good("S-1", "white space around values", signed().set("X-AIP-Token", f" {TOKEN}\t"))
good("S-1", "another signature beside it", signed().add("Signature-Input", 'b=("@method")').add("Signature", "b=:AAAA:"))
good("S-1", "both in one line", (lambda r: r.set("Signature-Input", 'b=(), ' + r.get("Signature-Input"))
                                .set("Signature", "b=:AAAA:,\t" + r.get("Signature")))(signed()))
bad("S-1", "no signature", Request(), "proof.missing")
bad("S-1", "Signature-Input alone", signed().set("Signature", None), "proof.missing")
bad("S-1", "Signature alone", signed().set("Signature-Input", None), "proof.missing")
bad("S-1", "another label", signed(label="sig"), "proof.missing")
bad("S-1", "the label in upper case", edited("aip=", "AIP="), "proof.malformed")
bad("S-1", "the labels of two signatures swapped",
    (lambda r: r.set("Signature", "b=" + r.get("Signature")[4:] + ", aip=:" + b64(bytes(64)) + ":"))(signed().add("Signature-Input", "b=()")),
    "proof.signature")

bad("S-2", "two signatures of one label", signed().sign(SEEDS[LEAF]), "proof.repeated")
bad("S-2", "Signature-Input twice", (lambda r: r.add("Signature-Input", r.get("Signature-Input")))(signed()), "proof.repeated")
bad("S-2", "twice in one line", (lambda r: r.set("Signature", r.get("Signature") + ", " + r.get("Signature")))(signed()), "proof.repeated")
bad("S-2", "two spaces in the list", edited('" "', '"  "'), "proof.malformed")
bad("S-2", "a space after a semicolon", edited(";nonce", "; nonce"), "proof.malformed")
bad("S-2", "a leading zero", edited("created=", "created=0"), "proof.malformed")
bad("S-2", "a decimal", edited(f"created={NOW}", f"created={NOW}.0"), "proof.malformed")
bad("S-2", "a parameter twice", edited(";nonce=", f';tag="aip-proof";nonce='), "proof.malformed")
bad("S-2", "a comma at the end", (lambda r: r.set("Signature", r.get("Signature") + ","))(signed()), "proof.malformed")
bad("S-2", "base64url", (lambda r: r.set("Signature", "aip=:" + "-" + r.get("Signature")[6:]))(signed()), "proof.malformed")
bad("S-2", "base64 without padding", edited("==:", ":", "Signature"), "proof.malformed")
bad("S-2", "trailing bits", (lambda r: r.set("Signature", r.get("Signature")[:-4] + chr(ord(r.get("Signature")[-4]) + 1) + "==:"))(signed()),
    "proof.malformed")
bad("S-2", "a signature of 63 bytes", signed().set("Signature", "aip=:" + b64(bytes(63)) + ":"), "proof.malformed")
bad("S-2", "a signature as a string", signed().set("Signature", 'aip="' + b64(bytes(64)) + '"'), "proof.malformed")
bad("S-2", "an item in place of the list", signed().set("Signature-Input", 'aip="@method"'), "proof.malformed")
bad("S-2", "a malformed member beside it", signed().add("Signature", "b=:AAAA"), "proof.malformed")

bad("S-4", "the tag of a reply", signed(tag="aip-reply"), "proof.tag")
bad("S-4", "another protocol's tag", signed(tag="web-bot-auth"), "proof.tag")
bad("S-4", "no tag", signed(tag=None), "proof.tag")
bad("S-4", "the tag put in afterwards", edited('="web"', '="aip-proof"', tag="web"), "proof.signature")
good("S-4", "sixty seconds old", signed(), now=NOW + 60)
bad("S-4", "sixty-one seconds old", signed(), "proof.expired", now=NOW + 61)
good("S-4", "thirty seconds ahead", signed(), now=NOW - 30)
bad("S-4", "thirty-one seconds ahead", signed(), "proof.not_yet_valid", now=NOW - 31)
bad("S-4", "made younger", edited(f"created={NOW}", f"created={NOW + 100}"), "proof.signature", now=NOW + 100)
bad("S-4", "no time", signed(created=None), "proof.malformed")
bad("S-4", "a time as a string", signed(created=str(NOW)), "proof.malformed")
good("S-4", "its end is not reached", signed(expires=NOW + 5), now=NOW + 4)
bad("S-4", "its end is reached", signed(expires=NOW + 5), "proof.expired", now=NOW + 5)
bad("S-4", "its end as a string", signed(expires=str(NOW + 5)), "proof.malformed")
bad("S-4", "no keyid", signed(keyid=None), "proof.key")
bad("S-4", "the identifier without a key", signed(keyid=NAMES[LEAF]), "proof.key")
bad("S-4", "the identifier and # alone", signed(keyid=NAMES[LEAF] + "#"), "proof.key")
bad("S-4", "the identifier and more", signed(keyid=NAMES[LEAF] + "A#key-1"), "proof.key")
bad("S-4", "an ancestor's key", signed(seed=SEEDS[1], keyid=NAMES[1] + "#key-1"), "proof.key", key=1)
bad("S-4", "the root's key", signed(seed=SEEDS[0], keyid=NAMES[0] + "#key-1"), "proof.key", key=0)
bad("S-4", "another agent's key", signed(seed=SEEDS[3], keyid=NAMES[3] + "#key-1"), "proof.key", key=3)
bad("S-4", "an ancestor's key under the leaf's name", signed(seed=SEEDS[1]), "proof.signature")
bad("S-4", "another agent's key under the leaf's name", signed(seed=SEEDS[3]), "proof.signature")
bad("S-4", "the chain cut by a later holder", Request(headers=[["X-AIP-Token", ELEMENTS[0]], ["Content-Digest", digest(BODY)]]).sign(),
    "proof.key", leaf=NAMES[1], key=1)
good("S-4", "a nonce of 64 characters", signed(nonce="n" * 64))
bad("S-4", "no nonce", signed(nonce=None), "proof.nonce")
bad("S-4", "a nonce of 15 characters", signed(nonce="n" * 15), "proof.nonce")
bad("S-4", "a nonce of 65 characters", signed(nonce="n" * 65), "proof.nonce")
bad("S-4", "a nonce as a number", signed(nonce=123456789012345), "proof.nonce")
bad("S-4", "another nonce", edited(NONCE, b64url(bytes(16))), "proof.signature")
for component in COVERED:
    bad("S-4", f"{component} is not covered", signed(covered=[name for name in COVERED if name != component]), "proof.uncovered")
bad("S-4", "a component taken out afterwards", edited(' "@query"', ""), "proof.uncovered")
bad("S-4", "the path with a parameter", signed(text=f'("@method" "@authority" "@path";req "@query" "x-aip-token" "content-digest");created={NOW}'
                                              f';nonce="{NONCE}";keyid="{NAMES[LEAF]}#key-1";tag="aip-proof"'), "proof.uncovered")
bad("S-4", "another method", signed().but(method="DELETE"), "proof.signature")
bad("S-4", "the method in lower case", signed().but(method="post"), "proof.signature")
bad("S-4", "another path", signed().but(url="https://gateway.example/admin?session=1"), "proof.signature")
bad("S-4", "a path spelled otherwise", signed().but(url="https://gateway.example/%6dcp?session=1"), "proof.signature")
bad("S-4", "another query", signed().but(url="https://gateway.example/mcp?session=2"), "proof.signature")
bad("S-4", "the query taken out", signed().but(url="https://gateway.example/mcp"), "proof.signature")
bad("S-4", "another gateway", signed().but(url="https://other.example/mcp?session=1"), "proof.signature")
bad("S-4", "another port", signed().but(url="https://gateway.example:8443/mcp?session=1"), "proof.signature")
bad("S-4", "the other scheme's port", Request(url="https://gateway.example/mcp").sign().but(url="https://gateway.example:80/mcp"),
    "proof.signature")
bad("S-4", "a shorter token", signed().set("X-AIP-Token", ELEMENTS[0]), "proof.signature")
bad("S-4", "another token", signed().set("X-AIP-Token", chain(NAMES, SEEDS, NOW - 61, 1)[0]), "proof.signature")
bad("S-4", "two tokens", signed().add("X-AIP-Token", TOKEN), "proof.signature")
bad("S-4", "the token in the query alone", Request(url=URL + "&token=" + TOKEN).sign().set("X-AIP-Token", None), "proof.component")
bad("S-4", "the token in a cookie alone", signed().set("X-AIP-Token", None).add("Cookie", "token=" + TOKEN), "proof.component")
bad("S-4", "one bit of the signature", (lambda r: r.set("Signature", "aip=:" + ("A" if r.get("Signature")[5] != "A" else "B") +
                                                       r.get("Signature")[6:]))(signed()), "proof.signature")

good("S-5", "sha-512", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", digest(BODY, "sha-512")]]).sign())
good("S-5", "one that is not judged beside it", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", "md5=:AAAA:, " + digest(BODY)]]).sign())
bad("S-5", "another body", signed().but(body=BODY + b" "), "proof.digest")
bad("S-5", "another body and its digest", (lambda r: r.but(body=b"{}").set("Content-Digest", digest(b"{}")))(signed()), "proof.signature")
bad("S-5", "an empty digest", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", "sha-256=::"]]).sign(), "proof.digest")
bad("S-5", "half a digest", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", f"sha-256=:{b64(sha256(BODY)[:16])}:"]]).sign(), "proof.digest")
bad("S-5", "of another algorithm alone", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", "md5=:AAAA:"]]).sign(),
    "proof.digest.algorithm")
bad("S-5", "the name in upper case", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", digest(BODY).replace("sha", "SHA")]]).sign(),
    "proof.malformed")
bad("S-5", "one of two is wrong", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", digest(BODY) + ", " + digest(b"{}", "sha-512")]]).sign(),
    "proof.digest")
bad("S-5", "the same twice, the second wrong", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", digest(BODY)],
                                                              ["Content-Digest", digest(b"{}")]]).sign(), "proof.digest")
bad("S-5", "hexadecimal in a string", Request(headers=[["X-AIP-Token", TOKEN], ["Content-Digest", f'sha-256="{sha256(BODY).hex()}"']]).sign(),
    "proof.malformed")
bad("S-5", "no digest, though covered", signed().set("Content-Digest", None), "proof.component")

write(HERE / "proof" / "request.jsonl", CASES)
