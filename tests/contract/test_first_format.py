"""Profiles of the first edition of the format: refused, and rewritten to mean the same, with their comments."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.cli import call
from streamvet.contract.files import FileError, read_yaml, schemas_folder
from streamvet.contract.first_format import migrated
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases
from streamvet.systems import SYSTEMS
from streamvet.verdicts import Judge

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = """\
# The first line.
profile: mine
framing:
  kind: sse
  sentinels: [ping, pong]   # names without JSON
  ids: true
events:
  set: open  # for further types
  discriminator:
    pointer: /kind  # the kind,
    # and what it is of
    then: {assist: /type, "2.0": /method}
  # before the types
  types:
    end: events/end.schema.json
    ping: events/ping.schema.json # the last one
  fallback:
    assist: events/assist.schema.json
    "2.0": events/any.schema.json   # of the rest
  script: {own: []}
"""
AFTER_BLOCK = """\
# The first line.
format: 2
profile: mine
framing:
  kind: sse
  ids: true
events:
  set: open  # for further types
  discriminator:
    # the kind,
    # and what it is of
    - {event: ping, type: ping, json: false}  # names without JSON
    - {event: pong, type: pong, json: false}
    - {is: {/kind: assist}, from: /type, prefix: assist.}
    - {is: {/kind: '2.0'}, from: /method, prefix: 2.0.}
    - {from: /kind}
  # before the types
  types:
    end: events/end.schema.json
    ping: events/ping.schema.json # the last one
    assist.*: events/assist.schema.json  # of the rest
    2.0.*: events/any.schema.json
  script: {own: []}
"""
FLOW = """\
{profile: mine, framing: {kind: sse, sentinels: ["[DONE]"]}, events: {set: closed,
 discriminator: {pointer: event-name, then: {step: /state}}, fallback: {}, types: {a: events/a.schema.json}}}
"""
AFTER_FLOW = """\
{format: 2, profile: mine, framing: {kind: sse}, events: {set: closed,
 discriminator: [{event: '[DONE]', type: '[DONE]', json: false}, {event: step, from: /state, prefix: step.}, \
{from: event-name}], types: {a: events/a.schema.json}}}
"""
PLAIN = """\
format: 1
profile: mine
events:
  discriminator: {pointer: /step}  # it
  types: {a: a}
  fallback: {b: b}
catchup:
  cursor:
    pointer: /id
    malformed: a, b  # no cursor
    unknown: 99
transport: {chunked: true}   # or so
"""
AFTER_PLAIN = """\
format: 2
profile: mine
events:
  discriminator: [{from: /step}]  # it
  types: {a: a, b.*: b}
catchup:
  cursor:
    pointer: /id
    refused: [4xx]
    malformed: {send: 'a, b', gets: refused}  # no cursor
    unknown: {send: 99, gets: refused}
transport: {delimited: self}   # or so
"""


@pytest.mark.parametrize(("old", "new"), [(BLOCK, AFTER_BLOCK), (FLOW, AFTER_FLOW), (PLAIN, AFTER_PLAIN)])
def test_a_file_is_rewritten_with_its_comments(old: str, new: str, tmp_path: Path) -> None:
    assert migrated(old, yaml.safe_load(old), tmp_path) == new
    yaml.safe_load(new)


def in_first_edition(system: str) -> dict[str, Any]:
    """A built-in profile as the first edition said it."""
    raw: dict[str, Any] = read_yaml(schemas_folder() / system / "profile.yaml") | {"profile": "mine"}
    del raw["format"]
    rules = raw["events"].pop("discriminator")
    last = rules[-1]["from"]
    then = {rule["is"][last]: rule["from"] for rule in rules if "is" in rule}
    raw["events"]["discriminator"] = {"pointer": last, **({"then": then} if then else {})}
    if names := [rule["event"] for rule in rules if "json" in rule]:
        raw["framing"]["sentinels"] = names
    groups = {kind: file for kind, file in raw["events"]["types"].items() if kind.endswith(".*")}
    for kind in groups:
        del raw["events"]["types"][kind]
    cursor = raw.get("catchup", {}).get("cursor", {})
    cursor |= {name: cursor[name]["send"] for name in ("malformed", "unknown") if name in cursor}
    raw["events"]["fallback"] = {kind.removesuffix(".*"): file for kind, file in groups.items()}
    return raw


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_what_is_rewritten_loads_and_judges_the_same(
    system: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(schemas_folder() / system, folder, ignore=shutil.ignore_patterns("requirements.yaml", "traces"))
    file = folder / "profile.yaml"
    file.write_text(yaml.safe_dump(in_first_edition(system), sort_keys=False), encoding="utf-8")
    with pytest.raises(FileError, match=r"/format: expected 2, got the first edition, .*check-profile --migrate"):
        load_profile(str(folder))
    assert call(["check-profile", str(folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert call(["check-profile", "--migrate", str(folder)]) == 0
    file.write_text(capsys.readouterr().out, encoding="utf-8")

    before, after = load_profile(system), load_profile(str(folder))
    assert {**after.raw, "profile": system} == before.raw
    for trace in (base_trace(path) for path in bases().values() if path.parts[-4] == system):
        outcomes = []
        for profile in (before, after):
            bench = Judge(profile, load_registry(), SYSTEMS[system].checks)
            found = bench.add(dataclasses.replace(trace, profile=profile.name, digest=profile.digest))
            outcomes.append({name: one for name, one in found.items() if name in GENERIC})
        assert outcomes[0] == outcomes[1]


GENERIC = {row.id for row in load_registry().testable() if row.family not in SYSTEMS}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format: 2\n", "/format: expected a profile of the first edition, which has no such key, got 2"),
        ("[1]\n", "/format: expected a profile of the first edition"),
        ("profile: mine\n", "/events/discriminator: expected an object with a pointer"),
        ("events: {discriminator: {pointer: /a, then: [1]}}\n", "/events/discriminator: "),
        ("events: {discriminator: {pointer: /a}}\n", "/events/types: expected an object"),
        ("events: {discriminator: {pointer: /a}, types: {a: b}, fallback: [1]}\n", "/events/fallback: "),
        ("events: {discriminator: {pointer: /a}, types: {a: b}}\nframing: {sentinels: 1}\n", "/framing/sentinels: "),
    ],
)  # fmt: skip
def test_what_is_no_file_of_the_first_edition_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(FileError) as error:
        migrated(text, yaml.safe_load(text), tmp_path)
    assert said in str(error.value)
