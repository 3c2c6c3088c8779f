"""The classes of Open Badges 3.0 (section 2 of the digest), described once in a short notation.

    Image closed          a class; ``closed``: no further properties
      id!      uri        ``!`` the property is required
      caption  text       ``text`` is a string, or a map from language to string (read, never written)
      result   Result[]   ``[]``: a list, where one value may also stand alone (JSON-LD compaction)

Kinds of value: ``text`` ``uri`` ``number`` ``boolean`` ``moment`` (date and time) ``zoned`` (the same, with time
zone) ``date`` ``jws`` ``any``, the name of a vocabulary, or the name of a class. Every class but ``Criteria`` has
``type``, which must name the class (``type! TYPE`` is written by the class line).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

CREDENTIAL = "VerifiableCredential"
BADGE_TYPES = ("OpenBadgeCredential", "AchievementCredential")
ENDORSEMENT_TYPE = "EndorsementCredential"
SCHEMA_VALIDATOR = "1EdTechJsonSchemaValidator2019"
REFRESH_SERVICE = "1EdTechCredentialRefresh"
SCHEMA_BASE = "https://purl.imsglobal.org/spec/ob/v3p0/schema/"
BADGE_SCHEMA = SCHEMA_BASE + "json/ob_v3p0_achievementcredential_schema.json"
ENDORSEMENT_SCHEMA = SCHEMA_BASE + "json/ob_v3p0_endorsementcredential_schema.json"
MEDIA_TYPE = "application/vc+ld+json"
PNG_KEYWORD = "openbadgecredential"
SVG_NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"

EXTENDED = re.compile(r"ext:[a-zA-Z0-9.|_-]+")
COMPACT_JWS = re.compile(r"[a-zA-Z0-9_-]+\.[a-zA-Z0-9_-]*\.[a-zA-Z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A list of values; an extensible one also takes strings that begin with ``ext:``."""

    name: str
    values: frozenset[str]
    extensible: bool

    def allows(self, value: object) -> bool:
        """Whether a value belongs to the list."""
        return isinstance(value, str) and (
            value in self.values or (self.extensible and EXTENDED.match(value) is not None)
        )


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a class."""

    name: str
    kind: str
    required: bool
    many: bool


@dataclass(frozen=True, slots=True)
class WireClass:
    """One class as it stands in JSON."""

    name: str
    properties: Mapping[str, Property]
    required: tuple[str, ...]
    closed: bool
    has_type: bool


@dataclass(slots=True)
class Classes:
    """A set of classes and vocabularies that refer to each other by name."""

    classes: dict[str, WireClass] = field(default_factory=dict)
    vocabularies: dict[str, Vocabulary] = field(default_factory=dict)

    def described(self, notation: str) -> Classes:
        """This set with the classes of a notation added, as a new one."""
        more = Classes(dict(self.classes), dict(self.vocabularies))
        name = ""
        flags: list[str] = []
        lines: list[tuple[str, str]] = []
        for line in [*notation.splitlines(), "-"]:
            words = line.split()
            if not words:
                continue
            if line[0] != " ":
                if name:
                    more.classes[name] = _class(name, flags, lines)
                name, flags, lines = words[0], words[1:], []
            else:
                lines.append((words[0], words[1]))
        return more

    def listed(self, name: str, values: str, *, extensible: bool) -> Classes:
        """This set with a vocabulary added (its values with blanks between), as a new one."""
        vocabulary = Vocabulary(name, frozenset(values.split()), extensible)
        return Classes(dict(self.classes), {**self.vocabularies, name: vocabulary})


def _class(name: str, flags: list[str], lines: list[tuple[str, str]]) -> WireClass:
    properties: dict[str, Property] = {}
    for word, kind in lines:
        wire = word.rstrip("!")
        properties[wire] = Property(wire, kind.removesuffix("[]"), word.endswith("!"), kind.endswith("[]"))
    has_type = "untyped" not in flags
    required = [property_.name for property_ in properties.values() if property_.required]
    return WireClass(name, properties, (*required, *(["type"] if has_type else [])), "closed" in flags, has_type)


_COMMON = """
  @context!          any
  id!                uri
  issuer!            ProfileRef
  validFrom!         zoned
  validUntil         zoned
  awardedDate        moment
  description        text
  proof              Proof[]
  credentialSchema   CredentialSchema[]
  credentialStatus   CredentialStatus[]
  refreshService     RefreshService
  termsOfUse         TermsOfUse[]
  evidence           Evidence[]
