"""Nothing that a candidate does takes the suite down: each row of the zoo. `make zoo` runs them without the tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .keeping import Zoo, perform, wrong
from .rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .rows import Row

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def zoo() -> Iterator[Zoo]:
    """The server of all rows. Each of the processes that share the tests has its own, and one row at a time."""
    with Zoo().open() as opened:
        yield opened


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_it_takes_nothing_down(row: Row, zoo: Zoo, tmp_path: Path) -> None:
    seen = perform(row, zoo, tmp_path / row.name)
    assert wrong(row, seen) == [], seen.said


def test_the_rows_are_as_the_docs_say() -> None:
    assert len(ROWS) >= 60
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert {row.code for row in ROWS} <= {0, 1, 2, 3}
    assert max(row.deadline_s for row in ROWS) <= 60
    assert max(row.memory_mib for row in ROWS) <= 300
    assert [row.name for row in ROWS if not (row.verdicts or row.says) and row.code] == []
    assert [row.name for row in ROWS if not re.fullmatch(r"[a-z0-9-]+", row.name)] == []
