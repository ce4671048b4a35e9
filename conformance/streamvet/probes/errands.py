"""Requests that the target file asks for, of which no profile knows: how each is sent, and whether it is done.

Must not know what they are for.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import Operation
from streamvet.probes.credentials import filled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.probes.sender import Sender
    from streamvet.recorder import Live


def unique(row: Any) -> Any:
    """A row of the target file with a value for `{unique}` that nobody has had before."""
    return filled(row, {"unique": uuid.uuid4().hex})


async def run(sender: Sender, name: str, role: str, row: Mapping[str, Any], answer_s: float) -> Live:
    """Make a request, as the first account; it has ended."""
    headers = dict(row.get("headers", {}))
    if "text" in row:
        headers = {"Content-Type": "text/plain; charset=utf-8", **headers}
    operation = Operation(
        name=name, method=row["method"], path=row["path"], status=(), query={}, headers=headers, body=None,
        streams=False, optional=False, form=False, bearer=False, schema=None, raw={},
    )  # fmt: skip
    text = row["text"] if "text" in row else json.dumps(row["json"], ensure_ascii=False) if "json" in row else None
    live = await sender.send(operation, role, {}, body=None if text is None else text.encode())
    await live.ended(answer_s)
    return live


def wrong(row: Mapping[str, Any], live: Live) -> str:
    """Why a request is not done, "" where it is."""
    head = live.head_now
    if head is None:
        return f"{row['path']} is not answered"
    done = head.status in row["status"] if "status" in row else 200 <= head.status < 300
    return "" if done else f"{row['method']} {row['path']} is answered {head.status}"
