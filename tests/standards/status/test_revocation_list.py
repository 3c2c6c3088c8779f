"""The 1EdTech revocation list (digest 8.1)."""

from __future__ import annotations

from typing import Any

import pytest

from apps.standards.status import revocation_list
from apps.standards.status.bitstring import StatusFault


def test_a_listed_credential_is_revoked_with_its_reason() -> None:
    listed = revocation_list.document(
        id="https://a.example/l", issuer="did:web:a.example", revoked=[("urn:1", "error")]
    )
    found = revocation_list.find(listed, "urn:1")
    assert found is not None
    assert found.reason == "error"
    assert revocation_list.find(listed, "urn:2") is None


@pytest.mark.parametrize(("entry", "revoked"), [({"revoked": True}, True), ({}, True), ({"revoked": False}, False)])
def test_a_flag_that_is_absent_revokes(entry: dict[str, Any], revoked: bool) -> None:
    listed = {"revokedCredential": [{"id": "urn:1", **entry}]}
    assert (revocation_list.find(listed, "urn:1") is not None) is revoked


@pytest.mark.parametrize("document", [[], "x", {"revokedCredential": "urn:1"}, None])
def test_what_is_no_list_says_nothing(document: Any) -> None:
    with pytest.raises(StatusFault):
        revocation_list.find(document, "urn:1")
