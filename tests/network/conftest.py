"""Fixtures of the edge: a scripted host behind a public address, and fetchers that reach it."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.network.counting import Counters, MemoryStore
from apps.network.fetching import Budget, GuardedFetcher
from tests.network.scripted_host import HOST, PUBLIC, ScriptedHost


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What here asks no database says the same on each, so it runs once."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("django_db") is None:
            item.add_marker(pytest.mark.once)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate for `HOST` in one PEM file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def https_host(certificate: Path) -> Iterator[ScriptedHost]:
    """A TLS host; use `public_fetcher` to reach it as https://records.issuer.example/."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    host = ScriptedHost(tls)
    yield host
    host.close()


@pytest.fixture
def plain_host() -> Iterator[ScriptedHost]:
    """A plain host on loopback, for exceptions of the operator."""
    host = ScriptedHost(None)
    yield host
    host.close()


class Reached:
    """Names that a fetcher looked up and addresses it connected to, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.addresses: list[str] = []


@pytest.fixture
def reached() -> Reached:
    return Reached()


MakeFetcher = Callable[..., GuardedFetcher]


@pytest.fixture
def public_fetcher(https_host: ScriptedHost, certificate: Path, reached: Reached) -> MakeFetcher:
    """Makes fetchers for which `HOST` is on a public address whose port 443 is the scripted host."""
    trust = ssl.create_default_context(cafile=str(certificate))

    def resolver(host: str, port: int) -> list[str]:
        reached.names.append(host)
        return [PUBLIC]

    def connector(address: str, port: int, timeout: float) -> socket.socket:
        reached.addresses.append(address)
        return socket.create_connection(("127.0.0.1", https_host.port), timeout)

    def make(**changes: object) -> GuardedFetcher:
        settings: dict[str, object] = {
            "counters": Counters(MemoryStore()),
            "resolver": resolver,
            "connector": connector,
            "tls": trust,
            **changes,
        }
        budget = settings.pop("budget", None) or Budget.somebody_waits()
        return GuardedFetcher(budget, **settings)  # type: ignore[arg-type]

    return make


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    """Nothing that one test fetched is kept for the next."""
    from django.core.cache import cache

    cache.clear()
    yield
    cache.clear()
