"""What the machine of faults has found, each as short as it can be told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.outbox import test_machine as machine
from tests.outbox.test_machine import Died, Keyed, Outbox, Searchable, SearchableRestored

template = machine.template


@pytest.fixture
def searchable() -> Iterator[Outbox]:
    made = Searchable()
    yield made
    made.teardown()


@pytest.fixture
def keyed() -> Iterator[Outbox]:
    made = Keyed()
    yield made
    made.teardown()


@pytest.fixture
def restored() -> Iterator[Outbox]:
    made = SearchableRestored()
    yield made
    made.teardown()


def test_settling_begins_with_the_call_and_not_with_the_row(searchable: Outbox) -> None:
    """A process stands still before its call; what the call left behind comes 15 s after that."""
    searchable.plan(parts=1)
    searchable.net.faults.append("late")
    searchable.turn_and_stand_still(who=0, place="sending", seconds=30)
    searchable.calm(alone=False)
    searchable.nothing_is_there_twice()


def test_a_dead_process_may_have_called_just_now(searchable: Outbox) -> None:
    searchable.plan(parts=1)
    searchable.net.faults.append("late")
    process = searchable._process(1)

    def late_and_dead(place: str) -> None:
        if place == "sending":
            searchable.clock.go(39)
        if place == "answered":
            raise Died(place)

    process.reached = late_and_dead
    with pytest.raises(Died):
        searchable._turn(1)
    searchable.die(who=1)
    searchable.calm(alone=False)
    searchable.nothing_is_there_twice()


@pytest.mark.parametrize("writes", range(7))
def test_a_process_that_lost_its_store_goes_on_with_what_it_had(
    searchable: Outbox, writes: int
) -> None:
    searchable.plan(parts=1)
    searchable.turn_and_lose_the_store(who=0, writes=writes, lives=True)
    searchable.calm(alone=True)


def test_a_process_that_stood_still_too_long_goes_on_with_what_it_had(searchable: Outbox) -> None:
    searchable.plan(parts=1)
    process = searchable._process(0)
    process.reached = lambda place: searchable.clock.go(50 if place == "sending" else 0)
    searchable._turn(0, settle=False)
    searchable.calm(alone=True)


def test_a_repeat_waits_while_another_call_is_under_way(keyed: Outbox) -> None:
    keyed.plan(parts=1)
    keyed.net.faults.append("before")
    keyed.turn(who=0, settle=False)
    keyed.plan(parts=1)
    keyed.turn_and_stand_still(who=0, place="call", seconds=20)
    keyed.calm(alone=False)
    keyed.nothing_is_there_twice()


def test_nobody_spins_while_another_looks(searchable: Outbox) -> None:
    searchable.plan(parts=1)
    searchable.net.faults.append("after")
    searchable.turn(who=0, settle=False)
    searchable.clock.go(16)
    waits: list[float] = []
    wait = searchable.clock.wait

    def counted(event: threading.Event, seconds: float) -> bool:
        waits.append(seconds)
        assert len(waits) < 20
        return wait(event, seconds)

    searchable.clock.wait = counted  # type: ignore[method-assign]
    searchable.turn_and_stand_still(who=0, place="looked", seconds=0)
    searchable.calm(alone=False)


def test_a_store_that_is_lost_while_adopting_loses_no_adoption(restored: Outbox) -> None:
    restored.copy_the_ledger()
    restored.plan(parts=1)
    restored.plan(parts=1)
    restored.turn(who=1, settle=True)
    restored.an_old_copy_comes_back(at_once=True)
    restored.turn_and_lose_the_store(who=0, writes=1, lives=True)
    restored.calm(alone=True)
    restored.nothing_is_there_twice()


def test_what_is_planned_after_the_account_was_read_is_compared_too(restored: Outbox) -> None:
    """`bot run` after an old copy came back: its workers start before its first look at the site."""
    restored.plan(parts=1)
    restored.copy_the_ledger()
    restored.plan(parts=1)
    restored.turn(who=0, settle=True)
    restored.an_old_copy_comes_back(at_once=False)
    restored.turn(who=0, settle=True)
    restored.plan_what_was_forgotten()
    restored.calm(alone=True)
    restored.nothing_is_there_twice()
