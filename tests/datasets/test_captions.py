"""`POST /datasets/<uuid>/captions` and `/pictures/<uuid>/caption`: kept as they were typed."""

from __future__ import annotations

import pytest

from datasets.models import Dataset

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def pictures(draft, upload):
    return [upload(draft, seed) for seed in range(2)]


@pytest.mark.parametrize(
    "typed",
    [
        "a vase",
        "  two spaces before and after  ",
        '<script>alert("x")</script>',
        "{{7*7}}{% include 'x' %}",
        "one\ntwo",
        "ваза 🏺",
        "x" * 1000,
        "🏺" * 1000,
        "",
    ],
)
def test_a_caption_is_kept_as_it_was_typed(signed_in, pictures, typed):
    """U15."""
    one, other = pictures
    answer = signed_in.post(
        f"/pictures/{one.pk}/caption",
        {f"caption-{one.pk}": typed, f"caption-{other.pk}": "of another tab"},
        headers=HTMX,
    )
    assert answer.status_code == 204
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.caption, other.caption) == (typed, "")


def test_a_plain_form_keeps_all_of_them(signed_in, draft, pictures):
    posted = {f"caption-{picture.pk}": f"no. {n}" for n, picture in enumerate(pictures)}
    answer = signed_in.post(f"/datasets/{draft.pk}/captions", posted)
    assert answer.url == f"/datasets/{draft.pk}"
    assert list(draft.pictures.values_list("caption", flat=True)) == ["no. 0", "no. 1"]


def test_the_line_ends_of_browsers_count_once(signed_in, pictures):
    [one, _other] = pictures
    typed = "\r\n".join("x" * 499 for _ in range(2))
    signed_in.post(f"/pictures/{one.pk}/caption", {f"caption-{one.pk}": typed + "\r\n"})
    one.refresh_from_db()
    assert len(one.caption) == 1000


@pytest.mark.parametrize(
    ("typed", "words"),
    [("x" * 1001, "at most 1000 characters"), ("a\0b", "Null"), ("x" * 500_000, "at most 1000")],
)
def test_too_long_or_unspeakable_is_refused_and_the_old_one_stays(
    signed_in, draft, pictures, typed, words
):
    """U15."""
    one = pictures[0]
    draft.write_captions({one.pk: "a vase"})
    for url in (f"/pictures/{one.pk}/caption", f"/datasets/{draft.pk}/captions"):
        answer = signed_in.post(url, {f"caption-{one.pk}": typed})
        assert answer.status_code == 422
        assert words in answer.content.decode()
    one.refresh_from_db()
    assert one.caption == "a vase"


def test_a_megabyte_is_a_bad_request(signed_in, draft, pictures):
    """U15."""
    posted = {f"caption-{pictures[0].pk}": "x" * 1_100_000}
    body = "&".join(f"{name}={text}" for name, text in posted.items())
    answer = signed_in.post(
        f"/datasets/{draft.pk}/captions", body, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code in {400, 413}


def test_captions_survive_the_removal_of_other_pictures_and_an_error(signed_in, draft, pictures):
    one, other = pictures
    posted = {f"caption-{one.pk}": "typed, not yet kept", f"caption-{other.pk}": "x"}
    signed_in.post(f"/pictures/{other.pk}/remove", posted)
    one.refresh_from_db()
    assert one.caption == "typed, not yet kept"
    signed_in.post(f"/datasets/{draft.pk}/choose", {"picture": "nonsense"})
    assert b"typed, not yet kept" in signed_in.get(f"/datasets/{draft.pk}").content


def test_captions_of_somebody_else_are_not_touched(signed_in, draft, pictures, upload, bob):
    theirs = upload(Dataset.objects.create(kind="draft", wallet=bob))
    signed_in.post(f"/datasets/{draft.pk}/captions", {f"caption-{theirs.pk}": "mine now"})
    theirs.refresh_from_db()
    assert theirs.caption == ""


def test_fields_with_other_names_are_passed_over_and_bad_ones_refused(signed_in, draft):
    url = f"/datasets/{draft.pk}/captions"
    assert signed_in.post(url, {"name": "x"}).status_code == 302
    assert signed_in.post(url, {"caption-1": "x"}).status_code == 422
