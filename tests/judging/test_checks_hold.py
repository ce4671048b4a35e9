"""No check raises, whatever a candidate sends: the example traces, made worse by a fixed seed."""

from __future__ import annotations

import json
import random
import re
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases
from streamvet.systems import judge_of
from streamvet.trace import Ending, Head, dump, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamvet.trace import Exchange, Trace

REGISTRY = load_registry()
BASES = list(bases().values())
ROUNDS = 25
LONG_ROUNDS = 1000

# What breaks framing, JSON, encoding, and the types that a schema asks for.
NOISE = (
    b"\r", b"\n", b"\r\n", b":", b" ", b"\0", b"\xef\xbb\xbf", b"\xff", b"\xf0\x9f\x9a", b"data", b"event: ", b"id: ",
    b"retry: ", b"{", b"}", b"[", b"]", b'"', b",", b"\\", b"NaN", b"1e999", b"null", b"{}", b'"kind"', b'"type"',
    b"event: ping\ndata: 1\n\n", b"event: end\ndata: {}\n\n", b'{"type":"ready"}\n',
    b'{"type":"review","files":[[]]}\n',
)  # fmt: skip
VALUES = (
    "null", "true", "false", "0", "-1", "1.5", "1e400", "-0", "9007199254740993", '""', '"x"', '"\\ud83d"', "[]",
    "[[]]", "[null]", "{}", '{"a":{}}', '{"a":1,"a":2}', "1" + "0" * 400, "[" * 200 + "]" * 200,
    '"2026-13-45T99:99:99Z"', '"9999-12-31T23:59:59+00:00"', '"0001-01-01T00:00:00+14:00"', "NaN",
)  # fmt: skip
NAMES = ("Date", "Retry-After", "Content-Encoding", "X-Run-Id", "Content-Type")
FIELDS = (
    "", "x", "\u00fc", "text/event-stream", "application/x-ndjson;;", "gzip", "0", "-1", "99999999999999999999",
    "Wed, 99 Foo 2026 99:99:99 GMT", "Mon, 01 Jan 0001 00:00:00 +1400", "Fri, 31 Dec 9999 23:59:59 -1200", "identity",
)  # fmt: skip
HTTP = ("HTTP/1.1", "HTTP/1.0", "HTTP/2")
TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"(?!:)|-?\b\d+\b|true|false|null|\{\}|\[\]')


def _with_body(exchange: Exchange, body: bytes, chance: random.Random) -> Exchange:
    """Another body, in up to four pieces that arrive between head and end."""
    cuts = sorted({chance.randrange(len(body) + 1) for _ in range(3)} | {len(body)}) if body else []
    first = exchange.head.at_us if exchange.head else exchange.sent_us
    times = sorted(chance.randint(first, max(first, exchange.ended_us)) for _ in cuts)
    return replace(exchange, body=body, ends=array("q", cuts), times=array("q", times))


def _noise(exchange: Exchange, chance: random.Random) -> Exchange:
    return _with_body(exchange, b"".join(chance.choices(NOISE, k=chance.randrange(40))), chance)


def _pieces(exchange: Exchange, chance: random.Random) -> Exchange:
    """Some of the body left out, repeated, or with something put in."""
    body = exchange.body
    for _ in range(chance.randint(1, 4)):
        one, two = sorted(chance.randrange(len(body) + 1) for _ in range(2))
        middle = chance.choice([b"", body[one:two] * 2, chance.choice(NOISE)])
        body = body[:one] + middle + body[two:]
    return _with_body(exchange, body, chance)


def _values(exchange: Exchange, chance: random.Random) -> Exchange:
    """Some JSON values with others in their places; the framing stays."""
    share = chance.choice([0.02, 0.1, 0.5])
    values = [value.encode() for value in VALUES]
    body = TOKEN.sub(lambda found: chance.choice(values) if chance.random() < share else found[0], exchange.body)
    return _with_body(exchange, body, chance)


def _answer(exchange: Exchange, chance: random.Random) -> Exchange:
    return _with_body(exchange, chance.choice(VALUES).encode(), chance)


def _keys(exchange: Exchange, chance: random.Random) -> Exchange:
    """Keys renamed, so that members are missing."""
    keys = sorted(set(re.findall(rb'"(\w+)":', exchange.body)))
    body = exchange.body.replace(b'"' + chance.choice(keys) + b'":', b'"other":') if keys else b""
    return _with_body(exchange, body, chance)


def _head(exchange: Exchange, chance: random.Random) -> Exchange:
    if exchange.head is None or chance.random() < 0.1:
        return replace(exchange, head=None)
    pairs = [*exchange.head.headers, (chance.choice(NAMES), chance.choice(FIELDS))]
    pairs = [(name, chance.choice(FIELDS) if chance.random() < 0.4 else value) for name, value in pairs]
    kept = tuple(pair for pair in pairs if chance.random() < 0.8)
    status = chance.choice([exchange.head.status, 200, 204, 404, 429, 500, 999])
    return replace(exchange, head=Head(status, chance.choice(HTTP), kept, exchange.head.at_us))


def _end(exchange: Exchange, chance: random.Random) -> Exchange:
    later_us = chance.choice([0, 1, 10_000, 60_000_000])
    detail = chance.choice(["", "limit: body", "x"])
    return replace(exchange, ending=chance.choice(list(Ending)), ended_us=exchange.ended_us + later_us, detail=detail)


WORSE: tuple[Callable[[Exchange, random.Random], Exchange], ...] = (
    _noise, _pieces, _values, _values, _values, _answer, _keys, _head, _end,
)  # fmt: skip


def _worse(trace: Trace, chance: random.Random) -> Trace:
    """Some exchanges made worse in some ways, some left out."""
    made = []
    share = chance.choice([0.2, 0.6, 1.0])
    for exchange in trace.exchanges:
        one = exchange
        if chance.random() < share:
            for way in chance.sample(WORSE, chance.randint(1, 2)):
                one = way(one, chance)
        if chance.random() > 0.05:
            made.append(one)
    return replace(trace, exchanges=tuple(made))


def _hold(base: Path, rounds: int) -> None:
    good = base_trace(base)
    profile = load_profile(good.profile)
    for number in range(rounds):
        bad = _worse(good, random.Random(f"{base.stem}/{number}"))
        bench = judge_of(profile)
        outcomes = bench.add(bad)
        assert bench.errors == [], f"round {number}"
        sizes = {exchange.id: len(exchange.body) for exchange in bad.exchanges}
        for outcome in outcomes.values():
            for one in outcome if isinstance(outcome, list) else ():
                assert 0 <= one.span[0] <= one.span[1] <= sizes[one.exchange], f"round {number}: {one}"
        assert judge_of(profile).add(load(dump(bad), bad.name)) == outcomes, f"round {number}"


@pytest.mark.parametrize("base", BASES, ids=lambda path: path.stem)
def test_no_check_raises(base: Path) -> None:
    _hold(base, ROUNDS)


@pytest.mark.long
@pytest.mark.parametrize("base", BASES, ids=lambda path: path.stem)
def test_no_check_raises_in_many_rounds(base: Path) -> None:
    _hold(base, LONG_ROUNDS)


def test_the_values_are_what_a_reader_can_meet() -> None:
    """Most are JSON; those that are not are there for what they are."""
    wrong = []
    for value in VALUES:
        try:
            json.loads(value)
        except ValueError:
            wrong.append(value)
    assert wrong == []
