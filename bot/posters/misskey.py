"""Misskey. It knows no key for a request: a lost answer is settled by reading the account back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    NoEdit,
    ReadSecret,
    Row,
    bad_address,
    bearer,
    calls_left,
    cut,
    image_refused,
    missing_secret,
    moment,
    remote_id,
    reset_time,
    retract_payload,
    retracted,
    uploaded,
    verdict,
)
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Answer, File, Net

LIMIT = TextLimit(unit="code-points", maximum=3000)
"""MAX_NOTE_TEXT_LENGTH in
https://github.com/misskey-dev/misskey/blob/develop/packages/backend/src/const.ts"""

VISIBILITY = {"public": "public", "unlisted": "home", "private": "followers"}
ALT_LIMIT = 512  # DB_MAX_IMAGE_COMMENT_LENGTH, in the same file
WARNING_LIMIT = 100  # of `cw` in the API of notes/create
IMAGE_BYTES, IMAGE_SIDE = 10_000_000, 4096
PAGE, PAGES = 100, 5  # https://misskey-hub.net/docs/for-developers/api/endpoints/users/notes/
ASKED_SECONDS = 600

# https://misskey-hub.net/docs/for-developers/api/: {"error": {"code", "message", …}}
ROWS = (
    Row(403, "", Unauthorized),
    Row(400, "no_such_file", MediaRefused),
    Row(400, "authentication_failed", Unauthorized),
)
UPLOAD_ROWS = (Row(403, "permission_denied", MediaRefused), Row(403, "role_", MediaRefused))


class _Gone(Rejected):
    """There is no such note (any more)."""


GONE_ROWS = (Row(400, "no_such_note", _Gone), Row(404, "no_such_note", _Gone))


def missing(account: Account, read: ReadSecret) -> Message | None:
    return bad_address(account.instance) or missing_secret(account.token, read)


def make(account: Account, read: ReadSecret, net: Net, root: Path) -> MisskeyPoster:
    return MisskeyPoster(account, read, net, root)


