"""Writes claims as JSON text, where a Raw stands as it is."""
import json


class Raw(str):
    """JSON text that goes into a payload as it stands."""


class Decks:
    """Choices that are all dealt, in random order, before one comes again; one deck for each name."""

    def __init__(self, rng):
        self.rng, self.left = rng, {}

    def deal(self, name, options):
        deck = self.left.setdefault((name, len(options)), [])
        if not deck:
            deck += self.rng.sample(range(len(options)), len(options))
        return options[deck.pop()]


def write(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(name) + ":" + write(item) for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def write_members(members, rng):
    """An object of (name, value) pairs, sometimes with white space between."""
    space = rng.choice(["", "", "", "", " ", "\n", "\t \r\n"])
    return "{" + ("," + space).join(json.dumps(name) + space + ":" + space + write(value) for name, value in members) + "}" + space
