"""The union of the events of a system: a JSON Schema that accepts what dispatch on the discriminator accepts.

It has a branch for each schema of a known type and, where the set of types is open, one for each rule that may give a
type which the profile does not list. Must not know where a schema is written, nor which languages read it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.discriminator import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streamvet.contract.discriminator import Rule
    from streamvet.contract.profile import Profile

Schema = dict[str, Any]
TYPES_OF_DATA = "/data"  # where the envelope has the value, if the name of the event tells the type
NAME = "/event"


class UnionError(Exception):
    """A discriminator or a schema of which no union can be made."""


class Union(NamedTuple):
    """The union of a system: what its root refers to, and the definitions that are no schema file of their own."""

    root: Schema
    definitions: dict[str, Schema]
    known: str  # the title of the union of the known types alone


def pascal(name: str) -> str:
    """A name in PascalCase: `agent-workspace` is AgentWorkspace."""
    return "".join(part[:1].upper() + part[1:] for part in re.split("[^A-Za-z0-9]+", name))


def union_of(
    profile: Profile, file_of: Callable[[str], str | None], refer: Callable[[str], Schema], word: str
) -> Union:
    """The union of a profile's events.

    `file_of` gives the schema file of a type, `refer` the reference to a file; `word` is in the titles before Event.

    Raises:
        UnionError: where the data of two types cannot be told apart.
    """
    title = f"{pascal(profile.name)}{word}"
    known_types, groups = _files(profile.types, file_of), _files(profile.groups, file_of)
    known = [_branch(profile, file, kinds, refer) for file, kinds in known_types.items()]
    definitions = dict(one for one in known if one[1] is not None)
    references: list[Schema] = [_local(name) if made else refer(name) for name, made in known]
    described = {"description": f"An event of {profile.name} of a type that has a schema."}
    if not profile.open_set:
        root = {"title": f"{title}Event", **described, "oneOf": references}
        return Union(root, {name: made for name, made in definitions.items() if made}, f"{title}Event")
    rest = [refer(file) for file in groups]
    for name, made in _unknown(profile):
        definitions[name] = made
        rest.append(_local(name))
    definitions[f"{title}KnownEvent"] = {"title": f"{title}KnownEvent", **described, "oneOf": references}
    definitions[f"{title}UnknownEvent"] = {
        "title": f"{title}UnknownEvent",
        "description": f"An event of {profile.name} of a type that has no schema of its own: the set of types is open.",
        "anyOf": rest,
    }
    root = {
        "title": f"{title}Event",
        "description": f"Any event of {profile.name}, of a type that is known or not.",
        "anyOf": [_local(f"{title}KnownEvent"), _local(f"{title}UnknownEvent")],
    }
    return Union(root, {name: made for name, made in definitions.items() if made}, f"{title}KnownEvent")


def _local(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _files(kinds: Iterable[str], file_of: Callable[[str], str | None]) -> dict[str, list[str]]:
    """Each schema file with the types whose schema it is."""
    found: dict[str, list[str]] = {}
    for kind in kinds:
        file = file_of(kind)
        if file is not None:
            found.setdefault(file, []).append(kind)
    return found


# ----------------------------------------------------------------------------------------------------- known types


def _branch(profile: Profile, file: str, kinds: list[str], refer: Callable[[str], Schema]) -> tuple[str, Schema | None]:
    """What stands for a schema file in the union: the file, or a definition around it, with the name of that."""
    schema = profile.schemas.read(file)
    if profile.by_name:
        names = [_name_of(profile.rules, kind) for kind in kinds]
        title = schema["title"].removesuffix("Event") + "Message"
        return title, {
            "title": title,
            "description": f"The event {' or '.join(names)}: its name, which tells the type, and its data.",
            "type": "object",
            "required": ["event", "data"],
            "properties": {
                "event": {
                    "description": "The name of the event.",
                    "type": "string",
                    **({"const": names[0]} if len(names) == 1 else {"enum": names}),
                },
                "data": refer(file),
            },
        }
    if not profile.open_set:
        for kind in kinds:
            _check_pinned(profile.rules, kind, schema, file)
    return file, None


def _name_of(rules: tuple[Rule, ...], kind: str) -> str:
    """The name of the SSE event that alone tells a type."""
    for rule in rules:
        marks = rule.marks(kind)
        if marks is not None and not marks and (rule.source == EVENT_NAME or rule.event):
            return rule.event or kind.removeprefix(rule.prefix)
    raise UnionError(f"the type {kind}: expected a rule by which the name of an event tells it, got none")


def _check_pinned(rules: tuple[Rule, ...], kind: str, schema: Schema, file: str) -> None:
    """A schema of a closed set has what tells its type as a constant, so that no other branch fits the event."""
    marks = next(marks for rule in rules if (marks := rule.marks(kind)) is not None)
    for place, value in marks.items():
        told: Any = schema
        for step in place.split("/")[1:]:
            told = told.get("properties", {}).get(step, {}) if step in told.get("required", ()) else {}
        if value not in told.get("enum", [told.get("const")]):
            raise UnionError(f"{file}: expected the constant {value!r} at {place}, which tells the type {kind}")


# --------------------------------------------------------------------------------------------------- unknown types


def _unknown(profile: Profile) -> list[tuple[str, Schema]]:
    """For each rule what it gives a type that the profile does not list."""
    found: list[tuple[str, Schema]] = []
    before: list[Rule] = []
    for rule in profile.rules:
        if not rule.reads:
            continue
        rest = _unlisted(profile, rule)
        if rest is not None and rule.source is not None:
            title = f"Unknown{pascal(rule.prefix)}Event"
            if any(title == other for other, _ in found):
                raise UnionError(f"two rules give types that begin with {rule.prefix!r}: expected one")
            made = _matching(profile, rule, rest)
            nearer = [one for one in before if not _differ(one, rule)]
            if nearer:
                matched = [_matching(profile, one, {"type": "string", "minLength": 1}) for one in nearer]
                made["not"] = matched[0] if len(matched) == 1 else {"anyOf": matched}
            text = "An event that says a type which the profile does not list."
            found.append((title, {"title": title, "description": text, **made}))
        before.append(rule)
    return found


def _differ(one: Rule, other: Rule) -> bool:
    """Whether no event fits two rules, because they want different values at one place."""
    wanted = dict(other.equals)
    return any(place in wanted and not set(values) & set(wanted[place]) for place, values in one.equals)


def _unlisted(profile: Profile, rule: Rule) -> Schema | None:
    """The texts that are, behind the prefix of a rule, a type that the profile does not list; None where each is."""
    listed = [kind.removeprefix(rule.prefix) for kind in profile.types if kind.startswith(rule.prefix)]
    text: Schema = {"type": "string", "minLength": 1}
    refused: list[Schema] = [{"enum": listed}] if listed else []
    for group in profile.groups:
        start = group.removesuffix("*")
        if rule.prefix.startswith(start):
            return None
        if start.startswith(rule.prefix):
            refused.append({"pattern": f"^{re.escape(start.removeprefix(rule.prefix))}"})
    if refused:
        text["not"] = refused[0] if len(refused) == 1 else {"anyOf": refused}
    return text


def _matching(profile: Profile, rule: Rule, text: Schema) -> Schema:
    """An event to which a rule gives a type, of which the text is as `text` says."""
    start = TYPES_OF_DATA if profile.by_name else ""
    places: dict[str, Schema] = {}
    for place in rule.has:
        places[start + place] = {"not": {"type": "null"}}
    for place, values in rule.equals:
        places[start + place] = {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
    if rule.event is not None:
        places[NAME] = {"const": rule.event}
    if rule.source is not None:
        source = NAME if rule.source == EVENT_NAME else start + rule.source
        places[source] = {**text, **places.get(source, {})}
    return _nested(places)


def _nested(places: Mapping[str, Schema]) -> Schema:
    """An object that has, at each of some JSON pointers, a value as a schema says."""
    below: dict[str, dict[str, Schema]] = {}
    made: dict[str, Schema] = {}
    for place, schema in places.items():
        first, _, rest = place[1:].partition("/")
        key = first.replace("~1", "/").replace("~0", "~")
        if rest:
            below.setdefault(key, {})[f"/{rest}"] = schema
        else:
            made[key] = schema
    made |= {key: _nested(inner) for key, inner in below.items()}
    return {"type": "object", "required": list(made), "properties": made}
