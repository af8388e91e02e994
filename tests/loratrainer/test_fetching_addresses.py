"""The rules about addresses: nothing here may reach a network."""

from __future__ import annotations

import io
import ipaddress
import socket

import pytest

from loratrainer.addresses import NOT_ALLOWED, is_public
from loratrainer.fetching import Refused, check_url, fetch
from loratrainer.outcomes import GiveUp

SANDBOX = "http://127.0.0.1:42000"
ALLOWED = ["d2w9rnfcy7mm78.cloudfront.net", ".are.na", "replicate.delivery", SANDBOX]


@pytest.fixture(autouse=True)
def network(monkeypatch):
    """Every look-up of a name and every connection, which must stay none."""
    calls: list[tuple[str, object]] = []

    def spy(name):
        def call(*args, **kwargs):
            calls.append((name, args))
            raise OSError("This test has no network.")

        return call

    monkeypatch.setattr(socket, "getaddrinfo", spy("getaddrinfo"))
    monkeypatch.setattr(socket.socket, "connect", spy("connect"))
    monkeypatch.setattr(socket.socket, "connect_ex", spy("connect_ex"))
    yield calls
    assert calls == []


def refusal(url: str) -> str:
    with pytest.raises(Refused) as refused:
        fetch(url, into=io.BytesIO(), allowed=ALLOWED, max_bytes=1000, timeout_in=1)
    return str(refused.value)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        # Two question marks, as Are.na writes it.
        ("https://d2w9rnfcy7mm78.cloudfront.net", "/1/original_ab.jpg?1700000000?bc=0"),
        ("https://images.are.na", "/eyJidWNrZXQiOiJhcmVuYSJ9"),
        ("https://a.b.are.na", "/"),
        ("https://IMAGES.Are.na:443", "/x.jpg?Signature=a%2Fb%3D&Expires=1"),
        ("https://replicate.delivery", "/xezq/trained_model.tar"),
        ("http://127.0.0.1:42000", "/arena/images/1.jpg"),
    ],
)
def test_addresses_on_the_list_pass_and_keep_their_path(host, path):
    assert check_url(host + path, allowed=ALLOWED).raw_path.decode() == path


@pytest.mark.parametrize(
    "host",
    [
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[::7f00:1]",
        "[::ffff:7f00:1]",
        "[::1]",
        "[::]",
        "[fec0::1]",
        "[fd00::1]",
        "224.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "127.0.0.1",
        "8.8.8.8",
    ],
)
def test_s02_an_ip_address_is_not_a_host_on_the_list(host):
    assert refusal(f"https://{host}/x.jpg") == NOT_ALLOWED


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "①②⑦.⓪.⓪.①",
        "１２７.０.０.１",  # noqa: RUF001
        "127.0.0.1.",
        "127。0。0。1",
        "%31%32%37.0.0.1",
    ],
)
def test_s02_other_spellings_of_an_ip_address_are_refused(host):
    assert refusal(f"https://{host}/x.jpg") == NOT_ALLOWED


@pytest.mark.parametrize(
    "url",
    [
        "https://are.na@evil.example/",
        "https://images.are.na@evil.example/",
        "https://user:password@images.are.na/",
        "https://user@images.are.na/",
        "https://are.na.evil.example/",
        "https://evil-are.na/",
        "https://are.na/",  # The list has its subdomains only.
        "https://.are.na/",
        "https://..are.na/",
        "https://ARE.NA./",
        "https://images.are.na./",
        "https://are.na:22/",
        "https://images.are.na:22/",
        "https://images.are.na:80/",
        r"https://are.na\@evil.example/",
        r"https://evil.example\.are.na/",
        "https://evil.example%2f.are.na/",
        "https://evil.example%00.are.na/",
        "https://evil.example\x00.are.na/",
        "https://evil.example\n.are.na/",
        "https://evil.example/.are.na",
        "https://evil.example?.are.na",
        "https://evil.example#.are.na",
        "https://evil_example.are.na/",
        "https://xreplicate.delivery/",
        "https://sub.replicate.delivery/",  # The list has the host itself only.
        "https://ａｒｅ.ｎａ/",  # noqa: RUF001
        "https://imagеs.are.nа/",  # noqa: RUF001 -- Cyrillic letters.
        "https://" + "a" * 64 + ".are.na/",
        "https://[images.are.na]/",
        "https:///images.are.na/",
        "https:images.are.na",
        "images.are.na",
        "//images.are.na/",
        "",
        "https://images.are.na/" + "a" * 70_000,
        "https://images.are.na:port/",
        "https://images.are.na:" + "9" * 5_000,
        "https://images.are.na/\ud800",
        "https://xn--a.are.nа/",  # noqa: RUF001
    ],
)
def test_s06_only_the_exact_host_or_a_true_subdomain_on_port_443(url):
    assert refusal(url) == NOT_ALLOWED


@pytest.mark.parametrize(
    "url",
    [
        "http://images.are.na/x.jpg",
        "http://images.are.na:443/x.jpg",
        "file:///etc/passwd",
        "file://images.are.na/etc/passwd",
        "ftp://images.are.na/x.jpg",
        "gopher://images.are.na:70/_x",
        "data:image/png;base64,iVBORw0KGgo=",
        "javascript:alert(1)",
        "ws://images.are.na/",
        "wss://images.are.na/",
        "HTTPSX://images.are.na/",
    ],
)
def test_s07_only_https_is_spoken(url):
    assert refusal(url) == NOT_ALLOWED


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:42001/",
        "http://127.0.0.1/",
        "https://127.0.0.1:42000/",
        "http://localhost:42000/",
        "http://127.0.0.2:42000/",
        "http://user@127.0.0.1:42000/",
        "http://127.0.0.1:42000@evil.example/",
        "http://127.0.0.1:42000.evil.example/",
    ],
)
def test_an_origin_of_ours_is_one_scheme_host_and_port(url):
    assert refusal(url) == NOT_ALLOWED


def test_the_origin_of_ours_is_no_address_to_those_whose_list_lacks_it():
    with pytest.raises(Refused):
        check_url(f"{SANDBOX}/x.jpg", allowed=[".are.na"])


def test_a_refusal_is_final_for_a_job():
    assert issubclass(Refused, GiveUp)


def test_a_refusal_is_logged_without_the_path_which_may_hold_a_secret(caplog):
    refusal("https://evil.example/private/path?token=secret")
    [record] = caplog.records
    assert "evil.example" in record.getMessage()
    assert "secret" not in record.getMessage()
    assert "private" not in record.getMessage()


def test_a_long_host_does_not_fill_the_log(caplog):
    refusal(f"https://{'a' * 60_000}.example/")
    [record] = caplog.records
    assert len(record.getMessage()) < 200


def test_a_host_cannot_write_lines_into_the_log(caplog):
    refusal("https://evil%0aWARNING forged/x")
    [record] = caplog.records
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
    ],
)
def test_s02_special_networks_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "100.63.255.255",
        "126.255.255.255",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.1",
        "192.167.255.255",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
    ],
)
def test_their_neighbours_are(address):
    assert is_public(address)
    assert ipaddress.ip_address(address).is_global
