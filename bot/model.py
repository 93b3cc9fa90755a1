"""What the rooms hand to one another: frozen values, and the protocol of a poster.

Times are aware datetimes (in the ledger: UTC microseconds as integers). Paths of posts are relative
to the configuration's folder, with `/`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Event
from typing import Any, Literal, Protocol, runtime_checkable

from bot.i18n import Message

Json = Mapping[str, Any]
SummarySource = Literal["section", "front-matter", "more", "lead", "title"]


# --- content ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture of a post: a file of the site (`file` absolute, `shown` as a person writes it) or a
    remote `url`. `mime` is sniffed from the bytes, None where not known. `public` is where readers
    of the site find the file (feeds link to it), None where not known. `focus` is the point that a
    crop keeps, from (-1, -1) to (1, 1). With neither `file` nor `url` the post names a picture that
    is not there (yet): it is told, and never sent."""

    alt: str
    file: str | None = None
    shown: str | None = None
    url: str | None = None
    public: str | None = None
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    focus: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The 3行要約 as plain-text lines, and where they came from."""

    lines: tuple[str, ...]
    source: SummarySource


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One article as its file says. The body is not kept: `content.read_body(post)` reads it.

    `id` is empty until the ledger has named the post; `explicit_id` is front matter's `id`/`guid`.
    `why_not` is a stable code (draft, future, expired, …), None exactly where `visible`.
    `changes_at` is when its visibility next changes by the clock alone. `sketch` tells a changed
    text from another one; `unfinished` looks as if its file were still being written; posts with the same `translation` (not empty) are one article in several
    languages: they share a `subject`, which deliveries are of. `subject` and `first_visible` (UTC
    microseconds) are the ledger's.
    """

    path: str
    source: str
    url: str
    title: str
    date: datetime | None
    lastmod: datetime | None
    language: str
    tags: tuple[str, ...]
    categories: tuple[str, ...]
    summary: Summary
    cover: Image | None
    content_hash: str
    visible: bool
    why_not: str | None
    id: str = ""
    explicit_id: str | None = None
    draft: bool = False
    author: str | None = None
    description: str = ""
    section: str = ""
    aliases: tuple[str, ...] = ()
    changes_at: datetime | None = None
    social: Json = field(default_factory=dict)
    sketch: str = ""
    translation: str = ""
    unfinished: bool = False
    subject: str = ""
    first_visible: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one file: shown, the rest goes on. `post_lost`: the file gives no post."""

    path: str
    message: Message
    code: str
    line: int | None = None
    hint: Message | None = None
    post_lost: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One reading of the content folder. `readable` is False where the folder is missing or cannot
    be read: then nothing may be concluded from what is not there."""

    posts: tuple[Post, ...]
    problems: tuple[Problem, ...]
    readable: bool
    changed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A post as a feed shows it. `guid` never changes; `html` is sanitised, with absolute URLs."""

    post: Post
    guid: str
    published: datetime
    updated: datetime
    html: str


# --- compose ------------------------------------------------------------------------------------

Unit = Literal["x-weighted", "graphemes", "code-points", "utf16", "bytes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLimit:
    """How a network counts: unit, maximum (None: no limit), what a link costs (None: as written),
    a second cap in UTF-8 bytes, and whether an emoji counts as its bytes. Declared in each network's own file beside its source page."""

    unit: Unit
    maximum: int | None
    link_cost: int | None = None
    byte_cap: int | None = None
    emoji_bytes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    length: int
    limit: int | None
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One post of a thread (the only one, mostly): exactly the text that would be sent."""

    text: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What would appear on one target. The same value is previewed, dry-run, stored and sent."""

    account: str
    network: str
    post: str
    url: str
    title: str
    description: str
    parts: tuple[Part, ...]
    link: str | None
    hashtags: tuple[str, ...]
    images: tuple[Image, ...]
    language: str
    left_out: tuple[Message, ...] = ()
    options: Json = field(default_factory=dict)


# --- outbox -------------------------------------------------------------------------------------


