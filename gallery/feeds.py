"""The Atom feed of the wall (RFC 4287)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.syndication.views import Feed
from django.http import HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gallery.caching import for_everybody
from gallery.rows import about
from gallery.wall import Lora, Wall
from wallets.http import Request

NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What may stand in a name but in no XML document (XML 1.0, 2.2)."""

if TYPE_CHECKING:
    AtomFeed = Feed[Lora, None]
else:
    AtomFeed = Feed


@for_everybody
@login_not_required
@require_safe
def feed(request: Request) -> HttpResponse:
    """The newest LoRAs, for feed readers."""
    return LoraFeed()(request)


class LoraFeed(AtomFeed):
    """The newest LoRAs, as many as a page of the wall has."""

    feed_type = Atom1Feed

    def title(self) -> str:
        """Return what readers list it under."""
        return _("New LoRAs on {site}").format(site=settings.SITE_NAME)

    def subtitle(self) -> str:
        """Return what it is about."""
        return _("Every LoRA trained on {site}, newest first.").format(site=settings.SITE_NAME)

    def link(self) -> str:
        """Return the page that it follows."""
        return settings.SITE_URL + reverse("gallery:loras")

    def feed_url(self) -> str:
        """Return its own address."""
        return settings.SITE_URL + reverse("gallery:feed")

    def items(self) -> list[Lora]:
        """Return the LoRAs of the first page."""
        return Wall().page().loras

    def item_title(self, item: Lora) -> str:
        """Return the trigger word, as on the wall."""
        return item.trigger_word

    def item_description(self, item: Lora) -> str:
        """Say what it was trained with, as HTML, which is what readers take a summary for."""
        facts = _("{about} · {steps} steps · {images} images").format(
            about=about(item), steps=item.training_steps, images=item.picture_count
        )
        return escape(NO_XML.sub("", facts))

    def item_link(self, item: Lora) -> str:
        """Return its page."""
        return settings.SITE_URL + reverse("gallery:lora", args=[item.id])

    def item_guid(self, item: Lora) -> str:
        """Name it for ever, wherever the site may move (RFC 4122)."""
        return item.id.urn

    def item_author_name(self, item: Lora) -> str:
        """Return the address of the wallet that trained it."""
        return item.wallet

    def item_pubdate(self, item: Lora) -> datetime:
        """Return when it was ready."""
        return item.completed_at

    item_updateddate = item_pubdate
