"""Files made wrong: of a good one any number of bad ones, each by a seed.

A file is mangled as bytes, as people and disks do it, and as a document: one of its values is replaced by what is hard
to read, removed, or there twice. Must not know what reads the files.
"""

from __future__ import annotations

import copy
import json
import random
import re
from typing import Any

import yaml

# As a text stands in YAML or JSON, without quotes: what no value of Python can say.
RAW = (
    "9" * 4300, "9" * 5000, "-" + "9" * 4400, "1e999", "-1e999", "1e-999", "NaN", "Infinity", "-Infinity", ".nan",
    "-.inf", "!!int abc", "!!float x", "!!bool x", "!!timestamp 2020-01-01", "!!binary aGk=", "!!set {a}",
    "!!map x", "!!seq x", "!!python/object:os.system x", "!own x", "&a [*a]", "*nowhere", "0x" + "f" * 5000,
    "1:" + "59:" * 400 + "1", "[" * 99 + "]" * 99, "[" * 3000 + "]" * 3000, '{"a":' * 2000 + "1" + "}" * 2000,
    '{"a": 1, "a": 2}', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', "{<<: {a: 1}}", "? [a]", "", "|\n  x", "@",
    "%", "1_000", "0o17", "=", "~", "[" + "1," * 300_000 + "1]",
)  # fmt: skip
HARD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 2**53, 2**63, 2**64, -(2**64), 10**300, 1e308, 5e-324, "", " ", "\n",
    "\r\n", "\x00", "a\x00b", "\x7f", "\u0085", "\u2028", "\ufeff", "\U0001f600", "é" * 100, "x" * 5000,
    "../" * 1700, "/dev/zero", "/dev/null", "/", ".", "..", "~", "(a+)+$", "(?=a)", r"(a)\1", "[", "*", "a.*",
    "{run}", "{", "}", "{}", "${", "${HOME}", "${NOT_SET_ANYWHERE}", "http://", "http://[::1", "http://a:99999/",
    "http://a b/", "http://" + "a" * 70, "http://\udcff/".encode("utf-8", "replace").decode(), "/a\r\nX: y",
    "\r\nX: y", "ghostly", "nowhere", "PASS", "2020-13-45", "2020-01-01", "inf", "1e5", "#", "#/$defs/a",
    "https://example.org/none", "/0/0/0", "//", "/~2", [], [[]], [None], {}, {"": ""}, {"a": {"b": []}},
    [1, "a", None], {"$ref": "#"}, {"not": {}}, ["a"] * 1000,
)  # fmt: skip
_PIECES = (
    b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\r", b"\n", b"\t", b" ", b'"', b"'", b"{", b"}", b"[", b"]",
    b":", b": ", b"- ", b",", b"&a ", b"*a", b"!!", b"|", b">", b"#", b"%", b"\\", b"\\u", b"---\n",
    b"\xef\xbb\xbf", b"9" * 5000, b"\x1f\x8b", b"<<: *a\n",
)  # fmt: skip


def bytes_of(good: bytes, seed: str) -> bytes:
    """A file with some bytes changed, added, taken out, moved, or cut off."""
    dice = random.Random(seed)
    data = bytearray(good)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        at = dice.randrange(len(data) + 1)
        end = min(len(data), at + dice.choice((1, 1, 4, 30, 400)))
        match dice.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = dice.choice(_PIECES)
            case 3:
                data[at:end] = dice.choice(_PIECES)
            case 4:
                data[at:at] = data[at:end] * dice.choice((1, 2, 50))
            case 5:
                data[at:at] = data[(start := dice.randrange(len(data) + 1)) : start + 60]
            case _:
                del data[dice.choice((at, len(data))) :]
    return bytes(data)


def document_of(value: Any, seed: str) -> str:
    """A document with one or some of its values replaced; JSON, but for what JSON cannot say, and so YAML too."""
    dice = random.Random(seed)
    whole = {"": json.loads(json.dumps(value))}
    raw: list[str] = []
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        holder, key = dice.choice(_places(whole) or [(whole, "")])
        choice = dice.randrange(6)
        if choice == 0 and holder is not whole:
            del holder[key]
        elif choice == 1 and isinstance(holder, dict) and holder is not whole:
            holder[str(dice.choice([one for one in HARD if isinstance(one, str)]))] = holder[key]
        elif choice == 2:
            raw.append(dice.choice(RAW))
            holder[key] = f"@raw{len(raw) - 1}@"
        elif choice == 3:
            other, name = dice.choice(_places(whole) or [(whole, "")])
            holder[key] = json.loads(json.dumps(other[name]))
        else:
            holder[key] = copy.deepcopy(dice.choice(HARD))
    text = json.dumps(whole[""], indent=dice.choice((None, 1)), ensure_ascii=dice.choice((True, False)))
    return re.sub('"@raw([0-9]+)@"', lambda found: raw[int(found.group(1))], text)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Each value in a document, as what holds it and its key there."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        one = left.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        found += [(one, key) for key in keys]
        left += [one[key] for key in keys]
    return found


def mangled(good: bytes, seed: str) -> bytes:
    """A good file of YAML or JSON made wrong: by each other seed as bytes, by the rest as a document."""
    if random.Random(f"{seed} how").random() < 0.4:
        return bytes_of(good, seed)
    value = yaml.load(good, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - it is ours
    return document_of(value, seed).encode("utf-8", "replace")


def mangled_lines(good: bytes, seed: str) -> bytes:
    """The same for a file with a document on each line: one line is made wrong, left out, moved, or there twice."""
    dice = random.Random(f"{seed} how")
    if dice.random() < 0.3:
        return bytes_of(good, seed)
    lines = good.splitlines(keepends=True)
    for _ in range(dice.choice((1, 1, 2))):
        at = dice.randrange(len(lines))
        match dice.randrange(8):
            case 0:
                lines.insert(at, dice.choice(lines))
            case 1 if len(lines) > 1:
                del lines[at]
            case 2:
                dice.shuffle(lines)
            case _:
                text = document_of(json.loads(lines[at]), seed).replace("\n", " ")
                lines[at] = text.encode("utf-8", "replace") + b"\n"
                break
    return b"".join(lines)
