"""The legal forms: each differs from the honest stream, and says the same to a reader by the letter of the standard.

That the suite finds nothing wrong with them is what `tests/candidates/test_modes.py` shows.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from tests.framing.by_the_letter import dispatched

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet_server.app import Settings
from streamvet_server.by_request import switchboards
from streamvet_server.catalogue import FAULTS
from streamvet_server.modes import MODES
from streamvet_server.modes.mode import NDJSON, SSE
from streamvet_server.systems import SYSTEMS

FIELD = "Streamvet-Mode"
# What shows in when octets come, or in the head, not in what they say.
IN_TIME = {"slow-head", "held-head", "silence-with-heartbeats", "charset-in-the-type"}
IN_PIECES = {"byte-by-byte", "cut-in-characters"}
LOSSY = {"dropped-in-an-event"}


def _documents(body: bytes) -> list[Any]:
    """What the lines of an NDJSON body say."""
    return [json.loads(line) for line in body.split(b"\n") if line.strip()]


def _said(texts: list[Any]) -> list[Any]:
    """The documents without what the forms put into them."""
    plain = [{key: it for key, it in one.items() if key != "x-unknown"} for one in texts]
    return [one for one in plain if one not in ({"type": "x-unknown"}, {})]


def _timeless(body: bytes) -> bytes:
    """The octets without the moment at which a stream was ended, which is its own."""
    return re.sub(rb'("kind":"end","at":")[^"]*', rb"\1", body)


async def _chunks(served: Any, path: str, headers: dict[str, str]) -> list[bytes]:
    async with served.http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        return [octets async for octets in answer.aiter_raw()]


def test_rows() -> None:
    names = [mode.name for mode in MODES]
    assert len(set(names)) == len(names)
    assert set(names).isdisjoint(fault.name for fault in FAULTS)
    for mode in MODES:
        assert mode.profiles
        assert set(mode.profiles) <= set(SYSTEMS)
        assert set(mode.breaks) <= set(mode.profiles)
        for profile, id_ in mode.breaks.items():
            assert load_registry().rows[id_].applies(load_profile(profile)), mode.name
        assert mode.standard.startswith(("WHATWG HTML, 9.2.", "RFC 9112, ", "RFC 8259, ", "NDJSON 1.0.0, "))
        assert mode.sentence.endswith(".")
        assert mode.note.endswith(".")
    assert {profile for mode in MODES for profile in mode.profiles} == {*SSE, *NDJSON}


def test_each_form_of_events_says_the_same(serve: Any) -> None:
    made = switchboards(Settings())

    async def main() -> None:
        async with serve(seams=made.seams, admit=made.admit) as served:
            run = await served.run([{"emit": {"type": "recon", "payload": {"said": "é🙂"}}}])
            await served.seen(run)
            path, headers = f"/ghostly/v1/runs/{run}/events/stream", await served.bearer()
            honest = b"".join(await _chunks(served, path, headers))
            own = [one for one in MODES if "ghostly" in one.profiles and one.name not in LOSSY]
            for mode in own:
                octets = await _chunks(served, path, {**headers, FIELD: mode.name})
                _holds(mode.name, honest, octets)

    asyncio.run(main())


def _holds(name: str, honest: bytes, octets: list[bytes]) -> None:
    body = b"".join(octets)
    assert (_timeless(body) != _timeless(honest)) == (name not in IN_TIME | IN_PIECES), name
    if name == "byte-by-byte":
        assert len(octets) > len(body) // 2  # a client may join what came together
    seen = [one for one in dispatched(body) if one.type != "x-unknown"]
    want = dispatched(honest)
    assert [(one.type, one.last_event_id) for one in seen] == [(one.type, one.last_event_id) for one in want], name
    at = [index for index, one in enumerate(want) if one.data[:1] == "{"]
    assert _said([json.loads(seen[i].data) for i in at])[:-1] == [json.loads(want[i].data) for i in at][:-1], name


def test_each_form_of_lines_says_the_same(serve: Any) -> None:
    made = switchboards(Settings())

    async def main() -> None:
        async with serve(seams=made.seams, admit=made.admit) as served:
            script = await served.scripted("promptfloe", [{"emit": {"type": "file", "path": "é🙂", "contents": "x"}}])
            async with served.build(script) as (run, stream):
                assert [event["type"] async for event in stream] == ["file", "ready"]
            path, headers = f"/promptfloe/v1/runs/{run}/events", await served.bearer("promptfloe")
            honest = b"".join(await _chunks(served, path, headers))
            for mode in MODES:
                if "promptfloe" in mode.profiles and mode.name not in LOSSY:
                    body = b"".join(await _chunks(served, path, {**headers, FIELD: mode.name}))
                    assert (body != honest) == (mode.name not in IN_TIME | IN_PIECES), mode.name
                    assert _said(_documents(body)) == _documents(honest), mode.name

    asyncio.run(main())


@pytest.mark.parametrize("profile", ["promptfloe", "ghostly"])
def test_who_is_dropped_in_an_event_comes_back_for_the_rest(serve: Any, profile: str) -> None:
    made = switchboards(Settings())

    async def main() -> None:
        async with serve(seams=made.seams, admit=made.admit) as served:
            mode = {FIELD: "dropped-in-an-event"}
            if profile == "ghostly":
                run = await served.run()
                await served.seen(run)
                path, again = f"/ghostly/v1/runs/{run}/events/stream", {"Last-Event-ID": "2"}
            else:
                file = {"emit": {"type": "file", "path": "a", "contents": "x"}}
                async with served.build(await served.scripted("promptfloe", [file] * 3)) as (run, stream):
                    assert len([event async for event in stream]) == 4
                path, again = f"/promptfloe/v1/runs/{run}/events", {}
            headers = {**await served.bearer(profile), **mode}
            with pytest.raises(Exception, match=r"peer closed|Connection|incomplete|reset|^$"):
                await _chunks(served, path, headers)
            rest = b"".join(await _chunks(served, path + ("?cursor=2" if not again else ""), {**headers, **again}))
            assert rest.endswith(b"\n")
            assert (b"event: end" if profile == "ghostly" else b'"type":"ready"') in rest

    asyncio.run(main())
