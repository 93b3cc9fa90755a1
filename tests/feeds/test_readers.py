"""What real readers make of our feeds: the same in all of them, and nothing twice, whatever becomes of
a post. Run where the readers are: sfeed, newsboat and miniflux of the system, `reader` by make real.
"""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.feeds.readers import (
    JSON_READERS,
    FeedParser,
    Lemon,
    Miniflux,
    Newsboat,
    Reader,
    Seen,
    Sfeed,
    miniflux,
    missing,
)
from tests.site import Site

pytestmark = pytest.mark.real

HOME = "https://blog.example/"
READERS: dict[str, Callable[[Path], Reader]] = {
    "feedparser": FeedParser,
    "reader": Lemon,
    "newsboat": Newsboat,
    "sfeed": Sfeed,
}
FILES = ("feed.xml", "atom.xml", "feed.json")
CASES = [
    (name, file)
    for name in (*READERS, "miniflux")
    for file in FILES
    if file != "feed.json" or name in JSON_READERS
]


class Served:
    """A folder that is changed under its server, as a site's is."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        handler = partial(_Quiet, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}/"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, file: Path) -> None:
        shutil.copyfile(file, self.folder / file.name)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def send_header(self, keyword: str, value: str) -> None:
        """The steps of a test lie within one second, the unit of Last-Modified: it is not told."""
        if keyword != "Last-Modified":
            super().send_header(keyword, value)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "served")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def miniflux_url(request: pytest.FixtureRequest) -> Iterator[str]:
    why = missing("miniflux")
    if why:
        pytest.skip(why)
    database: str = request.getfixturevalue("postgres_url")
    with miniflux(database) as url:
        yield url


@pytest.fixture
def reader(case: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Reader:
    name = case[0]
    if name == "miniflux":
        return Miniflux(request.getfixturevalue("miniflux_url"))
    why = missing(name)
    if why:
        pytest.skip(why)
    (tmp_path / "reader").mkdir()
    return READERS[name](tmp_path / "reader")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    root = tmp_path / "site"
    root.mkdir()
    made = Site(root).configure()
    (root / "static").mkdir()
    (root / "static" / "工場.png").write_bytes(png())
    made.post("a", "工場とAT&T", day=1, more='cover:\n  image: "/工場.png"\n  alt: "絵"\n')
    made.post("b", "<T>を使う", day=2, more='tags: ["製造", "C#"]\n')
    made.post("c", "絵文字👨‍👩‍👧と𠮷", day=3)
    return made


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\0\0\0")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def look(site: Site, file: str, reader: Reader, served: Served) -> list[Seen]:
    told = site.run("feed")
    assert told.returncode == 0, told.stderr
    feed = site.root / "public" / file
    served.put(feed)
    return reader.read(feed, served.base + file)


def wanted(site: Site) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads((site.root / "public" / "feed.json").read_text())[
        "items"
    ]
    return items


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_each_reader_sees_the_same(
    case: tuple[str, str], reader: Reader, site: Site, served: Served
) -> None:
    seen = {found.id: found for found in look(site, case[1], reader, served)}
    assert len(seen) == 3
    for number, name, title in (
        (1, "a", "工場とAT&T"),
        (2, "b", "<T>を使う"),
        (3, "c", "絵文字👨‍👩‍👧と𠮷"),
    ):
        url = f"{HOME}posts/{name}/"
        found = seen[reader.known_as(url)]
        assert found.title == title
        assert found.url == url
        assert found.published == 1769904000 + (number - 1) * 86400  # 2026-02-01T00:00:00Z
        image = f"{HOME}%E5%B7%A5%E5%A0%B4.png" if name == "a" else None
        assert found.image == image
        if found.summary is not None:
            assert found.summary.splitlines() == [f"{name}の要点{n}です。" for n in "一二三"]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_nothing_is_seen_twice_whatever_becomes_of_a_post(
    case: tuple[str, str], reader: Reader, site: Site, served: Served, tmp_path: Path
) -> None:
    first = {found.id for found in look(site, case[1], reader, served)}
    assert len(first) == 3

    def same(step: str, site: Site = site) -> None:
        assert {found.id for found in look(site, case[1], reader, served)} == first, step

    site.post("b", "書き直した題", day=2)
    same("edited")
    posts = site.root / "content" / "posts"
    (posts / "a.md").rename(posts / "z.md")
    same("renamed")
    site.post("c", "絵文字👨‍👩‍👧と𠮷", day=3, more="slug: other\n")
    same("another slug")
    assert {item["url"] for item in wanted(site)} == {
        f"{HOME}posts/{name}/" for name in ("z", "b", "other")
    }
    shutil.rmtree(site.root / "public")
    same("rebuilt")
    other = tmp_path / "other-machine"
    shutil.copytree(site.root, other, ignore=shutil.ignore_patterns("public"))
    same("moved with its ledger", Site(other))
    Site(other).post("d", "新しい記事", day=4)
    after = {found.id for found in look(Site(other), case[1], reader, served)}
    assert after - first == {reader.known_as(f"{HOME}posts/d/")}
