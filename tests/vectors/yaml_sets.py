"""The YAML test suite against the loader of operators' files.

What the suite calls an error is refused, all of it. What it calls good is read with the suite's values or lies outside
what is read here and is refused; which texts do, their tags tell, and else these lists.
"""
import json

from cases import REFUSED, rows

NOT_READ = {
    "a directive other than %YAML 1.2": "2LFX 6LVF BEC7 MUS6/2 MUS6/3 MUS6/4 MUS6/5 MUS6/6 ZYU8/1 ZYU8/2 ZYU8/3",
    "a key that is no string": "5WE3 SM9W/1 UKK6/2",
    "a control character in a string, a line break in a key": "G4RS 6SLA",
    "not taken by libyaml, whose YAML is 1.1: a key over more lines": "4MUZ/0 4MUZ/1 4MUZ/2 5MUD 9SA2 K3WX NJ66 VJP3/1",
    "… a colon without a space": "58MP 5T43 DBG4 HM87/0",
    "… a tab between indicators or before a text": "6BCT 6CA3 96NN/0 96NN/1 A2M4 DK95/0 DK95/3 DK95/4 Q5MG R4YG Y79Y/1 Y79Y/10",
    "… a block scalar without indentation": "DK3J FP8R",
    "read differently by libyaml: a question mark before a word": "652Z HM87/1",
    "… spaces alone in the last line": "JEF9/2 L24T/1",
}
NOT_READ_IDS = {case for ids in NOT_READ.values() for case in ids.split()}
NOT_READ_TAGS = {"alias", "anchor", "tag", "local-tag", "unknown-tag"}


def values(text):
    """All JSON documents of the text, one after the other."""
    found, at, text = [], 0, (text or "").strip()
    while at < len(text):
        value, at = json.JSONDecoder().raw_decode(text, at)
        found.append(value)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


def suite(path):
    for row in rows(path):
        outside = row["id"] in NOT_READ_IDS or NOT_READ_TAGS & set(row["tags"].split())
        wanted = REFUSED
        if row["expected"] == "ok" and not outside and len(values(row["json"])) == 1:

            def wanted(reply, good=values(row["json"])[0]):
                return None if reply.get("ok") and json.loads(reply["json"]) == good else f"wanted {good}, got {reply}"

        yield row["id"], {"op": "yaml.parse", "hex": row["yaml"].encode().hex()}, wanted
