"""X. tweepy signs and speaks for us, over bot.net: one call, one deadline, no redirect.

X knows no key for a request: a lost answer is settled by reading own posts, where the link stands
among the expanded addresses (the text has t.co's).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import Duplicate, MediaRefused, OutOfQuota, Unauthorized
from bot.i18n import Message, msg
from bot.model import (
    Absent,
    CannotTell,
    Draft,
    Finding,
    Found,
    Identity,
    Image,
    Json,
    Prepared,
    Receipt,
    Replay,
    Seen,
    TextLimit,
)
from bot.posters.base import (
    FOREVER,
    NoEdit,
    ReadSecret,
    Row,
    calls_left,
    cut,
    image_refused,
    missing_secret,
    moment,
    remote_id,
    reset_time,
    retract_payload,
    retracted,
    token,
    uploaded,
)
from bot.posters.kept import StaleToken, session_file
from bot.posters.x_session import XSessions
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Net
    from bot.posters.x_api import XApi

LIMIT = TextLimit(unit="x-weighted", maximum=280, link_cost=23)
"""https://docs.x.com/fundamentals/counting-characters"""

SERVER: str | None = None
"""What stands in for X where its own hosts cannot be called."""
SECRETS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
ALT_LIMIT = 1000  # CreateMediaMetadataRequest in https://api.x.com/2/openapi.json
IMAGE_BYTES, IMAGE_SIDE = 5_000_000, 4096
# https://docs.x.com/x-api/media/quickstart/best-practices
PAGE, PAGES = 100, 5
TEXT_LINKS = re.compile(r"(\s*https://t\.co/\w+)+\s*$")

# https://docs.x.com/x-api/fundamentals/response-codes-and-errors
ROWS = (
    Row(403, "duplicate content", Duplicate),
    Row(403, "unsupported authentication", Unauthorized),
    Row(403, "user-suspended", Unauthorized),
    Row(403, "client-forbidden", Unauthorized),
    Row(403, "oauth1-permissions", Unauthorized),
    Row(403, "client-not-enrolled", Unauthorized),
    Row(429, "usage-capped", OutOfQuota),
    Row(400, "media", MediaRefused),
)


BORNE_ROWS = (Row(401, "", StaleToken),)


def missing(account: Account, read: ReadSecret) -> Message | None:
    """OAuth 2.0 where a client id is set, else the four secrets of OAuth 1.0a."""
    if account.client_id:
        return missing_secret(account.refresh_token, read)
    reasons = (missing_secret(getattr(account, name), read) for name in SECRETS)
    return next((reason for reason in reasons if reason), None)


def make(account: Account, read: ReadSecret, net: Net, root: Path) -> XPoster:
    return XPoster(account, read, net, root, SERVER)


