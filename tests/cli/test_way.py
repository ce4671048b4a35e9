"""The options that say how a server is reached: `check` and `init --observe` go that way, and the target says it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.recorder import certificates
from tests.recorder.servers import LAST_CHUNK, SSE_HEAD, chunk, sends, standing

from streamvet.cli.way import Way
from streamvet.contract.route import DIRECT, Route, Tls
from streamvet.contract.target import load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .commands import Ended

ANSWER = sends(SSE_HEAD, *(chunk(b'event: tick\ndata: {"n": %d}\n\n' % number) for number in range(4)), LAST_CHUNK)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with certificates, whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="sv") as name:
        certificates.make(Path(name))
        yield Path(name)


def test_tls_with_a_certificate_of_ones_own(folder: Path, streamvet: Callable[..., Ended]) -> None:
    given = ["--cacert", folder / "ca.pem", "--cert", folder / "client.pem", "--key", folder / "client.key"]
    with standing(ANSWER, tls=certificates.served(folder, wants_client=True)) as base:
        url = f"{base}/events"
        ended = streamvet("check", url, *given)
        drafted = streamvet("init", "--observe", url, *given, "--out", folder / "made")
        assert streamvet("check", url).code == 3
        assert streamvet("check", url, "--insecure", *given[2:]).code == 0
    assert ended.code == 0, ended.err
    assert f"--observe {url} {' '.join(map(str, given))}" in ended.out
    assert drafted.code == 0, drafted.err
    target, _ = load_target(folder / "made" / "target.yaml")
    tls = Tls(target.file, folder / "ca.pem", folder / "client.pem", folder / "client.key", True)
    assert target.route == Route(tls=tls)


def test_a_socket(folder: Path, streamvet: Callable[..., Ended]) -> None:
    with standing(ANSWER, socket_file=folder / "s"):
        ended = streamvet("check", "http://localhost/events", "--socket", folder / "s")
        drafted = streamvet(
            "init", "--observe", "http://localhost/x", "--socket", folder / "s", "--out", folder / "made"
        )
    assert (ended.code, drafted.code) == (0, 0), ended.err + drafted.err
    target, _ = load_target(folder / "made" / "target.yaml")
    assert target.route == Route(socket=folder / "s")


def test_what_options_say_is_what_a_target_says() -> None:
    way = Way({"--proxy": "http://me:s3cret@127.0.0.1:3128", "--http2": True})
    assert way.route("https://x") == Route(proxy="http://me:s3cret@127.0.0.1:3128", http2=True)
    assert way.words == ["--proxy", "http://me:***@127.0.0.1:3128", "--http2"]
    assert way.placed == {"proxy": "http://me:${PROXY_PASSWORD}@127.0.0.1:3128", "http2": True}
    assert Way().route("http://x") == DIRECT


def test_a_proxy_is_asked(streamvet: Callable[..., Ended]) -> None:
    """Nobody but the proxy knows the host, and it gives a stream in place of a tunnel: the request went there."""
    with standing(ANSWER) as base:
        ended = streamvet("check", "https://nobody.invalid/events", "--proxy", base, "--seconds", "2")
    assert ended.code == 3
    assert "nobody.invalid" in ended.err
    assert "name or service" not in ended.err.lower()


@pytest.mark.parametrize(
    ("url", "given", "said"),
    [
        ("https://x/", ["--cacert", "none.pem"], "--cacert: the value: expected an existing file, got 'none.pem'"),
        ("https://x/", ["--key", __file__], "--key: the value: expected"),
        ("https://x/", ["--cert", __file__], "--cert: the value: expected a certificate in PEM"),
        ("https://x/", ["--cacert", __file__], "--cacert: the value: expected certificates in PEM"),
        ("https://x/", ["--cacert", __file__, "--insecure"], "--cacert: the value: expected the trusted"),
        ("http://x/", ["--insecure"], "--insecure: the value: expected a base_url with https://"),
        ("http://x/", ["--proxy", "socks://y"], "--proxy: the value: expected a match of"),
        ("http://x/", ["--proxy", "http://y:0"], "--proxy: the value: expected http:// or https://"),
        ("http://x/", ["--proxy", "http://y", "--socket", "z"], "--socket: the value: expected a socket or a proxy"),
        ("http://x/", ["--proxy", "http://y", "--http2"], "--http2: the value: expected a base_url with https://"),
        ("http://x/", ["--socket", ""], "--socket: the value: expected a text that is not empty"),
    ],
)
@pytest.mark.parametrize("command", [["check"], ["init", "--observe"]], ids=lambda words: words[0])
def test_a_way_that_nobody_can_go(
    command: list[str], url: str, given: list[str], said: str, streamvet: Callable[..., Ended]
) -> None:
    ended = streamvet(*command, url, *given)
    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())
