"""Where the site has what a report refers to.

The base is that of the schemas' `$id`, which is set in one place. Must not know what a requirement says.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from streamvet.contract.files import read_json, schemas_folder

if TYPE_CHECKING:
    from streamvet.contract.requirement import Requirement


@cache
def _base() -> str:
    found = read_json(schemas_folder() / "meta" / "requirements.schema.json")["$id"]
    return str(found).partition("/schemas/")[0]


def address(row: Requirement) -> str:
    """The short link of a requirement of the suite; "" for one of an own folder, which the site does not have."""
    return "" if row.command else f"{_base()}/r/{row.id}"
