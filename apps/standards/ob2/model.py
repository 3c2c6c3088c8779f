"""The classes of Open Badges 2.0 (part A2 of the digest) and the names its context gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

CONTEXT_URL = "https://w3id.org/openbadges/v2"
CONTEXT_ALIASES = frozenset({"https://openbadgespec.org/v2/context.json"})
CONTEXT_V1 = "https://w3id.org/openbadges/v1"
CONTEXT_2P1 = frozenset(
    {
        "https://purl.imsglobal.org/spec/ob/v2p1/ob_v2p1.jsonld",
        "https://purl.imsglobal.org/spec/ob/v2p1/context/ob_v2p1.jsonld",
    }
)

PREFIXES = {
    "extensions": "https://w3id.org/openbadges/extensions#",
    "obi": "https://w3id.org/openbadges#",
    "cred": "https://w3id.org/credentials#",
    "dc": "http://purl.org/dc/terms/",
    "schema": "http://schema.org/",
    "sec": "https://w3id.org/security#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

#: Term of the v2 context -> IRI, written with the prefixes above. Of two terms for one IRI the first is the
#: one that this package uses.
_TERMS = """
AlignmentObject schema:AlignmentObject | CryptographicKey sec:Key | Endorsement cred:Credential
Assertion obi: | BadgeClass obi: | Criteria obi: | Evidence obi: | Extension obi: | FrameValidation obi:
IdentityObject obi: | Image obi: | HostedBadge obi: | hosted obi:HostedBadge | Issuer obi: | Profile obi:
RevocationList obi: | SignedBadge obi: | signed obi:SignedBadge | TypeValidation obi: | VerificationObject obi:
author schema: | caption schema: | claim cred: | created dc: | creator dc: | description schema: | email schema:
endorsement cred:credential | expires sec:expiration | genre schema: | image schema: | name schema: | owner sec:
publicKey sec: | publicKeyPem sec: | related dc:relation
startsWith http://purl.org/dqm-vocabulary/v1/dqm#startsWith | tags schema:keywords | targetDescription schema:
targetFramework schema:educationalFramework | targetName schema: | targetUrl schema: | telephone schema:
url schema: | version schema: | alignment obi: | allowedOrigins obi: | audience obi: | badge obi: | criteria obi:
endorsementComment obi: | evidence obi: | hashed obi: | identity obi:identityHash | issuedOn obi:issueDate
issuer obi: | narrative obi: | recipient obi: | revocationList obi: | revocationReason obi: | revoked obi:
revokedAssertions obi:revoked | salt obi: | targetCode obi: | uid obi: | validatesType obi: | validationFrame obi:
validationSchema obi: | verification obi:verify | verificationProperty obi: | verify obi:verify | validation obi:
"""


def _terms() -> dict[str, str]:
    terms: dict[str, str] = {}
    for line in _TERMS.strip().splitlines():
        for entry in line.split(" | "):
            term, iri = entry.split()
            prefix, _, local = iri.partition(":")
            terms[term] = iri if prefix not in PREFIXES else PREFIXES[prefix] + (local or term)
    return terms


TERMS: dict[str, str] = _terms()
#: IRI -> the term that stands for it here.
TERM_FOR: dict[str, str] = {}
for _term, _iri in TERMS.items():
    TERM_FOR.setdefault(_iri, _term)

#: Terms that the context of version 1.1 does not have.
NOT_IN_VERSION_1 = frozenset(
    {
        "verification",
        "narrative",
        "endorsement",
        "related",
        "allowedOrigins",
        "startsWith",
        "verificationProperty",
        "audience",
        "genre",
        "caption",
        "author",
        "targetName",
        "targetUrl",
        "targetDescription",
        "targetFramework",
        "targetCode",
    }
)


class Kind(Enum):
    """What a property's value is made of (part A3)."""

    TEXT = "text"
    BOOLEAN = "true or false"
    DATE_TIME = "a date with time and zone"
    URL = "a web address"
    IRI = "an IRI"
    EMAIL = "an e-mail address"
    TELEPHONE = "a telephone number"
    AUTHORITY = "a host name"
    NAME = "the name of a property"
    IMAGE = "an image"
    NODE = "an object or its IRI"
    VALUE = "any value"


@dataclass(frozen=True, slots=True)
class Property:
    """One property: kind of value, whether it is required, whether it may have several values."""

    kind: Kind
    required: bool = False
    many: bool = False
    #: for NODE: the class of the object; for others unused
    of: str = ""
    #: whether an IRI alone will do in place of the object
    by_reference: bool = True


@dataclass(frozen=True, slots=True)
class Class:
    """One class: the ``type`` values that name it, and its properties."""

    name: str
    type_names: frozenset[str]
    #: whether an embedded object may leave ``type`` out
    type_optional: bool
    properties: dict[str, Property] = field(default_factory=dict)


def _class(*names: str, type_optional: bool = False, **properties: Property) -> Class:
    common = {
        "related": Property(Kind.VALUE, many=True),
        "endorsement": Property(Kind.NODE, many=True, of="Endorsement"),
    }
    return Class(names[0], frozenset(names), type_optional, {**properties, **common})


_text = Property(Kind.TEXT)
_name = Property(Kind.TEXT, required=True)
_moment = Property(Kind.DATE_TIME, required=True)

