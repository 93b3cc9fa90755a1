"""Real feed readers, asked what they have seen. Each keeps its own memory, as for a subscriber."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.util
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

JSON_READERS = ("reader", "miniflux")
"""The others know no JSON Feed."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Seen:
    """An entry as a reader has it. `summary` and `image` are None where it has no place for them;
    `id` is what tells entries apart, in whatever form the reader keeps it."""

    id: str
    title: str
    url: str
    published: int
    summary: str | None
    image: str | None


class Reader(Protocol):
    def read(self, feed: Path, url: str) -> list[Seen]:
        """Look at the feed (a file, and where it is served) and tell all that was ever seen."""

    def known_as(self, id: str) -> str:
        """The form in which an id of a feed is kept."""


def words(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup)).strip()


class FeedParser:
    def __init__(self, folder: Path) -> None:
        self._seen: dict[str, Seen] = {}

    def read(self, feed: Path, url: str) -> list[Seen]:
        import calendar

        import feedparser

        found = feedparser.parse(feed.read_bytes())
        assert found.bozo == 0, found.get("bozo_exception")
        for entry in found.entries:
            self._seen[entry.id] = Seen(
                id=entry.id,
                title=html.unescape(entry.title),
                url=entry.link,
                published=calendar.timegm(entry.published_parsed),
                summary=words(entry.summary),
                image=entry.media_content[0]["url"] if "media_content" in entry else None,
            )
        return sorted(self._seen.values())

    def known_as(self, id: str) -> str:
        return id


class Lemon:
    """https://reader.readthedocs.io/"""

    def __init__(self, folder: Path) -> None:
        from reader import make_reader

        self._reader = make_reader(str(folder / "reader.sqlite"), feed_root=str(folder))
        self._folder, self._added = folder, False

    def read(self, feed: Path, url: str) -> list[Seen]:
        shutil.copyfile(feed, self._folder / feed.name)
        if not self._added:
            self._reader.add_feed(feed.name)
            self._added = True
        self._reader.update_feed(feed.name)
        assert all(not found.last_exception for found in self._reader.get_feeds())
        return sorted(map(self._seen, self._reader.get_entries()))

    def _seen(self, entry: Any) -> Seen:
        images = [e.href for e in entry.enclosures if (e.type or "").startswith("image/")]
        return Seen(
            id=entry.id,
            title=html.unescape(entry.title),
            url=entry.link,
            published=int(entry.published.timestamp()),
            summary=words(entry.summary),
            image=images[0] if images else None,
        )

    def known_as(self, id: str) -> str:
        return id


class Newsboat:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "config").write_text("")

    def read(self, feed: Path, url: str) -> list[Seen]:
        urls, cache = self._folder / "urls", self._folder / "cache.db"
        urls.write_text(f"file://{feed}\n")
        given = {"-u": urls, "-C": self._folder / "config", "-c": cache}
        options = [str(word) for pair in given.items() for word in pair]
        subprocess.run(
            ["newsboat", *options, "-x", "reload"],
            check=True,
            capture_output=True,
            env={**os.environ, "HOME": str(self._folder), "LC_ALL": "C.UTF-8"},
        )
        with sqlite3.connect(cache) as database:
            rows = database.execute(
                "SELECT guid, title, url, pubDate, enclosure_url FROM rss_item"
            ).fetchall()
        database.close()
        return sorted(
            Seen(id=g, title=t, url=u, published=p, summary=None, image=e or None)
            for g, t, u, p, e in rows
        )

    def known_as(self, id: str) -> str:
        return id


class Sfeed:
    def __init__(self, folder: Path) -> None:
        self._seen: dict[str, Seen] = {}

    def read(self, feed: Path, url: str) -> list[Seen]:
        done = subprocess.run(
            ["sfeed", url], input=feed.read_bytes(), check=True, capture_output=True
        )
        for line in done.stdout.decode().splitlines():
            stamp, title, link, _content, _kind, id, _author, enclosure, *_ = line.split("\t")
            self._seen[id] = Seen(
                id=id,
                title=html.unescape(title),
                url=link,
                published=int(stamp),
                summary=None,
                image=enclosure or None,
            )
        return sorted(self._seen.values())

    def known_as(self, id: str) -> str:
        return id


class Miniflux:
    """Over its API, at `server`. (https://miniflux.app/docs/api.html)"""

    def __init__(self, server: str) -> None:
        self._server, self._feed = server, 0

    def read(self, feed: Path, url: str) -> list[Seen]:
        if not self._feed:
            made = self._call("POST", "/feeds", {"feed_url": url, "category_id": 1})
            self._feed = int(made["feed_id"])
        else:
            self._call("PUT", f"/feeds/{self._feed}/refresh", {})
        told = self._call("GET", f"/feeds/{self._feed}")
        assert told["parsing_error_count"] == 0, told["parsing_error_message"]
        entries = self._call("GET", f"/feeds/{self._feed}/entries?limit=1000")["entries"]
        return sorted(map(self._seen, entries))

    def _seen(self, entry: Any) -> Seen:
        images = [
            e["url"] for e in entry["enclosures"] or () if e["mime_type"].startswith("image/")
        ]
        return Seen(
            id=entry["hash"],
            title=entry["title"],
            url=entry["url"],
            published=int(datetime.fromisoformat(entry["published_at"]).timestamp()),
            summary=None,
            image=images[0] if images else None,
        )

    def known_as(self, id: str) -> str:
        return hashlib.sha256(id.encode()).hexdigest()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        login = base64.b64encode(b"admin:password").decode()
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self._server}/v1{path}", data, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def missing(name: str) -> str | None:
    """Why this reader cannot be asked on this machine."""
    if name == "reader":
        return None if importlib.util.find_spec("reader") else "no reader (make real)"
    program = {"newsboat": "newsboat", "sfeed": "sfeed", "miniflux": "miniflux"}.get(name)
    return f"no {program} on this machine" if program and not shutil.which(program) else None


@contextmanager
def miniflux(database: str) -> Iterator[str]:
    """A Miniflux of its own; its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    settings = {
        "DATABASE_URL": f"{database}?sslmode=disable",
        "RUN_MIGRATIONS": "1",
        "CREATE_ADMIN": "1",
        "ADMIN_USERNAME": "admin",
        "ADMIN_PASSWORD": "password",
        "LISTEN_ADDR": address,
        "DISABLE_SCHEDULER_SERVICE": "1",
        "FETCHER_ALLOW_PRIVATE_NETWORKS": "1",
    }
    process = subprocess.Popen(
        ["miniflux"],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_for(f"http://{address}/healthcheck", process)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.1)  # another program starts
    raise RuntimeError(f"no answer from {url}")
