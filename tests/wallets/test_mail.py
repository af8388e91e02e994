"""Mail, to a server that takes it, refuses it, or breaks off in the middle."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import translation

from tests.loratrainer.test_job_races import race
from tests.processes import free_port
from tests.wallets.destinations import create_mailbox, create_notice, step
from wallets.mail import message_of
from wallets.notices import Notice, Status

pytestmark = pytest.mark.django_db(transaction=True)

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture(autouse=True)
def has_mail(settings: Any) -> None:
    settings.MAIL_HOST = "mail.example"


class Server:
    """What an SMTP server was told, and which of its answers the test wrote."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = {"DATA": "354 Go on", ".": "250 Taken", "QUIT": "221 Bye"} | answers
        self.mails: list[str] = []

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:

            def say(line: str) -> None:
                stream.write(line.encode() + b"\r\n")
                stream.flush()

            say("220 mail.example")
            while line := stream.readline().decode().strip():
                verb = line.split(" ")[0].split(":")[0].upper()
                answer = self.answers.get(verb, "250 OK")
                if answer == "hang up":
                    return
                say(answer)
                if verb == "DATA" and answer.startswith("354"):
                    text = b""
                    while (more := stream.readline()) not in {b".\r\n", b""}:
                        text += more
                    self.mails.append(text.decode())
                    if (answer := self.answers["."]) == "hang up":
                        return
                    say(answer)


@contextmanager
def smtp_server(settings: Any, **answers: str) -> Iterator[Server]:
    server = Server({name.replace("END", "."): answer for name, answer in answers.items()})
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.serve(connection)

    thread = threading.Thread(target=accept)
    thread.start()
    options = {"host": "127.0.0.1", "port": listener.getsockname()[1], "timeout": 5}
    settings.MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": options}}
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_it_is_plain_text_and_leads_to_the_training(mailoutbox):
    notice = step(create_notice(create_mailbox()))
    assert (notice.status, notice.due_at) == (Status.SENT, None)
    (sent,) = mailoutbox
    assert sent.to == ["alice@example.com"]
    assert sent.subject == "LoRA Trainer: KILNGLZ: Ready"
    assert notice.url in sent.body
    assert "The weights are in our storage, and verified." in sent.body
    assert sent.message().get_content_type() == "text/plain"


def test_it_can_be_ended_with_one_click(mailoutbox, client):
    notice = step(create_notice(create_mailbox()))
    (sent,) = mailoutbox
    headers = sent.message()
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = headers["List-Unsubscribe"].strip("<>")
    assert url in sent.body
    assert headers["Auto-Submitted"] == "auto-generated"
    assert str(notice.pk) in headers["Message-ID"]
    # What the mail program of the reader sends: no cookie, no page of ours before it.
    path = url.partition("localhost")[2].partition("/")[2]
    response = client.post(f"/{path}", "List-Unsubscribe=One-Click", "text/plain")
    assert response.status_code == 200
    notice.destination.refresh_from_db()
    assert notice.destination.removed_at is not None


def test_long_addresses_stay_whole_on_the_wire(settings):
    with smtp_server(settings) as server:
        notice = step(create_notice(create_mailbox()))
    (text,) = server.mails
    assert notice.status == Status.SENT
    address = f"/wallet/notices/unsubscribe/{notice.destination.unsubscribe_token}"
    assert re.search(rf"^List-Unsubscribe: <http://localhost:\d+{address}>\r$", text, re.MULTILINE)
    assert re.search(rf"^http://localhost:\d+{address}\r$", text, re.MULTILINE)


def test_it_speaks_the_language_of_the_job(mailoutbox):
    with translation.override("ru"):
        notice = create_notice(create_mailbox(), title="Готово", text="Обучение окончено.")
    assert notice.language == "ru"
    step(notice)
    assert mailoutbox[0].subject == "LoRA Trainer: Готово"


def test_a_title_of_several_lines_becomes_one():
    notice = create_notice(create_mailbox(), title="KILN\r\nBcc: eve@example.com")
    assert "\n" not in message_of(notice).subject
    assert message_of(notice).message()["Bcc"] is None


def test_a_worker_that_died_after_the_mark_leaves_it_at_silence(mailoutbox):
    notice = create_notice(create_mailbox())
    Notice.objects.filter(pk=notice.pk).update(sent_at=Now())
    step(notice)
    assert mailoutbox == []
    assert notice.status == Status.DOUBTED


@pytest.mark.parametrize("answers", [{"MAIL": "hang up"}, {"DATA": "hang up"}, {"END": "hang up"}])
def test_a_server_that_breaks_off_leaves_it_in_doubt(settings, answers):
    with smtp_server(settings, **answers) as server:
        notice = step(create_notice(create_mailbox()))
        assert notice.status == Status.DOUBTED
        assert notice.due_at is None
    assert len(server.mails) <= 1


