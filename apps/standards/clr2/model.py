"""The classes that CLR 2.0 adds to those of Open Badges 3.0."""

from __future__ import annotations

from apps.standards.ob3 import model as ob3

RECORD_TYPE = "ClrCredential"
RECORD_SCHEMA = "https://purl.imsglobal.org/spec/clr/v2p0/schema/json/clr_v2p0_clrcredential_schema.json"
SCHEMA_BASE = "https://purl.imsglobal.org/spec/clr/v2p0/schema/"
PNG_KEYWORD = "clrcredential"
SVG_NAMESPACE = "https://purl.imsglobal.org/clr/v2p0"

CLASSES = ob3.CLASSES.listed(
    "AssociationType",
    "exactMatchOf isChildOf isParentOf isPartOf isPeerOf isRelatedTo precedes replacedBy",
    extensible=False,
).described(
    """
ClrCredential
  @context!          any
  id!                uri
  name!              text
  issuer!            ProfileRef
  validFrom!         zoned
  validUntil         zoned
  awardedDate        moment
  description        text
  image              Image
  partial            boolean
  credentialSubject! ClrSubject
  endorsement        endorsement[]
  endorsementJwt     jws[]
  proof              Proof[]
  credentialSchema   CredentialSchema[]
  credentialStatus   CredentialStatus[]
  refreshService     RefreshService
  termsOfUse         TermsOfUse[]
  evidence           Evidence[]
ClrSubject
  id                 uri
  identifier         IdentityObject[]
  verifiableCredential! any[]
  achievement        Achievement[]
  association        Association[]
Association closed
  associationType!   AssociationType
  sourceId!          uri
  targetId!          uri
"""
)
