"""The calls to X: tweepy's where it has them, signed ones of our own for media, which it lacks.

tweepy speaks through `requests`; here that is an adapter over bot.net, so that its calls have the
same deadline, guard and verdicts as all others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import tweepy
from oauthlib.oauth1 import Client as Signer  # type: ignore[import-untyped, unused-ignore]
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from bot.errors import OutcomeUnknown, Transient
from bot.i18n import msg
from bot.posters.base import Api, Row

if TYPE_CHECKING:
    from bot.net import Net

TWEEPY = "https://api.twitter.com"  # fixed in tweepy, and part of what it signs
MEDIA = "https://api.x.com"
FIELDS = ["created_at", "entities", "referenced_tweets"]


class XApi:
    """One account's calls, for one piece of work. `server` stands in for X in tests."""

    def __init__(
        self, net: Net, secrets: Sequence[str], rows: tuple[Row, ...], server: str | None
    ) -> None:
        for name in ("tweepy", "oauthlib", "requests_oauthlib"):  # they tell headers at DEBUG
            logging.getLogger(name).setLevel(logging.WARNING)
        self._secrets, self._rows, self._net = secrets, rows, net
        self._posts = self._api(server or TWEEPY)
        self._media = self._api(server or MEDIA)

    def create_post(self, guard: Callable[[], None], **fields: Any) -> Any:
        """The visible call."""
        return self._data(self._client(guard).create_tweet, user_auth=True, **fields)[0]

    def who(self) -> str:
        """The account's own id."""
        me, _ = self._data(self._client().get_me, user_auth=True)
        found = me.get("id") if isinstance(me, dict) else None
        if not isinstance(found, str):
            raise self._unreadable()
        return found

    def posts(
        self, user: str, start: datetime, page: str | None, limit: int
    ) -> tuple[list[Any], str | None]:
        """Own posts since `start`, and the next page."""
        data, meta = self._data(
            self._client().get_users_tweets,
            user,
            start_time=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            pagination_token=page,
            max_results=limit,
            exclude=["retweets"],
            tweet_fields=FIELDS,
            user_auth=True,
        )
        if not isinstance(meta, dict) or not isinstance(data or [], list):
            raise self._unreadable()
        following = meta.get("next_token")
        return data or [], following if isinstance(following, str) else None

    def upload(self, data: bytes, mime: str) -> str | None:
        """https://docs.x.com/x-api/media/upload-media; None: refused."""
        files = {"media": ("image", data, mime)}
        path, form = "/2/media/upload", {"media_category": "tweet_image"}
        answer = self._media.look("POST", path, files=files, form=form, headers=self._sign(path))
        body = answer.json()
        media = body.get("data") if isinstance(body, dict) and answer.status < 300 else None
        found = media.get("id") if isinstance(media, dict) else None
        return found if isinstance(found, str) else None

    def describe(self, media_id: str, alt: str) -> bool:
        """https://docs.x.com/x-api/media/create-media-metadata"""
        path = "/2/media/metadata"
        body = {"id": media_id, "metadata": {"alt_text": {"text": alt}}}
        return self._media.look("POST", path, json=body, headers=self._sign(path)).status < 300

    def garbled(self) -> OutcomeUnknown:
        return self._posts.garbled()

    def _client(self, guard: Callable[[], None] | None = None) -> tweepy.Client:
        client = tweepy.Client(
            consumer_key=self._secrets[0],
            consumer_secret=self._secrets[1],
            access_token=self._secrets[2],
            access_token_secret=self._secrets[3],
            return_type=dict,
        )
        client.session.trust_env = False
        client.session.mount(TWEEPY, _OverNet(self._posts, guard))
        return client

    def _data(self, call: Callable[..., Any], *values: Any, **fields: Any) -> tuple[Any, Any]:
        """`data` and `meta` of an answer; None where there is nothing to read."""
        try:
            body = call(*values, **{k: v for k, v in fields.items() if v is not None})
        except tweepy.TweepyException:  # a look that was refused; the visible call is judged before
            raise self._unreadable() from None
        except ValueError:  # no JSON
            body = None
        return (body.get("data"), body.get("meta")) if isinstance(body, dict) else (None, None)

    def _sign(self, path: str) -> dict[str, str]:
        """OAuth 1.0a; neither JSON nor multipart is part of what is signed (RFC 5849 §3.4.1.3.1)."""
        key, secret, owner, owner_secret = self._secrets
        signer = Signer(key, secret, owner, owner_secret)
        _, headers, _ = signer.sign(MEDIA + path, "POST")
        return {str(name): str(value) for name, value in headers.items()}

    def _api(self, base: str) -> Api:
        return Api(
            net=self._net, base=base, login=dict, rows=self._rows, hidden=lambda: self._secrets
        )

    def _unreadable(self) -> Transient:
        return Transient(msg("The posts at X cannot be read back."))


class _OverNet(BaseAdapter):
    """What tweepy sends goes over bot.net; what X refuses is raised as its verdict."""

    def __init__(self, api: Api, guard: Callable[[], None] | None) -> None:
        super().__init__()
        self._api, self._guard = api, guard

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        headers = {"Content-Type": "application/json"}
        for name, value in request.headers.items():
            text = value.decode("ascii") if isinstance(value, bytes) else value
            if name.lower() in ("authorization", "content-type"):
                headers[name] = text
        path = (request.url or "").removeprefix(TWEEPY)
        body = request.body.encode() if isinstance(request.body, str) else request.body
        more: dict[str, Any] = {"content": body, "headers": headers}
        if self._guard is None:
            answer = self._api.look(request.method or "GET", path, **more)
        else:
            answer = self._api.act(request.method or "POST", path, guard=self._guard, **more)
        response = Response()
        response.status_code, response._content = answer.status, answer.body
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Nothing is kept open."""
