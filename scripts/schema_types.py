"""The types of a system, by their titles, as the languages that have named types need them.

Events in each reading, requests and answers. Must not know a language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schema_files import add, bundle, readings, referred
from schema_union import Schema, UnionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.profile import Profile

BODIES = ("requests/", "responses/")


def types_of(profile: Profile) -> dict[str, Schema]:
    """Every named type of a system, each behind those that it refers to.

    Raises:
        UnionError: where a title means two things.
    """
    named: dict[str, Schema] = {}
    for reading in readings(profile):
        made = bundle(profile, reading)
        for one in (*made.definitions.values(), made.root):
            if named.setdefault(one["title"], one) != one:
                raise UnionError(f"{profile.name}: expected {one['title']} to mean one thing")
    for file, schema in profile.schemas.all().items():
        if file.startswith(BODIES):
            add(named, schema, file)
    return _in_order(named)


def _in_order(named: Mapping[str, Schema]) -> dict[str, Schema]:
    """The same types, each behind those that it refers to."""
    found: dict[str, Schema] = {}

    def put(title: str) -> None:
        if title not in found:
            for other in referred(named[title]):
                put(other)
            found[title] = named[title]

    for title in named:
        put(title)
    return found
