"""Rules about state tables: they can be followed, they are used, and what they say of endings can be judged.

Must not know requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.contract.files import step
from streamvet.contract.fitting.misfit import Misfit
from streamvet.contract.profile import matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.contract.profile import Lifecycle, Profile


def states_are_known(profile: Profile) -> Iterable[Misfit]:
    """A table leads to its own states only."""
    for name, table in profile.lifecycles.items():
        wanted = f"one of the states {', '.join(table.states)}"
        if table.start not in table.states:
            yield Misfit(f"/lifecycles/{name}/start", wanted, repr(table.start))
        for outcome, states in table.accepts.items():
            yield from (
                Misfit(f"/lifecycles/{name}/accepts/{outcome}", wanted, repr(state))
                for state in states
                if state not in table.states
            )
        for state, row in table.states.items():
            for kind, target in row.items():
                if target not in table.states:
                    yield Misfit(f"/lifecycles/{name}/states/{state}{step(kind)}", wanted, repr(target))


def states_can_be_reached(profile: Profile) -> Iterable[Misfit]:
    """A state to which nothing leads is a slip: the row of another one lacks a way."""
    for name, table in profile.lifecycles.items():
        for state in table.states.keys() - _reached(table):
            wanted = f"a state that events reach from {table.start}"
            yield Misfit(f"/lifecycles/{name}/states/{state}", wanted, "no event that leads there")


def _reached(table: Lifecycle) -> set[str]:
    reached, left = set[str](), [table.start]
    while left:
        state = left.pop()
        if state not in reached:
            reached.add(state)
            left.extend(table.states[state].values())
    return reached


def tables_are_used(profile: Profile) -> Iterable[Misfit]:
    """A table that no operation names judges nothing."""
    used = {name for one in profile.operations.values() for name in one.raw.get("lifecycles", ())}
    for name in profile.lifecycles:
        if name not in used:
            yield Misfit(
                f"/lifecycles/{name}",
                "a table that an operation names under `lifecycles`",
                "one that no operation names",
            )


def endings_are_outcomes(profile: Profile) -> Iterable[Misfit]:
    """What a table accepts at an end is judged where a terminal event tells of that end, and by no reading of ours."""
    known = profile.terminal.outcomes if profile.terminal else {}
    for name, table in profile.lifecycles.items():
        for outcome in table.accepts:
            if outcome not in known:
                wanted = "a way of ending in terminal.outcomes"
                yield Misfit(f"/lifecycles/{name}/accepts", wanted, repr(outcome))
        if table.accepts and table.adopted:
            yield Misfit(
                f"/lifecycles/{name}/accepts", "nothing, because the table is adopted", ", ".join(table.accepts)
            )


def rows_can_be_followed(profile: Profile) -> Iterable[Misfit]:
    """What a table forbids leads nowhere, and behind a pattern no narrower one is ever looked at."""
    for name, table in profile.lifecycles.items():
        for state, row in table.states.items():
            place = f"/lifecycles/{name}/states/{state}"
            patterns = [kind for kind in row if kind.endswith("*")]
            for kind in row:
                if matches(kind.removesuffix("*"), table.forbids):
                    yield Misfit(place + step(kind), "no type that the table forbids", repr(kind))
            for number, kind in enumerate(patterns):
                if wider := [one for one in patterns[:number] if matches(kind.removesuffix("*"), (one,))]:
                    yield Misfit(
                        place + step(kind), f"a pattern before {wider[0]}, which matches all of it", "after it"
                    )


def streams_can_begin(profile: Profile) -> Iterable[Misfit]:
    """Where each stream begins with one of some events, a table that knows all of them lets it begin so."""
    first = tuple(profile.field("catchup.first.events") or ())
    for name, table in profile.lifecycles.items():
        known = first and all(not kind.endswith("*") and table.knows(kind) for kind in first)
        if known and not table.anywhere and not table.key and not any(table.step(table.start, one) for one in first):
            wanted = f"one of {', '.join(first)}, with which every stream begins"
            yield Misfit(
                f"/lifecycles/{name}/states/{table.start}", wanted, ", ".join(table.states[table.start]) or "none"
            )
