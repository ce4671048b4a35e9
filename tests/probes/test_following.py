"""A run whose server closes each stream after a few events: its reader comes back, and what it has is judged.

The server is a few lines of this file; that it is honest, or what it does wrong, is known.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.recorder.servers import LAST_CHUNK, SSE_HEAD, Handler, chunk, request_of, serving

from streamvet.checks import CHECKS
from streamvet.contract.files import read_yaml
from streamvet.contract.registry import load_registry
from streamvet.contract.target import target_of
from streamvet.outcome import Verdict
from streamvet.probes import bounds, following, reading, resuming
from streamvet.probes.candidate import Candidate
from streamvet.probes.driver import Driver
from streamvet.probes.setting import Setting
from streamvet.recorder import Recorder, Secrets, Tape
from streamvet.trace import Trace
from streamvet.verdicts import Judge

from .test_misbehaving import answer

if TYPE_CHECKING:
    from streamvet.verdicts import Ruling

BUILDS = Path(__file__).resolve().parents[1] / "candidates" / "builds"
LINES = 7
EVENTS: list[dict[str, Any]] = [{"type": "line", "text": f"line {n}"} for n in range(1, LINES + 1)]
EVENTS += [{"type": "passed"}]
PIECE = 3
STIMULUS = {"name": "test", "kind": "build", "outcome": "succeeds", "script": None, "input": "succeeds"}


def block(number: int) -> bytes:
    event = EVENTS[number - 1]
    return f"event: {event['type']}\nid: {number}\ndata: {json.dumps(event)}\n\n".encode()


def serves(fault: str = "", retry_ms: int = 0) -> Handler:
    """Builds that are over at once, in pieces; an event has its number for an id."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await request_of(reader)).decode()
        if head.startswith("POST"):
            await reader.read(100)
            writer.write(answer({"buildId": "b1"}, 201))
            return
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        sent = fields.get("Last-Event-ID", "")
        if not (sent or "0").isdigit() or int(sent or 0) > len(EVENTS):
            writer.write(answer({"error": "no such event"}, 400))
            return
        first = 1 + int(sent or 0)
        if sent and first < len(EVENTS):
            first += {"loses": 1, "repeats": -1, "begins anew": -int(sent)}.get(fault, 0)
        numbers = [n for n in range(first, first + PIECE) if n <= len(EVENTS)]
        if fault == "never ends" and len(EVENTS) in numbers:
            numbers.remove(len(EVENTS))
        writer.write(SSE_HEAD + (chunk(f"retry: {retry_ms}\n\n".encode()) if retry_ms else b""))
        for number in numbers:
            writer.write(chunk(block(number)))
        writer.write(LAST_CHUNK)

    return handle


async def tried(handler: Handler, folder: Path) -> tuple[dict[str, Ruling], list[Trace]]:
    """What is said of such a server, by two tries."""
    raw = read_yaml(folder / "profile.yaml")
    raw["terminal"]["unless"] = "resumable"
    (folder / "profile.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    async with serving(handler) as url:
        given = {"profile": str(folder), "base_url": url, "inputs": {"build": {"succeeds": {"repository": "demo"}}}}
        target, profile = target_of(given, folder / "target.yaml")
        bench, traces = Judge(profile, load_registry(profile), CHECKS), []
        async with Recorder(profile, Secrets()) as recorder:
            candidate, setting = (
                Candidate(target, profile, 1.0, recorder),
                Setting(profile, target, 1.0, frozenset(), None),
            )
            for act in (reading.straight, resuming.cursors):
                tape = Tape(recorder)
                await act(Driver(candidate, setting, tape, dict(STIMULUS)), dict(STIMULUS))
                trace = Trace(
                    "test", STIMULUS, await tape.exchanges(), profile.name, profile.digest, bench.registry.revision
                )
                bench.add(trace)
                traces.append(trace)
        assert bench.errors == []
        return {one.requirement.id: one for one in bench.rulings()}, traces


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the profile."""
    shutil.copytree(BUILDS, tmp_path / "builds")
    return tmp_path / "builds"


def failed(found: dict[str, Ruling]) -> set[str]:
    return {name for name, one in found.items() if one.verdict is Verdict.FAIL}


def test_an_honest_one_passes(folder: Path) -> None:
    found, traces = asyncio.run(tried(serves(), folder))
    assert failed(found) == set()
    wanted = ("ORD-01", "CAT-02", "CAT-04", "CAT-05", "CAT-06", "CAT-07", "CAT-21", "TRM-01", "TRM-05", "TRM-06")
    assert {found[name].verdict for name in wanted} == {Verdict.PASS}
    pieces = [one for one in traces[0].exchanges if one.about.get("strand") == "s1"]
    assert [len(one.body.split(b"\n\n")) - 1 for one in pieces] == [3, 3, 2]


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("loses", {"CAT-05"}),
        ("repeats", {"CAT-06"}),
        ("begins anew", {"TRM-01"}),
    ],
)
def test_a_broken_one_does_not(fault: str, wanted: set[str], folder: Path) -> None:
    found, _ = asyncio.run(tried(serves(fault), folder))
    assert failed(found) == wanted


def test_one_that_never_ends_is_not_followed_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_LEAST_WORK_S", 0.2)
    monkeypatch.setattr(bounds, "_SILENT_MS", 0.0)
    found, _ = asyncio.run(tried(serves("never ends"), folder))
    assert failed(found) == {"TRM-06"}


def test_who_is_asked_to_wait_comes_back_after_that(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(following, "pause", pause)
    found, _ = asyncio.run(tried(serves(retry_ms=2500), folder))
    assert failed(found) == set()
    assert set(pauses) == {2.5}
