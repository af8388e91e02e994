"""Makes the images of a generation from training pictures, a prompt, a strength and a seed.

Nothing is generated: pictures are cropped, folded, cut and printed again. The same inputs give the
same image, every image says in a corner and in its metadata that it is simulated.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from sandbox import techniques

SOFTWARE = "LoRA Trainer sandbox (simulated)"
SMALLEST = 64
"""The smallest side, in pixels, that the techniques work with."""
FORMATS = {"jpeg": "JPEG", "jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
WORDS = {
    "red": 355, "orange": 28, "gold": 42, "yellow": 50, "green": 130, "teal": 175, "sea": 195,
    "ocean": 200, "sky": 208, "blue": 220, "night": 245, "violet": 270, "purple": 280, "pink": 330,
    "sunset": 15, "forest": 120, "fire": 12, "desert": 35, "winter": 205, "snow": 205,
}  # fmt: skip
"""Words of a prompt that name a colour, and its hue in degrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a generation is asked for."""

    prompt: str
    strength: float
    """How much of the pictures is seen: at 0 the prompt alone decides."""
    seed: int
    number: int
    """How many images."""
    size: tuple[int, int]
    """Width and height in pixels."""
    form: str
    """jpeg, jpg, png or webp."""
    quality: int = 92
    """0 to 100; PNG has none."""
    held_back: bool = False
    """Whether the safety checker holds the images back."""


def compose(sources: Sequence[Image.Image], wish: Wish, number: int) -> Image.Image:
    """Return one image in RGB; `number` is its place in the batch."""
    # Not the strength: more of it changes how an image looks, not what is where.
    start = f"{wish.prompt}\0{wish.seed}\0{number}"
    draw = Random(hashlib.sha256(start.encode()).digest())
    first = int.from_bytes(hashlib.sha256(wish.prompt.encode()).digest()[:4])
    technique = techniques.ALL[(first + wish.seed + number) % len(techniques.ALL)]
    size = (max(SMALLEST, wish.size[0]), max(SMALLEST, wish.size[1]))
    wash = _wash(wish.prompt, draw, size)
    image = technique(sources, draw, size)
    image = Image.blend(image, ImageChops.soft_light(image, wash), 0.55)
    image = Image.blend(wash, image, min(1.0, 0.2 + 0.8 * max(0.0, wish.strength)))
    image = ImageEnhance.Color(image).enhance(0.9 + 0.2 * min(abs(wish.strength), 2.0))
    return mark(_grain(image, draw)).resize(wish.size)


def invented(digest: str) -> list[Image.Image]:
    """Return pictures for weights that are not known here, drawn from their digest alone."""
    draw = Random(digest)
    hue = draw.random()
    pictures = []
    for _ in range(4):
        numbers = np.random.default_rng(draw.getrandbits(64))
        picture = Image.new("HSV", (5, 5))
        for x in range(5):
            for y in range(5):
                shade = (hue + 0.5 * (numbers.random() < 0.2) + numbers.normal(0, 0.05)) % 1.0
                value = 60 + int(numbers.random() * 190)
                picture.putpixel(
                    (x, y), (int(shade * 255), 90 + int(numbers.random() * 130), value)
                )
        picture = picture.convert("RGB").resize((512, 512), Image.Resampling.BICUBIC)
        pictures.append(picture)
    return pictures


def black(size: tuple[int, int]) -> Image.Image:
    """Return what stands in for an image that the safety checker held back."""
    return mark(Image.new("RGB", size))


def mark(image: Image.Image) -> Image.Image:
    """Write "simulated" into the lower left corner."""
    height = max(11, min(image.size) // 48)
    font = ImageFont.load_default(height)
    box = font.getbbox("simulated")
    pad = height // 2
    label = Image.new("RGBA", (int(box[2]) + 2 * pad, height + 2 * pad))
    pen = ImageDraw.Draw(label)
    pen.rounded_rectangle((0, 0, label.width - 1, label.height - 1), pad, fill=(0, 0, 0, 120))
    pen.text((pad, label.height // 2), "simulated", font=font, fill="white", anchor="lm")
    place = (pad, image.height - label.height - pad)
    if image.mode == "RGBA":
        image.alpha_composite(label, place)
    else:
        image.paste(label.convert("RGB"), place, label)
    return image


def encode(image: Image.Image, form: str, description: str, quality: int = 92) -> bytes:
    """Return the image as a file; `form` is jpeg, jpg, png or webp, the description is metadata."""
    exif = Image.Exif()
    exif[0x0131] = SOFTWARE
    exif[0x010E] = "Simulated. " + description.encode("ascii", "replace").decode()
    file = io.BytesIO()
    # The fast settings: a sandbox is waited for more often than it is stored.
    options = {"PNG": {"compress_level": 3}, "WEBP": {"quality": quality, "method": 2}}
    image.save(
        file,
        FORMATS[form],
        exif=exif,
        **options.get(FORMATS[form], {"quality": quality, "subsampling": 0}),
    )
    return file.getvalue()


def cut_out(image: Image.Image) -> Image.Image:
    """Make everything transparent that looks like the picture's border."""
    pixels = np.asarray(image.convert("RGB"), np.float32)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    distance = np.abs(pixels - np.median(edge, axis=0)).max(axis=2)
    threshold = float(np.percentile(distance, 35)) + 12
    alpha = np.clip((distance - threshold) * 8, 0, 255).astype(np.uint8)
    shape = Image.fromarray(alpha).filter(ImageFilter.MedianFilter(7))
    result = image.convert("RGBA")
    result.putalpha(shape.filter(ImageFilter.GaussianBlur(1)))
    return mark(result)


def describe(image: Image.Image) -> str:
    """Return a caption of what can be measured: colours, light, format."""
    small = ImageOps.posterize(image.convert("RGB").resize((32, 32)), 3)
    hue, saturation, value = (int(np.median(band)) for band in _bands(small.convert("HSV")))
    names = ("red", "orange", "yellow", "green", "teal", "blue", "violet", "pink")
    colour = names[round(hue / 255 * 8) % 8] if saturation > 40 else "muted"
    light = "dark" if value < 90 else "bright" if value > 170 else "evenly lit"
    form = {True: "wide", False: "tall"}[image.width >= image.height]
    return f"Simulated caption: {light}, mostly {colour}, in a {form} frame"


def _bands(image: Image.Image) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return [np.asarray(band) for band in image.split()]


def _wash(prompt: str, draw: Random, size: tuple[int, int]) -> Image.Image:
    words = prompt.lower().replace(",", " ").replace(".", " ").split()
    hues = [WORDS[word] for word in words if word in WORDS]
    if not hues:
        hues = [hashlib.sha256(prompt.encode()).digest()[0] * 360 // 256]
    small = Image.new("HSV", (3, 3))
    for x in range(3):
        for y in range(3):
            hue = (draw.choice(hues) + draw.uniform(-25, 25)) % 360
            value = int(draw.uniform(90, 240))
            small.putpixel((x, y), (int(hue / 360 * 255), int(draw.uniform(60, 190)), value))
    return small.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def _grain(image: Image.Image, draw: Random) -> Image.Image:
    numbers = np.random.default_rng(draw.getrandbits(64))
    tile = numbers.normal(0, 5, (256, 256, 1)).astype(np.int16)
    repeats = (-(-image.height // 256), -(-image.width // 256), 1)
    grain = np.tile(tile, repeats)[: image.height, : image.width]
    pixels = np.asarray(image, np.int16) + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
