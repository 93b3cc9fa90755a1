"""What the posters share: the verdicts on an answer, the times that servers name, and the calls.

A verdict is looked up, not decided: a network's own rows first, then the common ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bot.errors import (
    MediaRefused,
    MediaUnavailable,
    OutcomeUnknown,
    OutOfQuota,
    PosterError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)
from bot.i18n import Message, msg
from bot.model import Draft, Image, Json, Prepared, Receipt
from bot.settings import Account, Secret

if TYPE_CHECKING:
    from bot.net import Answer, Net

ReadSecret = Callable[[Secret], str | None]
"""Reads a secret where it lives; None: the variable or the file is not there."""

Kind = type[PosterError]
Made = TypeVar("Made")


class Row(NamedTuple):
    """`status` (None: any) with `text` somewhere in the body (case does not matter) is a `kind`."""

    status: int | None
    text: str
    kind: Kind


COMMON: tuple[Row, ...] = (
    Row(400, "", Rejected),
    Row(401, "", Unauthorized),
    Row(402, "", OutOfQuota),
    Row(403, "", Rejected),
    Row(404, "", Rejected),
    Row(410, "", Rejected),
    Row(413, "", Rejected),
    Row(415, "", Rejected),
    Row(422, "", Rejected),
    Row(429, "", RateLimited),
)
"""Statuses that prove that nothing was posted; every other one but 2xx proves nothing."""

LONGEST_WAIT = timedelta(days=1)
LONGEST_QUOTA_WAIT = timedelta(days=31)
RESET_HEADERS = (
    "retry-after",  # RFC 9110 §10.2.3: seconds or a date; Discord: with a fraction
    "x-ratelimit-reset-after",  # https://discord.com/developers/docs/topics/rate-limits
    "x-ratelimit-reset",  # https://docs.joinmastodon.org/api/rate-limits/ (ISO 8601)
    "x-rate-limit-reset",  # https://docs.x.com/x-api/fundamentals/rate-limits (epoch seconds)
    "ratelimit-reset",  # https://docs.bsky.app/docs/advanced-guides/rate-limits (epoch seconds)
)
LEFT_HEADERS = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
EPOCH_FROM = 1_000_000_000  # a larger number is a date, a smaller one a number of seconds
QUOTED = 300
FOREVER = 3650 * 86400.0
"""How long a key is good where the second call changes nothing, whenever it comes."""
JOINER = "\u200d"
SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


def verdict(answer: Answer, rows: Iterable[Row] = ()) -> Kind | None:
    """What an answer to a visible call means; None: it was accepted."""
    if 200 <= answer.status < 300:
        return None
    text = answer.body[:20_000].decode("utf-8", "replace").casefold()
    for row in (*rows, *COMMON):
        if row.status in (None, answer.status) and row.text.casefold() in text:
            return row.kind
    return OutcomeUnknown


def reset_time(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When a server takes calls again, in whatever form it says so; None: it does not, or it is
    past."""
    for name in RESET_HEADERS:
        when = _moment(headers.get(name, ""), now)
        if when is not None:
            return when if when > now else None
    return None


def calls_left(headers: Mapping[str, str]) -> int | None:
    """How many calls a server takes before its limit resets; None: it does not say."""
    said = next((headers[name] for name in LEFT_HEADERS if name in headers), "")
    return int(said) if said.isascii() and said.isdigit() else None


def body_reset(answer: Answer, now: datetime) -> datetime | None:
    """Misskey says in the body when its limit ends: `error.info.resetMs`, epoch milliseconds.
    https://github.com/misskey-dev/misskey/blob/develop/packages/backend/src/server/api/ApiCallService.ts"""
    value = answer.json()
    for name in ("error", "info", "resetMs"):
        value = value.get(name) if isinstance(value, dict) else None
    when = _moment(str(value), now) if isinstance(value, int) and value > 0 else None
    return when if when and when > now else None


