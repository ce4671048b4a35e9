"""Probes of rockstar: pushes that follow each other, so that the version and the linked plans of one show the others.

A candidate keeps what was pushed for ever, so each try pushes to ids that it has made up itself. They judge nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from streamvet.contract.profile import pointed
from streamvet.probes import PROGRAM, scripts
from streamvet.probes.probe import Probe
from streamvet.probes.program import connections_of, program, runs_of
from streamvet.probes.reading import EVENTS, OLD_ID, lead
from streamvet.probes.setting import STEP_MS
from streamvet.recorder import CutPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.probes.driver import Driver
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import Live

_PLANS_FOLDER = "/home/streamvet/.claude/plans/"
_ELSEWHERE = "/home/streamvet/project/notes.md"  # a file that is written and is no plan

# Of what a session or a plan is pushed with, the same label for the same content. A push is cut off, or the candidate
# killed, when a version was made, another one was, and the same was pushed again: by then it has shown how it counts.
_USUAL = ("one", "two", "two")
# Where a push is cut off: behind how many lines, and how many bytes into the next. The last ones are where it is being
# stored.
_CUTS = {"session": ((1, 0), (1, 9), (4, 0)), "plan": ((3, 0),)}


# ------------------------------------------------------------------------------------------------ pushing


def _own(name: str, kind: str, **more: Any) -> Stimulus:
    """Pushes that do their own work: what a script says, the system did not find."""
    return {"name": name, "kind": kind, "outcome": "succeeds", "script": None, "input": "succeeds"} | more


def _record(content: Any, role: str = "assistant") -> str:
    return json.dumps({"type": role, "message": {"role": role, "content": content}}, ensure_ascii=False) + "\n"


def _write(path: str, text: str) -> str:
    """The record of a file that was written."""
    used = {"type": "tool_use", "id": "toolu_1", "name": "Write", "input": {"file_path": path, "content": text}}
    return _record([used])


def _document(label: str) -> str:
    return f"# Version {label}\n\n1. Made by a conformance suite\n"


def _data(label: str, writes: Sequence[tuple[str, str]]) -> str:
    """The records of a session."""
    records = [_write(_PLANS_FOLDER + name, _document(content)) for name, content in writes]
    return "".join([_record(label, "user"), _write(_ELSEWHERE, _document(label)), *records])


def _body(driver: Driver, kind: str, members: dict[str, Any]) -> dict[str, Any]:
    """The body of a push: what the target file gives, linked to no project, with members of our own."""
    given = driver.body_of(kind)
    kept = given.items() if isinstance(given, dict) else ()
    return {key: value for key, value in kept if not key.startswith("project")} | members


@dataclass(slots=True)
class _Pushes:
    """The pushes of one try, counted as the trace tells of them."""

    driver: Driver
    turns: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)

    def fresh(self) -> str:
        """A session id, or the name of a plan, that nobody has pushed to."""
        return str(uuid4()) if self.driver.stimulus["kind"] == "session" else f"streamvet-{uuid4().hex}.md"

    async def begin(
        self, subject: str, label: str, role: str = "reader", *, writes: Sequence[tuple[str, str]] = (),
        text: str | None = None, **more: Any,
    ) -> Live | None:  # fmt: skip
        """Begin a push. `label` and `writes` are all that its content depends on; `text` stands for the label in it."""
        kind, text = self.driver.stimulus["kind"], label if text is None else text
        self.turns[subject] += 1
        self.written.update({name for name, _ in writes})
        facts: dict[str, Any] = {
            "subject": subject, "turn": self.turns[subject], "content": label,
            "writes": [{"name": name, "content": text, "turn": self.written[name]} for name, text in writes],
        }  # fmt: skip
        if kind == "session":
            members = {"session_id": subject, "title": f"Session {text}", "data": _data(text, writes)}
        else:
            members = {"name": subject, "content": _document(text)}
        _run, live = await self.driver.begin(role, body=_body(self.driver, kind, members), **facts, **more)
        return live

    async def push(self, subject: str, label: str, role: str = "reader", **more: Any) -> Live | None:
        """Push and read to the end, or to where a plan cuts it; gives the stream where it had its terminal event."""
        live = await self.begin(subject, label, role, **more)
        return live if live is not None and await self.driver.to_end(live) else None


# ------------------------------------------------------------------------------------------------ versions


def versions_stimuli(_setting: Setting) -> list[Stimulus]:
    """What is new, as it was, changed, and as it was at first."""
    return [
        _own("a session again and again", "session", pushes=["one", "one", "two", "one"]),
        _own("a plan again and again", "plan", pushes=["one", "one", "two", "one"]),
    ]


def hostile_stimuli(_setting: Setting) -> list[Stimulus]:
    """A session whose title and data have what breaks framing, as it was, and with other line ends."""
    text = "".join(text for name, text in scripts.HOSTILE.items() if name != "64 KiB")
    texts = {"one": text, "two": text.replace("\r", "\n")}
    return [_own("hostile texts", "session", pushes=["one", "one", "two"], texts=texts)]


def aborted_stimuli(_setting: Setting) -> list[Stimulus]:
    """The client leaves in the middle of the last push but one, each time at another place."""
    return [
        _own(f"cut off {inside} bytes behind {after} lines", kind, pushes=[*_USUAL, "three", "three"],
             cut={"turn": len(_USUAL) + 1, "after": after, "inside": inside})
        for kind, places in _CUTS.items()
        for after, inside in places
    ]  # fmt: skip


def pushes_of(stimulus: Stimulus) -> int:
    """How many pushes one try makes."""
    return len(stimulus["pushes"])


async def versions(driver: Driver, stimulus: Stimulus) -> None:
    """Push one thing several times in sequence; if the stimulus says so, disconnect during one of them."""
    pushes, cut, took_ms = _Pushes(driver), stimulus.get("cut", {}), 0.0
    subject, texts = pushes.fresh(), stimulus.get("texts", {})
    for turn, label in enumerate(stimulus["pushes"], start=1):
        if turn == cut.get("turn"):
            await pushes.push(subject, label, "cut", cut=CutPlan(cut["after"], cut["inside"]))
            # A push that goes on without its client gets the time for that: it takes as long as the one before.
            await driver.pause_ms(took_ms)
            continue
        live = await pushes.push(subject, label, text=texts.get(label))
        if live is None:
            return
        took_ms = (live.ended_us - live.sent_us) / 1000


def at_once_stimuli(_setting: Setting) -> list[Stimulus]:
    """A first version, then two others at the same time."""
    return [_own("two pushes of one subject at once", kind, pushes=["one", "two", "three"]) for kind in _CUTS]


async def at_once(driver: Driver, stimulus: Stimulus) -> None:
    """Push one thing, then two others to the same subject at once; their versions show the order."""
    pushes, (first, *both) = _Pushes(driver), stimulus["pushes"]
    subject = pushes.fresh()
    if await pushes.push(subject, first) is None:
        return
    done = [live for live in await asyncio.gather(*(pushes.push(subject, label) for label in both)) if live is not None]
    for turn, live in enumerate(sorted(done, key=_version), start=2):
        live.about["turn"] = turn


def _version(live: Live) -> float:
    """The version that a push that is done says it has made."""
    version = pointed(live.seen[-1].value, "/version")
    return version if isinstance(version, int | float) else 0


# ------------------------------------------------------------------------------------------------ generated pushes


async def lanes(driver: Driver, stimulus: Stimulus) -> None:
    """Push to some subjects at once, to each of them one push after the other."""
    pushes = _Pushes(driver)
    await asyncio.gather(*(_lane(pushes, lane) for lane in stimulus["lanes"]))


async def _lane(pushes: _Pushes, lane: Sequence[dict[str, Any]]) -> None:
    """The pushes to one subject: what each one's `text` is, which plan files it writes, where it is cut off."""
    subject, token, took_ms = pushes.fresh(), uuid4().hex, 0.0
    for row in lane:
        writes = [(f"{stem}-{token}.md", text) for stem, text in row.get("writes", ())]
        label = json.dumps([row["text"], row.get("writes", [])])
        if "cut" in row:
            cut = CutPlan(int(row["cut"]["after"]), int(row["cut"].get("inside", 0)))
            await pushes.push(subject, label, "cut", text=row["text"], writes=writes, cut=cut)
            await pushes.driver.pause_ms(took_ms)  # as for those that are pinned
            continue
        live = await pushes.push(subject, label, text=row["text"], writes=writes)
        if live is None:
            return
        took_ms = (live.ended_us - live.sent_us) / 1000


