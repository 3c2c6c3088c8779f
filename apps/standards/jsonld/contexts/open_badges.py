"""The terms of Open Badges 3.0 in their four published versions, and of its extensions.

3.0.0 and 3.0.1 say of every plain text that it is an ``xsd:string``, protect nothing, and repeat the aliases id
and type nowhere; 3.0.2 and 3.0.3 protect every term. The same document has another canonical form under
another version, so each version stays as it was published.
"""

from __future__ import annotations

from typing import Any

from apps.standards.jsonld.contexts.notation import context

_XSD = "https://www.w3.org/2001/XMLSchema#"  # published with https, unlike the XML Schema namespace itself
_PREFIXES = {
    "ob": "https://purl.imsglobal.org/spec/vc/ob/vocab.html#",
    "schema": "https://schema.org/",
    "xsd": _XSD,
    "jwt": "https://www.iana.org/assignments/jwt#",
}

_TERMS = """
@ids
@protected                                                   {3.0.2-}
xsd                   https://www.w3.org/2001/XMLSchema#     {3.0.0-3.0.1}
OpenBadgeCredential   ob:
AchievementCredential =OpenBadgeCredential
EndorsementCredential ob:
Criteria              ob:

Achievement           ob:
  achievementType     ob:   text
  alignment           ob:   ob:Alignment set                 {3.0.0}
  alignment           ob:   set                              {3.0.1-}
  creator             ob:Profile                             {3.0.0}
  creator             ob:                                    {3.0.1-}
  creditsAvailable    ob:   xsd:float
  criteria            ob:Criteria @id
  fieldOfStudy        ob:   text
  humanCode           ob:   text
  image               ob:Image @id                           {3.0.1-3.0.2}
  image               ob:   @id                              {3.0.3}
  inLanguage          schema:                                {3.0.3}
  otherIdentifier     ob:   ob:IdentifierEntry set           {3.0.0}
  otherIdentifier     ob:   set                              {3.0.1-}
  related             ob:   ob:Related set                   {3.0.0}
  related             ob:   set                              {3.0.1-}
  resultDescription   ob:   ob:ResultDescription set         {3.0.0}
  resultDescription   ob:   set                              {3.0.1-}
  specialization      ob:   text
  tag                 schema:keywords text set
  version             ob:   text

AchievementSubject    ob:
  achievement         ob:Achievement                         {3.0.0}
  achievement         ob:achievement-0                       {3.0.1-3.0.2}
  achievement         ob:                                    {3.0.3}
  activityEndDate     ob:   xsd:date
  activityStartDate   ob:   xsd:date
  creditsEarned       ob:   xsd:float
  identifier          ob:   ob:IdentityObject set            {3.0.0}
  identifier          ob:   set                              {3.0.1-}
  image               ob:Image @id                           {3.0.1-3.0.2}
  image               ob:   @id                              {3.0.3}
  licenseNumber       ob:   text
  result              ob:   ob:Result set                    {3.0.0}
  result              ob:   set                              {3.0.1-}
  role                ob:   text
  source              ob:   ob:Profile                       {3.0.0}
  source              ob:   @id                              {3.0.1-}
  term                ob:   text

Address               ob:
  addressCountry      schema: text
  addressCountryCode  ob:CountryCode text
  addressLocality     schema: text
  addressRegion       schema: text
  geo                 ob:GeoCoordinates
  postOfficeBoxNumber schema: text
  postalCode          schema: text
  streetAddress       schema: text

Alignment             schema:                                {3.0.0}
Alignment             schema:AlignmentObject                 {3.0.1-}
  targetCode          ob:   text
  targetDescription   schema: text
  targetFramework     schema: text
  targetName          schema: text
  targetType          ob:   text
  targetUrl           schema: xsd:anyURI

EndorsementSubject    ob:
  endorsementComment  ob:   text

Evidence              ob:
  audience            schema: text
  genre               schema: text

GeoCoordinates        ob:
  latitude            schema: text
  longitude           schema: text

IdentifierEntry       ob:
  identifier          ob:   text
  identifierType      ob:   text

IdentityObject        ob:
  hashed              ob:   xsd:boolean
  identityHash        ob:   text
  identityType        ob:   text
  salt                ob:   text

Image                 ob:
  caption             schema: text

Profile               ob:
  additionalName      schema: text
  address             ob:Address                             {3.0.0}
  address             ob:   @id                              {3.0.1-}
  dateOfBirth         ob:   xsd:date
  email               schema: text
  familyName          schema: text
  familyNamePrefix    ob:   text
  givenName           schema: text
  honorificPrefix     schema: text
  honorificSuffix     schema: text
  image               ob:Image @id                           {3.0.1-3.0.2}
  image               ob:   @id                              {3.0.3}
  official            ob:   text
  otherIdentifier     ob:   ob:IdentifierEntry set           {3.0.0}
  otherIdentifier     ob:   set                              {3.0.1-}
  parentOrg           ob:   text                             {3.0.0}
  parentOrg           ob:   @id                              {3.0.1-}
  patronymicName      ob:   text
  phone               ob:PhoneNumber text                    {3.0.0}
  phone               ob:   text                             {3.0.1-}

Related               ob:
  inLanguage          schema:                                {3.0.3}
  version             ob:   text

Result                ob:
  achievedLevel       ob:   xsd:anyURI
  resultDescription   ob:   xsd:anyURI
  status              ob:   text
  value               schema: text

ResultDescription     ob:
  allowedValue        ob:   text set                         {3.0.0-3.0.1}
  allowedValue        ob:   list                             {3.0.2-}
  requiredLevel       ob:   xsd:anyURI
  requiredValue       ob:   text
  resultType          ob:   text
  rubricCriterionLevel ob:  ob:RubricCriterionLevel set      {3.0.0}
  rubricCriterionLevel ob:  set                              {3.0.1-}
  valueMax            ob:   text
  valueMin            ob:   text

RubricCriterionLevel  ob:
  level               ob:   text
  points              ob:   text

alignment             ob:   ob:Alignment set                 {3.0.0}
alignment             ob:   set                              {3.0.1-}
awardedDate           ob:   xsd:dateTime                     {3.0.1}
awardedDate           ob:   =xsd:dateTime                    {3.0.3}
description           schema: text
endorsement           ob:   ob:EndorsementCredential set     {3.0.0}
endorsement           ob:   set                              {3.0.1-}
endorsementJwt        ob:   set                              {3.0.3}
image                 ob:   ob:Image                         {3.0.0}
image                 ob:   @id                              {3.0.1}
image                 ob:Image @id                           {3.0.2}
image                 ob:   @id                              {3.0.3}
inLanguage            schema:                                {3.0.3}
jti                   jwt:  @id                              {3.0.3}
name                  schema: text
narrative             ob:   text
url                   schema: xsd:anyURI
"""


