"""`POST /datasets/<uuid>/channel`: open an Are.na channel."""

from __future__ import annotations

import pytest

from datasets.models import Dataset
from loratrainer.tasks import advance

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def test_a_channel_is_opened_and_a_worker_asked(
    signed_in, draft, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr(advance, "apply_async", lambda args, **options: rung.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in.post(
            f"/datasets/{draft.pk}/channel", {"channel": "are.na/kiln-room/glaze-tests"}
        )
    assert answer.url == f"/datasets/{draft.pk}"
    draft.refresh_from_db()
    assert (draft.status, draft.channel) == ("listing", "glaze-tests")
    assert draft.deadline_at is not None
    assert rung == [("datasets.Dataset", str(draft.pk))]


def test_htmx_gets_the_form_and_the_parts_that_change(signed_in, draft):
    answer = signed_in.post(
        f"/datasets/{draft.pk}/channel", {"channel": "glaze-tests"}, headers=HTMX
    )
    page = answer.content.decode()
    assert page.lstrip().startswith('<form id="channel"')
    assert 'hx-swap-oob="outerMorph"' in page
    assert "every 1s" in page
    assert "pictures-changed" in answer.headers["HX-Trigger"]


def test_what_is_no_channel_is_refused_in_words_and_kept_as_typed(signed_in, draft):
    typed = 'https://example.org/"<'
    for headers in ({}, HTMX):
        answer = signed_in.post(
            f"/datasets/{draft.pk}/channel", {"channel": typed}, headers=headers
        )
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "That is not the link of an Are.na channel." in page
        assert "https://example.org/&quot;&lt;" in page
    draft.refresh_from_db()
    assert draft.status == "ready"


@pytest.mark.parametrize(
    ("typed", "words"), [("", "Paste the link"), ("x" * 600, "at most 500"), ("a\0b", "Null")]
)
def test_nothing_too_much_and_nul_are_refused(signed_in, draft, typed, words):
    answer = signed_in.post(f"/datasets/{draft.pk}/channel", {"channel": typed})
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_without_a_draft_one_is_begun(client):
    answer = client.post("/datasets/channel", {"channel": "glaze-tests", "next": "/"})
    assert answer.url == "/"
    [draft] = Dataset.objects.all()
    assert draft.channel == "glaze-tests"


def test_a_failure_is_shown_with_what_was_typed(signed_in, draft):
    draft.open_channel("empty")
    draft.fail("This channel is empty.")
    page = signed_in.get(f"/datasets/{draft.pk}").content.decode()
    assert "This channel is empty." in page
    assert 'value="empty"' in page


def test_a_frozen_set_is_not_opened_again(signed_in, draft, upload):
    for seed in range(4):
        upload(draft, seed)
    draft.freeze()
    answer = signed_in.post(f"/datasets/{draft.pk}/channel", {"channel": "glaze-tests"})
    assert answer.status_code == 409
    assert "Make a copy to change it." in answer.content.decode()
