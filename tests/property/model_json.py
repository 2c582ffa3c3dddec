"""Strict JSON as spec/identity.md I-50 and I-51 say, keeping how each value was written; a second reader beside base/scan.c."""
import base64
import json
import re
from fractions import Fraction
from functools import lru_cache

SPACE = re.compile(r"[ \t\n\r]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
STRING = re.compile(r'"(?:[^"\\\x00-\x1f\udc80-\udcff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
WORD = re.compile(r"true|false|null")
BASE64URL = re.compile(r"[A-Za-z0-9_-]*\Z")


class JsonRefusal(Exception):
    """The name of the refusal is its only argument."""


class Value:
    """One JSON value: kind, the text as written, and by kind the unescaped text, items, or (name, value) members."""

    __slots__ = ("kind", "raw", "text", "items", "members")

    def __init__(self, kind, raw, text=None, items=None, members=None):
        self.kind, self.raw, self.text, self.items, self.members = kind, raw, text, items, members

    def get(self, name):
        return next((value for key, value in self.members if key == name), None)

    def is_escaped(self):
        return "\\" in self.raw


class Reader:
    def __init__(self, text, depth, values):
        self.text, self.at, self.depth_left, self.values_left = text, 0, depth, values

    def skip_space(self):
        self.at = SPACE.match(self.text, self.at).end()

    def refuse(self):
        """Bytes that are not UTF-8 were read as lone low surrogates."""
        raise JsonRefusal("json.utf8" if "\udc80" <= self.text[self.at : self.at + 1] <= "\udcff" else "json.syntax")

    def take(self, pattern):
        found = pattern.match(self.text, self.at)
        if found is None:
            self.refuse()
        self.at = found.end()
        return found.group()

    def takes(self, character):
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def expect(self, character):
        if not self.takes(character):
            self.refuse()

    def string(self):
        raw = self.take(STRING)
        self.expect('"')
        raw += '"'
        text = json.loads(raw) if "\\" in raw else raw[1:-1]
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise JsonRefusal("json.utf8")
        return raw, text

    def value(self):
        self.values_left -= 1
        if self.values_left < 0:
            raise JsonRefusal("json.size")
        start = self.text[self.at : self.at + 1]
        if start in ("{", "["):
            return self.container(start)
        if start == '"':
            raw, text = self.string()
            return Value("string", raw, text=text)
        if start in ("t", "f", "n"):
            word = self.take(WORD)
            return Value(word, word)
        raw = self.take(NUMBER)
        if float(raw) in (float("inf"), float("-inf")):
            raise JsonRefusal("json.number")
        return Value("number", raw)

    def container(self, start):
        begin, found = self.at, []
        self.depth_left -= 1
        if self.depth_left < 0:
            raise JsonRefusal("json.depth")
        self.at += 1
        self.skip_space()
        closing, item = ("}", self.member) if start == "{" else ("]", self.value)
        if not self.takes(closing):
            while True:
                found.append(item() if start == "[" else item(found))
                self.skip_space()
                if self.takes(closing):
                    break
                self.expect(",")
                self.skip_space()
        self.depth_left += 1
        raw = self.text[begin : self.at]
        return Value("object", raw, members=found) if start == "{" else Value("array", raw, items=found)

    def member(self, before):
        name = self.string()[1]
        if any(name == other for other, _ in before):
            raise JsonRefusal("json.duplicate")
        self.skip_space()
        self.expect(":")
        self.skip_space()
        return name, self.value()


@lru_cache(maxsize=20000)
def read_json(data, depth=16, values=512):
    """The value in the bytes; refuses by JsonRefusal."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise JsonRefusal("json.utf8")
    reader = Reader(data.decode("utf-8", "surrogateescape"), depth, values)
    reader.skip_space()
    value = reader.value()
    reader.skip_space()
    if reader.at != len(reader.text):
        raise JsonRefusal("json.trailing")
    return value


@lru_cache(maxsize=20000)
def number_of(raw):
    """The exact decimal value of a number as written."""
    return Fraction(raw)


def equal(a, b):
    """T-43."""
    if a.kind != b.kind:
        return False
    if a.kind == "number":
        return number_of(a.raw) == number_of(b.raw)
    if a.kind == "string":
        return a.text == b.text
    if a.kind == "array":
        return len(a.items) == len(b.items) and all(map(equal, a.items, b.items))
    if a.kind == "object":
        return len(a.members) == len(b.members) and all(
            (other := b.get(name)) is not None and equal(value, other) for name, value in a.members
        )
    return True


def decode_base64url(text):
    """The bytes, or None when the text is not canonical (I-51)."""
    if not BASE64URL.match(text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if encode_base64url(data) == text else None


def encode_base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
