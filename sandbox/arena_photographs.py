"""Real photographs that ship with scikit-image and scikit-learn, free to use, and their credits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.arena_pictures import photograph

PHOTOGRAPHS = (
    # Package, file, size in pixels, title, credit, source: as the two packages tell them.
    (
        "skimage",
        "astronaut.png",
        (512, 512),
        "Eileen Collins",
        "NASA, public domain",
        "flic.kr/p/r9qvLn",
    ),
    ("skimage", "coffee.png", (600, 400), "Espresso", "Rachel Michetti, CC0", None),
    (
        "skimage",
        "rocket.jpg",
        (640, 427),
        "Falcon 9 with DSCOVR",
        "SpaceX, public domain",
        "www.flickr.com/photos/spacexphotos/16511594820/",
    ),
    (
        "skimage",
        "hubble_deep_field.jpg",
        (1000, 872),
        "Hubble eXtreme Deep Field",
        "NASA, public domain",
        "hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
    ),
    ("skimage", "chelsea.png", (451, 300), "Chelsea the cat", "Stefan van der Walt, CC0", None),
    (
        "skimage",
        "motorcycle_left.png",
        (741, 500),
        "Motorcycle in a garage",
        "Middlebury College",
        None,
    ),
    ("skimage", "camera.png", (512, 512), "Photographer", "Lav Varshney, CC0", None),
    ("skimage", "moon.png", (512, 512), "Surface of the moon", None, None),
    (
        "skimage",
        "coins.png",
        (384, 303),
        "Greek coins from Pompeii",
        "Brooklyn Museum",
        "www.brooklynmuseum.org/opencollection/archives/image/51611",
    ),
    (
        "skimage",
        "brick.png",
        (512, 512),
        "Brick wall",
        "CC0Textures, CC0",
        "cc0textures.com/view.php?tex=Bricks25",
    ),
    (
        "skimage",
        "gravel.png",
        (512, 512),
        "Gravel",
        "CC0Textures, CC0",
        "cc0textures.com/view.php?tex=Gravel04",
    ),
    (
        "skimage",
        "grass.png",
        (512, 512),
        "Grass",
        "CC0",
        "www.deviantart.com/linolafett/art/Grass-01-434853879",
    ),
    (
        "skimage",
        "retina.jpg",
        (1411, 1411),
        "Fundus of a left eye",
        "Mikael Häggström, CC0",
        "commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
    ),
    (
        "sklearn",
        "china.jpg",
        (640, 427),
        "Pavilion in China",
        "danielbuechele, CC BY 2.0",
        "www.flickr.com/photos/danielbuechele/6061409035/",
    ),
    (
        "sklearn",
        "flower.jpg",
        (640, 427),
        "Flower",
        "vultilion, CC BY 2.0",
        "www.flickr.com/photos/vultilion/6056698931/",
    ),
)


def photographs() -> Iterator[dict[str, Any]]:
    """Describe the photographs; their source is told where the packages tell it."""
    for package, file, (width, height), title, credit, source in PHOTOGRAPHS:
        folder = "data" if package == "skimage" else "datasets/images"
        picture = photograph(package, f"{folder}/{file}", width, height)
        thing = {"type": "Image", "title": title, "description": credit, "picture": picture}
        if source:
            thing |= {"source_url": f"https://{source}", "source_title": title}
        yield thing | {"alt_text": title}
