"""The events of a stream, in columns: a million of them take 40 MB, where as objects they would take 170.

What many events have in common is a shape, so that a question about types, schemas or problems is asked once for each
shape. Must not know how bytes become events, nor what is right or wrong.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import compress, count
from typing import TYPE_CHECKING, Any, NamedTuple, overload

if TYPE_CHECKING:
    from streamvet.framing.json_text import Problem


class Shape(NamedTuple):
    """What many events of a stream have in common."""

    kind: str | None  # the type by the profile, None where the data does not say
    name: str  # the SSE event field
    keys: tuple[Any, ...] = ()  # the values at `key_pointers`, in their order
    valid: bool | None = None  # against the schema of its type; None where none is known, or it is not JSON
    problems: tuple[Problem, ...] = ()  # of its JSON
    parsed: bool = False  # whether its data is JSON
    adopted: bool | None = None  # against the schema of its adopted readings; None without these, or if not `valid`
    # The number of the first of LEVELS at which it cannot be read, and the id that it violates; 0 where it can.
    hidden_from: int = 0
    violates: str = ""


class Event(NamedTuple):
    """One event of a stream, without its value; or bytes that become none, in `Reading.unread`."""

    shape: Shape
    at_us: int  # arrival of its last byte
    start: int
    end: int
    # Its number; of several sequences a tuple with the number in each, None where it has none. See `decode.numbered`.
    order: Any = None

    @property
    def kind(self) -> str | None:
        """See `Shape`."""
        return self.shape.kind

    @property
    def name(self) -> str:
        """See `Shape`."""
        return self.shape.name

    @property
    def keys(self) -> tuple[Any, ...]:
        """See `Shape`."""
        return self.shape.keys

    @property
    def valid(self) -> bool | None:
        """See `Shape`."""
        return self.shape.valid

    @property
    def problems(self) -> tuple[Problem, ...]:
        """See `Shape`."""
        return self.shape.problems

    @property
    def parsed(self) -> bool:
        """See `Shape`."""
        return self.shape.parsed

    @property
    def adopted(self) -> bool | None:
        """See `Shape`."""
        return self.shape.adopted

    @property
    def violates(self) -> str:
        """See `Shape`."""
        return self.shape.violates


_event: Callable[[Iterable[Any]], Event] = partial(tuple.__new__, Event)  # without the detour over Event()


class Events(Sequence[Event]):
    """Events in the order of their bytes; each is made when it is asked for. A slice is a list."""

    __slots__ = ("_at", "_ends", "_orders", "_present", "_shapes", "_starts", "_which")

    def __init__(self, shapes: list[Shape]) -> None:
        self._shapes = shapes  # of the whole stream, shared by all its events
        self._which, self._at, self._starts, self._ends = array("I"), array("q"), array("q"), array("q")
        self._orders: list[Any] = []
        self._present: tuple[int, frozenset[int]] = (0, frozenset())  # the shapes that there are among so many events

    def add(self, shape: int, at_us: int, start: int, end: int, order: Any = None) -> None:
        """Add the next event, whose shape has this number."""
        self._which.append(shape)
        self._at.append(at_us)
        self._starts.append(start)
        self._ends.append(end)
        self._orders.append(order)

    def number(self, shape: Shape) -> int:
        """The number of a shape that no other event has."""
        self._shapes.append(shape)
        return len(self._shapes) - 1

    def __len__(self) -> int:
        return len(self._which)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        shape = self._shapes[self._which[index]]
        return Event(shape, self._at[index], self._starts[index], self._ends[index], self._orders[index])

    def __iter__(self) -> Iterator[Event]:
        shapes = map(self._shapes.__getitem__, self._which)
        return map(_event, zip(shapes, self._at, self._starts, self._ends, self._orders, strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Events) and len(self) == len(other) and all(map(Event.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]  # it grows

    @property
    def shapes(self) -> list[Shape]:
        """The different shapes of its events."""
        return [self._shapes[number] for number in sorted(self._there())]

    @property
    def orders(self) -> Sequence[Any]:
        """The order of each event."""
        return self._orders

    def where(self, wanted: Callable[[Shape], object]) -> Events:
        """The events whose shape is wanted."""
        numbers = self._numbers(wanted)
        if len(numbers) == len(self._present[1]):
            return self
        return self._those(bytes(map(numbers.__contains__, self._which)) if numbers else b"")

    def places(self, wanted: Callable[[Shape], object]) -> Iterator[int]:
        """The places in the sequence of those events."""
        numbers = self._numbers(wanted)
        return compress(count(), map(numbers.__contains__, self._which)) if numbers else iter(())

    def _numbers(self, wanted: Callable[[Shape], object]) -> set[int]:
        return {number for number in self._there() if wanted(self._shapes[number])}

    def _there(self) -> frozenset[int]:
        """The numbers of the shapes of its events."""
        if self._present[0] != len(self):
            self._present = len(self), frozenset(self._which)
        return self._present[1]

    def numbered(self) -> Events:
        """The events that have an order."""
        if None not in self._orders:
            return self
        return self._those(bytes(order is not None for order in self._orders))

    def between(self, start: int, end: int | None = None) -> Iterator[Event]:
        """The events that begin in `[start, end)`, an end of None being that of the body."""
        first = bisect_left(self._starts, start)
        last = len(self) if end is None else bisect_left(self._starts, end, first)
        return map(self.__getitem__, range(first, last))

    def until(self, offset: int) -> Events:
        """The events that begin before an offset; others may be added to them."""
        return self._those(b"\1" * bisect_left(self._starts, offset))

    def _those(self, chosen: bytes) -> Events:
        found = Events(self._shapes)
        found._which = array("I", compress(self._which, chosen))
        found._at = array("q", compress(self._at, chosen))
        found._starts = array("q", compress(self._starts, chosen))
        found._ends = array("q", compress(self._ends, chosen))
        found._orders = list(compress(self._orders, chosen))
        return found
