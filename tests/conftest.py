"""What holds for the tests of every room."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the `long` tests unless `-m` speaks of them.

    Deselected, not skipped: pytest counts them apart, and nobody reads them as passed.
    """
    if "long" in str(config.option.markexpr):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
