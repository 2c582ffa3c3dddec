"""Random constraints, arguments that keep or break them, and constraints that are not well formed."""
import struct

from model_constraints import GLOB_BYTES_MAX, allows
from model_json import read_json
from model_writing import Raw, write

TOOLS = ("db.read", "search", "db.drop", "t")
NAMES = ("table", "limit", "q", "\u00fc")
NUMBERS = ("1", "1.0", "10e-1", "0.1e1", "1.00000000000000000001", "2", "-1", "0", "-0", "0.0", "0e5", "0.5", "5E-1", "100", "1e2", "1E+2",
           "9007199254740993", "9007199254740992", "9007199254740993.0", "0.1", "0.10000000000000001", "1e300", "1e-300")
STRINGS = ('"a"', '"\\u0061"', '"ab"', '"abc"', '"A"', '""', '"1"', '"region=eu"', '"region="', '"\u00fcber"', '"\\u00fcber"', '"\U0001f600"',
    '"\\ud83d\\ude00"',
           '"a*b"', '"a\\nb"', '"a/b"', '"a\\/b"', '"true"', '"aaab"', '"*"', '"?"')
OTHERS = ("true", "false", "null", "[]", "[1]", "[1.0]", "[1,2]", "[2,1]", '["a"]', '["\\u0061","b"]', "{}", '{"a":1}', '{"\\u0061":1.0}',
    '{"a":1,"b":[2]}',
          '{"b":[2],"a":1.0}', "[[1],[2]]", "[null]", '{"a":null}', "[1,1]", '["a","ab","abc"]', "[true,false]")
VALUES = NUMBERS + STRINGS + OTHERS
GLOBS = ("*", "a*", "*b", "a*b", "?", "??", "a?c", "", "**", "*a*a*", "region=*", "\u00fc*", "a", "*?", "?*b", ".", "a+", "*.*", "a\nb",
    "*" * 40 + "b")


def random_letters(rng, alphabet):
    return "".join(rng.choice(alphabet) for _ in range(rng.choice([1, 2, 3, 5, 8])))


def random_number(rng):
    """A small set of values in a large set of spellings."""
    digits, point = rng.choice(["1", "2", "10", "15", "150", "99999999999999999999", "0"]), rng.randint(-3, 3)
    sign = rng.choice(["", "", "", "-"])
    if rng.random() < 0.5:
        return f"{sign}{digits}{rng.choice(['e', 'E'])}{rng.choice(['+', '', '0'] if point >= 0 else [''])}{point}"
    if point < 0:
        digits = digits.rjust(1 - point, "0")
        text = digits[:point].lstrip("0").rjust(1, "0") + "." + digits[point:]
        return sign + text + rng.choice(["", "0", "00e0", "e-0"])
    whole = digits + "0" * point if digits != "0" else "0"
    return sign + whole + rng.choice(["", ".0", ".00", "e0", ".0E-0"])


def random_value(rng):
    if rng.random() < 0.3:
        return Raw(random_number(rng)) if rng.random() < 0.6 else random_letters(rng, "ab\u00fc\U0001f600")
    return Raw(rng.choice(VALUES if rng.random() < 0.6 else NUMBERS if rng.random() < 0.5 else STRINGS))


def random_values(rng):
    return [random_value(rng) for _ in range(rng.choice([0, 1, 2, 3, 5]))]


def random_range(rng):
    constraint = {"type": "range"}
    for side in rng.choice([["min"], ["max"], ["min", "max"]]):
        constraint[side] = Raw(rng.choice([rng.choice(NUMBERS), random_number(rng)]))
        if rng.random() < 0.4:
            constraint[side + "_inclusive"] = rng.random() < 0.5
    if rng.random() < 0.1:
        constraint["max_inclusive"] = False
    return constraint


TYPES = ("exact", "one_of", "not_one_of", "contains", "subset", "range", "pattern", "pattern", "prefix", "max_length", "wildcard", "all", "any")


