"""What a profile asks of whoever has a server of it, such as a key, a model and a path; and what their answers change.

An answer stands in `with` of the target file. Must not know requests; `asks` of `schemas/meta/profile.schema.json` has
the form of a question.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamvet.contract.files import FileError, cut, step
from streamvet.contract.pointer import pointed
from streamvet.masking import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from streamvet.contract.profile import Operation, Profile

NOBODY = "none"  # the key of who needs none


def asked_of(profile: Profile) -> Mapping[str, Mapping[str, Any]]:
    """The questions of a profile by their names."""
    found: Mapping[str, Mapping[str, Any]] = profile.field("asks") or {}
    return found


def answered(raw: Mapping[str, Any], profile: Profile, path: Path) -> tuple[dict[str, Any], Profile]:
    """A target with what its answers say in place of them, and the profile as these have it.

    Raises:
        FileError: where a question has no answer, all of which it names; where an answer is of no question.
    """
    rows, given = asked_of(profile), raw.get("with", {})
    for name in given:
        if name not in rows:
            wanted = f"one of {', '.join(rows)}" if rows else "nothing: the profile asks for nothing"
            raise FileError(path, f"/with{step(name)}", wanted, cut(repr(name)))
    for name, row in rows.items():
        if "credential" in row and name in given and "credentials" in raw:
            raise FileError(path, f"/with{step(name)}", "a key here, or credentials", "both")
    _check_whole(rows, raw, profile, path)
    made: dict[str, Any] = {name: value for name, value in raw.items() if name != "with"}
    made["base_url"] = _without_path(
        made["base_url"], [row["path"] for name, row in rows.items() if "path" in row and name not in given]
    )
    profile = as_answered(profile, {name: one for name, one in given.items() if _is_of_profile(rows[name], one)}, path)
    own = _own_bodies(made, profile) if rows else {}
    for name, value in given.items():
        row = rows[name]
        if "body" in row:
            _fill(own, row["body"], value)
        elif not _is_of_profile(row, value):
            EVERYWHERE.add(str(value))
            made["credentials"] = {"token": str(value)}
    inputs = raw.get("inputs", {})
    given_inputs = {kind: {"succeeds": body, **inputs.get(kind, {})} for kind, body in own.items()}
    if given_inputs:
        made["inputs"] = {**inputs, **given_inputs}
    return made, profile


def as_answered(profile: Profile, given: Mapping[str, Any], source: Path | str) -> Profile:
    """The profile as those answers have it that are about it: the paths, and that a server asks for no credentials.

    It remembers them, so that what was recorded is judged by the same. `source` names where they stand in errors.

    Raises:
        FileError: where one is not about the profile.
    """
    rows = asked_of(profile)
    for name, value in given.items():
        row = rows.get(name, {})
        if not _is_of_profile(row, value):
            wanted = f"the path or the absent key that profile {profile.name} asks for"
            raise FileError(source, f"/with{step(name)}", wanted, cut(repr(value)))
        if "path" in row:
            profile = _with_path(profile, row["path"], _path(value, name, source))
        else:
            profile = replaced(profile, {"auth": {"kind": "none"}})
    return dataclasses.replace(profile, answers=dict(given)) if given else profile


def _is_of_profile(row: Mapping[str, Any], value: Any) -> bool:
    """Whether an answer changes the profile, and not only what the target sends."""
    return "path" in row or ("credential" in row and value == NOBODY)


def _own_bodies(raw: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """By the kind of run, the body of the profile, where the target has none whose run succeeds."""
    inputs = raw.get("inputs", {})
    return {
        one.kind: copy.deepcopy(one.body)
        for one in profile.starts
        if one.body is not None and not one.optional and "succeeds" not in inputs.get(one.kind, {})
    }


def _check_whole(rows: Mapping[str, Mapping[str, Any]], raw: Mapping[str, Any], profile: Profile, path: Path) -> None:
    """Each question has its answer, or an answer of its own.

    Raises:
        FileError: which names all that have none, and how to give one.
    """
    missing = [name for name, row in rows.items() if not _is_met(name, row, raw, profile)]
    if not missing:
        return
    wanted = "; ".join(f"{name} ({rows[name]['is']})" for name in missing)
    others = [f"{name} ({default(rows[name], profile)})" for name in rows if "needed" not in rows[name]]
    by = "--with NAME=VALUE for each, or `with: {NAME: VALUE}` in a target file"
    further = f"; optional, with these defaults: {', '.join(others)}" if others else ""
    got = "none of them" if len(missing) > 1 else "none"
    raise FileError(path, "/with", f"{wanted}{further}: {by}", got)


def _is_met(name: str, row: Mapping[str, Any], raw: Mapping[str, Any], profile: Profile) -> bool:
    if name in raw.get("with", {}) or "needed" not in row:
        return True
    if "credential" in row:
        return "credentials" in raw
    return any(one.kind in raw.get("inputs", {}) for one in starts_with(profile, row["body"]))


def default(row: Mapping[str, Any], profile: Profile) -> Any:
    """What stands where a question, which is not about the credential, has no answer."""
    if "path" in row:
        return row["path"]
    return pointed(next(starts_with(profile, row["body"])).body, row["body"])


def starts_with(profile: Profile, pointer: str) -> Iterator[Operation]:
    """The starts whose body has something at a pointer."""
    return (one for one in profile.starts if pointed(one.body, pointer) is not None)


def _fill(bodies: Mapping[str, Any], pointer: str, value: Any) -> None:
    """Lay an answer into the bodies that have something there."""
    outer, _, last = pointer.rpartition("/")
    for body in bodies.values():
        if (before := pointed(body, pointer)) is not None:
            (pointed(body, outer) if outer else body)[last] = _like(value, before)


def _like(value: Any, before: Any) -> Any:
    """An answer as what it replaces: a text where that is one, else the JSON that a text may be."""
    if not isinstance(value, str) or isinstance(before, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _path(value: Any, name: str, path: Path | str) -> str:
    if not isinstance(value, str) or not value.startswith("/") or any(char.isspace() or char in "?#" for char in value):
        raise FileError(path, f"/with{step(name)}", "a path, which begins with /", cut(repr(value)))
    return value.rstrip("/")


def _with_path(profile: Profile, before: str, after: str) -> Profile:
    """The profile whose operations have another path in place of one, or of its beginning."""
    rows = {
        name: {**row, "path": after + row["path"].removeprefix(before)} if begins(row["path"], before) else row
        for name, row in profile.raw["operations"].items()
    }
    return replaced(profile, {"operations": rows})


def begins(path: str, with_: str) -> bool:
    """Whether a path is another one, or goes on behind it."""
    return path == with_ or path.startswith(f"{with_}/")


def replaced(profile: Profile, changes: Mapping[str, Any]) -> Profile:
    """The same profile with other values of some keys, which it remembers; its folder and its digest stay."""
    if not changes:
        return profile
    rows = changes.get("operations", profile.raw["operations"])
    operations = {
        name: dataclasses.replace(one, path=rows[name]["path"], raw=rows[name])
        for name, one in profile.operations.items()
    }
    raw, all_changes = {**profile.raw, **changes}, {**profile.changes, **changes}
    return dataclasses.replace(profile, raw=raw, operations=operations, changes=all_changes)


def _without_path(base_url: str, paths: list[str]) -> str:
    """An address without the path that the profile puts behind it, as far as it ends with the beginning of that.

    The address of an endpoint is meant as one, and so is the usual base of a client, which ends with `/v1`.
    """
    base = base_url.rstrip("/")
    for path in paths:
        parts = path.split("/")[1:]
        for count in range(len(parts), 0, -1):
            beginning = "/" + "/".join(parts[:count])
            if urlsplit(base).path.endswith(beginning):
                return base.removesuffix(beginning)
    return base_url
