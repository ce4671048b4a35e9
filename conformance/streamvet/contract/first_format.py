"""A profile.yaml of the first edition of its format → the same in the second, as text: comments stay.

The one module that knows the first edition. Must not know what the second one means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from streamvet.contract.files import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# What the error says that refuses a file of the first edition.
HOW = "the first edition, which `streamvet check-profile --migrate` rewrites"


class _Edit(NamedTuple):
    """Other characters in the place of some."""

    start: int
    end: int
    new: str


class _Entry(NamedTuple):
    """A key of a mapping, and its value."""

    key: yaml.Node
    value: yaml.Node

    @property
    def end(self) -> int:
        return _end(self.value)


def migrated(text: str, raw: Any, path: Path) -> str:
    """The text of a profile.yaml of the first edition, of which `raw` is the value, in the second one.

    Raises:
        FileError: where it is no such file.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(raw, dict) or not isinstance(root, yaml.MappingNode) or raw.get("format", 1) != 1:
        got = repr(raw["format"]) if isinstance(raw, dict) and "format" in raw else type(raw).__name__
        raise FileError(path, "/format", "a profile of the first edition, which has no such key", got)
    _check(raw, path)
    edits = [
        *_format(root), *_discriminator(text, root, raw), *_fallback(text, root), *_cursor(root, raw),
        *_delimited(root),
    ]  # fmt: skip
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text


def _check(raw: Mapping[str, Any], path: Path) -> None:
    """What is rewritten has the shape that it had in the first edition."""
    events, framing = raw.get("events"), raw.get("framing", {})
    told = events.get("discriminator") if isinstance(events, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("pointer"), str) or not _texts(told.get("then", {})):
        raise FileError(path, "/events/discriminator", "an object with a pointer, as in the first edition", repr(told))
    if not isinstance(events, dict) or not isinstance(events.get("types"), dict) or not events["types"]:
        raise FileError(path, "/events/types", "an object", "another value")
    if not _texts(events.get("fallback", {})):
        raise FileError(path, "/events/fallback", "an object of texts", repr(events["fallback"]))
    names = framing.get("sentinels", []) if isinstance(framing, dict) else None
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise FileError(path, "/framing/sentinels", "a list of texts", repr(names))


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for pair in value.items() for one in pair)


# --------------------------------------------------------------------------------------------- what becomes what


