"""What names turn out to mean, on a network that the test lays out.

Only the two calls at the very edge are replaced, the look-up of a name and the connecting of a
socket; TLS, HTTP and every guard are the real ones.
"""

from __future__ import annotations

import errno
import io
import socket
import threading
import time

import pytest

from loratrainer.addresses import UNREACHABLE
from loratrainer.fetching import Refused, fetch
from loratrainer.outcomes import TryAgainLater
from tests.loratrainer.origin import Authority, answer, says, serving

HOST = "images.are.na"
PUBLIC, ALSO_PUBLIC, PRIVATE = "93.184.215.14", "93.184.215.15", "10.0.0.7"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


class Network:
    """Names, and what listens where; it writes down who was looked up and connected to."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        """Successive answers for each name; the last one stays."""
        self.listening: dict[tuple[str, int], int | Exception] = {}
        self.asked: list[str] = []
        self.connected: list[tuple[str, int]] = []
        self.patience: list[float | None] = []
        """How many seconds each connecting would have waited."""


@pytest.fixture
def network(monkeypatch, authority):
    network = Network()
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host, port, *args, **kwargs):
        if host not in network.names:
            if host.replace(".", "").isdigit() or ":" in host:
                return look_up(host, port, *args, **kwargs)
            network.asked.append(host)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        network.asked.append(host)
        answers = network.names[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in addresses
            for family in [socket.AF_INET6 if ":" in address else socket.AF_INET]
        ]

    def connect_to(self, address):
        network.connected.append(address[:2])
        network.patience.append(self.gettimeout())
        there = network.listening.get(address[:2], ConnectionRefusedError())
        if isinstance(there, Exception):
            raise there
        connect(self, ("127.0.0.1", there))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect_to)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return network


def load(url: str = f"https://{HOST}/x.jpg", *, timeout_in: float = 5) -> bytes:
    into = io.BytesIO()
    fetch(url, into=into, allowed=[".are.na"], max_bytes=10_000, timeout_in=timeout_in)
    return into.getvalue()


def test_a_public_host_with_its_certificate_is_loaded_from(network, authority):
    with serving(answer(b"picture"), tls=authority.server_for(HOST)) as origin:
        network.names[HOST] = [[PUBLIC]]
        network.listening[PUBLIC, 443] = origin.port
        assert load() == b"picture"
    assert network.connected == [(PUBLIC, 443)]
    assert b"\r\nHost: images.are.na\r\n" in origin.requests[0]


@pytest.mark.parametrize("host", ["evil.example", "www.are.na"])
def test_a_certificate_of_another_host_is_not_accepted(network, authority, host, caplog):
    caplog.set_level("INFO")
    with serving(answer(b"forged"), tls=authority.server_for(host)) as origin:
        network.names[HOST] = [[PUBLIC]]
        network.listening[PUBLIC, 443] = origin.port
        with pytest.raises(TryAgainLater) as failure:
            load()
    assert str(failure.value) == UNREACHABLE
    assert "Hostname mismatch" in caplog.text
    assert origin.requests == []


def test_a_certificate_of_an_unknown_authority_is_not_accepted(network, tmp_path):
    stranger = Authority(tmp_path)
    with serving(answer(b"forged"), tls=stranger.server_for(HOST)) as origin:
        network.names[HOST] = [[PUBLIC]]
        network.listening[PUBLIC, 443] = origin.port
        with pytest.raises(TryAgainLater):
            load()
    assert origin.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "::7f00:1",
        "::ffff:7f00:1",
        "::ffff:127.0.0.1",
        "fec0::1",
        "fe80::1%1",
        "::1",
        "224.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "127.0.0.1",
        "0.0.0.0",
        "fd00::1",
    ],
)
def test_s02_a_name_that_means_a_special_address_opens_no_socket(network, address):
    network.names[HOST] = [[address]]
    with pytest.raises(Refused) as refused:
        load()
    assert str(refused.value) == UNREACHABLE
    assert network.asked == [HOST]
    assert network.connected == []


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "2130706433.0"])
def test_s02_even_an_address_that_slipped_into_the_list_opens_no_socket(network, address):
    with pytest.raises((Refused, TryAgainLater)):
        fetch(
            f"https://{address}/",
            into=io.BytesIO(),
            allowed=[address],
            max_bytes=1,
            timeout_in=5,
        )
    assert network.connected == []


def test_s03_a_name_that_turns_private_is_reached_at_the_address_that_was_judged(
    network, authority
):
    with (
        serving(answer(b"picture"), tls=authority.server_for(HOST)) as origin,
        serving(answer(b"secret"), tls=authority.server_for(HOST)) as inside,
    ):
        network.names[HOST] = [[PUBLIC], ["127.0.0.1"]]
        network.listening[PUBLIC, 443] = origin.port
        network.listening["127.0.0.1", 443] = inside.port
        assert load() == b"picture"
        assert network.asked == [HOST]
        assert network.connected == [(PUBLIC, 443)]
        # The next file is judged anew, not by what the name once meant.
        with pytest.raises(Refused):
            load()
    assert network.connected == [(PUBLIC, 443)]
    assert inside.requests == []


@pytest.mark.parametrize(
    "answers",
    [[PUBLIC, PRIVATE], [PRIVATE, PUBLIC], [PUBLIC, ALSO_PUBLIC, "::1"], [PUBLIC, "fd00::1"]],
)
def test_s04_one_private_answer_among_public_ones_opens_no_socket(network, answers):
    network.names[HOST] = [answers]
    with pytest.raises(Refused) as refused:
        load()
    assert str(refused.value) == UNREACHABLE
    assert network.connected == []


def test_the_next_address_of_a_name_is_tried_when_one_does_not_answer(network, authority):
    with serving(answer(b"picture"), tls=authority.server_for(HOST)) as origin:
        network.names[HOST] = [[PUBLIC, ALSO_PUBLIC]]
        network.listening[ALSO_PUBLIC, 443] = origin.port
        assert load() == b"picture"
    assert network.connected == [(PUBLIC, 443), (ALSO_PUBLIC, 443)]


def test_an_address_that_never_answers_leaves_time_for_the_next(network, authority):
    with serving(answer(b"picture"), tls=authority.server_for(HOST)) as origin:
        network.names[HOST] = [[PUBLIC, ALSO_PUBLIC]]
        network.listening[PUBLIC, 443] = TimeoutError("timed out")
        network.listening[ALSO_PUBLIC, 443] = origin.port
        assert load(timeout_in=60) == b"picture"
    assert network.patience == [10, 10]


def test_no_address_is_waited_for_longer_than_the_whole_time(network):
    network.names[HOST] = [[PUBLIC, ALSO_PUBLIC]]
    with pytest.raises(TryAgainLater):
        load(timeout_in=2)
    assert len(network.patience) == 2
    assert all(0 < seconds <= 2 for seconds in network.patience)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 T", "308 P"])
@pytest.mark.parametrize(
    "location",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://evil.example/",
        "http://images.are.na/x.jpg",
        "https://images.are.na/x.jpg",
        "/x.jpg",
    ],
)
def test_s05_a_redirect_is_not_followed(network, authority, status, location):
    script = answer(b"moved", status=status, Location=location)
    with serving(script, tls=authority.server_for(HOST)) as origin:
        network.names[HOST] = [[PUBLIC]]
        network.listening[PUBLIC, 443] = origin.port
        with pytest.raises(Refused, match="leads to another one, which we do not follow"):
            load()
    assert network.asked == [HOST]
    assert network.connected == [(PUBLIC, 443)]
    assert len(origin.requests) == 1


def test_s11_proxies_and_passwords_of_the_environment_are_not_used(
    network, authority, monkeypatch, tmp_path
):
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {HOST} login us password secret\ndefault login us password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    with (
        serving(answer(b"from the proxy")) as proxy,
        serving(
            answer(b"picture", Set_Cookie="session=1; Domain=are.na"),
            tls=authority.server_for(HOST),
        ) as origin,
    ):
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://us:secret@127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.upper(), f"http://us:secret@127.0.0.1:{proxy.port}")
        network.names[HOST] = [[PUBLIC]]
        network.listening[PUBLIC, 443] = origin.port
        network.listening["127.0.0.1", proxy.port] = proxy.port
        assert load() == b"picture"
        assert load() == b"picture"  # The cookie of the first answer is not brought back.
    assert network.connected == [(PUBLIC, 443)] * 2
    assert proxy.requests == []
    assert len(origin.requests) == 2
    for request in origin.requests:
        names = {line.partition(b":")[0].lower() for line in request.split(b"\r\n")[1:] if line}
        assert names == {b"host", b"accept", b"accept-encoding", b"user-agent"}


@pytest.mark.parametrize("failure", ["closed", "filtered", "no route", "not TLS", "no name"])
def test_s15_open_closed_and_filtered_ports_read_alike(network, failure):
    with serving(says(b"SSH-2.0-OpenSSH_9.2\r\n")) as origin:
        network.names[HOST] = [[PUBLIC]]
        match failure:
            case "closed":
                network.listening[PUBLIC, 443] = ConnectionRefusedError()
            case "filtered":
                network.listening[PUBLIC, 443] = TimeoutError("timed out")
            case "no route":
                network.listening[PUBLIC, 443] = OSError(errno.EHOSTUNREACH, "No route to host")
            case "not TLS":
                network.listening[PUBLIC, 443] = origin.port
            case "no name":
                del network.names[HOST]
        with pytest.raises(TryAgainLater) as raised:
            load()
    assert str(raised.value) == UNREACHABLE


def test_s15_a_private_address_reads_like_a_closed_port_and_is_not_tried(network):
    network.names[HOST] = [[PRIVATE]]
    with pytest.raises(Refused) as raised:
        load()
    assert str(raised.value) == UNREACHABLE
    assert network.connected == []


def test_a_resolver_that_hangs_is_not_waited_for(network, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: let_go.wait(20))
    begun_at = time.monotonic()
    with pytest.raises(TryAgainLater):
        load(timeout_in=0.2)
    assert time.monotonic() - begun_at < 5
    let_go.set()


def test_a_handshake_that_hangs_ends_in_time(network):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        network.names[HOST] = [[PUBLIC]]
        network.listening[PUBLIC, 443] = listener.getsockname()[1]
        begun_at = time.monotonic()
        with pytest.raises(TryAgainLater):
            load(timeout_in=0.2)
    assert time.monotonic() - begun_at < 5
