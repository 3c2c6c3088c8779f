"""The look of the institution's certificates as a plain value, for whoever prints them."""

from dataclasses import dataclass

from apps.institution.models import CertificateDesign, Organization


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the design, with its media type."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class GradeLine:
    """One line of the legend's table of grades."""

    grade: str
    points: str = ""
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class DesignValue:
    """Everything that the institution chooses about a printed record (REG-02); knows no database."""

    institution_name: str
    institution_place: str = ""
    logo: Picture | None = None
    seal: Picture | None = None
    signature: Picture | None = None
    accent: str = "#1f3a5f"
    signatory_name: str = ""
    signatory_office: str = ""
    legend: str = ""
    """Markdown."""
    grades: tuple[GradeLine, ...] = ()
    statement: str = ""
    page: str = "letter"
    """`A4` or `letter`."""
    language: str = "en"


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
