"""Nothing that a candidate does takes the suite down: each row of the zoo, several at once."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from .keeping import AT_ONCE, Seen, Zoo, perform, wrong
from .rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rows import Row

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Seen]]]:
    """The runs on those rows that are asked for, as they end."""
    folder = tmp_path_factory.mktemp("zoo")
    asked = {item.name for item in request.session.items}
    with Zoo().open() as zoo, ThreadPoolExecutor(AT_ONCE) as pool:
        yield {row.name: pool.submit(perform, row, zoo, folder / row.name) for row in ROWS if _test_of(row) in asked}
        pool.shutdown(cancel_futures=True)


def _test_of(row: Row) -> str:
    return f"test_it_takes_nothing_down[{row.name}]"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_takes_nothing_down(row: Row, runs: dict[str, Future[Seen]]) -> None:
    seen = runs[row.name].result()
    assert wrong(row, seen) == [], seen.said


def test_the_rows_are_as_the_docs_say() -> None:
    assert len(ROWS) >= 60
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert {row.code for row in ROWS} <= {0, 1, 2, 3}
    assert max(row.deadline_s for row in ROWS) <= 60
    assert max(row.memory_mib for row in ROWS) <= 300
    assert [row.name for row in ROWS if not (row.verdicts or row.says) and row.code] == []
    assert [row.name for row in ROWS if not re.fullmatch(r"[a-z0-9-]+", row.name)] == []
