"""A server that a test scripts byte by byte, and certificates for it."""

from __future__ import annotations

import contextlib
import datetime
import io
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from loratrainer.fetching import Fetched, fetch

type Script = Callable[[socket.socket], None]


class Origin:
    """What one server saw: head and body of every request, in the order of arrival."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.requests: list[bytes] = []
        self.hung_up = threading.Event()
        """Set when a script could not send because the client had gone."""


@contextlib.contextmanager
def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> Iterator[Origin]:
    """Read each request, let the script send, close. Every connection in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = Origin(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket) -> None:
        with connection:
            try:
                with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
                    head = read_request(stream)
                    if head:
                        origin.requests.append(head)
                        script(stream)
            except OSError:
                origin.hung_up.set()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            threads.append(threading.Thread(target=converse, args=[connection]))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield origin
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [accepting, *threads]:
            thread.join()


def read_request(stream: socket.socket) -> bytes:
    """A whole request: a connection that is closed on bytes which nobody has read is reset."""
    request = b""
    # The greeting of TLS, where none is spoken, is answered like any request.
    while b"\r\n\r\n" not in request and not request.startswith(b"\x16"):
        if not (more := stream.recv(65536)):
            return request
        request += more
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head, re.IGNORECASE)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0 and (more := stream.recv(65536)):
        request += more
        missing -= len(more)
    return request


def says(*parts: bytes) -> Script:
    """A script that sends these bytes and nothing else."""

    def script(stream: socket.socket) -> None:
        for part in parts:
            stream.sendall(part)

    return script


def answer(body: bytes = b"", *, status: str = "200 OK", **headers: str) -> Script:
    """A script that sends one whole answer, its length stated."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return says("\r\n".join([*lines, "", ""]).encode(), body)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def dripping(head: bytes, drop: bytes, *, every: float = 0.02, times: int = 1000) -> Script:
    """A script that sends the head at once and then a drop at a time; `every` in seconds."""

    def script(stream: socket.socket) -> None:
        stream.sendall(head)
        for _ in range(times):
            stream.sendall(drop)
            time.sleep(every)

    return script


def resetting(*parts: bytes) -> Script:
    """A script that sends this and then resets the connection instead of closing it."""

    def script(stream: socket.socket) -> None:
        says(*parts)(stream)
        time.sleep(0.1)  # What has been sent must not be overtaken by the reset.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


def load(
    origin: Origin, *, into: IO[bytes] | None = None, path: str = "/file", **limits: Any
) -> Fetched:
    """Fetch from this server, which the list of allowed addresses names."""
    limits = {"max_bytes": 1_000_000, "timeout_in": 5} | limits
    into = io.BytesIO() if into is None else into
    return fetch(origin.url + path, into=into, allowed=[origin.url], **limits)


class Authority:
    """A certificate authority of the tests' own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("The tests' own authority")
        certificate = (
            _certificate(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server_for(self, host: str) -> ssl.SSLContext:
        """What a server needs to prove that it is this host."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _certificate(_named(host), self._name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self.folder / f"{host}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
