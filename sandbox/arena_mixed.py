"""Three hundred blocks of every type, in a fixed order: what a lived-in channel looks like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.arena_blocks import Channel, Person
from sandbox.arena_pictures import drawn

NUMBER = 300
STYLES = ("riso", "glaze", "riso", "cyanotype", "neon")
TYPES = ("Image", "Image", "Text", "Image", "Link", "Image", "Image", "Image", "rare", "Image")
RARE = ("Attachment", "Embed", "Attachment", "Embed", "Channel")
TEXTS = (
    "A picture is a fact about an afternoon.",
    "**Keep** what you cannot explain. Throw away what you can.",
    "Things to look at again:\n\n- the edge\n- the second colour\n- what was cropped",
    "The best part of a print is where the two plates disagree.",
)


def mixed_blocks(channels: Sequence[Channel], guests: Sequence[Person]) -> Iterator[dict[str, Any]]:
    """Describe the blocks, oldest first; six of them are channels.

    One image is still processing, another has failed.
    """
    for place in range(NUMBER):
        kind = TYPES[place % len(TYPES)]
        if kind == "rare":
            kind = RARE[place // len(TYPES) % len(RARE)]
        if place in (120, 260):
            thing: dict[str, Any] = {"type": "PendingBlock", "title": None, "state": "processing"}
        elif kind == "Channel":
            # A channel can be connected to another only once.
            channel = channels[place // len(TYPES) // len(RARE)]
            thing = {"type": "Channel", "title": channel.title, "channel": channel}
        else:
            thing = {"type": kind, "title": f"No. {place + 1}"} | _body(kind, place)
        if place % 9 == 4:
            thing["author"] = guests[place % len(guests)]
        yield thing


def _body(kind: str, place: int) -> dict[str, Any]:
    picture = drawn(STYLES[place % len(STYLES)], 100 + place, (480, 600))
    match kind:
        case "Image":
            state = {61: "processing", 201: "failed"}.get(place, "available")
            # Untitled pictures are the rule on Are.na.
            named = {} if place % 3 else {"title": None}
            return {"picture": picture, "state": state} | named
        case "Text":
            return {"content": TEXTS[place % len(TEXTS)], "title": None}
        case "Link":
            preview = {"picture": picture} if place % 20 == 4 else {}
            return preview | {"source_url": f"https://example.org/reading/{place + 1}"}
        case "Attachment":
            return {"file_url": f"https://example.org/files/{place + 1}.pdf"}
        case _:
            return {"file_url": f"https://example.org/films/{place + 1}", "picture": picture}
