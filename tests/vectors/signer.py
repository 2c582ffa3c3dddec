"""What the generators of signed vectors share: signatures through the driver, names and encodings, whole tokens."""
import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

from edwards import base58

HERE = Path(__file__).resolve().parent
DRIVER = HERE.parent.parent / os.environ.get("BUILD", "build") / "tests" / "aip-conform"

driver = subprocess.Popen([str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(request):
    driver.stdin.write(json.dumps(dict(request, id=0)) + "\n")
    driver.stdin.flush()
    return json.loads(driver.stdout.readline())


def sign(seed, message):
    return bytes.fromhex(ask({"op": "ed25519.sign", "seed": seed, "msg": message.hex()})["sig"])


def public_key(seed):
    return bytes.fromhex(ask({"op": "ed25519.sign", "seed": seed, "msg": ""})["pk"])


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64(data):
    return base64.b64encode(data).decode()


def multikey(raw):
    return "z" + base58(b"\xed\x01" + raw)


def sha256(data):
    return hashlib.sha256(data).digest()


def compact(header, payload, seed):
    """A compact JWS; `payload` is a dictionary or JSON text."""
    text = payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))
    signed = b64url(json.dumps(header, separators=(",", ":")).encode()) + "." + b64url(text.encode())
    return signed + "." + b64url(sign(seed, signed.encode()))


def signing_input(text):
    return text.rsplit(".", 1)[0].encode()


def chain(names, seeds, issued_at, count):
    """A token of `count` elements: party i grants to party i + 1."""
    elements = []
    for i in range(count):
        claims = {"iss": names[i], "sub": names[i + 1], "scope": ["tool:search"], "iat": issued_at, "exp": issued_at + 3600}
        claims.update({"max_depth": 8} if i == 0 else
                      {"jti": b64url(bytes([i]) * 16), "par_hash": b64url(sha256(signing_input(elements[-1]))), "context": "a task"})
        elements.append(compact({"alg": "EdDSA", "typ": "aip+jwt"}, claims, seeds[i]))
    return elements


def write(path, cases):
    driver.stdin.close()
    driver.wait()
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in cases))
    print(f"{len(cases)} cases")
