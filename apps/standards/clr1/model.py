"""The classes of CLR 1.0 (section 2 of the standard), described once.

Each class is a dataclass. A field carries its ``Property``: wire name, kind of value, whether it is a list,
whether the final JSON Schema requires it, the list of values it is taken from, and the names it had in the
candidate finals. Reading, checking and writing all work from these descriptions.

Objects keep what they do not know: ``extra`` holds every further member of the JSON object, in its order,
and also members whose value is not of the kind the standard gives (CLR1-V-11, CLR1-P-26).
"""

# ruff: noqa: RUF009 - the defaults are dataclass fields, made by small functions that describe them
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, get_type_hints

CONTEXT_URL = "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld"
#: Addresses met in practice for the same terms; read with a warning, never written.
CONTEXT_ALIASES = frozenset(
    {
        "https://purl.imsglobal.org/spec/clr/v1p0/context/imsclr_v1p0.jsonld",
        "https://contexts.ward.guru/clr_v1p0.jsonld",
    }
)
MEDIA_TYPE = "application/clr"
FILE_EXTENSION = ".1clr"

SCOPE_READONLY = "https://purl.imsglobal.org/spec/clr/v1p0/scope/readonly"
SCOPE_REPLACE = "https://purl.imsglobal.org/spec/clr/v1p0/scope/replace"
SCOPE_DELETE = "https://purl.imsglobal.org/spec/clr/v1p0/scope/delete"


class Kind(Enum):
    """What a property's value is made of."""

    STRING = "string"
    IRI = "IRI"
    URI = "URI"
    DATE_TIME = "date and time"
    DATE = "date"
    BOOLEAN = "boolean"
    NUMBER = "number"
    JWS = "compact JWS"
    CONTEXT = "context"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A list of allowed values. ``extensible`` lists also take strings that begin with ``ext:``."""

    name: str
    values: tuple[str, ...]
    extensible: bool = False
    #: value of a candidate final -> the value that replaced it (section 11)
    formerly: Mapping[str, str] = field(default_factory=dict)

    def allows(self, value: str) -> bool:
        """Whether the final standard allows this value to be written."""
        if value in self.values:
            return True
        return self.extensible and EXTENDED_VALUE_WRITTEN.fullmatch(value) is not None


EXTENDED_VALUE_READ = re.compile(r"ext:.+", re.DOTALL)
EXTENDED_VALUE_WRITTEN = re.compile(r"ext:[a-zA-Z0-9._-]+")
COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}")

ACHIEVEMENT_TYPE = Vocabulary(
    "achievementType",
    (
        "Achievement",
        "Assessment",
        "Assignment",
        "Award",
        "Badge",
        "Certificate",
        "Certification",
        "Course",
        "CommunityService",
        "Competency",
        "Co-Curricular",
        "Degree",
        "Diploma",
        "Fieldwork",
        "License",
        "Membership",
    ),
    extensible=True,
    formerly={
        "AssessmentResult": "Assessment",
        "Assessment Result": "Assessment",
        "Community Service": "CommunityService",
    },
)
TARGET_TYPE = Vocabulary(
    "targetType",
    ("CFItem", "CFRubric", "CFRubricCriterion", "CFRubricCriterionLevel", "CTDL"),
    extensible=True,
)
ASSOCIATION_TYPE = Vocabulary(
    "associationType",
    (
        "exactMatchOf",
        "exemplar",
        "hasSkillLevel",
        "isChildOf",
        "isParentOf",
        "isPartOf",
        "isPeerOf",
        "isRelatedTo",
        "precedes",
        "replacedBy",
    ),
)
RESULT_TYPE = Vocabulary(
    "resultType",
    (
        "GradePointAverage",
        "LetterGrade",
        "Percent",
        "PerformanceLevel",
        "PredictedScore",
        "Result",
        "RawScore",
        "RubricCriterion",
        "RubricCriterionLevel",
        "RubricScore",
        "ScaledScore",
        "Status",
    ),
    extensible=True,
)
RESULT_STATUS = Vocabulary("status", ("Completed", "Enrolled", "Failed", "InProgress", "OnHold", "Withdrew"))
VERIFICATION_TYPE = Vocabulary("verification type", ("Hosted", "Signed", "Verification"))
IDENTIFIER_TYPE = Vocabulary("identifierType", ("LisSourcedId", "OneRosterSourcedId"), extensible=True)

#: The learner properties that a recipient's ``type`` may name.
RECIPIENT_PROPERTIES = ("id", "email", "url", "telephone", "sourcedId", "studentId")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a class, as section 2 of the standard gives it."""

    kind: Kind
    wire: str = ""
    many: bool = False
    required: bool = False
    vocabulary: Vocabulary | None = None
    #: names of the candidate finals, newest first
    formerly: tuple[str, ...] = ()
    #: an array of strings is allowed beside the single string (``@context`` only)
    or_many: bool = False


