"""Talking to the API as a program does."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.datasets.photographs import jpeg
from wallets.keys import ApiKey
from wallets.models import Wallet

PROBLEM = "application/problem+json"
WORD = {"trigger_word": "KILNGLZ", "kind": "style"}


def key_of(wallet: Wallet) -> str:
    """A new key of the wallet."""
    _key, secret = ApiKey.issue(wallet, "tests")
    return secret


class Program:
    """A client without cookies; with a wallet it sends one of its keys."""

    def __init__(self, wallet: Wallet | None = None) -> None:
        headers = {"Authorization": f"Bearer {key_of(wallet)}"} if wallet else {}
        self.client = Client(headers=headers, enforce_csrf_checks=True)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, query)

    def delete(self, path: str) -> Any:
        return self.client.delete(path)

    def post(self, path: str) -> Any:
        return self.client.post(path)

    def train(
        self, *, key: str | None = None, pictures: list[bytes] | None = None, **typed: Any
    ) -> Any:
        """Order a training; `captions` is a list."""
        contents = [jpeg(seed) for seed in range(4)] if pictures is None else pictures
        files = [
            SimpleUploadedFile(f"{number}.jpg", content, "image/jpeg")
            for number, content in enumerate(contents)
        ]
        headers = {"Idempotency-Key": key or uuid4().hex}
        data = {**WORD, "pictures": files, **typed}
        return self.client.post("/api/loras", data, headers=headers)

    def generate(self, lora: Any, *, key: str | None = None, **wish: Any) -> Any:
        return self.client.post(
            f"/api/loras/{lora.pk}/generations",
            {"prompt": "a teapot"} | wish,
            content_type="application/json",
            headers={"Idempotency-Key": key or uuid4().hex},
        )


def refusal(response: Any) -> dict[str, Any]:
    """The problem that a response is; fails when it is none."""
    assert response.headers["Content-Type"] == PROBLEM, response.content[:300]
    problem: dict[str, Any] = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"].endswith(f"/api/docs#problem-{response.status_code}")
    assert problem["title"]
    assert problem["detail"].endswith((".", "…"))
    return problem
