"""The ledger itself: its schema, its guards, its refusals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.errors import ConfigError, LostLease, StoreUnavailable
from bot.ledger import engine as opening
from bot.ledger.store import Ledger, open_ledger
from bot.ledger.tables import metadata
from bot.model import Article, State
from bot.outbox.states import SECOND
from tests.outbox.test_dispatcher import planned
from tests.outbox.world import FakeClock


def opened(
    root: Path, *, site: str = "blog.example", named: bool = False, readonly: bool = False
) -> Ledger | None:
    return open_ledger(
        "sqlite:///state/bot.db",
        root,
        site,
        FakeClock(),
        address=f"https://{site}",
        named=named,
        readonly=readonly,
    )


def test_the_revisions_make_the_tables(ledger: Ledger) -> None:
    with ledger._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = [
            d for d in compare_metadata(context, metadata) if "alembic_version" not in str(d)
        ]
    assert differences == []


def test_head_is_the_newest_revision() -> None:
    scripts = ScriptDirectory(str(Path(opening.__file__).parent / "migrations"))
    assert scripts.get_current_head() == opening.HEAD


def test_a_newer_ledger_is_refused_and_untouched(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    assert ledger is not None
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ledger.close()
    with pytest.raises(StoreUnavailable) as caught:
        opened(tmp_path)
    assert caught.value.code == "ledger-newer"


def test_a_damaged_ledger_is_named_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "state" / "bot.db"
    file.parent.mkdir()
    file.write_bytes(b"this is no database at all" * 100)
    before = file.read_bytes()
    with pytest.raises(StoreUnavailable) as caught:
        opened(tmp_path)
    assert "bot.db" in str(caught.value)
    assert file.read_bytes() == before


def test_reading_makes_no_ledger(tmp_path: Path) -> None:
    assert opened(tmp_path, readonly=True) is None
    assert list(tmp_path.iterdir()) == []


def test_reading_writes_nothing(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    assert ledger is not None
    ledger.agree_first_run("https://blog.example", 1)
    ledger.close()
    before = (tmp_path / "state" / "bot.db").read_bytes()
    reader = opened(tmp_path, readonly=True)
    assert reader is not None
    assert reader.first_run_at() == 1
    with pytest.raises(StoreUnavailable):
        reader.agree_first_run("https://other.example", 2)
    reader.close()
    assert (tmp_path / "state" / "bot.db").read_bytes() == before


def test_first_run_is_written_once(ledger: Ledger) -> None:
    assert ledger.first_run_at() is None
    assert ledger.agree_first_run("https://blog.example", 1)
    assert not ledger.agree_first_run("https://blog.example", 2)
    assert ledger.first_run_at() == 1


def test_a_ledger_of_another_site_is_refused_with_the_line_to_add(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    assert ledger is not None
    ledger.agree_first_run("https://blog.example", 1)
    ledger.close()
    with pytest.raises(ConfigError) as caught:
        opened(tmp_path, site="new.example")
    assert caught.value.hint is not None
    assert 'id = "blog.example"' in str(caught.value.hint)
    kept = opened(tmp_path, site="blog.example", named=True)
    assert kept is not None
    assert kept.first_run_at() == 1
    kept.close()


def test_of_two_baselines_at_once_one_is_taken(ledgers: Callable[[], Ledger]) -> None:
    both = [ledgers(), ledgers()]
    results: list[bool] = []
    start = threading.Barrier(2)

    def take(ledger: Ledger) -> None:
        start.wait()
        results.append(ledger.baseline("a", "fake", [], 1))

    threads = [threading.Thread(target=take, args=(ledger,)) for ledger in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]


def test_eight_workers_claim_each_row_once_and_one_at_a_time(ledgers: Callable[[], Ledger]) -> None:
    first = ledgers()
    for n in range(40):
        planned(first, f"p{n}", account=f"t{n % 4}", seq=n)
    others = [ledgers() for _ in range(4)]
    seen: list[str] = []
    order: dict[str, list[int]] = {f"t{n}": [] for n in range(4)}
    lock = threading.Lock()

    def work(ledger: Ledger, account: str) -> None:
        for _ in range(200):
            now = ledger.now()
            row = ledger.claim(account, "me", now, now + 60 * SECOND, None)
            if row is None:
                if not any(d.account == account for d in ledger.deliveries({State.PLANNED})):
                    return
                continue
            with lock:
                seen.append(row.id)
                order[account].append(row.seq)
            ledger.move(row, State.SENDING, {}, now=now, event="sending")
            after = ledger.get(row.id)
            assert after is not None
            ledger.move(after, State.SENT, {"owner": None}, now=now, event="sent")

    threads = [
        threading.Thread(target=work, args=(ledger, f"t{n}"))
        for ledger in others[:2]
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == len(set(seen)) == 40
    assert all(seqs == sorted(seqs) for seqs in order.values())


def test_a_move_with_an_old_fence_is_a_lost_lease(ledger: Ledger) -> None:
    planned(ledger, "一")
    now = ledger.now()
    claimed = ledger.claim("a", "me", now, now + SECOND, None)
    assert claimed is not None
    ledger.move(claimed, State.RETRY, {"owner": None}, now=now, event="lease-expired")
    assert ledger.claim("a", "other", now, now + SECOND, None) is not None
    with pytest.raises(LostLease):
        ledger.move(claimed, State.SENDING, {}, now=now, event="sending")


def test_ids_and_first_addresses_of_articles_never_change(ledger: Ledger) -> None:
    first = Article(
        id="x",
        path="a.md",
        guid="https://b/1/",
        url="https://b/1/",
        title="一",
        content_hash="h",
        first_seen=1,
    )
    ledger.save_articles([first])
    moved = Article(
        id="x",
        path="b.md",
        guid="https://b/2/",
        url="https://b/2/",
        title="二",
        content_hash="i",
        first_seen=9,
        first_visible=9,
        changed_at=9,
    )
    ledger.save_articles([moved])
    (kept,) = ledger.articles()
    assert (kept.path, kept.url, kept.guid, kept.first_seen) == (
        "b.md",
        "https://b/2/",
        "https://b/1/",
        1,
    )


def test_nul_and_lone_surrogates_are_cleaned(ledger: Ledger) -> None:
    hostile = "a\x00b\ud800c"
    ledger.save_articles(
        [
            Article(
                id="x", path=hostile, guid="", url="", title=hostile, content_hash="", first_seen=1
            )
        ]
    )
    (kept,) = ledger.articles()
    assert kept.title.startswith("a\ufffdb")


def test_a_dead_owner_is_dead_and_a_living_one_lives(ledgers: Callable[[], Ledger]) -> None:
    first, second = ledgers(), ledgers()
    first.owners.hold("one")
    assert second.owners.alive("one")
    assert not second.owners.alive("nobody")
    first.owners.release()
    assert not second.owners.alive("one")


def test_a_renamed_account_keeps_its_history(ledger: Ledger) -> None:
    ledger.baseline("old", "fake", [], 1)
    planned(ledger, "一", account="old")
    ledger.rename_target("old", "new")
    assert set(ledger.targets()) == {"new"}
    assert [d.account for d in ledger.deliveries()] == ["new"]


def test_one_process_plans_at_a_time(ledgers: Callable[[], Ledger]) -> None:
    one, two = ledgers(), ledgers()
    one.agree_first_run("https://b", 1)
    one.owners.hold("p1")
    assert one.lease_planning("p1", 10, 70, None, "here") == "ours"
    assert two.lease_planning("p2", 20, 80, None, "here") == "other"
    assert one.lease_planning("p1", 30, 90, None, "here") == "ours"
    assert two.lease_planning("p2", 91, 150, None, "here") == "ours", "its lease has run out"
    one.owners.release()
    assert one.lease_planning("p3", 92, 150, None, "here") == "ours", "p2 holds no lock: it is dead"


def test_an_older_copy_of_the_site_plans_nothing(ledger: Ledger) -> None:
    ledger.agree_first_run("https://b", 1)
    assert ledger.lease_planning("p1", 10, 10, 200, "server A") == "ours"
    assert ledger.lease_planning("p2", 20, 20, 100, "server B") == "older"
    assert ledger.lease_planning("p2", 30, 30, 200, "server B") == "ours"
    assert ledger.lease_planning("p2", 40, 40, 100, "server B") == "ours", "its own step back"
    assert ledger.lease_planning("p1", 50, 50, None, "server A") == "ours"


@pytest.mark.real
def test_an_announcement_wakes_the_others_at_once(tmp_path: Path, postgres_url: str) -> None:
    opened = [
        open_ledger(
            postgres_url, tmp_path, f"news-{tmp_path.name}", FakeClock(), address="", named=True
        )
        for _ in range(2)
    ]
    here, there = [ledger for ledger in opened if ledger is not None]
    stop, listening, news = threading.Event(), threading.Event(), threading.Event()

    def on_news() -> None:
        (news if listening.is_set() else listening).set()

    there.listen(on_news, stop)
    try:
        assert listening.wait(10)
        here.announce()
        assert news.wait(10)
    finally:
        stop.set()
        here.close()
        there.close()