def _wire_name(name: str) -> str:
    if name == "context":
        return "@context"
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _one(
    kind: Kind = Kind.STRING,
    *,
    required: bool = False,
    vocabulary: Vocabulary | None = None,
    formerly: tuple[str, ...] = (),
    or_many: bool = False,
) -> Any:
    described = Property(kind, "", False, required, vocabulary, formerly, or_many)
    return field(default=None, metadata={"property": described})


def _many(kind: Kind = Kind.STRING, *, required: bool = False) -> Any:
    return field(default_factory=list, metadata={"property": Property(kind, "", True, required)})


def _extra() -> Any:
    return field(default_factory=dict, repr=False)


@dataclass(slots=True, kw_only=True)
class Node:
    """What all classes share: room for members that the class does not describe."""

    extra: dict[str, Any] = _extra()


@dataclass(slots=True, kw_only=True)
class Address(Node):
    id: str | None = _one()
    type: str | None = _one()
    address_country: str | None = _one()
    address_locality: str | None = _one()
    address_region: str | None = _one()
    postal_code: str | None = _one()
    post_office_box_number: str | None = _one()
    street_address: str | None = _one()


@dataclass(slots=True, kw_only=True)
class Alignment(Node):
    id: str | None = _one()
    type: str | None = _one()
    target_code: str | None = _one()
    target_description: str | None = _one()
    target_name: str | None = _one(required=True)
    target_framework: str | None = _one(formerly=("educationalFramework", "frameworkName"))
    target_type: str | None = _one(vocabulary=TARGET_TYPE)
    target_url: str | None = _one(Kind.URI, required=True)


@dataclass(slots=True, kw_only=True)
class Association(Node):
    type: str | None = _one()
    association_type: str | None = _one(required=True, vocabulary=ASSOCIATION_TYPE)
    target_id: str | None = _one(Kind.IRI, required=True)
    title: str | None = _one(required=True)


@dataclass(slots=True, kw_only=True)
class Artifact(Node):
    type: str | None = _one()
    name: str | None = _one()
    description: str | None = _one()
    url: str | None = _one(Kind.IRI)


@dataclass(slots=True, kw_only=True)
class Evidence(Node):
    id: str | None = _one(Kind.URI)
    type: str | None = _one()
    name: str | None = _one(required=True)
    audience: str | None = _one()
    description: str | None = _one()
    genre: str | None = _one()
    narrative: str | None = _one()
    artifacts: list[Artifact] = _many(Kind.OBJECT)


@dataclass(slots=True, kw_only=True)
class Criteria(Node):
    id: str | None = _one(Kind.URI)
    type: str | None = _one()
    narrative: str | None = _one()


@dataclass(slots=True, kw_only=True)
class SystemIdentifier(Node):
    type: str | None = _one()
    identifier: str | None = _one(required=True)
    identifier_type: str | None = _one(required=True, vocabulary=IDENTIFIER_TYPE)


@dataclass(slots=True, kw_only=True)
class CryptographicKey(Node):
    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    owner: str | None = _one(Kind.IRI, required=True)
    public_key_pem: str | None = _one(required=True)


