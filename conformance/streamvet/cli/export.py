"""`streamvet export-traces`: the example traces as files, for who writes a client or a checker of another language.

Must not know any check, nor what is wrong with a trace: the rows say which requirement each one violates.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamvet.cli.console import say
from streamvet.contract.files import FileError
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.examples import all_examples, base_trace, bases
from streamvet.trace.writing import dump

if TYPE_CHECKING:
    from streamvet.trace import Trace

INDEX = "index.json"
TRACE = "recording.trace.ndjson"


def export_traces(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to write to; created if it does not exist.")
    ],
) -> None:
    """Write all example traces to a folder.

    Each trace has a folder with its file and the body of each stream. `index.json` has a row for each trace, with the
    id of the requirement that it violates; a good trace violates none.
    """
    framings = {name: load_profile(name).framing for name in builtin_profiles()}
    rows: list[dict[str, Any]] = []
    for name, path in bases().items():
        trace = base_trace(path)
        rows.append({"id": None, "base": name, **_written(folder, f"good/{name}", trace, framings[trace.profile])})
    places: Counter[str] = Counter()
    for one in all_examples():
        places[f"{one.requirement}/{one.base}"] += 1
        place = f"{one.requirement}/{one.base}-{places[f'{one.requirement}/{one.base}']}"
        said = {"id": None if one.holds else one.requirement, "base": one.base, "near": one.requirement}
        told = {"note": one.note, "edit": list(one.edit)}
        rows.append({**said, **told, **_written(folder, place, one.bad, framings[one.bad.profile])})
    _write(folder / INDEX, (json.dumps(rows, indent=1, ensure_ascii=False) + "\n").encode())
    say(f"wrote {len(rows)} traces and {INDEX} to {folder}")


def _written(folder: Path, place: str, trace: Trace, framing: str) -> dict[str, Any]:
    """Write one trace; gives what the index says of its files."""
    _write(folder / place / TRACE, "".join(dump(trace)).encode())
    bodies = {}
    for exchange in trace.exchanges:
        if exchange.body and exchange.about.get("meant") == "stream":
            bodies[exchange.id] = f"{place}/{exchange.id}.{framing}"
            _write(folder / bodies[exchange.id], bytes(exchange.body))
    return {"profile": trace.profile, "framing": framing, "trace": f"{place}/{TRACE}", "bodies": bodies}


def _write(path: Path, octets: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    except OSError as error:
        raise FileError("export-traces", str(path), "a file that can be written", str(error.strerror)) from error
