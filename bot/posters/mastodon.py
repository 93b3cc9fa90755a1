"""Mastodon, and every server that speaks its API (GoToSocial, Pleroma, Akkoma, snac, …).

What a server says of itself decides how a lost answer is settled: by its Idempotency-Key where it
is known to keep one, by reading the account back everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.errors import MediaRefused, NotSent, Rejected, Transient, Unauthorized
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
    Api,
    ReadSecret,
    Row,
    bad_address,
    bearer,
    calls_left,
    missing_secret,
    moment,
    remote_id,
    reset_time,
    retract_payload,
    retracted,
    web_url,
)
from bot.posters.mastodon_media import Media, described
from bot.posters.mastodon_server import LIMIT, Server, dig, read_server
from bot.posters.mastodon_status import identifier, matches, media_of, path_of, seen
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Answer, Net

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
    return MastodonPoster(account, read, net, root)


class MastodonPoster:
    network = "mastodon"
    settling: float | None = None
    kinds = frozenset({"edit", "retract"})

    def __init__(self, account: Account, read: ReadSecret, net: Net, root: Path) -> None:
        self._account, self._clock = account, net.clock
        base = account.instance.rstrip("/")
        login = bearer(account, account.token, read)
        self._api = Api(net=net, base=base, login=login, rows=ROWS)
        self._media = Media(self._api, root / "state" / "images", self._who)
        self._public = Api(net=net, base=base, login=dict)
        self._server: tuple[float, Server] | None = None
        self._id: str | None = None

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        self._api.login()  # a token that is not there is said before anything is called
        server = self._detect()
        notes: list[Message] = []
        pieces = self._media.fitted(_images(draft, part, with_images), server, notes)
        payload = self._payload(draft, part) | self._place(part, parents)
        if media := self._media.upload(pieces, server, notes):
            payload |= {"media_ids": media, "_images": [piece.sha256 for piece in pieces]}
        return Prepared(
            payload=payload,
            replay=server.replay,
            key_seconds=server.key_seconds,
            notes=tuple(notes),
        )

    def prepare_edit(
        self,
        draft: Draft,
        part: int,
        parents: tuple[Receipt, ...],
        receipt: Receipt,
        with_images: bool,
    ) -> Prepared:
        """Pictures that are there already stay, with the descriptions of now; a server takes away
        those that are not named again."""
        self._api.login()
        post = remote_id(receipt)
        status = self._status(post)
        if status is None:
            raise Rejected(msg("The post at {host} is no longer there.", host=self._api.host))
        notes: list[Message] = []
        payload = {"spoiler_text": ""} | self._payload(draft, part) | {"_edit": post}
        if with_images:
            images = _images(draft, part, with_images)
            payload |= self._edited_media(images, media_of(status), receipt, notes)
        elif there := media_of(status):
            payload["media_ids"] = there
        return Prepared(payload=payload, replay=Replay.SEARCHABLE, notes=tuple(notes))

    def prepare_retract(self, receipt: Receipt) -> Prepared:
        self._api.login()
        payload = retract_payload(receipt)
        return Prepared(payload=payload, replay=Replay.KEYED, key_seconds=FOREVER)

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        if "_retract" in payload:
            return self._delete(payload, guard)
        body = {name: value for name, value in payload.items() if not name.startswith("_")}
        rows = MEDIA_ROWS if payload.get("media_ids") else ()
        if edited := payload.get("_edit"):
            answer = self._api.act("PUT", path_of(edited), json=body, guard=guard, rows=rows)
        else:
            headers = {"Idempotency-Key": key}
            answer = self._api.act(
                "POST", "/api/v1/statuses", headers=headers, json=body, guard=guard, rows=rows
            )
        receipt = self._receipt(answer.json(), payload)
        if receipt is None:
            raise self._api.garbled()
        return receipt

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        if "_retract" in payload:
            gone = self._status(payload["_retract"]) is None
            return Found(receipt=retracted(payload, self._clock.now())) if gone else Absent()
        if "_edit" in payload:
            return self._find_edit(payload)
        for status in self._own_statuses(since):
            if status is None:
                return CannotTell()
            receipt = self._receipt(status, payload)
            candidate = receipt and receipt.at > since and receipt.id not in known
            if receipt and candidate and matches(status, payload):
                return Found(receipt=receipt)
        private = payload.get("visibility") not in ("public", "unlisted")
        return CannotTell() if private and not self._detect().tells_private else Absent()

    def recent(self, limit: int) -> list[Seen]:
        """The newest of one page, without what was boosted: somebody else's word for a post."""
        page = self._page({"limit": str(min(limit, PAGE)), "exclude_reblogs": "true"})
        return [seen(status, self._when(status)) for status in page if not status.get("reblog")]

    def identity(self) -> Identity:
        answer = self._who()
        self._id, name = identifier(answer.json()), dig(answer.json(), "username")
        return Identity(
            id=f"{self._id}@{self._api.host}",
            name=f"@{name}@{self._api.host}",
            limit=self._detect().limit or LIMIT,
            left=calls_left(answer.headers),
            resets=reset_time(answer.headers, self._clock.now()),
        )

    def learnt(self) -> TextLimit | None:
        return self._server[1].limit if self._server else None

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

    def _payload(self, draft: Draft, part: int) -> dict[str, Any]:
        """What a share and an edit say, of https://docs.joinmastodon.org/methods/statuses/#create,
        and under `_link` what `find` looks for."""
        text = draft.parts[part].text
        payload: dict[str, Any] = {"status": text}
        language = draft.language.split("-")[0].lower()
        if re.fullmatch("[a-z]{2,3}", language):
            payload["language"] = language
        if warning := draft.options.get("cw"):
            payload["spoiler_text"] = warning
        if draft.link and draft.link in text:
            payload["_link"] = draft.link
        return payload

    def _place(self, part: int, parents: tuple[Receipt, ...]) -> dict[str, Any]:
        """Where a share stands. Later parts of a public thread stay off the public timelines."""
        visibility = self._account.visibility
        later = part > 0 and visibility == "public"
        place: dict[str, Any] = {"visibility": "unlisted" if later else visibility}
        if parents:
            place["in_reply_to_id"] = remote_id(parents[-1])
        return place

    def _edited_media(
        self, images: Sequence[Image], there: list[str], receipt: Receipt, notes: list[Message]
    ) -> dict[str, Any]:
        """https://docs.joinmastodon.org/methods/statuses/#edit: the same pictures are described
        anew, others take their place."""
        server = self._detect()
        pieces = self._media.fitted(images, server, notes)
        hashes = [piece.sha256 for piece in pieces]
        if there and hashes == receipt.extra.get("images") and len(hashes) == len(there):
            pairs = zip(there, pieces, strict=True)
            said = [{"id": media, **described(piece.image, server)} for media, piece in pairs]
            return {"media_ids": there, "media_attributes": said, "_images": hashes}
        media = self._media.upload(pieces, server, notes)
        return {"media_ids": media, "_images": hashes} if media else {}

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
        if answer.status != 200 or not isinstance(page, list) or not all(map(identifier, page)):
            raise self._unreadable(answer)
        return page

    def _account_id(self) -> str:
        """Who the token belongs to."""
        if self._id is None:
            self._id = identifier(self._who().json())
        assert self._id is not None
        return self._id

    def _who(self) -> Answer:
        """snac answers 422 to a token that it does not know."""
        answer = self._api.look("GET", "/api/v1/accounts/verify_credentials", rows=WHO_ROWS)
        if answer.status != 200 or identifier(answer.json()) is None:
            raise self._unreadable(answer)
        return answer

    def _status(self, status_id: str) -> dict[str, Any] | None:
        """One post as it is there now; None: it is not."""
        answer = self._api.look("GET", path_of(status_id))
        if answer.status in (404, 410):
            return None
        status = answer.json()
        if answer.status != 200 or identifier(status) is None:
            raise self._unreadable(answer)
        found: dict[str, Any] = status
        return found

    def _find_edit(self, payload: Json) -> Finding:
        """The text as it was written, where the server tells it (snac does not), else as shown."""
        from bot.posters.match import same_text, shows_text

        status = self._status(payload["_edit"])
        receipt = self._receipt(status, payload)
        if status is None or receipt is None:
            return Absent()
        answer = self._api.look("GET", path_of(payload["_edit"]) + "/source")
        source = dig(answer.json(), "text") if answer.status == 200 else None
        if isinstance(source, str):
            there = same_text(source, payload["status"])
        else:
            there = shows_text(str(status.get("content")), payload["status"])
        return Found(receipt=receipt) if there else Absent()

    def _delete(self, payload: Json, guard: Callable[[], None]) -> Receipt:
        """A post that is no longer there is what was asked for; a server that knows no deleting
        (snac) says the same of one that is."""
        try:
            self._api.act("DELETE", path_of(payload["_retract"]), guard=guard)
        except Rejected as error:
            if self._status(payload["_retract"]) is not None:
                raise Rejected(
                    msg("{where} does not delete the post.", where=self._api.host)
                ) from error
        return retracted(payload, self._clock.now())

    def _unreadable(self, answer: Answer) -> Transient:
        return Transient(
            msg(
                "The posts at {host} cannot be read back: {said}",
                host=self._api.host,
                said=self._api.said(answer),
            )
        )

    def _receipt(self, status: Any, payload: Json) -> Receipt | None:
        status_id = identifier(status)
        if status_id is None:
            return None
        url = web_url(status.get("url")) or web_url(status.get("uri"))
        extra = {"images": payload["_images"]} if payload.get("_images") else {}
        return Receipt(id=status_id, url=url, at=self._when(status), extra=extra)

    def _when(self, status: Mapping[str, Any]) -> datetime:
        return moment(status.get("created_at")) or self._clock.now()


def _images(draft: Draft, part: int, with_images: bool) -> tuple[Image, ...]:
    return draft.images if with_images and part == 0 else ()
