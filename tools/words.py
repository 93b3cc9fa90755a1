"""The catalogue of words, anew from the code: `python -m tools.words` (make locale).

What is new comes out with an empty translation, to be filled in bot.po; run it again to compile.
The code is read as a tree, because babel's own extraction does not see into f-strings.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
PO = ROOT / "bot" / "locale" / "ja" / "LC_MESSAGES" / "bot.po"
MO = PO.with_suffix(".mo")

SOURCES = {"msg", "setting"}
"""`msg("…")` is a sentence, `setting("…")` the words of a setting."""

_NO_DATE = datetime(2026, 11, 24, tzinfo=UTC)


class Call(NamedTuple):
    """One call in the code. `template` is None where it is not written as one literal;
    `fields` are the values given by name, None where they cannot be seen or there are none to
    give (the words of a setting)."""

    place: str
    template: str | None
    fields: frozenset[str] | None


def calls(folder: Path = ROOT / "bot") -> Iterator[Call]:
    """Every sentence of the code, in the order of the files."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in SOURCES:
                yield _call(node, f"{path.relative_to(ROOT).as_posix()}:{node.lineno}")


def fields(template: str) -> frozenset[str]:
    """The names in braces."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def fresh(old: Catalog) -> Catalog:
    """The sentences of the code with the translations of `old`."""
    new = Catalog(
        "ja",
        domain="bot",
        project="bot",
        version="1",
        header_comment="# What bot says, in Japanese. Made by `make locale`.",
        last_translator="bot",
        language_team="ja",
        msgid_bugs_address="-",
        fuzzy=False,
        creation_date=_NO_DATE,
        revision_date=_NO_DATE,
    )
    for call in calls():
        if call.template:
            known = old.get(call.template)
            place = (call.place.rpartition(":")[0], 1)
            new.add(call.template, known.string if known else "", locations=[place])
    return new


def read(path: Path = PO) -> Catalog:
    if not path.exists():
        return Catalog("ja")
    with path.open("rb") as file:
        return read_po(file, "ja", "bot")


def po_bytes(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    return out.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def main() -> None:
    catalog = fresh(read())
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(po_bytes(catalog))
    MO.write_bytes(mo_bytes(catalog))
    missing = sum(1 for message in catalog if message.id and not message.string)
    print(f"{len(catalog)} sentences, {missing} without a translation")


def _name(func: ast.expr) -> str | None:
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else None


def _call(node: ast.Call, place: str) -> Call:
    template = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    names = [keyword.arg for keyword in node.keywords]
    unseen = None in names or _name(node.func) == "setting"
    seen = None if unseen else frozenset(name for name in names if name)
    return Call(place, template if isinstance(template, str) else None, seen)


if __name__ == "__main__":
    main()