# ------------------------------------------------------------------------------------------------ linked plans


def linked_stimuli(_setting: Setting) -> list[Stimulus]:
    """Plan files that are written once and twice, again as they were and changed, from another session, and none."""
    first = [["first", "draft"], ["second", "one"], ["first", "final"]]
    again = [["first", "final"], ["second", "one"], ["second", "two"]]
    return [
        _own("plans of a session", "session", pushes=[
            {"session": "one", "writes": first},
            {"session": "one", "writes": again},
            {"session": "two", "writes": [["first", "final"]]},
            {"session": "three", "writes": []},
        ]),
        _own("a name that is not ASCII", "session", pushes=[
            {"session": "one", "writes": [["first", "one"], ["größe-計画-🚀-e\u0301", "one"]]},
        ]),
    ]  # fmt: skip


async def linked(driver: Driver, stimulus: Stimulus) -> None:
    """Push the sessions of the stimulus, whose plan files have names of this try only."""
    pushes, token, sessions = _Pushes(driver), uuid4().hex, dict[str, str]()
    for number, row in enumerate(stimulus["pushes"], start=1):
        subject = sessions.setdefault(row["session"], pushes.fresh())
        writes = [(f"{stem}-{token}.md", content) for stem, content in row["writes"]]
        if await pushes.push(subject, f"{number}", writes=writes) is None:
            return


