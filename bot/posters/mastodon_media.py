"""The pictures of a post at a server of the Mastodon API: made to fit, uploaded, described."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from bot.errors import MediaRefused, Transient
from bot.i18n import Message, msg
from bot.model import Image
from bot.posters.base import Api, Row, cut, image_refused, uploaded
from bot.posters.mastodon_server import Server
from bot.posters.mastodon_status import identifier

if TYPE_CHECKING:
    from bot.net import Answer, File
    from bot.posters.images import Fitted

POLL_SECONDS, POLL_FOR = 1.0, 30.0
UPLOAD_ROWS = (Row(403, "", MediaRefused),)  # a token without write:media can still write


class Piece(NamedTuple):
    """A picture of the post, and as the server takes it."""

    image: Image
    picture: Fitted

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.picture.data).hexdigest()


class Media:
    """`store` keeps what was made; `alive` is a call that tells whether the server answers."""

    def __init__(self, api: Api, store: Path, alive: Callable[[], object]) -> None:
        self._api, self._store, self._alive = api, store, alive

    def fitted(self, images: Iterable[Image], server: Server, notes: list[Message]) -> list[Piece]:
        """What can be sent; the rest is noted."""
        from bot.posters.covers import fetcher
        from bot.posters.images import fitted

        found: list[Piece] = []
        fetch = fetcher(self._api.net)
        for image in images:
            try:
                found.append(Piece(image, fitted(image, server.pictures, self._store, fetch)))
            except MediaRefused as error:
                notes.append(error.message)
        return found

    def upload(self, pieces: Sequence[Piece], server: Server, notes: list[Message]) -> list[str]:
        """The ids of what the server took; the rest is noted."""
        found: list[str] = []
        for piece in pieces:
            media = uploaded(lambda piece=piece: self._upload(piece, server), self._alive)  # type: ignore[misc]
            if media is None:
                notes.append(image_refused(self._api.host, piece.image).message)
            else:
                found.append(media)
        return found

    def _upload(self, piece: Piece, server: Server) -> str | None:
        """The id of the uploaded picture; None: it is not taken."""
        files = {"file": (piece.picture.name, piece.picture.data, piece.picture.mime)}
        return self._ready(self._post(files, described(piece.image, server) or None))

    def _post(self, files: Mapping[str, File], form: Mapping[str, str] | None) -> Answer:
        """https://docs.joinmastodon.org/methods/media/#v2, or its elder."""
        for path in ("/api/v2/media", "/api/v1/media"):
            answer = self._api.look("POST", path, files=files, form=form, rows=UPLOAD_ROWS)
            if answer.status not in (404, 405, 410):
                break
        return answer

    def _ready(self, answer: Answer) -> str | None:
        """The media's id as soon as the server has processed it; None: refused."""
        media_id, clock = identifier(answer.json()), self._api.net.clock
        until = clock.steady() + POLL_FOR
        while answer.status in (202, 206) and media_id:
            if clock.steady() >= until:
                raise Transient(msg("{host} is still processing the image.", host=self._api.host))
            clock.wait(Event(), POLL_SECONDS)
            answer = self._api.look("GET", f"/api/v1/media/{quote(media_id, safe='')}")
        return media_id if 200 <= answer.status < 300 else None


def described(image: Image, server: Server) -> dict[str, str]:
    """https://docs.joinmastodon.org/methods/media/#v2: what is said of a picture."""
    said = {"description": cut(image.alt, server.description_limit)} if image.alt else {}
    if image.focus is not None:
        said["focus"] = ",".join(f"{max(-1.0, min(1.0, value)):.4g}" for value in image.focus)
    return said
