"""Covers: found as PaperMod finds them, never outside the site, known by their bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.content.cover import dimensions, sniff
from bot.content.scanner import Scanner
from bot.model import Image, Problem

from .support import JPEG, NOW, PNG, rules_at, write


def cover_of(
    root: Path, matter: str, name: str = "posts/a.md", body: str = "", **rules: Any
) -> tuple[Image | None, tuple[Problem, ...]]:
    write(root / "content" / name, f"---\ntitle: x\n{matter}\n---\n{body}")
    scan = Scanner(rules_at(root, **rules)).scan(NOW)
    post = next(post for post in scan.posts if post.path == f"content/{name}")
    return post.cover, scan.problems


@pytest.mark.parametrize(
    ("matter", "name", "file"),
    [
        ("cover: {image: /images/a.png, alt: 図}", "posts/a.md", "static/images/a.png"),
        ("cover: {image: images/a.png}", "posts/a.md", "static/images/a.png"),
        ("cover: {image: a.png, relative: true}", "posts/b/index.md", "content/posts/b/a.png"),
        ("cover: {image: a.png}", "posts/b/index.md", "content/posts/b/a.png"),
        ("cover: {image: ./sub/a.png}", "posts/b/index.md", "content/posts/b/sub/a.png"),
        ("cover: {image: img/a.png}", "posts/a.md", "assets/img/a.png"),
        ("cover: /images/a.png", "posts/a.md", "static/images/a.png"),
        ("images: [/images/a.png, /b.png]", "posts/a.md", "static/images/a.png"),
        ("image: https://example.com/images/a.png", "posts/a.md", "static/images/a.png"),
        ("featured_image: '/images/%E6%97%A5 本.png'", "posts/a.md", "static/images/日 本.png"),
        ("image: /images/a.png?v=2", "posts/a.md", "static/images/a.png"),
        ("params: {cover: {image: /images/a.png}}", "posts/a.md", "static/images/a.png"),
        ("title2: x", "posts/b/index.md", "content/posts/b/feature-x.png"),
    ],
)  # fmt: skip
def test_where_covers_are_found(tmp_path: Path, matter: str, name: str, file: str) -> None:
    write(tmp_path / file, PNG)
    cover, problems = cover_of(tmp_path, matter, name)
    assert problems == ()
    assert cover is not None
    assert (cover.shown, cover.file) == (file, str(tmp_path / file))
    assert (cover.mime, cover.width, cover.height, cover.size) == ("image/png", 40, 30, len(PNG))
    assert cover.alt == ("図" if "alt" in matter else "")


@pytest.mark.parametrize(
    ("ref", "url"),
    [
        ("https://cdn.example/a b.png?x=1 2", "https://cdn.example/a%20b.png?x=1%202"),
        ("//cdn.example/日.png", "https://cdn.example/%E6%97%A5.png"),
    ],
)
def test_a_remote_cover_is_only_named(tmp_path: Path, ref: str, url: str) -> None:
    cover, problems = cover_of(tmp_path, f"cover: {{image: '{ref}'}}")
    assert cover == Image(alt="", url=url)
    assert problems == ()


@pytest.mark.parametrize(
    "ref",
    ["../../../../etc/passwd", "/../../etc/passwd", "..", "file:///etc/passwd", "data:image/png;base64,x", "http://[bad", "%2e%2e/%2e%2e/secret.png"],
)  # fmt: skip
def test_a_path_that_leaves_the_site_is_refused(tmp_path: Path, ref: str) -> None:
    write(tmp_path.parent / "secret.png", PNG)
    cover, problems = cover_of(tmp_path / "site", f"cover: {{image: '{ref}'}}")
    assert cover is None
    assert [(p.code, p.post_lost) for p in problems] == [("cover-outside", False)]


def test_a_link_out_of_the_site_is_refused(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.png", PNG)
    site = tmp_path / "site"
    (site / "static").mkdir(parents=True)
    (site / "static" / "a.png").symlink_to(secret)
    (site / "static" / "out").symlink_to(tmp_path)
    for ref in ("/a.png", "/out/secret.png"):
        cover, problems = cover_of(site, f"cover: {{image: {ref}}}")
        assert cover is None
        assert [p.code for p in problems] == ["cover-outside"]


def test_bytes_say_what_a_file_is(tmp_path: Path) -> None:
    write(tmp_path / "static/a.png", JPEG)
    cover, problems = cover_of(tmp_path, "cover: {image: a.png}")
    assert cover is not None
    assert (cover.mime, cover.width, cover.height, problems) == ("image/jpeg", 40, 30, ())
    for data in (b"<!DOCTYPE html><html>", b"", b"GIF87", b"\x89PNG"):
        write(tmp_path / "static/a.png", data)
        cover, problems = cover_of(tmp_path, "cover: {image: a.png}")
        assert cover is None
        assert [(p.code, p.post_lost) for p in problems] == [("cover-not-image", False)]


def test_a_missing_cover_keeps_the_post_and_may_still_come(tmp_path: Path) -> None:
    write(tmp_path / "content/posts/a.md", "---\ntitle: x\ncover: {image: /a.png}\n---\n")
    scanner = Scanner(rules_at(tmp_path))
    scan = scanner.scan(NOW)
    assert [(p.code, p.post_lost) for p in scan.problems] == [("cover-missing", False)]
    assert scan.posts[0].visible
    assert scan.posts[0].cover == Image(alt="", shown="static/a.png")
    write(tmp_path / "static/a.png", PNG)
    scan = scanner.scan(NOW)
    assert scan.posts[0].cover is not None
    assert scan.posts[0].cover.file == str(tmp_path / "static/a.png")
    assert scan.changed == {"content/posts/a.md"}
    assert scan.problems == ()


def test_shared_default_covers_and_pictures_of_the_text(tmp_path: Path) -> None:
    write(tmp_path / "static/a.png", PNG)
    assert cover_of(tmp_path, "cover: {image: /a.png}", ignore_covers=("/a.png",)) == (None, ())
    body = "text\n\n![図](/a.png 'title') <img src='/b.png'>\n"
    assert cover_of(tmp_path, "x: y", body=body)[0] is None
    cover, _ = cover_of(tmp_path, "x: y", body=body, body_cover=True)
    assert cover is not None
    assert (cover.shown, cover.alt) == ("static/a.png", "図")


def test_a_folder_or_nul_is_no_cover(tmp_path: Path) -> None:
    (tmp_path / "static" / "a.png").mkdir(parents=True)
    assert cover_of(tmp_path, "cover: {image: a.png}")[1][0].code == "cover-missing"
    assert cover_of(tmp_path, 'cover: {image: "a\\0.png"}')[1][0].code == "cover-outside"
    assert cover_of(tmp_path, "cover: {image: '" + "a" * 5000 + "'}")[1][0].code == "cover-missing"


def test_sniffing_and_sizes() -> None:
    webp = (
        b"RIFF\x00\x00\x00\x00WEBPVP8X"
        + bytes(8)
        + (39).to_bytes(3, "little")
        + (29).to_bytes(3, "little")
    )
    gif = b"GIF89a" + (40).to_bytes(2, "little") + (30).to_bytes(2, "little")
    for data, mime in (
        (webp, "image/webp"),
        (gif, "image/gif"),
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
    ):
        assert sniff(data) == mime
        assert dimensions(data, mime) == (40, 30)
    assert sniff(b"\x00\x00\x00\x20ftypavif") == "image/avif"
    assert dimensions(b"\xff\xd8\xff\xe0\x00\x00", "image/jpeg") == (None, None)


def test_readers_find_static_files_and_bundles_at_their_addresses(tmp_path: Path) -> None:
    write(tmp_path / "static/画像/a b.png", PNG)
    cover, _ = cover_of(tmp_path, "cover: {image: /画像/a b.png}")
    assert cover is not None
    assert cover.public == f"{rules_at(tmp_path).url.rstrip('/')}/%E7%94%BB%E5%83%8F/a%20b.png"
    write(tmp_path / "content/posts/b/index.md", "---\ntitle: x\ncover: {image: c.png}\n---\n")
    write(tmp_path / "content/posts/b/c.png", PNG)
    posts = Scanner(rules_at(tmp_path)).scan(NOW).posts
    bundled = next(post for post in posts if post.path.endswith("b/index.md"))
    assert bundled.cover is not None
    assert bundled.cover.public == f"{bundled.url}c.png"
