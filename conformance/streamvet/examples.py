"""Example traces: for each requirement a good trace and, by the smallest edit, bad ones.

They are data: a base is a whole trace in a compact form, a row is a base with an edit. The rows of the generic families
are in `schemas/traces/<family>.yaml`, those of a system in `traces/rows.yaml` of its folder. What a system sends is in
`traces/bases/` of its folder, for rows of both kinds. This module reads them and makes traces; it must not know any
check, nor what is wrong with a row.
"""

from __future__ import annotations

import base64
import copy
import json
from array import array
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, check_shape, is_file, read_yaml, schemas_folder
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.trace import ABOUT, ROLES, Ending, Exchange, Head, Late, Request, Trace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streamvet.contract.profile import Profile

SHAPE = "example-traces"
SHOWN_CHARS = 160  # how much of a value the text of an edit shows


@dataclass(frozen=True, slots=True)
class Example:
    """One row. `bad` is `good` with the edit; where the row `holds`, it is still good, but only just."""

    requirement: str
    base: str
    note: str
    holds: bool
    good: Trace
    bad: Trace
    edit: tuple[str, ...]  # a line for each change, with the id of the exchange


def examples(requirement: str) -> list[Example]:
    """The rows of one requirement, in the order of their file; none where there are none.

    Raises:
        FileError: where a file of traces is wrong.
    """
    row = load_registry().rows.get(requirement)
    return [one for one in _rows_of(row.family) if one.requirement == requirement] if row else []


def all_examples() -> tuple[Example, ...]:
    """The rows of all families, in the order of the registry's families.

    Raises:
        FileError: where a file of traces is wrong.
    """
    return tuple(row for family in load_registry().families for row in _rows_of(family))


@cache
def _rows_of(family: str) -> tuple[Example, ...]:
    return tuple(family_rows(_file_of(family), family))


def own_examples(profile: Profile) -> list[Example]:
    """The rows of the folder of somebody's own profile, for the requirements of that folder.

    Raises:
        FileError: where a file of traces is wrong.
    """
    return family_rows(own_file(profile), profile.name, profile)


def own_file(profile: Profile) -> Path:
    """Where a profile's folder has its rows of example traces."""
    return profile.folder / "traces" / "rows.yaml"


def _file_of(family: str) -> Path:
    """Where the rows of a family of the suite are."""
    own = schemas_folder() / family / "traces"
    return own / "rows.yaml" if family in builtin_profiles() else schemas_folder() / "traces" / f"{family}.yaml"


@cache
def bases() -> Mapping[str, Path]:
    """The files of all bases of the suite by their names."""
    return {path.stem: path for path in sorted(schemas_folder().glob("*/traces/bases/*.yaml"))}


def base_file(name: str, near: Path) -> Path:
    """The file of a base: in `bases/` beside the file of rows, else among those of the suite."""
    own = near.parent / "bases" / f"{name}.yaml"
    return own if is_file(own) else bases().get(name, own)


def family_rows(path: Path, family: str, profile: Profile | None = None) -> list[Example]:
    """The rows of one file, all of one family; none where there is no such file. `profile` is that of somebody's own.

    Raises:
        FileError: where a file is wrong.
    """
    if not is_file(path):
        return []
    rows = read_yaml(path, nul=True)
    check_shape(rows, SHAPE, path)
    if not isinstance(rows, list):
        raise FileError(path, "", "an array of rows", type(rows).__name__)
    return [_example(row, path, family, f"/{number}", profile) for number, row in enumerate(rows)]


def base_trace(path: Path, profile: Profile | None = None) -> Trace:
    """The good trace of a base, of a built-in profile or of this one.

    Raises:
        FileError: where the file is wrong.
    """
    return _base(path, profile)


@cache
def _base(path: Path, profile: Profile | None) -> Trace:
    return _trace(_document(path), path, path.stem, profile)


@cache
def _document(path: Path) -> Any:
    document = read_yaml(path, nul=True)
    check_shape(document, SHAPE, path)
    if not isinstance(document, dict):
        raise FileError(path, "", "one trace", type(document).__name__)
    return document


