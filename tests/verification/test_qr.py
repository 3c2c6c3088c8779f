"""A photo of a QR code is recognised and judged by what the code holds, at every door."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.network.fetching import GuardedFetcher
from apps.standards.verify.sources import Fetched
from apps.verification.maps import MapFetcher
from tests.issuance.earning import School
from tests.verification.qr_codes import blank, photo, scan
from tests.verification.test_own import school  # noqa: F401  the fixture
from tests.verification.test_pages import verdict

pytestmark = pytest.mark.django_db


def sent(client: Client, picture: bytes, kind: str, status: int = 200) -> dict[str, Any]:
    answer = client.generic("POST", "/api/verify/", picture, content_type=kind)
    assert answer.status_code == status
    return dict(answer.json())


def codes(result: dict[str, Any]) -> list[str]:
    return [check["code"] for check in result["checks"] if check["status"] == "failed"]


def _hosted_case(clr1: Path) -> dict[str, Any]:
    manifest = json.loads((clr1 / "manifest.json").read_text())
    return next(case for case in manifest["cases"] if case["id"] == "hosted-clr")


def hosted_address(clr1: Path) -> str:
    return str(_hosted_case(clr1)["subject"])


def web_of_the_case(clr1: Path) -> dict[str, Any]:
    web = {**json.loads((clr1 / "web.json").read_text()), **_hosted_case(clr1).get("web", {})}
    return {url: {**entry, "file": entry["file"] and str(clr1 / entry["file"])} for url, entry in web.items()}


@pytest.fixture
def network(clr1: Path, monkeypatch: pytest.MonkeyPatch) -> MapFetcher:
    """The guarded fetcher of the doors answers from the map of a hosted record."""
    fetcher = MapFetcher(web_of_the_case(clr1), clr1)
    monkeypatch.setattr(GuardedFetcher, "from_settings", lambda *args, **kwargs: fetcher)
    return fetcher


def test_a_photo_of_an_address_is_judged_as_what_stands_there(client: Client, clr1: Path, network: MapFetcher) -> None:
    result = sent(client, photo(hosted_address(clr1)), "image/jpeg")
    assert (result["verdict"], result["format"]) == ("valid", "clr-1.0")
    assert result["checks"][0]["name"] == "qr_code"
    assert result["checks"][0]["evidence"] == {"address": hosted_address(clr1)}


def test_a_code_may_hold_a_signed_text(client: Client, network: MapFetcher) -> None:
    token = "eyJhbGciOiJub25lIn0.eyJ0eXBlIjoiQ2xyIn0."
    assert codes(sent(client, scan(token), "image/png")) == ["ALG_NOT_ALLOWED"]


def test_a_code_may_hold_json(client: Client, network: MapFetcher) -> None:
    text = json.dumps({"@context": "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld", "type": "Clr"})
    result = sent(client, scan(text), "image/png")
    assert (result["verdict"], "NOT_VERIFIABLE" in codes(result)) == ("undecided", True)


@pytest.mark.parametrize("text", ["just a text", "openid-credential-offer://?x=1", "WIFI:S:lab;;", "2+2"])
def test_a_code_that_holds_something_else_is_said_to(client: Client, text: str) -> None:
    result = sent(client, scan(text), "image/png", 422)
    assert codes(result) == ["INPUT_INVALID"]
    assert "holds something else" in result["summary"]


def test_several_codes_are_refused_with_the_reason(client: Client) -> None:
    result = sent(client, photo("https://a.example/1", "https://a.example/2"), "image/jpeg", 422)
    assert codes(result) == ["INPUT_INVALID"]
    assert "2 different QR codes" in result["summary"]


def test_a_photo_without_a_code_is_said_to_show_none(client: Client) -> None:
    result = sent(client, blank("JPEG"), "image/jpeg", 422)
    assert codes(result) == ["INPUT_INVALID"]
    assert "no QR code" in result["summary"]


def test_a_picture_without_badge_or_code_is_said_to_carry_neither(client: Client) -> None:
    assert codes(sent(client, blank(), "image/png")) == ["NO_BADGE_IN_IMAGE", "PARSE_ERROR", "INPUT_INVALID"]


def test_the_content_type_does_not_decide(client: Client, clr1: Path, network: MapFetcher) -> None:
    assert sent(client, photo(hosted_address(clr1)), "application/json")["verdict"] == "valid"


def test_a_page_that_stands_at_the_address_is_no_record(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pages:
        def fetch(self, url: str, *, kind: str) -> Fetched:
            return Fetched(200, "text/html", b"<!DOCTYPE html><title>Shop</title>", url)

    monkeypatch.setattr(GuardedFetcher, "from_settings", lambda *args, **kwargs: Pages())
    result = sent(client, scan("https://shop.example/"), "image/png", 422)
    assert "web page" in result["summary"]


# --- the codes that our own documents print -------------------------------------------------------------------


def test_our_own_printed_code_is_judged_without_asking_the_network(
    client: Client,
    school: School,  # noqa: F811
    settings: Any,
) -> None:
    """SEC-09"""
    record = school.issued()
    result = sent(client, photo(f"{settings.BASE_URL}/verify/{record.code}"), "image/jpeg")
    assert (result["verdict"], result["format"]) == ("valid", "clr-1.0")


def test_the_page_leads_from_our_printed_code_to_its_own_page(
    client: Client,
    school: School,  # noqa: F811
    settings: Any,
) -> None:
    """No results are shown to whoever holds only the code."""
    record = school.issued()
    picture = SimpleUploadedFile("IMG_1.jpg", photo(f"{settings.BASE_URL}/verify/{record.code}"))
    answer = client.post("/verify/", {"photo": picture, "text": "", "address": ""})
    assert (answer.status_code, answer["Location"]) == (302, f"/verify/{record.code}")


def test_an_unknown_code_of_ours_is_not_requested_either(
    client: Client,
    school: School,  # noqa: F811
    settings: Any,
) -> None:
    """SEC-09, I4"""
    school.issued()
    result = sent(client, scan(f"{settings.BASE_URL}/verify/abcdefghijklmnopqrstuvwx27"), "image/png")
    assert (result["verdict"], codes(result)) == ("undecided", ["FETCH_FAILED"])


# --- page and command -----------------------------------------------------------------------------------------


def test_the_page_takes_a_photo(client: Client, clr1: Path, network: MapFetcher) -> None:
    assert 'capture="environment"' in client.get("/verify/").content.decode()
    picture = SimpleUploadedFile("IMG_1.jpg", photo(hosted_address(clr1)), content_type="image/jpeg")
    page = client.post("/verify/", {"photo": picture, "text": "", "address": ""}).content
    assert verdict(page) == "valid"
    assert b"What the code holds was judged" in page


def test_the_command_takes_a_photo(clr1: Path, tmp_path: Path) -> None:
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(photo(hosted_address(clr1)))
    (tmp_path / "web.json").write_text(json.dumps(web_of_the_case(clr1)))
    ran = subprocess.run(
        [sys.executable, "manage.py", "verify", str(picture), "--json", "--web", str(tmp_path / "web.json")],
        capture_output=True,
        env={**os.environ, "CLRPORTAL_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "clrportal.settings"},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert (ran.returncode, json.loads(ran.stdout)["verdict"]) == (0, "valid")
