"""What the docs print of the last `make peers`: each real server, the counts of its verdicts, and what was found.

Must not know how a server is run, nor where a block stands.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from real_servers import RESULTS, peers
from requirement_blocks import link
from schema_table import cell, code, table
from streamvet.contract.folders import known_protocols
from streamvet.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VERDICTS = ["PASS", "FAIL", "WARN", "NOTE", "INCONCLUSIVE"]
_HEADS = ["Server", "Version", "Protocol", "Behind it", "Evidence", *_VERDICTS]


def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def real_servers() -> list[str]:
    """A row for each server and protocol."""
    results = _results()
    rows = [
        [row["title"], result["version"], code(run["protocol"]), row.get("mocked", ""), run["evidence"],
         *(str(run["counts"].get(verdict, "")) for verdict in _VERDICTS)]
        for row in peers() if (result := results.get(row["name"]))
        for run in result["runs"]
    ]  # fmt: skip
    tried = {run["protocol"] for result in results.values() for run in result["runs"]}
    untried = [code(one) for one in known_protocols() if one not in tried]
    return [*table(_HEADS, rows), *(["", f"No server was run for {', '.join(untried)}."] if untried else [])]


def real_findings() -> list[str]:
    """What was found on each server, and how it was seen by hand."""
    results = _results()
    lines: list[str] = []
    for row in peers():
        runs = results.get(row["name"], {"runs": []})["runs"]
        found = [made for run in runs for made in _rows(run, row)]
        if found:
            lines += [f"### {row['title']} {results[row['name']]['version']}", ""]
            lines += [*table(["Protocol", "", "", "Expected", "Seen", "By hand"], found), ""]
    return lines[:-1] or ["Nothing."]


def _rows(run: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[list[str]]:
    confirmed = row.get("confirmed", {}).get(run["protocol"], {})
    for one in run["findings"]:
        by_hand = " ".join(confirmed.get(one["id"], "").split())
        seen = [code(run["protocol"]), link(one["id"]).replace("](", "](spec/"), one["verdict"]]
        seen += [code(printable(one["expected"])), code(printable(one["seen"]))]
        yield [*seen, cell(by_hand)]
