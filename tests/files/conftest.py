"""A profile's folder of the tests' own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

BUILDS = Path(__file__).resolve().parents[1] / "candidates" / "builds"


@pytest.fixture
def builds(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUILDS, tmp_path / "own"))
