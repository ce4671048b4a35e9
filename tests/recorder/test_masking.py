"""No secret gets into a trace, whatever way it was sent or came back, and no byte changes its place."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote_plus

import pytest

from streamvet.recorder import Ask, Secrets
from streamvet.trace import Trace, dump, load

from .servers import LAST_CHUNK, SOON_S, SSE_HEAD, chunk, recording, sends, serving

SECRET = 'päss "word"/1+2&3'
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl-_x"


def secrets() -> Secrets:
    known = Secrets()
    known.add(SECRET, TOKEN, "demo")
    return known


SPELLINGS = {
    "as it stands": TOKEN,
    "in a URL": quote_plus(SECRET),
    "in JSON": json.dumps(SECRET),
    "in JSON with its own characters": json.dumps(SECRET, ensure_ascii=False),
    "twice": f"{TOKEN},{TOKEN}",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_masked(name: str) -> None:
    text = f"before {SPELLINGS[name]} after"
    masked = secrets().mask(text.encode())
    assert len(masked) == len(text.encode())
    assert masked.startswith(b"before ")
    assert masked.endswith(b" after")
    assert not any(part in masked for part in (b"word", b"eyJ", b"c2ln"))


def test_shape_is_kept() -> None:
    assert secrets().mask(TOKEN.encode()) == b"xxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxx.xxxxxxxxxxxx-_x"


def test_a_short_secret_is_masked_only_where_we_sent_it() -> None:
    assert secrets().mask(b'{"project":"demo"}') == b'{"project":"demo"}'
    assert secrets().mask(b'{"password":"demo","user":"demon"}', ours=True) == b'{"password":"xxxx","user":"demon"}'


def test_a_text_that_is_a_secret_and_nothing_else_is_masked() -> None:
    """No text is too short to be searched that is as long as the shortest secret."""
    known = Secrets()
    known.add("abcdefgh", "demo")
    assert known.mask(b"abcdefgh") == b"xxxxxxxx"
    assert known.mask(b"demo", ours=True) == b"xxxx"
    assert known.mask(b"dem", ours=True) == b"dem"
    assert known.mask_value({"abcdefgh": ["abcdefgh", "abcdefg", 5]}) == {"xxxxxxxx": ["xxxxxxxx", "abcdefg", 5]}


def test_empty_secrets_are_none() -> None:
    known = Secrets()
    known.add("", "")
    assert known.mask(b"anything", ours=True) == b"anything"


def test_a_secret_inside_another_one() -> None:
    known = Secrets()
    known.add("abcdefgh", "abcdefgh.ijklmnop")
    assert known.mask(b"abcdefgh.ijklmnop abcdefgh") == b"xxxxxxxx.xxxxxxxx xxxxxxxx"


def test_large_bodies_are_searched_as_a_whole() -> None:
    async def scenario(body: bytes) -> bytes:
        return await secrets().masked(bytearray(body))

    filler = b"." * (128 * 1024 - 10)  # the secret lies across the pieces of the search
    masked = asyncio.run(scenario(filler + TOKEN.encode() + filler))
    assert b"eyJ" not in masked
    assert len(masked) == 2 * len(filler) + len(TOKEN)
    assert asyncio.run(scenario(filler * 3)) == filler * 3


def test_nothing_secret_is_in_a_trace() -> None:
    async def scenario() -> str:
        told = f"data: {TOKEN}\n\n".encode()
        pieces = [SSE_HEAD.replace(b"\r\n\r\n", b"\r\nX-Token: %s\r\n\r\n" % TOKEN.encode())]
        pieces += [chunk(told[i : i + 7]) for i in range(0, len(told), 7)]
        async with serving(sends(*pieces, LAST_CHUNK)) as url, recording(secrets=secrets()) as tape:
            ask = Ask(
                "attach",
                "reader",
                "POST",
                f"{url}/?token={TOKEN}",
                (("Authorization", f"Bearer {TOKEN}"), ("Cookie", "a=demo")),
                json.dumps({"password": SECRET}).encode(),
                {"cursor": TOKEN},
            )
            await tape.send(ask).ended(SOON_S)
            exchanges = await tape.exchanges()
        trace = Trace("p", {}, exchanges, "ghostly", "0" * 64, 1)
        text = "".join(dump(trace))
        (again,) = load(text.splitlines(keepends=True), "test").exchanges
        assert again.body == exchanges[0].body
        assert len(again.body) == len(told)
        return text

    text = asyncio.run(scenario())
    assert not any(part in text for part in ("1+2", "eyJ", "c2ln", "a=demo"))
    assert "Bearer xxxx" in text
