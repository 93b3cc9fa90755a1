"""Mastodon, and every server that speaks its API (GoToSocial, Pleroma, Akkoma, snac, …).

What a server says of itself decides how a lost answer is settled: by its Idempotency-Key where it
is known to keep one, by reading the account back everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.errors import MediaRefused, NotSent, Transient, Unauthorized
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
from bot.posters.base import (
    Api,
    ReadSecret,
    Row,
    bad_address,
    bearer,
    cut,
    missing_secret,
    moment,
    web_url,
)
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Answer, File, Net

LIMIT = TextLimit(unit="graphemes", maximum=500, link_cost=23)
"""https://docs.joinmastodon.org/user/posting/#text"""

# https://docs.joinmastodon.org/methods/statuses/#headers: kept for one hour after the status is made
KEY_SECONDS = 3600 - 300
# https://git.pleroma.social/pleroma/pleroma/-/blob/develop/lib/pleroma/web/plugs/idempotency_plug.ex
PLEROMA_KEY_SECONDS = 6 * 3600 - 600
DESCRIPTION_LIMIT = 1500  # https://docs.joinmastodon.org/entities/Instance/#description_limit
DETECTED_SECONDS = 600
PAGE, PAGES = 40, 10  # https://docs.joinmastodon.org/methods/accounts/#statuses
POLL_SECONDS, POLL_FOR = 1.0, 30.0

# A server says what is wrong in its user's language, so the status alone decides
# (https://github.com/mastodon/mastodon/blob/main/app/controllers/api/base_controller.rb).
ROWS = (Row(403, "", Unauthorized), Row(400, "bearer token", Unauthorized))  # 400: Takahe
MEDIA_ROWS = (
    Row(422, "", MediaRefused),
    Row(400, "media", MediaRefused),  # GoToSocial
    Row(404, "media", MediaRefused),
)
UPLOAD_ROWS = (Row(403, "", MediaRefused),)  # a token without write:media can still write
WHO_ROWS = tuple(Row(status, "", Unauthorized) for status in (400, 403, 404, 422))


def missing(account: Account, read: ReadSecret) -> Message | None:
    return bad_address(account.instance) or missing_secret(account.token, read)


