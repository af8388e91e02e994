"""Reports of browsers about the content security policy."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.test import Client

from loratrainer import reports

REPORT = {
    "csp-report": {
        "document-uri": "https://lora.example/loras",
        "effective-directive": "script-src-elem",
        "blocked-uri": "inline",
    }
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    reports._logged.clear()
    yield
    reports._logged.clear()


def send(client: Client, report: object) -> int:
    body = report if isinstance(report, str) else json.dumps(report)
    return client.post("/csp-report", body, content_type="application/csp-report").status_code


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        [
            {
                "type": "csp-violation",
                "body": {
                    "documentURL": "https://lora.example/loras",
                    "effectiveDirective": "script-src-elem",
                    "blockedURL": "inline",
                },
            }
        ],
    ],
)
def test_a_report_of_either_shape_is_one_line(
    client: Client, report: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert send(client, report) == 204
    [record] = caplog.records
    assert json.loads(record.getMessage().partition(": ")[2]) == {
        "directive": "script-src-elem",
        "blocked": "inline",
        "page": "https://lora.example/loras",
    }


def test_x10_a_flood_of_reports_is_cut_off(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert {send(client, REPORT) for _ in range(100)} == {204}
    assert len(caplog.records) == reports.MAX_PER_MINUTE


def test_what_a_report_says_cannot_forge_lines(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    send(client, {"csp-report": {"blocked-uri": "x\nERROR root: all money is gone" + "y" * 900}})
    [record] = caplog.records
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 400


@pytest.mark.parametrize(
    "body", ["", "no", "[]", "{}", '{"csp-report": []}', "7", "[" * 7000, "x" * 100_000]
)
def test_what_is_no_report_is_no_error(
    client: Client, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert send(client, body) == 204
    assert [record.levelname for record in caplog.records if record.levelno > 20] == []


def test_only_posts_are_taken(client: Client) -> None:
    assert client.get("/csp-report").status_code == 405
