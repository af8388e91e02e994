"""`/datasets/<uuid>`: a draft, a shoot, a frozen set."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from datasets.models import Dataset, Person, Picture
from datasets.urls import urlpatterns

pytestmark = pytest.mark.django_db


def test_a_draft_shows_sources_pictures_and_captions(signed_in, draft, upload):
    picture = upload(draft)
    draft.write_captions({picture.pk: '<b>"bold"</b> {{ 7 }}'})
    answer = signed_in.get(f"/datasets/{draft.pk}")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "1 of 1 chosen" in page
    assert "&lt;b&gt;&quot;bold&quot;&lt;/b&gt; {{ 7 }}" in page
    assert picture.square_url.replace("&", "&amp;") in page
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_remarks_stand_below_the_sheet(signed_in, draft, upload):
    upload(draft)
    twin = upload(draft)
    twin.refresh_from_db()
    page = signed_in.get(f"/datasets/{draft.pk}").content.decode()
    assert "Small: 320 × 300 pixels" in page  # noqa: RUF001
    assert "The same as image 1" in page


def test_a_frozen_set_is_shown_and_not_offered_for_change(signed_in, draft, upload):
    for seed in range(4):
        upload(draft, seed)
    draft.freeze()
    page = signed_in.get(f"/datasets/{draft.pk}").content.decode()
    assert "Training set" in page
    assert "Make a copy" in page
    assert 'type="file"' not in page
    assert "<textarea" not in page


def test_a_shoot_leads_to_its_training(signed_in, alice):
    person = Person.objects.create(wallet=alice, name="Mara")
    shoot = Dataset.objects.create(kind="shoot", wallet=alice, person=person, costume="Space")
    page = signed_in.get(f"/datasets/{shoot.pk}").content.decode()
    assert f'href="/?shoot={shoot.pk}"' in page
    assert "A shoot with Mara." in page


def test_the_page_asks_no_more_of_the_database_when_it_grows(
    signed_in, draft, upload, django_assert_max_num_queries
):
    for seed in range(2):
        upload(draft, seed)
    with django_assert_max_num_queries(7):
        signed_in.get(f"/datasets/{draft.pk}")
    for seed in range(2, 8):
        upload(draft, seed)
    with django_assert_max_num_queries(7):
        signed_in.get(f"/datasets/{draft.pk}")


def test_a_draft_of_a_browser_is_its_own_and_comes_along_at_sign_in(client, alice):
    url = client.post("/datasets", headers={"Accept": "application/json"}).json()["url"]
    assert client.get(url).status_code == 200
    assert Client().get(url).status_code == 404
    client.force_login(alice)
    assert client.get(url).status_code == 200
    [draft] = Dataset.objects.all()
    assert draft.wallet == alice
    client.logout()
    assert client.get(url).status_code == 404


def test_two_browsers_with_drafts_of_their_own_see_only_those(client):
    other = Client()
    mine, theirs = (
        browser.post("/datasets", headers={"Accept": "application/json"}).json()["url"]
        for browser in (client, other)
    )
    assert mine != theirs
    assert client.get(mine).status_code == other.get(theirs).status_code == 200
    assert client.get(theirs).status_code == other.get(mine).status_code == 404


def test_after_signing_in_the_browser_alone_opens_nothing(client, alice, bob):
    url = client.post("/datasets", headers={"Accept": "application/json"}).json()["url"]
    client.force_login(alice)
    client.get(url)
    client.force_login(bob)
    assert client.get(url).status_code == 404


ROUTES = [
    pattern
    for pattern in urlpatterns
    if isinstance(pattern, URLPattern) and "<uuid:pk>" in str(pattern.pattern)
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@pytest.mark.parametrize("who", ["stranger", "nobody"])
def test_strangers_find_nothing_at_any_address(route, who, request, draft, upload):
    """U12, Z01, Z11."""
    browser = request.getfixturevalue("stranger") if who == "stranger" else Client()
    picture = upload(draft)
    of_picture = str(route.pattern).startswith("pictures/")
    pk = picture.pk if of_picture else draft.pk
    arguments = {"pk": pk} | ({"size": 160} if "<int:size>" in str(route.pattern) else {})
    url = reverse(f"datasets:{route.name}", kwargs=arguments)
    before = list(Picture.objects.values())
    answers = {browser.get(url).status_code, browser.post(url).status_code}
    assert answers <= {404, 405}
    assert 404 in answers
    assert list(Picture.objects.values()) == before
    assert Dataset.objects.filter(pk=draft.pk, status="ready").exists()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_what_was_never_there_is_not_found(route, signed_in):
    arguments = {"pk": uuid4()} | ({"size": 160} if "<int:size>" in str(route.pattern) else {})
    url = reverse(f"datasets:{route.name}", kwargs=arguments)
    assert 404 in {signed_in.get(url).status_code, signed_in.post(url).status_code}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_nothing_changes_without_a_csrf_token(route, alice, draft, upload):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    picture = upload(draft)
    pk = picture.pk if str(route.pattern).startswith("pictures/") else draft.pk
    arguments = {"pk": pk} | ({"size": 160} if "<int:size>" in str(route.pattern) else {})
    answer = browser.post(reverse(f"datasets:{route.name}", kwargs=arguments))
    assert answer.status_code in {403, 405}


def test_what_is_worth_a_look_is_said_below_the_sheet(signed_in, draft, upload):
    for _twin in range(2):
        upload(draft, 1)
    page = signed_in.get(f"/datasets/{draft.pk}").content.decode()
    assert '<b class="mono">2</b> ' in page
    assert page.count("The same as image 1") == 2  # Below the sheet, and to whom it is read out.
