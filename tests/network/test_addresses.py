"""Which addresses may be asked: SEC-01 to SEC-04 and SEC-10."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.network.addresses import (
    REFUSAL,
    checked_addresses,
    inner_exceptions,
    is_public,
    normal_exceptions,
    read_url,
)
from apps.standards.errors import RefusedByPolicy
from tests.effort import examples


def test_it_works() -> None:
    target = read_url("https://Records.Issuer.example/clrs/1?format=json#top")
    assert (target.scheme, target.host, target.port) == ("https", "records.issuer.example", 443)
    assert target.path == "/clrs/1?format=json"
    assert target.url == "https://records.issuer.example/clrs/1?format=json"


def test_a_public_number_is_taken() -> None:
    assert read_url("https://93.184.215.14/").address == ipaddress.ip_address("93.184.215.14")
    assert read_url("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/").host_header.startswith("[2606:")


def test_letters_of_other_scripts_are_sent_percent_encoded() -> None:
    assert read_url("https://issuer.example/überblick?q=é").path == "/%C3%BCberblick?q=%C3%A9"


def test_sec_02_names_in_other_scripts_become_their_ascii_form() -> None:
    """SEC-02."""
    assert read_url("https://universität.example/").host == "xn--universitt-y5a.example"


def test_sec_02_the_rooted_dot_is_taken_off() -> None:
    assert read_url("https://issuer.example./").host == "issuer.example"


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/",
        "https://issuer.example:8443/",
        "https://issuer.example:80/",
        "ftp://issuer.example/",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "gopher://issuer.example/",
        "data:application/json,{}",
        "jar:https://issuer.example!/",
        "javascript:alert(1)",
        "//issuer.example/",
        "issuer.example",
        "https:///path",
        "https://",
        "https:issuer.example",
        "",
        "https://user@issuer.example/",
        "https://user:word@issuer.example/",
        "https://issuer.example:443@127.0.0.1/",
        "https://issuer.example\\@127.0.0.1/",
        "https://127.0.0.1\\@issuer.example/",
        "https://issuer.example/\r\nHost: x",
        "https://issuer.example/a b",
        "https://issuer.example/\x00",
        "https://issuer\t.example/",
        "https://issuer.example/\u202e",
        "https://issuer.example:0x1bb/",
        "https://issuer.example:99999/",
        "https://issuer.example:４４３/",
        "https://%31%32%37.0.0.1/",
        "https://issuer_.example/",
        "https://-issuer.example/",
        "https://issuer..example/",
        "https://[::1",
        "https://[::1]x/",
        "https://" + "a" * 64 + ".example/",
        "https://issuer.example/" + "a" * 2_048,
    ],
)
def test_sec_01_refuses(url: str) -> None:
    with pytest.raises(RefusedByPolicy) as refusal:
        read_url(url)
    assert refusal.value.sentence == REFUSAL


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0x0.1",
        "0177.0.0.1",
        "00000177.00.00.01",
        "0",
        "0x",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "１２７.0.0.1",
        "127.0.0.1.",
        "2852039166",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "x.localhost",
        "printer.local",
        "db.internal",
        "router.home.arpa",
        "intranet",
        "256.256.256.256",
        "1.2.3.4.5",
        "issuer.example.0x7f",
    ],
)
def test_sec_02_every_spelling_of_a_number_and_inner_names_are_refused(host: str) -> None:
    with pytest.raises(RefusedByPolicy):
        read_url(f"https://{host}/")


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.99.7.3",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.254",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:2800::1%eth0",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001:0:53aa:64c::1",
        "100::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "::10.1.2.3",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
    ],
)
def test_sec_04_refuses(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_sec_04_takes_public_addresses_also_inside_others(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_sec_03_one_inner_address_among_public_ones_refuses_the_name() -> None:
    assert [str(one) for one in checked_addresses(["8.8.8.8", "2606:4700::1111", "8.8.8.8"])] == [
        "8.8.8.8",
        "2606:4700::1111",
    ]
    with pytest.raises(RefusedByPolicy):
        checked_addresses(["8.8.8.8", "127.0.0.1"])
    with pytest.raises(RefusedByPolicy):
        checked_addresses(["8.8.8.8", "fe80::1%eth0"])


def test_sec_10_an_exception_opens_that_host_and_port_alone() -> None:
    allow = normal_exceptions(["127.0.0.1:8001", "Pair.Example:8443", "[::1]:9000"])
    assert read_url("http://127.0.0.1:8001/x", allow=allow).allowed
    assert read_url("http://2130706433:8001/x", allow=allow).allowed
    assert read_url("http://pair.example:8443/", allow=allow).allowed
    assert read_url("http://[0:0:0:0:0:0:0:1]:9000/", allow=allow).allowed
    for other in ("http://127.0.0.1:8002/", "http://127.0.0.1/", "http://localhost:8001/", "http://pair.example/"):
        with pytest.raises(RefusedByPolicy):
            read_url(other, allow=allow)


def test_sec_10_an_exception_that_is_no_host_and_port_is_named() -> None:
    with pytest.raises(RefusedByPolicy, match="host:port"):
        normal_exceptions(["pair.example:http"])


def test_sec_10_inner_exceptions_are_found_for_a_production_start() -> None:
    allow = ["127.0.0.1:8001", "records.other.example:8443", "localhost:1", "10.1.2.3:80", "[::1]:5", "8.8.8.8:443"]
    assert inner_exceptions(allow) == ["127.0.0.1:8001", "localhost:1", "10.1.2.3:80", "[::1]:5"]


_PIECES = st.sampled_from(
    [
        *("http", "https", "://", "//", "@", ":", "/", "\\", "?", "#", "[", "]", "%", ".", "。", "127", "0x7f", "0177"),
        *(
            "1",
            "0",
            "::1",
            "ffff",
            "localhost",
            "issuer",
            "example",
            "é",
            "①",
            "443",
            "80",
            "fe80",
            "%25",
            "\t",
            "\u202e",
        ),
    ]
)


@settings(max_examples=examples(400))
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(_PIECES, max_size=14).map("".join),
        st.lists(_PIECES).map(lambda pieces: "https://" + "".join(pieces)),
    )
)
def test_sec_01_to_04_any_text_is_refused_or_public(text: str) -> None:
    """Nothing else is raised, and what is taken is https on 443 to a public number or a name with a dot."""
    try:
        target = read_url(text)
    except RefusedByPolicy:
        return
    assert (target.scheme, target.port) == ("https", 443)
    assert target.host.isascii()
    assert target.path.startswith("/")
    assert not set(target.host + target.path) & set("\r\n\t @\\")
    if target.address is None:
        assert "." in target.host
        with pytest.raises(OSError, match=r"illegal|Invalid|not"):
            socket.inet_aton(target.host)
    else:
        assert is_public(target.address)
    assert read_url(target.url) == target
