"""A personal data server as the real one answers (measured with @atproto/pds 0.4.217 and 0.5.35):
sessions that expire and rotate, putRecord that changes nothing when repeated, blobs, and faults."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.http import Call, FakeServer, Reply
from tests.fakes.lexicons import lexicon_violations, xrpc_violations

DID = "did:plc:abcdefghijklmnopqrstuvwx"
TID = re.compile(r"[234567a-j][234567a-z]{12}")


class BlueskyServer(FakeServer):
    def __init__(self, password: str, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.password, self.now = password, now
        self.records: dict[str, Any] = {}
        self.blobs: dict[str, bytes] = {}
        self.logins = self.refreshes = 0
        self.taken_down = False
        self.readable = True
        self.upload_script: list[Reply] = []
        self._access: set[str] = set()
        self._refresh: set[str] = set()

    @property
    def visible(self) -> list[Any]:
        return list(self.records.values())

    def shown(self, what: str) -> Any:
        return {"visible": self.visible, "violations": self.violations}[what]

    def breaks(self, call: Call) -> list[str]:
        return xrpc_violations(call)

    def is_visible(self, call: Call) -> bool:
        return call.path.endswith(("repo.putRecord", "repo.deleteRecord"))

    def handle(self, call: Call) -> Reply:
        with self.lock:
            method = call.path.removeprefix("/xrpc/com.atproto.")
            if method == "server.createSession":
                return self._create_session(call.json())
            if method == "server.refreshSession":
                return self._refresh_session(call)
            refusal = self._unauthorized(call)
            if refusal is not None:
                return refusal
            if method == "repo.putRecord":
                return self._put(call.json())
            if method == "repo.deleteRecord":
                there = self.records.pop(call.json()["rkey"], None)
                return Reply(200, {"commit": {"cid": "bafyrei", "rev": "3"}} if there else {})
            if method == "repo.getRecord":
                return self._get(call.query)
            if method == "repo.listRecords":
                return self._list(call.query)
            if method == "server.getSession":
                who = {"did": DID, "handle": "alice.test"}
                return Reply(200, who, {"RateLimit-Remaining": "2999"})
            if method == "repo.uploadBlob":
                return self._upload(call)
            return _error(501, "MethodNotImplemented", "Method Not Implemented")

    def refusal(self, fault: str) -> Reply:
        if fault == "401":
            return _error(401, "AccountTakedown", "Account has been taken down")
        if fault == "429":
            reply = _error(429, "RateLimitExceeded", "Rate Limit Exceeded")
            reply.headers = self.retry_headers
            return reply
        if fault == "422":
            return _error(400, "InvalidRequest", "Invalid app.bsky.feed.post record: no")
        return _error(int(fault), "Injected", "injected")

    def forget_sessions(self) -> None:
        """As after a change of the server's secret."""
        self._access.clear()
        self._refresh.clear()

    def _create_session(self, body: Any) -> Reply:
        self.logins += 1
        if body != {"identifier": "alice.test", "password": self.password}:
            return _error(401, "AuthenticationRequired", f"Invalid identifier or password: {body}")
        return self._session()

    def _refresh_session(self, call: Call) -> Reply:
        self.refreshes += 1
        if call.token not in self._refresh:
            return _error(400, "InvalidToken", "Token could not be verified")
        if self._ended(call.token):
            return _error(400, "ExpiredToken", "Token has expired")
        self._refresh.discard(call.token)
        return self._session()

    def _session(self) -> Reply:
        serial = len(self._access) + self.logins + self.refreshes
        access = _jwt(self.now() + timedelta(hours=2), f"access {serial}")
        refresh = _jwt(self.now() + timedelta(days=90), f"refresh {serial}")
        self._access.add(access)
        self._refresh.add(refresh)
        session = {"did": DID, "handle": "alice.test", "accessJwt": access, "refreshJwt": refresh}
        return Reply(200, session)

    def _unauthorized(self, call: Call) -> Reply | None:
        if self.taken_down:
            return _error(401, "AccountTakedown", "Account has been taken down")
        if not call.token:
            return _error(401, "AuthMissing", "Authentication Required")
        if call.token not in self._access:
            return _error(400, "InvalidToken", f"Token could not be verified: {call.token}")
        if self._ended(call.token):
            return _error(400, "ExpiredToken", "Token has expired")
        return None

    def _ended(self, token: str) -> bool:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        return bool(datetime.fromtimestamp(claims["exp"], UTC) <= self.now())

    def _put(self, body: Any) -> Reply:
        rkey, record = body["rkey"], body["record"]
        if body["repo"] != DID:
            return _error(403, "AccountNotFound", "Account not found")
        if not TID.fullmatch(rkey):
            return _error(400, "InvalidRequest", f'Invalid TID string (got "{rkey}")')
        for blob in _blobs(record):
            if blob not in self.blobs:
                return _error(400, "BlobNotFound", f"Could not find blob: {blob}")
        problems = lexicon_violations("app.bsky.feed.post", record)
        if problems:
            return _error(
                400, "InvalidRequest", f"Invalid app.bsky.feed.post record: {problems[0]}"
            )
        there = self.records.get(rkey)
        if there is not None and there != record and "swapRecord" in body:
            return _error(400, "InvalidSwap", "Record was at bafyrei")
        self.records[rkey] = record
        return Reply(200, self._named(rkey))

    def _get(self, query: dict[str, str]) -> Reply:
        if not self.readable:
            return Reply(502, "<html>bad gateway</html>")
        record = self.records.get(query["rkey"])
        if record is None:
            return _error(400, "RecordNotFound", f"Could not locate record: {query['rkey']}")
        return Reply(200, self._named(query["rkey"]) | {"value": record})

    def _list(self, query: dict[str, str]) -> Reply:
        if not self.readable:
            return Reply(502, "<html>bad gateway</html>")
        keys = sorted(self.records, reverse=True)[: int(query["limit"])]
        shown = [self._named(rkey) | {"value": self.records[rkey]} for rkey in keys]
        return Reply(200, {"records": shown})

    def _named(self, rkey: str) -> dict[str, Any]:
        uri = f"at://{DID}/app.bsky.feed.post/{rkey}"
        content = json.dumps(self.records[rkey], sort_keys=True).encode()
        return {"uri": uri, "cid": _cid(content, "bafyrei")}

    def _upload(self, call: Call) -> Reply:
        if self.upload_script:
            return self.upload_script.pop(0)
        cid = _cid(call.body, "bafkrei")
        self.blobs[cid] = call.body
        kind = call.headers["content-type"]
        blob = {"$type": "blob", "ref": {"$link": cid}, "mimeType": kind, "size": len(call.body)}
        return Reply(200, {"blob": blob})


def _blobs(value: Any) -> list[str]:
    if isinstance(value, dict):
        if value.get("$type") == "blob":
            return [value["ref"]["$link"]]
        return [blob for part in value.values() for blob in _blobs(part)]
    if isinstance(value, list):
        return [blob for part in value for blob in _blobs(part)]
    return []


def _cid(data: bytes, prefix: str) -> str:
    digest = base64.b32encode(hashlib.sha256(data).digest()).decode().lower().rstrip("=")
    return prefix + digest


def _jwt(ends: datetime, name: str) -> str:
    claims = json.dumps({"exp": int(ends.timestamp()), "jti": name}).encode()
    parts = (b'{"alg":"HS256"}', claims, b"signature")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _error(status: int, name: str, message: str) -> Reply:
    return Reply(status, {"error": name, "message": message})
