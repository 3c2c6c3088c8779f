"""The look of printed records as plain values, for whoever prints them; knows no database."""

from dataclasses import dataclass


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
    """Everything that the institution chooses about a printed record (REG-02)."""

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
