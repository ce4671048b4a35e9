"""Faults and modes by request: what a request names holds for it, what a start names for its run, and for no other."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from streamvet_server import catalogue
from streamvet_server.app import Settings
from streamvet_server.by_request import switchboards
from streamvet_server.systems import SYSTEMS

FAULT, MODE = "Streamvet-Fault", "Streamvet-Mode"


def _switched(serve: Any) -> Any:
    made = switchboards(Settings())
    return serve(seams=made.seams, admit=made.admit, lists=made.lists)


async def _started(served: Any, **headers: str) -> str:
    body = served_body()
    answer = await served.http.post("/ghostly/v1/run", json=body, headers={**await served.bearer(), **headers})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def served_body() -> Any:
    from streamvet_server.listing import accounts  # noqa: PLC0415 -- what takes time to import

    return accounts()["ghostly"]["inputs"]["run"]["fails"]


async def _octets(served: Any, run: str, **headers: str) -> bytes:
    path = f"/ghostly/v1/runs/{run}/events/stream"
    answer = await served.http.get(path, headers={**await served.bearer(), **headers})
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def _ends(octets: bytes) -> int:
    return octets.count(b'"type":"run_end"')


def test_what_a_start_names_holds_for_its_run_and_its_readers(serve: Any) -> None:
    async def main() -> None:
        async with _switched(serve) as served:
            twice, once = await _started(served, **{FAULT: "run-end-twice"}), await _started(served)
            assert [_ends(await _octets(served, run)) for run in (twice, twice, once)] == [2, 2, 1]

    asyncio.run(main())


def test_what_a_reader_names_holds_for_its_request(serve: Any) -> None:
    async def main() -> None:
        async with _switched(serve) as served:
            run = await _started(served)
            await _octets(served, run)  # until it is over; then each reader is told the same
            honest = await _octets(served, run)
            assert b"\r" not in honest
            named = await _octets(served, run, **{FAULT: "crlf-blocks"})
            assert named.replace(b"\r\n", b"\n").count(b"\n\n") == honest.count(b"\n\n")
            assert b"\r\n\r\n" in named
            assert b"\n" not in await _octets(served, run, **{MODE: "cr-alone"})
            both = await _octets(served, run, **{FAULT: "crlf-blocks, cacheable", MODE: "unknown-keys"})
            assert b"x-unknown" in both
            assert b"\r\n" in both
            assert b"\r" not in await _octets(served, run)

    asyncio.run(main())


def test_an_empty_field_frees_a_reader_from_what_the_start_named(serve: Any) -> None:
    async def main() -> None:
        async with _switched(serve) as served:
            run = await _started(served, **{MODE: "crlf"})
            assert b"\r\n" in await _octets(served, run)
            assert b"\r\n" not in await _octets(served, run, **{MODE: ""})

    asyncio.run(main())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (FAULT, "no-such", "Streamvet-Fault: expected the name of a fault, got 'no-such'"),
        (FAULT, "crlf", "Streamvet-Fault: expected the name of a fault, got 'crlf'"),
        (MODE, "crlf-blocks", "Streamvet-Mode: expected the name of a mode, got 'crlf-blocks'"),
        (
            FAULT, "cursor-inclusive",
            "Streamvet-Fault: expected a fault of ghostly, got cursor-inclusive, which is one of promptfloe",
        ),
        (
            FAULT, "last-event-lost-in-crash",
            (
                "Streamvet-Fault: expected a fault of one request, got last-event-lost-in-crash, which is the whole "
                "server's: it shows after a restart of the process"
            ),
        ),
        (
            FAULT, "plain-text, cacheable",
            (
                "Streamvet-Fault: expected faults that replace different seams, got plain-text and cacheable, which "
                "both replace head of ghostly"
            ),
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_named_is_refused_with_the_reason(serve: Any, field: str, value: str, said: str) -> None:
    async def main() -> None:
        async with _switched(serve) as served:
            answer = await served.http.get("/ghostly/health", headers={field: value})
            assert (answer.status_code, answer.json()["error"]) == (400, said)

    asyncio.run(main())


def test_without_control_the_fields_mean_nothing(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            assert (await served.http.get("/ghostly/health", headers={FAULT: "no-such"})).status_code == 200

    asyncio.run(main())


def test_what_can_be_named_is_listed_under_the_control_interface(serve: Any) -> None:
    async def main() -> None:
        async with _switched(serve) as served:
            for profile in SYSTEMS:
                faults = (await served.http.get(f"/{profile}/_conformance/faults")).json()
                modes = (await served.http.get(f"/{profile}/_conformance/modes")).json()
                assert faults == [row for row in _plain(catalogue.listing()) if profile in row["profiles"]]
                assert modes == [row for row in _plain(catalogue.modes_listing()) if profile in row["profiles"]]

    asyncio.run(main())


def _plain(rows: Any) -> Any:
    return json.loads(json.dumps(rows))


# What no request can name: nothing of a request is there when it takes hold. All of cosma's and agent-workspace's that
# stand here change what all readers share.
STANDING = {
    "ghostly": {"last-events-lost-in-crash", "last-event-lost-in-crash", "orphan-unflagged"},
    "promptfloe": {"history-told-anew", "runs-lost-in-crash"},
    "rockstar": set[str](),
}


@pytest.mark.parametrize("profile", STANDING)
def test_what_is_of_the_whole_server(profile: str) -> None:
    found = {row.name for row in catalogue.FAULTS if profile in row.profiles and catalogue.standing(row, profile)}
    assert found == STANDING[profile]
