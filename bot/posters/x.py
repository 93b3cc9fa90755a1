"""X. tweepy signs and speaks for us, over bot.net: one call, one deadline, no redirect.

X knows no key for a request: a lost answer is settled by reading own posts, where the link stands
among the expanded addresses (the text has t.co's).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import MediaRefused, OutOfQuota, Unauthorized
from bot.i18n import Message, msg
from bot.model import (
    Absent,
    CannotTell,
    Draft,
    Finding,
    Found,
    Image,
    Json,
    Prepared,
    Receipt,
    Replay,
    TextLimit,
)
from bot.posters.base import ReadSecret, Row, cut, missing_secret, moment, token
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Net
    from bot.posters.x_api import XApi

LIMIT = TextLimit(unit="x-weighted", maximum=280, link_cost=23)
"""https://docs.x.com/fundamentals/counting-characters"""

SECRETS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
ALT_LIMIT = 1000  # CreateMediaMetadataRequest in https://api.x.com/2/openapi.json
IMAGE_BYTES, IMAGE_SIDE = 5_000_000, 4096
# https://docs.x.com/x-api/media/quickstart/best-practices
PAGE, PAGES = 100, 5
TEXT_LINKS = re.compile(r"(\s*https://t\.co/\w+)+\s*$")

# https://docs.x.com/x-api/fundamentals/response-codes-and-errors; a duplicate (403) is a refusal,
# and where an earlier answer was lost the outbox settles it by looking
ROWS = (
    Row(403, "unsupported authentication", Unauthorized),
    Row(403, "user-suspended", Unauthorized),
    Row(403, "client-forbidden", Unauthorized),
    Row(403, "oauth1-permissions", Unauthorized),
    Row(403, "client-not-enrolled", Unauthorized),
    Row(429, "usage-capped", OutOfQuota),
    Row(400, "media", MediaRefused),
)


def missing(account: Account, read: ReadSecret) -> Message | None:
    reasons = (missing_secret(getattr(account, name), read) for name in SECRETS)
    return next((reason for reason in reasons if reason), None)


def make(account: Account, read: ReadSecret, net: Net, root: Path) -> XPoster:
    return XPoster(account, read, net, root)


class XPoster:
    network = "x"
    settling: float | None = None

    def __init__(
        self, account: Account, read: ReadSecret, net: Net, root: Path, server: str | None = None
    ) -> None:
        self._account, self._read, self._net = account, read, net
        self._clock, self._server = net.clock, server
        self._pictures = root / "state" / "images"
        self._id: str | None = None

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        api = self._api()
        media: list[str] = []
        notes: list[Message] = []
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
            payload["in_reply_to_tweet_id"] = parents[-1].id
        if draft.link and draft.link in text:
            payload["_link"] = draft.link
        return Prepared(payload=payload, replay=Replay.SEARCHABLE, notes=tuple(notes))

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        """https://docs.x.com/x-api/posts/create-post; the answer has no time of its own."""
        body = {name: value for name, value in payload.items() if not name.startswith("_")}
        api = self._api()
        post = api.create_post(guard, **body)
        post_id = _identifier(post)
        if post_id is None:
            raise api.garbled()
        return Receipt(id=post_id, url=_url(post_id), at=self._clock.now())

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        for post in self._own_posts(since):
            post_id = _identifier(post)
            if post_id is None:
                return CannotTell()
            when = moment(post.get("created_at")) or self._clock.now()
            if when > since and post_id not in known and _matches(post, payload):
                return Found(receipt=Receipt(id=post_id, url=_url(post_id), at=when))
        return Absent()

    def close(self) -> None:
        """Nothing is kept open."""

    def _upload(self, api: XApi, image: Image, notes: list[Message]) -> str:
        """MediaRefused where it is to go without; a description that is refused is only said."""
        from bot.posters.images import Limits, fitted

        limits = Limits(size=IMAGE_BYTES, side=IMAGE_SIDE, formats=("JPEG", "PNG", "WEBP"))
        picture = fitted(image, limits, self._pictures)
        name = image.shown or image.url or ""
        media_id = api.upload(picture.data, picture.mime)
        if media_id is None:
            raise MediaRefused(
                msg("X does not accept the image {image}: sent without it.", image=name)
            )
        if image.alt and not api.describe(media_id, cut(image.alt, ALT_LIMIT)):
            notes.append(
                msg("X does not accept the alt text of {image}: sent without it.", image=name)
            )
        return media_id

    def _own_posts(self, since: datetime) -> Iterator[Any]:
        """Own posts after `since`, the newest first (each costs); None where there are more."""
        api, page = self._api(), None
        if self._id is None:
            self._id = api.who()
        start = since - timedelta(seconds=1)
        for _ in range(PAGES):
            posts, page = api.posts(self._id, start, page, PAGE)
            yield from posts
            if page is None:
                return
        yield None

    def _api(self) -> XApi:
        from bot.posters.x_api import XApi

        values = [
            token(self._account, getattr(self._account, name), self._read) for name in SECRETS
        ]
        return XApi(self._net, values, ROWS, self._server)


def _matches(post: Json, payload: Json) -> bool:
    """The same parent, and the article's link among the expanded ones; without a link, the text."""
    from bot.posters.match import same_link, same_text

    if _parent(post) != payload.get("in_reply_to_tweet_id"):
        return False
    entities = post.get("entities")
    urls = entities.get("urls") if isinstance(entities, dict) else None
    shown = [
        url[name]
        for url in (urls if isinstance(urls, list) else ())
        for name in ("expanded_url", "unwound_url")
        if isinstance(url, dict) and isinstance(url.get(name), str)
    ]
    link = payload.get("_link")
    if link is not None:
        return any(same_link(url, link) for url in shown)
    text = html.unescape(str(post.get("text", "")))
    return same_text(text, payload["text"]) or same_text(TEXT_LINKS.sub("", text), payload["text"])


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
