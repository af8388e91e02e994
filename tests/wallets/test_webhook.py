"""Webhooks of one's own, to a receiver that checks them with nothing of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from tests.loratrainer.origin import answer, resetting, says, serving
from tests.loratrainer.test_fetching_ssrf import network
from tests.loratrainer.test_posting import authority
from tests.processes import free_port
from tests.wallets.destinations import create_notice, create_webhook, step
from tests.wallets.test_push import parts
from wallets.destinations import MAX_FAILURES
from wallets.notices import Notice, Status

__all__ = ["authority", "network"]

pytestmark = pytest.mark.django_db(transaction=True)


def is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Standard Webhooks as its specification has it, done by hand."""
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    digest = hmac.new(key, message, hashlib.sha256).digest()
    return headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def sent_to(settings: Any, script: Any, notice: Notice | None = None) -> tuple[Notice, Any]:
    """Send a notice to a receiver that follows the script."""
    with serving(script) as origin:
        settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"webhook": [origin.url]}
        notice = notice or create_notice(create_webhook(None, f"{origin.url}/hook"))
        type(notice.destination).objects.update(address=f"{origin.url}/hook")
        step(Notice.objects.get(pk=notice.pk))
    notice.refresh_from_db()
    notice.destination.refresh_from_db()
    return notice, origin


def test_it_arrives_signed(settings):
    notice, origin = sent_to(settings, answer(status="204 No Content"))
    assert (notice.status, notice.due_at) == (Status.SENT, None)
    headers, body = parts(origin.requests[0])
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == f"msg_{notice.pk.hex}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert is_signed(headers, body, notice.destination.secret)
    assert not is_signed(headers, body + b" ", notice.destination.secret)
    assert json.loads(body) == notice.body


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_what_is_not_acknowledged_is_sent_again_with_the_same_id(settings, status):
    notice, first = sent_to(settings, answer(status=f"{status} X"))
    assert notice.status == Status.SENDING
    assert notice.due_at is not None
    assert f"HTTP {status}" in notice.destination.trouble
    notice, second = sent_to(settings, answer(), notice)
    assert notice.status == Status.SENT
    assert notice.destination.trouble == ""
    ids = {parts(request)[0]["webhook-id"] for request in first.requests + second.requests}
    bodies = {parts(request)[1] for request in first.requests + second.requests}
    assert (len(ids), len(bodies)) == (1, 1)


def test_a_worker_that_died_after_sending_sends_again_with_the_same_id(settings):
    notice = create_notice(create_webhook(None))
    Notice.objects.filter(pk=notice.pk).update(sent_at=Now())
    notice, origin = sent_to(settings, answer(), notice)
    assert notice.status == Status.SENT
    assert parts(origin.requests[0])[0]["webhook-id"] == f"msg_{notice.pk.hex}"


@pytest.mark.parametrize("script", [says(), resetting()], ids=["closed", "reset"])
def test_a_receiver_that_gives_no_answer_is_asked_again(settings, script):
    notice, _origin = sent_to(settings, script)
    assert notice.status == Status.SENDING
    assert notice.destination.trouble == "The address gave no answer."


def test_a_receiver_that_is_away_is_asked_again(settings):
    url = f"http://127.0.0.1:{free_port()}"
    settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"webhook": [url]}
    notice = step(create_notice(create_webhook(None, f"{url}/hook")))
    assert notice.status == Status.SENDING
    assert notice.destination.trouble == "The address could not be reached."


def test_a_redirect_is_not_followed(settings):
    with serving(answer()) as elsewhere:
        script = answer(status="307 X", Location=f"{elsewhere.url}/hook")
        notice, origin = sent_to(settings, script)
    assert (len(origin.requests), elsewhere.requests) == (1, [])
    assert "do not follow redirects" in notice.note


def test_after_a_day_it_is_given_up_in_words(settings):
    notice, _origin = sent_to(settings, answer(status="500 X"))
    Notice.objects.update(deadline_at=Now() - timedelta(seconds=1))
    step(notice)
    assert (notice.status, notice.due_at) == (Status.FAILED, None)
    assert notice.error == "It answered HTTP 500."
    assert notice.destination.failures == 1


def test_the_first_deadline_is_a_day_away(settings):
    notice = create_notice(create_webhook())
    assert notice.deadline_at - notice.created_at == timedelta(days=1)


def test_after_several_that_were_given_up_it_is_off_until_its_owner_says_otherwise(settings):
    webhook = create_webhook()
    for _number in range(MAX_FAILURES):
        notice = create_notice(webhook)
        Notice.objects.filter(pk=notice.pk).update(deadline_at=Now() - timedelta(seconds=1))
        step(notice)
    assert notice.destination.disabled_at is not None
    waiting = Notice.objects.count()
    with pytest.raises(Notice.DoesNotExist):
        create_notice(webhook)
    assert Notice.objects.count() == waiting
    webhook.enable()
    assert create_notice(webhook).status == Status.SENDING


def test_one_that_arrives_makes_former_failures_forgotten(settings):
    webhook = create_webhook()
    type(webhook).objects.update(failures=MAX_FAILURES - 1)
    notice, _origin = sent_to(settings, answer(), create_notice(webhook))
    assert notice.destination.failures == 0


def test_whoever_says_410_gets_no_more(settings):
    notice, _origin = sent_to(settings, answer(status="410 Gone"))
    assert notice.status == Status.FAILED
    assert notice.destination.disabled_at is not None
    assert "410" in notice.destination.trouble


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "fd00::1"])
def test_a_name_that_turns_private_later_is_refused_at_every_send(network, address):
    network.names["hooks.example.com"] = [[address]]
    notice = step(create_notice(create_webhook()))
    assert network.connected == []
    assert notice.status == Status.FAILED
    assert notice.error == "We do not send to this address."


def test_a_removed_webhook_is_sent_nothing_more():
    webhook = create_webhook()
    notice = create_notice(webhook)
    webhook.remove()
    step(notice)
    assert (notice.status, notice.sent_at, notice.due_at) == (Status.DROPPED, None, None)


def test_a_test_is_sent_once_and_not_again_when_it_fails(settings):
    webhook = create_webhook()
    notice = Notice.test(webhook)
    assert notice is not None
    assert Notice.test(webhook) is None
    webhook.refresh_from_db()
    assert webhook.is_tested
    notice, _origin = sent_to(settings, answer(status="500 X"), notice)
    assert notice.status == Status.FAILED
    assert notice.destination.trouble == "It answered HTTP 500."
    assert notice.destination.failures == 0
    assert not notice.destination.is_tested


def test_a_test_says_that_it_is_one(settings):
    notice = Notice.test(create_webhook())
    _notice, origin = sent_to(settings, answer(), notice)
    said = json.loads(parts(origin.requests[0])[1])
    assert said["type"] == "test"
    assert said["data"]["url"].endswith("/wallet/notices")
    assert said["timestamp"]
