"""Are.na: the addresses that people paste, and its API, v3 with v2 behind it.

Sources: `https://api.are.na/v3/openapi.json`, npm `@aredotna/sdk` 0.1.1 (v3), npm `arena-ts` 1.0.2
(v2). Guests may ask 30 times a minute; a channel is asked for only when somebody wants it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from loratrainer.fetching import Gone, fetch
from loratrainer.outcomes import GiveUp, TryAgainLater

PER_PAGE = 100
"""The most that Are.na gives at once."""
PAGE_BYTES = 5_000_000
ANSWER_SECONDS = 30.0

HOSTS = {"are.na", "www.are.na"}
SLUG = re.compile(r"[\w-]{1,200}")
NOT_PEOPLE = {
    *("about", "blog", "developers", "editorial", "explore", "feed", "getting-started", "group"),
    *("log_in", "login", "notifications", "pricing", "roadmap", "search", "settings", "sign_up"),
    *("signup", "terms", "privacy", "tools", "store"),
}
"""First parts of paths that are no profile, so that what follows is no channel."""
PROFILE_PARTS = {"all", "blocks", "channels", "feed", "followers", "following", "groups", "index"}

type Json = dict[str, Any]


class NotAChannel(Exception):
    """The text is not the address of a channel; the message says what it is and what to do."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What is told of a channel before its contents."""

    slug: str
    title: str
    owner: str
    url: str
    total: int
    """Blocks of every type, and channels, in it."""


@dataclass(frozen=True, slots=True)
class Block:
    """An image block."""

    id: int
    title: str
    author: str
    source_url: str
    source_title: str
    filename: str
    original_url: str
    preview_url: str
    """A version of at most 400 pixels; empty if there is none."""

    @property
    def url(self) -> str:
        """The block's own page."""
        return f"https://www.are.na/block/{self.id}"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a channel's contents."""

    blocks: list[Block]
    """The image blocks, in the channel's order."""
    skipped: int
    """How many other things stand on the page."""
    has_more: bool


def parse_channel(text: str) -> str:
    """The slug (or number) of the channel whose address somebody pasted, in whatever form.

    Raises `NotAChannel`.
    """
    text = text.strip()
    if SLUG.fullmatch(text):
        return text.lower()
    address = text if "://" in text else f"https://{text.removeprefix('//')}"
    try:
        parts = urlsplit(address)
        # What is before an @, a port or a backslash makes it the address of something else.
        is_arena = parts.scheme in {"http", "https"} and parts.netloc.lower() in HOSTS
    except ValueError:
        is_arena = False
    if not is_arena:
        raise NotAChannel(_("That is not the link of an Are.na channel."))
    return _slug_of([unquote(part) for part in parts.path.split("/") if part])


def _slug_of(path: list[str]) -> str:
    match path:
        case ["channel", slug, *_rest]:
            pass
        case ["share", *_rest]:
            raise NotAChannel(
                _("That is a share link. Open it, and copy the address of the channel it shows.")
            )
        case ["block", *_rest]:
            raise NotAChannel(_("That is a single block. Paste the link of a channel."))
        case ["group", *_rest]:
            raise NotAChannel(_("That is a group. Paste the link of one of its channels."))
        case [person] if person not in NOT_PEOPLE:
            raise NotAChannel(_("That is a profile. Paste the link of one of its channels."))
        case [person, part, *_rest] if part in PROFILE_PARTS and person not in NOT_PEOPLE:
            raise NotAChannel(_("That is a profile. Paste the link of one of its channels."))
        case [person, slug, *_rest] if person not in NOT_PEOPLE:
            pass
        case _:
            raise NotAChannel(_("That page of Are.na is not a channel."))
    if not SLUG.fullmatch(slug):
        raise NotAChannel(_("That is not the link of an Are.na channel."))
    return slug.lower()


def read_channel(slug: str) -> Channel:
    """What Are.na tells of a channel. Raises `GiveUp` with words, and `TryAgainLater`."""
    path = f"channels/{quote(slug, safe='')}"
    return _either(
        lambda: _channel_v3(_ask(f"v3/{path}")),
        lambda: _channel_v2(_ask(f"v2/{path}", per=1)),
    )


def read_page(slug: str, number: int) -> Page:
    """One page of the channel's contents, counted from 1, the newest first.

    Raises `GiveUp` with words, and `TryAgainLater`.
    """
    path = f"channels/{quote(slug, safe='')}/contents"
    return _either(
        lambda: _page_v3(_ask(f"v3/{path}", page=number, per=PER_PAGE, sort="position_desc")),
        lambda: _page_v2(
            _ask(f"v2/{path}", page=number, per=PER_PAGE, sort="position", direction="desc")
        ),
    )


