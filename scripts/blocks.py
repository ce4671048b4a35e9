"""What the docs print from the contract: one function for each kind of marker, giving lines of Markdown.

Must not know where a block stands, nor write files. Links are relative to `docs/spec/`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagram import svg
from schema_table import cell, code, fields, table
from streamvet.contract.files import read_json, read_yaml, schemas_folder
from streamvet.contract.profile import Profile, builtin_profiles, load_profile
from streamvet.contract.registry import Registry, Requirement, load_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SERVED = "../schemas/v1"  # where the site has the schemas, seen from docs/spec
PLACEHOLDERS = ("operations", "lifecycles", "events")  # parts of a profile that have blocks of their own


@cache
def _registry() -> Registry:
    return load_registry()


@cache
def _lists() -> Mapping[str, tuple[str, Sequence[str]]]:
    """Each list of statements: its name → its system and its lines."""
    found = {}
    for path in sorted(schemas_folder().glob("*/statements.yaml")):
        content = read_yaml(path)
        found[content["list"]] = (path.parent.name, content["statements"])
    return found


def link(requirement: str, here: str = "") -> str:
    """A link to a requirement, from the chapter `here`."""
    family = _registry().rows[requirement].family
    return f"[{requirement}]({'' if family == here else family + '.md'}#{requirement.lower()})"


def _schema_link(profile: str, file: str) -> str:
    return f"[{file.rpartition('/')[2]}]({SERVED}/{profile}/{file})"


def _line(covered: str) -> str:
    """`R003-5` as a link to the fifth statement of its system."""
    name, _, number = covered.partition("-")
    return f"[{_lists()[name][0]} {number}](coverage.md#{_lists()[name][0]})"


# ------------------------------------------------------------------------------------------------- requirements


def _counts(rows: Sequence[Requirement]) -> str:
    tested = [row for row in rows if row.excluded is None]
    said = [f"{sum(row.level == level for row in tested)} {level}" for level in ("MUST", "SHOULD")]
    excluded = len(rows) - len(tested)
    return ", ".join([*said, *([f"{excluded} excluded"] if excluded else [])])


def _applies(row: Requirement) -> str:
    said = [f"{path}: {json.dumps(wanted)}" for path, wanted in row.applies_to.items()]
    conditions = " and ".join(code(one.replace('"', "")) for one in said)
    names = [name for name in builtin_profiles() if row.applies(load_profile(name))]
    return f"{conditions} ({', '.join(names) or 'none of the built-in profiles'})" if conditions else "every profile"


def _requirement(row: Requirement) -> list[str]:
    if row.excluded:
        facts = {"Excluded": row.excluded}
    else:
        facts = {
            "Exercised when": f"{row.when}.",
            "Applies to": f"{_applies(row)}.",
        }
    if row.why:
        facts["Why"] = row.why
    if row.seen:
        facts["Seen in the field"] = ", ".join(map(code, row.seen)) + "."
    if row.depends_on:
        facts["Depends on"] = ", ".join(link(one, row.family) for one in row.depends_on) + "."
    if row.covers:
        facts["Covers"] = ", ".join(map(_line, row.covers)) + "."
    return [
        f"### {row.id}",
        "",
        f"**{row.level}** {row.text}",
        "",
        *(f"- *{name}:* {text}" for name, text in facts.items()),
        "",
    ]


def requirements(family: str) -> list[str]:
    """Every requirement of a family, in full."""
    rows = [row for row in _registry().rows.values() if row.family == family]
    return [f"{_counts(rows)}.", "", *(line for row in rows for line in _requirement(row))][:-1]


def families() -> list[str]:
    """The families, and how many requirements each has."""
    registry = _registry()
    rows = []
    for prefix, family in registry.prefixes.items():
        own = [row for row in registry.rows.values() if row.family == family]
        rows.append([code(prefix), f"[{registry.families[family]}]({family}.md)", _counts(own)])
    everything = list(registry.rows.values())
    return table(["Prefix", "Chapter", "Requirements"], [*rows, ["", "Together", _counts(everything)]])


def revision() -> list[str]:
    """The revision of the specification."""
    return [f"This is revision {_registry().revision} of the specification."]


def coverage(profile: str) -> list[str]:
    """Each statement of a system, and the requirements that test it."""
    name, statements = next((name, lines) for name, (system, lines) in _lists().items() if system == profile)
    rows = []
    for number, statement in enumerate(statements, start=1):
        covering = [row for row in _registry().rows.values() if f"{name}-{number}" in row.covers]
        ids = ", ".join(link(row.id) + (" (excluded)" if row.excluded else "") for row in covering)
        rows.append([str(number), cell(statement), ids])
    return table(["Line", "Statement", "Requirements"], rows)


# ----------------------------------------------------------------------------------------------------- profiles


def _leaves(value: Any, meta: Mapping[str, Any], whole: Mapping[str, Any], path: str = "") -> list[list[str]]:
    """A row for each value below a part of a profile, with the meaning from the meta schema."""
    if "$ref" in meta:
        meta = {**whole["$defs"][meta["$ref"].rpartition("/")[2]], **{k: v for k, v in meta.items() if k != "$ref"}}
    if isinstance(value, dict) and "properties" in meta:
        return [
            row
            for key, member in value.items()
            for row in _leaves(member, meta["properties"][key], whole, f"{path}.{key}" if path else key)
        ]
    shown = ", ".join(map(code, value)) if isinstance(value, list) else code(value)
    return [[code(path), shown or "none", cell(meta["description"])]]


def parameters(profile: str) -> list[str]:
    """The parameter values of a profile."""
    meta = read_json(schemas_folder() / "meta" / "profile.schema.json")
    raw = {key: value for key, value in load_profile(profile).raw.items() if key not in PLACEHOLDERS}
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
    return table(["Operation", "Request", "Status", "Answer", "May be lacking"], rows)


def refusals(profile: str) -> list[str]:
    """The request bodies that have to be refused."""
    rows = [
        [code(name), cell(refusal["name"]), " or ".join(map(str, refusal["status"]))]
        for name, operation in load_profile(profile).operations.items()
        for refusal in operation.raw.get("refused", ())
    ]
    return table(["Operation", "Wrong body", "Status"], rows)


def events(profile: str) -> list[str]:
    """The event types of a profile and their schemas."""
    loaded = load_profile(profile)
    rows = [_event(loaded, code(kind), file) for kind, file in loaded.types.items()]
    rows += [_event(loaded, f"any other {code(kind + '.*')}", file) for kind, file in loaded.fallback.items()]
    return table(["Type", "Schema", "Meaning"], rows)


def _event(profile: Profile, kind: str, file: str) -> list[str]:
    return [kind, _schema_link(profile.name, file), cell(profile.schemas.read(file)["description"])]


def schema(place: str, *skip: str) -> list[str]:
    """The keys of one schema, without those of `skip`."""
    path = schemas_folder() / f"{place}.schema.json"
    return [f"[{path.name}]({SERVED}/{place}.schema.json)", "", *fields(read_json(path), skip=frozenset(skip))]


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


def lifecycle(profile: str, name: str) -> list[str]:
    """A state table as a picture and as a table."""
    found = load_profile(profile).lifecycles[name]
    key = f" One for each value of {code(found.key)}." if found.key else ""
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
        f"It begins in {code(found.start)}.{key} An event that the table names nowhere may come at any time.",
        "",
        *table(["In state", "may come", "and leads to"], rows),
    ]


def diagrams() -> dict[str, str]:
    """Every picture of a state table, by its path below `docs/spec/`."""
    return {
        f"diagrams/{profile}-{name}.svg": svg(f"{profile}: {name}", found.start, found.states)
        for profile in builtin_profiles()
        for name, found in load_profile(profile).lifecycles.items()
    }


def include(path: str, heading: str) -> list[str]:
    """A section of another Markdown file of the repository, without its heading."""
    lines = (Path(__file__).resolve().parents[1] / path).read_text(encoding="utf-8").splitlines()
    begin = lines.index(f"## {heading.replace('-', ' ')}") + 1
    end = next((at for at in range(begin, len(lines)) if lines[at].startswith("## ")), len(lines))
    return "\n".join(lines[begin:end]).strip().splitlines()


BLOCKS: Mapping[str, Callable[..., list[str]]] = {
    "requirements": requirements,
    "families": families,
    "revision": revision,
    "coverage": coverage,
    "parameters": parameters,
    "operations": operations,
    "refusals": refusals,
    "events": events,
    "schema": schema,
    "definition": definition,
    "payloads": payloads,
    "lifecycle": lifecycle,
    "include": include,
}
