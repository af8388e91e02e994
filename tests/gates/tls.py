"""What stands before the web server in production: it speaks TLS and says which scheme was used.

Like MDN's scanner it has one port for both schemes: TLS begins with the byte 22 (RFC 8446, 5.1).
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HANDSHAKE = b"\x16"


def certificate(folder: Path) -> Path:
    """Make a certificate for localhost that vouches for itself; the key lies in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "localhost.pem"
    path.write_bytes(made.public_bytes(pem) + secret)
    return path


@contextmanager
def terminator(port: int, *, to: int, certificate: Path) -> Iterator[None]:
    """Listen on a port of localhost, and pass each request on to another one of 127.0.0.1."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            browser: socket.socket = self.request
            scheme = b"http"
            if browser.recv(1, socket.MSG_PEEK) == HANDSHAKE:
                scheme, browser = b"https", context.wrap_socket(browser, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := browser.recv(65536)):
                    return
                head += more
            head = re.sub(rb"(?im)^connection:.*\r\n", b"", head)
            added = b"\r\nX-Forwarded-Proto: " + scheme + b"\r\nConnection: close\r\n"
            with socket.create_connection(("127.0.0.1", to)) as server:
                server.sendall(head.replace(b"\r\n", added, 1))
                while more := server.recv(65536):
                    browser.sendall(more)
            browser.close()

    class Server(ThreadingTCPServer):
        allow_reuse_address = True

    with Server(("localhost", port), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()