def terms(version: str) -> dict[str, Any]:
    """The Open Badges context of one version, ``3.0.0`` to ``3.0.3`` (3.0.3 as extended by endorsementJwt)."""
    if version < "3.0.2":
        return context(_TERMS, _PREFIXES, version=version, text=_XSD + "string", scoped=())
    return context(_TERMS, _PREFIXES, version=version)


def service_types() -> dict[str, Any]:
    """The 1EdTech types of schema, status and refresh service (``extensions.json``)."""
    return context(
        """
        @ids
        1EdTechJsonSchemaValidator2019 https://purl.imsglobal.org/spec/vccs/v1p0/context.json#1EdTechJsonSchemaValidator2019
        1EdTechRevocationList          https://purl.imsglobal.org/spec/vcrl/v1p0/context.json#1EdTechRevocationList
        1EdTechCredentialRefresh       https://purl.imsglobal.org/spec/vccr/v1p0/context.json#1EdTechCredentialRefresh
        """.replace("        ", ""),
        {},
    )


_EXTENSION_PREFIXES = {
    "ext": "https://w3id.org/openbadges/extensions#",
    "schema": "https://schema.org/",
    "cc": "http://creativecommons.org/ns#",
    "licenses": "http://creativecommons.org/licenses/",
}

_EXTENSIONS = {
    "accessibilityExtension": """
@protected
accessibilityAPI     schema:
accessibilityControl schema:
accessibilityFeature schema:
accessibilityHazard  schema:
""",
    "applyLinkExtension": """
@protected
@ids
ApplyLinkAchievement ext: empty
""",
    "geoCoordinatesExtension": """
@protected
schema http://schema.org/
Place  http://schema.org/Place
""",
    "licenseExtension": """
@protected
@ids
CCAchievement   ext:
  license       ext:License
License         ext:
  cc            http://creativecommons.org/ns#
  legalCode     cc:legalcode
  License       cc:
  CC-0          https://creativecommons.org/publicdomain/zero/1.0/
  CC-BY         licenses:by/4.0/
  CC-BY-SA      licenses:by-sa/4.0/
  CC-BY-NC      licenses:by-nc/4.0/
  CC-BY-NC-SA   licenses:by-nc-sa/4.0/
  CC-BY-ND      licenses:by-nd/4.0/
  CC-BY-NC-ND   https://creativecommons.org/licenses/by-nc-nd/4.0/
""",
}


def extension(name: str) -> dict[str, Any]:
    """The context of one Open Badges 3.0 extension by its folder name, such as ``licenseExtension``."""
    return context(_EXTENSIONS[name], _EXTENSION_PREFIXES)
