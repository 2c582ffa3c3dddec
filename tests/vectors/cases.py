"""What the sets share: readers of files, requests to the driver, and verdicts."""
import csv
import json

OK, REFUSED = {"ok": True}, {"ok": False}


def ANY(reply):
    """Either verdict, but one of them."""
    return None if isinstance(reply.get("ok"), bool) else "no verdict"


def verdict(good):
    return OK if good else REFUSED


def load(path):
    return json.loads(path.read_text())


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def table(path):
    with path.open(newline="") as file:
        return list(csv.reader(file, skipinitialspace=True))


def verify(row):
    return {"op": "ed25519.verify", "pk": row["pk"], "msg": row["msg"], "sig": row["sig"]}


def sign(row):
    return {"op": "ed25519.sign", "seed": row["seed"], "msg": row["msg"]}


def decode_key(did):
    return {"op": "didkey.decode", "did": did}
