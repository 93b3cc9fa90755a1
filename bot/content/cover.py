"""The picture of a post: which one the front matter names, and the file of the site behind it.

Order: `cover` (PaperMod), `images`, `image`, `featured_image`. A path never leaves the site's
folders, and the bytes, not the suffix, say what a file is.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from bot.content.files import read_head, reason_of
from bot.content.names import escape
from bot.content.remote import refusal
from bot.content.rules import SiteRules
from bot.i18n import Message, msg
from bot.model import Image, Problem

KEYS = ("images", "image", "featured_image", "featuredimage", "thumbnail")
BUNDLE_NAMES = ("feature", "cover", "thumbnail")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif")
HEAD = 512
HEAD_OF_JPEG = 64 * 1024
_MARKS = re.compile("[?#%]")
_PICTURE = re.compile(
    r"!\[([^\]\n]{0,300})\]\((?:<([^>\n]{1,500})>|([^)\s]{1,500}))[^)\n]{0,300}\)"
    r"|<img\s[^<>]{0,500}?src=[\"']([^\"'\n]{1,500})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the front matter asks for: a path or URL as written, its alt text, and whether it
    starts at the post (`relative`, only a true boolean counts, as in PaperMod)."""

    ref: str
    alt: str = ""
    relative: bool = False


class Refusal(Exception):
    """The picture cannot be used; the post stands without it."""

    def __init__(self, code: str, message: Message, hint: Message) -> None:
        super().__init__(code)
        self.code, self.message, self.hint = code, message, hint


def wanted_cover(matter: Mapping[str, Any]) -> Wanted | None:
    """The picture that the front matter names."""
    cover = matter.get("cover")
    if isinstance(cover, Mapping):
        ref = _text(cover.get("image"))
        alt = _text(cover.get("alt")) or _text(cover.get("caption"))
        if ref:
            return Wanted(ref=ref, alt=alt, relative=cover.get("relative") is True)
    elif _text(cover):
        return Wanted(ref=_text(cover))
    for key in KEYS:
        value = matter.get(key)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, Mapping):
            ref, alt = _text(first.get("src") or first.get("url")), _text(first.get("alt"))
        else:
            ref, alt = _text(first), ""
        if ref:
            return Wanted(ref=ref, alt=alt or _text(matter.get("image_alt")))
    return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def body_cover(body: str) -> Wanted | None:
    """The first picture of the text."""
    found = _PICTURE.search(body)
    if found is None:
        return None
    ref = found[2] or found[3] or found[4] or ""
    alt = found[1] or ""
    return Wanted(ref=ref, alt=alt, relative=not ref.startswith("/"))


# --- from a name to a picture ---------------------------------------------------------------------


def find_cover(
    wanted: Wanted, path: str, source: str, url: str, rules: SiteRules
) -> tuple[Image | None, Problem | None]:
    """The picture of the post at `path`, whose file is `source` and whose address is `url`."""
    if wanted.ref in rules.ignore_covers:
        return None, None
    try:
        remote = _remote(wanted, rules)
        if remote:
            _check(wanted.ref, remote, rules)
            return Image(alt=wanted.alt, url=remote), None
        return _local(wanted, source, url, rules), None
    except Refusal as refusal:
        problem = Problem(
            path=path,
            message=refusal.message,
            code=refusal.code,
            hint=refusal.hint,
            post_lost=False,
        )
        if refusal.code != "cover-missing":
            return None, problem
        # The site's build may still make it: its name and its alt text are known.
        return Image(alt=wanted.alt, shown=_expected(wanted, rules)), problem


def public_address(file: str, source: str, url: str, rules: SiteRules) -> str | None:
    """Where readers of the site find this file: static files under the site's address, those of a
    bundle beside its page; None for others (assets are published by templates alone)."""
    for folder in rules.static:
        if _is_below(file, folder):
            return _under(rules.url, file[len(folder.rstrip(os.sep)) + 1 :])
    bundle = _bundle(source)
    if bundle is not None and _is_below(file, bundle):
        return _under(url, file[len(bundle) + 1 :])
    return None


