"""The look of the institution: its certificates as a plain value for whoever prints them, and its pages' head."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from apps.institution import audit, colours
from apps.institution.designs import DesignValue, GradeLine, Picture
from apps.institution.models import CertificateDesign, Organization


def design_value(design: CertificateDesign) -> DesignValue:
    """The stored version of a design as a value."""
    return DesignValue(
        institution_name=design.institution_name,
        institution_place=design.institution_place,
        logo=_picture(design.logo, design.logo_type),
        seal=_picture(design.seal, design.seal_type),
        signature=_picture(design.signature, design.signature_type),
        accent=design.accent,
        signatory_name=design.signatory_name,
        signatory_office=design.signatory_office,
        legend=design.legend,
        grades=tuple(
            GradeLine(str(line.get("grade", "")), str(line.get("points", "")), str(line.get("meaning", "")))
            for line in design.grades
            if isinstance(line, dict)
        ),
        statement=design.statement,
        page=design.page,
        language=design.language,
    )


def current_design(organization: Organization) -> CertificateDesign:
    """The design that new records of this organization get; a plain one is made when there is none."""
    found = CertificateDesign.objects.filter(organization=organization, is_current=True).order_by("pk").first()
    if found is not None:
        return found
    place = ", ".join(part for part in (organization.address_locality, organization.address_region) if part)
    return CertificateDesign.objects.create(
        organization=organization,
        title="Official record",
        institution_name=organization.name,
        institution_place=place,
        signatory_name=organization.official,
    )


def _picture(content: bytes | memoryview | None, media_type: str) -> Picture | None:
    return Picture(bytes(content), media_type) if content else None


# --- The pages ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Brand:
    """What the head of every page shows of the institution."""

    name: str
    logo: str = ""
    """Address of the logo, or empty."""
    stylesheet: str = ""
    """Address of the sheet with the institution's accent, or empty for the portal's own."""
    accent: str = "#1f3a5f"


def brand(request: HttpRequest) -> dict[str, Any]:
    """For the template engine: `brand`, asked of the database once a page and only if the page shows it."""
    return {"brand": SimpleLazyObject(current_brand)}


def current_brand() -> Brand:
    """Name, logo and accent by the home institution's current design; one query."""
    design = (
        CertificateDesign.objects.filter(organization__is_home=True, is_current=True)
        .order_by("pk")
        .values("public_id", "institution_name", "logo_type", "accent")
        .first()
    )
    if design is None:
        home = Organization.objects.filter(is_home=True).values_list("name", flat=True).first()
        return Brand(home or gettext("Learner records"))
    accent = design["accent"] if colours.is_colour(design["accent"]) else ""
    return Brand(
        design["institution_name"],
        f"/brand/{design['public_id']}/logo" if design["logo_type"] else "",
        f"/brand/{accent[1:].lower()}.css" if accent else "",
        accent or "#1f3a5f",
    )


def accent_sheet(accent: str) -> str:
    """The style sheet with the accent tokens of this colour, for light, dark and paper."""
    light, dark = colours.accent_tokens(accent)

    def block(tokens: dict[str, str]) -> str:
        return ":root {\n" + "".join(f"  {name}: {value};\n" for name, value in tokens.items()) + "}\n"

    at_night = f"@media (prefers-color-scheme: dark) {{\n{block(dark)}}}\n"
    return f"{block(light)}{at_night}@media print {{\n{block(light)}}}\n"


def tag_of(content: bytes) -> str:
    """The entity tag of a picture."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


# --- The designer's preview ---------------------------------------------------------------------

Preview = Callable[[DesignValue], bytes]
_previews: list[Preview] = []


class PreviewFailed(Exception):
    """The design cannot be printed; the text says why."""


def preview_with(render: Preview) -> None:
    """Registers how a design is shown as a PDF of a made-up record; the room that prints records does so at start."""
    _previews[:] = [render]


def preview(design: DesignValue) -> bytes | None:
    """The PDF of a made-up record in this design; None while nobody can print."""
    return _previews[0](design) if _previews else None


class DesignChanged(Exception):
    """Somebody saved another version of the design meanwhile."""


def save_version(design: CertificateDesign, *, replaces: CertificateDesign | None, by: Any) -> CertificateDesign:
    """Stores `design` as a new version; records that were issued keep theirs. Raises `DesignChanged`."""
    with transaction.atomic():
        design.pk = None
        design._state.adding = True
        design.public_id = uuid.uuid4()
        design.created_by = by
        design.is_current = True
        if replaces is not None:
            retired = CertificateDesign.objects.filter(pk=replaces.pk, is_current=True).update(is_current=False)
            if not retired:
                raise DesignChanged
            design.organization_id, design.title = replaces.organization_id, replaces.title
            design.version, design.replaces = replaces.version + 1, replaces
        design.save(force_insert=True)
        audit.record("design.saved", design, by, version=design.version)
    return design