def make(account: Account, read: ReadSecret, net: Net, root: Path) -> MastodonPoster:
    return MastodonPoster(account, read, net)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What the server says of itself. `tells_private`: own followers-only posts can be read back."""

    replay: Replay = Replay.SEARCHABLE
    key_seconds: float = 0
    description_limit: int = DESCRIPTION_LIMIT
    tells_private: bool = False


def read_server(instance: Any) -> Server:
    """The class of a server by the `version` of its /api/v2/instance or v1: its own where it is a
    Mastodon ≥ 3 (a fork adds `+name`), the compatible one where it names Pleroma or its kin."""
    instance = instance if isinstance(instance, dict) else {}
    version = instance.get("version")
    version = version if isinstance(version, str) else ""
    limit = _dig(instance, "configuration", "media_attachments", "description_limit")
    limit = limit if isinstance(limit, int) and limit > 0 else DESCRIPTION_LIMIT
    key_seconds = _key_seconds(version)
    return Server(
        replay=Replay.KEYED if key_seconds else Replay.SEARCHABLE,
        key_seconds=key_seconds,
        description_limit=limit,
        tells_private=bool(key_seconds or re.match(r"0\.\d+\.\d+", version)),
    )


class MastodonPoster:
    network = "mastodon"
    settling: float | None = None

    def __init__(self, account: Account, read: ReadSecret, net: Net) -> None:
        self._account, self._clock = account, net.clock
        base = account.instance.rstrip("/")
        login = bearer(account, account.token, read)
        self._api = Api(net=net, base=base, login=login, rows=ROWS)
        self._public = Api(net=net, base=base, login=dict)
        self._server: tuple[float, Server] | None = None
        self._id: str | None = None

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        self._api.login()  # a token that is not there is said before anything is called
        server = self._detect()
        media: list[str] = []
        notes: list[Message] = []
        for image in draft.images if with_images and part == 0 else ():
            try:
                media.append(self._upload(image, server))
            except MediaRefused as error:
                notes.append(error.message)
        return Prepared(
            payload=self._payload(draft, part, parents, media),
            replay=server.replay,
            key_seconds=server.key_seconds,
            notes=tuple(notes),
        )

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        body = {name: value for name, value in payload.items() if not name.startswith("_")}
        rows = MEDIA_ROWS if payload.get("media_ids") else ()
        answer = self._api.act(
            "POST",
            "/api/v1/statuses",
            headers={"Idempotency-Key": key},
            json=body,
            guard=guard,
            rows=rows,
        )
        receipt = self._receipt(answer.json())
        if receipt is None:
            raise self._api.garbled()
        return receipt

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        for status in self._own_statuses(since):
            if status is None:
                return CannotTell()
            receipt = self._receipt(status)
            candidate = receipt and receipt.at > since and receipt.id not in known
            if receipt and candidate and _matches(status, payload):
                return Found(receipt=receipt)
        private = payload.get("visibility") not in ("public", "unlisted")
        return CannotTell() if private and not self._detect().tells_private else Absent()

    def close(self) -> None:
        """Nothing is kept open."""

    def _detect(self) -> Server:
        """What the server says, asked anew after some minutes; searchable where it says nothing."""
        now = self._clock.steady()
        if self._server is not None and now - self._server[0] < DETECTED_SECONDS:
            return self._server[1]
        try:
            answer = self._public.look("GET", "/api/v2/instance")
            if answer.status != 200:
                answer = self._public.look("GET", "/api/v1/instance")
        except NotSent:
            return Server()
        server = read_server(answer.json() if answer.status == 200 else None)
        self._server = (now, server)
        return server

    def _payload(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], media: list[str]
    ) -> dict[str, Any]:
        """The body of https://docs.joinmastodon.org/methods/statuses/#create, and under `_link`
        what `find` looks for. The later parts of a public thread stay off the public timelines."""
        text, visibility = draft.parts[part].text, self._account.visibility
        payload: dict[str, Any] = {
            "status": text,
            "visibility": "unlisted" if part and visibility == "public" else visibility,
        }
        language = draft.language.split("-")[0].lower()
        if re.fullmatch("[a-z]{2,3}", language):
            payload["language"] = language
        if media:
            payload["media_ids"] = media
        if parents:
            payload["in_reply_to_id"] = parents[-1].id
        if draft.link and draft.link in text:
            payload["_link"] = draft.link
        return payload

    def _upload(self, image: Image, server: Server) -> str:
        """The id of the uploaded image. MediaRefused where it is to go without."""
        name = image.shown or image.url or ""
        content = _content(image)
        if content is None:
            raise MediaRefused(
                msg("The image {image} cannot be read: sent without it.", image=name)
            )
        files = {"file": ("image", content, image.mime or "application/octet-stream")}
        form = {"description": cut(image.alt, server.description_limit)} if image.alt else None
        media = self._ready(self._post_media(files, form))
        if media is None:
            raise MediaRefused(
                msg(
                    "{host} does not accept the image {image}: sent without it.",
                    host=self._api.host,
                    image=name,
                )
            )
        return media

    def _post_media(self, files: Mapping[str, File], form: Mapping[str, str] | None) -> Answer:
        """https://docs.joinmastodon.org/methods/media/#v2, or its elder."""
        for path in ("/api/v2/media", "/api/v1/media"):
            answer = self._api.look("POST", path, files=files, form=form, rows=UPLOAD_ROWS)
            if answer.status not in (404, 405, 410):
                break
        return answer

    def _ready(self, answer: Answer) -> str | None:
        """The media's id as soon as the server has processed it; None: refused."""
        media = answer.json()
        media_id = _identifier(media)
        until = self._clock.steady() + POLL_FOR
        while answer.status in (202, 206) and media_id:
            if self._clock.steady() >= until:
                raise Transient(msg("{host} is still processing the image.", host=self._api.host))
            self._clock.wait(Event(), POLL_SECONDS)
            answer = self._api.look("GET", f"/api/v1/media/{quote(media_id, safe='')}")
        return media_id if 200 <= answer.status < 300 else None

    def _own_statuses(self, since: datetime) -> Iterator[dict[str, Any] | None]:
        """Own statuses, the newest first, until a whole page is older than `since`; None where the
        pages end before. https://docs.joinmastodon.org/methods/accounts/#statuses"""
        params = {"limit": str(PAGE), "exclude_reblogs": "true"}
        seen: set[str] = set()
        for _ in range(PAGES):
            page = self._page(params)
            fresh = [status for status in page if status["id"] not in seen]
            yield from fresh
            if not page or (fresh and all(self._when(status) <= since for status in fresh)):
                return
            if not fresh:  # snac knows no max_id: it gives what it has
                if len(page) < PAGE or self._when(page[-1]) <= since:
                    return
                break
            seen.update(status["id"] for status in fresh)
            params["max_id"] = page[-1]["id"]
        yield None

    def _page(self, params: Mapping[str, str]) -> list[dict[str, Any]]:
        path = f"/api/v1/accounts/{quote(self._account_id(), safe='')}/statuses"
        answer = self._api.look("GET", path, params=params)
        page = answer.json()
        if answer.status != 200 or not isinstance(page, list) or not all(map(_identifier, page)):
            raise self._unreadable(answer)
        return page

    def _account_id(self) -> str:
        """Who the token belongs to; snac answers 422 to one that it does not know."""
        if self._id is None:
            answer = self._api.look("GET", "/api/v1/accounts/verify_credentials", rows=WHO_ROWS)
            self._id = _identifier(answer.json()) if answer.status == 200 else None
            if self._id is None:
                raise self._unreadable(answer)
        return self._id

    def _unreadable(self, answer: Answer) -> Transient:
        return Transient(
            msg(
                "The posts at {host} cannot be read back: {said}",
                host=self._api.host,
                said=self._api.said(answer),
            )
        )

    def _receipt(self, status: Any) -> Receipt | None:
        status_id = _identifier(status)
        if status_id is None:
            return None
        url = web_url(status.get("url")) or web_url(status.get("uri"))
        return Receipt(id=status_id, url=url, at=self._when(status))

    def _when(self, status: Mapping[str, Any]) -> datetime:
        return moment(status.get("created_at")) or self._clock.now()


def _matches(status: Mapping[str, Any], payload: Json) -> bool:
    """The same parent, and the article's link (as href, card or text); without a link, the text."""
    from bot.posters.match import read_html, same_link, shows_link, shows_text

    if status.get("in_reply_to_id") != payload.get("in_reply_to_id"):
        return False
    html = status.get("content")
    html = html if isinstance(html, str) else ""
    link = payload.get("_link")
    if link is None:
        return shows_text(html, payload["status"])
    text, links = read_html(html)
    card = _dig(status, "card", "url")
    return shows_link(text, links, link) or (isinstance(card, str) and same_link(card, link))


def _key_seconds(version: str) -> float:
    if re.search(r"\(compatible; (Pleroma|Akkoma|Rebased)\b", version):
        return PLEROMA_KEY_SECONDS
    own = re.fullmatch(r"v?(\d+)\.\d+[^()]*", version)
    return KEY_SECONDS if own and int(own[1]) >= 3 else 0


def _content(image: Image) -> bytes | None:
    try:
        return Path(image.file).read_bytes() if image.file else None
    except OSError:
        return None


def _identifier(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None


def _dig(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
