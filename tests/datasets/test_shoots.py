"""`/shoots`: people, and their shoots."""

from __future__ import annotations

import pytest

from datasets.models import Dataset, Person

pytestmark = pytest.mark.django_db


def test_they_belong_to_a_wallet(client):
    answer = client.get("/shoots")
    assert (answer.status_code, answer.url) == (302, "/connect?next=/shoots")


def test_a_shoot_is_begun_for_a_person_who_is_new_or_known(signed_in, alice):
    for costume in ("Space suit", "Ball gown"):
        answer = signed_in.post("/shoots", {"person": "Mara", "costume": costume})
        shoot = Dataset.objects.get(costume=costume)
        assert answer.url == f"/datasets/{shoot.pk}"
        assert (shoot.kind, shoot.wallet) == ("shoot", alice)
    assert Person.objects.count() == 1


def test_they_are_listed_with_their_numbers_and_lead_to_a_training(signed_in, alice, upload):
    signed_in.post("/shoots", {"person": "Mara", "costume": "Space <suit>"})
    shoot = Dataset.objects.get()
    for seed in range(3):
        upload(shoot, seed)
    page = signed_in.get("/shoots").content.decode()
    assert "Space &lt;suit&gt;" in page
    assert "3 images" in page
    assert f'href="/?shoot={shoot.pk}"' in page


def test_nobody_sees_the_shoots_of_others(signed_in, stranger):
    signed_in.post("/shoots", {"person": "Mara", "costume": "Space suit"})
    page = stranger.get("/shoots").content.decode()
    assert "Space suit" not in page
    assert "Mara" not in page


@pytest.mark.parametrize(
    "wrong", [{}, {"person": "Mara"}, {"person": " ", "costume": "x"}, {"person": "x" * 81}]
)
def test_what_is_missing_or_too_long_is_said(signed_in, wrong):
    answer = signed_in.post("/shoots", wrong)
    assert answer.status_code == 422
    assert 'class="err"' in answer.content.decode()
    assert Dataset.objects.count() == Person.objects.count() == 0


def test_the_list_asks_no_more_when_it_grows(signed_in, django_assert_max_num_queries):
    for number in range(8):
        signed_in.post("/shoots", {"person": f"Person {number}", "costume": "x"})
    with django_assert_max_num_queries(5):
        signed_in.get("/shoots")
