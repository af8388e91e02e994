"""What the logs say, and what they never say."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings as site

from loratrainer.logs import Context, Json, Plain, redact
from loratrainer.tasks import advance
from tests.factories import create_errand

KEY = "lt_" + "Ab3-_" * 8 + "xyz"
TOKEN = "q1W2e3R4t5Y6u7I8o9P0a-s_D3f4G5h6"
WEBHOOK_SECRET = "q1W2/3R4t5+6u7I8o9P0aS0D3f4G5h6J7k8L9z0X1c2="
SIGNATURE = "0x" + "ab" * 65
ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.fixture
def lines() -> Any:
    """What is logged, as JSON objects."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Json())
    handler.addFilter(Context())
    root, ours = logging.getLogger(), logging.getLogger("loratrainer.logs")
    root.addHandler(handler)
    before = ours.level
    ours.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    ours.setLevel(before)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {KEY}", KEY),
        (f"{{'HTTP_AUTHORIZATION': 'Key {TOKEN}'}}", TOKEN),
        (f"{KEY} was wrong", KEY),
        (f"Not Found: /api/webhook/fal/{TOKEN}", TOKEN),
        (f'"POST /api/webhook/replicate-training/{TOKEN}?a=b HTTP/1.1" 404', TOKEN),
        (f"GET /api/weights/{TOKEN}/lora.safetensors", TOKEN),
        (f"kept archives/{TOKEN}/lora-1.zip", TOKEN),
        (f"GET /files/{TOKEN}/lora.zip", TOKEN),
        (f"GET /wallet/notices/confirm/{TOKEN}:1u8K:x-9 200", TOKEN),
        (f"POST /wallet/notices/unsubscribe/{TOKEN}:x-9 200", TOKEN),
        (f"signed with whsec_{WEBHOOK_SECRET}", WEBHOOK_SECRET),
        (f"otpauth://totp/x?secret={TOKEN}&digits=6", TOKEN),
        (f"Cookie: sessionid={TOKEN}; csrftoken=abc{TOKEN}", TOKEN),
        (f"Set-Cookie: other={TOKEN}; Path=/", TOKEN),
        (f"{{'Cookie': 'a=b; __Host-sessionid={TOKEN}'}}", TOKEN),
        (f"__Host-sessionid={TOKEN}", TOKEN),
        (f"csrfmiddlewaretoken={TOKEN}&prompt=x", TOKEN),
        (f"signature={SIGNATURE}", SIGNATURE),
        (f'{{"signature": "{SIGNATURE}"}}', SIGNATURE),
        (f"https://bucket.example/a.zip?X-Amz-Signature={TOKEN}&X-Amz-Date=1", TOKEN),
        (f"https://bucket.example/a.zip?X-Goog-Credential={TOKEN}", TOKEN),
        (f"postgresql://loratrainer:{TOKEN}@postgres:5432/x", TOKEN),
        (f"{ADDRESS} signed in", ADDRESS),
    ],
)
def test_no_secret_is_written(text: str, secret: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (text,), None)
    for formatter in (Plain("%(message)s"), Json()):
        assert secret not in formatter.format(record)
    assert json.loads(Json().format(record))["message"]


@pytest.mark.parametrize(
    "text",
    [
        "trainings.Training 0b0f5a1e-7f3a-4f2c-9a53-6f0f6f2a4c11 is now completed",
        "Reversed 0x" + "ab" * 32,
        "GET /loras/0b0f5a1e-7f3a-4f2c-9a53-6f0f6f2a4c11/weights 302 4 ms",
        "Task loratrainer.tasks.advance received",
        "the key of the ledger",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "FAL_KEY", "REPLICATE_API_TOKEN"),
        *("METRICS_TOKEN", "VAPID_PRIVATE_KEY"),
    ],
)
def test_what_the_settings_keep_secret_is_not_written(settings, name: str) -> None:
    secret = "correct horse battery"
    setattr(settings, name, [secret] if name.endswith("S") else secret)
    assert secret not in redact(f"it was {secret}, and again {secret}")


def test_the_password_of_the_mail_server_is_not_written(settings) -> None:
    settings.MAILERS = {"default": {"OPTIONS": {"password": "correct horse battery"}}}
    assert "horse" not in redact("535 correct horse battery is wrong")


def test_tracebacks_and_extra_facts_hold_no_secret_either() -> None:
    try:
        raise ValueError(f"no such attempt: /api/webhook/fal/{TOKEN}")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "It broke", None, sys.exc_info())
    record.headers = {"Authorization": f"Bearer {KEY}", "tries": [f"/files/{TOKEN}/x"]}
    for formatter in (Plain("%(message)s"), Json()):
        line = formatter.format(record)
        assert "ValueError" in line
        assert TOKEN not in line
        assert KEY not in line


def test_l03_each_record_is_one_line(lines) -> None:
    logging.getLogger("x").warning("name %s", 'a\nb\r\x1b[31m"\u2028{"level": "INFO"}')
    [line] = lines()
    assert line["message"] == 'name a\nb\r\x1b[31m"\u2028{"level": "INFO"}'
    assert (line["level"], line["logger"]) == ("WARNING", "x")
    assert line["at"]


def test_a_request_has_an_id_that_its_lines_and_its_response_carry(client, lines) -> None:
    response = client.get("/healthz")
    [line] = lines()
    assert line["request_id"] == response["X-Request-ID"]
    facts = {name: line[name] for name in ("method", "path", "status")}
    assert facts == {"method": "GET", "path": "/healthz", "status": 200}
    assert client.get("/healthz")["X-Request-ID"] != response["X-Request-ID"]


def test_an_id_that_a_proxy_gave_is_kept(client) -> None:
    given = "0b0f5a1e-7f3a-4f2c"
    assert client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["short", "a" * 65, "with space 123", 'quote"12345', "é" * 9])
def test_what_is_no_id_is_replaced(client, given: str) -> None:
    answered = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    assert answered != given
    assert len(answered) == 32


@pytest.mark.django_db
def test_h17_the_token_of_a_webhook_is_in_no_line_of_its_request(client, lines) -> None:
    assert client.post(f"/api/webhook/fal/{TOKEN}").status_code == 404
    written = json.dumps(lines())
    assert "/api/webhook/fal/" in written
    assert TOKEN not in written


@pytest.mark.django_db
def test_l06_what_is_searched_for_and_prompted_is_in_no_line(client, lines) -> None:
    client.get("/healthz?q=a-private-matter")
    assert "a-private-matter" not in json.dumps(lines())


@pytest.mark.django_db(transaction=True)
def test_lines_of_a_task_name_it_and_its_job(lines) -> None:
    errand = create_errand()
    advance.apply(args=("errands.Errand", str(errand.pk)))
    moved = [line for line in lines() if "is now" in line["message"]]
    assert moved
    for line in moved:
        assert line["job"] == f"errands.Errand {errand.pk}"
        assert line["task_id"]


def test_gunicorn_writes_no_secret_either() -> None:
    code = (
        "from gunicorn.config import Config; import runpy;"
        "Logger = runpy.run_path('gunicorn.conf.py')['logger_class'];"
        "config = Config(); config.set('accesslog', '-'); log = Logger(config);"
        f"log.access_log.info('POST /api/webhook/fal/{TOKEN} 404');"
        f"log.error('Error handling request /api/webhook/fal/{TOKEN}')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=site.BASE_DIR
    )
    assert done.stdout.count("/api/webhook/fal/") == 1
    assert done.stderr.count("/api/webhook/fal/") == 1
    assert TOKEN not in done.stdout + done.stderr