@pytest.mark.parametrize(
    "answers", [{"RCPT": "451 Later"}, {"DATA": "421 Busy"}, {"END": "452 Full"}]
)
def test_what_the_server_cannot_take_yet_is_sent_again(settings, answers):
    with smtp_server(settings, **answers):
        notice = step(create_notice(create_mailbox()))
    assert (notice.status, notice.sent_at) == (Status.SENDING, None)
    assert notice.due_at is not None
    with smtp_server(settings) as server:
        step(notice)
    assert notice.status == Status.SENT
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    "answers", [{"RCPT": "550 Nobody"}, {"MAIL": "553 No"}, {"END": "554 Spam"}]
)
def test_what_the_server_refuses_is_given_up(settings, answers):
    with smtp_server(settings, **answers):
        notice = step(create_notice(create_mailbox()))
    assert notice.status == Status.FAILED
    assert "refused" in notice.error
    assert notice.destination.failures == 1


def test_a_server_that_is_away_is_asked_again_and_nothing_is_marked(settings):
    options = {"host": "127.0.0.1", "port": free_port(), "timeout": 2}
    settings.MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": options}}
    notice = step(create_notice(create_mailbox()))
    assert (notice.status, notice.sent_at) == (Status.SENDING, None)
    assert "did not answer" in notice.note


def test_a_server_that_wants_another_password_is_asked_again(settings):
    with smtp_server(settings, EHLO="250 AUTH PLAIN", AUTH="535 No"):
        settings.MAILERS["default"]["OPTIONS"] |= {"username": "we", "password": "wrong"}
        notice = step(create_notice(create_mailbox()))
    assert (notice.status, notice.sent_at) == (Status.SENDING, None)


def test_an_address_that_was_not_confirmed_gets_nothing(mailoutbox):
    mailbox = create_mailbox(confirmed=False)
    with pytest.raises(Notice.DoesNotExist):
        create_notice(mailbox)
    assert mailoutbox == []


def test_without_a_server_nothing_is_sent(settings, mailoutbox):
    notice = create_notice(create_mailbox())
    settings.MAIL_HOST = ""
    step(notice)
    assert notice.status == Status.DROPPED
    assert mailoutbox == []


def stall(notice: Notice) -> Notice:
    """A worker that has claimed it, and whose lease ran out before it did anything."""
    stalled = Notice.objects.claim(notice.pk)
    assert stalled is not None
    Notice.objects.filter(pk=notice.pk).update(lease_ends_at=Now())
    return stalled


def test_a_stalled_worker_and_its_successor_send_one_mail(mailoutbox):
    notice = create_notice(create_mailbox())
    stalled = stall(notice)
    step(notice)
    stalled.advance()
    assert len(mailoutbox) == 1


def test_without_the_mark_both_would_send(mailoutbox, monkeypatch):
    monkeypatch.setattr(Notice, "mark_sent", lambda notice: None)
    notice = create_notice(create_mailbox())
    stalled = stall(notice)
    step(notice)
    stalled.advance()
    assert len(mailoutbox) == 2


def work(pk: object) -> None:
    job = Notice.objects.claim(pk)
    if job is not None:
        job.advance()


def test_of_two_workers_at_once_one_sends(mailoutbox):
    mailbox = create_mailbox()
    for number in range(1, 11):
        notice = create_notice(mailbox)
        race([lambda pk=notice.pk: work(pk), lambda pk=notice.pk: work(pk)])
        assert len(mailoutbox) == number


class Killed(BaseException):
    """What no worker catches."""


def die(*args: object, **options: object) -> None:
    raise Killed


def test_killed_between_sending_and_recording_it_sends_no_second_mail(mailoutbox, monkeypatch):
    notice = create_notice(create_mailbox())
    with monkeypatch.context() as patch:
        patch.setattr(Notice, "move", die)
        with pytest.raises(Killed):
            step(notice)
    assert len(mailoutbox) == 1
    Notice.objects.update(lease_ends_at=Now())
    step(notice)
    assert len(mailoutbox) == 1
    assert (notice.status, notice.due_at) == (Status.DOUBTED, None)


def test_killed_before_sending_it_sends_none_later(mailoutbox, monkeypatch):
    """It cannot be told from the other case, so silence it is."""
    notice = create_notice(create_mailbox())
    with monkeypatch.context() as patch:
        patch.setattr("wallets.mail.deliver", die)
        with pytest.raises(Killed):
            step(notice)
    Notice.objects.update(lease_ends_at=Now())
    step(notice)
    assert mailoutbox == []
    assert notice.status == Status.DOUBTED
