"""The views of the wall that its benchmark measures, by what they are."""

# ruff: noqa: PLC0415 - Django is imported late: its settings come from the environment.

from __future__ import annotations

from typing import Any

FULL_SEARCH = "search, commonest letter"
"""It finds more than a page, however few there are."""


def views() -> dict[str, str]:
    """The addresses to measure, by what they are."""
    from django.db.models import Count

    from gallery.wall import Sort, Wall
    from trainings.models import Training

    loras = Training.objects.public()
    words = loras.order_by("completed_at").values_list("trigger_word", flat=True)
    by_wallet = loras.values_list("wallet__address").annotate(n=Count("pk")).order_by("n")
    channels = loras.exclude(channel="").values_list("channel").annotate(n=Count("pk"))
    busy_channel, busy_wallet = channels.order_by("-n")[0][0], by_wallet.reverse()[0][0]
    quiet_wallet = by_wallet[0][0]
    newest, most = Wall(), Wall(sort=Sort.MOST_GENERATED)
    return {
        "first page": newest.url(),
        "deep cursor": deep(newest),
        "kind": Wall(kind="style").url(),
        "rare kind": Wall(kind="product").url(),
        "kind, deep": deep(Wall(kind="product")),
        "service": Wall(service="Replicate").url(),
        "service, deep": deep(Wall(service="Replicate")),
        "kind and service": Wall(kind="product", service="Replicate").url(),
        "busiest wallet": Wall(wallet=busy_wallet).url(),
        "quiet wallet": Wall(wallet=quiet_wallet).url(),
        "busiest channel": Wall(channel=busy_channel).url(),
        "most generated": most.url(),
        "most, deep": deep(most),
        "most, kind": Wall(kind="style", sort=Sort.MOST_GENERATED).url(),
        "most, service": Wall(service="Replicate", sort=Sort.MOST_GENERATED).url(),
        "most, wallet": Wall(wallet=busy_wallet, sort=Sort.MOST_GENERATED).url(),
        "search, rare": Wall(q=words[0]).url(),
        "search, frequent": Wall(q="glazed").url(),
        "search, deep": deep(Wall(q="glazed")),
        "search, beginning": Wall(q="gla").url(),
        "search, two letters": Wall(q="ka").url(),
        "search, two letters more": Wall(q="gl").url(),
        "search, a letter": Wall(q="k").url(),
        FULL_SEARCH: Wall(q=commonest_letter()).url(),
        "search, some": Wall(q="kakaka").url(),
        "search, fewer": Wall(q="kakalo").url(),
        "search, few": Wall(q="miloshi").url(),
        "search, two words": Wall(q="glazed vases").url(),
        "search, two words, deep": deep(Wall(q="glazed vases")),
        "search, word and letter": Wall(q="glazed k").url(),
        "search, three words": Wall(q="kiln glazed vases").url(),
        "search, three, beginning": Wall(q="glazed vases gl").url(),
        "search, never both": Wall(q="glazed misty").url(),
        "search, never all": Wall(q="kiln glazed misty").url(),
        "search, none": Wall(q="nothinglikeit").url(),
        "search, most": Wall(q="glazed", sort=Sort.MOST_GENERATED).url(),
        "search, most, deep": deep(Wall(q="glazed", sort=Sort.MOST_GENERATED)),
        "search, most, few": Wall(q="miloshi", sort=Sort.MOST_GENERATED).url(),
        "search, most, two words": Wall(q="glazed vases", sort=Sort.MOST_GENERATED).url(),
        "search in a kind": Wall(q="glazed", kind="product").url(),
        "search in a kind, most": Wall(q="glazed", kind="product", sort=Sort.MOST_GENERATED).url(),
        "search, two in a kind": Wall(q="glazed vases", kind="product").url(),
        "search of a service": Wall(q="glazed", service="Replicate").url(),
        "search, kind and service": Wall(q="glazed", kind="product", service="Replicate").url(),
        "search of a busy wallet": Wall(q="glazed", wallet=busy_wallet).url(),
        "search of a quiet wallet": Wall(q="glazed", wallet=quiet_wallet).url(),
        "search of a channel": Wall(q="glazed", channel=busy_channel).url(),
    }


def commonest_letter() -> str:
    """The letter that the most LoRAs have a word with."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT left(text, 1) FROM trainings_word WHERE text < '+' OR text > ','"
            " GROUP BY 1 ORDER BY count(DISTINCT training_id) DESC LIMIT 1"
        )
        return str(cursor.fetchone()[0])


def deep(wall: Any) -> str:
    """The page after nine tenths of a view; of one that is short, its first."""
    from gallery.wall import FIELDS, ORDERS, Lora

    loras = wall.loras()
    place = loras.count() * 9 // 10
    if not place:
        return str(wall.url())
    found = loras.in_order(ORDERS[wall.sort]).values_list(*FIELDS)[place]
    return str(wall.url(before=wall._write(place + 1, Lora(*found))))
