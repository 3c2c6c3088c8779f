"""A made-up record, for looking at the design of certificates before anything is issued in it."""

from typing import Any

from apps.institution import branding
from apps.institution.designs import DesignValue
from apps.issuance.rendering_child import RenderingFailed, preview_in_child
from apps.standards.clr1 import model
from apps.standards.clr1.write import to_json

PLACE = "https://specimen.example"
TERMS = (
    (
        "Fall 2025",
        "2025-12-18T00:00:00Z",
        (
            ("MATH 101", "Calculus I", 4.0),
            ("HIST 205", "The Modern World", 3.0),
            ("BIOL 120", "Cells and Evolution", 4.0),
        ),
    ),
    (
        "Spring 2026",
        "2026-05-15T00:00:00Z",
        (("STAT 220", "Statistical Inference", 3.0), ("PHIL 101", "Reasoning and Argument", 3.0)),
    ),
)


def specimen(design: DesignValue) -> dict[str, Any]:
    """The record of a learner that does not exist, by the institution of the design, with its own first grades."""
    publisher = model.Profile(id=f"{PLACE}/profiles/1", type="Profile", name=design.institution_name)
    grades = [line.grade for line in design.grades[:3]] or ["A", "B", "C"]
    assertions = [
        _assertion(
            f"course/{code}",
            "2026-05-20T00:00:00Z",
            model.Achievement(
                id=f"{PLACE}/achievements/{code}",
                type="Achievement",
                achievement_type="Course",
                name=title,
                human_code=code,
                credits_available=credits,
                issuer=publisher,
                result_descriptions=[
                    model.ResultDescription(
                        id=f"{PLACE}/results/{code}",
                        type="ResultDescription",
                        name="Final grade",
                        result_type="LetterGrade",
                    )
                ],
            ),
            term=term,
            ended=ended,
            credits=credits,
            grade=grades[number % len(grades)],
        )
        for term, ended, courses in TERMS
        for number, (code, title, credits) in enumerate(courses)
    ]
    degree = model.Achievement(
        id=f"{PLACE}/achievements/degree",
        type="Achievement",
        achievement_type="Degree",
        name="Bachelor of Specimens",
        issuer=publisher,
    )
    assertions.append(_assertion("degree", "2026-05-20T00:00:00Z", degree))
    return to_json(
        model.Clr(
            context=model.CONTEXT_URL,
            id=f"{PLACE}/clrs/1",
            type="Clr",
            name="Specimen record",
            issued_on="2026-05-20T00:00:00Z",
            learner=model.Profile(
                id=f"{PLACE}/learners/1", type="Profile", name="Alex Émile Specimen-Mustermann", student_id="000000"
            ),
            publisher=publisher,
            assertions=assertions,
        )
    )


def _assertion(
    key: str,
    issued_on: str,
    achievement: model.Achievement,
    *,
    term: str | None = None,
    ended: str | None = None,
    credits: float | None = None,
    grade: str | None = None,
) -> model.Assertion:
    results = []
    if grade:
        described = achievement.result_descriptions[0].id
        results = [model.Result(type="Result", result_description=described, value=grade)]
    return model.Assertion(
        id=f"{PLACE}/assertions/{key}",
        type="Assertion",
        issued_on=issued_on,
        activity_end_date=ended,
        term=term,
        credits_earned=credits,
        achievement=achievement,
        results=results,
    )


def preview(design: DesignValue) -> bytes:
    """The specimen in this design as a PDF; raises `branding.PreviewFailed` with the reason."""
    try:
        return preview_in_child(specimen(design), design, language=design.language)
    except RenderingFailed as fault:
        raise branding.PreviewFailed(str(fault)) from fault


def register() -> None:
    """Lets the certificate designer print."""
    branding.preview_with(preview)