"""

CLASSES = (
    Classes()
    .listed(
        "AchievementType",
        "Achievement ApprenticeshipCertificate Assessment Assignment AssociateDegree Award Badge BachelorDegree "
        "Certificate CertificateOfCompletion Certification CommunityService Competency Course CoCurricular Degree "
        "Diploma DoctoralDegree Fieldwork GeneralEducationDevelopment JourneymanCertificate LearningProgram License "
        "Membership ProfessionalDoctorate QualityAssuranceCredential MasterCertificate MasterDegree MicroCredential "
        "ResearchDoctorate SecondarySchoolDiploma",
        extensible=True,
    )
    .listed(
        "ResultType",
        "GradePointAverage LetterGrade Percent PerformanceLevel PredictedScore RawScore Result RubricCriterion "
        "RubricCriterionLevel RubricScore ScaledScore Status",
        extensible=True,
    )
    .listed(
        "ResultStatusType",
        "Completed Enrolled Failed InProgress OnHold Provisional Withdrew",
        extensible=False,
    )
    .listed(
        "AlignmentTargetType",
        "ceasn:Competency ceterms:Credential CFItem CFRubric CFRubricCriterion CFRubricCriterionLevel CTDL",
        extensible=True,
    )
    .listed(
        "IdentifierType",
        "name sourcedId systemId productId userName accountId emailAddress nationalIdentityNumber isbn issn "
        "lisSourcedId oneRosterSourcedId sisSourcedId ltiContextId ltiDeploymentId ltiToolId ltiPlatformId ltiUserId "
        "identifier",
        extensible=True,
    )
    .described(
        f"""
AchievementCredential{_COMMON}
  name               text
  image              Image
  credentialSubject! AchievementSubject
  endorsement        endorsement[]
  endorsementJwt     jws[]
EndorsementCredential{_COMMON}
  name!              text
  credentialSubject! EndorsementSubject
VerifiableCredential{_COMMON.replace("id!", "id")}
  name               text
  credentialSubject! any

AchievementSubject
  id                 uri
  achievement!       Achievement
  activityStartDate  moment
  activityEndDate    moment
  creditsEarned      number
  identifier         IdentityObject[]
  image              Image
  licenseNumber      text
  narrative          text
  result             Result[]
  role               text
  source             Profile
  term               text
EndorsementSubject
  id!                uri
  endorsementComment text
Achievement
  id!                uri
  name!              text
  description!       text
  criteria!          Criteria
  achievementType    AchievementType
  alignment          Alignment[]
  creator            Profile
  creditsAvailable   number
  endorsement        endorsement[]
  endorsementJwt     jws[]
  fieldOfStudy       text
  humanCode          text
  image              Image
  inLanguage         language
  otherIdentifier    IdentifierEntry[]
  related            Related[]
  resultDescription  ResultDescription[]
  specialization     text
  tag                text[]
  version            text
Criteria untyped
  id                 uri
  narrative          text
Result
  achievedLevel      uri
  alignment          Alignment[]
  resultDescription  uri
  status             ResultStatusType
  value              text
ResultDescription
  id!                uri
  name!              text
  resultType!        ResultType
  alignment          Alignment[]
  allowedValue       text[]
  requiredLevel      uri
  requiredValue      text
  rubricCriterionLevel RubricCriterionLevel[]
  valueMax           text
  valueMin           text
RubricCriterionLevel
  id!                uri
  name!              text
  alignment          Alignment[]
  description        text
  level              text
  points             text
Alignment
  targetName!        text
  targetUrl!         uri
  targetCode         text
  targetDescription  text
  targetFramework    text
  targetType         AlignmentTargetType
Related
  id!                uri
  inLanguage         language
  version            text
Evidence
  id                 uri
  name               text
  description        text
  genre              text
  audience           text
  narrative          text
Image closed
  id!                uri
  caption            text
Address
  addressCountry     text
  addressCountryCode text
  addressRegion      text
  addressLocality    text
  streetAddress      text
  postOfficeBoxNumber text
  postalCode         text
  geo                GeoCoordinates
GeoCoordinates
  latitude!          number
  longitude!         number
IdentifierEntry closed
  identifier!        text
  identifierType!    IdentifierType
IdentityObject closed
  hashed!            boolean
  identityHash!      text
  identityType!      IdentifierType
  salt               text
Profile
  id!                uri
  name               text
  url                uri
  phone              text
  description        text
  endorsement        endorsement[]
  endorsementJwt     jws[]
  image              Image
  email              text
  address            Address
  otherIdentifier    IdentifierEntry[]
  official           text
  parentOrg          Profile
  familyName         text
  givenName          text
  additionalName     text
  patronymicName     text
  honorificPrefix    text
  honorificSuffix    text
  familyNamePrefix   text
  dateOfBirth        date
Proof untyped
  type!              text
  created            moment
  cryptosuite        text
  challenge          text
  domain             text
  nonce              text
  proofPurpose       text
  proofValue         text
  verificationMethod uri
CredentialStatus untyped
  type!              text
  id                 uri
CredentialSchema untyped
  id!                uri
  type!              text
RefreshService untyped
  id!                uri
  type!              text
TermsOfUse untyped
  type!              text
  id                 uri
"""
    )
)
