"""CLR 1.0 records across libraries: ours verified by jose (npm) and by openssl, theirs verified here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from apps.standards import dids
from apps.standards.proofs import jws
from tests.interop.conftest import RunNode
from tests.standards.verify.world import Institution, World, codes, private_key, public_pem

pytestmark = [pytest.mark.server, pytest.mark.once]


@pytest.fixture
def college() -> Institution:
    return Institution(World(), "records.college.example", "College")


def test_jose_verifies_our_record(node: RunNode, college: Institution) -> None:
    """CLR1-P-17"""
    record = college.record()
    jwk = dids.jwk_of(private_key("College").public_key())
    [answer] = node([{"do": "verify-jwt", "alg": "RS256", "token": college.sign(record), "jwk": jwk}])
    assert answer["verified"], answer
    assert answer["payload"] == record


def test_jose_finds_a_changed_record(node: RunNode, college: Institution) -> None:
    head, _, signature = college.sign(college.record()).split(".")
    changed = ".".join((head, jws.encode_part(b'{"id":"urn:x"}').decode(), signature))
    jwk = dids.jwk_of(private_key("College").public_key())
    [answer] = node([{"do": "verify-jwt", "alg": "RS256", "token": changed, "jwk": jwk}])
    assert not answer["verified"]


def test_a_record_signed_by_jose_verifies_here(node: RunNode, college: Institution) -> None:
    [signed] = node([{"do": "sign-jwt", "alg": "RS256", "payload": college.record()}])
    pem = dids.key_from_jwk(signed["jwk"]).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    document = {**college.profile["publicKey"], "publicKeyPem": pem.decode()}
    college.world.serve(college.key_id, document)
    assert college.world.judge(signed["token"]).valid
    college.publish()
    assert codes(college.world.judge(signed["token"])) == ["SIGNATURE_INVALID"]


def test_openssl_verifies_our_record(college: Institution, tmp_path: Path) -> None:
    """CLR1-P-17"""
    read = jws.split(college.sign(college.record()))
    for name, content in (
        ("key.pem", public_pem("College").encode()),
        ("signature", read.signature),
        ("input", read.signing_input),
        ("changed", read.signing_input[:-1] + b"x"),
    ):
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature"]
    said = [subprocess.run([*command, name], cwd=tmp_path, capture_output=True).stdout for name in ("input", "changed")]
    assert said[0].strip() == b"Verified OK"
    assert b"OK" not in said[1]
