"""What is sent to an address that a person gave us: guarded like what is loaded from one."""

from __future__ import annotations

import pytest

from loratrainer.addresses import check_url
from loratrainer.outcomes import GiveUp, TryAgainLater
from loratrainer.posting import NoAnswer, Refused, post
from tests.loratrainer.origin import Authority, answer, dripping, resetting, says, serving
from tests.loratrainer.test_fetching_ssrf import PUBLIC, Network, network
from tests.processes import free_port

__all__ = ["network"]

HOST = "hooks.example.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def send(url: str, *, allowed=("*",), timeout_in: float = 5, body: bytes = b"{}") -> int:
    return post(url, body, headers={"X-Ours": "yes"}, allowed=list(allowed), timeout_in=timeout_in)


def to(origin, **options) -> int:
    return send(f"{origin.url}/hook?x=1", allowed=[origin.url], **options)


def test_the_body_and_the_headers_arrive():
    with serving(answer(status="204 No Content")) as origin:
        assert to(origin, body=b'{"a": 1}') == 204
    (head,) = origin.requests
    assert head.startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
    for line in (b"X-Ours: yes", b"Content-Length: 8", b"User-Agent: loratrainer"):
        assert line in head
    assert head.endswith(b'\r\n\r\n{"a": 1}')


@pytest.mark.parametrize("status", [200, 302, 400, 404, 410, 429, 500, 503])
def test_every_status_is_an_answer_and_a_redirect_is_not_followed(status):
    with serving(answer(status=f"{status} X", Location="http://127.0.0.1:1/")) as origin:
        assert to(origin) == status
    assert len(origin.requests) == 1


def test_what_the_receiver_writes_back_is_not_read():
    with serving(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, every=0)) as origin:
        assert to(origin, timeout_in=5) == 200


@pytest.mark.parametrize(
    "script",
    [
        says(),
        says(b"HTTP/1.1 2"),
        says(b"SSH-2.0-OpenSSH_9.6\r\n"),
        resetting(),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n", every=0.1),
    ],
    ids=["closed", "cut off", "no HTTP", "reset", "too slow"],
)
def test_without_an_answer_it_may_have_arrived(script):
    with serving(script) as origin, pytest.raises(NoAnswer):
        to(origin, timeout_in=1)
    assert len(origin.requests) == 1


def test_where_nobody_listens_it_surely_did_not_arrive():
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(TryAgainLater) as failure:
        send(url, allowed=[url])
    assert not isinstance(failure.value, NoAnswer)


def test_a_public_host_with_its_certificate_is_sent_to(network: Network, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(answer(), tls=authority.server_for(HOST)) as origin:
        network.names[HOST] = [[PUBLIC]]
        network.listening[PUBLIC, 443] = origin.port
        assert send(f"https://{HOST}/x") == 200
    assert network.connected == [(PUBLIC, 443)]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "fd00::1", "64:ff9b::a9fe:a9fe"]
)
def test_a_name_of_a_private_address_is_refused(network: Network, address):
    network.names[HOST] = [[PUBLIC, address]]
    with pytest.raises(Refused, match="We do not send to this address"):
        send(f"https://{HOST}/x")
    assert network.connected == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "https://hooks.example.com:8443/x",
        "https://user:word@hooks.example.com/x",
        "https://localhost/x",
        "https://[::1]/x",
        "http://127.0.0.1:42000/sandbox/script",
        "file:///etc/passwd",
        "not a url",
    ],
)
def test_what_is_no_public_https_address_is_refused_unasked(network: Network, url):
    with pytest.raises(GiveUp):
        send(url)
    assert network.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433.", "10.0.0.1"])
def test_a_private_address_by_number_is_refused(network: Network, host):
    with pytest.raises(Refused):
        send(f"https://{host}/x")
    assert network.connected == []


def test_a_star_allows_every_host_and_nothing_else_does():
    assert check_url("https://any.example/x", allowed=["*"]).host == "any.example"
    with pytest.raises(Refused):
        check_url("https://any.example/x", allowed=["example", ".any.example"])
