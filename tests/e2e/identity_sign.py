"""Keys, key logs and identity documents for the tests, by arithmetic of their own: nothing here is the tested code."""
import base64
import functools
import hashlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "vectors"))
from edwards import L, P, add, base58, decode_point  # noqa: E402

BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
STARTED = int(time.time())
LOG_BEGINS = STARTED - 86400


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        result = add(result, point) if scalar & 1 else result
        point, scalar = add(point, point), scalar >> 1
    return result


def encode(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


class Key:
    """The key of a label, the same in every program of the tests."""

    def __init__(self, label):
        digest = hashlib.sha512(hashlib.sha256(label.encode()).digest()).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self.prefix = digest[32:]
        self.public = encode(multiply(self.scalar, BASE))
        self.text = "z" + base58(b"\xed\x01" + self.public)
        self.did = "did:aip:" + self.text

    def sign(self, message):
        def hashed(*parts):
            return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L

        r = hashed(self.prefix, message)
        point = encode(multiply(r, BASE))
        return point + ((r + hashed(point, self.public, message) * self.scalar) % L).to_bytes(32, "little")

    def commitment(self):
        return base64url(hashlib.sha256(b"\xed\x01" + self.public).digest())

    def hash_form(self, namespace=None):
        digest = hashlib.sha256(self.public).hexdigest()[:32]
        return f"did:aip:{namespace}:{digest}" if namespace else f"did:aip:{digest}"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def canonical(value):
    """RFC 8785 for what the tests write: ASCII texts and integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@functools.lru_cache(None)
def log_key(name, version):
    return Key(f"log {name} {version}")


def log_entry(name, number, before, **changes):
    """One signed entry. `signer` signs in place of the revealed key; `sig` replaces the signature itself."""
    key = log_key(name, number)
    entry = {
        "did": log_key(name, 0).did,
        "version": number,
        "prev": base64url(hashlib.sha256(canonical(before)).digest()) if before else None,
        "keys": [key.text],
        "next": log_key(name, number + 1).commitment(),
        "time": LOG_BEGINS + 100 * number,
    }
    signer = changes.pop("signer", key)
    signature = changes.pop("sig", None)
    entry.update(changes)
    return {**entry, "sig": signature or base64url(signer.sign(canonical(entry)))}


def log_entries(name, count, **last):
    """`count` entries; `last` changes the last of them."""
    entries = []
    for version in range(count):
        changes = last if version == count - 1 else {}
        entries.append(log_entry(name, version, entries[-1] if entries else None, **changes))
    return entries


def log_text(entries):
    return b"".join(canonical(entry) + b"\n" for entry in entries)


def timestamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def web_document(did, **changes):
    """The document of a did:web identity with one key, that of its name."""
    method = did + "#key-1"
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "verificationMethod": [
            {"id": method, "type": "Multikey", "controller": did, "publicKeyMultibase": Key(did).text}
        ],
        "authentication": [method],
        "assertionMethod": [method],
        "capabilityInvocation": [method],
        "capabilityDelegation": [method],
        **changes,
    }


def aip_document(name, **changes):
    """The signed identity document of an aip:web name; `encode_signature` writes the 64 bytes as text."""
    key = changes.pop("key", None) or Key(name)
    signer = changes.pop("signer", key)
    encode_signature = changes.pop("encode_signature", base64url)
    document = {
        "aip": "1.0",
        "id": name,
        "public_keys": [
            {
                "id": name + "#key-1",
                "type": "Ed25519",
                "public_key_multibase": "z" + base58(key.public),
                "valid_from": timestamp(STARTED - 3600),
                "valid_until": timestamp(STARTED + 86400),
            }
        ],
        "expires": timestamp(STARTED + 86400),
        **changes,
    }
    return {**document, "document_signature": encode_signature(signer.sign(canonical(document)))}