# ------------------------------------------------------------------------------------------------ refusals and failures


def large_stimuli(setting: Setting) -> list[Stimulus]:
    """One session of more bytes than the profile allows for a whole body."""
    return [_own("above the limit", "session", bytes=int(setting.profile.field("figures.max_body_bytes")) + 1)]


async def large(driver: Driver, stimulus: Stimulus) -> None:
    """Push a session above the limit."""
    record = _record("0123456789abcdef" * 64, "user")
    data = record * (stimulus["bytes"] // len(record) + 1)
    body = _body(driver, "session", {"session_id": str(uuid4()), "title": "Session", "data": data})
    await driver.start_refused("too large", json.dumps(body).encode())


def rate_stimuli(_setting: Setting) -> list[Stimulus]:
    """Each kind of push."""
    return [_own("rate limit", kind) for kind in ("session", "plan")]


async def rate(driver: Driver, stimulus: Stimulus) -> None:
    """Let the rate limit refuse one push."""
    if await _will_fail(driver, "rate"):
        body = json.dumps(driver.body_of(stimulus["kind"]), ensure_ascii=False).encode()
        await driver.start_refused("rate limit", body, role="limited")


async def _will_fail(driver: Driver, what: str) -> bool:
    """Ask the control interface for a failure; gives whether it can."""
    asked = await driver.make_fail(what)
    return asked.head_now is not None and asked.head_now.status == 200


def unstored_stimuli(_setting: Setting) -> list[Stimulus]:
    """Each kind of push, which fails in the middle."""
    return [_own("it cannot be stored", kind) | {"outcome": "fails"} for kind in ("session", "plan")]


async def unstored(driver: Driver, _stimulus: Stimulus) -> None:
    """A push whose storing fails."""
    pushes = _Pushes(driver)
    if await _will_fail(driver, "store"):
        await pushes.push(pushes.fresh(), "one")


# ------------------------------------------------------------------------------------------------ who comes later


def following_stimuli(setting: Setting) -> list[Stimulus]:
    """Two pushes; with control they say what no other push says."""
    start = setting.profile.operations["start:session"]
    emits = setting.plain(start, 2 * EVENTS)
    before, after = (
        lead(setting) + scripts.spread(part, STEP_MS, setting.scale) for part in (emits[:EVENTS], emits[EVENTS:])
    )
    return [setting.stimulus("one push after another", start, "succeeds", before, after=after)]


async def following(driver: Driver, stimulus: Stimulus) -> None:
    """A push, and another one with Last-Event-ID. What the first one said goes into the stimulus: its id is new."""
    pushes = _Pushes(driver)
    first = await pushes.push(pushes.fresh(), "one")
    if first is None:
        return
    said = [event.value for event in first.seen if isinstance(event.value, dict)]
    before = [step["emit"] for step in stimulus["script"] or () if "emit" in step]
    named = [one for one in said if one.get("step") == "done" and one.get("nanoid")]
    stimulus["before"] = [*before, *({"step": "done", "nanoid": one["nanoid"]} for one in named)]
    after = stimulus["after"] if stimulus["script"] is not None else None
    headers = (("Last-Event-ID", OLD_ID),)
    await pushes.push(pushes.fresh(), "one", "newcomer", headers=headers, script=after)


# ------------------------------------------------------------------------------------------------ a crash


def killed_stimuli(_setting: Setting) -> list[Stimulus]:
    """Killed when a version was seen, and in the middle of the next one."""
    return [
        _own("killed after a push", "session", pushes=[*_USUAL, "two"], midway=False),
        _own("killed in the middle of a push", "session", pushes=[*_USUAL, "three"], midway=True),
    ]


async def killed(driver: Driver, stimulus: Stimulus) -> None:
    """Push, kill -9, start again, push again; in the second case what was not seen to its end."""
    pushes = _Pushes(driver)
    subject, (*before, last) = pushes.fresh(), stimulus["pushes"]
    for label in before:
        if await pushes.push(subject, label) is None:
            return
    midway = await pushes.begin(subject, last, "cut") if stimulus["midway"] else None
    if midway is not None:
        await driver.run_shows(midway, 1)
    up = await driver.candidate.restart_after_kill()
    if midway is not None:
        await midway.over(driver.bounds.close_s)
        await midway.cut("the candidate was killed")
    if up:
        await pushes.push(subject, last)


# ------------------------------------------------------------------------------------------------ what is generated


async def _generated(driver: Driver, stimulus: Stimulus) -> None:
    await (lanes if "lanes" in stimulus else program)(driver, stimulus)


def _runs_of(stimulus: Stimulus) -> int:
    return sum(map(len, stimulus["lanes"])) if "lanes" in stimulus else runs_of(stimulus)


def _connections_of(stimulus: Stimulus) -> int:
    return len(stimulus["lanes"]) if "lanes" in stimulus else connections_of(stimulus)


# A generated stimulus of this system has lanes, each with the pushes to one subject:
#     {"kind": …, "script": …, "outcome": …, "lanes": [[{"text": …, "writes": [[…, …]], "cut": {"after": 1}}, …], …]}
GENERATED = replace(PROGRAM, act=_generated, starts=_runs_of, holds=_connections_of)

PROBES: tuple[Probe, ...] = (
    Probe(
        "pushes", versions, ("RKS-02", "RKS-03", "RKS-04", "RKS-01", "RKS-08", "RKS-09", "RKS-15", "RKS-19", "TRM-06"),
        versions_stimuli, connections=1, starts=pushes_of,
    ),
    Probe(
        "pushes at once", at_once, ("RKS-02", "RKS-03", "RKS-04", "RKS-15"), at_once_stimuli,
        connections=2, starts=pushes_of,
    ),
    Probe(
        "linked plans", linked, ("RKS-05", "RKS-06", "RKS-07", "RKS-13", "RKS-17", "RKS-18", "RKS-19", "RKS-20"),
        linked_stimuli,
        connections=1, starts=pushes_of,
    ),
    Probe(
        "hostile pushes", versions, ("RKS-02", "RKS-03", "TRM-06"), hostile_stimuli, connections=1, starts=pushes_of,
    ),
    Probe("aborted pushes", versions, ("RKS-12",), aborted_stimuli, connections=1, starts=pushes_of),
    Probe(
        "one push after another", following, ("CAT-17",), following_stimuli,
        needs=("no replay",), connections=1, starts=2,
    ),
    Probe("large push", large, ("RKS-10", "RKS-16"), large_stimuli, connections=1, starts=0),
    Probe(
        "limited push", rate, ("RKS-11",), rate_stimuli,
        needs=("fail",), connections=1, starts=0, alone=True,
    ),
    Probe(
        "push that cannot be stored", unstored, ("TRM-06",), unstored_stimuli,
        needs=("fail",), connections=1, alone=True,
    ),
    Probe(
        "pushes and a crash", killed, ("RKS-14",), killed_stimuli,
        needs=("launch",), connections=1, starts=lambda stimulus: pushes_of(stimulus) + 1, alone=True,
    ),
)  # fmt: skip
