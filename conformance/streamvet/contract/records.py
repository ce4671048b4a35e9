"""The records of a trace file, each held to its schema in `meta/trace.schema.json`.

jsonschema-rs decides, as a trace may have a hundred thousand of them; jsonschema explains what it refuses. Must not
know how records make a trace.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FORMATS, mismatch, read_json, schemas_folder
from streamvet.contract.patterns import Explainer, decider_of
from streamvet.contract.values import flaw_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    import jsonschema_rs
    from jsonschema import Draft202012Validator

_SHAPES = {
    "trace": "TraceHeader", "exchange": "ExchangeRecord", "head": "HeadRecord", "chunk": "ChunkRecord",
    "end": "EndRecord",
}  # fmt: skip


def wrong_in(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """What was expected and what was got, where a record is not one of its kind; None where it is.

    Its kind is known: what else a record may be is told by who reads the file.
    """
    kind = record["record"]
    try:
        if _decider(kind).is_valid(record):
            return None
    except ValueError:  # a lone surrogate: no text for jsonschema-rs, but in JSON it can stand
        pass
    found = mismatch(_explainer(kind), record) or flaw_in(record, nul=True)
    if found is None:
        return None
    place, expected, got = found
    return f"a record of {kind} with {expected} at {place or 'its top'}", got


@cache
def _schema(kind: str) -> dict[str, Any]:
    """The schema of one kind alone: of a union nobody could say what was meant."""
    whole = read_json(schemas_folder() / "meta" / "trace.schema.json")
    return {"$ref": f"#/$defs/{_SHAPES[kind]}", "$defs": whole["$defs"]}


@cache
def _decider(kind: str) -> jsonschema_rs.Draft202012Validator:
    return decider_of(_schema(kind))


@cache
def _explainer(kind: str) -> Draft202012Validator:
    return Explainer(_schema(kind), format_checker=FORMATS)
