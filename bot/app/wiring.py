"""The composition root: a Config becomes a wired App. Clock, ids and jitter enter here as values."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bot.config import default_site_id, parse_duration, read_secret
from bot.errors import BotError, ConfigError, Unauthorized
from bot.i18n import Message, msg
from bot.model import Article, Clock, Draft, Post, Poster, Problem, Scan, TextLimit
from bot.posters.registry import NETWORKS, Network
from bot.settings import Account, Config, Secret
from bot.words import WhyNot

if TYPE_CHECKING:
    from decimal import Decimal

    from bot.app.branch import Bench
    from bot.app.entries import Entries
    from bot.app.lastgood import LastGood
    from bot.content import Scanner
    from bot.feeds import Press
    from bot.ledger.store import Lease, Ledger
    from bot.net import Net
    from bot.outbox.claiming import Pace
    from bot.outbox.states import Policy

FEW = 3
"""So many posts may go at once; of more than these, no more than half."""
BAD_DATE: WhyNot = "bad-date"
MARGIN_SECONDS = 1.0
"""A lost call settles at its time-out and this much more."""


class SystemClock:
    """The machine's clocks. CLOCK_BOOTTIME also runs while it sleeps."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 — the one place where the clock is read

    def steady(self) -> float:
        import time

        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What comes from outside the program, as values."""

    clock: Clock = field(default_factory=SystemClock)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    jitter: Callable[[], float]
    owner: str
    reached: Callable[[str], None] = lambda place: None


def system_world() -> World:
    """The real clock, environment and randomness."""
    import random  # noqa: TID251 — the one place where jitter is drawn
    import secrets

    return World(jitter=random.SystemRandom().random, owner=f"{os.getpid()}-{secrets.token_hex(4)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One scan, with every post named: what everything else starts from. `missing`: articles whose
    file is not there; `shrunk`: so many that it may be the folder that is wrong: then nothing is
    concluded until a person says so. `unread`: articles whose file is there and cannot be read.
    `doubtful`: ids of new posts, with the subjects of those that they may be."""

    posts: tuple[Post, ...]
    problems: tuple[Problem, ...]
    articles: tuple[Article, ...]
    changed: tuple[Article, ...]
    unreadable: Mapping[str, str]
    readable: bool
    missing: tuple[Article, ...] = ()
    doubtful: Mapping[str, str] = field(default_factory=dict)
    shrunk: bool = False
    unread: tuple[Article, ...] = ()


def _lost(scan: Scan, articles: Iterable[Article]) -> list[str]:
    """Paths of what is there and cannot be read; with a folder, of all that was in it."""
    lost = [p.path for p in scan.problems if p.post_lost]
    folders = tuple(f"{path}/" for path in lost)
    below = [a.path for a in articles if a.path.startswith(folders)] if folders else []
    return [*lost, *below]


def _undated(posts: Iterable[Post]) -> dict[str, str]:
    """Posts with a date that cannot be read: nothing is concluded from that, either."""
    posts = list(posts)
    shown = {p.subject for p in posts if p.visible}
    return {p.subject: p.path for p in posts if p.why_not == BAD_DATE and p.subject not in shown}


def _with_hugo(config: Config) -> Config:
    """What Hugo's own configuration says of the site decides. Raises ConfigError."""
    if not config.content.hugo:
        return config
    from bot.content.hugo_config import hugo_site

    site = hugo_site(config)
    if not site.url.startswith(("https://", "http://")):
        raise ConfigError(
            msg("Hugo's configuration names no whole address of the site (baseURL)"),
            code="hugo-base-url",
            path=config.file,
            line=config.lines.get("content.hugo"),
            key="content.hugo",
            hint=msg("set baseURL there, or url under [site] here"),
        )
    return replace(config, site=site)