def _example(row: Mapping[str, Any], path: Path, family: str, place: str, profile: Profile | None) -> Example:
    registry, base = load_registry(profile), base_file(row["base"], path)
    if row["id"] not in registry.rows or registry.rows[row["id"]].family != family:
        raise FileError(path, f"{place}/id", f"a requirement of the family {family}", row["id"])
    good = base_trace(base, profile)
    document = _unshared(_document(base))
    said = [_applied(document, edit, path, f"{place}/edit/{number}") for number, edit in enumerate(row["edit"])]
    check_shape(document, SHAPE, f"{path}: {place}: the edited {row['base']}")
    bad = _trace(document, path, f"{row['base']} edited for {row['id']}", profile)
    return Example(row["id"], row["base"], row["note"], row.get("holds", False), good, bad, tuple(said))


def _unshared(value: Any) -> Any:
    """A copy in which nothing is there twice: what a YAML alias stands for can be edited by itself."""
    if isinstance(value, dict):
        return {key: _unshared(one) for key, one in value.items()}
    return [_unshared(one) for one in value] if isinstance(value, list) else copy.copy(value)


# ------------------------------------------------------------------------------------------------ edits


def _applied(document: Any, edit: Mapping[str, Any], path: Path, place: str) -> str:
    """Apply one edit in place; gives the line that tells of it."""
    owner, key = _owner(document, edit["path"], path, place)
    where = _where(document, edit["path"])
    if "set" in edit:
        old = _at(owner, key)
        if isinstance(owner, list) and key == len(owner):
            owner.append(_unshared(edit["set"]))
        else:
            owner[key] = _unshared(edit["set"])
        return f"{where}: {_shown(edit['set'])}" + ("" if old is None else f" in place of {_shown(old)}")
    if _at(owner, key) is None:
        raise FileError(path, f"{place}/path", "a place that the base has", edit["path"])
    if "remove" in edit:
        return f"{where}: {_shown(owner.pop(key))} removed"
    if "pad" in edit:
        owner[key] = _replaced(owner[key], edit["find"], edit["find"] + " " * edit["pad"], path, place)
        return f"{where}: {edit['pad']} spaces behind {_shown(edit['find'])}"
    owner[key] = _replaced(owner[key], edit["find"], edit["put"], path, place)
    return f"{where}: {_shown(edit['put'])} in place of {_shown(edit['find'])}"


