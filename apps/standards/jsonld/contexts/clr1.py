"""The terms of the Comprehensive Learner Record 1.0.

The published context gives many names one IRI: a class, each property that holds that class, and the data type
behind both. So its terms are written here by class and by datatype. For showing and exporting only: a CLR 1.0
is never verified or stored by way of JSON-LD, since it does not survive the round trip.
"""

from __future__ import annotations

from typing import Any

_PREFIXES = {
    "clri": "https://purl.imsglobal.org/spec/clr/vocab#",
    "cred": "https://w3id.org/credentials/",
    "dc": "http://purl.org/dc/terms/",
    "obi": "https://w3id.org/openbadges#",
    "schema": "http://schema.org/",
    "sec": "https://w3id.org/security#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

#: class, then the properties that hold it; those with an asterisk are sets
_CLASSES = """
Achievement achievement achievements*
Address address
Alignment
Artifact artifacts*
Assertion assertions*
Association associations*
Clr clr clrs*
Criteria
CryptographicKey
Endorsement
EndorsementClaim
EndorsementProfile
Evidence
ExtensibleAchievementType achievementType
ExtensibleAlignmentTargetType targetType
ExtensibleResultType resultType
ExtensibleSystemIdentifierType identifierType
Identity
Profile source
Result results*
ResultDescription resultDescriptions*
RevocationList
RubricCriterionLevel rubricCriterionLevels*
SystemIdentifier identifiers*
CompactJws signedClr signedAssertions* signedClrs* signedEndorsements*
EnumExtString
IRI achievedLevel requiredLevel resultDescription targetId
Markdown
UUID
"""

#: data types whose own term says what their values are
_DATA_TYPES = {
    "CompactJws": "string",
    "EnumExtString": "string",
    "IRI": "normalizedString",
    "Markdown": "string",
    "UUID": "string",
}

#: datatype -> properties of the CLR vocabulary with that datatype
_LITERALS = {
    "xsd:string": (
        "addressCountry addressLocality addressRegion allowedValues* fieldOfStudy humanCode identifier level "
        "licenseNumber official points postOfficeBoxNumber postalCode requiredValue role sourcedId "
        "specialization streetAddress studentId term title value valueMax valueMin"
    ),
    "xsd:dateTime": "activityEndDate activityStartDate",
    "xsd:date": "birthDate",
    "xsd:float": "creditsAvailable creditsEarned",
    "xsd:boolean": "partial",
    "xsd:anyURI": "scopesOffered*",
    "@id": "learner publisher authorizationUrl privacyPolicyUrl registrationUrl termsOfServiceUrl tokenUrl",
}

#: properties that come from other vocabularies: prefix -> terms, with another local name after a colon
_BORROWED = {
    "obi": (
        "alignments:alignment allowedOrigins audience endorsementComment evidence hashed identity:identityHash "
        "issuedOn:issueDate issuer narrative parentOrg:Profile recipient requirement:criteria revocationList "
        "revocationReason revoked revokedAssertions salt startsWith targetCode verification:verify "
        "verificationProperty Verification:VerificationObject Hosted:hosted Signed:signed"
    ),
    "schema": (
        "additionalName description email familyName genre givenName name tags:keywords targetDescription "
        "targetFramework:educationalFramework targetName targetUrl telephone url"
    ),
    "sec": "owner publicKey publicKeyPem",
    "cred": "claim endorsements:credential",
    "dc": "creator",
}


def terms() -> dict[str, Any]:
    """The CLR 1.0 context (without the ``@context`` wrapper)."""
    context: dict[str, Any] = {"id": "@id", "type": "@type", **_PREFIXES}
    for line in _CLASSES.strip().splitlines():
        name, *properties = line.split()
        iri = f"clri:dt{name}"
        datatype = _DATA_TYPES.get(name)
        described = iri if datatype is None else {"@id": iri, "@type": f"xsd:{datatype}"}
        context[f"dt{name}"] = described
        context[name] = f"dt{name}"
        for term in properties:
            context[term.rstrip("*")] = {"@id": iri, "@container": "@set"} if term.endswith("*") else iri
    context["dtVerification"] = "clri:dtVerification"
    for datatype, listed in _LITERALS.items():
        for term in listed.split():
            definition = {"@id": f"clri:{term.rstrip('*')}", "@type": datatype}
            context[term.rstrip("*")] = {**definition, "@container": "@set"} if term.endswith("*") else definition
    for prefix, listed in _BORROWED.items():
        for entry in listed.split():
            term, _, local = entry.partition(":")
            context[term] = f"{prefix}:{local or term}"
    context["associationType"] = "clri:AssociationTypeDType"
    context["status"] = "clri:ResultStatusTypeDType"
    context["expires"] = {"@id": "sec:expiration", "@type": "xsd:dateTime"}
    context["image"] = {"@id": "schema:image", "@type": "@id"}
    return context
