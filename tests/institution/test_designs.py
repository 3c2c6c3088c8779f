"""The certificate designer: versions, pictures, legend, preview (SEC-35)."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageFile, PngImagePlugin

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.institution import branding, pictures
from apps.institution.branding import current_design
from apps.institution.models import CertificateDesign, Organization

pytestmark = pytest.mark.django_db

FIELDS = {
    "title": "Official record",
    "institution_name": "Harbour Lantern University",
    "institution_place": "Harbour Lantern",
    "accent": "#8c1515",
    "signatory_name": "Marta Quispe",
    "signatory_office": "Registrar",
    "legend": "One *credit* is 15 hours.",
    "statement": "",
    "page": "A4",
    "language": "en",
    "grades_text": "A | 4.0 | Excellent\nB | 3.0\n\nF",
}


@pytest.fixture
def browser(home: Organization) -> Client:
    """A registrar's."""
    user = User.objects.create_user("r@people.example", "seven-lanterns-1894")
    give_roles(user, Role.REGISTRAR)
    client = Client()
    client.force_login(user)
    return client


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), **more: Any) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", size, "#8c1515").save(out, kind, **more)
    return out.getvalue()


def path(design: CertificateDesign, below: str = "change/") -> str:
    """The designer's page."""
    return f"/admin/institution/certificatedesign/{design.pk}/{below}"


def test_it_works(browser: Client, home: Organization) -> None:
    """Saving makes a new version; the old one stays as it was, for the records that were issued with it."""
    first = current_design(home)
    before = CertificateDesign.objects.filter(pk=first.pk).values().get()
    upload = SimpleUploadedFile("logo.png", picture(), "image/png")
    assert browser.get(path(first)).status_code == 200
    assert browser.post(path(first), {**FIELDS, "logo_file": upload}).status_code == 302
    second = current_design(home)
    assert second.pk != first.pk and second.version == 2 and second.replaces == first
    assert second.accent == "#8c1515" and second.logo_type == "image/png"
    assert second.grades[0] == {"grade": "A", "points": "4.0", "meaning": "Excellent"}
    assert [line["grade"] for line in second.grades] == ["A", "B", "F"]
    after = CertificateDesign.objects.filter(pk=first.pk).values().get()
    assert {**after, "is_current": True} == before


def test_the_pages_take_the_new_look(browser: Client, home: Organization) -> None:
    """Name, logo and accent stand in the head of every page."""
    first = current_design(home)
    browser.post(path(first), {**FIELDS, "logo_file": SimpleUploadedFile("l.png", picture(), "image/png")})
    page = Client().get("/").content.decode()
    assert "/brand/8c1515.css" in page
    logo = Client().get(f"/brand/{current_design(home).public_id}/logo")
    assert logo["Content-Type"] == "image/png" and "sandbox" in logo["Content-Security-Policy"]


def test_two_people_do_not_overwrite_each_other(browser: Client, home: Organization) -> None:
    """Whoever began from a version that is no longer the newest is told, and nothing is saved."""
    first = current_design(home)
    assert browser.post(path(first), FIELDS).status_code == 302
    again = browser.post(path(first), {**FIELDS, "accent": "#000000"})
    assert again.status_code in {200, 403}
    assert CertificateDesign.objects.count() == 2
    assert current_design(home).accent == "#8c1515"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.png", b"<?php phpinfo();"),
        ("logo.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        ("logo.png", b""),
        ("logo.gif", picture("GIF")),
        ("logo.png", picture()[:60]),
    ],
    ids=["script", "drawing with a script", "nothing", "GIF", "breaks off"],
)
def test_pictures_are_judged_by_content(
    browser: Client, home: Organization, name: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEC-35: what is no PNG, JPEG or WebP is refused with a sentence; nothing is saved."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as the PDF library leaves it
    first = current_design(home)
    answer = browser.post(path(first), {**FIELDS, "logo_file": SimpleUploadedFile(name, content, "image/png")})
    assert answer.status_code == 200
    assert "logo_file" in answer.context["adminform"].form.errors
    assert CertificateDesign.objects.count() == 1


def test_nothing_of_the_file_but_the_picture_is_kept() -> None:
    """SEC-35: drawn anew; texts, positions and other passengers are gone."""
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "taken at 51.5N 0.1W by canary")
    kept = pictures.redrawn(picture(pnginfo=words))
    assert kept.media_type == "image/png" and b"canary" not in kept.content
    exif = Image.Exif()
    exif[0x010E] = "canary"
    assert b"canary" not in pictures.redrawn(picture("JPEG", exif=exif)).content


def test_huge_pictures_are_refused_by_their_header() -> None:
    """SEC-27: before anything is decoded."""
    out = io.BytesIO()
    Image.new("1", (20_000, 2_001)).save(out, "PNG")
    with pytest.raises(pictures.PictureRefused, match="40 million"):
        pictures.redrawn(out.getvalue())


@pytest.mark.parametrize("accent", ["red", "#12345", "#12345g", "#123456;}", ""])
def test_a_colour_is_a_colour(browser: Client, home: Organization, accent: str) -> None:
    """It goes into style sheets, so nothing else is taken."""
    first = current_design(home)
    assert browser.post(path(first), {**FIELDS, "accent": accent}).status_code == 200
    assert CertificateDesign.objects.count() == 1


def test_the_preview_stores_nothing(browser: Client, home: Organization) -> None:
    """What the form holds, as a PDF of a made-up record."""
    first = current_design(home)
    answer = browser.post(path(first, "preview/"), FIELDS)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert CertificateDesign.objects.count() == 1
    assert browser.post(path(first, "preview/"), {**FIELDS, "accent": "red"}).status_code == 422


def test_others_only_look(home: Organization) -> None:
    """SEC-51: approver and admin see the design, and change nothing."""
    design = current_design(home)
    for role in (Role.APPROVER, Role.ADMIN):
        user = User.objects.create_user(f"{role}@people.example", "seven-lanterns-1894")
        give_roles(user, role)
        client = Client()
        client.force_login(user)
        assert client.get(path(design)).status_code == 200
        assert client.post(path(design), FIELDS).status_code == 403
        assert client.post(path(design, "preview/"), FIELDS).status_code == 403
    assert CertificateDesign.objects.count() == 1


def test_a_version_is_saved_once(home: Organization) -> None:
    """Of two that replace the same version one wins, the other is told."""
    first = current_design(home)
    value: Callable[[], CertificateDesign] = lambda: CertificateDesign.objects.get(pk=first.pk)  # noqa: E731
    branding.save_version(value(), replaces=first, by=None)
    with pytest.raises(branding.DesignChanged):
        branding.save_version(value(), replaces=first, by=None)