def _owner(document: Any, pointer: str, path: Path, place: str) -> tuple[Any, Any]:
    """The object or array that a pointer leads into, and the key there, which may be new."""
    value, parts = document, [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for number, part in enumerate(parts):
        key: Any = part
        if isinstance(value, list):
            last = number == len(parts) - 1
            key = len(value) if last and part == "-" else int(part) if part.isascii() and part.isdigit() else -1
            inside = 0 <= key < len(value) or (last and part == "-")
        else:
            inside = isinstance(value, dict) and (part in value or number == len(parts) - 1)
        if not inside:
            raise FileError(path, f"{place}/path", "a place that the base has", f"{pointer} (at {part!r})")
        if number == len(parts) - 1:
            return value, key
        value = value[key]
    raise FileError(path, f"{place}/path", "a pointer into the base", pointer)


def _at(owner: Any, key: Any) -> Any:
    """What is there now, None where nothing is."""
    if isinstance(owner, list):
        return owner[key] if key < len(owner) else None
    return owner.get(key)


def _where(document: Any, pointer: str) -> str:
    """The pointer as a reader finds it: in an exchange, its id and the rest."""
    root, _, rest = pointer.removeprefix("/exchanges/").partition("/")
    inside = pointer.startswith("/exchanges/") and root.isdigit() and int(root) < len(document["exchanges"])
    return f"exchange {document['exchanges'][int(root)]['id']} /{rest}" if inside else pointer


def _replaced(value: Any, find: str, put: Any, path: Path, place: str) -> Any:
    """A text with one piece of it replaced. With bytes in the place of the piece it becomes bytes."""
    if not isinstance(value, str):
        raise FileError(path, f"{place}/path", "a text", _shown(value))
    if value.count(find) != 1:
        raise FileError(path, f"{place}/find", "a text that occurs once", f"{find!r}, {value.count(find)} times")
    if isinstance(put, str):
        return value.replace(find, put)
    before, _, after = value.partition(find)
    data = before.encode() + _bytes(put, path, f"{place}/put") + after.encode()
    return {"base64": base64.b64encode(data).decode("ascii")}


def _shown(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"base64"}:
        text = "bytes " + base64.b64decode(value["base64"]).hex(" ")
    else:
        text = repr(value)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


# ------------------------------------------------------------------------------------------------ traces


def _trace(document: Mapping[str, Any], path: Path, name: str, own: Profile | None) -> Trace:
    if own is not None and document["profile"] != own.name:
        raise FileError(path, "/profile", repr(own.name), repr(document["profile"]))
    profile = own or load_profile(document["profile"])
    made: list[Exchange] = []
    for number, row in enumerate(document["exchanges"]):
        place = f"/exchanges/{number}"
        ids = [f"{row['id']}-{i}" for i in range(1, row["copies"] + 1)] if "copies" in row else [row["id"]]
        made += [_exchange(row, one, path, place) for one in ids]
    _unique([exchange.id for exchange in made], path)
    late = tuple(Late(_us(at_ms), _us(late_ms)) for at_ms, late_ms in document.get("late_ms", ()))
    return Trace(
        probe=document["probe"], stimulus=document["stimulus"], exchanges=tuple(made), profile=profile.name,
        digest=profile.digest, revision=load_registry().revision, time_scale=document.get("time_scale", 1.0),
        wall_clock=document.get("wall_clock", 0.0), late=late, name=name,
    )  # fmt: skip


def _unique(ids: list[str], path: Path) -> None:
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise FileError(path, "/exchanges", "each id once", ", ".join(twice))


def _exchange(row: Mapping[str, Any], name: str, path: Path, place: str) -> Exchange:
    if row["role"] not in ROLES:
        raise FileError(path, f"{place}/role", "a role of the trace format", row["role"])
    strange = sorted(row["about"].keys() - ABOUT.keys())
    if strange:
        raise FileError(path, f"{place}/about", "keys of the trace format", ", ".join(strange))
    head = None
    if "status" in row:
        fields = tuple(row.get("headers", {}).items())
        head = Head(row["status"], row.get("http", "HTTP/1.1"), fields, _us(row["head_ms"]))
    body, ends, times = b"", array("q"), array("q")
    for number, (at_ms, data) in enumerate(_pieces(row)):
        body += _bytes(data, path, f"{place}/chunks/{number}/1")
        ends.append(len(body))
        times.append(_us(at_ms))
    _in_order(
        [row["at_ms"], *([row["head_ms"]] if head else []), *(at for at, _ in _pieces(row)), row["ended_ms"]],
        path,
        place,
    )
    return Exchange(
        id=name, operation=row["operation"], role=row["role"], about=row["about"], request=_request(row["request"]),
        sent_us=_us(row["at_ms"]), head=head, body=body, ends=ends, times=times, ending=Ending(row["ending"]),
        ended_us=_us(row["ended_ms"]), detail=row.get("detail", ""), coding=row.get("coding", ""),
    )  # fmt: skip


def _pieces(row: Mapping[str, Any]) -> list[tuple[float, Any]]:
    """The body as times and data."""
    if "json" in row:
        return [(row["ended_ms"], json.dumps(row["json"], ensure_ascii=False, separators=(",", ":")))]
    return [(at_ms, data) for at_ms, data in row.get("chunks", ())]


def _in_order(times_ms: list[float], path: Path, place: str) -> None:
    for before, after in pairwise(times_ms):
        if after < before:
            raise FileError(path, place, f"times that do not go back, at least {before} ms", f"{after} ms")


def _request(row: Mapping[str, Any]) -> Request:
    body = row.get("body")
    if body is not None and not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Request(row["method"], row["url"], tuple(row.get("headers", {}).items()), body)


def _bytes(data: Any, path: Path, place: str) -> bytes:
    """The bytes of a text or of an object with `base64`."""
    if isinstance(data, str):
        return data.encode()
    try:
        return base64.b64decode(data["base64"], validate=True)
    except ValueError as error:
        raise FileError(path, f"{place}/base64", "Base64 with padding", f"{data['base64']!r}") from error


def _us(ms: float) -> int:
    return round(ms * 1000)
