"""The wall: which LoRAs it shows, in which order, and that it is the same for everybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.core.signing import Signer
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gallery.wall import Wall
from tests.factories import create_training, create_wallet
from trainings.models import Training
from trainings.querysets import TrainingQuerySet

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
EARLIER = datetime(2026, 11, 1, 12, tzinfo=UTC)


def hang(word: str = "KILNGLZ", **fields: Any) -> Training:
    """A public LoRA."""
    return create_training(status="completed", trigger_word=word, **fields)


def hang_many(number: int, *, since: datetime = EARLIER) -> list[str]:
    """Hang so many, ten each of the very same moment; their trigger words, the newest first."""
    gone = create_training(status="completed", deleted_at=Now())
    words = [f"N{place:03}" for place in range(number)]
    Training.objects.bulk_create(
        Training(
            wallet=gone.wallet,
            dataset=gone.dataset,
            status="completed",
            trigger_word=word,
            kind="style",
            provider="fal",
            price_cents=400,
            weights="weights",
            completed_at=since + timedelta(minutes=place // 10),
        )
        for place, word in enumerate(words)
    )
    return list(
        Training.objects.public()
        .order_by("-completed_at", "-id")
        .values_list("trigger_word", flat=True)
    )


def words(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/loras/[0-9a-f-]+">(\w+)</a></h2>', page)


def more(page: str) -> str:
    """The address behind "Show 20 more"; empty if there is none."""
    found = re.search(r'<a class="btn big" href="(/loras\?[^"]+)"', page)
    return unescape(found[1]) if found else ""


def read(client: Client, url: str, **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200, url
    return response.content.decode()


def walk(client: Client, url: str, between: Callable[[], object] = lambda: None) -> list[str]:
    """All trigger words from a page on, going on as long as there is more."""
    seen = []
    while url:
        page = read(client, url)
        seen += words(page)
        url = more(page)
        between()
    return seen


def test_a_row_says_what_the_lora_is(client, settings):
    settings.SITE_URL = "https://lora.example"
    wallet = create_wallet()
    lora = hang(
        wallet=wallet,
        name="Glaze tests",
        kind="product",
        channel="glaze-tests",
        picture_count=24,
        image_count=1048,
        training_steps=1200,
        completed_at=EARLIER,
    )
    page = read(client, "/loras")
    for text in (
        f'<a href="/loras/{lora.pk}">KILNGLZ</a>',
        "Glaze tests · Product · 1,048 generated",
        '<a class="link" href="/loras?channel=glaze-tests">glaze-tests</a>',
        "<dd>1,200</dd>",
        "<dd>24</dd>",
        ">+20<",
        f'href="https://basescan.org/address/{wallet.address}"',
        f'href="/loras?wallet={wallet.address}"',
        wallet.short_address,
        '<time datetime="2026-11-01">1 Nov 2026</time>',
        f'data-copy="https://lora.example/loras/{lora.pk}/weights"',
        f'href="/loras/{lora.pk}/weights" download',
        f'href="/loras/{lora.pk}/generate"',
        f'src="/loras/{lora.pk}/strip?v=',
    ):
        assert text in page, text


def test_what_nothing_was_generated_with_says_so(client):
    hang(name="KILNGLZ")
    assert "<p>Product · Nothing generated yet</p>" in read(client, "/loras")


@pytest.mark.parametrize(
    "fields",
    [
        {"is_private": True},
        {"hidden_at": EARLIER},
        {"deleted_at": EARLIER},
        {"status": "failed"},
        {"status": "cancelled"},
        {"status": "mirroring"},
    ],
    ids=str,
)
def test_what_is_not_public_is_neither_shown_nor_counted_even_to_its_owner(client, fields):
    hang("SHOWN")
    owner = create_wallet()
    given = {"wallet": owner, "status": "completed", "trigger_word": "SECRET", "channel": "c"}
    secret = create_training(**given | fields)
    client.force_login(owner)
    for url in ("/loras", "/loras?q=SECRET", f"/loras?wallet={owner.address}", "/loras?channel=c"):
        page = read(client, url)
        assert words(page) == (["SHOWN"] if url == "/loras" else [])
        assert str(secret.pk) not in page
    assert '</span>1<span class="vh"> in total' in read(client, "/loras")
    assert '</span>0<span class="vh"> found' in read(client, "/loras?q=SECRET")


def test_the_newest_comes_first_by_when_it_was_ready(client):
    hang("OLD", completed_at=EARLIER)
    hang("NEW", completed_at=EARLIER + timedelta(days=2))
    hang("MIDDLE", completed_at=EARLIER + timedelta(days=1))
    assert words(read(client, "/loras")) == ["NEW", "MIDDLE", "OLD"]


def test_the_most_generated_comes_first_if_asked_for(client):
    hang("SOME", image_count=8, completed_at=EARLIER)
    hang("MANY", image_count=400, completed_at=EARLIER)
    hang("NEWER", image_count=8, completed_at=EARLIER + timedelta(days=1))
    hang("NONE")
    assert words(read(client, "/loras?sort=generated")) == ["MANY", "NEWER", "SOME", "NONE"]


@pytest.mark.parametrize("sort", ["newest", "generated"])
def test_every_lora_is_shown_once_while_new_ones_arrive(client, sort):
    there = hang_many(70)
    arrivals = iter(range(100))

    def arrive() -> None:
        for _ in range(3):
            hang(f"ARRIVED{next(arrivals)}")

    seen = walk(client, f"/loras?sort={sort}", between=arrive)
    assert sorted(word for word in seen if not word.startswith("ARRIVED")) == sorted(there)
    assert len(seen) == len(set(seen))
    if sort == "newest":
        assert seen == there


def test_places_of_the_same_number_of_images_are_told_apart(client):
    there = hang_many(45)
    Training.objects.filter(trigger_word__in=there[::2]).update(image_count=12)
    assert sorted(walk(client, "/loras?sort=generated")) == sorted(there)


def test_a_place_survives_the_hiding_of_its_lora(client):
    there = hang_many(25)
    url = more(read(client, "/loras"))
    Training.objects.filter(trigger_word=there[19]).update(hidden_at=Now())
    assert words(read(client, url)) == there[20:]


def test_the_next_rows_are_a_fragment_with_how_far_one_got(client):
    there = hang_many(45)
    page = read(client, "/loras")
    assert "20 of 45" in page
    page = read(client, more(page), **HTMX)
    assert words(page) == there[20:40]
    assert "40 of 45" in page
    assert "<html" not in page
    assert page.lstrip().startswith("<li")
    page = read(client, more(page), **HTMX)
    assert words(page) == there[40:]
    assert more(page) == ""


def test_a_later_page_is_a_page_without_script_and_leads_back(client):
    hang_many(25)
    page = read(client, more(read(client, "/loras?kind=style")))
    assert "<html" in page
    assert '<a class="link" href="/loras?kind=style">From the beginning</a>' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=kiln", ["KILN_GLZ"]),
        ("q=GLZ", ["KILN_GLZ"]),
        ("q=glaz", ["KILN_GLZ"]),
        ("q=tests+glaze", ["KILN_GLZ"]),
        ("q=glaze+te", ["KILN_GLZ"]),
        ("q=gla+tests", []),
        ("q=%D0%92%D0%90%D0%97", ["VAZA"]),
        ("q=v1.2", ["VAZA"]),
        ("q=O%27Brien+%26+Co", ["BRIEN"]),
        ("q=%28%21%7C%3A*", []),
        ("q=<i>", []),
        ("q=%7B%7B7*7%7D%7D", []),
        ("q=%20%20", ["BRIEN", "VAZA", "KILN_GLZ"]),
        ("kind=character", ["VAZA"]),
        ("kind=product&q=co", ["BRIEN"]),
        ("kind=", ["BRIEN", "VAZA", "KILN_GLZ"]),
        ("service=fal.ai", ["BRIEN", "KILN_GLZ"]),
        ("service=Replicate", ["VAZA"]),
        ("service=Replicate&kind=product", []),
        ("service=fal.ai&q=glaze", ["KILN_GLZ"]),
        ("service=fal.ai&channel=pots&q=co", ["BRIEN"]),
        ("service=Replicate&channel=pots", []),
        ("channel=pots", ["BRIEN"]),
        ("channel=nobody-has-it", []),
        ("utm_source=feed", ["BRIEN", "VAZA", "KILN_GLZ"]),
    ],
)
def test_search_and_filters(client, query, found):
    hang("KILN_GLZ", name="Glaze tests", kind="style", completed_at=EARLIER)
    later = EARLIER + timedelta(hours=1)
    vaza = {"name": "\u0432\u0430\u0437\u0430 v1.2", "service": "Replicate"}
    hang("VAZA", kind="character", completed_at=later, **vaza)
    hang("BRIEN", name="O'Brien & Co", kind="product", channel="pots")
    assert words(read(client, f"/loras?{query}")) == found


def test_a_wallets_own_wall_says_whose_it_is(client):
    wallet = create_wallet()
    hang("MINE", wallet=wallet)
    hang("OTHER")
    for spelling in (wallet.address, wallet.address.lower()):
        page = read(client, f"/loras?wallet={spelling}")
        assert words(page) == ["MINE"]
        assert "Trained by" in page
        assert f'<input type="hidden" name="wallet" value="{wallet.address}">' in page
    stranger = create_wallet()
    stranger.delete()
    assert words(read(client, f"/loras?wallet={stranger.address}")) == []


def test_the_address_of_a_view_names_what_was_chosen_and_no_more(client):
    hang_many(21)
    typed = {"q": " n0 ", "kind": "style", "service": "", "sort": "newest", "x": "y"}
    response = client.get("/loras", typed, headers=HTMX)
    assert response.headers["HX-Push-Url"] == "/loras?q=n0&kind=style"
    rest = client.get(more(response.content.decode()), headers=HTMX)
    assert "HX-Push-Url" not in rest.headers
    assert "HX-Push-Url" not in client.get("/loras", typed).headers


def test_filters_stay_while_one_goes_on(client):
    hang_many(25)
    hang("OTHER", kind="product")
    assert len(walk(client, "/loras?kind=style&sort=generated&q=n0")) == 25


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("kind=sculpture", "The gallery has no “sculpture” to choose."),
        ("service=Civitai", "The gallery has no “Civitai” to choose."),
        ("sort=oldest", "The gallery has no “oldest” to choose."),
        ("wallet=vitalik.eth", "names such as .eth are not looked up"),
        ("wallet=0x1234", "An address is 0x and 40 digits"),
        ("q=" + "a" * 101, "Search for at most 100 letters."),
        ("q=a%00b", "Null characters are not allowed."),
        ("before=nonsense", "none of ours"),
        ("before=%00", "none of ours"),
        ("before=W1tdXQ:abc", "none of ours"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_what_cannot_be_shown_is_refused_in_words(client, query, sentence, headers):
    response = client.get(f"/loras?{query}", headers=headers)
    page = response.content.decode()
    assert response.status_code == 400
    assert sentence in page
    assert 'href="/loras"' in page
    assert ("<html" in page) is not bool(headers)
    assert "public" not in response.headers.get("Cache-Control", "")


def test_a_place_that_was_tampered_with_is_refused(client):
    hang_many(45)
    url = more(read(client, "/loras"))
    assert client.get(url).status_code == 200
    for changed in (f"{url}x", url.replace("before=", "before=x"), f"{url}&sort=generated"):
        assert client.get(changed).status_code == 400, changed
    forged = Signer(salt="another").sign_object(
        ["newest", 20, str(EARLIER), str(create_wallet().pk)]
    )
    assert client.get("/loras", {"before": forged}).status_code == 400


def test_an_empty_wall_says_how_to_begin(client):
    page = read(client, "/loras")
    assert "Nothing trained yet." in page
    assert "Train the first LoRA" in page
    hang()
    page = read(client, "/loras?q=nowhere")
    assert "Nothing hangs here." in page
    assert "Nothing trained yet." not in page


def test_a_database_that_does_not_answer_is_told_with_a_way_to_try_again(client, monkeypatch):
    def fail(self: Wall) -> TrainingQuerySet:
        raise OperationalError

    monkeypatch.setattr(Wall, "loras", fail)
    for headers in ({}, HTMX):
        response = client.get("/loras?kind=style", headers=headers)
        page = response.content.decode()
        assert response.status_code == 503
        assert "The gallery did not load" in page
        assert 'href="/loras?kind=style"' in page
        assert "public" not in response.headers.get("Cache-Control", "")
        assert ("<html" in page) is not bool(headers)


def test_the_count_is_exact_up_to_a_thousand(client):
    hang_many(1000)
    assert "</span>1,000<span" in read(client, "/loras")
    hang()
    assert "</span>1,000+<span" in read(client, "/loras")
    assert "</span>1<span" in read(client, "/loras?q=kilnglz")
    assert "</span>100<span" in read(client, "/loras?q=n0")
    assert "</span>100+<span" in read(client, "/loras?q=n")


def test_a_longer_wall_asks_no_more_questions(client):
    def questions(url: str) -> int:
        with CaptureQueriesContext(connection) as context:
            read(client, url)
        return len(context)

    urls = ["/loras", "/loras?q=n0&kind=style&sort=generated", f"/loras?wallet={'0x' + '1' * 40}"]
    hang_many(3)
    few = [questions(url) for url in urls]
    assert few == [2, 2, 1]
    hang_many(297)
    assert [questions(url) for url in urls] == few
    assert questions(more(read(client, "/loras"))) == 2


def test_the_same_bytes_go_to_everybody_and_may_be_kept(client):
    hang()
    owner = Client()
    owner.force_login(create_wallet())
    answers = [visitor.get("/loras") for visitor in (client, owner)]
    assert answers[0].content == answers[1].content
    for answer in answers:
        assert answer.headers["Cache-Control"] == (
            "public, max-age=0, s-maxage=30, stale-while-revalidate=300"
        )
        assert not answer.cookies
        assert not answer.wsgi_request.session.accessed
        assert "csrf" not in answer.content.decode()


def test_whoever_has_the_page_is_told_so_until_it_changes(client):
    hang()
    tag = client.get("/loras").headers["ETag"]
    response = client.get("/loras", headers={"If-None-Match": tag})
    assert response.status_code == 304
    assert response.content == b""
    assert "public" in response.headers["Cache-Control"]
    hang("SECOND")
    assert client.get("/loras", headers={"If-None-Match": tag}).status_code == 200


def test_it_is_packed_for_those_who_can_unpack(client):
    hang_many(20)
    response = client.get("/loras", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(response.content) < 15_000


def test_what_is_typed_as_a_name_is_only_ever_text(client):
    hang(name="<script>alert(1)</script>", channel="<i>")
    page = read(client, "/loras?q=%22%3E%3Cscript%3E")
    assert "<script>alert" not in page
    assert '"><script>' not in page
    page = read(client, "/loras")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "channel=%3Ci%3E" in page


def test_the_wall_is_only_read(client):
    assert client.post("/loras").status_code == 405
    assert client.head("/loras").status_code == 200