class MisskeyPoster(NoEdit):
    network = "misskey"
    settling: float | None = None

    def __init__(self, account: Account, read: ReadSecret, net: Net, root: Path) -> None:
        self._account, self._clock, self._net = account, net.clock, net
        base = account.instance.rstrip("/")
        self._api = Api(net=net, base=base, login=bearer(account, account.token, read), rows=ROWS)
        self._public = Api(net=net, base=base, login=dict)
        self._pictures = root / "state" / "images"
        self._limit: tuple[float, int] | None = None
        self._id: str | None = None

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        self._api.login()  # a token that is not there is said before anything is called
        text = draft.parts[part].text
        if (limit := self._text_limit()) < len(text):
            where = self._api.host
            raise Rejected(
                msg("{where} takes at most {limit} characters.", where=where, limit=limit)
            )
        files: list[str] = []
        notes: list[Message] = []
        for image in draft.images if with_images and part == 0 else ():
            try:
                files.append(self._upload(image))
            except MediaRefused as error:
                notes.append(error.message)
        payload = self._payload(draft, part, parents, files)
        return Prepared(payload=payload, replay=Replay.SEARCHABLE, notes=tuple(notes))

    def prepare_retract(self, receipt: Receipt) -> Prepared:
        self._api.login()
        payload = retract_payload(receipt)
        return Prepared(payload=payload, replay=Replay.KEYED, key_seconds=FOREVER)

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        if "_retract" in payload:
            return self._delete(payload, guard)
        body = {name: value for name, value in payload.items() if not name.startswith("_")}
        answer = self._api.act("POST", "/api/notes/create", json=body, guard=guard).json()
        receipt = self._receipt(answer.get("createdNote") if isinstance(answer, dict) else None)
        if receipt is None:
            raise self._api.garbled()
        return receipt

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        if "_retract" in payload:
            there = self._is_there(payload["_retract"])
            return Absent() if there else Found(receipt=retracted(payload, self._clock.now()))
        for note in self._own_notes():
            receipt = self._receipt(note)
            if note is None or receipt is None:
                return CannotTell()
            if receipt.at <= since:
                return Absent()
            if receipt.id not in known and _matches(note, payload):
                return Found(receipt=receipt)
        return Absent()

    def recent(self, limit: int) -> list[Seen]:
        """The newest of one page."""
        page = self._page(self._notes_of_me() | {"limit": min(limit, PAGE)})
        found = ((note, self._receipt(note)) for note in page)
        return [_seen(note, receipt) for note, receipt in found if receipt]

    def identity(self) -> Identity:
        answer = self._who()
        me, host = answer.json(), self._api.host
        self._id = _identifier(me)
        return Identity(
            id=f"{self._id}@{host}",
            name=f"@{me.get('username')}@{host}",
            limit=replace(LIMIT, maximum=self._text_limit()),
            left=calls_left(answer.headers),
            resets=reset_time(answer.headers, self._clock.now()),
        )

    def learnt(self) -> TextLimit | None:
        return replace(LIMIT, maximum=self._limit[1]) if self._limit else None

    def close(self) -> None:
        """Nothing is kept open."""

    def _text_limit(self) -> int:
        """How long a note may be, asked anew after some minutes; the usual where it is not said."""
        now = self._clock.steady()
        if self._limit is not None and now - self._limit[0] < ASKED_SECONDS:
            return self._limit[1]
        try:
            meta = self._public.look("POST", "/api/meta", json={"detail": False}).json()
        except NotSent:
            meta = None
        limit = meta.get("maxNoteTextLength") if isinstance(meta, dict) else None
        limit = limit if isinstance(limit, int) and limit > 0 else LIMIT.maximum or 0
        self._limit = (now, limit)
        return limit

    def _payload(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], files: list[str]
    ) -> dict[str, Any]:
        """The body of notes/create; `_link` is what `find` looks for. The later parts of a public
        thread stay off the public timelines."""
        text, visibility = draft.parts[part].text, self._account.visibility
        later = part > 0 and visibility == "public"
        payload: dict[str, Any] = {
            "text": text,
            "visibility": "home" if later else VISIBILITY[visibility],
        }
        if files:
            payload["fileIds"] = files
        if warning := draft.options.get("cw"):
            payload["cw"] = cut(warning, WARNING_LIMIT)
        if parents:
            payload["replyId"] = remote_id(parents[-1])
        if draft.link and draft.link in text:
            payload["_link"] = draft.link
        return payload

    def _upload(self, image: Image) -> str:
        """The same bytes twice are one file there. MediaRefused where it is to go without.
        https://misskey-hub.net/docs/for-developers/api/endpoints/drive/files/create/"""
        from bot.posters.covers import fetcher
        from bot.posters.images import Limits, fitted

        limits = Limits(size=IMAGE_BYTES, side=IMAGE_SIDE, formats=("JPEG", "PNG", "WEBP"))
        picture = fitted(image, limits, self._pictures, fetcher(self._net))
        form = {"comment": cut(image.alt, ALT_LIMIT)} if image.alt else None
        files = {"file": (picture.name, picture.data, picture.mime)}
        answer = uploaded(lambda: self._upload_file(files, form), self._who)
        file_id = _identifier(answer.json())
        if answer.status != 200 or file_id is None:
            raise image_refused(self._api.host, image)
        return file_id

    def _upload_file(self, files: Mapping[str, File], form: Mapping[str, str] | None) -> Answer:
        path = "/api/drive/files/create"
        return self._api.look("POST", path, files=files, form=form, rows=UPLOAD_ROWS)

    def _delete(self, payload: Json, guard: Callable[[], None]) -> Receipt:
        """https://misskey-hub.net/docs/for-developers/api/endpoints/notes/delete/"""
        body = {"noteId": payload["_retract"]}
        with suppress(_Gone):
            self._api.act("POST", "/api/notes/delete", json=body, guard=guard, rows=GONE_ROWS)
        return retracted(payload, self._clock.now())

    def _is_there(self, note_id: str) -> bool:
        answer = self._api.look("POST", "/api/notes/show", json={"noteId": note_id})
        if verdict(answer, GONE_ROWS) is _Gone:
            return False
        if answer.status != 200:
            raise self._unreadable(self._api.said(answer))
        return True

    def _own_notes(self) -> Iterator[Any]:
        """Own notes, the newest first; None where there are more."""
        body = self._notes_of_me()
        for _ in range(PAGES):
            page = self._page(body)
            yield from page
            if not page:
                return
            body["untilId"] = _identifier(page[-1])
        yield None

    def _notes_of_me(self) -> dict[str, Any]:
        if self._id is None:
            self._id = _identifier(self._who().json())
        return {"userId": self._id, "limit": PAGE, "withReplies": True, "withRenotes": False}

    def _page(self, body: Json) -> list[Any]:
        answer = self._api.look("POST", "/api/users/notes", json=dict(body))
        page = answer.json()
        if answer.status != 200 or not isinstance(page, list):
            raise self._unreadable(self._api.said(answer))
        return page

    def _who(self) -> Answer:
        answer = self._api.look("POST", "/api/i", json={})
        if answer.status != 200 or _identifier(answer.json()) is None:
            raise self._unreadable(self._api.said(answer))
        return answer

    def _unreadable(self, said: str) -> Transient:
        host = self._api.host
        return Transient(
            msg("The posts at {host} cannot be read back: {said}", host=host, said=said)
        )

    def _receipt(self, note: Any) -> Receipt | None:
        note_id = _identifier(note)
        if note_id is None:
            return None
        when = moment(note.get("createdAt")) or self._clock.now()
        return Receipt(id=note_id, url=f"{self._api.base}/notes/{note_id}", at=when)


def _matches(note: Json, payload: Json) -> bool:
    """The same parent, and the article's link; without a link, the text."""
    from bot.posters.match import same_text, shows_link

    text = note.get("text")
    if note.get("replyId") != payload.get("replyId") or not isinstance(text, str):
        return False
    link = payload.get("_link")
    return shows_link(text, [], link) if link else same_text(text, payload["text"])


def _seen(note: Json, receipt: Receipt) -> Seen:
    from bot.posters.match import URLS

    text = str(note.get("text") or "")
    links = tuple(URLS.findall(text))
    return Seen(id=receipt.id, url=receipt.url, at=receipt.at, text=text, links=links)


def _identifier(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found.isalnum() else None