def refusal(
    kind: Kind, where: str, said: str, until: datetime | None, now: datetime
) -> PosterError:
    """The error of a verdict, in the words of the server."""
    words = {"where": where, "said": said}
    if kind is RateLimited:
        until = until and min(until, now + LONGEST_WAIT)
        return RateLimited(msg("{where} takes no more calls for now: {said}", **words), until=until)
    if kind is OutOfQuota:
        until = until and min(until, now + LONGEST_QUOTA_WAIT)
        return OutOfQuota(msg("The quota at {where} is used up: {said}", **words), until=until)
    if kind is Unauthorized:
        return Unauthorized(
            msg("{where} refuses the login: {said}", **words),
            hint=msg("Make a new token there, with the rights to write, and set it."),
        )
    if kind is OutcomeUnknown:
        return OutcomeUnknown(
            msg("{where} answered {said}: the post may be there or not.", **words)
        )
    return kind(msg("{where} does not accept this: {said}", **words))


def spoken(answer: Answer, hide: Sequence[str] = ()) -> str:
    """The server's own words, short and on one line; the status where it has none."""
    body = answer.json()
    text = _words(body) if body is not None else ""
    if not text and "html" not in answer.headers.get("content-type", "html"):
        text = answer.body[:2000].decode("utf-8", "replace")
    for secret in hide:
        text = text.replace(secret, "…") if secret else text
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"{text[:QUOTED]} ({answer.status})" if text else f"HTTP {answer.status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The calls of one account to one server. Secrets are read for each call and kept by nobody.

    `login`: headers; `hidden`: secrets that go elsewhere than into a header; `public`: the server
    was found, not configured, and so must not be inside anybody's network.
    """

    net: Net = field(repr=False)
    base: str
    login: Callable[[], Mapping[str, str]] = field(repr=False)
    rows: tuple[Row, ...] = field(default=(), repr=False)
    hidden: Callable[[], Sequence[str]] = field(default=tuple, repr=False)
    public: bool = False

    @property
    def host(self) -> str:
        return self.base.split("://", 1)[-1].split("/", 1)[0]

    def look(self, method: str, path: str, *, rows: tuple[Row, ...] = (), **more: Any) -> Answer:
        """A call that makes nothing visible: a lost or unlisted answer means try again later.

        The caller looks at the status; only a refused login and a full rate are raised. `rows` go
        before the network's own.
        """
        try:
            answer = self._call(method, path, **more)
        except OutcomeUnknown as error:
            raise Transient(error.message) from None
        kind = verdict(answer, rows + self.rows)
        if kind and issubclass(kind, RateLimited | OutOfQuota | Unauthorized | Transient):
            raise self._refusal(kind, answer)
        if kind is OutcomeUnknown:
            raise Transient(
                msg("{where} answered {said}.", where=self.host, said=self.said(answer))
            )
        return answer

    def act(self, method: str, path: str, *, rows: tuple[Row, ...] = (), **more: Any) -> Answer:
        """The visible call: everything but an accepting answer is raised as its verdict."""
        answer = self._call(method, path, **more)
        kind = verdict(answer, rows + self.rows)
        if kind is not None:
            raise self._refusal(kind, answer)
        return answer

    def said(self, answer: Answer) -> str:
        """The server's words, without what it may have echoed."""
        tokens = [value.rsplit(" ", 1)[-1] for value in self.login().values()]
        return spoken(answer, [*tokens, *self.hidden()])

    def garbled(self) -> OutcomeUnknown:
        """The verdict on an acceptance that does not say what was made."""
        return OutcomeUnknown(
            msg("{where} accepted the post but did not say which one it is.", where=self.host)
        )

    def _call(self, method: str, path: str, **more: Any) -> Answer:
        headers = {"Accept": "application/json", **self.login(), **more.pop("headers", {})}
        url = self.base + path
        return self.net.request(method, url, headers=headers, public=self.public, **more)

    def _refusal(self, kind: Kind, answer: Answer) -> PosterError:
        now = self.net.clock.now()
        until = reset_time(answer.headers, now) or body_reset(answer, now)
        return refusal(kind, self.host, self.said(answer), until, now)


def uploaded(upload: Callable[[], Made], alive: Callable[[], object]) -> Made:
    """What `upload` answers. Where it fails for now and `alive`, another call to the same server,
    does not, only pictures cannot be had: MediaUnavailable."""
    try:
        return upload()
    except MediaUnavailable:
        raise
    except Transient as error:
        alive()
        raise MediaUnavailable(error.message) from None


def image_refused(where: str, image: Image) -> MediaRefused:
    """The picture is not taken: the post goes without."""
    name = image.shown or image.url or ""
    return MediaRefused(
        msg("{host} does not accept the image {image}: sent without it.", host=where, image=name)
    )


