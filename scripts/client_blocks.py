"""What the docs print about clients: the requirements, the vectors, and the matrix of the last `make clients`.

Must not know how a client is run, nor where a block stands.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schema_table import code, table
from streamvet.clients.vectors import FRAMINGS, Requirement, Vector, requirements, vectors
from streamvet.contract.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MATRIX = Path(__file__).resolve().parents[1] / "examples" / "clients" / "matrix.json"
_FRAMING = {"sse": "Server-Sent Events", "ndjson": "NDJSON", "any": "both"}
# "": the vector is newer than the run.
_MARKS = {"PASS": "·", "FAIL": "✗", "WARN": "!", "INCONCLUSIVE": "?", "NOT_APPLICABLE": "", "": "-"}


def owed() -> list[str]:
    """Each requirement of a client, with its vectors."""
    lines: list[str] = []
    for row in requirements().values():
        lines += [f"### {row.id}", "", f"**{row.level}** {row.text}", ""]
        facts = {
            "Applies to": _FRAMING[row.framing],
            "Needs": ", ".join(sorted(row.needs)),
            "Rests on": _basis(row),
            "Why": row.why,
            "Vectors": ", ".join(code(one.id) for one in vectors() if one.requirement == row.id),
        }
        lines += [*(f"- *{name}:* {value}{_stop(value)}" for name, value in facts.items() if value), ""]
    return lines[:-1]


def _stop(text: str) -> str:
    return "" if text.endswith((".", "`")) else "."


def _basis(row: Requirement) -> str:
    if "standard" in row.basis:
        return f"{row.basis['standard']}: {row.basis['sentence']}"
    if "specification" in row.basis:
        page = row.basis["specification"].removeprefix("docs/spec/")
        return f"this specification, [{page.removesuffix('.md')}]({page})"
    return f"the published document, {statement(row.basis['document'])}"


def counted() -> list[str]:
    """How many vectors there are."""
    counts = Counter(one.framing for one in vectors())
    said = " and ".join(f"{counts[one]} of {_FRAMING[one]}" for one in FRAMINGS)
    return [f"There are {len(vectors())} vectors, {said}."]


def matrix() -> list[str]:
    """The clients with their versions, the requirements, then each vector."""
    rows = json.loads(MATRIX.read_text(encoding="utf-8"))["clients"]
    lines = [
        *table(["Client", "Version", "Of", "Without", "Vectors that hold", "fail"], [_client(one) for one in rows]),
        "",
    ]
    for framing in FRAMINGS:
        own = [one for one in rows if one["framing"] == framing]
        lines += [f"### Requirements: {_FRAMING[framing]}", "", *_requirements(own, framing), ""]
        lines += [f"### Vectors: {_FRAMING[framing]}", "", *_vectors(own, framing), ""]
    return [*lines, *_cells(rows)]


def _client(one: Mapping[str, Any]) -> list[str]:
    counts = Counter(cell["verdict"] for cell in one["vectors"].values())
    tried = counts["PASS"] + counts["FAIL"] + counts["WARN"]
    bad = counts["FAIL"] + counts["WARN"]
    return [
        one["title"],
        one["version"],
        one["from"],
        ", ".join(one["lacks"]),
        f"{counts['PASS']} of {tried}",
        str(bad),
    ]


def _requirements(rows: Sequence[Mapping[str, Any]], framing: str) -> list[str]:
    made = []
    for row in requirements().values():
        if row.framing in (framing, "any"):
            own = [one for one in vectors() if (one.requirement, one.framing) == (row.id, framing)]
            made.append([f"[{row.id}](spec/clients.md#{row.id.lower()})", *(_share(one, own) for one in rows)])
    return table(["", *(one["name"] for one in rows)], made)


def _share(client: Mapping[str, Any], own: Sequence[Vector]) -> str:
    """How many vectors of a requirement hold, of those that the client could be tried with."""
    verdicts = [client["vectors"][one.id]["verdict"] for one in own if one.id in client["vectors"]]
    tried = [one for one in verdicts if one in ("PASS", "FAIL", "WARN")]
    held = tried.count("PASS")
    return "" if not tried else f"{held}/{len(tried)}" if held == len(tried) else f"**{held}/{len(tried)}**"


def _vectors(rows: Sequence[Mapping[str, Any]], framing: str) -> list[str]:
    made = [
        [
            code(one.id),
            one.requirement,
            *(_MARKS[client["vectors"].get(one.id, {}).get("verdict", "")] for client in rows),
        ]
        for one in vectors()
        if one.framing == framing
    ]
    return table(["Vector", "", *(one["name"] for one in rows)], made)


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first finding of each cell that is bad."""
    lines = ["### What was seen", ""]
    for client in rows:
        bad = [[code(name), cell["where"], code(cell["expected"]), code(cell["seen"])]
               for name, cell in client["vectors"].items() if "where" in cell]  # fmt: skip
        if bad:
            lines += [f"#### {client['title']} {client['version']}", ""]
            lines += [*table(["Vector", "Where", "Expected", "Seen"], bad), ""]
    return lines[:-1]
