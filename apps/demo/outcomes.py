"""The demo institution's competency framework as a CASE package, and which course aims at what. All invented."""

import uuid
from typing import Any

NAMESPACE = uuid.UUID("f4b7a3f2-6a1c-4c57-8f0e-0e7a7d1b9c55")
ADDRESS = "https://outcomes.alder-bay.example/ims/case/v1p1"
CHANGED = "2026-01-15T09:00:00Z"
TITLE = "Alder Bay Graduate Outcomes"

DOMAINS: tuple[tuple[str, str, tuple[str, str, str, str, str]], ...] = (
    (
        "COM",
        "Communicating",
        ("a written argument", "a spoken presentation", "technical documentation", "visual displays of data",
         "conversation across languages"),
    ),
    (
        "QNT",
        "Reasoning with quantities",
        ("mathematical models", "probability and uncertainty", "statistical inference", "measurement and units",
         "experiments and their design"),
    ),
    (
        "INQ",
        "Inquiring",
        ("research questions", "sources and their reliability", "field and laboratory methods",
         "interviews and surveys", "reproducible analysis"),
    ),
    (
        "CMP",
        "Computing",
        ("programs and their structure", "data structures", "relational data", "learning algorithms",
         "secure systems"),
    ),
    (
        "ETH",
        "Acting responsibly",
        ("ethical principles", "privacy of other people", "academic integrity", "effects on the environment",
         "professional codes"),
    ),
    (
        "CIV",
        "Taking part in public life",
        ("institutions of government", "public budgets", "policy proposals", "community partnerships",
         "perspectives other than one's own"),
    ),
    (
        "COL",
        "Working with others",
        ("shared plans", "constructive feedback", "conflicts in a team", "leadership of a group",
         "projects for a client"),
    ),
    (
        "LRN",
        "Learning on",
        ("personal goals", "reflection on experience", "transfer to a new setting", "unfamiliar tools",
         "a portfolio of work"),
    ),
)  # fmt: skip
STEPS = (
    ("Describes {} in own words, with an example.", "Describe"),
    ("Uses {} to carry out a set task.", "Use"),
    ("Judges the strengths and limits of {} in a new situation.", "Judge"),
)

COURSE_OUTCOMES: dict[str, tuple[str, ...]] = {
    "MATH 121": ("QNT.1.1", "QNT.1.2"),
    "MATH 122": ("QNT.1.2", "QNT.1.3"),
    "MATH 210": ("QNT.1.2",),
    "STAT 201": ("QNT.2.1", "QNT.2.2", "QNT.3.1"),
    "STAT 310": ("QNT.3.2", "QNT.3.3", "COM.4.2"),
    "STAT 340": ("QNT.5.1", "QNT.5.2", "QNT.5.3", "INQ.5.2"),
    "COMP 101": ("CMP.1.1", "CMP.1.2", "LRN.4.1"),
    "COMP 150": ("ETH.2.1", "ETH.2.2", "COM.4.1"),
    "COMP 210": ("CMP.2.1", "CMP.2.2", "CMP.2.3"),
    "COMP 240": ("CMP.3.1", "CMP.3.2", "CMP.3.3"),
    "COMP 320": ("CMP.1.3",),
    "COMP 330": ("CMP.4.1", "CMP.4.2", "CMP.4.3"),
    "COMP 345": ("COL.1.2", "COL.2.2", "COL.5.2", "COM.3.2"),
    "COMP 390": ("CMP.5.1", "CMP.5.2", "ETH.2.3"),
    "BIOL 110": ("INQ.3.1",),
    "BIOL 111": ("ETH.4.1", "INQ.3.1"),
    "BIOL 220": ("QNT.2.1", "INQ.3.2"),
    "BIOL 305": ("QNT.4.2", "INQ.3.2"),
    "BIOL 330": ("INQ.3.3", "ETH.4.2", "COL.1.1"),
    "CHEM 141": ("QNT.4.1", "QNT.4.2"),
    "ENGL 105": ("COM.1.1", "COM.1.2", "ETH.3.1"),
    "ENGL 230": ("COM.3.1", "COM.3.2", "COM.3.3"),
    "LING 101": ("COM.5.1", "CIV.5.1"),
    "LING 220": ("INQ.3.1", "QNT.4.1"),
    "LING 310": ("INQ.4.2", "COM.5.2", "COM.5.3"),
    "PHIL 140": ("COM.1.3", "INQ.2.1", "INQ.2.2"),
    "PHIL 260": ("ETH.1.1", "ETH.1.2", "ETH.1.3"),
    "SPAN 201": ("COM.5.1", "COM.5.2"),
    "SOCI 101": ("CIV.5.1", "CIV.5.2"),
    "SOCI 240": ("INQ.4.1", "INQ.4.2", "INQ.4.3"),
    "POLS 115": ("CIV.1.1", "CIV.1.2"),
    "POLS 310": ("CIV.3.1", "CIV.3.2", "CIV.3.3"),
    "ECON 201": ("QNT.1.1", "CIV.2.1"),
    "PSYC 101": ("INQ.1.1", "INQ.2.1"),
    "BUSN 110": ("COL.1.1", "COL.4.1"),
    "BUSN 220": ("QNT.4.1",),
    "BUSN 315": ("COL.1.2", "COL.3.1"),
    "BUSN 330": ("INQ.4.2", "COM.4.2"),
    "PUBS 210": ("CIV.2.1", "CIV.2.2"),
    "PUBS 395": ("CIV.4.2", "COL.5.1", "COL.5.2", "COL.5.3", "COM.2.2"),
    "UNIV 100": ("LRN.1.1", "LRN.2.1"),
}


