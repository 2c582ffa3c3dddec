"""The set 09-dlp: secrets that must be found, and what looks like one and is none; by the policy that comes with the set
and by the built-in detectors alone. What is wrong is said without repeating a text."""
import base64

from cases import rows


def scans(row, path):
    """The row's text as it stands, under the policy and without; and wrapped, without."""
    policy = path.with_name("dlp_policy.yaml").read_text()
    yield "policy", {"op": "dlp.scan", "policy": policy, "text": row["text"]}
    yield "builtin", {"op": "dlp.scan", "text": row["text"]}


def wrapped(row):
    """Shorter ones are no runs of digits that are looked into (spec/dlp.md)."""
    data = row["text"].encode()
    if len(data) < 16:
        return
    yield "base64", base64.b64encode(data).decode()
    yield "base64url", base64.urlsafe_b64encode(data).decode().rstrip("=")
    yield "lines", base64.encodebytes(data).decode()
    yield "twice", base64.b64encode(base64.b64encode(data)).decode()
    yield "shifted", "x" + base64.b64encode(data).decode()
    yield "hex", data.hex()
    yield "percent", "".join(f"%{byte:02X}" for byte in data)


def found(row):
    def compare(reply):
        if not reply.get("ok"):
            return f"refused: {reply.get('error')}"
        if not reply["redacted"] or not reply["findings"]:
            return f"a {row['type']} was not found"
        if row["secret"] in reply["output"]:
            return f"a {row['type']} is still in the output"
        return None if "[REDACTED:" in reply["output"] else "no marker"

    return compare


def unchanged(text):
    def compare(reply):
        names = [finding["name"] for finding in reply.get("findings", [])]
        if not reply.get("ok") or reply["redacted"] or names:
            return f"taken for {names}, {reply.get('error')}"
        return None if reply["output"] == text else "the text was changed"

    return compare


def positives(path):
    for row in rows(path):
        for name, request in scans(row, path):
            yield f"{row['id']}/{name}", request, found(row)
        for name, text in wrapped(row):
            yield f"{row['id']}/{name}", {"op": "dlp.scan", "text": text}, found(row)


def negatives(path):
    for row in rows(path):
        for name, request in scans(row, path):
            yield f"{row['id']}/{name}", request, unchanged(row["text"])
        for name, text in wrapped(row):
            yield f"{row['id']}/{name}", {"op": "dlp.scan", "text": text}, unchanged(text)
