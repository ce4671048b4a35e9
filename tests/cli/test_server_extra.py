"""Where only the suite is installed: what needs the reference server is wrong usage, and names the extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamvet import reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from .commands import Ended


@pytest.mark.parametrize("words", [["serve"], ["run", "--reference"], ["prove"], ["list", "faults"]], ids=" ".join)
def test_the_extra_is_named(words: list[str], streamvet: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "find_spec", lambda name: None if name in {"aiohttp", "jwt"} else object())

    done = streamvet(*words)

    assert done.code == 2
    assert "pip install 'streamvet[server]'; not installed: aiohttp, jwt" in done.err


def test_what_does_not_need_it_goes_on_without_it(
    streamvet: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "find_spec", lambda _name: None)

    done = streamvet("explain", "TRN-01")

    assert done.code == 0
    assert "TRN-01" in done.out
