"""The official SDKs of fal and Replicate, pointed where the settings say, without retries.

A job of ours comes back by itself when the world did not answer, so no client waits or repeats
anything: fal-client would send one submission up to ten times.
"""

from __future__ import annotations

import threading
from functools import cache

import fal_client
import fal_client.client as fal
import httpx
from replicate.client import Client, RetryTransport

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds: 60 for each read or write, 10 for the connection."""
MAKING = threading.Lock()
OFFICIAL = (fal.RUN_URL_FORMAT, fal.QUEUE_URL_FORMAT, fal.REST_URL, fal.CDN_URL)

fal.MAX_ATTEMPTS = 1
fal.QUEUE_POLL_TIMEOUT = TIMEOUT
RetryTransport.RETRYABLE_STATUS_CODES = frozenset()


def fal_client_for(key: str, url: str = "") -> fal_client.SyncClient:
    """Return fal's client; all of fal's hosts lie below the URL, an empty one means the real hosts.

    fal-client has no argument for its addresses, only module globals that it reads at each call, so
    one process talks to one fal. A call raises `FalClientHTTPError` for an error status and
    `httpx.TransportError` when there was no answer.
    """
    if url:
        fal.RUN_URL_FORMAT, fal.QUEUE_URL_FORMAT = f"{url}/run/", f"{url}/queue/"
        fal.REST_URL, fal.CDN_URL = f"{url}/rest", f"{url}/files"
    else:
        fal.RUN_URL_FORMAT, fal.QUEUE_URL_FORMAT, fal.REST_URL, fal.CDN_URL = OFFICIAL
    return _fal(key, url)


@cache
def _fal(key: str, url: str) -> fal_client.SyncClient:
    # Annotated as a number, but handed to httpx as it is.
    return fal_client.SyncClient(key=key, default_timeout=TIMEOUT)  # type: ignore[arg-type]


@cache
def replicate_client_for(token: str, url: str) -> Client:
    """Return Replicate's client for a base URL without `/v1`.

    A call raises `ReplicateError` for an error status, `httpx.TransportError` when there was no
    answer, and pydantic's `ValidationError` for a status that the SDK does not know (`aborted`).
    """
    return Client(api_token=token, base_url=url, timeout=TIMEOUT, transport=Bounded())


class Bounded(httpx.HTTPTransport):
    """Puts our timeout on every request: the SDK turns it off for predictions and uploads."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        request.extensions["timeout"] = TIMEOUT.as_dict()
        return super().handle_request(request)


def http_for(authorization: str, base_url: str = "") -> httpx.Client:
    """Return a client for what the SDKs do not read, or not safely: no retries, no redirects.

    fal's SDK has no list of requests and raises for statuses that it does not know; Replicate's
    raises for `aborted`.
    """
    # A webhook and a job may be the first at the same moment: one of two clients would stay open.
    with MAKING:
        return _http(authorization, base_url)


@cache
def _http(authorization: str, base_url: str) -> httpx.Client:
    return httpx.Client(
        base_url=base_url, headers={"Authorization": authorization}, timeout=TIMEOUT
    )
