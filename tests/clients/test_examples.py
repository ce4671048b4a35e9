"""The adapters of published clients: each row has its file and its pinned package, and the matrix is of these vectors.

Runs none of them: `make clients` does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from streamvet.clients.vectors import FRAMINGS, NEEDS, vectors

CLIENTS = Path(__file__).resolve().parents[2] / "examples" / "clients"
ROWS: list[dict[str, Any]] = yaml.safe_load((CLIENTS / "clients.yaml").read_text(encoding="utf-8"))
LEAST_CLIENTS, LEAST_VECTORS = 8, 60
MOST_LINES = 15  # of code, without comments, docstrings and blank lines; the browser's speaks to it by itself


def test_each_row_is_an_adapter_of_a_pinned_package() -> None:
    npm = json.loads((CLIENTS / "package.json").read_text(encoding="utf-8"))["dependencies"]
    pip = dict(
        re.findall(r"^([a-z-]+)==(\S+)$", (CLIENTS / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert all(re.fullmatch(r"[0-9.]+", one) for one in npm.values())
    for row in ROWS:
        kind, _, package = row["from"].partition(" ")
        assert kind in ("browser", "node") or package in {"npm": npm, "pip": pip | {"aiohttp": ""}}[kind], row["name"]
        assert row["framing"] in FRAMINGS
        assert set(row["lacks"]) <= set(NEEDS)
        text = (CLIENTS / row["command"][1]).read_text(encoding="utf-8")
        code = re.sub(r'^""".*?"""|^//.*?$|^#.*?$', "", text, flags=re.MULTILINE | re.DOTALL)
        lines = [line for line in code.splitlines() if line.strip() and not line.startswith(("import ", "from "))]
        assert len(lines) <= MOST_LINES or kind == "browser", row["name"]


def test_the_matrix_is_of_these_clients_and_vectors() -> None:
    made = json.loads((CLIENTS / "matrix.json").read_text(encoding="utf-8"))["clients"]
    assert [one["name"] for one in made] == [
        row["name"] for row in ROWS if row["name"] in {one["name"] for one in made}
    ]
    for one in made:
        own = {vector.id for vector in vectors() if vector.framing == one["framing"]}
        assert set(one["vectors"]) <= own
        assert all(("where" in cell) == (cell["verdict"] in ("FAIL", "WARN")) for cell in one["vectors"].values())
    large = [one for one in made if len(one["vectors"]) >= LEAST_VECTORS]
    assert len(large) >= LEAST_CLIENTS