class NoEdit:
    """For networks that let a post be taken back and not be edited."""

    kinds = frozenset({"retract"})

    def prepare_edit(
        self,
        draft: Draft,
        part: int,
        parents: tuple[Receipt, ...],
        receipt: Receipt,
        with_images: bool,
    ) -> Prepared:
        raise Rejected(msg("Posts cannot be edited there."), code="no-edit")


def remote_id(receipt: Receipt) -> str:
    """The post's id; of a receipt that a person gave, the last piece of its address."""
    return receipt.id.split("?")[0].split("#")[0].rstrip("/").rsplit("/", 1)[-1]


def retract_payload(receipt: Receipt) -> dict[str, Any]:
    return {"_retract": remote_id(receipt), "_id": receipt.id, "_url": receipt.url}


def retracted(payload: Json, now: datetime) -> Receipt:
    """The receipt of a post that is gone: it names what was there."""
    return Receipt(id=payload["_id"], url=payload["_url"], at=now)


def bearer(
    account: Account, secret: Secret | None, read: ReadSecret
) -> Callable[[], Mapping[str, str]]:
    """The login header of an account, read anew each time."""

    def login() -> Mapping[str, str]:
        return {"Authorization": f"Bearer {token(account, secret, read)}"}

    return login


def token(account: Account, secret: Secret | None, read: ReadSecret) -> str:
    """The secret, or Unauthorized where it is not there or cannot be one."""
    value = (read(secret) or "").strip() if secret is not None else ""
    if value and value.isascii() and value.isprintable():
        return value
    raise Unauthorized(
        msg("The token of {account} is not there or not a token.", account=account.name),
        code="no-token",
        hint=missing_secret(secret, read),
    )


def missing_secret(secret: Secret | None, read: ReadSecret) -> Message | None:
    """Why a secret cannot be read, and what to do; None: it is there."""
    if secret is None:
        return msg("No token is named in the configuration.")
    if (read(secret) or "").strip():
        return None
    if secret.env is not None:
        return msg("The environment variable {name} is not set.", name=secret.env)
    return msg("The file {name} is not there or empty.", name=secret.file)


def bad_address(url: str) -> Message | None:
    """Why this cannot be the address of a server that a token is sent to; None: it can."""
    parts = re.fullmatch(r"(https?)://(\[[0-9a-fA-F:]+\]|[^/@?#:\s]+)(:\d+)?/?", url)
    if not url:
        return msg("No server address is set.")
    if parts is None:
        return msg("{url} is not the address of a server, like https://mastodon.example.", url=url)
    local = parts[2] == "localhost" or parts[2] == "[::1]" or parts[2].startswith("127.")
    if parts[1] == "http" and not local:
        return msg("{url} would send the token unprotected: it must begin with https://.", url=url)
    return None


def cut(text: str, limit: int) -> str:
    """At most `limit` code points, with a mark where something is left out; what a person sees as
    one character stays whole."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and (_joins(text[end]) or text[end - 1] == JOINER):
        end -= 1
    return text[:end] + "…"


def moment(value: Any) -> datetime | None:
    """An ISO 8601 time of a server as an aware one; None where it is none."""
    if not isinstance(value, str):
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def web_url(value: Any) -> str | None:
    """An address of a server's answer that may be shown as a link."""
    if isinstance(value, str) and re.match(r"https?://[^\s<>\"]+\Z", value):
        return value
    return None


def _joins(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf") or character in SKIN_TONES


def _moment(value: str, now: datetime) -> datetime | None:
    from email.utils import parsedate_to_datetime

    value = value.strip()
    try:
        if re.fullmatch(r"\d{1,16}(\.\d+)?", value):
            number = float(value)
            number = number / 1000 if number >= EPOCH_FROM * 1000 else number
            if number >= EPOCH_FROM:
                return datetime.fromtimestamp(number, UTC)
            return now + timedelta(seconds=number)
        return moment(value) or parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _words(body: Any) -> str:
    """The words of the usual error bodies: `error` (text or {message, code}), `message`, `detail`,
    `error_description`, `title`."""
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return ""
    found: list[str] = []
    for name in ("error", "code", "error_description", "message", "title", "detail"):
        value = body.get(name)
        words = _words(value) if isinstance(value, str | dict) else ""
        if words and words not in found:
            found.append(words)
    return ": ".join(found)
