"""Compressed request bodies: read where they are what they say, else refused in each system's own shape."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import zlib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streamvet_server.listing import accounts
from streamvet_server.site import MAX_INFLATED_BYTES

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
# 4 MB that would become 4 GiB.
INFLATES = _HEAD + (_PACKING.compress(bytes(1 << 20)) + _PACKING.flush(zlib.Z_FULL_FLUSH)) * 4096
WRONG: dict[str, tuple[bytes, str, int]] = {
    "no gzip": (b'{"alias": "summarise"}', "gzip", 400),
    "no deflate": (b'{"alias": "summarise"}', "deflate", 400),
    "cut off": (gzip.compress(b"{}")[:-1], "gzip", 400),
    "more behind it": (gzip.compress(b"{}") + b"{}", "gzip", 400),
    "a wrong sum": (gzip.compress(b"{}")[:-8] + bytes(8), "gzip", 400),
    "no JSON in it": (gzip.compress(b"alias"), "gzip", 400),
    "an unknown coding": (b"{}", "br", 415),
    "two codings": (gzip.compress(gzip.compress(b"{}")), "gzip, gzip", 415),
    "inflates": (INFLATES, "gzip", 413),
    "one byte too many": (gzip.compress(b" " * (MAX_INFLATED_BYTES + 1)), "gzip", 413),
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
    path, _, _ = REQUESTS[profile]
    schema = json.loads((SCHEMAS / profile / "responses" / "error.schema.json").read_text())

    async def main() -> None:
        async with serve() as served:
            for name, (packed, coding, status) in WRONG.items():
                headers = await _headers(served, profile, coding)
                answer = await served.http.request(_method(profile), path, content=packed, headers=headers)
                assert (name, answer.status_code) == (name, status), answer.text
                Draft202012Validator(schema).validate(answer.json())
                assert ("Accept-Encoding" in answer.headers) is (status == 415)

    asyncio.run(main())


def test_the_control_interface_refuses_it_too(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            for name, (packed, coding, status) in WRONG.items():
                headers = {"Content-Encoding": coding}
                answer = await served.http.post("/ghostly/_conformance", content=packed, headers=headers)
                assert (name, answer.status_code, list(answer.json())) == (name, status, ["error"])

    asyncio.run(main())


def test_what_inflates_takes_no_more_memory_than_its_bound(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            headers = {"Content-Encoding": "gzip"}
            sent = [served.http.post("/ghostly/v1/auth/login", content=INFLATES, headers=headers) for _ in range(5)]
            assert [answer.status_code for answer in await asyncio.gather(*sent)] == [413] * 5
            grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
            # Each of them as it came, twice, and its bound: in fact one is inflated at a time.
            assert grown_kib * 1024 < 5 * (2 * len(INFLATES) + MAX_INFLATED_BYTES)

    asyncio.run(main())
