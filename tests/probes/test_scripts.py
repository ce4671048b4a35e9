"""Scripts are what the lifecycle tables allow; stimuli say what they promise."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.checks.pauses import PAUSE_BEARS
from streamvet.contract.loading import load_profile
from streamvet.contract.profile import matches
from streamvet.contract.target import target_of
from streamvet.probes import PROBES, scripts
from streamvet.probes.bounds import bounds_of, script_s
from streamvet.probes.setting import SMALL_EFFORT, Setting
from streamvet.systems import SYSTEMS

if TYPE_CHECKING:
    from streamvet.contract.profile import Operation, Profile

WORDS = {name: system.words for name, system in SYSTEMS.items() if system.words}
PROFILES = {name: load_profile(name) for name in WORDS}
STARTS = [(profile, start) for profile in PROFILES.values() for start in profile.starts]
IDS = [f"{profile.name} {start.kind}" for profile, start in STARTS]


def setting_of(name: str, *, control: bool, scale: float = 0.05, **more: Any) -> Setting:
    raw: dict[str, Any] = {"profile": name, "base_url": "http://127.0.0.1:1", "credentials": {"token": "abc"}}
    raw |= {"control": "/_conformance"} if control else {}
    given = {key: value for key, value in (raw | more).items() if value is not None}
    target, profile = target_of(given, Path("target.yaml"))
    can = frozenset({"script", "fail", "reset"}) if control else frozenset[str]()
    return Setting(profile, target, scale, can, WORDS[name], effort=SMALL_EFFORT)


def kinds_of(profile: Profile, emits: list[Any]) -> list[str]:
    """The event types that a script's emits become."""
    prefix = "assist." if profile.name == "ghostly" else ""
    names = [one["step"] if profile.name == "rockstar" else one["type"] for one in emits]
    return [prefix + (f"{name}.{one['status']}" if name == "augmenter" else name)
            for name, one in zip(names, emits, strict=True)]  # fmt: skip


def legal(profile: Profile, start: Operation, emits: list[Any]) -> bool:
    """Whether the tables allow these events in this order, and then the ending of a run that succeeds."""
    first = (profile.field("catchup.first.events") or [])[:1]
    events = [(kind, {}) for kind in first] + list(zip(kinds_of(profile, emits), emits, strict=True))
    for name in start.raw["lifecycles"]:
        table = profile.lifecycles[name]
        states: dict[Any, str | None] = {}
        for kind, emit in events:
            if not table.knows(kind):
                continue
            key = tuple(emit.get(place.removeprefix("/")) for place in table.key)
            states[key] = table.step(states.get(key, table.start) or table.start, kind)
            if states[key] is None:
                return False
        endings = (
            [kind for kind in profile.terminal.outcomes["succeeds"] if table.knows(kind)] if profile.terminal else []
        )
        if endings and not table.key and not any(table.step(states.get(()) or table.start, kind) for kind in endings):
            return False
    return True


@pytest.mark.parametrize(("profile", "start"), STARTS, ids=IDS)
def test_every_type_once_and_in_order(profile: Profile, start: Operation) -> None:
    emits = scripts.every_type(profile, start, WORDS[profile.name])
    tables = [profile.lifecycles[name] for name in start.raw["lifecycles"]]
    wanted = {kind for kind in scripts.emittable(profile) if any(table.knows(kind) for table in tables)}
    forbidden = [pattern for table in tables for pattern in table.forbids]
    wanted = {kind for kind in wanted if not matches(kind, ("status.running", *forbidden))}
    assert set(kinds_of(profile, emits)) == wanted
    assert legal(profile, start, emits)


TEMPLATES = {
    "line": {"type": "line", "text": "» {text} «", "at": [1, None, {"{text}": "{text}{text}"}]},
    "step": {"type": "step", "step": "{key}", "title": "step {key}", "text": "{key}{text}"},
    "tick": {"type": "tick", "of": "{key} "},
}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("line", {"type": "line", "text": "» {key} «", "at": [1, None, {"{text}": "{key}{key}"}]}),
        ("step", {"type": "step", "step": 3, "title": "step 3", "text": "3{key}"}),
        ("tick", {"type": "tick", "of": "3 "}),
        ("other", None),
    ],
)
def test_templates_of_a_profile_are_a_vocabulary(kind: str, said: Any) -> None:
    raw = {"events": {"script": {"own": [], "emits": TEMPLATES}}}
    words = scripts.spoken(replace(PROFILES["promptfloe"], raw=raw))
    assert words is not None
    assert words.carriers == ("line", "step")
    assert words.emit(kind, 3, "{key}", ()) == said  # a text is not looked into