def item_identifier(code: str) -> str:
    """The UUID of an item by its code, the same each time."""
    return str(uuid.uuid5(NAMESPACE, code))


def package() -> dict[str, Any]:
    """A CASE 1.1 package: 8 domains, 40 outcomes, 120 indicators, in their order."""
    document_id = item_identifier("document")
    items: list[dict[str, Any]] = []
    associations: list[dict[str, Any]] = []

    def link(code: str, title: str) -> dict[str, str]:
        kind = "CFDocuments" if code == "document" else "CFItems"
        identifier = item_identifier(code)
        return {"title": title, "identifier": identifier, "uri": f"{ADDRESS}/{kind}/{identifier}"}

    def relate(kind: str, origin: str, destination: str, sequence: int | None = None) -> None:
        identifier = item_identifier(f"{kind}:{origin}:{destination}")
        association: dict[str, Any] = {
            "identifier": identifier,
            "uri": f"{ADDRESS}/CFAssociations/{identifier}",
            "associationType": kind,
            "originNodeURI": link(origin, origin),
            "destinationNodeURI": link(destination, TITLE if destination == "document" else destination),
            "lastChangeDateTime": CHANGED,
        }
        if sequence is not None:
            association["sequenceNumber"] = sequence
        associations.append(association)

    def add(code: str, kind: str, full: str, short: str, parent: str, sequence: int) -> None:
        identifier = item_identifier(code)
        items.append(
            {
                "identifier": identifier,
                "uri": f"{ADDRESS}/CFItems/{identifier}",
                "fullStatement": full,
                "abbreviatedStatement": short,
                "humanCodingScheme": code,
                "CFItemType": kind,
                "educationLevel": ["PS"],
                "language": "en",
                "lastChangeDateTime": CHANGED,
            }
        )
        relate("isChildOf", code, parent, sequence)

    for place, (code, domain, topics) in enumerate(DOMAINS, start=1):
        add(code, "Domain", f"{domain}: graduates show this in study, work and public life.", domain, "document", place)
        for number, topic in enumerate(topics, start=1):
            outcome = f"{code}.{number}"
            add(outcome, "Outcome", f"Works confidently with {topic}.", topic.capitalize(), code, number)
            for step, (statement, verb) in enumerate(STEPS, start=1):
                add(f"{outcome}.{step}", "Indicator", statement.format(topic), f"{verb} {topic}", outcome, step)
            relate("precedes", f"{outcome}.1", f"{outcome}.2")
            relate("precedes", f"{outcome}.2", f"{outcome}.3")
    return {
        "CFDocument": {
            "identifier": document_id,
            "uri": f"{ADDRESS}/CFDocuments/{document_id}",
            "caseVersion": "1.1",
            "creator": "Alder Bay University, Office of Learning",
            "title": TITLE,
            "lastChangeDateTime": CHANGED,
            "publisher": "Alder Bay University",
            "description": "What every graduate of Alder Bay can do, and by which steps.",
            "language": "en",
            "version": "2026",
            "adoptionStatus": "Adopted",
        },
        "CFItems": items,
        "CFAssociations": associations,
    }
