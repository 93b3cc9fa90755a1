"""A Misskey that keeps the list of visible notes and can be made to fail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.fakes.contracts import misskey_violations
from tests.fakes.http import Call, FakeServer, Reply


class MisskeyServer(FakeServer):
    def __init__(self, token: str, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.token, self.now = token, now
        self.visible: list[dict[str, Any]] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.upload_script: list[Reply] = []
        self.limit = 3000
        self._made = -1
        self.allowed: set[str] = set()
        self.reset_ms: int | None = None

    def shown(self, what: str) -> Any:
        return {"visible": self.visible, "violations": self.violations}[what]

    def breaks(self, call: Call) -> list[str]:
        return misskey_violations(call)

    def is_visible(self, call: Call) -> bool:
        return call.path in ("/api/notes/create", "/api/notes/delete")

    def handle(self, call: Call) -> Reply:
        with self.lock:
            if call.path == "/api/meta":
                return Reply(200, {"version": "2026.5.1", "maxNoteTextLength": self.limit})
            if call.path.startswith("/api/miauth/"):
                session = call.path.split("/")[3]
                if session not in self.allowed:
                    return Reply(200, {"ok": False})
                return Reply(200, {"ok": True, "token": self.token, "user": {"id": "9me"}})
            if call.token != self.token:
                return _error(401, "AUTHENTICATION_FAILED")
            if call.path == "/api/i":
                return Reply(200, {"id": "9me", "username": "alice"})
            if call.path == "/api/drive/files/create":
                return self._upload(call)
            body = call.json()
            if call.path == "/api/users/notes":
                return self._list(body)
            if call.path in ("/api/notes/show", "/api/notes/delete"):
                return self._one(call.path, body["noteId"])
            if self.is_visible(call):
                return self._create(body)
            return _error(404, "NO_SUCH_ENDPOINT")

    def add(self, text: str, **more: Any) -> dict[str, Any]:
        self._made += 1
        note = {
            "id": f"a{self._made:09d}",
            "createdAt": self.now().isoformat().replace("+00:00", "Z"),
            "text": text,
            "replyId": None,
            "userId": "9me",
            **more,
        }
        self.visible.append(note)
        return note

    def refusal(self, fault: str) -> Reply:
        if fault == "429":
            reply = _error(429, "RATE_LIMIT_EXCEEDED")
            if self.reset_ms is not None:
                reply.body["error"]["info"] = {"resetMs": self.reset_ms}
            reply.headers = self.retry_headers
            return reply
        if fault == "422":
            return _error(400, "INVALID_PARAM")
        return _error(int(fault), "AUTHENTICATION_FAILED")

    def _list(self, body: Any) -> Reply:
        before = body.get("untilId", "z")
        notes = [note for note in self.visible if note["id"] < before]
        return Reply(200, notes[::-1][: body.get("limit", 10)])

    def _one(self, path: str, note_id: str) -> Reply:
        note = next((note for note in self.visible if note["id"] == note_id), None)
        if note is None:
            return _error(400, "NO_SUCH_NOTE")
        if path == "/api/notes/show":
            return Reply(200, note)
        self.visible.remove(note)
        return Reply(204, "")

    def _upload(self, call: Call) -> Reply:
        if self.upload_script:
            return self.upload_script.pop(0)
        parts = call.multipart()
        data = parts["file"][2]
        file_id = "f" + hashlib.md5(data, usedforsecurity=False).hexdigest()
        comment = parts["comment"][2].decode() if "comment" in parts else None
        assert comment is None or len(comment) <= 512
        self.files[file_id] = {"id": file_id, "type": parts["file"][1], "comment": comment}
        return Reply(200, self.files[file_id])

    def _create(self, body: Any) -> Reply:
        text = body.get("text") or ""
        if not text and not body.get("fileIds"):
            return _error(400, "CONTENT_REQUIRED")
        if len(text) > self.limit:
            return _error(400, "INVALID_PARAM")
        if any(file not in self.files for file in body.get("fileIds", ())):
            return _error(400, "NO_SUCH_FILE")
        files = [self.files[file] for file in body.get("fileIds", ())]
        extra = {"replyId": body.get("replyId"), "visibility": body["visibility"], "files": files}
        return Reply(200, {"createdNote": self.add(text, **extra)})


def _error(status: int, code: str) -> Reply:
    error = {"message": "no", "code": code, "id": "00000000-0000", "kind": "client"}
    return Reply(status, {"error": error})
