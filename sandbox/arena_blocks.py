"""What Are.na knows: people, blocks and channels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.arena_pictures import Picture


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a profile. The personal access token of anybody is `sandbox-` and the slug."""

    id: int
    name: str
    slug: str

    @property
    def token(self) -> str:
        """What goes behind `Authorization: Bearer`."""
        return f"sandbox-{self.slug}"

    @property
    def initials(self) -> str:
        """The first letters of the name's words."""
        return "".join(word[0] for word in self.name.split()).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One thing in a channel, or another channel."""

    id: int
    type: str
    """Image, Text, Link, Attachment, Embed, PendingBlock or Channel."""
    title: str | None
    author: Person
    created_at: datetime
    state: str = "available"
    description: str | None = None
    content: str | None = None
    """The markdown of a text."""
    alt_text: str | None = None
    source_url: str | None = None
    source_title: str | None = None
    picture: Picture | None = None
    file_url: str | None = None
    """Where an attachment lies or what an embed shows."""
    channel: Channel | None = None
    """What a block of type Channel stands for."""

    @property
    def digest(self) -> str:
        """The 32 hexadecimal digits in the address of the block's picture."""
        return hashlib.md5(f"block {self.id}".encode(), usedforsecurity=False).hexdigest()

    @property
    def filename(self) -> str | None:
        """The name of the file of the block's picture."""
        return f"{self.digest}.{self.picture.suffix}" if self.picture else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A collection of blocks, oldest first: the first one has position 1."""

    id: int
    slug: str
    title: str
    owner: Person
    created_at: datetime
    description: str | None = None
    visibility: str = "closed"
    """public (everybody adds), closed (everybody reads) or private (the owner reads)."""
    blocks: tuple[Block, ...] = field(default=(), repr=False)

    @property
    def updated_at(self) -> datetime:
        """When the newest block was connected."""
        return max([self.created_at, *(block.created_at for block in self.blocks)])
