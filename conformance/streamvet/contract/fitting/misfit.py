"""What a rule gives, and the few questions that several rules ask of a profile. Must not know the rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.contract.files import step

if TYPE_CHECKING:
    from streamvet.contract.profile import Operation, Profile


class Misfit(NamedTuple):
    """Where one part of a profile does not fit another one."""

    place: str
    expected: str
    got: str
    file: str = ""  # relative to the profile's folder, where it is not profile.yaml


Rule = Callable[["Profile"], Iterable[Misfit]]

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")  # in any spelling: a slip such as {runId} is to be seen


def names_in(template: Any) -> set[str]:
    """The names in braces in the texts of a template."""
    if isinstance(template, dict):
        return set[str]().union(*(names_in(one) for one in template.values()))
    if isinstance(template, list):
        return set[str]().union(*(names_in(one) for one in template))
    return set(_NAME.findall(template)) if isinstance(template, str) else set()


def request_of(operation: Operation) -> dict[str, Any]:
    """The parts of an operation in which names in braces are filled, by their keys."""
    return {"path": operation.path, "query": operation.query, "headers": operation.headers, "body": operation.body}


def place_of(operation: Operation) -> str:
    """Where profile.yaml has an operation."""
    return "/operations" + step(operation.name)