@dataclass(slots=True, kw_only=True)
class Verification(Node):
    id: str | None = _one(Kind.IRI)
    type: str | None = _one(required=True, vocabulary=VERIFICATION_TYPE)
    allowed_origins: list[str] = _many()
    creator: str | None = _one(Kind.URI)
    starts_with: list[str] = _many()
    verification_property: str | None = _one()


@dataclass(slots=True, kw_only=True)
class Identity(Node):
    id: str | None = _one(Kind.IRI)
    type: str | None = _one(required=True)
    identity: str | None = _one(required=True)
    hashed: bool | None = _one(Kind.BOOLEAN, required=True)
    salt: str | None = _one()


@dataclass(slots=True, kw_only=True)
class EndorsementProfile(Node):
    """A Profile that cannot itself carry endorsements, so that endorsements never nest."""

    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    name: str | None = _one()
    given_name: str | None = _one()
    additional_name: str | None = _one()
    family_name: str | None = _one()
    official: str | None = _one()
    description: str | None = _one()
    email: str | None = _one()
    telephone: str | None = _one()
    url: str | None = _one(Kind.URI)
    image: str | None = _one(Kind.IRI)
    address: Address | None = _one(Kind.OBJECT)
    sourced_id: str | None = _one()
    student_id: str | None = _one()
    identifiers: list[SystemIdentifier] = _many(Kind.OBJECT)
    public_key: CryptographicKey | None = _one(Kind.OBJECT)
    revocation_list: str | None = _one(Kind.URI)
    verification: Verification | None = _one(Kind.OBJECT)


@dataclass(slots=True, kw_only=True)
class EndorsementClaim(Node):
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    endorsement_comment: str | None = _one()


@dataclass(slots=True, kw_only=True)
class Endorsement(Node):
    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    issued_on: str | None = _one(Kind.DATE_TIME, required=True)
    claim: EndorsementClaim | None = _one(Kind.OBJECT, required=True)
    issuer: EndorsementProfile | None = _one(Kind.OBJECT, required=True)
    revoked: bool | None = _one(Kind.BOOLEAN)
    revocation_reason: str | None = _one()
    verification: Verification | None = _one(Kind.OBJECT, required=True)


@dataclass(slots=True, kw_only=True)
class Profile(Node):
    """Learner, publisher, issuer, source of an assertion, or parent organization."""

    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    name: str | None = _one()
    given_name: str | None = _one()
    additional_name: str | None = _one()
    family_name: str | None = _one()
    birth_date: str | None = _one(Kind.DATE, formerly=("birthdate",))
    official: str | None = _one()
    description: str | None = _one()
    email: str | None = _one()
    telephone: str | None = _one()
    url: str | None = _one(Kind.URI)
    image: str | None = _one(Kind.IRI)
    address: Address | None = _one(Kind.OBJECT)
    sourced_id: str | None = _one()
    student_id: str | None = _one()
    identifiers: list[SystemIdentifier] = _many(Kind.OBJECT)
    parent_org: Profile | None = _one(Kind.OBJECT)
    public_key: CryptographicKey | None = _one(Kind.OBJECT)
    revocation_list: str | None = _one(Kind.URI)
    verification: Verification | None = _one(Kind.OBJECT)
    endorsements: list[Endorsement] = _many(Kind.OBJECT)
    signed_endorsements: list[str] = _many(Kind.JWS)


@dataclass(slots=True, kw_only=True)
class RubricCriterionLevel(Node):
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    name: str | None = _one(required=True)
    description: str | None = _one()
    level: str | None = _one()
    points: str | None = _one()
    alignments: list[Alignment] = _many(Kind.OBJECT)


@dataclass(slots=True, kw_only=True)
class ResultDescription(Node):
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    name: str | None = _one(required=True)
    result_type: str | None = _one(required=True, vocabulary=RESULT_TYPE)
    allowed_values: list[str] = _many()
    value_min: str | None = _one(formerly=("resultMin",))
    value_max: str | None = _one(formerly=("resultMax",))
    required_value: str | None = _one()
    required_level: str | None = _one(Kind.IRI)
    rubric_criterion_levels: list[RubricCriterionLevel] = _many(Kind.OBJECT)
    alignments: list[Alignment] = _many(Kind.OBJECT)


