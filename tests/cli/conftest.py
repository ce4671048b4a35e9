"""Commands of streamvet, called in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamvet.cli import call

from .commands import Ended

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def streamvet(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    def command(*arguments: object) -> Ended:
        code = call([str(one) for one in arguments])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return command
