"""S3 and Google Cloud Storage as processes of this machine, and the site with its files there.

Import what a test module needs: `from tests.clouds import gcs, s3, on_s3`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.files.storage import storages

from loratrainer.storages import storage_of
from tests.processes import free_port, running

BINARIES = Path(sys.executable).parent


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """moto's S3 with a bucket; gives the environment of a site that keeps its files there."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(BINARIES / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    log = tmp_path_factory.mktemp("s3") / "log"
    with running(*command, env=dict(os.environ), log=log, ready=lambda: answers(url)):
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="tests",
            aws_secret_access_key="tests",
        )
        client.create_bucket(Bucket="pictures")
        client.close()
        yield {
            "STORAGE": "s3",
            "S3_BUCKET": "pictures",
            "S3_REGION": "us-east-1",
            "S3_ACCESS_KEY": "tests",
            "S3_SECRET_KEY": "tests",
            "S3_ENDPOINT_URL": url,
        }


class TokenServer(BaseHTTPRequestHandler):
    """What Google's OAuth 2.0 server says to a service account (RFC 6749, 5.1)."""

    def do_POST(self) -> None:
        answer = json.dumps({"access_token": "tests", "expires_in": 3600, "token_type": "Bearer"})
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def service_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The key file of a service account, with a key of our own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("gcs") / "service-account.json"
    with HTTPServer(("127.0.0.1", 0), TokenServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        facts = {
            "type": "service_account",
            "project_id": "tests",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "tests@example.org",
            "token_uri": f"http://127.0.0.1:{server.server_port}/token",
        }
        path.write_text(json.dumps(facts))
        yield path
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def gcs(
    tmp_path_factory: pytest.TempPathFactory, service_account: Path
) -> Iterator[dict[str, str]]:
    """Google Cloud Storage as the emulator plays it; gives the environment of a site there."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(BINARIES / "gcp-storage-emulator"), "start", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--in-memory", "--default-bucket=pictures"]
    log = tmp_path_factory.mktemp("gcs") / "log"
    with running(*command, env=dict(os.environ), log=log, ready=lambda: answers(url)):
        yield {
            "STORAGE": "gcs",
            "GCS_BUCKET": "pictures",
            "GCS_CREDENTIALS": str(service_account),
            "STORAGE_EMULATOR_HOST": url,
        }


@contextmanager
def files_at(environment: dict[str, str], settings: Any) -> Iterator[None]:
    """Let this environment decide where the site's files are, as at a start of the site."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        kind = environment["STORAGE"]
        entry = storage_of(kind, var=settings.VAR_DIR)
        settings.STORAGES = settings.STORAGES | {"default": entry}
        yield
        if kind == "s3":  # boto3 leaves its connections open.
            storages["default"].connection.meta.client.close()


@pytest.fixture
def on_s3(s3: dict[str, str], settings: Any) -> Iterator[dict[str, str]]:
    """The site with its files on S3; gives its environment."""
    with files_at(s3, settings):
        yield s3
