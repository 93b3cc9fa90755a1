"""Pictures made to fit what a network takes: upright, sRGB, without the camera's data.

Quality yields before size. A picture that is fine as it is stays as it is, byte by byte; what was
made is kept by the hash of its source, so that the same request is the same bytes again.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import MediaRefused, NotSent
from bot.i18n import msg
from bot.model import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SOURCE_CAP = 64 * 1024 * 1024
PIXEL_CAP = 120_000_000
MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
READABLE = tuple(MIME)
QUALITIES = (90, 82, 74, 66)
SHRINK = 0.8
SMALLEST_SIDE = 64
LEFT_ON_PURPOSE = ("transparency", "gamma", "srgb", "dpi", "jfif", "jfif_version", "jfif_unit")
HARMLESS = (*LEFT_ON_PURPOSE, "jfif_density", "progressive", "progression", "background", "version")
MOVING = ("duration", "loop", "extension", "comment", "timestamp")

Fetch = Callable[[str], bytes]
"""Gets a picture of the web. Raises MediaRefused or Transient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a network takes: bytes, the longer side and the area in pixels, formats in Pillow's
    words, and whether a picture may move."""

    size: int
    side: int
    formats: tuple[str, ...] = ("JPEG", "PNG")
    area: int = PIXEL_CAP
    moving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    data: bytes
    mime: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """For the upload: the same for the same bytes, and for no others. (A server that keeps files
        by their names, as snac does, would show one picture under every post.)"""
        return hashlib.sha256(self.data).hexdigest()[:32]


def fitted(
    image: Image, limits: Limits, store: Path | None = None, fetch: Fetch | None = None
) -> Fitted:
    """The picture of a post for a network. Raises MediaRefused where there is none to be had, and
    what `fetch` raises."""
    name = image.shown or image.url or ""
    try:
        source = source_of(image, fetch)
        kept = _kept(source, limits, store)
        return kept or _keep(fit(source, limits), source, limits, store)
    except NotSent:
        raise
    except Exception as error:  # a picture is hostile input to a large library
        detail = type(error).__name__
        raise MediaRefused(
            msg(
                "The image {image} cannot be used ({detail}): sent without it.",
                image=name,
                detail=detail,
            )
        ) from None


def fit(source: bytes, limits: Limits) -> Fitted:
    """`source` where it fits and tells nothing, else a new picture made from it."""
    from PIL import Image as Pillow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Pillow.open(io.BytesIO(source), formats=READABLE) as picture:
            if picture.width * picture.height > PIXEL_CAP:
                raise ValueError("too many pixels")
            if _fine(picture, source, limits):
                return _fitted(source, picture.format or "", picture.size)
            picture.load()
            return _smaller(_upright(picture), limits)


def source_of(image: Image, fetch: Fetch | None = None) -> bytes:
    """The picture as it is. Raises MediaRefused, and what `fetch` raises."""
    name = image.shown or image.url or ""
    if image.file is None and image.url and fetch is not None:
        return fetch(image.url)
    try:
        data = Path(image.file).read_bytes() if image.file else b""
    except OSError:
        data = b""
    if not data or len(data) > SOURCE_CAP:
        raise MediaRefused(msg("The image {image} cannot be read: sent without it.", image=name))
    return data


def _fine(picture: Picture, source: bytes, limits: Limits) -> bool:
    """Nothing to change: small enough, a format that is taken, nothing of the camera inside."""
    moves = getattr(picture, "is_animated", False)
    private = set(picture.info) - set(HARMLESS) - set(MOVING if limits.moving else ())
    return (
        picture.format in limits.formats
        and len(source) <= limits.size
        and max(picture.size) <= limits.side
        and picture.width * picture.height <= limits.area
        and picture.mode in ("RGB", "RGBA", "L", "LA", "P")
        and not private
        and not picture.getexif()
        and (limits.moving or not moves)
    )


def _upright(picture: Picture) -> Picture:
    """Turned as the camera says, in sRGB, RGB or RGBA, without anything else."""
    from PIL import ImageOps

    profile = picture.info.get("icc_profile")
    turned = ImageOps.exif_transpose(picture)
    clear = turned.has_transparency_data
    turned = _srgb(turned, profile).convert("RGBA" if clear else "RGB")
    if clear and turned.getchannel("A").getextrema()[0] == 255:
        turned = turned.convert("RGB")
    turned.info.clear()
    return turned


def _srgb(picture: Picture, profile: bytes | None) -> Picture:
    from PIL import ImageCms

    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    try:
        target = "RGBA" if picture.mode == "RGBA" else "RGB"
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        changed = ImageCms.profileToProfile(
            picture, theirs, ImageCms.createProfile("sRGB"), outputMode=target
        )
    except (ImageCms.PyCMSError, OSError):
        return picture  # a broken profile: its colours as they are
    return changed or picture


def _smaller(picture: Picture, limits: Limits) -> Fitted:
    for candidate in _sizes(picture, limits):
        for form, data in _encodings(candidate, limits.formats):
            if len(data) <= limits.size:
                return _fitted(data, form, candidate.size)
    raise ValueError("cannot be made small enough")


def _sizes(picture: Picture, limits: Limits) -> Iterator[Picture]:
    """The picture within the limits, then smaller and smaller."""
    area = picture.width * picture.height
    factor = min(1.0, limits.side / max(picture.size), (limits.area / area) ** 0.5)
    while True:
        width, height = (max(1, int(length * factor)) for length in picture.size)
        yield picture if factor == 1.0 else picture.resize((width, height))
        factor *= SHRINK
        if max(width, height) * SHRINK < SMALLEST_SIDE:
            return


def _encodings(picture: Picture, formats: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """With transparency as PNG, if that is taken; then as JPEG, on white, of less and less quality."""
    if picture.mode == "RGBA":
        if "PNG" in formats:
            yield "PNG", _encode(picture, "PNG", optimize=True)
        picture = _on_white(picture)
    for quality in QUALITIES:
        yield "JPEG", _encode(picture, "JPEG", quality=quality, optimize=True, progressive=True)


def _encode(picture: Picture, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _on_white(picture: Picture) -> Picture:
    from PIL import Image as Pillow

    ground = Pillow.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _fitted(data: bytes, form: str, size: tuple[int, int]) -> Fitted:
    return Fitted(data=data, mime=MIME[form], width=size[0], height=size[1])


def _place(source: bytes, limits: Limits, store: Path) -> Path:
    return store / hashlib.sha256(source + repr(limits).encode()).hexdigest()


def _kept(source: bytes, limits: Limits, store: Path | None) -> Fitted | None:
    from PIL import Image as Pillow

    if store is None or not (place := _place(source, limits, store)).exists():
        return None
    data = place.read_bytes()
    with Pillow.open(io.BytesIO(data), formats=READABLE) as picture:
        return _fitted(data, picture.format or "", picture.size)


def _keep(made: Fitted, source: bytes, limits: Limits, store: Path | None) -> Fitted:
    if store is not None and made.data != source:
        store.mkdir(parents=True, exist_ok=True)
        place = _place(source, limits, store)
        draft = place.with_suffix(f".{os.getpid()}")
        draft.write_bytes(made.data)
        draft.replace(place)
    return made
