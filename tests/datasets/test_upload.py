"""`POST /datasets/<uuid>/pictures`: one picture from a script, several from a plain form."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from datasets.models import Dataset
from loratrainer.outcomes import TryAgainLater
from tests.datasets.photographs import HTML, SVG, TEXT, jpeg, png, png_bomb

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def file(content: bytes, name: str = "picture.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


@pytest.fixture
def send(signed_in, draft):
    """Upload as the script does."""

    def send(content: bytes, name: str = "picture.jpg"):
        return signed_in.post(
            f"/datasets/{draft.pk}/pictures", {"file": file(content, name)}, headers=JSON
        )

    return send


def test_a_picture_from_a_script_is_kept(send, draft):
    answer = send(jpeg(), "vase.jpg")
    assert answer.status_code == 201
    assert answer.json() == {"url": f"/datasets/{draft.pk}"}
    [picture] = draft.pictures.all()
    assert (picture.name, picture.chosen) == ("vase.jpg", True)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (TEXT, "text.png", "This is not a JPEG, PNG or WebP picture."),
        (SVG, "drawing.svg", "This is not a JPEG, PNG or WebP picture."),
        (HTML, "page.jpg", "This is not a JPEG, PNG or WebP picture."),
        (jpeg(1, (900, 700))[:9000], "half.jpg", "This picture is damaged and cannot be read."),
        (png_bomb(13_300), "bomb.png", "This picture is too large: 13300 × 13300"),  # noqa: RUF001
        (b"", "empty.jpg", "This is not a JPEG, PNG or WebP picture."),
        (jpeg() + b"\0" * 10_000_000, "big.jpg", "This file is larger than 10 MB."),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(send, draft, content, name, words):
    answer = send(content, name)
    assert answer.status_code == 422
    assert words in answer.json()["error"]
    assert draft.pictures.count() == 0


def test_ten_megabytes_are_not_too_many_and_one_byte_more_is(send, draft):
    padded = jpeg().ljust(10_000_000, b"\0")
    assert send(padded).status_code == 201
    assert send(padded + b"\0").status_code == 422
    assert draft.pictures.count() == 1


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/x.png",
        "a/b.png",
        "CON.png",
        "x.png.html",
        '"><img src=x onerror=alert(1)>.png',
        "\u202egnp.exe",
        "🎈" * 200 + ".png",
        "x" * 4096,
    ],
)
def test_names_are_for_display_only(send, draft, name, signed_in):
    """U08."""
    assert send(png(), name).status_code == 201
    [picture] = draft.pictures.all()
    assert len(picture.name) <= 120
    assert "/" not in picture.name
    assert "\u202e" not in picture.name
    assert picture.original.startswith("pictures/")
    assert picture.original.endswith("/original.png")
    assert b"<img src=x" not in signed_in.get(f"/datasets/{draft.pk}").content


def test_a_plain_form_keeps_the_good_ones_and_says_what_is_wrong_with_the_others(signed_in, draft):
    answer = signed_in.post(
        f"/datasets/{draft.pk}/pictures",
        {"file": [file(jpeg(1), "a.jpg"), file(TEXT, "b<i>.png"), file(png(2), "c.png")]},
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "1 of the files could not be used" in page
    assert "b&lt;i&gt;.png: This is not a JPEG, PNG or WebP picture." in page
    assert [picture.name for picture in draft.pictures.all()] == ["a.jpg", "c.png"]


def test_a_plain_form_leads_back_to_its_page(signed_in, draft):
    url = f"/datasets/{draft.pk}/pictures"
    answer = signed_in.post(url, {"file": file(jpeg()), "next": "/?source=upload"})
    assert (answer.status_code, answer.url) == (302, "/?source=upload")
    answer = signed_in.post(url, {"file": file(jpeg()), "next": "https://evil.example/"})
    assert answer.url == f"/datasets/{draft.pk}"


def test_without_a_draft_one_is_begun(client):
    answer = client.post("/datasets/pictures", {"file": file(jpeg())})
    [draft] = Dataset.objects.all()
    assert answer.url == f"/datasets/{draft.pk}"
    assert draft.wallet is None
    client.post("/datasets/pictures", {"file": file(jpeg(1))})
    assert draft.pictures.count() == 2
    assert Dataset.objects.count() == 1


def test_nothing_is_no_picture(send, signed_in, draft):
    answer = signed_in.post(f"/datasets/{draft.pk}/pictures", headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (400, "No picture arrived.")


def test_a_frozen_set_takes_nothing(send, draft, upload):
    """U13."""
    for seed in range(4):
        upload(draft, seed)
    draft.freeze()
    answer = send(jpeg(9))
    assert answer.status_code == 409
    assert "trained with" in answer.json()["error"]
    assert draft.pictures.count() == 4


def test_a_body_that_says_to_be_vast_is_not_read(signed_in, draft, settings):
    """U10. The token is missing as well, which Django would have to read the body to find out."""
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = signed_in.cookies
    answer = browser.post(
        f"/datasets/{draft.pk}/pictures",
        b"",
        content_type="multipart/form-data; boundary=x",
        headers=JSON,
        CONTENT_LENGTH=str(200_000_000),
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["10", "0", ""])
def test_a_length_that_lies_is_a_bad_request(signed_in, draft, length):
    """U10."""
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + jpeg()
    answer = signed_in.post(
        f"/datasets/{draft.pk}/pictures",
        body + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=length,
    )
    assert answer.status_code == 400
    assert draft.pictures.count() == 0


def test_a_thousand_parts_and_ten_thousand_fields_are_a_bad_request(signed_in, draft):
    """U10."""
    url = f"/datasets/{draft.pk}/pictures"
    many = signed_in.post(url, {"file": [file(b"x") for _ in range(1000)]})
    fields = signed_in.post(url, {f"field{number}": "" for number in range(10_000)})
    assert (many.status_code, fields.status_code) == (400, 400)
    assert draft.pictures.count() == 0


def test_a_storage_that_fails_is_said_and_worth_another_try(send, draft, monkeypatch):
    def broken(*args: object) -> None:
        raise TryAgainLater("Our storage did not answer. We try again.")

    monkeypatch.setattr("datasets.storage.save", broken)
    answer = send(jpeg())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "storage did not answer" in answer.json()["error"]
    assert draft.pictures.count() == 0


def test_a_network_begins_only_so_many_drafts(monkeypatch):
    monkeypatch.setattr("datasets.owners.DRAFTS_PER_NETWORK", 2)
    answers = [Client().post("/datasets", headers=JSON) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert "Too many new sets" in answers[2].json()["error"]
