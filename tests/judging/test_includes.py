"""Whether who resumes gets the event of its cursor again: `catchup.cursor.includes`, of a run and of a shared log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict

from .variants import rulings, variant, violated, with_body

if TYPE_CHECKING:
    from streamvet.trace import Trace

BASE = base_trace(bases()["promptfloe-cursors"])
LINES = BASE.exchanges[0].body.splitlines(keepends=True)


def including(raw: dict[str, Any]) -> None:
    """What is adopted would be no MUST."""
    del raw["adopted"]
    raw["catchup"]["cursor"]["includes"] = True


INCLUDING = variant("promptfloe", including)
EXCLUDING = variant("promptfloe", lambda raw: raw.pop("adopted"))
# The streams that were resumed after 2 events of an active run, and after 3 and after all 5 of the finished one.
AFTER = {2: 2, 3: 3, 4: 5}


def resumed(**from_: int) -> Trace:
    """The run whose reader gets the events from this number on where it has resumed, by the exchange."""
    trace = BASE
    for number, after in AFTER.items():
        name = trace.exchanges[number].id
        trace = with_body(trace, number, b"".join(LINES[from_.get(name, after) :]))
    return trace


WITH_IT = {f"x{number + 1}": after - 1 for number, after in AFTER.items()}


@pytest.mark.parametrize(("profile", "trace"), [(INCLUDING, resumed(**WITH_IT)), (EXCLUDING, resumed())])
def test_what_is_as_the_profile_says_holds(profile: object, trace: Trace) -> None:
    found = rulings("promptfloe", profile, trace)  # type: ignore[arg-type]
    assert violated(found) == {}
    assert {found[name].verdict for name in ("CAT-05", "CAT-06", "CAT-07")} == {Verdict.PASS}


@pytest.mark.parametrize("name", WITH_IT)
def test_an_event_that_should_come_again_and_does_not_is_missing(name: str) -> None:
    found = rulings("promptfloe", INCLUDING, resumed(**(WITH_IT | {name: WITH_IT[name] + 1})))
    assert violated(found) == {"CAT-05": Verdict.FAIL}
    assert {one.exchange for one in found["CAT-05"].findings} == {name}


@pytest.mark.parametrize("name", WITH_IT)
def test_one_that_should_not_come_again_and_does_is_found(name: str) -> None:
    found = rulings("promptfloe", EXCLUDING, resumed(**{name: WITH_IT[name]}))
    assert violated(found) == {"CAT-06": Verdict.FAIL}
    assert {one.exchange for one in found["CAT-06"].findings} == {name}


@pytest.mark.parametrize("name", WITH_IT)
def test_what_is_before_the_one_of_the_cursor_comes_in_no_case(name: str) -> None:
    found = rulings("promptfloe", INCLUDING, resumed(**(WITH_IT | {name: WITH_IT[name] - 1})))
    assert violated(found) == {"CAT-06": Verdict.FAIL}
    assert {one.exchange for one in found["CAT-06"].findings} == {name}