def random_constraint(rng, depth=0, kind=None):
    kind = kind or rng.choice(TYPES)
    if kind == "range":
        return random_range(rng)
    if kind in ("all", "any"):
        count = rng.choice([0, 1, 2, 3]) if depth < 3 else 0
        return {"type": kind, "constraints": [random_constraint(rng, depth + 1) for _ in range(count)]}
    if kind == "wildcard":
        return {"type": kind}
    if kind == "exact":
        return {"type": kind, "value": random_value(rng)}
    if kind in ("pattern", "prefix"):
        return {"value": rng.choice(GLOBS) if rng.random() < 0.4 else random_letters(rng,
            rng.choice(["aab**??\u00fc\U0001f600", "???a", "?\u00fc*"])),
            "type": kind}
    if kind == "max_length":
        return {"type": kind, "value": rng.choice([0, 1, 2, 3, 5, 9, 100])}
    return {"type": kind, "values": random_values(rng)}


def simple_claim(rng, decks):
    """One tool, one argument: the verdict hangs on this constraint alone."""
    return {"t": {"q": random_constraint(rng, kind=decks.deal("types", TYPES))}}


def random_claim(rng):
    claim = {}
    for tool in rng.sample(TOOLS, rng.choice([0, 1, 1, 2])):
        names = rng.sample(NAMES, rng.choice([0, 1, 1, 2]))
        claim[tool] = {name: random_constraint(rng) for name in names}
    return claim


def deep(depth, kind="all"):
    """A constraint nested so deep."""
    constraint = {"type": "wildcard"}
    for _ in range(depth - 1):
        constraint = {"type": kind, "constraints": [constraint]}
    return constraint


def odd_constraints():
    """Constraints at and beyond the edge of what is well formed: the model says which."""
    values = [Raw("1")]
    yield from ({"type": name} for name in ("regex", "Exact", "", "cel", "exact ", "oneOf", "min"))
    yield from ({"type": name, "value": Raw("1"), "values": values} for name in ("exact", "one_of", "contains", "subset", "not_one_of"))
    yield from ({"type": name} for name in ("exact", "one_of", "range", "pattern", "prefix", "max_length", "all", "any"))
    yield from ({"type": name, "values": wrong} for name in ("one_of", "subset") for wrong in (Raw("1"), Raw("{}"), None))
    yield from ({"type": name, "constraints": wrong} for name in ("all", "any") for wrong in (Raw("1"), Raw("{}"), [Raw("1")], [[]], [{"value": 1}]))
    yield from ({"type": name, "value": wrong} for name in ("pattern", "prefix", "max_length") for wrong in (None, [], Raw("true"), {}))
    yield from ({"type": "pattern", "value": text} for text in ("[a]", "a]", "a\\b", "a" * GLOB_BYTES_MAX, "a" * (GLOB_BYTES_MAX + 1), "\u00fc" * 128,
        "\u00fc" * 129))
    yield from ({"type": "max_length", "value": Raw(text)} for text in ("-1", "1.5", '"3"', "0"))
    yield from ({"type": "range", "min": Raw(text)} for text in ('"1"', "null", "true", "[1]"))
    yield from ({"type": "range", "min": Raw("1"), "min_inclusive": wrong} for wrong in (None, 0, "true", []))
    yield {"type": "range", "min_inclusive": True, "max_inclusive": True}
    yield {"type": "range", "min": Raw("2"), "max": Raw("1")}
    yield {"type": "range", "min": Raw("1"), "value": Raw("1")}
    yield {"type": "wildcard", "value": Raw("1")}
    yield {"type": "all", "constraints": [], "x": Raw("1")}
    yield {"type": "any", "constraints": [{"type": "any", "constraints": [{"type": "regexp"}]}]}
    yield from ({"type": wrong} for wrong in (None, Raw("1"), []))
    yield {"value": Raw("1")}
    yield from (deep(depth, kind) for depth in (7, 8, 9) for kind in ("all", "any"))
    yield from ({"type": "one_of", "values": values * count} for count in (62, 63, 64, 65))
    yield {"type": "all", "constraints": [{"type": "wildcard"}] * 63}
    yield {"type": "all", "constraints": [{"type": "wildcard"}] * 64}
    yield {"type": "not_one_of", "values": [[Raw("1")] * 70]}
    yield from (wrong for wrong in (None, Raw("1"), [], "exact", Raw("true")))


