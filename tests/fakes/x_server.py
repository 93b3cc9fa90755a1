"""An X that adds what its OpenAPI document lacks: signatures that are checked, weighted length,
t.co, duplicates refused, credits that run out, replies that are refused, tokens that rotate."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from html import escape
from types import SimpleNamespace
from typing import Any

from bot.compose.units import measure
from bot.model import TextLimit
from tests.fakes.contracts import x_violations
from tests.fakes.http import Call, FakeServer, Reply

HOSTS = {"/2/media/upload": "https://api.x.com", "/2/media/metadata": "https://api.x.com"}
CLIENT_ID = "Y2xpZW50"
LIMIT = TextLimit(unit="x-weighted", maximum=280, link_cost=23)
PROBLEM = "https://api.x.com/2/problems/"


class XServer(FakeServer):
    def __init__(self, secrets: Mapping[str, str], now: Callable[[], datetime]) -> None:
        super().__init__()
        self.secrets, self.now = secrets, now
        self.visible: list[dict[str, Any]] = []
        self.media: dict[str, dict[str, Any]] = {}
        self.script_for: dict[str, list[Reply]] = {}
        self.threads = True
        self.read = 0
        self.refresh, self.access, self.rotations = "refresh-0", dict[str, datetime](), 0
        self.codes: dict[str, tuple[str, str]] = {}
        self.client_secret: str | None = None
        self.token_answer: Reply | None = None  # after the old ones are void
        self._made = -1

    def shown(self, what: str) -> Any:
        return {"visible": self.visible, "violations": self.violations}[what]

    def breaks(self, call: Call) -> list[str]:
        return x_violations(call)

    def is_visible(self, call: Call) -> bool:
        deleting = call.method == "DELETE" and call.path.startswith("/2/tweets/")
        return deleting or (call.method, call.path) == ("POST", "/2/tweets")

    def handle(self, call: Call) -> Reply:
        with self.lock:
            if call.path == "/2/oauth2/token":
                return self._give_tokens(call)
            if not (self._borne(call) or self._signed(call)):
                return problem(401, "Unauthorized")
            if self.script_for.get(call.path):
                return self.script_for[call.path].pop(0)
            if call.path == "/2/users/me":
                me = {"id": "42", "name": "Alice", "username": "alice"}
                ends = str(int(self.now().timestamp()) + 900)
                left = {"x-rate-limit-remaining": "74", "x-rate-limit-reset": ends}
                return Reply(200, {"data": me}, left)
            if call.path == "/2/users/42/tweets":
                return self._list(call.query)
            if call.path == "/2/media/upload":
                return self._upload(call)
            if call.path == "/2/media/metadata":
                body = call.json()
                self.media[body["id"]]["alt"] = body["metadata"]["alt_text"]["text"]
                return Reply(200, {"data": {"id": body["id"]}})
            if call.path.startswith("/2/tweets/"):
                return self._one(call.method, call.path.removeprefix("/2/tweets/"))
            if self.is_visible(call):
                return self._create(call.json())
            return problem(404, "Not Found")

    def refusal(self, fault: str) -> Reply:
        if fault == "422":
            return problem(403, "You are not permitted to perform this action.")
        reply = problem(int(fault), "Too Many Requests" if fault == "429" else "Unauthorized")
        reply.headers = self.retry_headers if fault == "429" else {}
        return reply

    def add(self, text: str, **more: Any) -> dict[str, Any]:
        self._made += 1
        urls = []
        for number, url in enumerate(re.findall(r"https?://\S+", text)):
            short = f"https://t.co/{len(self.visible)}x{number}"
            text = text.replace(url, short)
            place = {"start": text.index(short), "end": text.index(short) + len(short)}
            urls.append({**place, "url": short, "expanded_url": url})
        post = {
            "id": str(10**18 + self._made),
            "text": escape(text, quote=False) + (" https://t.co/pic" if more.get("media") else ""),
            "created_at": self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "entities": {"urls": urls},
            **more,
        }
        self.visible.append(post)
        return post

    def _create(self, body: Any) -> Reply:
        text = body["text"]
        if measure(text, LIMIT)[0].length > 280:
            return problem(403, "You are not permitted to perform this action.")
        if any(post["sent"] == body for post in self.visible if "sent" in post):
            return problem(403, "You are not allowed to create a Tweet with duplicate content.")
        reply = body.get("reply")
        if reply and not self.threads:
            return problem(403, "Reply to this conversation is not allowed because …")
        media = body.get("media", {}).get("media_ids", [])
        if any(media_id not in self.media for media_id in media):
            return problem(400, "Your media IDs are invalid.", "invalid-request")
        parent = {"type": "replied_to", "id": reply["in_reply_to_tweet_id"]} if reply else None
        references = {"referenced_tweets": [parent]} if parent else {}
        post = self.add(text, sent=body, media=media, **references)
        return Reply(201, {"data": {"id": post["id"], "text": post["text"]}})

    def _list(self, query: dict[str, str]) -> Reply:
        since = datetime.fromisoformat(query.get("start_time", "2006-03-21T00:00:00Z"))
        posts = [p for p in self.visible if datetime.fromisoformat(p["created_at"]) >= since][::-1]
        first = int(query.get("pagination_token", 0))
        size = int(query["max_results"])
        page = [{k: v for k, v in p.items() if k != "sent"} for p in posts[first : first + size]]
        self.read += len(page)
        meta: dict[str, Any] = {"result_count": len(page)}
        if len(posts) > first + size:
            meta["next_token"] = str(first + size)
        return Reply(200, {"meta": meta} | ({"data": page} if page else {}))

    def _one(self, method: str, post_id: str) -> Reply:
        """https://docs.x.com/x-api/fundamentals/response-codes-and-errors: none is a 200, too."""
        post = next((post for post in self.visible if post["id"] == post_id), None)
        if method == "DELETE":
            if post is None:
                return problem(404, "Not Found", "resource-not-found")
            self.visible.remove(post)
            return Reply(200, {"data": {"deleted": True}})
        if post is None:
            error = {
                "title": "Not Found Error",
                "type": PROBLEM + "resource-not-found",
                "detail": f"Could not find tweet with id: [{post_id}].",
                "parameter": "id",
                "resource_id": post_id,
                "resource_type": "tweet",
                "value": post_id,
            }
            return Reply(200, {"errors": [error]})
        return Reply(200, {"data": {"id": post_id, "text": post["text"]}})

    def _upload(self, call: Call) -> Reply:
        parts = call.multipart()
        assert parts["media_category"][2] == b"tweet_image"
        media_id = str(7 * 10**17 + len(self.media))
        self.media[media_id] = {"bytes": parts["media"][2], "type": parts["media"][1], "alt": None}
        return Reply(200, {"data": {"id": media_id, "media_key": f"3_{media_id}"}})

    def allow(self, code: str, challenge: str, redirect: str) -> None:
        """A person has agreed to a login."""
        self.codes[code] = (challenge, redirect)

    def _borne(self, call: Call) -> bool:
        ends = self.access.get(call.token)
        return ends is not None and self.now() < ends

    def _give_tokens(self, call: Call) -> Reply:
        """A refresh token and a code are good once; the one before is void at once.
        https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code"""
        form = call.form()
        refusal = Reply(400, {"error": "invalid_request", "error_description": f"bad {form}"})
        if self.client_secret is not None:
            pair = base64.b64encode(f"{CLIENT_ID}:{self.client_secret}".encode()).decode()
            if call.headers.get("authorization") != f"Basic {pair}":
                return Reply(401, {"error": "unauthorized_client"})
        if form.get("client_id") != CLIENT_ID:
            return refusal
        if form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if self.codes.pop(form["code"], None) != (challenge, form["redirect_uri"]):
                return refusal
        elif form.get("refresh_token") != self.refresh:
            return refusal
        self.rotations += 1
        self.refresh = f"refresh-{self.rotations}"
        access = f"access-{self.rotations}"
        self.access = {access: self.now() + timedelta(hours=2)}
        body = {"token_type": "bearer", "expires_in": 7200, "access_token": access}
        if self.token_answer is not None:
            return self.token_answer
        return Reply(200, body | {"refresh_token": self.refresh})

    def _signed(self, call: Call) -> bool:
        """https://www.rfc-editor.org/rfc/rfc5849#section-3.4"""
        from oauthlib.oauth1.rfc5849 import (  # type: ignore[import-untyped, unused-ignore]
            signature,
        )

        header = call.headers.get("authorization", "")
        given = signature.collect_parameters(
            headers={"Authorization": header}, exclude_oauth_signature=False
        )
        oauth = dict(given)
        url = HOSTS.get(call.path, "https://api.twitter.com") + call.path
        params = [(k, v) for k, v in given if k != "oauth_signature"] + list(call.query.items())
        base = signature.signature_base_string(
            call.method, signature.base_string_uri(url), signature.normalize_parameters(params)
        )
        client = SimpleNamespace(
            client_secret=self.secrets["consumer_secret"],
            resource_owner_secret=self.secrets["access_token_secret"],
        )
        expected = signature.sign_hmac_sha1_with_client(base, client)
        keys = (oauth.get("oauth_consumer_key"), oauth.get("oauth_token"))
        right = keys == (self.secrets["consumer_key"], self.secrets["access_token"])
        return right and oauth.get("oauth_signature") == expected


def problem(status: int, detail: str, kind: str = "") -> Reply:
    body = {"title": "x", "detail": detail, "type": PROBLEM + kind if kind else "about:blank"}
    return Reply(status, body | {"status": status}, {"Content-Type": "application/problem+json"})
