"""Constraints on arguments, restated from spec/token.md T-40 to T-45."""
from functools import lru_cache

from model_json import equal, number_of

NODES_MAX, DEPTH_MAX, GLOB_BYTES_MAX = 64, 8, 256
MEMBERS = {
    "exact": {"value"},
    "one_of": {"values"},
    "not_one_of": {"values"},
    "contains": {"values"},
    "subset": {"values"},
    "range": {"min", "max", "min_inclusive", "max_inclusive"},
    "pattern": {"value"},
    "prefix": {"value"},
    "max_length": {"value"},
    "wildcard": set(),
    "all": {"constraints"},
    "any": {"constraints"},
}


class ConstraintRefusal(Exception):
    """The name of the refusal is its only argument."""


def demand(holds):
    if not holds:
        raise ConstraintRefusal("constraint.invalid")


def check_form(claim):
    """T-42, T-44, T-45 over the whole claim, an object."""
    count = 0
    for _, arguments in claim.members:
        demand(arguments.kind == "object")
        for _, constraint in arguments.members:
            count = check_constraint(constraint, 1, count)


def check_constraint(constraint, depth, count):
    """Checks one constraint and what is inside; the count of constraints and listed values so far."""
    demand(constraint.kind == "object" and depth <= DEPTH_MAX and count < NODES_MAX)
    kind = constraint.get("type")
    if kind is None or kind.text not in MEMBERS:  # no type is as little known as a strange one
        raise ConstraintRefusal("constraint.unknown")
    names = {name for name, _ in constraint.members} - {"type"}
    if kind.text == "range":
        demand(names <= MEMBERS["range"] and names & {"min", "max"})
    else:
        demand(names == MEMBERS[kind.text])
    return check_members(kind.text, constraint, depth, count + 1)


def check_members(kind, constraint, depth, count):
    for name in ("min", "max"):
        demand(constraint.get(name) is None or constraint.get(name).kind == "number")
    for name in ("min_inclusive", "max_inclusive"):
        demand(constraint.get(name) is None or constraint.get(name).kind in ("true", "false"))
    value = constraint.get("value")
    if kind in ("pattern", "prefix"):
        demand(value.kind == "string")
    if kind == "pattern":
        demand(len(value.text.encode()) <= GLOB_BYTES_MAX and not set(value.text) & set("[]\\"))
    if kind == "max_length":
        demand(value.kind == "number" and value.raw.isdigit())
    if constraint.get("values") is not None:
        demand(constraint.get("values").kind == "array")
        count += len(constraint.get("values").items)
        demand(count <= NODES_MAX)
    if constraint.get("constraints") is not None:
        demand(constraint.get("constraints").kind == "array")
        for inner in constraint.get("constraints").items:
            count = check_constraint(inner, depth + 1, count)
    return count


def glob_matches(glob, text):
    """T-44, by the set of places in the glob that some reading of the text so far ends at."""
    places = closure(glob, {0})
    for character in text:
        places = closure(glob, {p if glob[p] == "*" else p + 1 for p in places if p < len(glob) and glob[p] in ("*", "?", character)})
    return len(glob) in places


def closure(glob, places):
    """A star may also stand for nothing."""
    reached = set()
    for place in places:
        reached.add(place)
        while place < len(glob) and glob[place] == "*":
            place += 1
            reached.add(place)
    return reached


def listed(constraint):
    return constraint.get("values").items


def holds_exact(c, v):
    return equal(c.get("value"), v)


def holds_one_of(c, v):
    return any(equal(item, v) for item in listed(c))


def holds_contains(c, v):
    return v.kind == "array" and all(any(equal(item, wanted) for item in v.items) for wanted in listed(c))


def holds_subset(c, v):
    return v.kind == "array" and all(any(equal(item, allowed) for allowed in listed(c)) for item in v.items)


def holds_range(c, v):
    if v.kind != "number":
        return False
    number = number_of(v.raw)
    inclusive = {side: c.get(side + "_inclusive") is None or c.get(side + "_inclusive").kind == "true" for side in ("min", "max")}
    if c.get("min") is not None:
        low = number_of(c.get("min").raw)
        if number < low or (number == low and not inclusive["min"]):
            return False
    if c.get("max") is not None:
        high = number_of(c.get("max").raw)
        if number > high or (number == high and not inclusive["max"]):
            return False
    return True


HOLDS = {
    "exact": holds_exact,
    "one_of": holds_one_of,
    "not_one_of": lambda c, v: not holds_one_of(c, v),
    "contains": holds_contains,
    "subset": holds_subset,
    "range": holds_range,
    "pattern": lambda c, v: v.kind == "string" and glob_matches(c.get("value").text, v.text),
    "prefix": lambda c, v: v.kind == "string" and v.text.startswith(c.get("value").text),
    "max_length": lambda c, v: v.kind == "string" and len(v.text.encode()) <= int(c.get("value").raw),
    "wildcard": lambda c, v: True,
    "all": lambda c, v: all(holds(inner, v) for inner in c.get("constraints").items),
    "any": lambda c, v: any(holds(inner, v) for inner in c.get("constraints").items),
}


@lru_cache(maxsize=20000)
def holds(constraint, value):
    return HOLDS[constraint.get("type").text](constraint, value)


def allows(claim, tool, arguments):
    """T-41 for one element: a tool that it names is closed."""
    named = claim.get(tool)
    if named is None:
        return True
    if {name for name, _ in named.members} != {name for name, _ in arguments.members}:
        return False
    return all(holds(constraint, arguments.get(name)) for name, constraint in named.members)