CLASSES: dict[str, Class] = {
    each.name: each
    for each in (
        _class(
            "Assertion",
            id=Property(Kind.IRI, required=True),
            recipient=Property(Kind.NODE, required=True, of="IdentityObject", by_reference=False),
            badge=Property(Kind.NODE, required=True, of="BadgeClass"),
            verification=Property(Kind.NODE, required=True, of="VerificationObject", by_reference=False),
            issuedOn=_moment,
            image=Property(Kind.IMAGE),
            evidence=Property(Kind.NODE, many=True, of="Evidence"),
            narrative=_text,
            expires=Property(Kind.DATE_TIME),
            revoked=Property(Kind.BOOLEAN),
            revocationReason=_text,
        ),
        _class(
            "BadgeClass",
            id=Property(Kind.IRI, required=True),
            name=_name,
            description=_name,
            image=Property(Kind.IMAGE, required=True),
            criteria=Property(Kind.NODE, required=True, of="Criteria"),
            issuer=Property(Kind.NODE, required=True, of="Profile"),
            alignment=Property(Kind.NODE, many=True, of="AlignmentObject", by_reference=False),
            tags=Property(Kind.TEXT, many=True),
        ),
        _class(
            "Profile",
            "Issuer",
            id=Property(Kind.IRI, required=True),
            name=_name,
            url=Property(Kind.URL, required=True),
            email=Property(Kind.EMAIL, required=True),
            telephone=Property(Kind.TELEPHONE),
            description=_text,
            image=Property(Kind.IMAGE),
            publicKey=Property(Kind.NODE, many=True, of="CryptographicKey"),
            verification=Property(Kind.NODE, of="VerificationObject", by_reference=False),
            revocationList=Property(Kind.URL),
        ),
        _class(
            "IdentityObject",
            type_optional=True,
            type=Property(Kind.NAME, required=True),
            identity=_name,
            hashed=Property(Kind.BOOLEAN, required=True),
            salt=_text,
        ),
        _class(
            "VerificationObject",
            "HostedBadge",
            "SignedBadge",
            type_optional=True,
            verificationProperty=Property(Kind.NAME),
            startsWith=Property(Kind.URL, many=True),
            allowedOrigins=Property(Kind.AUTHORITY, many=True),
            creator=Property(Kind.NODE, of="CryptographicKey"),
        ),
        _class(
            "Evidence",
            type_optional=True,
            id=Property(Kind.IRI),
            narrative=_text,
            name=_text,
            description=_text,
            genre=_text,
            audience=_text,
        ),
        _class("Criteria", type_optional=True, id=Property(Kind.IRI), narrative=_text),
        _class(
            "AlignmentObject",
            type_optional=True,
            targetName=_name,
            targetUrl=Property(Kind.URL, required=True),
            targetDescription=_text,
            targetFramework=_text,
            targetCode=_text,
        ),
        _class(
            "CryptographicKey",
            type_optional=True,
            id=Property(Kind.IRI),
            owner=Property(Kind.IRI),
            publicKeyPem=_text,
        ),
        _class("RevocationList", id=Property(Kind.IRI), issuer=Property(Kind.IRI)),
        _class(
            "Endorsement",
            id=Property(Kind.IRI, required=True),
            claim=Property(Kind.NODE, required=True, of="EndorsementClaim", by_reference=False),
            issuer=Property(Kind.NODE, required=True, of="Profile"),
            issuedOn=_moment,
            verification=Property(Kind.NODE, required=True, of="VerificationObject", by_reference=False),
            revoked=Property(Kind.BOOLEAN),
            revocationReason=_text,
        ),
        _class(
            "EndorsementClaim",
            type_optional=True,
            id=Property(Kind.IRI, required=True),
            endorsementComment=_text,
        ),
    )
}

#: The recipient properties that Open Badges names; others are noted.
IDENTITY_TYPES = ("email", "url", "telephone", "id")


@dataclass(frozen=True, slots=True)
class Extension:
    """What the published schema of an extension asks of its node: property -> (IRI, kind, required)."""

    properties: dict[str, tuple[str, str, bool]]


_SCHEMA = PREFIXES["schema"]
_EXT = PREFIXES["extensions"]

#: By the last part of the extension's type, in lower case.
EXTENSIONS: dict[str, Extension] = {
    "exampleextension": Extension({"exampleProperty": (_SCHEMA + "text", "string", True)}),
    "applylink": Extension({"url": (_EXT + "applyLink", "address", True)}),
    "originalcreator": Extension({"url": (_EXT + "#originalCreator", "address", True)}),
    "extradescriptionextension": Extension(
        {
            "name": (_SCHEMA + "name", "string", True),
            "narrative": (PREFIXES["obi"] + "narrative", "string", True),
        }
    ),
    "geocoordinates": Extension(
        {
            "description": (_SCHEMA + "description", "string", True),
            "geo": (_SCHEMA + "geo", "object", True),
            "name": (_SCHEMA + "name", "string", False),
        }
    ),
    "recipientprofile": Extension({"name": (_SCHEMA + "name", "string", False)}),
    "issueraccreditation": Extension(
        {"name": (_SCHEMA + "name", "string", False), "url": (_SCHEMA + "url", "address", False)}
    ),
}
