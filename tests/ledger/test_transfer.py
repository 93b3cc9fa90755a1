"""Export and import: every row comes back from any store; what is not whole or not ours is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Engine, Integer, insert, select

from bot.errors import BotError, UsageError
from bot.ledger import engine as opening
from bot.ledger import rows
from bot.ledger.owners import FileOwners
from bot.ledger.store import Ledger
from bot.ledger.tables import articles, deliveries, history, metadata, sites, targets
from bot.ledger.transfer import TABLES, export, import_
from bot.model import Replay, State
from tests.outbox.test_dispatcher import planned
from tests.outbox.world import FakeClock

SITES = count()
TEXT = st.text(max_size=12).map(rows.clean)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=3)
CONTENTS = {
    "state": st.sampled_from([s.value for s in State if s not in (State.CLAIMED, State.SENDING)]),
    "replay": st.sampled_from([r.value for r in Replay]),
    "notes": st.lists(TEXT, max_size=2).map(json.dumps),
    **dict.fromkeys(
        ("draft", "payload", "remote_extra", "error", "paused", "learnt"),
        OBJECTS.map(lambda o: rows.clean(json.dumps(o, ensure_ascii=False))),
    ),
}


def values_of(column: Column[Any]) -> st.SearchStrategy[Any]:
    kind = column.type.python_type
    bits = 63 if isinstance(column.type, BigInteger) else 31
    found: st.SearchStrategy[Any] = {
        str: CONTENTS.get(column.name, TEXT),
        int: st.integers(-(2**bits), 2**bits - 1),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
    }[kind]
    return st.none() | found if column.nullable else found


def rows_of(table: Any, key: str | None) -> st.SearchStrategy[list[dict[str, Any]]]:
    columns = [c for c in table.columns if c.name not in ("site", "n")]
    row = st.fixed_dictionaries({c.name: values_of(c) for c in columns})
    return st.lists(row, max_size=4, unique_by=(lambda r: r[key]) if key else None)


@st.composite
def whole_sites(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    found = {
        "articles": draw(rows_of(articles, "id")),
        "targets": draw(rows_of(targets, "name")),
        "deliveries": draw(rows_of(deliveries, "id")),
        "history": draw(rows_of(history, None)),
        "sites": [draw(st.fixed_dictionaries({c.name: values_of(c) for c in sites.columns}))],
    }
    for n, row in enumerate(found["deliveries"]):
        row["subject"] = f"{n}{row['subject']}"
    return found


def ledger_on(engine: Engine, site: str, tmp: Path = Path()) -> Ledger:
    return Ledger(engine, site, FakeClock(), FileOwners(tmp / "locks"), own_clock=True)


def fill(engine: Engine, site: str, kept: dict[str, list[dict[str, Any]]]) -> None:
    with engine.begin() as c:
        for table in TABLES:
            own = {"id": site} if table is sites else {"site": site}
            if kept[table.name]:
                c.execute(insert(table), [row | own for row in kept[table.name]])


def carried(line: list[str]) -> list[bytes]:
    return [f"{text}\n".encode() for text in line]


def test_every_table_is_exported() -> None:
    assert {t.name for t in TABLES} == set(metadata.tables) - {"alembic_version"}


@settings(max_examples=25, deadline=None)
@given(kept=whole_sites())
def test_sqlite_to_sqlite(stores: tuple[Engine, Engine], kept: dict[str, Any]) -> None:
    goes_round(stores[0], [stores[1]], kept)


@pytest.mark.real
@settings(max_examples=25, deadline=None)
@given(kept=whole_sites())
def test_sqlite_to_postgresql_and_back(
    stores: tuple[Engine, Engine], server: Engine, kept: dict[str, Any]
) -> None:
    goes_round(stores[0], [server, stores[1]], kept)


def goes_round(first: Engine, others: list[Engine], kept: dict[str, Any]) -> None:
    site = f"site-{next(SITES)}-{id(first)}"
    fill(first, site, kept)
    fill(first, f"{site}-other", kept)
    lines = list(export(ledger_on(first, site)))
    assert len(lines) == 1 + sum(len(rows) for rows in kept.values())
    for engine in others:
        ledger = ledger_on(engine, site)
        counts = import_(ledger, carried(lines), "x.jsonl")
        assert counts == {name: len(rows) for name, rows in kept.items()}
        assert list(export(ledger)) == lines
        assert same(rows_in(first, site), rows_in(engine, site))


def rows_in(engine: Engine, site: str) -> dict[str, list[dict[str, Any]]]:
    """What the tables hold, as they are."""
    found = {}
    with engine.connect() as c:
        for table in TABLES:
            own = table.c.id if table is sites else table.c.site
            found[table.name] = [
                {k: v for k, v in row._mapping.items() if k != "n"}
                for row in c.execute(
                    select(table).where(own == site).order_by(*table.primary_key.columns)
                )
            ]
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The history in its order, the rest in any."""
    loose = [name for name in one if name != "history"]
    return one["history"] == other["history"] and all(
        sorted(map(repr, one[name])) == sorted(map(repr, other[name])) for name in loose
    )


def exported(ledger: Ledger) -> list[str]:
    ledger.agree_first_run("https://blog.example", 1)
    ledger.baseline("a", "fake", [], 2)
    planned(ledger, "一")
    planned(ledger, "二", parts=2)
    return list(export(ledger))


