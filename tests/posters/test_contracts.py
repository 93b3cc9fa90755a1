"""The judges of recorded requests judge: what a network's contract does not know is noticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.contracts import (
    CONTRACTS,
    mastodon_violations,
    misskey_violations,
    x_violations,
)
from tests.fakes.http import Call
from tests.fakes.lexicons import xrpc_violations

pytestmark = pytest.mark.skipif(
    not CONTRACTS.exists(), reason="the networks' contracts are not beside the project"
)
Judge = Callable[[Call], list[str]]
PUT = "/xrpc/com.atproto.repo.putRecord"
RECORD = {"repo": "did:plc:a", "collection": "app.bsky.feed.post", "rkey": "3l4kq2f7x2s2a"}


def call(method: str, path: str, body: Any = None, **query: str) -> Call:
    """A JSON body, or a form where it is a text."""
    form = isinstance(body, str)
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    data = b"" if body is None else body.encode() if form else json.dumps(body).encode()
    return Call(method, path, query, {"content-type": kind} if data else {}, data)


@pytest.mark.parametrize(
    ("judge", "good"),
    [
        (x_violations, call("POST", "/2/tweets", {"text": "a", "media": {"media_ids": ["1"]}})),
        (x_violations, call("GET", "/2/users/42/tweets", max_results="5", exclude="retweets")),
        (mastodon_violations, call("POST", "/api/v1/statuses", {"status": "a", "media_ids": []})),
        (mastodon_violations, call("GET", "/api/v1/accounts/1/statuses", limit="40")),
        (mastodon_violations, call("POST", "/api/v1/apps", "client_name=bot&redirect_uris=urn:x")),
        (misskey_violations, call("POST", "/api/notes/create", {"text": "a"})),
        (xrpc_violations, call("POST", PUT, {**RECORD, "record": {}, "swapRecord": None})),
        (xrpc_violations, call("GET", PUT.replace("put", "get"), **RECORD)),
    ],
)
def test_what_is_well(judge: Judge, good: Call) -> None:
    assert judge(good) == []


@pytest.mark.parametrize(
    ("judge", "bad"),
    [
        (x_violations, call("POST", "/2/tweet", {"text": "a"})),
        (x_violations, call("POST", "/2/tweets", {"text": "a", "sensitive": True})),
        (x_violations, call("POST", "/2/tweets", {"text": "a", "media": {"media_ids": [1]}})),
        (x_violations, call("POST", "/2/media/metadata", {"id": "x"})),
        (x_violations, call("GET", "/2/users/42/tweets", max_results="4")),
        (x_violations, call("GET", "/2/users/42/tweets", exclude="quotes")),
        (x_violations, call("GET", "/2/users/alice/tweets")),
        (x_violations, call("DELETE", "/2/tweets/1", {"id": "1"})),
        (mastodon_violations, call("POST", "/api/v1/status", {"status": "a"})),
        (mastodon_violations, call("POST", "/api/v1/statuses", {"status": "a", "lang": "ja"})),
        (mastodon_violations, call("POST", "/api/v1/statuses", {"status": "a", "visibility": "x"})),
        (mastodon_violations, call("GET", "/api/v1/accounts/1/statuses", count="40")),
        (mastodon_violations, call("GET", "/api/v1/accounts/1/statuses", limit="many")),
        (mastodon_violations, call("POST", "/api/v1/apps", "client_name=bot")),
        (misskey_violations, call("POST", "/api/notes/create", {"text": "a", "language": "ja"})),
        (misskey_violations, call("POST", "/api/notes/create", {"visibility": "unlisted"})),
        (misskey_violations, call("POST", "/api/notes/make", {"text": "a"})),
        (misskey_violations, call("POST", "/api/i", {"detail": True})),
        (xrpc_violations, call("GET", PUT, {**RECORD, "record": {}})),
        (xrpc_violations, call("POST", PUT, RECORD)),
        (xrpc_violations, call("POST", PUT, {**RECORD, "record": {}, "swap": None})),
        (xrpc_violations, call("POST", PUT, {**RECORD, "repo": "not one", "record": {}})),
        (xrpc_violations, call("GET", PUT.replace("put", "get"), repo="a.example")),
        (xrpc_violations, call("GET", "/xrpc/com.atproto.repo.listRecords", limit="101")),
        (xrpc_violations, call("POST", "/xrpc/com.atproto.server.refreshSession", {"a": 1})),
        (xrpc_violations, call("POST", "/xrpc/com.atproto.repo.uploadBlob")),
        (xrpc_violations, call("POST", "/xrpc/com.atproto.repo.makeRecord", {})),
    ],
)
def test_what_is_not(judge: Judge, bad: Call) -> None:
    assert judge(bad)
