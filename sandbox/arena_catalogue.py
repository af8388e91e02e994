"""The channels of the sandbox's Are.na.

Drawn: `glaze-tests` (18), `neon-rain` (16), `riso-botanics` (20), `cyanotype-ferns` (12).
Photographs: `sample-photographs`. For tests: `mixed-300`, `private-sketches`, `empty`, `links-only`
and `odd-files`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sandbox import arena_pictures, art
from sandbox.arena_blocks import Block, Channel, Person
from sandbox.arena_mixed import mixed_blocks
from sandbox.arena_photographs import photographs
from sandbox.arena_pictures import Picture, drawn

KILN_ROOM = Person(104_211, "Kiln Room", "kiln-room")
NIGHT_BUS = Person(88_030, "Night Bus", "night-bus")
PRESS_ROOM = Person(131_507, "Press Room", "press-room")
BLUE_HOUR = Person(97_745, "Blue Hour", "blue-hour")
LONG_SHELF = Person(61_902, "Long Shelf", "long-shelf")
MARA_VOSS = Person(45_118, "Mara Voss", "mara-voss")
TEO_LIND = Person(150_366, "Teo Lind", "teo-lind")
PEOPLE = (KILN_ROOM, NIGHT_BUS, PRESS_ROOM, BLUE_HOUR, LONG_SHELF, MARA_VOSS, TEO_LIND)

ODD_FILES = (
    ("A page instead of a picture", Picture(arena_pictures.page, 1200, 900)),
    ("20,000 by 20,000 pixels", Picture(arena_pictures.vast, 20_000, 20_000, "png")),
    ("A drawing with a script", Picture(arena_pictures.drawing_with_script, 800, 600, "svg")),
    ("12 MB of noise", Picture(arena_pictures.heavy, 2000, 2000, "png")),
    ("Cut off after a third", Picture(arena_pictures.torn, 480, 600)),
    ("16 by 16 pixels", Picture(arena_pictures.tiny, 16, 16, "png")),
    ("No bytes at all", Picture(arena_pictures.empty, 640, 480)),
    ("Nothing wrong with this one", drawn("riso", 3, (480, 600))),
)

LINKS = (
    (
        "The Design of Everyday Things",
        "https://en.wikipedia.org/wiki/The_Design_of_Everyday_Things",
    ),
    ("Cyanotype", "https://en.wikipedia.org/wiki/Cyanotype"),
    ("Risograph", "https://en.wikipedia.org/wiki/Risograph"),
    ("Celadon", "https://en.wikipedia.org/wiki/Celadon"),
    ("Bokeh", "https://en.wikipedia.org/wiki/Bokeh"),
)


def _filled(channel: Channel, things: Iterable[dict[str, Any]]) -> Channel:
    """Put things into a channel: numbered, and dated a few hours apart."""
    ids = count(channel.id * 13 + 4_000_000, 7)
    moment = channel.created_at
    blocks = []
    for place, thing in enumerate(things):
        moment += timedelta(hours=5 + place * 11 % 17, minutes=place * 37 % 60, seconds=place % 60)
        whole: dict[str, Any] = {"id": next(ids), "author": channel.owner, "created_at": moment}
        blocks.append(Block(**whole | thing))
    return replace(channel, blocks=tuple(blocks))


def _drawings(style: str, number: int, words: str, guest: Person) -> Iterable[dict[str, Any]]:
    """Describe the first pictures of a style; every fifth one was added by a guest."""
    for seed in range(number):
        title = art.STYLES[style].title(seed)
        thing = {"type": "Image", "title": title, "picture": drawn(style, seed)}
        thing |= {"alt_text": f"{title}. {words}"}
        if seed % 5 == 3:
            thing |= {"author": guest, "description": "Added from my own drawer."}
        if seed % 4 == 1:
            thing |= {
                "source_url": f"https://example.org/{style}/{seed + 1}",
                "source_title": title,
            }
        yield thing


def _day(year: int, month: int, day: int, hour: int = 9) -> datetime:
    return datetime(year, month, day, hour, 41, 7, tzinfo=UTC)


GLAZE_TESTS = _filled(
    Channel(
        id=2_871_034,
        slug="glaze-tests",
        title="Glaze tests",
        owner=KILN_ROOM,
        created_at=_day(2025, 3, 14),
        description="Stoneware, cone 10, reduction. *Poured and dipped*, one kiln, one winter.",
    ),
    _drawings("glaze", 18, "Stoneware in studio light.", MARA_VOSS),
)
NEON_RAIN = _filled(
    Channel(
        id=2_640_518,
        slug="neon-rain",
        title="Neon rain",
        owner=NIGHT_BUS,
        created_at=_day(2024, 11, 2, 22),
        description="The N9, upper deck, front row.",
        visibility="public",
    ),
    _drawings("neon", 16, "A street at night through the wet window of a bus.", TEO_LIND),
)
RISO_BOTANICS = _filled(
    Channel(
        id=2_733_290,
        slug="riso-botanics",
        title="Riso botanics",
        owner=PRESS_ROOM,
        created_at=_day(2025, 1, 20, 14),
        description="Two inks, one pass each, slightly off.",
    ),
    _drawings("riso", 20, "A risograph in two inks.", MARA_VOSS),
)
CYANOTYPE_FERNS = _filled(
    Channel(
        id=2_955_871,
        slug="cyanotype-ferns",
        title="Cyanotype ferns",
        owner=BLUE_HOUR,
        created_at=_day(2025, 6, 8, 11),
    ),
    _drawings("cyanotype", 12, "White ferns on brushed Prussian blue.", TEO_LIND),
)
SAMPLE_PHOTOGRAPHS = _filled(
    Channel(
        id=1_804_466,
        slug="sample-photographs",
        title="Sample photographs",
        owner=LONG_SHELF,
        created_at=_day(2023, 9, 5),
        description="Free photographs that ship with scikit-image and scikit-learn.",
    ),
    photographs(),
)
PRIVATE_SKETCHES = _filled(
    Channel(
        id=2_999_120,
        slug="private-sketches",
        title="Private sketches",
        owner=MARA_VOSS,
        created_at=_day(2025, 7, 1),
        visibility="private",
    ),
    _drawings("riso", 6, "A sketch.", MARA_VOSS),
)
EMPTY = _filled(
    Channel(
        id=2_990_004,
        slug="empty",
        title="Empty",
        owner=TEO_LIND,
        created_at=_day(2025, 6, 30),
    ),
    (),
)
LINKS_ONLY = _filled(
    Channel(
        id=2_412_777,
        slug="links-only",
        title="Links only",
        owner=TEO_LIND,
        created_at=_day(2024, 5, 16),
    ),
    ({"type": "Link", "title": title, "source_url": url} for title, url in LINKS),
)
ODD = _filled(
    Channel(
        id=2_966_613,
        slug="odd-files",
        title="Odd files",
        owner=TEO_LIND,
        created_at=_day(2025, 6, 12),
    ),
    ({"type": "Image", "title": title, "picture": picture} for title, picture in ODD_FILES),
)
MIXED = _filled(
    Channel(
        id=2_050_300,
        slug="mixed-300",
        title="Mixed, 300",
        owner=LONG_SHELF,
        created_at=_day(2024, 2, 11),
        visibility="public",
    ),
    mixed_blocks(
        (GLAZE_TESTS, NEON_RAIN, RISO_BOTANICS, CYANOTYPE_FERNS, SAMPLE_PHOTOGRAPHS, LINKS_ONLY),
        (MARA_VOSS, TEO_LIND),
    ),
)
CHANNELS = (
    GLAZE_TESTS,
    NEON_RAIN,
    RISO_BOTANICS,
    CYANOTYPE_FERNS,
    SAMPLE_PHOTOGRAPHS,
    PRIVATE_SKETCHES,
    EMPTY,
    LINKS_ONLY,
    ODD,
    MIXED,
)
BLOCKS = {block.id: (block, channel) for channel in CHANNELS for block in channel.blocks}
"""Every block by its number, and the channel that holds it."""


def find(slug_or_id: str) -> Channel | None:
    """Return the channel with this slug or number, if there is one."""
    return next((c for c in CHANNELS if slug_or_id in (c.slug, str(c.id))), None)
