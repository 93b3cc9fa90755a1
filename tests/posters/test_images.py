"""Pictures that fit: bytes and pixels kept to, upright, without the camera's data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PIL")

from PIL import Image as Pillow

from bot.errors import MediaRefused
from bot.model import Image
from bot.posters.images import Fitted, Limits, fit, fitted

LIMITS = Limits(size=60_000, side=400)


def encode(picture: Pillow.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Pillow.Image:
    return Pillow.effect_noise((width, height), 90).convert(mode)


def opened(data: bytes) -> Pillow.Image:
    picture = Pillow.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_picture_that_is_fine_stays_as_it_is(form: str) -> None:
    source = encode(Pillow.new("RGB", (30, 20), "red"), form)
    made = fit(source, LIMITS)
    assert (made.data, made.width, made.height) == (source, 30, 20)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("size", [(2000, 300), (300, 2000), (900, 900)])
def test_a_picture_that_is_too_large_is_made_to_fit(form: str, size: tuple[int, int]) -> None:
    made = fit(encode(noise(*size), form), LIMITS)
    picture = opened(made.data)
    assert len(made.data) <= LIMITS.size
    assert max(picture.size) <= LIMITS.side
    assert picture.size == (made.width, made.height)
    assert abs(picture.width / picture.height - size[0] / size[1]) / (size[0] / size[1]) < 0.05
    assert made.mime in ("image/jpeg", "image/png")


def test_quality_yields_before_size() -> None:
    source = noise(400, 400)
    best, least = (len(encode(source, "JPEG", quality=quality)) for quality in (90, 66))
    made = fit(encode(source, "PNG"), Limits(size=(best + least) // 2, side=400))
    assert (made.width, made.height) == (400, 400)
    assert made.mime == "image/jpeg"


def test_a_turned_picture_is_upright_and_tells_nothing_of_the_camera() -> None:
    picture = Pillow.new("RGB", (40, 20), "white")
    picture.paste("red", (0, 0, 20, 20))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turned by 90°
    exif[0x010F] = "A camera"
    made = fit(encode(picture, "JPEG", exif=exif.tobytes(), quality=95), LIMITS)
    shown = opened(made.data)
    assert shown.size == (20, 40)
    assert not shown.getexif()
    assert b"A camera" not in made.data
    top = shown.getpixel((10, 5))
    assert isinstance(top, tuple)
    assert top[0] > 200
    assert top[1] < 60


def test_words_inside_a_picture_are_left_out() -> None:
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("Author", "somebody")
    made = fit(encode(Pillow.new("RGB", (20, 20)), "PNG", pnginfo=words), LIMITS)
    assert b"somebody" not in made.data


def test_transparency_is_kept_where_there_is_any() -> None:
    clear = Pillow.new("RGBA", (500, 20), (255, 0, 0, 0))
    made = fit(encode(clear, "PNG"), LIMITS)
    assert made.mime == "image/png"
    assert opened(made.data).mode == "RGBA"
    full = Pillow.new("RGBA", (500, 20), (255, 0, 0, 255))
    assert fit(encode(full, "PNG"), LIMITS).mime == "image/jpeg"


def test_transparency_that_does_not_fit_goes_on_white() -> None:
    picture = noise(400, 400, "RGBA")
    picture.putalpha(0)
    made = fit(encode(picture, "PNG"), LIMITS)
    assert made.mime == "image/jpeg"
    pixel = opened(made.data).getpixel((1, 1))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 240


def test_a_profile_that_does_not_fit_is_left_out() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    source = encode(Pillow.new("RGB", (20, 20), "red"), "PNG", icc_profile=profile)
    made = fit(source, LIMITS)
    assert "icc_profile" not in opened(made.data).info


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"<svg xmlns='x'/>", b"\x89PNG\r\n\x1a\n" + b"\0" * 64]
)
def test_what_is_no_picture_is_left_out(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(data)
    with pytest.raises(MediaRefused, match=r"static/x\.png"):
        fitted(Image(alt="", file=str(file), shown="static/x.png"), LIMITS)


def test_a_bomb_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(encode(Pillow.new("1", (12_000, 12_000)), "PNG"))
    with pytest.raises(MediaRefused):
        fitted(Image(alt="", file=str(file), shown="bomb.png"), LIMITS)


def test_what_cannot_be_made_small_enough_is_left_out() -> None:
    with pytest.raises(ValueError, match="small"):
        fit(encode(noise(300, 300), "PNG"), Limits(size=10, side=400))


def test_the_same_picture_is_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(encode(noise(900, 300), "PNG"))
    image = Image(alt="", file=str(file), shown="x.png")
    first = fitted(image, LIMITS, tmp_path / "store")
    monkeypatch.setattr("bot.posters.images.fit", None)  # another encoder would make others
    assert fitted(image, LIMITS, tmp_path / "store") == first


def test_an_upload_is_named_by_its_bytes() -> None:
    """A server that keeps files by their names would show the newest picture under every post."""
    one, other = (Fitted(data=d, mime="image/jpeg", width=1, height=1) for d in (b"a", b"b"))
    assert one.name != other.name
    assert one.name == Fitted(data=b"a", mime="image/png", width=2, height=2).name
