"""A threaded HTTP server on 127.0.0.1 for the fakes: routes, recorded calls, injected faults.

A fault is drawn for each visible call: from a script (unit tests), else by its probability from a
seeded generator, in the order in which the calls arrive.
"""

from __future__ import annotations

import json
import random  # noqa: TID251
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FAULTS = (
    "drop_before",  # the connection is cut, nothing happened
    "drop_after",  # it happened, then the connection is cut
    "502_before",
    "502_after",
    "hang_before",  # no answer until the client goes, nothing happened
    "hang_after",  # it happened, no answer until the client goes
    "late",  # no answer until the client goes, and then it happens
    "garbage_after",  # it happened, 200 with a page that is no JSON
    "302",
    "429",
    "401",
    "403",
    "422",
)
PATIENCE = 60.0


@dataclass
class Call:
    """One recorded request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)
    peer: tuple[str, int] = ("", 0)

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def form(self) -> dict[str, str]:
        return {k: v[-1] for k, v in parse_qs(self.body.decode("utf-8", "replace")).items()}

    def multipart(self) -> dict[str, tuple[str | None, str, bytes]]:
        """name → (file name, type, bytes)."""
        head = b"Content-Type: " + self.headers.get("content-type", "").encode() + b"\r\n\r\n"
        message = BytesParser().parsebytes(head + self.body)
        parts: dict[str, tuple[str | None, str, bytes]] = {}
        for part in message.get_payload():
            name = str(part.get_param("name", header="content-disposition"))  # type: ignore[union-attr]
            payload = part.get_payload(decode=True)  # type: ignore[union-attr]
            parts[name] = (part.get_filename(), part.get_content_type(), payload)  # type: ignore[union-attr, assignment]
        return parts


@dataclass
class Reply:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class FakeServer:
    """Subclasses answer `handle(call)`, and say in `is_visible` which calls may be hit by faults."""

    def __init__(self, port: int = 0, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.script: deque[str] = deque()
        self.odds: dict[str, float] = {}
        self.echo = False  # a refusal repeats what the client sent
        self._stopped = False
        self.retry_headers: dict[str, str] = {}
        self._random = random.Random(seed)
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._server.crashes = []
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.004,), daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> FakeServer:
        if not self._thread.is_alive():
            self._thread.start()
        return self

    def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._server.crashes:
            raise self._server.crashes[0]

    def __enter__(self) -> Any:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def handle(self, call: Call) -> Reply:
        raise NotImplementedError

    def is_visible(self, call: Call) -> bool:
        raise NotImplementedError

    def breaks(self, call: Call) -> list[str]:
        """What a request breaks of the network's contract, whatever becomes of it."""
        return []

    def shown(self, what: str) -> Any:
        """What GET /_WHAT tells."""
        raise NotImplementedError

    def set_faults(self, spec: str) -> None:
        """`drop_before=0.1,502_after=0.05`; empty: none."""
        odds = dict(part.split("=") for part in spec.split(",") if part)
        assert set(odds) <= set(FAULTS), odds
        with self.lock:
            self.odds = {name: float(chance) for name, chance in odds.items()}

    def draw(self) -> str | None:
        with self.lock:
            if self.script:
                return self.script.popleft() or None
            number = self._random.random()
            for name in FAULTS:
                number -= self.odds.get(name, 0.0)
                if number < 0:
                    return name
        return None

    def refusal(self, fault: str) -> Reply:
        """The network's own body for a refusing fault."""
        headers = self.retry_headers if fault == "429" else {}
        return Reply(int(fault), {"error": f"injected {fault}"}, headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    crashes: list[BaseException]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the play, a bug of the fake is not."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.crashes.append(error)


class Gone(Exception):
    """End this connection without an answer."""


def _handler(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

        def _serve(self) -> None:
            url = urlsplit(self.path)
            call = Call(
                method=self.command,
                path=url.path,
                query={k: v[-1] for k, v in parse_qs(url.query).items()},
                headers={k.lower(): v for k, v in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("content-length") or 0)),
                peer=self.client_address,
            )
            control = self._control(call)
            if control is not None:
                return self._answer(control)
            with fake.lock:
                fake.calls.append(call)
                fake.violations += fake.breaks(call)
            fault = fake.draw() if fake.is_visible(call) else None
            try:
                self._answer(self._play(call, fault))
            except Gone:
                self.close_connection = True

        do_HEAD = do_GET = do_POST = do_PUT = do_DELETE = _serve

        def _play(self, call: Call, fault: str | None) -> Reply:
            if fault is None:
                return fake.handle(call)
            name, _, when = fault.partition("_")
            if when == "after":
                fake.handle(call)
            if name == "drop":
                self._cut()
            if name in ("hang", "late"):
                self._wait_for_the_client_to_go()
                if name == "late":
                    fake.handle(call)
                raise Gone
            if name == "garbage":
                return Reply(200, "<html>busy</html>", {"Content-Type": "text/html"})
            if name == "502":
                return Reply(502, "<html>bad gateway</html>", {"Content-Type": "text/html"})
            if name == "302":
                return Reply(302, "", {"Location": "/elsewhere"})
            reply = fake.refusal(fault)
            if fake.echo:
                reply.body = {"error": f"you sent {call.headers} {call.body!r}"}
            return reply

        def _cut(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            raise Gone

        def _wait_for_the_client_to_go(self) -> None:
            self.connection.settimeout(PATIENCE)
            try:
                while self.connection.recv(1024):
                    pass
            except OSError:
                pass

        def _control(self, call: Call) -> Reply | None:
            if call.path == "/_faults" and call.method == "POST":
                fake.set_faults(call.body.decode())
                return Reply(200, {"faults": fake.odds})
            if call.method == "GET" and call.path.startswith("/_"):
                return Reply(200, fake.shown(call.path[2:]))
            return None

        def _answer(self, reply: Reply) -> None:
            is_json = not isinstance(reply.body, str | bytes)
            text = json.dumps(reply.body) if is_json else reply.body
            body = text if isinstance(text, bytes) else text.encode()
            self.send_response(reply.status)
            headers = {
                "Content-Type": "application/json" if is_json else "text/plain",
                **reply.headers,
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