def test_a_profile_without_templates_says_nothing() -> None:
    assert scripts.spoken(PROFILES["promptfloe"]) is None


@pytest.mark.parametrize("name", ["promptfloe", "rockstar"])
def test_without_tables_anything_may_come(name: str) -> None:
    """A profile need not have any, and its scripts say something all the same."""
    profile = PROFILES[name]
    start = replace(profile.starts[0], raw={})
    words = WORDS[name]
    assert words is not None
    assert len(scripts.plain(profile, start, words, 3)) >= 3
    assert set(kinds_of(profile, scripts.every_type(profile, start, words))) == set(scripts.emittable(profile))


@pytest.mark.parametrize("count", [1, 2, 7, 100])
@pytest.mark.parametrize(("profile", "start"), STARTS, ids=IDS)
def test_plain_events_can_be_told_apart(profile: Profile, start: Operation, count: int) -> None:
    emits = scripts.plain(profile, start, WORDS[profile.name], count)
    assert count <= len(emits) <= count + 2
    assert legal(profile, start, emits)
    assert len({str(emit) for emit in emits}) == len(emits)


@pytest.mark.parametrize(("profile", "start"), STARTS, ids=IDS)
def test_hostile_texts_are_all_there(profile: Profile, start: Operation) -> None:
    emits = scripts.carrying(profile, start, WORDS[profile.name], list(scripts.HOSTILE.values()))
    assert legal(profile, start, emits)
    texts = [str(value) for emit in emits for value in {**emit, **emit.get("payload", {})}.values()]
    assert all(text in texts for text in scripts.HOSTILE.values())


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("control", [True, False])
def test_stimuli_have_names_and_kinds_that_the_profile_knows(name: str, control: bool) -> None:
    setting = setting_of(name, control=control)
    kinds = {start.kind for start in setting.starts}
    for probe in SYSTEMS[name].probes:
        if probe.unmet(setting) is None:
            for stimulus in probe.stimuli(setting):
                assert stimulus["name"]
                assert stimulus.get("kind") in kinds | {None}
                assert {"outcome", "script"} <= stimulus.keys()
                assert control or not stimulus["script"]


BUILDS = load_profile(str(Path(__file__).parents[1] / "candidates" / "builds"))


@pytest.mark.parametrize("words", [*WORDS.values(), scripts.spoken(BUILDS)], ids=[*WORDS, BUILDS.name])
def test_words_travel_between_processes(words: scripts.Vocabulary | None) -> None:
    assert words
    there = pickle.loads(pickle.dumps(words))  # noqa: S301 - our own bytes
    kind = words.carriers[0]
    assert there.emit(kind, 0, "text", ()) == words.emit(kind, 0, "text", ())


def test_waits_are_what_they_are_in_real_time() -> None:
    for scale in (1.0, 0.05, 0.02):
        assert script_s([scripts.wait(300, scale), {"emit": {}}, scripts.wait(50, scale)], scale) == pytest.approx(0.35)


@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_a_pause_bears_as_much_as_its_check(scale: float) -> None:
    setting = setting_of("rockstar", control=True, scale=scale)
    (probe,) = (one for one in PROBES if one.name == "pause")
    (stimulus,) = probe.stimuli(setting)
    steps = pairwise(stimulus["script"])
    pauses = [after["wait_ms"] * scale for before, after in steps if "emit" in before and "wait_ms" in after]
    assert len(pauses) > 1
    assert probe.tolerates_late_ms is not None
    assert probe.tolerates_late_ms(setting, stimulus) == pytest.approx(PAUSE_BEARS * min(pauses))


def test_bounds_see_what_is_late_by_half() -> None:
    bounds = bounds_of(PROFILES["ghostly"], 0.05, [], 140.0)
    assert bounds.close_s > 1.5
    assert bounds.finished_s > 1.5
    assert bounds.join_s > 3.0


@pytest.mark.parametrize(
    ("scale", "control", "most_s", "run_s", "answer_s"),
    [
        (1.0, False, 140.0, 140.0, 30.0),
        (0.05, False, 140.0, 140.0, 30.0),  # what a run takes that is not told what to do is not scaled
        (1.0, True, 140.0, 120.0, 30.0),
        (0.05, True, 140.0, 20.0, 20.0),
        (0.05, True, 6.0, 6.0, 6.0),
    ],
)
def test_a_run_that_does_its_own_work_has_a_part_of_the_deadline_and_less_under_control(
    scale: float, control: bool, most_s: float, run_s: float, answer_s: float
) -> None:
    bounds = replace(setting_of("ghostly", control=control), scale=scale, run_s=most_s).bounds(None)
    assert (bounds.run_s, bounds.answer_s) == (run_s, answer_s)