def empty(ledger: Ledger, root: Path) -> Ledger:
    """An empty store for the same site."""
    engine = opening.open_engine("sqlite:///empty/bot.db", root, readonly=False)
    assert engine is not None
    opening.migrate(engine)
    return ledger_on(engine, ledger.site, root)


def refused(ledger: Ledger, lines: list[str]) -> BotError:
    """The error; nothing is written."""
    with pytest.raises(UsageError) as caught:
        import_(ledger, carried(lines), "x.jsonl")
    assert len(list(export(ledger))) == 1
    return caught.value


def test_rows_stand_in_a_stable_order(ledgers: Callable[[], Ledger]) -> None:
    ledger = ledgers()
    lines = [json.loads(line) for line in exported(ledger)]
    assert lines[0] == {
        "revision": opening.HEAD,
        "site": ledger.site,
        "rows": {"sites": 1, "articles": 0, "targets": 1, "deliveries": 3, "history": 3},
    }
    kinds = [line["table"] for line in lines[1:]]
    assert kinds == ["sites", "targets", *["deliveries"] * 3, *["history"] * 3]
    ids = [line["id"] for line in lines if line.get("table") == "deliveries"]
    assert ids == sorted(ids)
    assert list(export(ledger)) == exported(ledger)


def test_the_ledger_works_on_after_an_import(ledger: Ledger, tmp_path: Path) -> None:
    lines = exported(ledger)
    other = empty(ledger, tmp_path)
    import_(other, carried(lines), "x.jsonl")
    assert other.deliveries() == ledger.deliveries()
    assert other.targets() == ledger.targets()
    claimed = other.claim("a", "me", other.now(), other.now() + 1, None)
    assert claimed is not None
    assert [h["after"] for h in other.log(claimed.id)] == ["planned", "claimed"]


def test_an_import_into_a_ledger_with_rows_is_refused(ledger: Ledger) -> None:
    lines = exported(ledger)
    with pytest.raises(UsageError) as caught:
        import_(ledger, carried(lines), "x.jsonl")
    assert caught.value.code == "not-empty"
    assert list(export(ledger)) == lines


def test_another_site_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    lines = exported(ledger)
    lines[0] = lines[0].replace(ledger.site, "other.example")
    error = refused(empty(ledger, tmp_path), lines)
    assert error.code == "other-site"
    assert 'id = "other.example"' in str(error.hint)


def test_another_revision_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    lines = exported(ledger)
    lines[0] = lines[0].replace(f'"{opening.HEAD}"', '"9999"')
    error = refused(empty(ledger, tmp_path), lines)
    assert error.code == "other-revision"
    assert "9999" in str(error)


def test_a_file_that_ends_early_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    lines = exported(ledger)
    other = empty(ledger, tmp_path)
    for kept in range(len(lines)):
        refused(other, lines[:kept])


def test_a_row_that_is_there_twice_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    lines = exported(ledger)
    refused(empty(ledger, tmp_path), [*lines[:2], lines[1], *lines[2:]])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("state", "dancing"),
        ("replay", "never"),
        ("draft", "{"),
        ("draft", "[]"),
        ("notes", "{}"),
        ("error", "no JSON"),
        ("due", "now"),
        ("due", 2**63),
        ("part", 2**31),
        ("part", None),
        ("part", True),
        ("frozen", 1),
        ("id", 7),
        ("key_seconds", "long"),
    ],
)
def test_what_bot_could_not_read_again_is_refused_with_its_line(
    ledger: Ledger, tmp_path: Path, column: str, value: Any
) -> None:
    lines = exported(ledger)
    n = next(n for n, line in enumerate(lines) if '"table":"deliveries"' in line)
    lines[n] = json.dumps(json.loads(lines[n]) | {column: value})
    error = refused(empty(ledger, tmp_path), lines)
    assert error.place == f"x.jsonl:{n + 1}"
    assert column in str(error)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "null",
        '{"table": "deliveries"}',
        '{"table": "users"}',
        '{"table": ["sites"]}',
        "[" * 100_000,
        '{"table": NaN}',
    ],
)
@pytest.mark.parametrize("place", [0, 2])
def test_garbage_is_refused_with_its_line(
    ledger: Ledger, tmp_path: Path, line: str, place: int
) -> None:
    lines = exported(ledger)
    lines[place] = line
    assert refused(empty(ledger, tmp_path), lines).line == place + 1


def test_bytes_that_are_no_text_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    lines = [*carried(exported(ledger)[:2]), b"\xff\xfe\n"]
    with pytest.raises(UsageError) as caught:
        import_(empty(ledger, tmp_path), lines, "x.jsonl")
    assert caught.value.line == 3


def test_an_export_is_of_one_moment(ledgers: Callable[[], Ledger]) -> None:
    """What another process writes meanwhile is not half in it."""
    ledger, other = ledgers(), ledgers()
    before = exported(ledger)
    lines = export(ledger)
    first = next(lines)
    planned(other, "三")
    assert [first, *lines] == before
    assert len(list(export(ledger))) == len(before) + 2


def test_whole_numbers_stay_whole() -> None:
    """Every column that holds microseconds holds 64 bits."""
    short = {
        f"{t.name}.{c.name}"
        for t in TABLES
        for c in t.columns
        if isinstance(c.type, Integer) and not isinstance(c.type, BigInteger)
    }
    assert not [name for name in short if name.endswith(("_at", "due", "until", "since", "seq"))]
