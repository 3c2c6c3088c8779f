"""The designer of badges, and what it draws (issue 6, item 1; OB20-I-05)."""

import io
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements import designing, emblems, versions
from apps.achievements.models import Achievement, BadgeDesign
from apps.institution import colours, files
from apps.institution.models import Organization

NAMESPACE = "{http://www.w3.org/2000/svg}"


def picture(size: tuple[int, int] = (60, 30), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#aa0000").save(out, kind)
    return out.getvalue()


@pytest.fixture
def achievement(db: None, settings: Any, tmp_path: Any) -> Achievement:
    settings.FILES_DIR = tmp_path / "files"
    home = Organization.objects.create(name="College of the Coast", is_home=True)
    return Achievement.objects.create(
        achievement_type="Certificate", name="Field methods", human_code="GEO 320", issuer=home
    )


@pytest.fixture
def office(achievement: Achievement, client: Client) -> Client:
    registrar = User.objects.create_user("registrar@people.example", "seven-lanterns-1894")
    give_roles(registrar, Role.REGISTRAR)
    client.force_login(registrar)
    return client


def form(achievement: Achievement, **changes: Any) -> dict[str, Any]:
    return {
        "achievement": achievement.pk,
        "shape": "shield",
        "icon": "leaf",
        "letters": "",
        "band": "2026",
        "colour": "#aa0000",
        "own_colour": "on",
        **changes,
    }


# --- drawing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", emblems.SHAPES)
def test_every_shape_is_a_picture(shape: str) -> None:
    drawing = emblems.svg(emblems.Emblem(shape=shape, letters="Ab", icon="", band="Ångström Ж"))
    root = ElementTree.fromstring(drawing)
    assert root.tag == f"{NAMESPACE}svg"
    assert not list(root.iter(f"{NAMESPACE}text"))  # needs no font
    with Image.open(io.BytesIO(emblems.png(drawing))) as drawn:
        assert drawn.size == (emblems.SIDE, emblems.SIDE)
        assert drawn.convert("RGBA").getpixel((2, 2))[3] == 0  # type: ignore[index]


def test_every_sign_and_every_usual_look_can_be_drawn() -> None:
    for icon in emblems.ICONS:
        assert emblems.svg(emblems.Emblem(icon=icon)).count("<path") >= 3
    for kind in (*Achievement.Type.values, "ext:Other"):
        look = emblems.usual(kind, colour="#1f3a5f", band="MATH 101")
        assert look.icon in emblems.ICONS and look.shape in emblems.SHAPES


@pytest.mark.parametrize("colour", ["#ffffff", "#ffd500", "#000000", "#1f3a5f", "#88ff88"])
def test_signs_and_bands_can_be_read_in_any_colour(colour: str) -> None:
    """WCAG 2.2, 1.4.11 and 1.4.3: against white, in which the band is drawn, and under the sign."""
    root = ElementTree.fromstring(emblems.svg(emblems.Emblem(colour=colour, band="2026")))
    fills = [each.get("fill") or "" for each in root.iter(f"{NAMESPACE}path")]
    sign = next(each.get("stroke") or "" for each in root.iter(f"{NAMESPACE}g") if each.get("stroke"))
    rim, field = fills[0], fills[1]
    assert colours.contrast(field, "#ffffff") >= 4.5
    assert colours.contrast(sign, field) >= 4.5
    assert colours.contrast(rim, "#ffffff") >= 4.5


def test_letters_without_outlines_are_refused_and_never_drawn_wrong() -> None:
    with pytest.raises(emblems.CannotDraw):
        emblems.svg(emblems.Emblem(icon="", letters="漢"))
    assert emblems.usual("Course", colour="#1f3a5f", band="数学 1").band == ""
    assert emblems.usual("Course", colour="#1f3a5f", band="A code that is much too long").band == ""


def test_a_name_is_read_out_and_never_markup() -> None:
    root = ElementTree.fromstring(emblems.svg(emblems.Emblem(), label='<script>"&\x00</script>'))
    assert root.findtext(f"{NAMESPACE}title") == '<script>"&</script>'


def test_an_uploaded_picture_stands_whole_on_a_square() -> None:
    squared = emblems.squared(picture((60, 30)))
    with Image.open(io.BytesIO(squared)) as drawn:
        assert drawn.size == (emblems.SIDE, emblems.SIDE)
        assert drawn.getpixel((256, 256)) == (170, 0, 0, 255)
        assert drawn.getpixel((256, 10))[3] == 0  # type: ignore[index]
    drawing = emblems.svg(emblems.Emblem(picture=squared))
    with Image.open(io.BytesIO(emblems.png(drawing, 64))) as again:
        assert again.convert("RGBA").getpixel((32, 32))[:3] == (170, 0, 0)  # type: ignore[index]


# --- designs ----------------------------------------------------------------------------------


def test_without_a_design_it_has_the_look_of_its_kind(achievement: Achievement) -> None:
    assert designing.emblem_of(achievement) == emblems.usual("Certificate", colour="#1f3a5f", band="GEO 320")


def test_a_design_goes_along_with_the_next_version(achievement: Achievement) -> None:
    BadgeDesign.objects.create(achievement=achievement, shape="seal", letters="GM", icon="")
    fresh = versions.new_version(achievement, name="Field methods II")
    assert designing.emblem_of(fresh) == designing.emblem_of(achievement)
    assert BadgeDesign.objects.count() == 2


def test_the_registrar_designs_a_badge(office: Client, achievement: Achievement) -> None:
    response = office.post("/admin/achievements/badgedesign/add/", form(achievement))
    assert response.status_code == 302, response.context and response.context["errors"]
    design = BadgeDesign.objects.get()
    assert (design.shape, design.icon, design.band, design.colour) == ("shield", "leaf", "2026", "#aa0000")
    assert design.changed_by is not None
    page = office.get(f"/admin/achievements/badgedesign/{design.pk}/change/").content.decode()
    assert f"/ims/ob/v2p0/images/{achievement.public_id}.svg" in page
    drawn = office.get(f"/ims/ob/v2p0/images/{achievement.public_id}.svg").content.decode()
    assert "#aa0000" in drawn


def test_the_institution_s_colour_counts_unless_another_is_chosen(office: Client, achievement: Achievement) -> None:
    office.post("/admin/achievements/badgedesign/add/", form(achievement, own_colour=""))
    assert BadgeDesign.objects.get().colour == ""


def test_an_upload_is_judged_by_content_and_drawn_anew(office: Client, achievement: Achievement) -> None:
    """SEC-35"""
    upload = SimpleUploadedFile("a.png", picture(kind="JPEG"), "image/png")
    assert (
        office.post("/admin/achievements/badgedesign/add/", form(achievement, picture_file=upload)).status_code == 302
    )
    design = BadgeDesign.objects.get()
    stored = files.get(design.picture_digest)
    assert stored.startswith(b"\x89PNG") and stored != upload
    drawing, points = designing.drawn(achievement)
    assert "data:image/png;base64," in drawing and points == stored


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"letters": "漢字"}, "Latin, Greek and Cyrillic"),
        ({"band": "数学"}, "Latin, Greek and Cyrillic"),
        ({"colour": "red"}, "#rrggbb"),
        ({"shape": "cloud"}, "cloud"),
        ({"picture_file": SimpleUploadedFile("a.svg", b"<svg/>", "image/svg+xml")}, "not a PNG, JPEG or WebP"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_reason(
    changes: dict[str, Any], sentence: str, office: Client, achievement: Achievement
) -> None:
    response = office.post("/admin/achievements/badgedesign/add/", form(achievement, **changes))
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not BadgeDesign.objects.exists()


def test_the_preview_draws_and_stores_nothing(office: Client, achievement: Achievement) -> None:
    path = "/admin/achievements/badgedesign/0/preview/"
    response = office.post(path, {**form(achievement), "achievement": ""})
    assert response.status_code == 200 and response["Content-Type"] == "image/svg+xml"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "#aa0000" in response.content.decode()
    refused = office.post(path, form(achievement, band="数学"))
    assert refused.status_code == 422 and "Latin" in refused.content.decode()
    assert not BadgeDesign.objects.exists()


def test_the_achievement_leads_to_its_badge(office: Client, achievement: Achievement) -> None:
    path = f"/admin/achievements/achievement/{achievement.pk}/design-badge/"
    assert f"add/?achievement={achievement.pk}" in office.get(path)["Location"]
    design = BadgeDesign.objects.create(achievement=achievement)
    assert office.get(path)["Location"].endswith(f"/badgedesign/{design.pk}/change/")
