"""Bluesky, and every server of the AT Protocol.

A post is written with `putRecord` under a key of ours, and `swapRecord: null`: the same request
again changes nothing, for ever. So a lost answer is settled by asking again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import MediaRefused, Transient
from bot.i18n import Message, msg
from bot.model import (
    Absent,
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
    bad_address,
    calls_left,
    cut,
    image_refused,
    missing_secret,
    reset_time,
    retract_payload,
    retracted,
    token,
    uploaded,
)
from bot.posters.bluesky_record import (
    CLOCK_IDS,
    COLLECTION,
    micros,
    post_record,
    post_url,
    seen,
    tid,
)
from bot.posters.bluesky_session import Session, Sessions, token_end
from bot.posters.kept import Kept, StaleToken, session_file
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Answer, Net
    from bot.posters.images import Fitted

LIMIT = TextLimit(unit="graphemes", maximum=300, byte_cap=3000)
"""maxGraphemes and maxLength of `text` in
https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/post.json"""

NOT_THERE = "RecordNotFound"
PAGE = 100
IMAGE_BYTES = (
    1_000_000  # maxSize in lexicons/app/bsky/embed/external.json; older servers: images too
)
IMAGE_SIDE = 2000
ALT_LIMIT = 2000  # no limit in the lexicon; what the official app takes


def missing(account: Account, read: ReadSecret) -> Message | None:
    if not account.handle:
        return msg("No handle is set.")
    return bad_address(account.pds) or missing_secret(account.app_password, read)


def make(account: Account, read: ReadSecret, net: Net, root: Path) -> BlueskyPoster:
    return BlueskyPoster(account, read, net, root)


def login_ends(account: Account, root: Path) -> datetime | None:
    """When the kept session ends unless bot renews it, which each use does."""
    return token_end(str(Kept(session_file(root, account)).read().get("refresh")))


class BlueskyPoster(NoEdit):
    """Edits: a record can be changed, but the network's readers do not follow that."""

    network = "bluesky"
    settling: float | None = None

    def __init__(self, account: Account, read: ReadSecret, net: Net, root: Path) -> None:
        self._account, self._clock, self._net = account, net.clock, net
        self._sessions = Sessions(
            account,
            net,
            session_file(root, account),
            lambda: token(account, account.app_password, read),
        )
        self._pictures = root / "state" / "images"
        self._clock_id = secrets.randbelow(CLOCK_IDS)
        self._last = 0

    def prepare(
        self, draft: Draft, part: int, parents: tuple[Receipt, ...], with_images: bool
    ) -> Prepared:
        session = self._sessions.current()
        notes: list[Message] = []
        embed = self._embed(draft, with_images, notes) if part == 0 else None
        self._last = max(micros(self._clock.now()), self._last + 1)
        record = post_record(
            text=draft.parts[part].text,
            created=self._last,
            language=draft.language,
            link=draft.link,
            hashtags=draft.hashtags,
            embed=embed,
            parents=parents,
        )
        payload = {
            "repo": session.did,
            "collection": COLLECTION,
            "rkey": tid(self._last, self._clock_id),
            "record": record,
            "swapRecord": None,
        }
        return Prepared(
            payload=payload, replay=Replay.KEYED, key_seconds=FOREVER, notes=tuple(notes)
        )

    def prepare_retract(self, receipt: Receipt) -> Prepared:
        """https://docs.bsky.app/docs/api/com-atproto-repo-delete-record: again changes nothing."""
        session, payload = self._sessions.current(), retract_payload(receipt)
        payload |= {"repo": session.did, "collection": COLLECTION, "rkey": payload["_retract"]}
        return Prepared(payload=payload, replay=Replay.KEYED, key_seconds=FOREVER)

    def commit(self, payload: Json, key: str, guard: Callable[[], None]) -> Receipt:
        session = self._sessions.current()
        api, name = self._api(session), "deleteRecord" if "_retract" in payload else "putRecord"
        body = {field: value for field, value in payload.items() if not field.startswith("_")}
        try:
            answer = api.act("POST", f"/xrpc/com.atproto.repo.{name}", json=body, guard=guard)
        except StaleToken:  # nothing was posted; the next `prepare` refreshes
            self._sessions.reject(session.access)
            raise
        if "_retract" in payload:
            return retracted(payload, self._clock.now())
        receipt = self._receipt(answer.json(), payload)
        if receipt is None:
            raise api.garbled()
        return receipt

    def find(self, payload: Json, key: str, since: datetime, known: Collection[str]) -> Finding:
        """The record under our key: ours only where it says what ours says."""
        params = {name: payload[name] for name in ("repo", "collection", "rkey")}
        answer = self._look("GET", "/xrpc/com.atproto.repo.getRecord", params=params)
        body = answer.json()
        retract = "_retract" in payload
        if answer.status == 400 and isinstance(body, dict) and body.get("error") == NOT_THERE:
            return Found(receipt=retracted(payload, self._clock.now())) if retract else Absent()
        if retract and answer.status == 200:
            return Absent()
        receipt = self._receipt(body, payload) if answer.status == 200 else None
        if receipt is None:
            raise self._unreadable()
        ours = body.get("value") == payload["record"] and receipt.id not in known
        return Found(receipt=receipt) if ours else Absent()

    def recent(self, limit: int) -> list[Seen]:
        """https://docs.bsky.app/docs/api/com-atproto-repo-list-records"""
        params = {"repo": self._sessions.current().did, "collection": COLLECTION}
        params["limit"] = str(min(limit, PAGE))
        answer = self._look("GET", "/xrpc/com.atproto.repo.listRecords", params=params)
        body = answer.json()
        records = body.get("records") if isinstance(body, dict) and answer.status == 200 else None
        if not isinstance(records, list):
            raise self._unreadable()
        return [post for record in records if (post := seen(record))]

    def identity(self) -> Identity:
        """https://docs.bsky.app/docs/api/com-atproto-server-get-session"""
        answer = self._who()
        body, session = answer.json(), self._sessions.current()
        if answer.status != 200 or not isinstance(body, dict) or body.get("did") != session.did:
            raise self._unreadable()
        return Identity(
            id=session.did,
            name=f"@{body.get('handle')}",
            limit=LIMIT,
            left=calls_left(answer.headers),
            resets=reset_time(answer.headers, self._clock.now()),
            ends=token_end(session.refresh),
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def _embed(self, draft: Draft, with_images: bool, notes: list[Message]) -> Json | None:
        """As the draft says: a card of the article with the cover as its picture, the pictures
        themselves (the card stands in where none can be sent), or nothing."""
        images, wish = draft.images if with_images else (), draft.options.get("embed", "card")
        if wish == "none":
            return None
        if wish == "image" and images:
            shown = [entry for image in images if (entry := self._shown(image, notes))]
            if shown:
                return {"$type": "app.bsky.embed.images", "images": shown[:4]}
        thumb = next((blob for image in images[:1] if (blob := self._upload(image, notes))), None)
        card = {"uri": draft.url, "title": draft.title, "description": draft.description}
        return {
            "$type": "app.bsky.embed.external",
            "external": card | ({"thumb": thumb[0]} if thumb else {}),
        }

    def _shown(self, image: Image, notes: list[Message]) -> dict[str, Any] | None:
        uploaded = self._upload(image, notes)
        if uploaded is None:
            return None
        blob, picture = uploaded
        ratio = {"width": picture.width, "height": picture.height}
        return {"image": blob, "alt": cut(image.alt, ALT_LIMIT), "aspectRatio": ratio}

    def _upload(self, image: Image, notes: list[Message]) -> tuple[Any, Fitted] | None:
        """https://docs.bsky.app/docs/api/com-atproto-repo-upload-blob"""
        from bot.posters.covers import fetcher
        from bot.posters.images import Limits, fitted

        limits = Limits(size=IMAGE_BYTES, side=IMAGE_SIDE)
        try:
            picture = fitted(image, limits, self._pictures, fetcher(self._net))
        except MediaRefused as error:
            notes.append(error.message)
            return None
        answer = uploaded(lambda: self._upload_blob(picture), self._who)
        body = answer.json()
        blob = body.get("blob") if isinstance(body, dict) and answer.status == 200 else None
        if not isinstance(blob, dict):
            notes.append(image_refused("Bluesky", image).message)
            return None
        return blob, picture

    def _upload_blob(self, picture: Fitted) -> Answer:
        path, headers = "/xrpc/com.atproto.repo.uploadBlob", {"Content-Type": picture.mime}
        return self._look("POST", path, content=picture.data, headers=headers)

    def _who(self) -> Answer:
        return self._look("GET", "/xrpc/com.atproto.server.getSession")

    def _look(self, method: str, path: str, **more: Any) -> Answer:
        """A call that shows nothing; a token that is refused is renewed once."""
        session = self._sessions.current()
        try:
            return self._api(session).look(method, path, **more)
        except StaleToken:
            self._sessions.reject(session.access)
            return self._api(self._sessions.current()).look(method, path, **more)

    def _api(self, session: Session) -> Api:
        return self._sessions.api(session.pds, session.access)

    def _unreadable(self) -> Transient:
        where = self._account.handle
        return Transient(msg("The posts of {where} cannot be read back.", where=where))

    def _receipt(self, body: Any, payload: Json) -> Receipt | None:
        uri, cid = (body.get("uri"), body.get("cid")) if isinstance(body, dict) else (None, None)
        if not isinstance(uri, str) or not isinstance(cid, str):
            return None
        url = post_url(payload["repo"], payload["rkey"])
        when = datetime.fromisoformat(payload["record"]["createdAt"])
        return Receipt(id=uri, url=url, at=when, extra={"cid": cid})
