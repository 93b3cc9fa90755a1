"""A server of the Mastodon API that keeps the list of visible posts and can be made to fail.

    python -m tests.fakes.mastodon_server --port 0 --flavour mastodon --faults drop_after=0.1 \
        --seed 1 --state visible.jsonl

It prints its base URL. GET /_visible lists the posts, GET /_violations what broke the contract,
POST /_faults (body: the SPEC) changes the faults. The flavours: `mastodon` keeps Idempotency-Keys
for an hour from the creation, per account, whatever the body
(https://github.com/mastodon/mastodon/blob/main/app/services/post_status_service.rb);
`mastodon46` answers 500 to a repeated key (https://github.com/mastodon/mastodon/issues/40399);
`gotosocial` knows none.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from tests.fakes.contracts import mastodon_violations
from tests.fakes.http import Call, FakeServer, Reply

VERSIONS = {
    "mastodon": "4.5.2",
    "mastodon46": "4.6.3",
    "gotosocial": "0.20.1+git-6a8e5dd",
    "pleroma": "2.7.2 (compatible; Pleroma 2.9.1)",
}
LIMITS = {"mastodon": 500, "mastodon46": 500, "gotosocial": 5000, "pleroma": 5000}
KEY_SECONDS = 3600
FORBIDDEN_TOKENS = ("", "expired")


def utcnow() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a server has its own clock


class MastodonServer(FakeServer):
    def __init__(
        self,
        flavour: str = "mastodon",
        *,
        port: int = 0,
        seed: int = 0,
        state: Path | None = None,
        now: Callable[[], datetime] = utcnow,
        hosts: dict[str, str] | None = None,
    ) -> None:
        super().__init__(port, seed)
        self.flavour, self.now, self.version = flavour, now, VERSIONS[flavour]
        self.visible: list[dict[str, Any]] = []
        self.media: dict[str, dict[str, Any]] = {}
        self.media_script: list[Reply] = []
        self.has_v2 = self.turns_pages = self.tells_source = self.deletes = True
        self.new_ids = self.ill = False
        self.leaves_out_reblogs = True
        self.app: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.media_limits: dict[str, Any] = {"description_limit": 1500}
        self.processing = 0
        self._keys: dict[tuple[str, str], tuple[datetime, dict[str, Any]]] = {}
        self._accounts: dict[str, str] = {}
        self._last_id = 0
        self._state = state
        if state is not None and state.exists():
            for line in state.read_text(encoding="utf-8").splitlines():
                self._remember(json.loads(line))

    def _remember(self, post: dict[str, Any]) -> None:
        """A post of the list that a server before this one kept, and the key it came with."""
        key = post.pop("idempotency_key")
        self.visible.append(post)
        self.sources[post["id"]] = post.pop("source")
        self._last_id = int(post["id"])
        if key and self.flavour != "gotosocial":
            made = datetime.fromisoformat(post["created_at"])
            self._keys[post["account"]["id"], key] = (made, post)

    def shown(self, what: str) -> Any:
        with self.lock:
            return {"visible": self.visible, "violations": self.violations}[what]

    def breaks(self, call: Call) -> list[str]:
        return mastodon_violations(call)

    def is_visible(self, call: Call) -> bool:
        making = (call.method, call.path) == ("POST", "/api/v1/statuses")
        changing = call.method in ("PUT", "DELETE") and call.path.startswith("/api/v1/statuses/")
        return making or changing

    def handle(self, call: Call) -> Reply:
        with self.lock:
            if call.path == "/api/v2/instance" and self.has_v2:
                return Reply(200, self._instance())
            if call.path == "/api/v1/instance":
                return Reply(200, self._instance() | {"uri": "127.0.0.1"})
            if call.path == "/api/v1/apps":
                self.app = call.form()
                return Reply(200, {"id": "1", "client_id": "the client", "client_secret": "c/s"})
            if call.path == "/oauth/token":
                return self._give_token(call.form())
            if call.path.startswith("/api/") and "instance" not in call.path:
                return self._private(call)
            return Reply(404, {"error": "Not Found"})

    def add(self, token: str, **status: Any) -> dict[str, Any]:
        """A post that was there before, or made by hand."""
        return self._publish(self._account(token), {"visibility": "public", **status})

    def _give_token(self, form: dict[str, str]) -> Reply:
        """https://docs.joinmastodon.org/methods/oauth/#token"""
        token = self.codes.pop(form.get("code", ""), None)
        fits = (form["client_id"], form["client_secret"]) == ("the client", "c/s")
        if token is None or not fits or form["redirect_uri"] != self.app["redirect_uris"]:
            error = {"error": "invalid_grant", "error_description": "The provided grant is invalid"}
            return Reply(400, error)
        return Reply(200, {"access_token": token, "token_type": "Bearer", "scope": form["scope"]})

    def _instance(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "configuration": {
                "statuses": {
                    "max_characters": LIMITS[self.flavour],
                    "characters_reserved_per_url": 23,
                },
                "media_attachments": self.media_limits,
            },
        }

    def _private(self, call: Call) -> Reply:
        if call.token in FORBIDDEN_TOKENS:
            return Reply(401, {"error": f"The access token is invalid: {call.token}"})
        account = self._account(call.token)
        if call.path == "/api/v1/accounts/verify_credentials":
            if self.ill:
                return Reply(503, {"error": "later"})
            who = {"id": account, "username": "alice"}
            return Reply(200, who, {"X-RateLimit-Remaining": "299"})
        if call.path == f"/api/v1/accounts/{account}/statuses":
            return self._list(account, call.query)
        if call.path in ("/api/v2/media", "/api/v1/media") and call.method == "POST":
            return self._upload(call)
        if call.path.startswith("/api/v1/media/"):
            return self._show_media(call.path.rsplit("/", 1)[-1])
        if call.path.startswith("/api/v1/statuses/"):
            return self._one(account, call)
        if self.is_visible(call):
            return self._create(account, call)
        return Reply(404, {"error": "Record not found"})

    def _account(self, token: str) -> str:
        return self._accounts.setdefault(token, str(1001 + len(self._accounts)))

    def _list(self, account: str, query: dict[str, str]) -> Reply:
        before = int(query.get("max_id", 10**18))
        own = [p for p in self.visible if p["account"]["id"] == account and int(p["id"]) < before]
        if query.get("exclude_reblogs") == "true" and self.leaves_out_reblogs:
            own = [post for post in own if post["reblog"] is None]
        if not self.turns_pages:
            own = [post for post in self.visible if post["account"]["id"] == account]
            return Reply(200, own[::-1])
        return Reply(200, own[::-1][: min(int(query.get("limit", 20)), 40)])

    def _upload(self, call: Call) -> Reply:
        if self.media_script:
            return self.media_script.pop(0)
        if call.path == "/api/v2/media" and not self.has_v2:
            return Reply(404, {"error": "Not Found"})
        parts = call.multipart()
        media_id = str(5001 + len(self.media))
        description = parts["description"][2].decode() if "description" in parts else None
        self.media[media_id] = {
            "bytes": parts["file"][2],
            "type": parts["file"][1],
            "description": description,
            "used": False,
            "waits": self.processing,
        }
        if "focus" in parts:
            self.media[media_id]["focus"] = parts["focus"][2].decode()
        shown = {"id": media_id, "type": "image", "description": description}
        return Reply(202 if self.processing else 200, shown | {"url": None})

    def _show_media(self, media_id: str) -> Reply:
        media = self.media.get(media_id)
        if media is None:
            return Reply(404, {"error": "Record not found"})
        media["waits"] -= 1
        return Reply(206 if media["waits"] > 0 else 200, {"id": media_id, "type": "image"})

    def _create(self, account: str, call: Call) -> Reply:
        body, key = call.json(), call.headers.get("idempotency-key")
        kept = self._keys.get((account, key or ""))
        if kept is not None and self.now() - kept[0] < timedelta(seconds=KEY_SECONDS):
            if self.flavour == "mastodon46":
                return Reply(500, {"error": "undefined method 'account' for nil"})
            return Reply(200, kept[1])
        refusal = self._refused(body)
        if refusal is not None:
            return refusal
        for media_id in body.get("media_ids", ()):
            self.media[media_id]["used"] = True
        post = self._publish(account, body, key)
        if key and self.flavour != "gotosocial":
            self._keys[account, key] = (self.now(), post)
        return Reply(200, post)

    def _one(self, account: str, call: Call) -> Reply:
        post_id, _, what = call.path.removeprefix("/api/v1/statuses/").partition("/")
        post = self._post(post_id)
        if post is None or post["account"]["id"] != account:
            return Reply(404, {"error": "Record not found"})
        if what == "source":
            if not self.tells_source:
                return Reply(404, {"error": "Not Found"})
            return Reply(200, {"id": post_id, "text": self.sources[post_id], "spoiler_text": ""})
        if call.method == "DELETE":
            if not self.deletes:
                return Reply(404, "")
            self.visible.remove(post)
        return self._edit(post, call.json()) if call.method == "PUT" else Reply(200, post)

    def _edit(self, post: dict[str, Any], body: dict[str, Any]) -> Reply:
        """What is not named is taken away
        (https://github.com/mastodon/mastodon/blob/main/app/services/update_status_service.rb)."""
        there = {media["id"] for media in post["media_attachments"]}
        refusal = self._refused(body, there)
        if refusal is not None:
            return refusal
        for said in body.get("media_attributes", ()):
            self.media[said["id"]] |= {"description": said.get("description")}
        self.sources[post["id"]] = body["status"]
        post["content"] = _html(body["status"])
        post["spoiler_text"] = body.get("spoiler_text", "")
        post["media_attachments"] = self._attached(body)
        if self.new_ids:
            self.sources[post["id"] + "1"] = self.sources[post["id"]]
            post["id"] += "1"
        return Reply(200, post)

    def _attached(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"id": m, "description": self.media.get(m, {}).get("description")}
            for m in body.get("media_ids", ())
        ]

    def _refused(self, body: dict[str, Any], there: Collection[str] = ()) -> Reply | None:
        status = 400 if self.flavour == "gotosocial" else 422
        if _length(body.get("status", ""), self.flavour) > LIMITS[self.flavour]:
            words = f"Validation failed: Text character limit of {LIMITS[self.flavour]} exceeded"
            return Reply(status, {"error": words})
        for media_id in body.get("media_ids", ()):
            media = self.media.get(media_id)
            if media is None or (media["used"] and media_id not in there):
                return Reply(status, {"error": f"Media {media_id} not found or already attached"})
        if body.get("in_reply_to_id") and not self._post(body["in_reply_to_id"]):
            return Reply(404, {"error": "Record not found"})
        return None

    def _post(self, post_id: str) -> dict[str, Any] | None:
        return next((post for post in self.visible if post["id"] == post_id), None)

    def _publish(
        self, account: str, body: dict[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        now = self.now()
        self._last_id = max(self._last_id + 1, int(now.timestamp() * 1000) << 16)
        post = {
            "id": str(self._last_id),
            "created_at": body.get("created_at", now.isoformat().replace("+00:00", "Z")),
            "url": f"{self.base}/@alice/{self._last_id}",
            "uri": f"{self.base}/users/alice/statuses/{self._last_id}",
            "content": _html(body.get("status", "")),
            "visibility": body.get("visibility", "public"),
            "language": body.get("language"),
            "in_reply_to_id": body.get("in_reply_to_id"),
            "spoiler_text": body.get("spoiler_text", ""),
            "media_attachments": self._attached(body),
            "card": body.get("card"),
            "reblog": body.get("reblog"),
            "account": {"id": account},
        }
        self.sources[post["id"]] = body.get("status", "")
        self.visible.append(post)
        if self._state is not None:
            kept = post | {"idempotency_key": key, "source": self.sources[post["id"]]}
            with self._state.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(kept) + "\n")
        return post

    def refusal(self, fault: str) -> Reply:
        bodies = {
            "401": "The access token was revoked",
            "403": "Your login is currently disabled",
            "422": "Validation failed: Text can't be blank",
            "429": "Too many requests",
        }
        headers = self.retry_headers if fault == "429" else {}
        return Reply(int(fault), {"error": bodies[fault]}, headers)


def _length(text: str, flavour: str) -> int:
    import regex  # type: ignore[import-untyped, unused-ignore]

    if flavour.startswith("mastodon"):
        text = re.sub(r"https?://\S+", "x" * 23, text)
    return len(regex.findall(r"\X", text)) if flavour.startswith("mastodon") else len(text)


def _html(text: str) -> str:
    """Paragraphs, line ends, links in pieces and hashtags, as Mastodon's formatter makes them."""

    def link(match: re.Match[str]) -> str:
        url = match[0]
        scheme, rest = url.split("://", 1)
        pieces = [escape(f"{scheme}://"), escape(rest[:30]), escape(rest[30:])]
        return (
            f'<a href="{escape(url)}" rel="nofollow noopener" translate="no" target="_blank">'
            f'<span class="invisible">{pieces[0]}</span><span class="ellipsis">{pieces[1]}</span>'
            f'<span class="invisible">{pieces[2]}</span></a>'
        )

    pieces = re.split(r"(https?://\S+)", text)
    html = "".join(
        re.sub(r"https?://\S+", link, piece) if i % 2 else escape(piece)
        for i, piece in enumerate(pieces)
    )
    return "".join(
        f"<p>{p}</p>" for p in html.replace("\n\n", "\0").replace("\n", "<br />").split("\0")
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--flavour", choices=sorted(VERSIONS), default="mastodon")
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path)
    options = parser.parse_args()
    server = MastodonServer(
        options.flavour, port=options.port, seed=options.seed, state=options.state
    )
    server.set_faults(options.faults)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with server:
        print(server.base, flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
