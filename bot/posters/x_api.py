"""The calls to X: tweepy's where it has them, signed ones of our own for media, which it lacks.

tweepy speaks through `requests`; here that is an adapter over bot.net, so that its calls have the
same deadline, guard and verdicts as all others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import tweepy
from oauthlib.oauth1 import Client as Signer  # type: ignore[import-untyped, unused-ignore]
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from bot.errors import OutcomeUnknown, Rejected, Transient
from bot.i18n import msg
from bot.posters.base import Api, Row

if TYPE_CHECKING:
    from bot.net import Answer, Net

TWEEPY = "https://api.twitter.com"  # fixed in tweepy, and part of what it signs
MEDIA = "https://api.x.com"
FIELDS = ["created_at", "entities", "referenced_tweets"]


class Gone(Rejected):
    """There is no such post (any more)."""


GONE_ROWS = (Row(404, "", Gone),)


class Signed:
    """OAuth 1.0a: each call is signed with the four secrets of app and account."""

    user_auth = True

    def __init__(self, secrets: Sequence[str]) -> None:
        self.secrets = tuple(secrets)

    def client(self) -> tweepy.Client:
        names = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
        return tweepy.Client(**dict(zip(names, self.secrets, strict=True)), return_type=dict)

    def headers(self, path: str) -> dict[str, str]:
        """Neither JSON nor multipart is part of what is signed (RFC 5849 §3.4.1.3.1)."""
        _, headers, _ = Signer(*self.secrets).sign(MEDIA + path, "POST")
        return {str(name): str(value) for name, value in headers.items()}


class Borne:
    """OAuth 2.0: an access token of the account."""

    user_auth = False

    def __init__(self, access: str) -> None:
        self.secrets = (access,)

    def client(self) -> tweepy.Client:
        return tweepy.Client(bearer_token=self.secrets[0], return_type=dict)

    def headers(self, path: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets[0]}"}


class XApi:
    """One account's calls, for one piece of work. `server` stands in for X in tests; `told` are the
    headers of the last answer to tweepy."""

    def __init__(
        self, net: Net, login: Signed | Borne, rows: tuple[Row, ...], server: str | None
    ) -> None:
        for name in ("tweepy", "oauthlib", "requests_oauthlib"):  # they tell headers at DEBUG
            logging.getLogger(name).setLevel(logging.WARNING)
        self._login, self._rows, self._net = login, rows, net
        self.told: Mapping[str, str] = {}
        self._posts = self._api(server or TWEEPY)
        self._media = self._api(server or MEDIA)

    def create_post(self, guard: Callable[[], None], **fields: Any) -> Any:
        """The visible call."""
        return self._data(self._client(guard).create_tweet, **fields)[0]

    def delete_post(self, guard: Callable[[], None], post: str) -> None:
        """The visible call. https://docs.x.com/x-api/posts/delete-post; one that is gone is well."""
        data, _ = self._data(self._client(guard, GONE_ROWS).delete_tweet, post)
        if not isinstance(data, dict) or data.get("deleted") is not True:
            raise self.garbled()

    def there(self, post: str) -> bool:
        """https://docs.x.com/x-api/posts/get-post-by-id: a 200 may say that there is none."""
        try:
            answer = self._client().get_tweet(post, user_auth=self._login.user_auth)
        except tweepy.NotFound:
            return False
        except (tweepy.TweepyException, ValueError):
            raise self._unreadable() from None
        if isinstance(answer, dict) and isinstance(answer.get("data"), dict):
            return True
        if "resource-not-found" in str(answer):
            return False
        raise self._unreadable()

    def who(self) -> tuple[str, str]:
        """The account's own id and name."""
        me, _ = self._data(self._client().get_me)
        found = (me.get("id"), me.get("username")) if isinstance(me, dict) else (None, None)
        if not isinstance(found[0], str):
            raise self._unreadable()
        return found[0], str(found[1])

    def posts(
        self, user: str, start: datetime | None, page: str | None, limit: int
    ) -> tuple[list[Any], str | None]:
        """Own posts since `start`, and the next page."""
        data, meta = self._data(
            self._client().get_users_tweets,
            user,
            start_time=start and start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            pagination_token=page,
            max_results=limit,
            exclude=["retweets"],
            tweet_fields=FIELDS,
        )
        if not isinstance(meta, dict) or not isinstance(data or [], list):
            raise self._unreadable()
        following = meta.get("next_token")
        return data or [], following if isinstance(following, str) else None

    def upload(self, data: bytes, mime: str) -> str | None:
        """https://docs.x.com/x-api/media/upload-media; None: refused."""
        files = {"media": ("image", data, mime)}
        path, form = "/2/media/upload", {"media_category": "tweet_image"}
        answer = self._media.look(
            "POST", path, files=files, form=form, headers=self._login.headers(path)
        )
        body = answer.json()
        media = body.get("data") if isinstance(body, dict) and answer.status < 300 else None
        found = media.get("id") if isinstance(media, dict) else None
        return found if isinstance(found, str) else None

    def describe(self, media_id: str, alt: str) -> bool:
        """https://docs.x.com/x-api/media/create-media-metadata"""
        path = "/2/media/metadata"
        body = {"id": media_id, "metadata": {"alt_text": {"text": alt}}}
        return (
            self._media.look("POST", path, json=body, headers=self._login.headers(path)).status
            < 300
        )

    def garbled(self) -> OutcomeUnknown:
        return self._posts.garbled()

    def _client(
        self, guard: Callable[[], None] | None = None, rows: tuple[Row, ...] = ()
    ) -> tweepy.Client:
        client = self._login.client()
        client.session.trust_env = False
        client.session.mount(TWEEPY, _OverNet(self._posts, guard, rows, self._hear))
        return client

    def _hear(self, answer: Answer) -> None:
        self.told = answer.headers

    def _data(self, call: Callable[..., Any], *values: Any, **fields: Any) -> tuple[Any, Any]:
        """`data` and `meta` of an answer; None where there is nothing to read."""
        try:
            given = {name: value for name, value in fields.items() if value is not None}
            body = call(*values, user_auth=self._login.user_auth, **given)
        except tweepy.TweepyException:  # a look that was refused; the visible call is judged before
            raise self._unreadable() from None
        except ValueError:  # no JSON
            body = None
        return (body.get("data"), body.get("meta")) if isinstance(body, dict) else (None, None)

    def _api(self, base: str) -> Api:
        secrets = self._login.secrets
        return Api(net=self._net, base=base, login=dict, rows=self._rows, hidden=lambda: secrets)

    def _unreadable(self) -> Transient:
        return Transient(msg("The posts at X cannot be read back."))


class _OverNet(BaseAdapter):
    """What tweepy sends goes over bot.net; what X refuses is raised as its verdict."""

    def __init__(
        self,
        api: Api,
        guard: Callable[[], None] | None,
        rows: tuple[Row, ...],
        hear: Callable[[Answer], None],
    ) -> None:
        super().__init__()
        self._api, self._guard, self._rows, self._hear = api, guard, rows, hear

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        headers = {"Content-Type": "application/json"}
        for name, value in request.headers.items():
            text = value.decode("ascii") if isinstance(value, bytes) else value
            if name.lower() in ("authorization", "content-type"):
                headers[name] = text
        path = (request.url or "").removeprefix(TWEEPY)
        body = request.body.encode() if isinstance(request.body, str) else request.body
        more: dict[str, Any] = {"content": body, "headers": headers, "rows": self._rows}
        if self._guard is None:
            answer = self._api.look(request.method or "GET", path, **more)
        else:
            answer = self._api.act(request.method or "POST", path, guard=self._guard, **more)
        self._hear(answer)
        response = Response()
        response.status_code, response._content = answer.status, answer.body
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Nothing is kept open."""