def _under(base: str, path: str) -> str:
    return base.rstrip("/") + "/" + escape(path.replace(os.sep, "/"))


def _expected(wanted: Wanted, rules: SiteRules) -> str:
    """Where a static file of this name would lie, as a person writes it."""
    folder = rules.static[0] if rules.static else rules.root
    file = os.path.normpath(os.path.join(folder, wanted.ref.lstrip("/")))
    return os.path.relpath(file, rules.root).replace(os.sep, "/")


def _remote(wanted: Wanted, rules: SiteRules) -> str | None:
    """The address of a picture elsewhere, percent-encoded; None where it is a file of the site."""
    ref = wanted.ref
    if ":" not in ref and not ref.startswith("//"):
        return None
    if ref.startswith("//"):
        ref = urlsplit(rules.url).scheme + ":" + ref
    try:
        parts = urlsplit(ref)
    except ValueError:
        raise _outside(wanted.ref) from None
    if not parts.scheme or not ref.lower().startswith(("http://", "https://", "data:", "file:")):
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise _outside(wanted.ref)
    if parts.netloc == urlsplit(rules.url).netloc:
        return None
    query = "?" + escape(parts.query) if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{escape(parts.path)}{query}"


def _check(ref: str, url: str, rules: SiteRules) -> None:
    why = refusal(url, rules.cover_hosts)
    if why is not None:
        raise Refusal(
            "cover-refused",
            msg("The cover {ref} is not used: {why}.", ref=ref, why=why[0]),
            why[1],
        )


def _local(wanted: Wanted, source: str, url: str, rules: SiteRules) -> Image:
    outside = False
    for folder, name in _places(_names(wanted, rules), source, rules, wanted.relative):
        file = os.path.normpath(os.path.join(folder, name))
        inside = _is_below(file, folder) or _is_below(file, rules.content)
        if not inside:
            outside = True
        elif os.path.isfile(file):
            if _stays(file, rules):
                return _image(file, wanted, public_address(file, source, url, rules), rules)
            outside = True
    raise _outside(wanted.ref) if outside else _missing(wanted.ref)


def _names(wanted: Wanted, rules: SiteRules) -> tuple[str, ...]:
    """The path as a file name: without query and base address, decoded where it is encoded."""
    ref = wanted.ref
    if ref.lower().startswith(("http://", "https://")):
        ref = urlsplit(ref).path
    if "\0" in ref:
        raise _outside(ref.replace("\0", ""))
    base = urlsplit(rules.url).path
    if len(base) > 1 and ref.startswith(base):
        ref = "/" + ref[len(base) :]
    if not _MARKS.search(ref):
        return (ref,)
    plain = ref.split("?", 1)[0].split("#", 1)[0]
    return tuple(dict.fromkeys((ref, plain, unquote(plain))))


def _places(
    names: tuple[str, ...], source: str, rules: SiteRules, relative: bool
) -> Iterator[tuple[str, str]]:
    """Folder and name, in the order in which they are looked for: the post's bundle, then the
    site's static files and assets."""
    bundle = _bundle(source)
    near = bundle or (os.path.dirname(source) if relative else None)
    for name in names:
        if near and not (bundle and name.startswith("/")):
            yield near, name.lstrip("/")
        for folder in (*rules.static, rules.assets):
            if folder:
                yield folder, name.lstrip("/")


def _bundle(source: str) -> str | None:
    name = os.path.basename(source).split(".", 1)[0].lower()
    return os.path.dirname(source) if name == "index" else None


def _is_below(file: str, folder: str) -> bool:
    return bool(folder) and file.startswith(folder.rstrip(os.sep) + os.sep)