def _rules(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rules that say what `discriminator` and `framing.sentinels` said."""
    told = raw["events"]["discriminator"]
    pointer, then = told["pointer"], told.get("then", {})
    named = pointer == "event-name"
    unread = [{"event": name, "type": name, "json": False} for name in raw.get("framing", {}).get("sentinels", ())]
    parts = [
        {**({"event": first} if named else {"is": {pointer: first}}), "from": second, "prefix": f"{first}."}
        for first, second in then.items()
    ]
    return [*unread, *parts, {"from": pointer}]


def _format(root: yaml.MappingNode) -> Iterator[_Edit]:
    entry = _entry(root, "format")
    first = root.value[0][0].start_mark.index
    if entry:
        yield _Edit(entry.value.start_mark.index, entry.end, "2")
    else:
        yield _Edit(first, first, "format: 2, " if root.flow_style else "format: 2\n")


def _discriminator(text: str, root: yaml.MappingNode, raw: Mapping[str, Any]) -> Iterator[_Edit]:
    events = _below(root, "events")
    entry = _entry(events, "discriminator") if events else None
    if events is None or entry is None:
        return
    framing, comment = _below(root, "framing"), ""
    sentinels = _entry(framing, "sentinels") if framing else None
    if framing and sentinels:
        comment = _comments(text, sentinels)
        yield _without(text, framing, sentinels)
    rules = [_flow(rule) for rule in _rules(raw)]
    start, end = entry.key.end_mark.index, entry.end
    if events.flow_style:
        yield _Edit(start, end, f": [{', '.join(rules)}]")
    elif len(rules) == 1:
        yield _Edit(start, end, f": [{rules[0]}]")
    else:
        margin = "\n" + " " * (entry.key.start_mark.column + 2)
        inner = [one.strip() for one in re.findall(r"(?m)(?:^|\s)(#.*)$", text[start:end])]
        rules[0] += f"  {comment}" if comment else ""
        yield _Edit(start, end, ":" + "".join(margin + one for one in (*inner, *(f"- {rule}" for rule in rules))))


def _fallback(text: str, root: yaml.MappingNode) -> Iterator[_Edit]:
    """The schemas of groups stand among the types, under a pattern."""
    events = _below(root, "events")
    entry, types = (_entry(events, "fallback"), _below(events, "types")) if events else (None, None)
    if events is None or entry is None or types is None:
        return
    comment = _comments(text, entry)
    yield _without(text, events, entry)
    rows = [_flow({f"{one.value}.*": file.value})[1:-1] for one, file in entry.value.value]
    last = _Entry(*types.value[-1])
    if types.flow_style:
        yield _Edit(last.end, last.end, "".join(f", {row}" for row in rows))
        return
    at = _line_end(text, last.end)
    rows[0:1] = [f"{row}  {comment}" if comment else row for row in rows[0:1]]
    margin = "\n" + " " * last.key.start_mark.column
    yield _Edit(at, at, "".join(margin + row for row in rows))


def _cursor(root: yaml.MappingNode, raw: Mapping[str, Any]) -> Iterator[_Edit]:
    """A cursor that names no event was always refused, with any status of the class where none was named."""
    catchup = _below(root, "catchup")
    cursor = _below(catchup, "cursor") if catchup else None
    rows = [one for name in ("malformed", "unknown") if cursor and (one := _entry(cursor, name))]
    if cursor is None or not rows:
        return
    for row in rows:
        sent = raw["catchup"]["cursor"][row.key.value]
        yield _Edit(row.value.start_mark.index, row.end, _flow({"send": sent, "gets": "refused"}))
    if _entry(cursor, "refused") is None:
        first = rows[0].key.start_mark
        between = ", " if cursor.flow_style else "\n" + " " * first.column
        yield _Edit(first.index, first.index, f"refused: [4xx]{between}")


def _delimited(root: yaml.MappingNode) -> Iterator[_Edit]:
    """`transport.chunked`, which older files have, said the same of one coding."""
    transport = _below(root, "transport")
    entry = _entry(transport, "chunked") if transport else None
    if entry:
        yield _Edit(entry.key.start_mark.index, entry.key.end_mark.index, "delimited")
        yield _Edit(entry.value.start_mark.index, entry.end, "self" if entry.value.value == "true" else "any")


# ----------------------------------------------------------------------------------------------- places in a text


def _entry(node: yaml.MappingNode, name: str) -> _Entry | None:
    return next((_Entry(key, value) for key, value in node.value if key.value == name), None)


def _below(node: yaml.MappingNode, name: str) -> yaml.MappingNode | None:
    found = _entry(node, name)
    return found.value if found and isinstance(found.value, yaml.MappingNode) else None


def _end(node: yaml.Node) -> int:
    """Where a value ends; PyYAML has a mapping in block style end where the next token begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _comments(text: str, entry: _Entry) -> str:
    """What stands behind an entry, on the line on which it ends."""
    behind = text[entry.end : _line_end(text, entry.end)].strip()
    return behind if behind.startswith("#") else ""


def _without(text: str, holder: yaml.MappingNode, entry: _Entry) -> _Edit:
    """The edit that takes an entry out of a mapping; in block style with its lines."""
    start, end = entry.key.start_mark.index, entry.end
    if not holder.flow_style:
        return _Edit(text.rfind("\n", 0, start) + 1, min(_line_end(text, end) + 1, len(text)), "")
    behind = re.match(r"\s*,\s*", text[end:])
    if behind:
        return _Edit(start, end + behind.end(), "")
    before = re.search(r"\s*,\s*$", text[:start])
    return _Edit(before.start() if before else start, end, "")


def _flow(value: Any) -> str:
    shown = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return str(shown).strip()