def _either[T](v3: Callable[[], T], v2: Callable[[], T]) -> T:
    """The answer of v3; where v3 is not what it was, the answer of v2, which is deprecated."""
    try:
        return v3()
    except (GiveUp, LookupError, TypeError, ValueError) as error:
        try:
            return v2()
        except Gone:
            words = _("There is no such channel on Are.na, or it is private.")
            raise GiveUp(words) from error
        except (GiveUp, LookupError, TypeError, ValueError):
            words = _("Are.na answered with something we cannot read. Try again later.")
            raise GiveUp(words) from error


def _ask(path: str, **parameters: object) -> Json:
    """The JSON at a path of the API. Raises `GiveUp`, `TryAgainLater`, `ValueError`."""
    body = io.BytesIO()
    url = f"{settings.ARENA_URL}/{path}"
    try:
        fetch(
            f"{url}?{urlencode(parameters)}" if parameters else url,
            into=body,
            allowed=[settings.ARENA_URL],
            max_bytes=PAGE_BYTES,
            timeout_in=ANSWER_SECONDS,
        )
    except TryAgainLater as error:
        raise TryAgainLater(_("Are.na is busy or away. We ask again in a moment.")) from error
    answer = json.loads(body.getvalue())
    if not isinstance(answer, dict):
        raise TypeError("The answer is not an object.")
    return answer


def _channel_v3(body: Json) -> Channel:
    owner = body.get("owner") or {}
    slug = str(body["slug"])
    return Channel(
        slug=slug,
        title=_text(body["title"], 300) or slug,
        owner=_text(owner.get("name"), 200),
        url=f"https://www.are.na/{quote(str(owner.get('slug') or 'channel'))}/{quote(slug)}",
        total=int(body["counts"]["contents"]),
    )


def _channel_v2(body: Json) -> Channel:
    owner = body.get("user") or {}
    slug = str(body["slug"])
    return Channel(
        slug=slug,
        title=_text(body["title"], 300) or slug,
        owner=_text(owner.get("full_name") or owner.get("username"), 200),
        url=f"https://www.are.na/{quote(str(owner.get('slug') or 'channel'))}/{quote(slug)}",
        total=int(body["length"]),
    )


def _page_v3(body: Json) -> Page:
    things = body["data"]
    images = [
        thing
        for thing in things
        if thing["type"] == "Image" and thing["state"] == "available" and thing.get("image")
    ]
    blocks = [
        _block(
            thing,
            author=thing["user"].get("name"),
            original_url=thing["image"]["src"],
            preview_url=(thing["image"].get("small") or {}).get("src"),
        )
        for thing in images
    ]
    return Page(blocks, len(things) - len(blocks), bool(body["meta"]["has_more_pages"]))


def _page_v2(body: Json) -> Page:
    things = body["contents"]
    images = [
        thing
        for thing in things
        if thing["class"] == "Image" and thing["state"] == "available" and thing.get("image")
    ]
    blocks = [
        _block(
            thing,
            author=thing["user"].get("full_name") or thing["user"].get("username"),
            original_url=thing["image"]["original"]["url"],
            preview_url=(thing["image"].get("thumb") or {}).get("url"),
        )
        for thing in images
    ]
    # v2 sometimes tells no totals: the end is where nothing comes any more.
    return Page(blocks, len(things) - len(blocks), has_more=bool(things))


def _block(thing: Json, *, author: object, original_url: object, preview_url: object) -> Block:
    source = thing.get("source") or {}
    return Block(
        id=int(thing["id"]),
        title=_text(thing.get("title"), 300),
        author=_text(author, 200),
        source_url=_web_address(source.get("url")),
        source_title=_text(source.get("title"), 300),
        filename=_text(thing["image"].get("filename"), 120),
        original_url=str(original_url),
        preview_url=str(preview_url or ""),
    )


def _text(value: object, length: int) -> str:
    """A line of somebody else's text, at most so long; Postgres keeps no NUL."""
    return " ".join(str(value or "").replace("\0", "").split())[:length]


def _web_address(value: object) -> str:
    """The address if it is one that may become a link, else nothing."""
    text = str(value or "")
    is_web = text.lower().startswith(("https://", "http://")) and len(text) <= 2000
    return text if is_web and text.isprintable() else ""
