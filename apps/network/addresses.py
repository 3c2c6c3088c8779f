"""Which addresses of the world may be asked: reading a URL once, and judging what it resolves to.

Pure functions over text and numbers; nothing is looked up and nothing is connected here (``fetching`` does).
Source of the rules: SEC-01 to SEC-04 and SEC-10.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import idna

from apps.standards.errors import RefusedByPolicy

MAX_URL = 2_048
STANDARD_PORTS = {"https": 443, "http": 80}
REFUSAL = "This address is not one that the portal asks: only public https addresses are."

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# SEC-04: this list stands beside the allow-test of `is_public`, so that neither alone decides.
_REFUSED_4 = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255/32",
    )
]
_REFUSED_6 = [
    ipaddress.IPv6Network(text)
    for text in (
        "::/128",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "2001:db8::/32",
        "2001::/32",
        "100::/64",
        "64:ff9b:1::/48",  # translation of local use: whatever stands inside is nobody's public address
    )
]
# SEC-04: an IPv4 address travels inside these; it alone is judged. Value: the bit where it begins.
_CARRIERS_6 = [
    (ipaddress.IPv6Network("::ffff:0:0/96"), 96),
    (ipaddress.IPv6Network("::/96"), 96),
    (ipaddress.IPv6Network("64:ff9b::/96"), 96),
    (ipaddress.IPv6Network("2002::/16"), 16),
]
# Names that by their registration (RFC 6761, 6762, 8375, 9476) never lead to a public host.
_INNER_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "onion",
    "alt",
    "test",
    "invalid",
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")


@dataclass(frozen=True)
class Target:
    """A URL in the parts that were judged and that are used: nothing is parsed a second time (SEC-01).

    ``host`` is lower-case ASCII (a name without the final dot, or an address without brackets), ``address``
    the number when the host is one, ``path`` path and query as they are sent.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None
    allowed: bool

    @property
    def authority(self) -> str:
        """Host and port, the port always written: the key of limits and exceptions."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_header(self) -> str:
        """What stands in the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == STANDARD_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address in one normal form, without the fragment: the key of the cache."""
        return f"{self.scheme}://{self.host_header}{self.path}"


def read_url(url: str, *, allow: Collection[str] = ()) -> Target:
    """Read ``url`` into a ``Target``, or raise ``RefusedByPolicy``; every refusal has the same sentence.

    ``allow`` holds the operator's exceptions as ``host:port`` (SEC-10): for these plain http, other ports and
    inner hosts are taken. Rules: SEC-01, SEC-02.
    """
    # SEC-01: length, control characters, blanks and backslash are judged on the text itself, because
    # parsers drop or turn some of them.
    if not isinstance(url, str) or not 0 < len(url) <= MAX_URL:
        raise RefusedByPolicy(REFUSAL)
    if any(character == "\\" or unicodedata.category(character)[0] in "CZ" for character in url):
        raise RefusedByPolicy(REFUSAL)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedByPolicy(REFUSAL) from None
    scheme, authority = parts.scheme.lower(), parts.netloc
    if scheme not in STANDARD_PORTS or not authority or "@" in authority or "%" in authority:
        raise RefusedByPolicy(REFUSAL)
    host, address = _read_host(authority)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=-._~?[]|")
    if port is None:
        port = STANDARD_PORTS[scheme]
    target = Target(scheme, host, port, path, address, allowed=False)
    if target.authority in allow:
        return Target(scheme, host, port, path, address, allowed=True)
    # SEC-01: https alone, on its own port, unless the operator says otherwise (SEC-10).
    if scheme != "https" or port != STANDARD_PORTS["https"]:
        raise RefusedByPolicy(REFUSAL)
    if address is None and not _may_be_public_name(host):
        raise RefusedByPolicy(REFUSAL)
    if address is not None and not is_public(address):
        raise RefusedByPolicy(REFUSAL)
    return target


def _read_host(authority: str) -> tuple[str, Address | None]:
    """The host of an authority, normalised, and the number when it is one in any spelling (SEC-02)."""
    if authority.startswith("["):
        literal, closed, rest = authority[1:].partition("]")
        try:
            if not closed or not re.fullmatch(r"(?::[0-9]*)?", rest):
                raise ValueError
            six = ipaddress.IPv6Address(literal)
        except ValueError:
            raise RefusedByPolicy(REFUSAL) from None
        return str(six), six
    name = authority.partition(":")[0].lower()
    if not name.isascii():
        try:
            # SEC-02: circled digits, full-width letters and the ideographic full stop become what they mean.
            name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError, ValueError):
            raise RefusedByPolicy(REFUSAL) from None
    name = name.removesuffix(".")
    labels = name.split(".")
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise RefusedByPolicy(REFUSAL)
    if _NUMBER.fullmatch(labels[-1]):
        # SEC-02: decimal, octal, hexadecimal and short forms, as the system's own reader takes them.
        try:
            four = ipaddress.IPv4Address(socket.inet_aton(name))
        except OSError:
            raise RefusedByPolicy(REFUSAL) from None
        return str(four), four
    return name, None


def _may_be_public_name(host: str) -> bool:
    return "." in host and not any(host == inner or host.endswith("." + inner) for inner in _INNER_NAMES)


def is_public(address: Address) -> bool:
    """Is this an address of the public network, for one single host? Rule: SEC-04."""
    if isinstance(address, ipaddress.IPv4Address):
        return (
            address.is_global
            and not address.is_multicast
            and not address.is_reserved
            and not any(address in network for network in _REFUSED_4)
        )
    if address.scope_id is not None or any(address in network for network in _REFUSED_6):
        return False
    for network, first_bit in _CARRIERS_6:
        if address in network:
            inner = ipaddress.IPv4Address((int(address) >> (128 - first_bit - 32)) & 0xFFFF_FFFF)
            return is_public(inner) and _is_unicast_6(address)
    return address.is_global and _is_unicast_6(address)


def _is_unicast_6(address: ipaddress.IPv6Address) -> bool:
    return not (address.is_multicast or address.is_link_local or address.is_site_local or address.is_unspecified)


def checked_addresses(found: Iterable[str]) -> list[Address]:
    """The addresses that a name has, when **every** one is public; else ``RefusedByPolicy``. Rule: SEC-03."""
    addresses: list[Address] = []
    for text in found:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise RefusedByPolicy(REFUSAL) from None
        if not is_public(address):
            raise RefusedByPolicy(REFUSAL)
        if address not in addresses:
            addresses.append(address)
    return addresses


def inner_exceptions(allow: Iterable[str]) -> list[str]:
    """Those of the operator's exceptions that lead inside (loopback, private, inner names), as written.

    A production start refuses them (SEC-10, SEC-62).
    """
    inner: list[str] = []
    for entry in allow:
        try:
            host, address = _read_host(entry)
        except RefusedByPolicy:
            inner.append(entry)
            continue
        if (address is not None and not is_public(address)) or (address is None and not _may_be_public_name(host)):
            inner.append(entry)
    return inner


def normal_exceptions(allow: Iterable[str]) -> frozenset[str]:
    """The operator's exceptions in the form of ``Target.authority``; an entry without a port means 443."""
    normal: set[str] = set()
    for entry in allow:
        text = entry.strip()
        if not text:
            continue
        host, _ = _read_host(text)
        tail = text.rpartition("]")[2] if text.startswith("[") else text
        port = tail.rpartition(":")[2] if ":" in tail else "443"
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise RefusedByPolicy(f"{entry!r} is not of the form host:port.")
        normal.add(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return frozenset(normal)