def _stays(file: str, rules: SiteRules) -> bool:
    """Whether the file, symbolic links followed, lies in a folder of the site."""
    folder = os.path.dirname(os.path.realpath(file) if os.path.islink(file) else file)
    roots = (*rules.static, rules.assets, *(mount.source for mount in rules.roots))
    return _is_inside(folder, roots)


@functools.lru_cache(maxsize=4096)
def _is_inside(folder: str, roots: tuple[str, ...]) -> bool:
    real = _real(folder) + os.sep
    return any(real.startswith(_real(root) + os.sep) for root in roots if root)


@functools.lru_cache(maxsize=4096)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _image(file: str, wanted: Wanted, public: str | None, rules: SiteRules) -> Image:
    try:
        head, size = read_head(file, HEAD)
        mime = sniff(head)
        if mime == "image/jpeg" and _jpeg(head) == (None, None):
            head, size = read_head(file, HEAD_OF_JPEG)
    except OSError as error:
        raise Refusal(
            "cover-unreadable",
            msg(
                "The cover {ref} cannot be read: {reason}",
                ref=wanted.ref,
                reason=reason_of(error),
            ),
            msg("Check the permissions of the file."),
        ) from None
    if mime is None:
        raise _no_image(wanted.ref, head)
    width, height = dimensions(head, mime)
    root = rules.root.rstrip(os.sep) + os.sep
    shown = file[len(root) :] if file.startswith(root) else os.path.relpath(file, rules.root)
    return Image(
        alt=wanted.alt,
        file=file,
        shown=shown.replace(os.sep, "/"),
        public=public,
        mime=mime,
        width=width,
        height=height,
        size=size,
    )


def bundle_cover(source: str) -> Wanted | None:
    """PaperMod's last resort: a picture in the bundle whose name holds feature, cover or thumbnail."""
    folder = _bundle(source)
    if folder is None:
        return None
    try:
        names = sorted(name for name in os.listdir(folder) if name.lower().endswith(SUFFIXES))
    except OSError:
        return None
    for word in BUNDLE_NAMES:
        for name in names:
            if word in name.lower():
                return Wanted(ref=name)
    return None


# --- what the bytes are ---------------------------------------------------------------------------


def sniff(head: bytes) -> str | None:
    """The type that a file's first bytes show; None where they are no picture."""
    # https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:14] in (b"WEBPVP",):
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "image/avif"
    return None


def dimensions(head: bytes, mime: str) -> tuple[int | None, int | None]:
    """Width and height, where the first bytes tell."""
    if mime == "image/png" and len(head) >= 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if mime == "image/gif" and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if mime == "image/jpeg":
        return _jpeg(head)
    if mime == "image/webp" and head[12:16] == b"VP8X" and len(head) >= 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None, None


def _jpeg(head: bytes) -> tuple[int | None, int | None]:
    """From the first start-of-frame segment (ITU T.81, table B.1)."""
    at = 2
    while at + 9 < len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(
                head[at + 5 : at + 7], "big"
            )
        at += 2 + max(int.from_bytes(head[at + 2 : at + 4], "big"), 2)
    return None, None


# --- refusals -------------------------------------------------------------------------------------


def _outside(ref: str) -> Refusal:
    return Refusal(
        "cover-outside",
        msg("The cover {ref} lies outside the site's folders and is not used.", ref=ref),
        msg("Put the picture below static/ or beside the post, and name it from there."),
    )


def _missing(ref: str) -> Refusal:
    return Refusal(
        "cover-missing",
        msg("The cover {ref} is not there.", ref=ref),
        msg("Add the picture, or correct its path in the front matter."),
    )


def _no_image(ref: str, head: bytes) -> Refusal:
    page = head.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head"))
    return Refusal(
        "cover-not-image",
        msg("The cover {ref} is a web page, not a picture.", ref=ref)
        if page
        else msg("The cover {ref} is no picture of a known kind.", ref=ref),
        msg("Replace it by a PNG, JPEG, WebP, GIF or AVIF file."),
    )