class XPoster(NoEdit):
    network = "x"
    settling: float | None = None

    def __init__(
        self, account: Account, read: ReadSecret, net: Net, root: Path, server: str | None = None
    ) -> None:
        self._account, self._read, self._net = account, read, net
        self._clock, self._server = net.clock, server
        self._pictures = root / "state" / "images"
        self._sessions = XSessions(account, read, net, session_file(root, account), server)
        self._id: str | None = None

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        media: list[str] = []
        notes: list[Message] = []
        with self._working() as api:
            for image in draft.images[:4] if with_images and part == 0 else ():
                try:
                    media.append(self._upload(api, image, notes))
                except MediaRefused as error:
                    notes.append(error.message)
        text = draft.parts[part].text
        payload: dict[str, Any] = {"text": text}
        if media:
            payload["media_ids"] = media
        if parents:
            payload["in_reply_to_tweet_id"] = remote_id(parents[-1])
        if draft.link and draft.link in text:
            payload["_link"] = draft.link
        return Prepared(payload=payload, replay=Replay.SEARCHABLE, notes=tuple(notes))

    def prepare_retract(self, receipt: Receipt) -> Prepared:
        with self._working():
            payload = retract_payload(receipt)
        return Prepared(payload=payload, replay=Replay.KEYED, key_seconds=FOREVER)

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        """https://docs.x.com/x-api/posts/create-post; the answer has no time of its own."""
        body = {name: value for name, value in payload.items() if not name.startswith("_")}
        with self._working() as api:
            if "_retract" in payload:
                return self._delete(api, payload, guard)
            post_id = _identifier(api.create_post(guard, **body))
            if post_id is None:
                raise api.garbled()
        return Receipt(id=post_id, url=_url(post_id), at=self._clock.now())

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        with self._working() as api:
            if "_retract" in payload:
                there = api.there(payload["_retract"])
                return Absent() if there else Found(receipt=retracted(payload, self._clock.now()))
            return self._find(api, payload, since, known)

    def recent(self, limit: int) -> list[Seen]:
        """The newest of one page (each costs)."""
        with self._working() as api:
            posts, _ = api.posts(self._me(api), None, None, max(5, min(limit, PAGE)))
        found = [_seen(post, self._clock.now()) for post in posts]
        return [post for post in found if post]

    def identity(self) -> Identity:
        with self._working() as api:
            self._id, name = api.who()
        return Identity(
            id=self._id,
            name=f"@{name}",
            limit=LIMIT,
            left=calls_left(api.told),
            resets=reset_time(api.told, self._clock.now()),
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def _upload(self, api: XApi, image: Image, notes: list[Message]) -> str:
        """MediaRefused where it is to go without; a description that is refused is only said."""
        from bot.posters.covers import fetcher
        from bot.posters.images import Limits, fitted

        limits = Limits(size=IMAGE_BYTES, side=IMAGE_SIDE, formats=("JPEG", "PNG", "WEBP"))
        picture = fitted(image, limits, self._pictures, fetcher(self._net))
        media_id = uploaded(lambda: api.upload(picture.data, picture.mime), api.who)
        if media_id is None:
            raise image_refused("X", image)
        if image.alt:
            alt = cut(image.alt, ALT_LIMIT)
            if not uploaded(lambda: api.describe(media_id, alt), api.who):
                name = image.shown or image.url or ""
                notes.append(
                    msg("X does not accept the alt text of {image}: sent without it.", image=name)
                )
        return media_id

    def _delete(self, api: XApi, payload: Json, guard: Callable[[], None]) -> Receipt:
        from bot.posters.x_api import Gone

        with suppress(Gone):
            api.delete_post(guard, payload["_retract"])
        return retracted(payload, self._clock.now())

    def _find(self, api: XApi, payload: Json, since: datetime, known: Collection[str]) -> Finding:
        for post in self._own_posts(api, since):
            post_id = _identifier(post)
            if post_id is None:
                return CannotTell()
            when = moment(post.get("created_at")) or self._clock.now()
            if when > since and post_id not in known and _matches(post, payload):
                return Found(receipt=Receipt(id=post_id, url=_url(post_id), at=when))
        return Absent()

    def _own_posts(self, api: XApi, since: datetime) -> Iterator[Any]:
        """Own posts after `since`, the newest first (each costs); None where there are more."""
        user, page = self._me(api), None
        start = since - timedelta(seconds=1)
        for _ in range(PAGES):
            posts, page = api.posts(user, start, page, PAGE)
            yield from posts
            if page is None:
                return
        yield None

    def _me(self, api: XApi) -> str:
        if self._id is None:
            self._id = api.who()[0]
        return self._id

    @contextmanager
    def _working(self) -> Iterator[XApi]:
        """Calls with the login of now. An access token that X refuses is refreshed the next time."""
        from bot.posters.x_api import Borne, Signed, XApi

        if not self._account.client_id:
            values = [
                token(self._account, getattr(self._account, name), self._read) for name in SECRETS
            ]
            yield XApi(self._net, Signed(values), ROWS, self._server)
            return
        access = self._sessions.access()
        try:
            yield XApi(self._net, Borne(access), (*BORNE_ROWS, *ROWS), self._server)
        except StaleToken:
            self._sessions.reject(access)
            raise


def _matches(post: Json, payload: Json) -> bool:
    """The same parent, and the article's link among the expanded ones; without a link, the text."""
    from bot.posters.match import same_link, same_text

    if _parent(post) != payload.get("in_reply_to_tweet_id"):
        return False
    link = payload.get("_link")
    if link is not None:
        return any(same_link(url, link) for url in _shown(post))
    text = html.unescape(str(post.get("text", "")))
    return same_text(text, payload["text"]) or same_text(TEXT_LINKS.sub("", text), payload["text"])


def _shown(post: Json) -> list[str]:
    entities = post.get("entities")
    urls = entities.get("urls") if isinstance(entities, dict) else None
    return [
        url[name]
        for url in (urls if isinstance(urls, list) else ())
        for name in ("expanded_url", "unwound_url")
        if isinstance(url, dict) and isinstance(url.get(name), str)
    ]


def _seen(post: Any, now: datetime) -> Seen | None:
    post_id = _identifier(post)
    if post_id is None:
        return None
    text, when = html.unescape(str(post.get("text", ""))), moment(post.get("created_at"))
    return Seen(id=post_id, url=_url(post_id), at=when or now, text=text, links=tuple(_shown(post)))


def _parent(post: Json) -> str | None:
    """The answers still say `referenced_tweets`; the OpenAPI document (2.167) `referenced_posts`."""
    references = post.get("referenced_tweets") or post.get("referenced_posts")
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, dict) and reference.get("type") == "replied_to":
            return _identifier(reference)
    return None


def _identifier(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found.isdigit() else None


def _url(post_id: str) -> str:
    return f"https://x.com/i/web/status/{post_id}"
