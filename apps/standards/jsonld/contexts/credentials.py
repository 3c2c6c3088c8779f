"""The terms of W3C Verifiable Credentials 1.1 and 2.0, of status lists and of DID documents."""

from __future__ import annotations

from typing import Any

from apps.standards.jsonld.contexts.notation import context
from apps.standards.jsonld.contexts.security import PURPOSES, proof_options

_PREFIXES = {
    "cred": "https://www.w3.org/2018/credentials#",
    "sec": "https://w3id.org/security#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "xsd-https": "https://www.w3.org/2001/XMLSchema#",
    "dc": "http://purl.org/dc/terms/",
    "schema": "https://schema.org/",
    "status": "https://www.w3.org/ns/credentials/status#",
    "list2021": "https://w3id.org/vc/status-list#",
    "jwt": "https://www.iana.org/assignments/jwt#",
    "jose": "https://www.iana.org/assignments/jose#",
    "did": "https://www.w3.org/ns/did#",
}

# The proof suites that the first data model brought along share one set of options.
_SUITE_OF_2018 = """
  {s}sec                  https://w3id.org/security#
  {s}xsd                  http://www.w3.org/2001/XMLSchema#
  challenge            {p}sec:challenge
  created              dc: {p}xsd:dateTime
  domain               {p}sec:domain
  expires              {p}sec:expiration {p}xsd:dateTime
  jws                  {p}sec:jws
  nonce                {p}sec:nonce
  proofPurpose         {p}sec:proofPurpose @vocab
    @version
    @protected
    @ids
    sec                https://w3id.org/security#
    assertionMethod    sec: @id set
    authentication     sec:authenticationMethod @id set
  proofValue           {p}sec:proofValue
  verificationMethod   {p}sec:verificationMethod @id
"""


def _suite_of_2018(name: str, *, declares_prefixes: bool) -> str:
    lines = _SUITE_OF_2018.format(s="" if declares_prefixes else "!", p="" if declares_prefixes else "=")
    head = f"{name} sec:" + ("" if declares_prefixes else " bare\n  @version\n  @protected")
    return "\n".join([head, *(line for line in lines.splitlines() if "!" not in line)])


_FIRST_MODEL = "\n".join(
    [
        """
@version
@protected
@ids
proof                  sec: @id graph

VerifiableCredential   cred:
  cred                 https://www.w3.org/2018/credentials#
  sec                  https://w3id.org/security#
  xsd                  http://www.w3.org/2001/XMLSchema#
  credentialSchema     cred: @id
    cred               https://www.w3.org/2018/credentials#
    JsonSchemaValidator2018 cred:
  credentialStatus     cred: @id
  credentialSubject    cred: @id
  evidence             cred: @id
  expirationDate       cred: xsd:dateTime
  holder               cred: @id
  issued               cred: xsd:dateTime
  issuer               cred: @id
  issuanceDate         cred: xsd:dateTime
  proof                sec: @id graph
  refreshService       cred: @id
    cred               https://www.w3.org/2018/credentials#
    ManualRefreshService2018 cred:
  termsOfUse           cred: @id
  validFrom            cred: xsd:dateTime
  validUntil           cred: xsd:dateTime

VerifiablePresentation cred:
  cred                 https://www.w3.org/2018/credentials#
  sec                  https://w3id.org/security#
  holder               cred: @id
  proof                sec: @id graph
  verifiableCredential cred: @id graph
""",
        _suite_of_2018("EcdsaSecp256k1Signature2019", declares_prefixes=True),
        _suite_of_2018("EcdsaSecp256r1Signature2019", declares_prefixes=True),
        _suite_of_2018("Ed25519Signature2018", declares_prefixes=True),
        # This one forgets to declare its prefixes: its terms are IRIs of the scheme "sec".
        _suite_of_2018("RsaSignature2018", declares_prefixes=False),
    ]
)