ODD = tuple(odd_constraints())


def odd_claim(rng, decks):
    """A claim with one constraint of the list above somewhere in it."""
    claim = random_claim(rng)
    tool = rng.choice(TOOLS)
    claim[tool] = rng.choice([{"table": decks.deal("odd constraints", ODD)}] * 12 + [rng.choice([None, [], Raw("1"), "x", {}])])
    return claim


def random_arguments(rng, claims, tool):
    """JSON text of the arguments of a call: mostly those that the claims (parsed) name, and more often kept than broken."""
    named = [value.get(tool) for value in claims if value.get(tool) is not None]
    names = [name for value in named for name, _ in value.members] or rng.sample(NAMES, rng.randint(0, 2))
    text = "{}"
    for _ in range(8):
        chosen = {name: random_value(rng) for name in names}
        if rng.random() < 0.1:
            chosen[rng.choice(NAMES)] = random_value(rng)
        if rng.random() < 0.1 and chosen:
            del chosen[rng.choice(list(chosen))]
        for name in chosen:
            chosen[name] = rng.choice([chosen[name]] + [like(rng, value.get(name)) for value in named if value.get(name) is not None])
        text = write(chosen)
        if rng.random() < 0.3 or all(allows(value, tool, read_json(text.encode(), 128, 10**6)) for value in claims):
            break
    return text


def like(rng, constraint):
    """An argument near what the constraint speaks of."""
    kind = constraint.get("type").text
    if kind in ("pattern", "prefix"):
        return like_text(rng, constraint.get("value").text)
    if kind == "max_length":
        return "a" * max(0, int(constraint.get("value").raw) + rng.choice([-1, 0, 0, 1]))
    for name in rng.sample(["value", "min", "max"], 3):
        if constraint.get(name) is not None:
            return near(rng, constraint.get(name))
    if constraint.get("values") is not None and constraint.get("values").items:
        items = constraint.get("values").items
        one = near(rng, rng.choice(items))
        return Raw(rng.choice([one, one, constraint.get("values").raw, near(rng, constraint.get("values")), f"[{one}]", f"[{one},{items[0].raw}]"]))
    if constraint.get("constraints") is not None and constraint.get("constraints").items:
        return like(rng, rng.choice(constraint.get("constraints").items))
    return random_value(rng)


def like_text(rng, glob):
    """A text that the glob matches, or one character away from it."""
    letters = "ab\u00fc\u00fc\U0001f600"
    text = ["" if c == "*" and rng.random() < 0.4 else rng.choice(letters) if c in "*?" else c for c in glob]
    if text and rng.random() < 0.4:
        text[rng.randrange(len(text))] = rng.choice(["", "", "a", "\u00fc"])
    return "".join(text) + rng.choice(["", "", "", "b"])


def near(rng, value):
    """The value itself, another spelling of it, or one that differs a little."""
    raw = value.raw
    if value.kind == "number" and not set("eE") & set(raw):
        point = "" if "." in raw else "."
        return Raw(rng.choice([raw, raw + "e0", raw + "E-0", raw + point + "0", raw + point + "00000000000000000001", raw + "e1"]))
    if value.kind == "string" and value.text:
        escaped = "".join(f"\\u{unit:04x}" for unit in struct.unpack(f"<{len(value.text.encode('utf-16-le')) // 2}H", value.text.encode("utf-16-le")))
        return Raw(rng.choice([raw, f'"{escaped}"', raw[:-1] + 'a"', raw.swapcase() if raw.isascii() and "\\" not in raw else raw]))
    if value.kind == "array":
        items = [item.raw for item in value.items]
        return Raw("[" + ",".join(rng.choice([items, items + ["1"], items[:-1], items[::-1], items + items[:1]])) + "]")
    if value.kind == "object":
        members = [f"{write(name)}:{member.raw}" for name, member in value.members]
        return Raw("{" + ",".join(rng.choice([members[::-1], members[:-1], members + ['"zz":null']])) + "}")
    return Raw(raw)
