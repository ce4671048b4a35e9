"""A state table as a picture: SVG text, the same for the same table.

Each state is a box; the events that may come in it are the rows beside the box. A row's line runs to the rail of the
state to which the event leads, and that rail ends in an arrow at the state's name. Must not know what the states mean.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

ROW = 22  # px: a line of text with room above and below
GAP = 14  # px: between two states
CHAR = 7.3  # px: a character of 12 px monospace, rounded up
RAIL = 16  # px: between two rails
PAD = 12
INK, LINE, FILL, MUTED = "#1f2933", "#52606d", "#e4ecf7", "#7b8794"


class _Row(NamedTuple):
    """The events that lead from one state to another, as one line of text."""

    label: str
    target: str


class _Box(NamedTuple):
    name: str
    y: int
    rows: list[_Row]

    @property
    def height(self) -> int:
        return ROW * (1 + len(self.rows))


def _rows(row: Mapping[str, str]) -> list[_Row]:
    """The rows of a state: events with the same target together, in the order of the table."""
    targets = dict.fromkeys(row.values())
    grouped = {target: [kind for kind, to in row.items() if to == target] for target in targets}
    return [
        _Row(", ".join(part), target)
        for target, kinds in grouped.items()
        for part in (kinds[at : at + 3] for at in range(0, len(kinds), 3))
    ]


def _boxes(states: Mapping[str, Mapping[str, str]]) -> list[_Box]:
    boxes: list[_Box] = []
    y = PAD
    for name, row in states.items():
        boxes.append(_Box(name, y, _rows(row)))
        y += boxes[-1].height + GAP
    return boxes


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}"{attributes}>{escape(text)}</text>'


def _path(points: str, attributes: str = "") -> str:
    return f'<path d="{points}"{attributes}/>'


def svg(title: str, begins: Collection[str], states: Mapping[str, Mapping[str, str]]) -> str:
    """The picture of one state table. The states in which it may begin have a thick border."""
    boxes = _boxes(states)
    box_width = int(max(len(name) for name in states) * CHAR) + 2 * PAD
    labels_x = PAD + box_width + PAD
    longest = max((len(row.label) for box in boxes for row in box.rows), default=0)
    rails_x = labels_x + int(longest * CHAR) + 2 * PAD
    led_to = {row.target for box in boxes for row in box.rows if row.target != box.name}
    entered = [box.name for box in boxes if box.name in led_to]
    rail = {name: rails_x + RAIL * index for index, name in enumerate(entered)}
    width = rails_x + RAIL * len(entered) + PAD
    height = boxes[-1].y + boxes[-1].height + PAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
        f'  role="img" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for box in boxes:
        parts += _draw(box, box_width, labels_x, rail, starts=box.name in begins)
    parts += [_draw_rail(name, x, boxes, labels_x) for name, x in rail.items()]
    return "\n".join([*parts, "</svg>", ""])


def _draw(box: _Box, box_width: int, labels_x: int, rail: Mapping[str, int], *, starts: bool) -> list[str]:
    """A box with its name, and a line from each of its rows to the rail of the row's target."""
    border = 2.5 if starts else 1
    shape = f'width="{box_width}" height="{box.height}" rx="6" fill="{FILL}" stroke="{LINE}" stroke-width="{border}"'
    parts = [
        f'<rect x="{PAD}" y="{box.y}" {shape}/>',
        _text(PAD * 2, box.y + 15, box.name, ' font-weight="bold"'),
    ]
    for index, row in enumerate(box.rows, start=1):
        y = box.y + index * ROW + 15
        stays = row.target == box.name
        parts.append(_text(labels_x, y, row.label + (" ↺" if stays else ""), f' fill="{MUTED}"' if stays else ""))
        if not stays:
            x = rail[row.target]
            parts.append(_path(f"M{labels_x} {y + 4}H{x}", f' fill="none" stroke="{LINE}" stroke-opacity="0.55"'))
            parts.append(f'<circle cx="{x}" cy="{y + 4}" r="2.5" fill="{LINE}"/>')
    return parts


def _draw_rail(name: str, x: int, boxes: list[_Box], labels_x: int) -> str:
    """The rail of one target: from its highest to its lowest row, and into the target's name."""
    arrive = next(box.y for box in boxes if box.name == name) + 11
    leave = [
        box.y + index * ROW + 19
        for box in boxes
        if box.name != name
        for index, row in enumerate(box.rows, start=1)
        if row.target == name
    ]
    tip = labels_x - PAD + 1
    rail = f"M{x} {min([*leave, arrive])}V{max([*leave, arrive])}M{x} {arrive}H{tip}"
    arrow = f"M{tip + 7} {arrive - 4}L{tip} {arrive}L{tip + 7} {arrive + 4}"
    return _path(rail + arrow, f' fill="none" stroke="{LINE}"')
