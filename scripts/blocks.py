"""Every kind of block that the docs print, by the name in its marker.

Must not know where a block stands, nor write files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bench_blocks
import client_blocks
import fault_blocks
import flake_blocks
import generation_blocks
import interop_blocks
import limit_blocks
import lookup_blocks
import mode_blocks
import peer_blocks
import probe_blocks
import profile_blocks
import reference_blocks
import requirement_blocks
import violation_blocks
import zoo_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def include(path: str, heading: str) -> list[str]:
    """A section of another Markdown file of the repository, without its heading."""
    lines = (Path(__file__).resolve().parents[1] / path).read_text(encoding="utf-8").splitlines()
    begin = lines.index(f"## {heading.replace('-', ' ')}") + 1
    end = next((at for at in range(begin, len(lines)) if lines[at].startswith("## ")), len(lines))
    return "\n".join(lines[begin:end]).strip().splitlines()


BLOCKS: Mapping[str, Callable[..., list[str]]] = {
    "requirements": requirement_blocks.requirements,
    "families": requirement_blocks.families,
    "revision": requirement_blocks.revision,
    "coverage": requirement_blocks.coverage,
    "levels": requirement_blocks.levels,
    "without_bytes": violation_blocks.without_bytes,
    "index": lookup_blocks.index,
    "retired": lookup_blocks.retired_ids,
    "readings": lookup_blocks.readings,
    "parameters": profile_blocks.parameters,
    "compare": profile_blocks.compare,
    "operations": profile_blocks.operations,
    "refusals": profile_blocks.refusals,
    "events": profile_blocks.events,
    "types": profile_blocks.types,
    "schema": profile_blocks.schema,
    "definition": profile_blocks.definition,
    "payloads": profile_blocks.payloads,
    "members": profile_blocks.members,
    "lifecycle": profile_blocks.lifecycle,
    "probes": probe_blocks.probes,
    "hunted": generation_blocks.hunted,
    "kill-matrix": fault_blocks.kill_matrix,
    "killed": fault_blocks.killed,
    "zoo": zoo_blocks.zoo,
    "reference": reference_blocks.reference,
    "interop": interop_blocks.interop,
    "nasty": mode_blocks.nasty,
    "real-servers": peer_blocks.real_servers,
    "real-findings": peer_blocks.real_findings,
    "owed": client_blocks.owed,
    "counted": client_blocks.counted,
    "matrix": client_blocks.matrix,
    "flake": flake_blocks.flake,
    "limits": limit_blocks.limits,
    "bench-ratios": bench_blocks.ratios,
    "bench-limits": bench_blocks.limits,
    "bench-facts": bench_blocks.facts,
    "include": include,
}
