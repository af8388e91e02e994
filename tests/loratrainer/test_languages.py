"""English and Russian: what is translated, and who gets which."""

from __future__ import annotations

import re

import polib
import pytest
from django.utils import translation
from django.utils.translation import gettext, ngettext

from payments.templatetags.payments import usd
from tests import words
from tests.errands.models import Errand
from tests.factories import create_errand, create_training
from trainings.own import purpose_of

CATALOGUES = sorted(words.LOCALE.glob("*/LC_MESSAGES/*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)\d*[a-z]|%[sd]|\{\w+(?::\w+)?\}")
RUSSIAN = {"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"}


@pytest.fixture(scope="module")
def texts():
    """Everything that is marked for translation."""
    return words.collect()


@pytest.fixture(params=CATALOGUES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def path(request):
    return request.param


@pytest.fixture
def catalogue(path):
    return polib.pofile(str(path))


# --- The catalogues -------------------------------------------------------------------------------


def test_every_text_of_the_code_is_in_the_catalogue_and_no_other(path, catalogue, texts):
    assert {words.key(entry) for entry in catalogue} == set(texts[path.stem])


def test_every_text_is_translated(catalogue):
    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []


def test_translations_keep_the_placeholders(catalogue):
    for entry in catalogue:
        known = set(PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            assert set(PLACEHOLDER.findall(text)) == (known if text else set()), entry.msgid


def test_translations_keep_the_tags(catalogue):
    for entry in catalogue:
        tags = sorted(re.findall(r"<[^>]+>", entry.msgid))
        for text in filter(None, [entry.msgstr, *entry.msgstr_plural.values()]):
            assert sorted(re.findall(r"<[^>]+>", text)) == tags, entry.msgid


def test_the_site_reads_what_the_catalogue_says(path, catalogue):
    compiled = polib.mofile(str(path.with_suffix(".mo")))
    assert {(words.key(entry), entry.msgstr) for entry in compiled} == {
        (words.key(entry), entry.msgstr) for entry in catalogue
    }
    assert {entry.msgid: entry.msgstr_plural for entry in compiled} == {
        entry.msgid: entry.msgstr_plural for entry in catalogue
    }


def test_scripts_read_what_the_catalogue_says():
    catalogue = polib.pofile(str(words.LOCALE / "ru" / "LC_MESSAGES" / "djangojs.po"))
    script = words.ROOT / "static" / "js" / "words.ru.js"
    assert script.read_text() == words.script_of(catalogue)


def test_marked_texts_are_found_wherever_they_stand():
    python = 'from django.utils.translation import gettext as _, ngettext\n_("One")\n'
    python += 'ngettext("a LoRA", "{n} LoRAs", n).format(n=n)\n_(variable)\n'
    assert [*words.texts_of_python(python)] == [
        words.Text("One"),
        words.Text("a LoRA", "{n} LoRAs"),
    ]
    template = (
        '{% load i18n %}{% translate "To" context "recipient" %}{{ x|default:_("Two") }}'
        '{% include "a.html" with title=_("Three") %}'
        "{% blocktranslate count n=n %}{{ n }} image{% plural %}{{ n }} images"
        "{% endblocktranslate %}"
    )
    assert {*words.texts_of_template(template)} == {
        words.Text("To", context="recipient"),
        words.Text("Two"),
        words.Text("Three"),
        words.Text("%(n)s image", "%(n)s images"),
    }
    script = 'say(gettext("Hi, {name}.", { name })); gettext(\n  "\\"quoted\\"")'
    assert [*words.texts_of_script(script)] == [words.Text("Hi, {name}."), words.Text('"quoted"')]


# --- The words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (1, "Осталась примерно 1 минута."),
        (3, "Осталось примерно 3 минуты."),
        (11, "Осталось примерно 11 минут."),
    ],
)
def test_russian_counts_in_three_forms(minutes, said):
    with translation.override("ru"):
        text = ngettext("About a minute left.", "About {minutes} minutes left.", minutes)
    assert text.format(minutes=minutes) == said


@pytest.mark.parametrize(
    ("cents", "english", "russian"),
    [(400, "$4", "4\N{NO-BREAK SPACE}$"), (231, "$2.31", "2,31\N{NO-BREAK SPACE}$")],
)
def test_money_is_written_as_the_reader_writes_it(cents, english, russian):
    assert usd(cents) == english
    with translation.override("ru"):
        assert usd(cents) == russian


# --- Who gets which -------------------------------------------------------------------------------


def words_of(page) -> str:
    return page.content.decode()


def test_a_page_speaks_the_language_that_the_browser_asks_for(client):
    english = client.get("/rules")
    russian = client.get("/rules", headers=RUSSIAN)
    assert '<html lang="en">' in words_of(english)
    assert "What makes a good set" in words_of(english)
    assert '<html lang="ru">' in words_of(russian)
    assert "Каким должен быть хороший набор" in words_of(russian)
    assert "What makes a good set" not in words_of(russian)
    assert russian.headers["Content-Language"] == "ru"


@pytest.mark.parametrize("asked", ["de-DE,de;q=0.9", "", "xx", "../ru"])
def test_everybody_else_gets_english(client, asked):
    page = client.get("/rules", headers={"Accept-Language": asked})
    assert page.headers["Content-Language"] == "en"


def test_a_choice_outlives_the_page_and_wins_over_the_browser(client):
    chosen = client.post(
        "/language", {"language": "ru"}, headers={"Referer": "http://testserver/rules"}
    )
    assert (chosen.status_code, chosen.headers["Location"]) == (302, "http://testserver/rules")
    cookie = chosen.cookies["language"]
    assert (cookie.value, cookie["samesite"], cookie["max-age"]) == ("ru", "Lax", 31_536_000)
    page = client.get("/rules", headers={"Accept-Language": "en"})
    assert page.headers["Content-Language"] == "ru"


def test_a_language_that_there_is_not_changes_nothing(client):
    answer = client.post("/language", {"language": "tlh"})
    assert "language" not in answer.cookies
    assert client.get("/rules").headers["Content-Language"] == "en"


def test_choosing_leads_to_no_other_site(client):
    answer = client.post(
        "/language", {"language": "ru"}, headers={"Referer": "https://evil.example/"}
    )
    assert answer.headers["Location"] == "/"


def test_another_site_cannot_choose(client):
    answer = client.post("/language", {"language": "ru"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "language" not in answer.cookies


def test_looking_chooses_nothing(client):
    assert client.get("/language").status_code == 405


def test_the_choice_needs_no_session(client):
    client.post("/language", {"language": "ru"})
    assert set(client.cookies) == {"language"}


def test_a_cache_is_told_what_a_page_depends_on(client):
    for headers in ({}, RUSSIAN):
        varies = client.get("/rules", headers=headers).headers["Vary"]
        assert {"Accept-Language", "Cookie"} <= {name.strip() for name in varies.split(",")}


@pytest.mark.django_db
def test_what_one_language_has_is_not_current_in_another(client):
    english = client.get("/loras")
    known = {"If-None-Match": english.headers["ETag"]}
    again = client.get("/loras", headers=known)
    assert again.status_code == 304
    assert {"Accept-Language", "Cookie"} <= set(again.headers["Vary"].split(", "))
    russian = client.get("/loras", headers=known | RUSSIAN)
    assert russian.status_code == 200
    assert '<html lang="ru">' in words_of(russian)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/static/js/app.js", "/static/css/app.css"])
def test_files_are_the_same_in_every_language(client, address):
    answer = client.get(address, headers=RUSSIAN)
    assert "Accept-Language" not in answer.headers.get("Vary", "")
    assert "Content-Language" not in answer.headers
    answer.close()


def test_english_pages_load_nothing_for_other_languages(client):
    assert "words." not in words_of(client.get("/rules"))
    assert "js/words.ru" in words_of(client.get("/rules", headers=RUSSIAN))


def test_errors_that_come_before_everything_else_speak_russian_too(client, settings):
    refused = client.post("/language", headers=RUSSIAN | {"Sec-Fetch-Site": "cross-site"})
    assert "Запрос пришёл с другого сайта." in words_of(refused)  # noqa: RUF001
    settings.MAINTENANCE = True
    closed = client.get("/", headers=RUSSIAN)
    assert closed.status_code == 503
    assert "Вернёмся через несколько минут" in words_of(closed)


def test_the_language_ends_with_the_request(client):
    client.get("/rules", headers=RUSSIAN)
    assert gettext("What makes a good set") == "What makes a good set"


# --- Jobs -----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "note"),
    [
        ("ru", "У нас что-то сломалось."),  # noqa: RUF001
        ("en", "Something broke on our side."),
    ],
)
def test_a_worker_speaks_the_language_of_whoever_began_the_job(language, note):
    with translation.override(language):
        errand = create_errand(script={"bug": True})
    errand = Errand.objects.claim(errand.pk)
    errand.advance()
    assert errand.note == note
    assert translation.get_language() == "en"


@pytest.mark.django_db
def test_a_training_finds_its_price_in_whatever_language_its_owner_reads():
    training = create_training()
    with translation.override("ru"):
        assert purpose_of(training) == f"Training {training.name}"