_STATUS_LIST = """
BitstringStatusListCredential status:
BitstringStatusList    status:
  encodedList          status: sec:multibase
  statusPurpose        status:
  ttl                  status:
BitstringStatusListEntry status:
  statusListCredential status: @id
  statusListIndex      status:
  statusPurpose        status:
  statusMessage        status:
    message            status:
    status             status:
  statusReference      status: @id
  statusSize           status: xsd-https:integer
"""

_SECOND_MODEL = "\n".join(
    [
        """
@protected
@ids
description            schema:
digestMultibase        sec: sec:multibase
digestSRI              cred: cred:sriString
mediaType              schema:encodingFormat
name                   schema:

VerifiableCredential   cred:
  confidenceMethod     cred: @id
  credentialSchema     cred: @id
  credentialStatus     cred: @id
  credentialSubject    cred: @id
  description          schema:
  evidence             cred: @id
  issuer               cred: @id
  name                 schema:
  proof                sec: @id graph
  refreshService       cred: @id
  relatedResource      cred: @id
  renderMethod         cred: @id
  termsOfUse           cred: @id
  validFrom            cred: xsd:dateTime
  validUntil           cred: xsd:dateTime
EnvelopedVerifiableCredential cred:

VerifiablePresentation cred:
  holder               cred: @id
  proof                sec: @id graph
  termsOfUse           cred: @id
  verifiableCredential cred: @id graph null
EnvelopedVerifiablePresentation cred:

JsonSchemaCredential   cred:
JsonSchema             cred:
  jsonSchema           cred: @json
""",
        _STATUS_LIST,
        proof_options("DataIntegrityProof", "cryptosuite sec: sec:cryptosuiteString", "previousProof sec: @id"),
        """
...      jwt:
_sd      jwt: @json
_sd_alg  jwt:
aud      jwt: @id
cnf      jwt: bare
  @protected
  kid    jwt: @id
  jwk    jwt: @json
exp      jwt: xsd-https:nonNegativeInteger
iat      jwt: xsd-https:nonNegativeInteger
nbf      jwt: xsd-https:nonNegativeInteger
iss      jose: @id
jku      jose: @id
kid      jose: @id
sub      jose: @id
x5u      jose: @id
""",
    ]
)


def first_model() -> dict[str, Any]:
    """Verifiable Credentials data model 1.1."""
    return context(_FIRST_MODEL, _PREFIXES, scoped=("@version", "@protected", "@ids"))


def second_model() -> dict[str, Any]:
    """Verifiable Credentials data model 2.0."""
    return context(_SECOND_MODEL, _PREFIXES)


def undefined_terms() -> dict[str, Any]:
    """The development context that gives every unknown word an IRI. Never trusted in production."""
    return {"@vocab": "https://www.w3.org/ns/credentials/undefined-term#"}


def status_list() -> dict[str, Any]:
    """Bitstring Status List 1.0, for credentials of the data model 1.1."""
    return context("@protected\n@ids\n" + _STATUS_LIST, _PREFIXES)


def status_list_2021() -> dict[str, Any]:
    """StatusList2021, the draft before Bitstring Status List."""
    return context(
        """
@protected
StatusList2021Credential list2021:
  description           http://schema.org/description
  name                  http://schema.org/name
StatusList2021          list2021:
  statusPurpose         list2021:
  encodedList           list2021:
StatusList2021Entry     list2021:
  statusPurpose         list2021:
  statusListIndex       list2021:
  statusListCredential  list2021: @id
""",
        _PREFIXES,
    )


def did_document() -> dict[str, Any]:
    """Decentralized Identifiers 1.0."""
    return context(
        "@protected\n@ids\n"
        + PURPOSES
        + """
alsoKnownAs        https://www.w3.org/ns/activitystreams#alsoKnownAs @id
controller         sec: @id
verificationMethod sec: @id
service            did: @id
  serviceEndpoint  did: @id
""",
        _PREFIXES,
    )
