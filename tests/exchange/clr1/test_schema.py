"""The description of the API for programs, and a fuzzer that reads it and asks a running portal (issue 5, item 2)."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from tests import portal
from tests.portal import Portal

TOKEN = """
from apps.accounts.models import User
from apps.exchange.models import Client
from tests.exchange import clients
client = Client.objects.first() or clients.registered("fuzzer.example")
user = User.objects.get(email="student@demo.example")
scopes = ["https://purl.imsglobal.org/spec/clr/v1p0/scope/" + name for name in ("readonly", "replace", "delete")]
names = ("assertion.readonly", "assertion.create", "profile.readonly", "profile.update")
scopes += ["https://purl.imsglobal.org/spec/ob/v2p1/scope/" + name for name in names]
print("TOKEN", clients.token_of(clients.consented(user, client, *scopes))[0])
"""
OPERATIONS = ("getDiscoveryDocument", "getClrs", "postClr", "getClr", "deleteClr")
BADGE_OPERATIONS = ("getManifest", "getAssertions", "postAssertion", "getProfile", "postProfile")
QUICKLY_SAID = ("getDiscoveryDocument", "deleteClr", "getManifest", "getAssertions", "getProfile", "postProfile")
"""Operations without much to make up: asked at the full sizes only."""


def description() -> dict[str, Any]:
    """What `/api/schema/` says."""
    response = Browser().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    found: dict[str, Any] = json.loads(response.content)
    return found


@pytest.mark.django_db
def test_every_operation_is_described() -> None:
    """Issue 5, item 2: OpenAPI; each operation under the standard's own name, with its scope and its refusals."""
    said = description()
    operations = {
        operation["operationId"]: operation
        for path, methods in said["paths"].items()
        if path.startswith("/ims/clr/v1p0/")
        for operation in methods.values()
    }
    assert set(OPERATIONS) <= set(operations)
    assert {"200", "400", "401", "403", "406", "429"} <= set(operations["getClrs"]["responses"])
    assert {"200", "201", "304", "400", "403", "413", "415"} <= set(operations["postClr"]["responses"])
    assert {"401", "404", "410"} <= set(operations["getClr"]["responses"])
    assert {"204", "404", "405"} <= set(operations["deleteClr"]["responses"])
    assert "application/jose" in operations["postClr"]["requestBody"]["content"]
    [needed] = operations["postClr"]["security"]
    [[scope]] = needed.values()
    assert scope.endswith("/scope/replace")
    assert operations["getDiscoveryDocument"].get("security", []) in ([], [{}])


@pytest.mark.django_db
def test_the_operations_of_badge_connect_are_described() -> None:
    """Issue 6, item 2: under the standard's own names, with scope and refusals; the description names both APIs."""
    said = description()
    operations = {
        operation["operationId"]: operation
        for path, methods in said["paths"].items()
        if path.startswith(("/ims/ob/v2p1/", "/.well-known/badgeconnect"))
        for operation in methods.values()
    }
    assert set(BADGE_OPERATIONS) <= set(operations)
    assert {"200", "304", "400", "401", "429"} <= set(operations["getAssertions"]["responses"])
    assert {"200", "400", "401", "413"} <= set(operations["postAssertion"]["responses"])
    [needed] = operations["postAssertion"]["security"]
    [[scope]] = needed.values()
    assert scope.endswith("/scope/assertion.create")
    assert operations["getManifest"].get("security", []) in ([], [{}])
    assert "/ims/clr/v1p0/" in said["info"]["description"] and "/ims/ob/v2p1/" in said["info"]["description"]


@pytest.mark.django_db
def test_the_pages_of_the_description_load_nothing_from_elsewhere() -> None:
    """SEC-56, PRIV-08: `/api/docs/` keeps the content policy: our own files alone, no inline script."""
    response = Browser().get("/api/docs/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "'unsafe" not in response["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert all(address.startswith("/") for address in re.findall(r"(?:src|href)=\"([^\"]+)\"", page))


@pytest.fixture(scope="module")
def served() -> Iterator[Portal]:
    """A running portal with the demo institution."""
    with portal.running(worker=False) as running:
        yield running


@pytest.mark.server
@pytest.mark.once
@pytest.mark.parametrize(
    "operation",
    [
        "getClrs",
        "postClr",
        "getClr",
        "postAssertion",
        *(pytest.param(each, marks=pytest.mark.soak) for each in QUICKLY_SAID),
    ],
)
def test_a_fuzzer_finds_no_fault_of_ours(served: Portal, operation: str, tmp_path: Path) -> None:
    """Issue 5, item 2: schemathesis reads `/api/schema/`, makes requests up, and gets no 5xx for any of them.

    Each operation has a token of its own, so that the fuzzer does not only meet the rate limit (SEC-59).
    """
    printed = served.manage("shell", "-c", TOKEN).stdout
    token = printed.split("TOKEN ")[1].split()[0]
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{served.address}/api/schema/",
            *("--url", served.address),
            *("--checks", "not_a_server_error,content_type_conformance"),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "20", "--seed", "20260630"),
            *("--include-operation-id", operation),
            *("--header", f"Authorization: Bearer {token}"),
            *("--suppress-health-check", "all", "--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Test cases" in done.stdout  # it has asked
