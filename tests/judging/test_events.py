"""Events in columns: whatever is asked of them, the answer is that of a list of them."""

from __future__ import annotations

import random

import pytest

from streamvet.events import Event, Events, Shape

SHAPES = [Shape("a", ""), Shape("b", "x", valid=True), Shape(None, "")]


def some(seed: int) -> tuple[Events, list[Event]]:
    """Some events, and the same as a list."""
    dice = random.Random(seed)
    events, listed, end = Events(SHAPES), [], 0
    for at_us in range(dice.randrange(12)):
        number, start, order = dice.randrange(3), end + dice.randrange(3), dice.choice([None, 7, "text", 2**80])
        end = start + dice.randrange(1, 9)
        events.add(number, at_us, start, end, order)
        listed.append(Event(SHAPES[number], at_us, start, end, order))
    return events, listed


@pytest.mark.parametrize("seed", range(40))
def test_columns_answer_as_a_list(seed: int) -> None:
    events, listed = some(seed)
    assert (list(events), len(events), bool(events)) == (listed, len(listed), bool(listed))
    assert [events[at] for at in range(-len(listed), len(listed))] == [*listed, *listed]
    assert (events[1:], events[-2:], list(reversed(events))) == (listed[1:], listed[-2:], listed[::-1])
    assert set(events.shapes) == {event.shape for event in listed}
    assert list(events.numbered()) == [event for event in listed if event.order is not None]
    assert list(events.numbered().orders) == [event.order for event in listed if event.order is not None]
    for wanted in (lambda shape: shape.kind, lambda shape: shape.valid, lambda _: False, lambda _: True):
        assert list(events.where(wanted)) == [event for event in listed if wanted(event.shape)]
        assert list(events.places(wanted)) == [at for at, event in enumerate(listed) if wanted(event.shape)]
    for start in range(-1, 40, 3):
        assert list(events.until(start)) == [event for event in listed if event.start < start]
        assert list(events.between(start)) == [event for event in listed if event.start >= start]
        inside = [event for event in listed if start <= event.start < start + 9]
        assert list(events.between(start, start + 9)) == inside


def test_what_is_added_to_a_part_is_not_added_to_the_whole() -> None:
    events, listed = some(3)
    part = events.until(10**9)
    part.add(part.number(Shape("c", "")), 99, 100, 101)
    assert (list(events), [event.kind for event in part]) == (listed, [*(event.kind for event in listed), "c"])
    assert "c" in {shape.kind for shape in part.shapes}
    assert "c" not in {shape.kind for shape in events.shapes}


def test_past_its_end_there_is_no_event() -> None:
    events, listed = some(5)
    with pytest.raises(IndexError):
        events[len(listed)]