class App:
    """The wired house. Doors open late: a command that needs no ledger opens none."""

    def __init__(self, config: Config, world: World) -> None:
        self.config, self.world = _with_hugo(config), world
        self.root = Path(config.root)
        site = self.config.site
        self.site_id = site.id or default_site_id(site.url)
        self.learnt: Mapping[str, TextLimit] = {}
        self.pings_compared = False  # what an earlier process left untold is looked for once
        self.in_use = False  # a process that has planned before knows its ledger
        self._posters: dict[str, Poster] = {}
        self._posters_lock = threading.Lock()

    # --- values -----------------------------------------------------------------------------

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self.config.accounts

    def active(self) -> list[Account]:
        """Accounts that deliveries are planned for."""
        return [a for a in self.accounts if a.enabled and NETWORKS[a.network].built]

    def edits(self, account: Account) -> bool:
        """Whether what it shared is edited when its post changes: wanted, and the network can."""
        return account.on_edit == "update" and "edit" in NETWORKS[account.network].changes

    def retracts(self, account: Account) -> bool:
        """Whether what it shared is taken back when its post is gone."""
        return account.on_delete == "retract" and "retract" in NETWORKS[account.network].changes

    def account(self, name: str) -> Account | None:
        return next((a for a in self.accounts if a.name == name), None)

    @cached_property
    def hubs(self) -> tuple[str, ...]:
        """The hubs that are told of feeds, by their addresses: targets like accounts."""
        from bot.feeds import hubs_of

        return hubs_of(self.config.feed)

    def now(self) -> datetime:
        return self.world.clock.now()

    @cached_property
    def policy(self) -> Policy:
        from bot.outbox.states import SECOND, Policy

        publish = self.config.publish
        return Policy(
            settling=int((publish.timeout + MARGIN_SECONDS) * SECOND),
            gap=int(publish.settle_gap * SECOND),
            give_up=int(parse_duration(publish.give_up) / timedelta(microseconds=1)),
            timeout=int(publish.timeout * SECOND),
        )

    # --- doors ------------------------------------------------------------------------------

    @cached_property
    def scanner(self) -> Scanner:
        from bot.content import Scanner, SiteRules

        return Scanner(SiteRules.from_config(self.config))

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, made where it is missing; never its first-run row."""
        ledger = self._open(readonly=False)
        assert ledger is not None
        return ledger

    @cached_property
    def press(self) -> Press:
        """Prints the feeds; kept, so that only what changed is printed anew."""
        from bot.feeds import Press

        return Press(self.config.site, self.config.feed, self.root / self.config.feed.path)

    @cached_property
    def entries(self) -> Entries:
        """The entries of the feeds; kept, so that a scan without a change costs next to nothing."""
        from bot.app.entries import Entries

        return Entries()

    @cached_property
    def last_good(self) -> LastGood:
        from bot.app.lastgood import LastGood

        return LastGood(self.root / "state" / "last-good")

    def peek(self) -> Ledger | None:
        """The ledger to read only, or None where there is none yet."""
        return self._open(readonly=True)

    @cached_property
    def bench(self) -> Bench | None:
        """Where the ledger is worked on that lives on a branch; None where it lives elsewhere."""
        if not self.config.state.git.branch:
            return None
        from bot.app.branch import Bench

        return Bench(self)

    @property
    def has_ledger(self) -> bool:
        """Whether the ledger was opened to write."""
        return "ledger" in self.__dict__

    def drop_ledger(self) -> Ledger | None:
        """The one that was opened; the next use opens it anew."""
        ledger: Ledger | None = self.__dict__.pop("ledger", None)
        return ledger

    def _open(self, *, readonly: bool) -> Ledger | None:
        from bot.app.store import open_ledger

        try:
            return open_ledger(self, readonly=readonly)
        except ConfigError as error:
            raise self._at(error.key or "", error) from error

    def check(self) -> None:
        """Raises ConfigError, with its line, for a template, a pattern or a name that cannot be."""
        from bot.app.checks import feed_fault, permalink_fault, strip_fault, template_fault

        twice = feed_fault(self.config)
        if twice is not None:
            told = ConfigError(msg("two feeds have the same file name"), code="feed-name")
            raise self._at(twice, told)
        pattern = permalink_fault(self.config)
        if pattern is not None:
            raise self._at("content.permalink", pattern)
        selector = strip_fault(self.config)
        if selector is not None:
            raise self._at("feed.strip", selector)
        fault = template_fault(self.config)
        if fault is not None:
            raise self._at(fault.key, fault.error, fault.line) from fault.error
        if self.config.state.git.branch:
            from bot.app.branch import refuse_faults

            refuse_faults(self)

    def _at(self, key: str, error: BotError, line: int | None = None) -> ConfigError:
        """An error of a value, at its place in the file."""
        return ConfigError(
            error.message,
            code=error.code,
            path=self.config.file,
            line=line or self.config.lines.get(key),
            key=key,
            hint=error.hint,
        )

    def close(self) -> None:
        for poster in self._posters.values():
            poster.close()
        if self.has_ledger:
            self.ledger.close()
        if self.bench is not None:
            self.bench.close()

    def planning(self) -> Lease:
        """Ask for the right to plan for this site (see `Ledger.lease_planning`)."""
        from bot.app import checkout
        from bot.outbox.states import LEASE

        folder, now = self.root / self.config.content.path, self.ledger.now()
        found = checkout.version(folder) if folder.is_dir() else None
        owner = self.world.owner
        return self.ledger.lease_planning(owner, now, now + LEASE, found, checkout.name(self.root))

    # --- posters ----------------------------------------------------------------------------

    def read_secret(self, secret: Secret) -> str | None:
        return read_secret(secret, self.config.root, self.world.environ)

    def missing(self, account: Account) -> Message | None:
        """Why this account cannot send yet, None where it can."""
        network = NETWORKS[account.network]
        if not network.built:
            return msg("not built yet")
        return network.missing(account, self.read_secret)

    def poster(self, name: str) -> Poster:
        """The poster of an account, made at its first use. Raises Unauthorized where it is not
        ready."""
        with self._posters_lock:
            if name not in self._posters and name in self.hubs:
                from bot.posters.websub import WebSubPoster

                self._posters[name] = WebSubPoster(name, self.net())
            if name not in self._posters:
                account = self.account(name)
                why = (
                    msg("this account is no longer configured")
                    if account is None
                    else self.missing(account)
                )
                if account is None or why is not None:
                    raise Unauthorized(why or msg("not ready"))
                self._posters[name] = self._make(NETWORKS[account.network], account)
            return self._posters[name]

    def _make(self, network: Network, account: Account) -> Poster:
        return network.make(account, self.read_secret, self.net(), self.root)

    def net(self) -> Net:
        """The door to the network."""
        from bot.net import Net

        inside = self.config.content.cover_hosts
        return Net(self.config.publish.timeout, self.world.clock, inside=inside)

    # --- content ----------------------------------------------------------------------------

    def scan(self, known: Iterable[Article], at: datetime | None = None) -> Site:
        """Read the content folder and name every post by what the ledger knows of it. `at`: as it
        is at another time than now."""
        from bot.app.checks import social_slips
        from bot.content.identity import identify
        from bot.feeds import first_guid

        now = at or self.now()
        scan: Scan = self.scanner.scan(now)
        articles = list(known)
        lost = _lost(scan, articles)
        micros = round(now.timestamp() * 1_000_000)
        named = identify(
            scan.posts,
            articles,
            self.site_id,
            micros,
            lost,
            lambda post: first_guid(post, post.date or now, self.config.site, self.config.feed),
        )
        self.scanner.keep_names(named.posts)
        unread = {*lost, *(p.path for p in named.posts if p.why_not == BAD_DATE)}
        by_path = {a.path: a.subject or a.id for a in articles}
        unreadable = {by_path[path]: path for path in lost if path in by_path}
        unreadable |= _undated(named.posts)
        problems = [*scan.problems, *named.problems, *social_slips(named.posts)]
        present = sum(a.gone_at is None for a in articles)
        away = [a for a in named.missing if a.gone_at is None]
        empty = not scan.posts and not lost
        shrunk = bool(away) and (empty or len(away) > max(FEW, present // 2))
        if shrunk and scan.readable:
            unreadable |= {a.subject or a.id: a.path for a in away}
            problems.append(self._shrunk(len(away), present))
        return Site(
            posts=named.posts,
            problems=tuple(problems),
            articles=named.articles,
            changed=named.changed,
            unreadable=unreadable,
            readable=scan.readable,
            missing=named.missing,
            doubtful=named.doubtful,
            shrunk=shrunk,
            unread=tuple(a for a in articles if a.path in unread),
        )

    def _shrunk(self, missing: int, present: int) -> Problem:
        return Problem(
            path=self.config.content.path,
            message=msg(
                "{missing} of {present} posts are no longer there: the folder may be wrong",
                missing=missing,
                present=present,
            ),
            code="content-shrunk",
            hint=msg("nothing is concluded from that; if you removed them, say bot approve"),
            post_lost=False,
        )

    def choose(self, account: Account, versions: Sequence[Post]) -> Post | None:
        """Which of an article's translations an account takes; None where it takes none."""
        from bot.compose import choose

        return choose(account, versions, self.config.site.language)

    def compose(self, post: Post, account: Account, *, link: bool = True) -> Draft:
        """A post as it would appear on an account. `link`: whether there is room for one where the
        account's `link` is auto. Raises DraftError."""
        from bot.compose import compose

        return compose(post, account, self.limit(account), self.config.site, allow_link=link)

    def cost(self, draft: Draft) -> Decimal | None:
        """US dollars that a draft costs today; None where the network takes none."""
        from bot.compose import cost

        account = self.account(draft.account)
        return cost(draft, self.now().date(), account.prices if account else ())

    def micros(self, draft: Draft) -> int | None:
        """As `cost`, in millionths of a US dollar, rounded up."""
        from bot.outbox.pacing import micros

        dollars = self.cost(draft)
        return None if dollars is None else micros(dollars)

    def link_micros(self, account: Account) -> int:
        """What a link adds to the cost of a post today, in millionths of a US dollar."""
        from bot.compose import link_costs
        from bot.outbox.pacing import micros

        return micros(link_costs(account.network, self.now().date(), account.prices))

    def pace(self, name: str) -> Pace | None:
        """When an account may share, and of which money."""
        return self._paces.get(name)

    @cached_property
    def _paces(self) -> Mapping[str, Pace]:
        from bot.outbox.claiming import Pace
        from bot.outbox.pacing import purses, timing_of

        shared = purses(self.accounts, self.config.budgets)
        zone = self.config.site.timezone
        return {
            a.name: Pace(timing=timing_of(a, zone), purse=shared.get(a.name)) for a in self.accounts
        }

    def limit(self, account: Account) -> TextLimit:
        """How an account counts: its own `limit`, else what its server said when something was
        sent, else the network's."""
        limit = self.learnt.get(account.name) or NETWORKS[account.network].limit
        return limit if account.limit is None else replace(limit, maximum=account.limit)