class State(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Replay(StrEnum):
    """How a lost answer is settled: KEYED the same request again is safe for a stated time;
    SEARCHABLE the account can be read back; BLIND only a person knows."""

    KEYED = "keyed"
    SEARCHABLE = "searchable"
    BLIND = "blind"


OPEN_STATES = frozenset(
    {
        State.PLANNED,
        State.HELD,
        State.CLAIMED,
        State.SENDING,
        State.RETRY,
        State.UNKNOWN,
        State.FAILED,
    }
)
"""What is not there yet and not given up: shown by `bot status`."""
WAITING = frozenset({State.PLANNED, State.HELD, State.RETRY})
"""What may still be changed or withdrawn."""
ANSWERED = "answered"
"""The reason of a failure that a person has answered: no longer shown as open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What the ledger remembers of a post and nothing else could tell again. Times are UTC
    microseconds. `guid` is the permalink at first sight; `live_at` when its page was first there."""

    id: str
    path: str
    guid: str
    url: str
    title: str
    content_hash: str
    first_seen: int
    sketch: str = ""
    subject: str = ""
    first_visible: int | None = None
    changed_at: int | None = None
    gone_at: int | None = None
    live_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A syndication target: one account of this site. `baseline_at`: when the posts of then were
    recorded as already seen; `wait_until`: no call before; `paused`: why a person is needed;
    `learnt`: how its server says that it counts."""

    name: str
    network: str
    baseline_at: int | None = None
    wait_until: int | None = None
    wait_reason: str | None = None
    paused: str | None = None
    remote_id: str | None = None
    learnt: TextLimit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one target is to get of one article: a row of the ledger. Times are UTC microseconds.

    `fence` counts claims and settlings: a move names the fence it saw. `looks` counts the readings
    that did not find it; `looker` is the process that reads back under the lease. `frozen`:
    claimed once, so its draft no longer changes. `spent_at`: when what it takes of slots, caps and
    budgets was booked (None: nothing is); `cost` in millionths of a US dollar; `linked`: the text
    has the link; `exact`: a person set its time, slots and quiet hours do not hold.
    """

    id: str
    subject: str
    account: str
    network: str
    kind: str
    generation: int
    part: int
    state: State
    due: int
    seq: int = 0
    reason: str | None = None
    path: str = ""
    url: str = ""
    draft: Json | None = None
    payload: Json | None = None
    key: str | None = None
    replay: Replay | None = None
    key_seconds: float = 0
    attempts: int = 0
    fence: int = 0
    owner: str | None = None
    looker: str | None = None
    lease_until: int | None = None
    sending_at: int | None = None
    first_sending_at: int | None = None
    doubt_since: int | None = None
    looks: int = 0
    with_images: bool = True
    frozen: bool = False
    remote_id: str | None = None
    remote_url: str | None = None
    remote_extra: Json | None = None
    sent_at: int | None = None
    source: str | None = None
    error: str | None = None
    error_code: str | None = None
    needs_person: bool = False
    notes: tuple[str, ...] = ()
    planned_at: int = 0
    created_at: int = 0
    updated_at: int = 0
    spent_at: int | None = None
    cost: int | None = None
    linked: bool | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The copy out there: its remote id, its permalink, when, and what else a reply or edit needs."""

    id: str
    url: str | None
    at: datetime
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What `commit` will put on the wire: JSON without secrets, stored before the first byte goes
    out. `replay` and `key_seconds` (how long a repeat with the same key is safe, from the first
    attempt) are frozen with it. `notes` say what was left out (an image that was refused)."""

    payload: Json
    replay: Replay
    key_seconds: float = 0
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Read back to before the attempt, and it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """The pages ended before the attempt's time was reached."""


Finding = Found | Absent | CannotTell


class Poster(Protocol):
    """One account on one network. Made by the registry; used by one worker at a time."""

    network: str
    settling: float | None
    """Seconds after which a lost call can no longer become visible; None: time-out + 1."""

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        """Upload media, refresh tokens: nothing visible, may be repeated. Raises NotSent."""

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        """Exactly one visible call. `guard` is called last before the first byte and raises
        LostLease where the lease is gone. Raises NotSent, OutcomeUnknown or LostLease."""

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        """Read the account back for what `commit(payload, key)` may have made visible after
        `since`, leaving out the remote ids in `known`. Raises NotSent where it cannot be read."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One of the account's own posts as read back: `links` are the addresses it leads to."""

    id: str
    url: str | None
    at: datetime
    text: str
    links: tuple[str, ...]


@runtime_checkable
class Readable(Protocol):
    """A poster that can also list: `recent` gives the account's newest own posts, newest first.
    Raises NotSent where it cannot be read."""

    def recent(self, limit: int) -> Sequence[Seen]: ...


@runtime_checkable
class Changeable(Protocol):
    """A poster that can also change what it shared. `kinds` says how: "edit", "retract". What is
    prepared goes through `commit` and `find` like a share: for a retract, *found* means that the
    post is gone; for an edit, that it reads as it should. `receipt` is that of the newest share or
    edit of this part; what `commit` answers takes its place (some servers change the id)."""

    kinds: frozenset[str]

    def prepare_edit(
        self,
        draft: Draft,
        part: int,
        parents: tuple[Receipt, ...],
        receipt: Receipt,
        with_images: bool,
    ) -> Prepared:
        """As `prepare`. Rejected where the post is no longer there."""

    def prepare_retract(self, receipt: Receipt) -> Prepared:
        """As `prepare`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose login it is, and what is known of it. `id` is the account's own in the whole world (a
    number is written with its server) and never changes; `limit` how long a text may be there;
    `left` calls until `resets`; `ends` when the login does."""

    id: str
    name: str
    limit: TextLimit
    left: int | None = None
    resets: datetime | None = None
    ends: datetime | None = None


@runtime_checkable
class Identified(Protocol):
    """A poster that knows whose account it posts to."""

    def identity(self) -> Identity:
        """Log in and ask. Nothing becomes visible. Raises NotSent."""


@runtime_checkable
class Learning(Protocol):
    """A poster whose server says how it counts. None until it was asked, which sending does."""

    def learnt(self) -> TextLimit | None: ...


class Clock(Protocol):
    """Time as a value: `now` aware UTC; `steady` seconds that also run while the machine sleeps."""

    def now(self) -> datetime: ...
    def steady(self) -> float: ...
    def wait(self, event: Event, seconds: float) -> bool:
        """Until `event` is set (True) or so much time has passed."""
        ...