@dataclass(slots=True, kw_only=True)
class Result(Node):
    id: str | None = _one(Kind.IRI)
    type: str | None = _one()
    result_description: str | None = _one(Kind.IRI, required=True)
    value: str | None = _one()
    achieved_level: str | None = _one(Kind.IRI)
    status: str | None = _one(vocabulary=RESULT_STATUS)
    alignments: list[Alignment] = _many(Kind.OBJECT)


@dataclass(slots=True, kw_only=True)
class Achievement(Node):
    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    achievement_type: str | None = _one(vocabulary=ACHIEVEMENT_TYPE)
    name: str | None = _one(required=True)
    human_code: str | None = _one()
    description: str | None = _one()
    credits_available: float | None = _one(Kind.NUMBER)
    field_of_study: str | None = _one()
    level: str | None = _one()
    specialization: str | None = _one()
    tags: list[str] = _many()
    image: str | None = _one(Kind.IRI)
    issuer: Profile | None = _one(Kind.OBJECT, required=True)
    requirement: Criteria | None = _one(Kind.OBJECT)
    identifiers: list[SystemIdentifier] = _many(Kind.OBJECT)
    alignments: list[Alignment] = _many(Kind.OBJECT)
    associations: list[Association] = _many(Kind.OBJECT)
    result_descriptions: list[ResultDescription] = _many(Kind.OBJECT)
    endorsements: list[Endorsement] = _many(Kind.OBJECT)
    signed_endorsements: list[str] = _many(Kind.JWS)


@dataclass(slots=True, kw_only=True)
class Assertion(Node):
    """The award of one achievement to the learner.

    The schema requires only ``id``; ``achievement``, ``issuedOn`` and ``recipient`` are required unless the
    assertion is revoked, which ``read.check`` knows.
    """

    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    issued_on: str | None = _one(Kind.DATE_TIME)
    activity_start_date: str | None = _one(Kind.DATE_TIME)
    activity_end_date: str | None = _one(Kind.DATE_TIME)
    expires: str | None = _one(Kind.DATE_TIME)
    term: str | None = _one()
    role: str | None = _one()
    license_number: str | None = _one()
    credits_earned: float | None = _one(Kind.NUMBER)
    narrative: str | None = _one()
    image: str | None = _one(Kind.IRI)
    recipient: Identity | None = _one(Kind.OBJECT)
    achievement: Achievement | None = _one(Kind.OBJECT)
    results: list[Result] = _many(Kind.OBJECT)
    evidence: list[Evidence] = _many(Kind.OBJECT)
    source: Profile | None = _one(Kind.OBJECT)
    endorsements: list[Endorsement] = _many(Kind.OBJECT)
    signed_endorsements: list[str] = _many(Kind.JWS)
    revoked: bool | None = _one(Kind.BOOLEAN)
    revocation_reason: str | None = _one()
    verification: Verification | None = _one(Kind.OBJECT)


@dataclass(slots=True, kw_only=True)
class Clr(Node):
    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.IRI, required=True)
    type: str | None = _one()
    name: str | None = _one()
    issued_on: str | None = _one(Kind.DATE_TIME, required=True)
    partial: bool | None = _one(Kind.BOOLEAN)
    learner: Profile | None = _one(Kind.OBJECT, required=True)
    publisher: Profile | None = _one(Kind.OBJECT, required=True)
    assertions: list[Assertion] = _many(Kind.OBJECT)
    signed_assertions: list[str] = _many(Kind.JWS)
    achievements: list[Achievement] = _many(Kind.OBJECT)
    endorsements: list[Endorsement] = _many(Kind.OBJECT)
    signed_endorsements: list[str] = _many(Kind.JWS)
    revoked: bool | None = _one(Kind.BOOLEAN)
    revocation_reason: str | None = _one()
    verification: Verification | None = _one(Kind.OBJECT)


