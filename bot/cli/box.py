"""A text in a ruled box, lined up by its width on the screen."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import NamedTuple

from bot.cli.common import width

LEAST, MOST = 30, 96


class Strokes(NamedTuple):
    """`more`: the left edge of a row that goes on from the one above."""

    across: str
    down: str
    more: str
    corners: tuple[str, str, str, str]


RULED = Strokes("─", "│", "┊", ("┌", "┐", "└", "┘"))
PLAIN = Strokes("-", "|", ":", ("+", "+", "+", "+"))


def box(text: str, *, marks: dict[int, str] | None = None, indent: str = "  ") -> list[str]:
    """The rows of the box. A line that is too wide goes on below, with another edge. `marks`:
    words on a rule that stands before the character of that offset."""
    room = _room() - len(indent) - 4
    strokes = RULED if _draws() else PLAIN
    rows = list(_rows(text, marks or {}, room))
    inner = max((width(row) for edge, row in rows if edge is not None), default=0)
    inner = max(inner, *(width(row) + 2 for edge, row in rows if edge is None), 0)
    left, right, low_left, low_right = strokes.corners
    rule = strokes.across * (inner + 2)
    shown = [f"{left}{rule}{right}"]
    for edge, row in rows:
        shown.append(_row(edge, row, inner, strokes))
    shown.append(f"{low_left}{rule}{low_right}")
    return [indent + row for row in shown]


def fitting(text: str) -> str:
    """The text as the terminal shows it: what it cannot show takes the place of a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        return text.encode(encoding, "replace").decode(encoding, "replace")
    except LookupError:
        return text


def _row(edge: bool | None, row: str, inner: int, strokes: Strokes) -> str:
    if edge is None:
        words = f" {row} "
        return (
            strokes.down
            + words.center(inner + 2 - width(words) + len(words), strokes.across)
            + strokes.down
        )
    left = strokes.more if edge else strokes.down
    return f"{left} {row}{' ' * (inner - width(row))} {strokes.down}"


def _rows(text: str, marks: dict[int, str], room: int) -> Iterator[tuple[bool | None, str]]:
    """(whether it goes on from the row above, None: words on a rule; the row)."""
    places = sorted(place for place in marks if 0 < place < len(text))
    for start, end in zip([0, *places], [*places, len(text)], strict=True):
        if start:
            yield None, fitting(marks[start])
        whole = text[start:end].removeprefix("\n") if start else text[start:end]
        whole = whole.removesuffix("\n") if end < len(text) else whole
        for line in whole.split("\n"):
            for n, row in enumerate(_wrapped(fitting(line), room)):
                yield n > 0, row


def _wrapped(line: str, room: int) -> Iterator[str]:
    row = ""
    for character in line:
        if row and width(row + character) > room:
            yield row
            row = ""
        row += character
    yield row


def _room() -> int:
    return min(max(shutil.get_terminal_size().columns, LEAST), MOST)


def _draws() -> bool:
    """The older Japanese encodings have these strokes, twice as wide: there they are left out."""
    return (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
