"""What the docs print to look things up: the index of requirements, retired ids, the adopted readings of a system.

Must not know where a block stands, nor write files. Links are relative to `docs/spec/`.
"""

from __future__ import annotations

from requirement_blocks import link
from schema_table import cell, table
from stability import retired
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.contract.statements import statements


def index() -> list[str]:
    """Every requirement by id, the retired ones at the end."""
    rows = [[link(row.id), row.level, cell(row.text)] for row in load_registry().rows.values()]
    rows += [[name, "retired", cell(f"See {row['successor'] or 'no other id'}.")] for name, row in retired().items()]
    return table(["Id", "Level", "Requirement"], rows)


def retired_ids() -> list[str]:
    """The ids that are used no more, with their successors and the reasons."""
    rows = []
    for name, row in retired().items():
        successor = link(row["successor"]) if row["successor"] in load_registry().rows else row["successor"] or "none"
        rows.append([name, str(row["since"]), successor, cell(row["reason"])])
    return table(["Id", "Since revision", "Successor", "Reason"], rows)


def readings(profile: str) -> list[str]:
    """What the published document of a system says and what is an adopted reading: counts, levels, each reading."""
    name, lines = next((name, lines) for name, (system, lines) in statements().items() if system == profile)
    rows = []
    for number, line in enumerate(lines, start=1):
        if line.basis != "adopted" and not line.adopted:
            continue
        covering = [row for row in load_registry().rows.values() if f"{name}-{number}" in row.covers]
        whole = line.basis == "adopted"
        said = (line.note or "says nothing") if whole else "says the rest"
        adopted = f"all of it, from {line.source}" if whole else line.adopted
        ids = ", ".join(link(row.id) for row in covering)
        rows.append([cell(line.text), cell(said), cell(adopted), ids])
    published = sum(line.basis != "adopted" for line in lines)
    lowered = [[link(one), cell(why)] for one, why in load_profile(profile).adopted.items()]
    counts = f"Of {len(lines)} statements about {profile}, {published} rest on its published document."
    return [
        f"{counts} These are adopted readings, wholly or in part:",
        "",
        *table(["Statement", "The document", "Adopted", "Requirements"], rows),
        "",
        "These MUSTs rest on adopted readings. On this profile they are SHOULDs:",
        "",
        *table(["Requirement", "What the document leaves open"], lowered),
    ]
