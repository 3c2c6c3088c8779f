"""Records to read and print in the tests: invented people, every part of CLR 1.0, as large as asked."""

from __future__ import annotations

import itertools
import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from apps.standards.clr1.totals import TRANSCRIPT_TYPE, Measure, total_name

ISSUER = {
    "id": "https://records.pinehurst.example/issuers/1",
    "type": "Profile",
    "name": "Pinehurst State University",
    "url": "https://pinehurst.example/",
    "address": {
        "type": "Address",
        "streetAddress": "12 Cedar Road",
        "addressLocality": "Pinehurst",
        "addressRegion": "OR",
        "postalCode": "97000",
        "addressCountry": "US",
    },
    "identifiers": [{"type": "SystemIdentifier", "identifier": "00412300", "identifierType": "ext:OPEID"}],
}
LETTERS = {
    "A": "4.0",
    "A-": "3.7",
    "B+": "3.3",
    "B": "3.0",
    "B-": "2.7",
    "C+": "2.3",
    "C": "2.0",
    "D": "1.0",
    "F": "0.0",
}
TERMS = [
    ("Fall 2024", "2024-08-26", "2024-12-19"),
    ("Spring 2025", "2025-01-13", "2025-05-15"),
    ("Fall 2025", "2025-08-25", "2025-12-18"),
    ("Spring 2026", "2026-01-12", "2026-06-12"),
]
COURSES = [
    ("MATH 101", "Calculus I", 4),
    ("CHEM 141", "General Chemistry I with Laboratory", 4),
    ("ENGL 110", "Writing in the Disciplines", 3),
    ("CSCI 150", "Introduction to Programming", 4),
    ("HIST 205", "The Modern World, 1789 to the Present", 3),
    ("BIOL 120", "Cells, Genes and Evolution", 4),
    ("STAT 220", "Statistical Inference", 3),
    ("PHIL 101", "Reasoning and Argument", 3),
    ("ECON 201", "Microeconomics", 3),
    ("MUSC 115", "Chamber Ensemble", 1.5),
]
MARKDOWN = (
    "Two pieces of evidence show **method** and *result*:\n\n"
    "1. a titration report with [raw data](https://pinehurst.example/portfolio/881)\n"
    "2. a poster shown at the spring symposium\n\n"
    "> Explains the sources of error clearly."
)


