"""Misskey. It knows no key for a request: a lost answer is settled by reading the account back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
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
)
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Net

LIMIT = TextLimit(unit="code-points", maximum=3000)
"""MAX_NOTE_TEXT_LENGTH in
https://github.com/misskey-dev/misskey/blob/develop/packages/backend/src/const.ts"""

VISIBILITY = {"public": "public", "unlisted": "home", "private": "followers"}
ALT_LIMIT = 512  # DB_MAX_IMAGE_COMMENT_LENGTH, in the same file
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


def missing(account: Account, read: ReadSecret) -> Message | None:
    return bad_address(account.instance) or missing_secret(account.token, read)


def make(account: Account, read: ReadSecret, net: Net, root: Path) -> MisskeyPoster:
    return MisskeyPoster(account, read, net, root)


class MisskeyPoster:
    network = "misskey"
    settling: float | None = None

    def __init__(self, account: Account, read: ReadSecret, net: Net, root: Path) -> None:
        self._account, self._clock = account, net.clock
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

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        body = {name: value for name, value in payload.items() if not name.startswith("_")}
        answer = self._api.act("POST", "/api/notes/create", json=body, guard=guard).json()
        receipt = self._receipt(answer.get("createdNote") if isinstance(answer, dict) else None)
        if receipt is None:
            raise self._api.garbled()
        return receipt

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        for note in self._own_notes():
            receipt = self._receipt(note)
            if note is None or receipt is None:
                return CannotTell()
            if receipt.at <= since:
                return Absent()
            if receipt.id not in known and _matches(note, payload):
                return Found(receipt=receipt)
        return Absent()

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
        if parents:
            payload["replyId"] = parents[-1].id
        if draft.link and draft.link in text:
            payload["_link"] = draft.link
        return payload

    def _upload(self, image: Image) -> str:
        """The same bytes twice are one file there. MediaRefused where it is to go without.
        https://misskey-hub.net/docs/for-developers/api/endpoints/drive/files/create/"""
        from bot.posters.images import Limits, fitted

        limits = Limits(size=IMAGE_BYTES, side=IMAGE_SIDE, formats=("JPEG", "PNG", "WEBP"))
        picture = fitted(image, limits, self._pictures)
        form = {"comment": cut(image.alt, ALT_LIMIT)} if image.alt else None
        answer = self._api.look(
            "POST",
            "/api/drive/files/create",
            files={"file": ("image", picture.data, picture.mime)},
            form=form,
            rows=UPLOAD_ROWS,
        )
        file_id = _identifier(answer.json())
        if answer.status != 200 or file_id is None:
            host, name = self._api.host, image.shown or image.url or ""
            raise MediaRefused(
                msg(
                    "{host} does not accept the image {image}: sent without it.",
                    host=host,
                    image=name,
                )
            )
        return file_id

    def _own_notes(self) -> Iterator[Any]:
        """Own notes, the newest first; None where there are more."""
        body = {"userId": self._user_id(), "limit": PAGE, "withReplies": True, "withRenotes": False}
        for _ in range(PAGES):
            answer = self._api.look("POST", "/api/users/notes", json=body)
            page = answer.json()
            if answer.status != 200 or not isinstance(page, list):
                raise self._unreadable(self._api.said(answer))
            yield from page
            if not page:
                return
            body["untilId"] = _identifier(page[-1])
        yield None

    def _user_id(self) -> str:
        if self._id is None:
            answer = self._api.look("POST", "/api/i", json={})
            self._id = _identifier(answer.json()) if answer.status == 200 else None
            if self._id is None:
                raise self._unreadable(self._api.said(answer))
        return self._id

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


def _identifier(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found.isalnum() else None
