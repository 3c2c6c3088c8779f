"""CLR 1.0 ↔ Open Badges 2.0 (digest CLR 1.0, 10.1): both ways, without losing what both can say."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.standards.clr1 import model as clr1
from apps.standards.clr1 import read as clr1_read
from apps.standards.clr1 import write as clr1_write
from apps.standards.convert import clr1_ob2
from apps.standards.errors import DocumentFault
from apps.standards.ob2 import read as ob2_read

HERE = "https://records.college.example/ims/clr/v1p0"
BADGES = "https://records.college.example/ims/ob/v2p0"

ISSUER: dict[str, Any] = {
    "id": f"{HERE}/profiles/1",
    "type": "Profile",
    "name": "College of the Coast",
    "url": "https://college.example/",
    "email": "badges@college.example",
    "telephone": "+16175551212",
    "description": "A *small* college.",
    "image": "https://college.example/logo.png",
    "official": "M. Quispe",
    "identifiers": [{"type": "SystemIdentifier", "identifier": "00412300", "identifierType": "ext:OPEID"}],
    "revocationList": f"{HERE}/revocations/1",
    "verification": {
        "type": "Verification",
        "allowedOrigins": ["records.college.example"],
        "startsWith": ["https://records.college.example/"],
        "verificationProperty": "id",
    },
}
ACHIEVEMENT: dict[str, Any] = {
    "id": f"{HERE}/achievements/1",
    "type": "Achievement",
    "achievementType": "Certificate",
    "name": "Field methods – 漢字",
    "humanCode": "GEO 320",
    "description": "Maps **and** samples.",
    "creditsAvailable": 4.5,
    "level": "Advanced",
    "tags": ["field", "maps"],
    "image": "https://college.example/field.png",
    "issuer": ISSUER,
    "requirement": {"id": "https://college.example/field", "type": "Criteria", "narrative": "Two weeks."},
    "alignments": [
        {
            "type": "Alignment",
            "targetName": "Investigates",
            "targetUrl": "https://case.example/CFItems/1",
            "targetCode": "SCI.3",
            "targetDescription": "Plans and carries out investigations.",
            "targetFramework": "State outcomes",
            "targetType": "CFItem",
        }
    ],
    "associations": [
        {"type": "Association", "associationType": "isPartOf", "targetId": f"{HERE}/achievements/2", "title": "BSc"}
    ],
    "resultDescriptions": [
        {"id": "urn:uuid:a", "type": "ResultDescription", "name": "Grade", "resultType": "LetterGrade"}
    ],
}
ASSERTION: dict[str, Any] = {
    "id": f"{HERE}/assertions/1",
    "type": "Assertion",
    "issuedOn": "2026-06-30T15:00:00Z",
    "expires": "2031-06-30T15:00:00Z",
    "term": "Summer 2026",
    "creditsEarned": 4.5,
    "narrative": "Mapped the bay.",
    "image": "https://college.example/1.png",
    "recipient": {"type": "email", "identity": "ada@learners.example", "hashed": False},
    "achievement": ACHIEVEMENT,
    "evidence": [
        {
            "id": "https://portfolio.example/1",
            "type": "Evidence",
            "name": "Map",
            "description": "A map.",
            "genre": "Map",
            "audience": "Public",
            "narrative": "Drawn by hand.",
        }
    ],
    "results": [{"type": "Result", "resultDescription": "urn:uuid:a", "value": "A-", "status": "Completed"}],
    "ext:group": "Field work",
}


def assertion(**changes: Any) -> clr1.Assertion:
    return clr1_read.parse({**ASSERTION, **changes}, clr1.Assertion)


def faults_as_badge(document: dict[str, Any]) -> list[Any]:
    named = ob2_read.normalise(document)
    found = [*ob2_read.check_context(document), *ob2_read.check_type(named), *ob2_read.check(named, "Assertion")]
    return [each for each in found if each.code != "PROPERTY_MISSING" or "email" not in each.at]


def test_an_assertion_of_clr_is_a_whole_badge() -> None:
    document = clr1_ob2.badge_of(assertion())
    assert faults_as_badge(document) == []
    assert document["verification"] == {"type": "HostedBadge"}
    assert document["badge"]["criteria"] == {
        "type": "Criteria",
        "id": "https://college.example/field",
        "narrative": "Two weeks.",
    }
    assert document["badge"]["issuer"]["verification"]["type"] == "VerificationObject"
    assert document["badge"]["alignment"][0]["targetCode"] == "SCI.3"


def test_there_and_back_everything_is_the_same() -> None:
    """CLR1-V-19: what only CLR says travels in its own vocabulary."""
    back = clr1_write.to_json(clr1_ob2.assertion_from_badge(clr1_ob2.badge_of(assertion())))
    assert back.pop(clr1_ob2.BADGE) == ASSERTION["id"]
    assert back == ASSERTION


def test_a_badge_with_an_id_of_its_own_remembers_whose_words_it_says() -> None:
    document = clr1_ob2.badge_of(assertion(), id=f"{BADGES}/assertions/9", creator=f"{BADGES}/keys/1")
    assert document["id"] == f"{BADGES}/assertions/9"
    assert document["verification"] == {"type": "SignedBadge", "creator": f"{BADGES}/keys/1"}
    assert clr1_ob2.assertion_from_badge(document).id == ASSERTION["id"]


def test_what_shall_not_be_told_is_left_out() -> None:
    document = clr1_ob2.badge_of(assertion(), leave_out={"results", "creditsEarned"})
    assert "A-" not in json.dumps(document)
    assert f"{clr1_ob2.PREFIX}:term" in document


def test_a_file_inside_the_record_stays_there_and_one_elsewhere_goes_along() -> None:
    piece = {
        "type": "Evidence",
        "name": "Report",
        "artifacts": [
            {"type": "Artifact", "name": "Scan", "url": "data:image/png;base64,AAAA"},
            {"type": "Artifact", "name": "Poster", "url": "https://portfolio.example/poster.pdf"},
        ],
    }
    told = clr1_ob2.badge_of(assertion(evidence=[piece]))["evidence"]
    assert told == [
        {"type": "Evidence", "name": "Report"},
        {"type": "Evidence", "id": "https://portfolio.example/poster.pdf", "name": "Poster"},
    ]


def test_a_class_without_description_and_criteria_gets_what_a_badge_must_have() -> None:
    """OB20-I-01"""
    bare = clr1_read.parse(
        {"id": "urn:uuid:1", "name": "Calculus", "issuer": {"id": "urn:uuid:2", "name": "College"}}, clr1.Achievement
    )
    document = clr1_ob2.badge_class_of(bare, criteria="https://college.example/calculus")
    assert document["description"] == "Calculus"
    assert document["criteria"] == {"type": "Criteria", "id": "https://college.example/calculus"}


BADGE: dict[str, Any] = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "Assertion",
    "id": "https://host.example/assertions/7",
    "recipient": {"type": "email", "hashed": True, "salt": "s", "identity": "sha256$" + "0" * 64},
    "image": {"type": "Image", "id": "https://host.example/7.png", "caption": "A blue star"},
    "evidence": "https://host.example/evidence",
    "issuedOn": "2026-01-01T00:00:00Z",
    "verification": {"type": "HostedBadge"},
    "related": [{"id": "https://host.example/assertions/6"}],
    "version": 2,
    "badge": {
        "type": "BadgeClass",
        "id": "https://host.example/classes/1",
        "name": "Blue star",
        "description": "For blue things.",
        "image": "https://host.example/class.png",
        "criteria": "https://host.example/criteria",
        "issuer": {
            "type": "Issuer",
            "id": "https://host.example/issuer",
            "name": "Host",
            "url": "https://host.example",
            "email": "a@host.example",
            "publicKey": ["https://host.example/key1", "https://host.example/key2"],
        },
        "extensions:ApplyLink": {
            "@context": "https://openbadgespec.org/extensions/applyLinkExtension/context.json",
            "type": ["Extension", "extensions:ApplyLink"],
            "url": "https://host.example/apply",
        },
    },
}


def test_a_badge_becomes_an_assertion_that_the_standard_allows() -> None:
    made = clr1_write.to_json(clr1_ob2.assertion_from_badge(BADGE, id="urn:uuid:0f1d3cde-27b5-4f5d-9d38-0c24a3b1c001"))
    assert clr1_read.failures(clr1_read.check(made, clr1.Assertion)) == []
    assert made["achievement"]["achievementType"] == "Badge"
    assert made["evidence"][0]["id"] == BADGE["id"]
    assert made[clr1_ob2.BADGE] == BADGE["id"]
    assert "verification" not in made


def test_what_only_a_badge_says_comes_back() -> None:
    back = clr1_ob2.badge_of(clr1_ob2.assertion_from_badge(BADGE))
    assert back["image"] == BADGE["image"]
    assert back["related"] == BADGE["related"]
    assert back["version"] == "2"
    assert back["badge"]["issuer"]["publicKey"] == BADGE["badge"]["issuer"]["publicKey"]
    assert any("ApplyLink" in name for name in back["badge"])
    for name in ("id", "recipient", "issuedOn", "verification"):
        assert back[name] == BADGE[name]


def test_a_class_that_is_only_named_is_asked_for() -> None:
    bare = {**BADGE, "badge": BADGE["badge"]["id"]}
    with pytest.raises(DocumentFault, match="badge class"):
        clr1_ob2.assertion_from_badge(bare)
    told = clr1_ob2.assertion_from_badge(
        bare, badge_class={"@context": BADGE["@context"], **BADGE["badge"], "issuer": "https://host.example/issuer"}
    )
    assert told.achievement is not None and told.achievement.issuer is not None
    assert (told.achievement.name, told.achievement.issuer.id) == ("Blue star", "https://host.example/issuer")


def test_an_endorsement_goes_over_and_back() -> None:
    said = {
        "id": f"{HERE}/endorsements/1",
        "type": "Endorsement",
        "issuedOn": "2026-06-30T15:00:00Z",
        "claim": {"id": f"{HERE}/achievements/1", "type": "EndorsementClaim", "endorsementComment": "Good."},
        "issuer": {"id": "https://board.example/", "type": "EndorsementProfile", "name": "Board"},
        "verification": {"type": "Hosted"},
    }
    document = clr1_ob2.endorsement_of(clr1_read.parse(said, clr1.Endorsement))
    assert document["claim"] == {"id": f"{HERE}/achievements/1", "endorsementComment": "Good."}
    assert clr1_write.to_json(clr1_ob2.endorsement_from_badge(document)) == said


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
address = st.integers(1, 10**6).map("https://college.example/{}".format)
moment = st.datetimes().map(lambda at: at.strftime("2026-%m-%dT%H:%M:%SZ"))
piece = st.fixed_dictionaries(
    {"type": st.just("Evidence"), "name": text}, optional={"id": address, "narrative": text, "genre": text}
)
alignment = st.fixed_dictionaries(
    {"type": st.just("Alignment"), "targetName": text, "targetUrl": address},
    optional={"targetCode": text, "targetFramework": text, "targetType": st.just("CTDL")},
)


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(
        {"issuedOn": moment},
        optional={
            "narrative": text,
            "expires": moment,
            "role": text,
            "licenseNumber": text,
            "evidence": st.lists(piece, min_size=1, max_size=3),
            "revoked": st.booleans(),
            "revocationReason": text,
            "ext:house": text,
        },
    ),
    st.fixed_dictionaries(
        {"name": text, "description": text},
        optional={
            "tags": st.lists(text, min_size=1, max_size=3),
            "alignments": st.lists(alignment, min_size=1, max_size=2),
            "fieldOfStudy": text,
            "ext:house": text,
        },
    ),
)
def test_whatever_is_said_comes_back(said: dict[str, Any], earned: dict[str, Any]) -> None:
    original = {**ASSERTION, **said, "achievement": {**ACHIEVEMENT, **earned}}
    document = json.loads(json.dumps(clr1_ob2.badge_of(clr1_read.parse(original, clr1.Assertion))))
    back = clr1_write.to_json(clr1_ob2.assertion_from_badge(document))
    back.pop(clr1_ob2.BADGE)
    assert back == original


def test_every_valid_sample_becomes_an_assertion(shared: Path) -> None:
    folder = shared / "samples" / "ob-2.0"
    web = json.loads((folder / "web.json").read_text())
    assert web
    converted = 0
    for file in sorted((folder / "cases").rglob("*.json")):
        document = json.loads(file.read_text())
        if not (isinstance(document, dict) and isinstance(document.get("badge"), dict) and document.get("id")):
            continue
        try:
            made = clr1_ob2.assertion_from_badge(document)
        except DocumentFault:
            continue
        assert made.achievement is not None and made.achievement.name
        converted += 1
    assert converted
