"""CLR 1.0, section 2 of the digest, property by property: the tables below are the standard's own.

Each line of a table is one property: its name, what it is made of, how often it stands, and an exclamation mark where
the final schema requires it. Everything here is tried at every property: built, read back, missing, null, and of
another kind (CLR1-P-19, CLR1-V-10, CLR1-C-07).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.standards.clr1 import model, read, write
from tests.effort import examples

pytestmark = pytest.mark.once

JWS = "eyJhbGciOiJSUzI1NiJ9.eyJpZCI6InVybjp4In0.c2lnbmF0dXJl"
MOMENT = "2026-06-30T15:00:00Z"

PROFILE_COMMON = """
@context context
id iri !
type text
name text
givenName text
additionalName text
familyName text
address Address
description text
email text
telephone text
url uri
image iri
official text
identifiers SystemIdentifier*
sourcedId text
studentId text
publicKey CryptographicKey
revocationList uri
verification Verification
"""

TABLES: dict[str, str] = {
    "Clr": """
        @context context
        id iri !
        type text
        achievements Achievement*
        assertions Assertion*
        endorsements Endorsement*
        issuedOn moment !
        learner Profile !
        name text
        partial boolean
        publisher Profile !
        revoked boolean
        revocationReason text
        signedAssertions jws*
        signedEndorsements jws*
        verification Verification
        """,
    "ClrSet": """
        @context context
        id iri
        type text
        clrs Clr*
        signedClrs jws*
        """,
    "ClrPayload": """
        @context context
        type text
        clr Clr
        signedClr jws
        """,
    "Assertion": """
        @context context
        id iri !
        type text
        achievement Achievement
        activityStartDate moment
        activityEndDate moment
        creditsEarned number
        endorsements Endorsement*
        evidence Evidence*
        expires moment
        image iri
        issuedOn moment
        licenseNumber text
        narrative text
        recipient Identity
        results Result*
        revoked boolean
        revocationReason text
        role text
        signedEndorsements jws*
        source Profile
        term text
        verification Verification
        """,
    "Achievement": """
        @context context
        id iri !
        type text
        achievementType achievementType
        alignments Alignment*
        associations Association*
        creditsAvailable number
        description text
        endorsements Endorsement*
        fieldOfStudy text
        humanCode text
        identifiers SystemIdentifier*
        image iri
        issuer Profile !
        level text
        name text !
        requirement Criteria
        resultDescriptions ResultDescription*
        signedEndorsements jws*
        specialization text
        tags text*
        """,
    "Profile": PROFILE_COMMON
    + """
        birthDate date
        parentOrg Profile
        endorsements Endorsement*
        signedEndorsements jws*
        """,
    "EndorsementProfile": PROFILE_COMMON,
    "Address": """
        id text
        type text
        addressCountry text
        addressLocality text
        addressRegion text
        postalCode text
        postOfficeBoxNumber text
        streetAddress text
        """,
    "Alignment": """
        id text
        type text
        targetName text !
        targetUrl uri !
        targetCode text
        targetDescription text
        targetFramework text
        targetType targetType
        """,
    "Association": """
        type text
        associationType associationType !
        targetId iri !
        title text !
        """,
    "Artifact": """
        type text
        name text
        description text
        url iri
        """,
    "Evidence": """
        id uri
        type text
        name text !
        artifacts Artifact*
        audience text
        description text
        genre text
        narrative text
        """,
    "Criteria": """
        id uri
        type text
        narrative text
        """,
    "ResultDescription": """
        id iri !
        type text
        name text !
        resultType resultType !
        allowedValues text*
        valueMin text
        valueMax text
        requiredValue text
        requiredLevel iri
        rubricCriterionLevels RubricCriterionLevel*
        alignments Alignment*
        """,
    "RubricCriterionLevel": """
        id iri !
        type text
        name text !
        level text
        points text
        description text
        alignments Alignment*
        """,
    "Result": """
        id iri
        type text
        resultDescription iri !
        value text
        achievedLevel iri
        status status
        alignments Alignment*
        """,
    "Endorsement": """
        @context context
        id iri !
        type text
        claim EndorsementClaim !
        issuedOn moment !
        issuer EndorsementProfile !
        verification Verification !
        revoked boolean
        revocationReason text
        """,
    "EndorsementClaim": """
        id iri !
        type text
        endorsementComment text
        """,
    "Identity": """
        id iri
        type text !
        identity text !
        hashed boolean !
        salt text
        """,
    "Verification": """
        id iri
        type verificationType !
        creator uri
        allowedOrigins text*
        startsWith text*
        verificationProperty text
        """,
    "CryptographicKey": """
        @context context
        id iri !
        type text
        owner iri !
        publicKeyPem text !
        """,
    "RevocationList": """
        @context context
        id uri !
        type text
        issuer iri !
        revokedAssertions text*
        """,
    "SystemIdentifier": """
        type text
        identifier text !
        identifierType identifierType !
        """,
    "DiscoveryDocument": """
        @context context !
        authorizationUrl uri !
        registrationUrl uri !
        tokenUrl uri !
        name text !
        privacyPolicyUrl uri !
        termsOfServiceUrl uri !
        scopesOffered uri* !
        image iri
        """,
}

LISTS: dict[str, tuple[str, bool]] = {
    "achievementType": (
        "Achievement Assessment Assignment Award Badge Certificate Certification Course CommunityService Competency"
        " Co-Curricular Degree Diploma Fieldwork License Membership",
        True,
    ),
    "targetType": ("CFItem CFRubric CFRubricCriterion CFRubricCriterionLevel CTDL", True),
    "resultType": (
        "GradePointAverage LetterGrade Percent PerformanceLevel PredictedScore Result RawScore RubricCriterion"
        " RubricCriterionLevel RubricScore ScaledScore Status",
        True,
    ),
    "identifierType": ("LisSourcedId OneRosterSourcedId", True),
    "associationType": (
        "exactMatchOf exemplar hasSkillLevel isChildOf isParentOf isPartOf isPeerOf isRelatedTo precedes replacedBy",
        False,
    ),
    "status": ("Completed Enrolled Failed InProgress OnHold Withdrew", False),
    "verificationType": ("Hosted Signed Verification", False),
}

PLAIN: dict[str, list[Any]] = {
    "text": ["", "Ada Núñez 学生 \u202b", "null"],
    "iri": ["https://x.example/1", "urn:uuid:00000000-0000-4000-8000-000000000001", "did:web:x.example"],
    "uri": ["https://x.example/1?a=b#c"],
    "moment": [MOMENT, "2026-06-30T15:00:00.1234567+02:00"],
    "date": ["2004-02-29"],
    "boolean": [True, False],
    "number": [4, 4.5, 0],
    "jws": [JWS],
    "context": [model.CONTEXT_URL, [model.CONTEXT_URL, "https://x.example/more"]],
}
WRONG: dict[str, list[Any]] = {
    "text": [5, True, ["a"], {}],
    "iri": [5, ["urn:x"], {}],
    "uri": [5, "no address", {}],
    "moment": [1_750_000_000, "30 June", "2026-06-30", {}],
    "date": [20040229, "29 February", "2004-02-30"],
    "boolean": ["true", 1, {}],
    "number": ["4.0", True, {}],
    "jws": [5, "a.b", f"{JWS}.{JWS}", "aaaa.bbbb.", {}],
}


@dataclass(frozen=True)
class Row:
    """One property of one class."""

    owner: str
    name: str
    kind: str
    many: bool
    required: bool

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"


def rows_of(owner: str) -> list[Row]:
    found = []
    for line in TABLES[owner].split("\n"):
        if line.strip():
            name, kind, *mark = line.split()
            found.append(Row(owner, name, kind.rstrip("*"), kind.endswith("*"), mark == ["!"]))
    return found


ROWS = [row for owner in TABLES for row in rows_of(owner)]


def class_of(name: str) -> type[model.Node]:
    return getattr(model, name)


def values_of(row: Row) -> Iterator[Any]:
    """Values that the standard takes for a property."""
    if row.kind in TABLES:
        singles: list[Any] = [least(row.kind)]
    elif row.kind in LISTS:
        words, extended = LISTS[row.kind]
        singles = [*words.split(), *(["ext:A.b_c-1"] if extended else [])]
    elif row.name == "type":
        singles = [row.owner]
    else:
        singles = PLAIN[row.kind]
    for single in singles:
        yield [single] if row.many else single
    if row.many:
        yield singles[:1] * 2


def least(owner: str) -> dict[str, Any]:
    """The smallest object of a class: what is required and nothing else."""
    document = {row.name: next(values_of(row)) for row in rows_of(owner) if row.required}
    if owner == "Identity":
        document |= {"type": "id", "identity": "urn:x", "hashed": False}
    if owner == "Assertion":  # beside its id an assertion needs these, or that it was revoked (8.7)
        document["revoked"] = True
    for row in rows_of(owner):
        if row.required and row.kind == "text" and not row.many and document[row.name] == "":
            document[row.name] = "something"
    return document


def found_at(document: dict[str, Any], owner: str, place: str) -> list[tuple[str, str]]:
    findings = read.check(document, class_of(owner))
    return [(each.severity, each.code) for each in findings if each.at == place or each.at.startswith(place + "/")]


def round_trip(document: dict[str, Any], owner: str) -> dict[str, Any]:
    """Read, built, put into JSON text and read from it again: what a store and a second reader would have."""
    stored = json.loads(write.canonical(write.to_json(read.parse(document, class_of(owner)))))
    return write.to_json(read.parse(stored, class_of(owner)))


# --- the tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", TABLES)
def test_a_class_has_exactly_the_properties_of_the_standard(owner: str) -> None:
    members = model.describe(class_of(owner)).members
    assert set(members) == {row.name for row in rows_of(owner)}


def test_no_class_is_missing_from_the_tables() -> None:
    ours = {cls.__name__ for cls in model.Node.__subclasses__()}
    assert ours == set(TABLES)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_property_is_built_and_read_back(row: Row) -> None:
    """CLR1-P-19, CLR1-C-07: each value that the standard takes has no finding and comes back equal, as a value."""
    for value in values_of(row):
        document = {**least(row.owner), row.name: value}
        assert found_at(document, row.owner, f"/{row.name}") == []
        node = read.parse(document, class_of(row.owner))
        member = model.describe(class_of(row.owner)).members[row.name]
        assert getattr(node, member.attribute) not in (None, []), "it was kept aside instead of understood"
        assert node.extra == {}
        assert round_trip(document, row.owner) == document


@pytest.mark.parametrize("row", [row for row in ROWS if row.required], ids=str)
def test_what_is_required_may_not_be_missing(row: Row) -> None:
    """CLR1-V-10; absent and null are the same (section 2)."""
    document = least(row.owner)
    del document[row.name]
    assert ("failure", "PROPERTY_MISSING") in found_at(document, row.owner, f"/{row.name}")
    assert ("failure", "PROPERTY_MISSING") in found_at({**document, row.name: None}, row.owner, f"/{row.name}")


@pytest.mark.parametrize("row", [row for row in ROWS if not row.required], ids=str)
def test_null_is_read_as_absent_with_a_warning(row: Row) -> None:
    """Section 2: read as absent; never written by us, but a foreign one is handed on as it came (CLR1-P-26)."""
    document = {**least(row.owner), row.name: None}
    if row.name == "revoked" and row.owner == "Assertion":
        document["activityStartDate"] = MOMENT
    found = found_at(document, row.owner, f"/{row.name}")
    if row.kind == "context":
        assert found == []  # judged by check_context, as a whole
    else:
        assert ("warning", "NULL_PROPERTY") in found
        assert [each for each in found if each[0] == "failure"] == []
    node = read.parse(document, class_of(row.owner))
    attribute = model.describe(class_of(row.owner)).members[row.name].attribute
    assert getattr(node, attribute) in (None, [])
    assert round_trip(document, row.owner) == document


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind != "context"], ids=str)
def test_a_value_of_another_kind_is_invalid_and_kept(row: Row) -> None:
    """CLR1-V-10, V-11."""
    wrong: list[Any]
    if row.kind in TABLES:
        wrong = [5, True] if row.kind in {"Profile", "EndorsementProfile", "Achievement"} else [5, True, "urn:x"]
        wrong = [5, True] if row.kind == "CryptographicKey" else wrong
    elif row.kind in LISTS:
        wrong = [5, "Anything", {}]
    elif row.name == "type" and row.owner in {"Evidence", "Artifact", "Identity"}:
        wrong = [5, {}]
    elif row.name == "type":
        wrong = [5, {}, "SomethingElse"]
    else:
        wrong = WRONG[row.kind]
    if row.many:
        wrong = [[each] for each in wrong] + [next(values_of(row))[0]]
    for value in wrong:
        document = {**least(row.owner), row.name: value}
        failures = [code for severity, code in found_at(document, row.owner, f"/{row.name}") if severity == "failure"]
        assert failures, value
        assert set(failures) <= {"PROPERTY_INVALID", "ENUM_INVALID", "TYPE_INVALID"}, value
        assert round_trip(document, row.owner) == document


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind in LISTS], ids=str)
def test_lists_of_values(row: Row) -> None:
    """CLR1-P-20: what is written has `ext:` and plain characters, what is read may be any text after `ext:`."""
    words, extended = LISTS[row.kind]
    vocabulary = model.describe(class_of(row.owner)).members[row.name].described.vocabulary
    assert vocabulary is not None
    assert list(vocabulary.values) == words.split()
    assert vocabulary.extensible is extended
    assert vocabulary.allows("ext:A.b_c-1") is extended
    assert not vocabulary.allows("ext:Two words") and not vocabulary.allows("ext:") and not vocabulary.allows("xext:A")
    for value in ("ext:Two words", "ext:学", "ext:a:b"):
        found = found_at({**least(row.owner), row.name: value}, row.owner, f"/{row.name}")
        assert found == ([] if extended else [("failure", "ENUM_INVALID")])
    for value in ("ext:", "EXT:A", words.split()[0].swapcase()):
        found = found_at({**least(row.owner), row.name: value}, row.owner, f"/{row.name}")
        assert found == [("failure", "ENUM_INVALID")]


# --- what stands beside the tables --------------------------------------------------------------------------


@pytest.mark.parametrize("owner", TABLES)
def test_unknown_properties_are_harmless_and_kept_at_every_level(owner: str) -> None:
    """CLR1-V-11, CLR1-P-26: prefixed or not, of any kind, in every class."""
    further = {"x:seal": {"a": [1, None, {"b": "c"}]}, "pronouns": "they", "x:n": 1.5, "x:t": True, "x:l": ["a", 2]}
    document = {**least(owner), **further}
    assert [each for each in read.check(document, class_of(owner)) if each.severity == "failure"] == []
    assert round_trip(document, owner) == document


@pytest.mark.parametrize(
    "owner, before, after, value",
    [
        ("Alignment", "educationalFramework", "targetFramework", "F"),
        ("Alignment", "frameworkName", "targetFramework", "F"),
        ("ResultDescription", "resultMin", "valueMin", "0"),
        ("ResultDescription", "resultMax", "valueMax", "9"),
        ("Profile", "birthdate", "birthDate", "2004-02-29T00:00:00"),
    ],
)
def test_names_of_the_candidate_finals_are_read_as_the_final_ones(
    owner: str, before: str, after: str, value: str
) -> None:
    """CLR1-C-07, section 11: read under the old name, written under the new; the new one wins where both stand."""
    document = {**least(owner), before: value}
    assert [each for each in read.check(document, class_of(owner)) if each.severity == "failure"] == []
    assert round_trip(document, owner) == {**least(owner), after: value}
    both = {**document, after: value.replace("2", "1")}
    assert round_trip(both, owner) == both


def test_a_validity_period_of_the_candidate_final_is_kept_under_its_own_name() -> None:
    """Section 11: `startDate` and `endDate` meant a validity; no property of the final says the same."""
    document = {**least("Assertion"), "startDate": MOMENT, "endDate": "2027-01-01"}
    assert [each for each in read.check(document, model.Assertion) if each.severity == "failure"] == []
    assert round_trip(document, "Assertion") == document


@pytest.mark.parametrize("before, after", [("CLR", "Clr"), ("CLRSet", "ClrSet"), ("CLRPayload", "ClrPayload")])
def test_class_names_of_the_candidate_final(before: str, after: str) -> None:
    document = {**least(after), "type": before}
    assert found_at(document, after, "/type") == []
    assert round_trip(document, after)["type"] == after


@pytest.mark.parametrize(
    "owner, name, before, after",
    [
        ("Achievement", "achievementType", "AssessmentResult", "Assessment"),
        ("Achievement", "achievementType", "Assessment Result", "Assessment"),
        ("Achievement", "achievementType", "Community Service", "CommunityService"),
    ],
)
def test_values_of_the_candidate_finals(owner: str, name: str, before: str, after: str) -> None:
    document = {**least(owner), name: before}
    assert found_at(document, owner, f"/{name}") == [("warning", "CANDIDATE_FINAL_VALUE")]
    assert round_trip(document, owner) == {**least(owner), name: after}


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.kind in {"Profile", "EndorsementProfile", "Achievement", "CryptographicKey"}],
    ids=str,
)
def test_a_bare_string_is_read_as_a_reference_and_never_written(row: Row) -> None:
    """Section 2, "URI instead of object": read with a warning."""
    value = ["urn:it"] if row.many else "urn:it"
    document = {**least(row.owner), row.name: value}
    place = f"/{row.name}/0" if row.many else f"/{row.name}"
    assert ("warning", "PROPERTY_INVALID") in found_at(document, row.owner, place)
    reference = {"id": "urn:it"}
    assert round_trip(document, row.owner) == {**least(row.owner), row.name: [reference] if row.many else reference}


@pytest.mark.parametrize("name", ["Profile", "EndorsementProfile"])
def test_an_endorser_may_call_itself_a_profile(name: str) -> None:
    """Final and candidate final disagree; both are read."""
    document = {**least("EndorsementProfile"), "type": name}
    assert found_at(document, "EndorsementProfile", "/type") == []


def test_revocation_lists_of_open_badges_are_read_all_the_same() -> None:
    """Section 2, RevocationList [R]: objects with an id instead of strings."""
    document = {**least("RevocationList"), "revokedAssertions": ["urn:a", {"id": "urn:b", "revocationReason": "Lost"}]}
    assert round_trip(document, "RevocationList") == document


# --- laws -----------------------------------------------------------------------------------------------------


def _plain_json() -> st.SearchStrategy[Any]:
    leaf = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    return st.recursive(
        leaf | text, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=6
    )


_EXTENSIONS = st.dictionaries(st.from_regex(r"[a-z]{1,5}:[a-z]{1,5}", fullmatch=True), _plain_json(), max_size=2)


def _documents(owner: str, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of a class with any of its properties, and extensions at every level."""
    required, optional = {}, {}
    for row in rows_of(owner):
        if row.kind in TABLES:
            if depth == 0:
                value: st.SearchStrategy[Any] = st.just(least(row.kind))
            else:
                value = st.deferred(lambda kind=row.kind: _documents(kind, depth - 1))  # type: ignore[misc]
            value = st.lists(value, min_size=1, max_size=2) if row.many else value
        else:
            value = st.sampled_from(list(values_of(row)))
        (required if row.required else optional)[row.name] = value
    if owner == "Identity":
        required |= {"identity": st.just("urn:x"), "hashed": st.just(False), "type": st.just("id")}
    if depth == 0:
        optional = {name: value for name, value in optional.items() if name in {"id", "type", "name"}}
    fixed = st.fixed_dictionaries(required, optional=optional)
    return st.tuples(fixed, _EXTENSIONS).map(lambda pair: {**pair[1], **pair[0]})


@pytest.mark.parametrize("owner", ["Clr", "ClrSet", "Assertion", "Achievement", "Profile", "Endorsement"])
@settings(max_examples=examples(40), deadline=None)
@given(data=st.data())
def test_whatever_is_read_is_written_without_loss(owner: str, data: st.DataObject) -> None:
    """CLR1-P-26, CLR1-C-10: any document of a class, with extensions at every level, comes back equal."""
    document = data.draw(_documents(owner))
    assert round_trip(document, owner) == document


@settings(max_examples=examples(150), deadline=None)
@given(st.dictionaries(st.sampled_from([row.name for row in ROWS]), _plain_json(), max_size=8))
def test_reading_never_fails_and_never_loses(document: dict[str, Any]) -> None:
    """CLR1-V-17: any JSON under the names of the standard is read, checked, and written again with every member."""
    for owner in ("Clr", "Profile", "Achievement", "Verification"):
        again = round_trip(document, owner)
        read.check(document, class_of(owner))
        assert len(again) == len(document)