def _description(owner: str, key: str, name: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {"id": f"{owner}/results/{key}", "type": "ResultDescription", "name": name, "resultType": kind, **rest}


def course(
    number: int, code: str, title: str, credits: float, term: tuple[str, str, str], letter: str
) -> dict[str, Any]:
    """One course of record with letter, points and status."""
    owner = f"https://records.pinehurst.example/ims/clr/v1p0/achievements/{number}"
    status = {"W": "Withdrew", "I": "InProgress", "F": "Failed"}.get(letter, "Completed")
    results: list[dict[str, Any]] = [
        {"type": "Result", "resultDescription": f"{owner}/results/letter", "value": letter}
    ]
    if letter in LETTERS:
        results.append({"type": "Result", "resultDescription": f"{owner}/results/points", "value": LETTERS[letter]})
    results.append({"type": "Result", "resultDescription": f"{owner}/results/status", "status": status})
    return {
        "id": f"urn:uuid:00000000-0000-4000-9000-{number:012}",
        "type": "Assertion",
        "issuedOn": f"{term[2]}T00:00:00Z",
        "activityStartDate": f"{term[1]}T00:00:00Z",
        "activityEndDate": f"{term[2]}T00:00:00Z",
        "term": term[0],
        "role": "Student",
        "creditsEarned": float(credits) if status == "Completed" else 0.0,
        "achievement": {
            "id": owner,
            "type": "Achievement",
            "achievementType": "Course",
            "name": title,
            "humanCode": code,
            "creditsAvailable": float(credits),
            "issuer": ISSUER,
            "resultDescriptions": [
                _description(
                    owner, "letter", "Final grade", "LetterGrade", allowedValues=[*reversed(LETTERS)], requiredValue="D"
                ),
                _description(owner, "points", "Grade points", "GradePointAverage", valueMin="0.0", valueMax="4.0"),
                _description(owner, "status", "Status", "Status"),
            ],
        },
        "results": results,
    }


def simple(number: int, kind: str, name: str, **rest: Any) -> dict[str, Any]:
    """Something achieved that is no course."""
    achievement = rest.pop("achievement", {})
    return {
        "id": f"urn:uuid:00000000-0000-4000-9000-{number:012}",
        "type": "Assertion",
        "issuedOn": "2026-06-12T00:00:00Z",
        "achievement": {
            "id": f"https://records.pinehurst.example/ims/clr/v1p0/achievements/{number}",
            "type": "Achievement",
            "achievementType": kind,
            "name": name,
            "issuer": ISSUER,
            **achievement,
        },
        **rest,
    }


def transcript(courses: list[dict[str, Any]]) -> dict[str, Any]:
    """The assertion of the totals of these courses."""
    owner = "https://records.pinehurst.example/ims/clr/v1p0/achievements/transcript"
    descriptions: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for term in [*dict.fromkeys(each["term"] for each in courses), None]:
        chosen = [each for each in courses if term is None or each["term"] == term]
        attempted = earned = counted = points = Decimal(0)
        for each in chosen:
            available = Decimal(str(each["achievement"]["creditsAvailable"]))
            attempted += available
            earned += Decimal(str(each["creditsEarned"]))
            letter = each["results"][0]["value"]
            if letter in LETTERS:
                counted += available
                points += available * Decimal(LETTERS[letter])
        values = {
            Measure.ATTEMPTED: attempted,
            Measure.EARNED: earned,
            Measure.GPA_CREDITS: counted,
            Measure.QUALITY_POINTS: points,
        }
        if counted:
            values[Measure.GPA] = (points / counted).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for measure, value in values.items():
            key = f"{term or 'cumulative'}-{measure.name.lower()}".replace(" ", "-")
            described = _description(owner, key, total_name(measure, term), measure.result_type)
            if measure is Measure.GPA:
                described |= {"valueMin": "0.00", "valueMax": "4.00"}
            descriptions.append(described)
            results.append({"type": "Result", "resultDescription": described["id"], "value": str(value)})
    return simple(
        900_000,
        TRANSCRIPT_TYPE,
        "Academic transcript",
        achievement={"id": owner, "resultDescriptions": descriptions},
        results=results,
    )


def record(
    name: str = "Tomas Elis Lindqvist",
    *,
    courses: int = 12,
    extras: bool = True,
    narratives: int = 1,
    title_suffix: str = "",
    partial: bool = False,
) -> dict[str, Any]:
    """A CLR 1.0 payload of ``courses`` courses in four terms, with totals and (``extras``) everything else."""
    assertions = []
    grades = itertools.cycle(["A", "B+", "A-", "W", "B", "A", "C+", "P", "F", "B-", "A", "I"])
    for position, (number, letter) in enumerate(zip(range(courses), grades, strict=False)):
        code, title, credits = COURSES[number % len(COURSES)]
        term = TERMS[position * len(TERMS) // max(courses, 1)]
        each = course(number + 1, code, title + title_suffix, credits, term, letter)
        if number < narratives:
            each["narrative"] = MARKDOWN
            each["achievement"]["requirement"] = {
                "type": "Criteria",
                "narrative": "Pass all laboratories *and* the examination.",
            }
        assertions.append(each)
    graded = list(assertions)
    if extras:
        rubric = "https://records.pinehurst.example/ims/clr/v1p0/achievements/503"
        assertions += [
            simple(
                501,
                "Degree",
                "Bachelor of Science",
                achievement={
                    "level": "Bachelors",
                    "fieldOfStudy": "Chemistry",
                    "specialization": "Environmental analysis",
                    "humanCode": "BS-CHEM",
                },
            ),
            simple(502, "Award", "Magna cum laude"),
            simple(
                503,
                "Co-Curricular",
                "Undergraduate research assistantship",
                role="Research assistant",
                term="Spring 2026",
                activityStartDate="2026-01-12T00:00:00Z",
                activityEndDate="2026-06-01T00:00:00Z",
                narrative=MARKDOWN,
                evidence=[
                    {
                        "id": "https://pinehurst.example/portfolio/881",
                        "type": "Evidence",
                        "name": "Titration report",
                        "genre": "Report",
                        "description": "Report with raw data.",
                        "artifacts": [
                            {"type": "Artifact", "name": "Poster", "url": "https://pinehurst.example/portfolio/881.pdf"}
                        ],
                    }
                ],
                results=[
                    {
                        "type": "Result",
                        "resultDescription": f"{rubric}/results/rubric",
                        "achievedLevel": f"{rubric}/levels/3",
                    }
                ],
                achievement={
                    "resultDescriptions": [
                        {
                            "id": f"{rubric}/results/rubric",
                            "type": "ResultDescription",
                            "name": "Research practice",
                            "resultType": "RubricCriterionLevel",
                            "requiredLevel": f"{rubric}/levels/2",
                            "rubricCriterionLevels": [
                                {
                                    "id": f"{rubric}/levels/{n}",
                                    "type": "RubricCriterionLevel",
                                    "name": word,
                                    "level": str(n),
                                    "points": str(n),
                                }
                                for n, word in ((1, "Begins"), (2, "Meets"), (3, "Exceeds"))
                            ],
                        }
                    ]
                },
            ),
            simple(504, "CommunityService", "River clean-up coordinator", creditsEarned=0.0, role="Coordinator"),
            simple(
                505,
                "Competency",
                "Designs and evaluates experiments",
                achievement={
                    "humanCode": "SCI.3.2",
                    "alignments": [
                        {
                            "type": "Alignment",
                            "targetName": "Plan and carry out investigations",
                            "targetCode": "SCI.3.2",
                            "targetFramework": "State Science Outcomes",
                            "targetType": "CFItem",
                            "targetUrl": "https://case.example/ims/case/v1p0/CFItems/7d1c",
                        }
                    ],
                },
            ),
        ]
    if graded:
        assertions.append(transcript(graded))
    payload: dict[str, Any] = {
        "@context": "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld",
        "id": "https://records.pinehurst.example/ims/clr/v1p0/clrs/5d7f2f0e-43b4-4f0e-8d52-0c2f9d1e7a11",
        "type": "Clr",
        "name": "Comprehensive Learner Record",
        "issuedOn": "2026-06-30T15:00:00Z",
        "partial": partial,
        "learner": {
            "id": "urn:uuid:00000000-0000-4000-8000-000000000003",
            "type": "Profile",
            "name": name,
            "studentId": "PSU-77120",
            "birthDate": "2004-02-29",
        },
        "publisher": {**ISSUER, "official": "Marta Quispe, Registrar"},
        "assertions": assertions,
        "verification": {"type": "Signed", "creator": "https://records.pinehurst.example/ims/clr/v1p0/keys/1"},
    }
    if extras:
        payload["endorsements"] = [
            {
                "id": "https://board.example/endorsements/5",
                "type": "Endorsement",
                "issuedOn": "2026-07-01T00:00:00Z",
                "claim": {
                    "id": "https://records.pinehurst.example/ims/clr/v1p0/achievements/503",
                    "type": "EndorsementClaim",
                    "endorsementComment": "The work meets *our* outcomes.",
                },
                "issuer": {
                    "id": "https://board.example/profile",
                    "type": "EndorsementProfile",
                    "name": "Northern Chemistry Board",
                },
                "verification": {"type": "Hosted"},
            }
        ]
    return payload


def signed(payload: dict[str, Any]) -> bytes:
    """Bytes in the form of a compact JWS; nothing here verifies them."""
    import base64

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    return ".".join((part(b'{"alg":"RS256"}'), part(json.dumps(payload).encode()), part(b"signature" * 20))).encode()
