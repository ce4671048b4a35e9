"""Compressed request bodies: read where they are what they say, else refused in each system's own shape."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from streamvet_server.listing import accounts
from streamvet_server.site import MAX_INFLATED_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
ACCOUNTS = accounts()
LOGIN = ACCOUNTS["ghostly"]["credentials"]
# Of each system a request with a body: its path, its body, the status of its answer.
REQUESTS: dict[str, tuple[str, Any, int]] = {
    "ghostly": ("/ghostly/v1/auth/login", LOGIN, 200),
    "promptfloe": ("/promptfloe/v1/skills/run", {"alias": "summarise"}, 200),
    "rockstar": ("/rockstar/api/v1/plans", {"name": "a.md", "content": "x"}, 200),
    "agent-workspace": ("/agent-workspace/api/auth/login", ACCOUNTS["agent-workspace"]["credentials"], 200),
    "cosma": ("/cosma/api/settings", {"queue.max_retries": 3}, 200),
}
_PACKING = zlib.compressobj(9, zlib.DEFLATED, 31)
_HEAD = _PACKING.compress(b"") + _PACKING.flush(zlib.Z_FULL_FLUSH)
# 0.3 MB that would become 256 MiB.
INFLATES = _HEAD + (_PACKING.compress(bytes(1 << 20)) + _PACKING.flush(zlib.Z_FULL_FLUSH)) * 256
# What is sent in place of a good body, its coding, and the status of the answer.
WRONG: dict[str, tuple[Callable[[bytes], bytes], str, int]] = {
    "no gzip": (lambda good: good, "gzip", 400),
    "no deflate": (gzip.compress, "deflate", 400),
    "cut off": (lambda good: gzip.compress(good)[:-1], "gzip", 400),
    "more behind it": (lambda good: gzip.compress(good) + good, "gzip", 400),
    "a wrong sum": (lambda good: gzip.compress(good)[:-8] + bytes(4) + len(good).to_bytes(4, "little"), "gzip", 400),
    "no JSON in it": (lambda good: gzip.compress(good[1:]), "gzip", 400),
    "an unknown coding": (lambda good: good, "br", 415),
    "two codings": (lambda good: gzip.compress(gzip.compress(good)), "gzip, gzip", 415),
    "inflates": (lambda _good: INFLATES, "gzip", 413),
    "one byte too many": (lambda good: gzip.compress(good.ljust(MAX_INFLATED_BYTES + 1)), "gzip", 413),
}


async def _headers(served: Any, profile: str, coding: str) -> dict[str, str]:
    bearer = await served.bearer(profile) if profile in ("promptfloe", "rockstar") else {}
    return {**bearer, "Content-Encoding": coding}


def _method(profile: str) -> str:
    return "PUT" if profile == "cosma" else "POST"


@pytest.mark.parametrize("profile", REQUESTS)
def test_a_compressed_body_is_read(serve: Any, profile: str) -> None:
    path, body, status = REQUESTS[profile]
    octets = json.dumps(body).encode()

    async def main() -> None:
        async with serve() as served:
            for coding, packed in {"gzip": gzip.compress(octets), "Deflate": zlib.compress(octets)}.items():
                headers = await _headers(served, profile, coding)
                answer = await served.http.request(_method(profile), path, content=packed, headers=headers)
                assert (answer.status_code, coding) == (status, coding), answer.text

    asyncio.run(main())


@pytest.mark.parametrize("profile", REQUESTS)
def test_what_is_not_the_coding_that_it_says_is_refused(serve: Any, profile: str) -> None:
    path, body, _ = REQUESTS[profile]
    schema = json.loads((SCHEMAS / profile / "responses" / "error.schema.json").read_text())

    async def main() -> None:
        async with serve() as served:
            for name, (pack, coding, status) in WRONG.items():
                headers, packed = await _headers(served, profile, coding), pack(json.dumps(body).encode())
                answer = await served.http.request(_method(profile), path, content=packed, headers=headers)
                assert (name, answer.status_code) == (name, status), answer.text
                Draft202012Validator(schema).validate(answer.json())
                assert ("Accept-Encoding" in answer.headers) is (status == 415)

    asyncio.run(main())


def test_the_control_interface_refuses_it_too(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            for name, (pack, coding, status) in WRONG.items():
                headers, packed = {"Content-Encoding": coding}, pack(b'{"do": "describe"}')
                answer = await served.http.post("/ghostly/_conformance", content=packed, headers=headers)
                assert (name, answer.status_code, list(answer.json())) == (name, status, ["error"])

    asyncio.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of another process's memory is in /proc")
def test_what_inflates_takes_no_more_memory_than_its_bound(spawn: Any) -> None:
    async def main() -> None:
        process = spawn("--profile", "ghostly")
        status = Path(f"/proc/{process.popen.pid}/status")
        async with process.client() as served:
            assert (await served.http.post("/v1/auth/login", json=LOGIN)).status_code == 200
            before = _peak_bytes(status)
            headers = {"Content-Encoding": "gzip"}
            sent = [served.http.post("/v1/auth/login", content=INFLATES, headers=headers) for _ in range(5)]
            assert [answer.status_code for answer in await asyncio.gather(*sent)] == [413] * 5
            # What came of all of them, twice, and one that is inflated: it is done in one step.
            assert _peak_bytes(status) - before < 10 * len(INFLATES) + 2 * MAX_INFLATED_BYTES

    asyncio.run(main())


def _peak_bytes(status: Path) -> int:
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024
