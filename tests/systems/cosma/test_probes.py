"""What cosma's probes leave behind: nothing in the directory, and a candidate that is set as it was before."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tests.probes.test_misbehaving import HEAD, answer
from tests.probes.test_scripts import setting_of

from streamvet.campaign import Settings, campaign
from streamvet.contract.target import target_of
from streamvet.recorder import LIMITS, Live, now_us
from streamvet.systems.cosma.probes import directory
from streamvet.systems.cosma.probes.directory import cooldown_s
from streamvet.systems.cosma.words import WORDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SCALE = 0.01
OVER_S = 60.0  # far above what any of these takes
BEFORE_S = 60  # the cooldown that the candidate had

Asked = list[tuple[str, str, Any]]


@asynccontextmanager
async def candidate(asked: Asked) -> AsyncIterator[str]:
    """A cosma that does what it is asked to, and whose stream is over before it has told anything."""
    watched = ""

    def told(method: str, path: str, body: Any) -> bytes:
        nonlocal watched
        if path == "/api/watch/":
            watched = body["directory_path"]
        done = {"success": True, "message": "done"}
        looks = {
            "/api/settings/": {"queue": {"cooldown_seconds": BEFORE_S}},
            "/api/queue/status": {"paused": False, "manually_paused": False},
            "/api/watch/jobs": {"jobs": [{"id": 6, "path": "/srv/other"}, {"id": 7, "path": watched}]},
            "/api/queue/items": {
                "items": [
                    {"id": "mine", "file_path": f"{watched}/left.txt"},
                    {"id": "other", "file_path": f"{watched}-too/left.txt"},
                ]
            },
        }
        return answer(looks.get(path, done), 201 if (method, path) == ("POST", "/api/watch/") else 200)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
        method, path = head.decode().split(" ")[:2]
        body = json.loads(await reader.readexactly(length) or b"null")
        if path == "/api/updates":
            writer.write(HEAD + b"0\r\n\r\n")
        else:
            if path != "/":
                asked.append((method, path, body))
            writer.write(told(method, path, body))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def tried(directory: Path, probe: str) -> Asked:
    """What one try of a probe asks for."""
    asked: Asked = []
    stimulus = {"name": "a test", "outcome": None, "script": None, "cooldown_s": 5, "files": 3}

    async def scenario() -> Any:
        async with candidate(asked) as url, asyncio.timeout(OVER_S):
            raw = {"profile": "cosma", "base_url": url, "time_scale": SCALE, "directory": str(directory)}
            target, profile = target_of(raw, directory / "target.yaml")
            return await campaign(target, profile, Settings(), lambda _trace: None, cases=[(probe, stimulus)])

    summary = asyncio.run(scenario())
    assert (summary.tries, summary.errors) == (1, [])
    return asked


@pytest.mark.parametrize("probe", ["files", "a file during a pause", "a burst of files"])
def test_all_is_as_before(tmp_path: Path, probe: str) -> None:
    asked = tried(tmp_path, probe)
    assert list(tmp_path.iterdir()) == []
    changes = [(method, path, body) for method, path, body in asked if method != "GET"]
    watch, *refused = [body["directory_path"] for method, path, body in changes if path == "/api/watch/"]
    assert refused == ([f"{watch}-that-does-not-exist", watch] if probe == "files" else [])
    assert watch.startswith(f"{tmp_path.resolve()}/streamvet-")
    assert changes[:2] == [
        ("PUT", "/api/settings/", {"queue.cooldown_seconds": 5}),
        ("POST", "/api/watch/", {"directory_path": watch}),
    ]
    assert changes[-3:] == [
        ("DELETE", "/api/watch/jobs/7", None),
        ("DELETE", "/api/queue/items/mine", None),
        ("PUT", "/api/settings/", {"queue.cooldown_seconds": BEFORE_S}),
    ]


@pytest.mark.parametrize(
    "probe", ["a file during a pause", "a burst of files", "a pause", "newcomers to a pause", "an unknown item"]
)
def test_a_queue_that_is_paused_is_resumed(tmp_path: Path, probe: str) -> None:
    switches = [
        path.rpartition("/")[2] for _, path, _ in tried(tmp_path, probe) if path.endswith(("/pause", "/resume"))
    ]
    assert "pause" in switches
    assert switches[-1] == "resume"


@pytest.mark.parametrize(("scale", "seconds"), [(1.0, 1), (0.05, 12), (0.01, 60), (10.0, 1)])
def test_a_cooldown_is_long_enough_and_a_whole_number(scale: float, seconds: int) -> None:
    assert cooldown_s(setting_of("cosma", control=False, scale=scale)) == seconds


@pytest.mark.parametrize(("scale", "late_s", "seconds"), [(1.0, 0.5, 2), (0.05, 1.0, 32), (0.05, 0.01, 13)])
def test_a_cooldown_is_longer_where_a_watcher_is_late(scale: float, late_s: float, seconds: int) -> None:
    assert cooldown_s(setting_of("cosma", control=False, scale=scale), late_s) == seconds


# What is told again and again while an item is waited for, whether the work is simulated, what comes of it, whether
# that is noted, and how many patiences it takes at least.
WAITS: list[tuple[list[tuple[str, str]], bool, str | None, bool, int]] = [
    ([("queue_item_completed", "mine")], True, "queue_item_completed", False, 0),
    ([("queue_item_failed", "mine's new name")], True, "queue_item_failed", False, 0),
    ([("queue_item_processing", "mine")], False, None, True, 1),
    ([("queue_item_processing", "another")], True, None, True, 1),
    ([("queue_item_processing", "another")], False, None, True, 12),
]


@pytest.mark.parametrize("row", WAITS, ids=str)
def test_an_item_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, row: tuple[list[tuple[str, str]], bool, str | None, bool, int]
) -> None:
    events, published, over, noted, times = row
    patience_s = 0.1
    monkeypatch.setattr(directory, "_WORK_S", {True: patience_s, False: patience_s})
    monkeypatch.setattr(directory, "_SLACK_S", 0.0)
    monkeypatch.setattr(directory, "_STEP_S", patience_s / 10)

    async def scenario() -> tuple[str | None, list[Any], float]:
        can = frozenset({"publish"} if published else ())
        setting = replace(setting_of("cosma", control=published, scale=0.0), can=can)
        reader = Live(setting.profile, LIMITS, about={"files": []})
        calm = SimpleNamespace(recorder=SimpleNamespace(jitter=SimpleNamespace(late=lambda _since, _until: [])))
        driver: Any = SimpleNamespace(
            candidate=calm,
            setting=setting,
            profile=SimpleNamespace(field=lambda _path: 0),
            tape=SimpleNamespace(now_us=lambda: 7),
        )
        one = directory.Directory(driver, Path("/srv"), reader, keeps_names=True)

        async def tell() -> None:
            while True:
                for kind, path in events:
                    body = json.dumps({"opcode": kind, "data": {"file_path": path}})
                    reader.take(f"event: update\ndata: {body}\n\n".encode(), now_us())
                await asyncio.sleep(patience_s / 20)

        async with asyncio.timeout(OVER_S):
            telling, begun_us = asyncio.create_task(tell()), now_us()
            try:
                seen = await one.processed("mine", to="mine's new name")
            finally:
                telling.cancel()
        return seen, reader.about["files"], (now_us() - begun_us) / 1e6

    seen, files, took_s = asyncio.run(scenario())
    assert (seen, files) == (over, [{"at_us": 7, "did": "waited in vain", "path": "mine"}] if noted else [])
    assert took_s >= times * patience_s * 0.99


def test_the_words_of_one_key_are_of_one_file_and_one_item() -> None:
    def said(kind: str, key: int) -> Any:
        emit = WORDS.emit(kind, key, "text", ())
        return None if emit is None else emit["data"]

    assert said("file_parsing", 1)["path"] == said("file_complete", 1)["path"] != said("file_parsing", 2)["path"]
    assert said("queue_item_added", 1)["id"] == said("queue_item_failed", 1)["id"] != said("queue_item_added", 2)["id"]
    assert said("info", 1) == {"message": "text"}
    assert said("nothing_of_the_kind", 1) is None
