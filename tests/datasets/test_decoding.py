"""What becomes of pictures that strangers gave us, and of those that are none."""

from __future__ import annotations

import base64
import io
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat
from PIL.PngImagePlugin import PngInfo

from datasets import decoding
from datasets.decoding import Decoders, Unreadable
from tests.datasets.photographs import (
    HTML,
    SVG,
    TEXT,
    drawing,
    encoded,
    jpeg,
    png,
    png_bomb,
    webp_bomb,
)


def opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of the levels, 0 to 255."""
    compared = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return sum(ImageStat.Stat(compared).mean) / 3


def test_a_photograph_is_kept_upright_small_and_without_metadata():
    exif = Image.Exif()
    exif[274] = 6  # Lies on its left side.
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}  # Where it was taken.
    exif[306] = "2024:05:16 12:00:00"
    source = drawing(1, (3000, 2000))
    developed = decoding.develop(
        encoded(source, "JPEG", exif=exif, comment=b"secret", icc_profile=b"")
    )
    kept = opened(developed.file)
    assert (kept.format, kept.size) == ("JPEG", (1365, 2048))
    assert (developed.width, developed.height, developed.suffix) == (1365, 2048, "jpg")
    assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert len(kept.getexif()) == 0
    assert b"secret" not in developed.file
    upright = source.transpose(Image.Transpose.ROTATE_270).resize(kept.size)
    assert difference(kept, upright) < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_exif_is_undone(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    file = encoded(drawing(2, (400, 300)), "JPEG", exif=exif)
    kept = opened(decoding.develop(file).file)
    expected = ImageOps.exif_transpose(opened(file))
    assert kept.size == expected.size
    assert difference(kept, expected) < 3


def test_chroma_is_kept_in_full():
    kept = opened(decoding.develop(jpeg()).file)
    assert [layer[1:3] for layer in kept.layer] == [(1, 1)] * 3


def test_a_png_stays_a_png_and_keeps_every_pixel():
    source = drawing(3, (700, 500))
    text = PngInfo()
    text.add_text("Author", "somebody")
    developed = decoding.develop(encoded(source, "PNG", pnginfo=text))
    kept = opened(developed.file)
    assert (kept.format, developed.suffix) == ("PNG", "png")
    assert difference(kept, source) == 0
    assert kept.info == {}


def test_a_webp_becomes_a_jpeg():
    source = drawing(4, (500, 400))
    developed = decoding.develop(encoded(source, "WEBP", lossless=True))
    assert opened(developed.file).format == "JPEG"
    assert difference(opened(developed.file), source) < 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_put_on_white(mode):
    image = Image.new("RGBA", (300, 300), (200, 0, 0, 0))
    image.paste((0, 0, 200, 255), (0, 0, 150, 300))
    if mode == "PA":
        image = image.quantize(4, Image.Quantize.FASTOCTREE)
    if mode == "LA":
        image = image.convert(mode)
    kept = opened(decoding.develop(encoded(image, "PNG")).file)
    assert kept.getpixel((299, 150)) == (255, 255, 255)
    assert kept.getpixel((0, 150)) != (255, 255, 255)


def test_sixteen_bits_of_grey_keep_their_shades():
    deep = Image.new("I;16", (300, 300))
    deep.putdata([column * 218 for _row in range(300) for column in range(300)])
    kept = opened(decoding.develop(encoded(deep, "PNG")).file)
    assert kept.mode == "RGB"
    assert [kept.getpixel((column, 9))[0] for column in (0, 150, 299)] == [0, 127, 254]


def test_colours_of_another_profile_become_srgb():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # In this one the numbers for red mean blue, and the other way round.
    swapped = profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    red = Image.new("RGB", (300, 300), (255, 0, 0))
    kept = opened(decoding.develop(encoded(red, "PNG", icc_profile=swapped)).file)
    assert difference(kept, Image.new("RGB", (300, 300), (0, 0, 255))) < 8
    assert "icc_profile" not in kept.info


def test_a_broken_profile_is_passed_over():
    kept = opened(decoding.develop(jpeg(5, icc_profile=b"no profile at all")).file)
    assert difference(kept, drawing(5)) < 5


def test_cmyk_becomes_rgb():
    kept = opened(decoding.develop(encoded(drawing(6).convert("CMYK"), "JPEG")).file)
    assert kept.mode == "RGB"
    assert difference(kept, drawing(6)) < 6


def test_the_first_of_two_pictures_in_a_jpeg_is_meant():
    first, second = drawing(7), Image.new("RGB", (320, 300), "black")
    file = encoded(first, "MPO", save_all=True, append_images=[second], quality=92, subsampling=0)
    assert difference(opened(decoding.develop(file).file), first) < 5


def test_thumbnails_are_square_and_fitted_as_avif_and_webp():
    developed = decoding.develop(jpeg(8, (1200, 900)))
    sizes = {name: opened(file).size for name, file in developed.thumbnails.items()}
    assert sizes == {
        "160.avif": (160, 160),
        "160.webp": (160, 160),
        "640.avif": (640, 480),
        "640.webp": (640, 480),
    }
    assert opened(developed.thumbnails["160.avif"]).format == "AVIF"
    assert opened(developed.thumbnails["640.webp"]).format == "WEBP"


def test_a_small_picture_is_not_blown_up():
    developed = decoding.develop(jpeg(9, (300, 280)))
    assert opened(developed.thumbnails["640.avif"]).size == (300, 280)
    assert (developed.width, developed.height) == (300, 280)


def test_the_same_picture_gives_the_same_bytes():
    file = jpeg(10, (900, 700))
    assert decoding.develop(file) == decoding.develop(file)


ANIMATED = encoded(drawing(1), "WEBP", save_all=True, append_images=[drawing(2)])
ANIMATED_PNG = encoded(drawing(1), "PNG", save_all=True, append_images=[drawing(2)])
HALF = jpeg(11, (900, 700))[:9000]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"", "This is not a JPEG, PNG or WebP picture."),
        (TEXT, "This is not a JPEG, PNG or WebP picture."),
        (HTML, "This is not a JPEG, PNG or WebP picture."),
        (SVG, "This is not a JPEG, PNG or WebP picture."),
        (encoded(drawing(), "GIF"), "This is not a JPEG, PNG or WebP picture."),
        (encoded(drawing(), "TIFF"), "This is not a JPEG, PNG or WebP picture."),
        (encoded(drawing(), "BMP"), "This is not a JPEG, PNG or WebP picture."),
        (b"\xff\xd8\xff" + TEXT, "This is not a JPEG, PNG or WebP picture."),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "This picture is too small: 0 × 0 pixels."),  # noqa: RUF001
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "This is not a JPEG, PNG or WebP picture."),
        (HALF, "This picture is damaged and cannot be read."),
        (png(12)[:4000], "This picture is damaged and cannot be read."),
        (png_bomb(13_300), "This picture is too large: 13300 × 13300 pixels."),  # noqa: RUF001
        (webp_bomb(16_000, 16_000), "This picture is too large: 16000 × 16000 pixels."),  # noqa: RUF001
        (jpeg(13, (9000, 300)), "This picture is too large: 9000 × 300 pixels."),  # noqa: RUF001
        (jpeg(14, (600, 100)), "This picture is too small: 600 × 100 pixels."),  # noqa: RUF001
        (ANIMATED, "This picture moves. Choose a still one."),
        (ANIMATED_PNG, "This picture moves. Choose a still one."),
    ],
)
def test_what_is_no_picture_or_a_bad_one_is_refused_in_words(file, words):
    with pytest.raises(Unreadable) as refusal:
        decoding.develop(file)
    assert str(refusal.value).startswith(words)


def pid() -> int:
    """The process that answers next."""
    decoding.preview(jpeg())
    decoder = Decoders.current._free.queue[-1]
    assert decoder is not None
    return decoder.process.pid


def test_one_process_answers_again_and_again():
    assert pid() == pid()


def test_a_decoder_that_crashes_is_replaced():
    before = pid()
    os.kill(before, signal.SIGSEGV)
    with pytest.raises(Unreadable, match="damaged"):
        decoding.develop(jpeg())
    assert pid() != before


def test_a_decoder_that_takes_too_long_is_ended(monkeypatch):
    before = pid()
    monkeypatch.setattr(decoding, "ANSWER_SECONDS", 0.2)
    os.kill(before, signal.SIGSTOP)
    began_at = time.monotonic()
    with pytest.raises(Unreadable):
        decoding.develop(jpeg())
    assert time.monotonic() - began_at < 5
    monkeypatch.undo()
    assert pid() != before


def test_a_picture_that_needs_too_much_memory_is_refused_and_the_decoder_lives(settings):
    settings.PICTURE_MAX_PIXELS, settings.PICTURE_MAX_SIDE = 10**12, 10**6
    before = pid()
    with pytest.raises(Unreadable):
        decoding.develop(png_bomb(20_000))
    with pytest.raises(Unreadable):
        decoding.develop(webp_bomb(16_383, 16_383))
    assert pid() == before
    assert decoding.develop(jpeg()).width == 320


def test_a_decoder_knows_no_secret_and_writes_no_file(monkeypatch):
    monkeypatch.setenv("FAL_KEY", "secret")
    Decoders.current.close()
    environment = Path(f"/proc/{pid()}/environ").read_bytes()
    assert b"secret" not in environment
    assert b"DATABASE_URL" not in environment
    limits = Path(f"/proc/{pid()}/limits").read_text()
    assert "Max file size             0 " in limits
    assert f"Max address space         {10**9} " in limits


def test_several_threads_share_the_decoders():
    with ThreadPoolExecutor(6) as threads:
        developed = list(threads.map(decoding.develop, [jpeg(seed) for seed in range(6)]))
    for seed, each in enumerate(developed):
        assert difference(opened(each.file), drawing(seed)) < 5


def test_a_decoder_is_replaced_before_it_grows_old(monkeypatch):
    monkeypatch.setattr(decoding, "ORDERS_PER_DECODER", 1)
    decoding.preview(jpeg())
    assert Decoders.current._free.queue[-1] is None


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_clockwise_in_thumbnails_and_archive(rotation):
    corner = Image.new("RGB", (400, 300), "white")
    corner.paste((220, 0, 0), (0, 0, 200, 150))
    kept = decoding.develop(encoded(corner, "PNG")).file
    turned = opened(decoding.full(kept, rotation))
    small = opened(decoding.small(kept, rotation)["640.webp"])
    expected = corner.rotate(-rotation, expand=True)
    assert difference(turned, expected) == 0
    assert small.size == expected.size
    assert difference(small, expected) < 4


def test_a_strip_shows_four_frames_on_film_and_knows_its_colours():
    red = decoding.develop(encoded(Image.new("RGB", (300, 300), (200, 20, 20)), "PNG")).file
    blue = decoding.develop(encoded(Image.new("RGB", (400, 300), (20, 20, 90)), "PNG")).file
    strip = decoding.strip([red, blue, red, red], [0, 90, 180, 270], [()] * 4)
    film = opened(strip.avif).convert("RGB")
    assert film.size == opened(strip.webp).size == (770, 200)
    assert max(film.getpixel((3, 100))) < 20
    assert max(film.getpixel((195, 100))) < 30
    assert film.getpixel((100, 100))[0] > 180
    assert film.getpixel((290, 100))[2] > 70
    assert strip.hue == 0
    assert strip.palette[0] == "#c81414"
    scheme, _, data = strip.placeholder.partition(",")
    assert scheme == "data:image/webp;base64"
    assert opened(base64.b64decode(data)).size == (8, 2)
    assert len(strip.placeholder) < 160


def test_grey_pictures_have_no_hue():
    grey = decoding.develop(encoded(Image.new("RGB", (300, 300), (120, 120, 120)), "PNG")).file
    assert decoding.strip([grey], [0], [()]).hue is None
