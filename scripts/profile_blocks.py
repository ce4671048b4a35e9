"""What the docs print of the profiles and their schemas: parameters, tables, diagrams, as lines of Markdown.

Must not know where a block stands, nor write files. Links are relative to `docs/spec/`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from diagram import svg
from schema_table import cell, code, fields, table
from streamvet.contract.discriminator import EVENT_NAME
from streamvet.contract.files import read_json, schemas_folder
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamvet.contract.profile import Lifecycle, Profile

SCHEMAS = "../../schemas"  # seen from docs/spec; the hook of mkdocs makes of it where the site has them
PRINTED_APART = ("operations", "lifecycles", "events", "adopted")  # parts of a profile that have blocks of their own


def _schema_link(profile: str, file: str) -> str:
    return f"[{file.rpartition('/')[2]}]({SCHEMAS}/{profile}/{file})"


def _leaves(value: Any, meta: Mapping[str, Any], whole: Mapping[str, Any], path: str = "") -> list[list[str]]:
    """A row for each value below a part of a profile, with the meaning from the meta schema."""
    if "$ref" in meta:
        meta = {**whole["$defs"][meta["$ref"].rpartition("/")[2]], **{k: v for k, v in meta.items() if k != "$ref"}}
    named, further = meta.get("properties", {}), meta.get("additionalProperties")
    if isinstance(value, dict) and (named or isinstance(further, dict)):
        return [
            row
            for key, member in value.items()
            for row in _leaves(member, named.get(key, further), whole, f"{path}.{key}" if path else key)
        ]
    shown = ", ".join(map(code, value)) if isinstance(value, list) else code(value)
    return [[code(path), shown or "none", cell(meta["description"])]]


def value(profile: str, place: str) -> str:
    """One value of a profile, by its dotted path, as a sentence says it.

    Raises:
        KeyError: where the profile has none there.
    """
    found = load_profile(profile).field(place)
    if not isinstance(found, int | float):
        raise KeyError(f"no number at {place} of {profile}")
    return _number(found, place)


def _number(found: float, place: str) -> str:
    """A number as a sentence says it, with the unit that its name has."""
    if place.endswith("_bytes"):
        return f"{found / 2**20:g} MiB"
    if place.endswith("_ms"):
        size, unit = (60_000, "minute") if found % 60_000 == 0 else (1000, "second")
        return f"{found / size:g} {unit}{'' if found == size else 's'}"
    return f"{found:.0%}".replace("%", " %") if 0 < found < 1 else str(found)


def compare(*places: str) -> list[str]:
    """Parameters of all built-in profiles side by side."""
    names = [name for name in load_registry().families if name in builtin_profiles()]
    rows = [[code(place), *(_shown(load_profile(name).field(place), place) for name in names)] for place in places]
    return table(["Parameter", *(f"[{name}]({name}.md)" for name in names)], rows)


def _shown(found: Any, place: str) -> str:
    if found is None:
        return ""
    if isinstance(found, list):
        return ", ".join(map(code, found))
    plain = isinstance(found, bool | str) or not place.endswith(("_ms", "_bytes"))
    return code(found) if plain else _number(found, place)


def parameters(profile: str) -> list[str]:
    """The parameter values of a profile."""
    meta = read_json(schemas_folder() / "meta" / "profile.schema.json")
    raw = {key: value for key, value in load_profile(profile).raw.items() if key not in PRINTED_APART}
    return table(["Parameter", "Value", "Meaning"], _leaves(raw, meta, meta))


def operations(profile: str) -> list[str]:
    """The operations of a profile and the requests that they stand for."""
    loaded = load_profile(profile)
    rows = []
    for name, operation in loaded.operations.items():
        query = "&".join(f"{key}={value}" for key, value in operation.query.items())
        request = f"{operation.method} {operation.path}{'?' + query if query else ''}"
        answer = "stream" if operation.streams else "JSON"
        if operation.schema:
            answer += f", {_schema_link(profile, operation.schema)}"
        optional = "yes" if operation.optional else "no"
        rows.append([code(name), code(request), " or ".join(map(str, operation.status)), answer, optional])
    return table(["Operation", "Request", "Status", "Answer", "Optional"], rows)


def refusals(profile: str) -> list[str]:
    """The requests that have to be refused, whoever makes them."""
    rows = []
    for name, operation in load_profile(profile).operations.items():
        refused = [(cell(one["name"]), one) for one in operation.raw.get("refused", ())]
        refused += [(text, operation.raw[key]) for key, text in _REFUSED.items() if key in operation.raw]
        if "not_acceptable" in operation.raw:
            unacceptable = operation.raw["not_acceptable"]
            refused.append((code(f"Accept: {unacceptable['accept']}"), unacceptable))
        rows += [[code(name), text, _answer(answer)] for text, answer in refused]
    return table(["Operation", "Wrong request", "Status"], rows)


# The refusals of an operation besides wrong bodies, by their keys in a profile.
_REFUSED = {"wrong": "a wrong password", "unknown": "what does not exist"}


def _answer(answer: Mapping[str, Any]) -> str:
    return " or ".join(map(str, answer["status"])) if "status" in answer else f"below {answer['below']}"


def events(profile: str) -> list[str]:
    """The event types of a profile and their schemas."""
    loaded = load_profile(profile)
    rows = [_event(loaded, code(kind), file) for kind, file in loaded.types.items()]
    rows += [_event(loaded, f"any other {code(kind)}", file) for kind, file in loaded.groups.items()]
    if not loaded.adopted_types:
        return table(["Type", "Schema", "Meaning"], rows)
    narrower = [
        _schema_link(profile, file) if (file := loaded.adopted_types.get(kind)) else "" for kind in loaded.types
    ]
    narrower += [""] * len(loaded.groups)
    rows = [[kind, link, more, text] for (kind, link, text), more in zip(rows, narrower, strict=True)]
    return table(["Type", "Schema", "With the adopted readings", "Meaning"], rows)


def types() -> list[str]:
    """Where an event of each built-in profile says its type, and whether there are types without a schema."""
    names = [name for name in load_registry().families if name in builtin_profiles()]
    rows = []
    for name in names:
        found = load_profile(name).raw["events"]
        further = "allowed" if found["set"] == "open" else "none"
        rows.append([f"[{name}](../spec/{name}.md)", "; else ".join(map(_rule, found["discriminator"])), further])
    return table(["System", "The type is", "Further types"], rows)


def _rule(row: Mapping[str, Any]) -> str:
    """A rule of a discriminator in words: the type, and where it is that."""
    place = row.get("from", "")
    source = "the name of the SSE event" if place == EVENT_NAME else f"what is at {code(place)}"
    said = code(row["type"]) if "type" in row else f"{code(row['prefix'])} and {source}" if "prefix" in row else source
    where = [f"the event is named {code(row['event'])}"] if "event" in row else []
    where += [f"the data is {code(row['text'])}"] if "text" in row else []
    where += [f"there is a {code(place)}" for place in row.get("has", ())]
    for place, values in row.get("is", {}).items():
        several = values if isinstance(values, list) else [values]
        where.append(f"{code(place)} is {' or '.join(map(code, several))}")
    if row.get("json") is False:
        where.append("its data is not read")
    return f"{said} where {' and '.join(where)}" if where else said


def _event(profile: Profile, kind: str, file: str) -> list[str]:
    return [kind, _schema_link(profile.name, file), cell(profile.schemas.read(file)["description"])]


def schema(place: str, *skip: str) -> list[str]:
    """The keys of one schema, without those of `skip`."""
    path = schemas_folder() / f"{place}.schema.json"
    return [f"[{path.name}]({SCHEMAS}/{place}.schema.json)", "", *fields(read_json(path), skip=frozenset(skip))]


def definition(place: str, name: str) -> list[str]:
    """The keys of one definition inside a schema."""
    whole = read_json(schemas_folder() / f"{place}.schema.json")
    return fields({**whole["$defs"][name], "$defs": whole["$defs"]})


def payloads(profile: str, kind: str) -> list[str]:
    """The payload of each type of a group, where its schema names keys, and whether it needs a step."""
    rows = []
    loaded = load_profile(profile)
    for name, file in loaded.types.items():
        if name.startswith(f"{kind}."):
            content = loaded.schemas.read(file)
            keys = content["properties"]["payload"].get("properties", {})
            said = "<br>".join(f"{code(key)}: {cell(member['description'])}" for key, member in keys.items())
            step = "required" if "stepIndex" in content["required"] else "optional"
            rows.append([code(name.partition(".")[2]), cell(content["description"]), step, said or "any keys"])
    return table(["`type`", "Meaning", "`stepIndex`", "Keys of `payload` with a meaning"], rows)


def members(profile: str, key: str) -> list[str]:
    """What each event type has at one key, types with the same there together."""
    loaded = load_profile(profile)
    groups: dict[str, tuple[Mapping[str, Any], list[str]]] = {}
    for name, file in loaded.types.items():
        whole = loaded.schemas.read(file)
        member = {**whole["properties"][key], "$defs": whole.get("$defs", {})}
        groups.setdefault(json.dumps(member, sort_keys=True), (member, []))[1].append(name)
    lines: list[str] = []
    for shape, names in groups.values():
        lines += [f"{code(key)} of {', '.join(map(code, names))}:", "", *fields(shape), ""]
    return lines[:-1]


def lifecycle(profile: str, name: str) -> list[str]:
    """A state table as a picture and as a table."""
    found = load_profile(profile).lifecycles[name]
    rows = []
    for state, row in found.states.items():
        targets = dict.fromkeys(row.values())
        for target in targets:
            kinds = ", ".join(code(kind) for kind, to in row.items() if to == target)
            rows.append([code(state), kinds, code(target) if target != state else f"{code(target)} (stays)"])
        if not row:
            rows.append([code(state), "nothing", ""])
    return [
        f"![State diagram of {profile}: {name}](diagrams/{profile}-{name}.svg)",
        "",
        " ".join(_about_table(found)),
        "",
        *table(["State", "Event", "Next state"], rows),
    ]


_ENDS = {"succeeds": "succeeds", "fails": "fails", "cancelled": "is cancelled"}


def _about_table(found: Lifecycle) -> Iterator[str]:
    """What a state table does not show: where it begins, what it holds for, what it leaves out."""
    if found.anywhere:
        yield "This table is [followed from any state](ordering.md#any-state)."
        yield f"Before the first event its state is {code(found.start)}."
    else:
        yield f"This table begins in {code(found.start)}."
    if found.key:
        yield f"It holds separately for each value of {' and '.join(map(code, found.key))}."
    if found.adopted:
        yield f"Its order is an adopted reading: {found.adopted}."
    for outcome, states in found.accepts.items():
        yield f"If the run {_ENDS[outcome]}, it ends in {' or '.join(map(code, states))}."
    if found.forbids:
        yield f"These events never occur: {', '.join(map(code, found.forbids))}."
    yield f"{'Other events' if found.forbids else 'Events'} that the table does not name may occur at any time."


def diagrams() -> dict[str, str]:
    """Every picture of a state table, by its path below `docs/spec/`."""
    return {
        f"diagrams/{profile}-{name}.svg": svg(f"{profile}: {name}", found.at_first, found.states)
        for profile in builtin_profiles()
        for name, found in load_profile(profile).lifecycles.items()
    }
