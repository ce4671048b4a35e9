"""The vectors for clients and the requirements that they exercise, read from `schemas/clients/`.

Must not know how a vector is served, nor what a client made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, check_shape, read_yaml, schemas_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FRAMINGS = ("sse", "ndjson")
NEEDS = ("reconnect", "id", "end", "head")
SENTINEL = "streamvet-end"  # the data of the event by which the bench knows that everything was read
_TYPES = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
_SENTINELS = {"sse": f"data: {SENTINEL}\n\n".encode(), "ndjson": f'"{SENTINEL}"\n'.encode()}
FILES = ("framing", "connections", "lines")


@dataclass(frozen=True, slots=True)
class Wait:
    """A step: nothing is sent for so long."""

    ms: int


@dataclass(frozen=True, slots=True)
class Until:
    """A step: nothing is sent until the client has delivered so many events."""

    delivered: int


Step = bytes | Wait | Until


@dataclass(frozen=True, slots=True)
class Answer:
    """What one connection is answered with. `end`: open, complete, cut or reset. `persistent`: no word of closing."""

    status: int
    type: str
    head_after_ms: int
    chunked: bool
    persistent: bool
    steps: tuple[Step, ...]
    end: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of what a client owes."""

    id: str
    level: str
    framing: str
    needs: frozenset[str]
    text: str
    basis: Mapping[str, str]
    why: str


@dataclass(frozen=True, slots=True)
class Vector:
    """One row: the answers in the order of the connections, and what a client has to make of them."""

    id: str
    requirement: str
    framing: str
    needs: frozenset[str]
    answers: tuple[Answer, ...]
    sentinel: bool
    delivered: tuple[Mapping[str, Any], ...]
    tells: str | None
    sends: tuple[Mapping[str, str | None], ...] | None
    apart_ms: int


def folder() -> Path:
    """Where the rows are."""
    return schemas_folder() / "clients"


@cache
def requirements() -> Mapping[str, Requirement]:
    """The requirements by id, in the order of the docs.

    Raises:
        FileError: the file is wrong.
    """
    path = folder() / "rows.yaml"
    document = read_yaml(path)
    check_shape(document, "client-requirements", path)
    rows = [
        Requirement(
            row["id"], row["level"], row["framing"], frozenset(row.get("needs", ())), row["text"], row["basis"],
            row["why"],
        )
        for row in document["requirements"]
    ]  # fmt: skip
    _unique([row.id for row in rows], path)
    return {row.id: row for row in rows}


@cache
def vectors() -> tuple[Vector, ...]:
    """All vectors, in the order of the files.

    Raises:
        FileError: a file is wrong, a requirement is not there, or two vectors have one name.
    """
    made: list[Vector] = []
    for name in FILES:
        path = folder() / f"{name}.yaml"
        rows = read_yaml(path, nul=True)
        check_shape(rows, "client-vectors", path)
        for number, row in enumerate(rows):
            if row["requirement"] not in requirements():
                raise FileError(path, f"/{number}/requirement", "the id of a requirement", row["requirement"])
            made.append(_vector(row))
        _unique([one.id for one in made], path)
    return tuple(made)


def _unique(names: Sequence[str], path: Path) -> None:
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise FileError(path, "", "each id once", ", ".join(twice))


def _vector(row: Mapping[str, Any]) -> Vector:
    framing = row.get("framing", FRAMINGS[0])
    sentinel = row.get("sentinel", True)
    rows = [row, *row.get("then", ())]
    answers = [_answer(one, row, framing, last=sentinel and one is rows[-1]) for one in rows]
    needs = requirements()[row["requirement"]].needs | frozenset(row.get("needs", ()))
    return Vector(
        row["id"], row["requirement"], framing, needs, tuple(answers), sentinel,
        tuple(event for one in row["delivered"] for event in [_event(one, framing)] * one.get("times", 1)),
        row.get("tells"), tuple(row["sends"]) if "sends" in row else None, row.get("apart_ms", 0),
    )  # fmt: skip


def _answer(one: Mapping[str, Any], first: Mapping[str, Any], framing: str, *, last: bool) -> Answer:
    steps = [_step(step) for step in one.get("send", ())]
    if last:
        steps.append(_SENTINELS[framing])
    return Answer(
        status=one.get("status", 200), type=first.get("type", _TYPES[framing]),
        head_after_ms=one.get("head_after_ms", 0), chunked=one.get("delimited", "chunked") == "chunked",
        persistent=first.get("persistent", False),
        steps=tuple(_pieces(steps, first["each"]) if "each" in first else steps), end=one.get("end", "open"),
    )  # fmt: skip


def _pieces(steps: Sequence[Step], length: int) -> list[Step]:
    """The octets of each step in pieces of at most this length."""
    made: list[Step] = []
    for step in steps:
        cuts = range(0, len(step), length) if isinstance(step, bytes) else ()
        made += [step[at : at + length] for at in cuts] if isinstance(step, bytes) else [step]
    return made


def _step(step: Any) -> Step:
    match step:
        case {"hex": str() as octets}:
            return bytes.fromhex(octets)
        case {"wait_ms": int() as ms}:
            return Wait(ms)
        case {"until_delivered": int() as count}:
            return Until(count)
        case _:
            return _text(step).encode()


def _text(value: Any) -> str:
    """A text, or one that is repeated."""
    return value if isinstance(value, str) else value["repeat"] * value["times"] + value.get("behind", "")


def _event(one: Mapping[str, Any], framing: str) -> Mapping[str, Any]:
    if framing == "ndjson":
        value = one["value"]
        return {"value": _text(value) if isinstance(value, dict) and value.keys() == {"repeat", "times"} else value}
    told = {"id": one["id"]} if "id" in one else {}
    return {"type": one.get("type", "message"), "data": _text(one["data"]), **told}