@dataclass(slots=True, kw_only=True)
class ClrSet(Node):
    """What getClrs answers."""

    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.IRI)
    type: str | None = _one()
    clrs: list[Clr] = _many(Kind.OBJECT)
    signed_clrs: list[str] = _many(Kind.JWS)


@dataclass(slots=True, kw_only=True)
class ClrPayload(Node):
    """What postClr takes and answers: either ``clr`` or ``signed_clr``."""

    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    type: str | None = _one()
    clr: Clr | None = _one(Kind.OBJECT)
    signed_clr: str | None = _one(Kind.JWS)


@dataclass(slots=True, kw_only=True)
class RevocationList(Node):
    context: str | list[str] | None = _one(Kind.CONTEXT, or_many=True)
    id: str | None = _one(Kind.URI, required=True)
    type: str | None = _one()
    issuer: str | None = _one(Kind.IRI, required=True)
    revoked_assertions: list[str] = _many()


@dataclass(slots=True, kw_only=True)
class DiscoveryDocument(Node):
    context: str | list[str] | None = _one(Kind.CONTEXT, required=True, or_many=True)
    name: str | None = _one(required=True)
    image: str | None = _one(Kind.IRI)
    authorization_url: str | None = _one(Kind.URI, required=True)
    registration_url: str | None = _one(Kind.URI, required=True)
    token_url: str | None = _one(Kind.URI, required=True)
    privacy_policy_url: str | None = _one(Kind.URI, required=True)
    terms_of_service_url: str | None = _one(Kind.URI, required=True)
    scopes_offered: list[str] = _many(Kind.URI, required=True)


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a class together with its property and, for objects, the class of its value."""

    attribute: str
    described: Property
    of: type[Node] | None


@dataclass(frozen=True, slots=True)
class ClassDescription:
    """A class as the readers and writers need it: members by wire name, in writing order."""

    cls: type[Node]
    name: str
    #: other spellings of ``type`` that are read as this class
    type_names: frozenset[str]
    members: dict[str, Member]
    former_names: dict[str, Member]
    required: tuple[str, ...]


#: ``type`` values of the candidate final, and the profile's double life in endorsements (section 2).
_FURTHER_TYPE_NAMES: dict[str, frozenset[str]] = {
    "Clr": frozenset({"CLR"}),
    "ClrSet": frozenset({"CLRSet"}),
    "ClrPayload": frozenset({"CLRPayload"}),
    "EndorsementProfile": frozenset({"Profile"}),
}


#: class names of the candidate final -> those of the final (section 11)
FORMER_CLASS_NAMES = {"CLR": "Clr", "CLRSet": "ClrSet", "CLRPayload": "ClrPayload"}


_descriptions: dict[type[Node], ClassDescription] = {}


def describe(cls: type[Node]) -> ClassDescription:
    """The description of a class of this module, made once."""
    found = _descriptions.get(cls)
    if found is None:
        found = _descriptions[cls] = _describe(cls)
    return found


def _describe(cls: type[Node]) -> ClassDescription:
    hints = get_type_hints(cls)
    members: dict[str, Member] = {}
    former: dict[str, Member] = {}
    for each in fields(cls):
        found: Property | None = each.metadata.get("property")
        if found is None:
            continue
        complete = Property(
            found.kind,
            _wire_name(each.name),
            found.many,
            found.required,
            found.vocabulary,
            found.formerly,
            found.or_many,
        )
        of = _class_in(hints[each.name]) if complete.kind is Kind.OBJECT else None
        member = Member(each.name, complete, of)
        members[complete.wire] = member
        for name in complete.formerly:
            former[name] = member
    return ClassDescription(
        cls,
        cls.__name__,
        frozenset({cls.__name__}) | _FURTHER_TYPE_NAMES.get(cls.__name__, frozenset()),
        members,
        former,
        tuple(wire for wire, member in members.items() if member.described.required),
    )


def _class_in(hint: Any) -> type[Node]:
    for argument in getattr(hint, "__args__", ()):
        if isinstance(argument, type) and issubclass(argument, Node):
            return argument
    raise TypeError(f"no class of the model in {hint!r}")
