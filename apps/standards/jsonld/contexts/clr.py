"""The terms that the Comprehensive Learner Record 2.0 adds to Open Badges 3.0.

``xsd:`` is not declared there, so the datatypes of ``partial``, ``sourceId`` and ``targetId`` are the IRIs
``xsd:boolean`` and ``xsd:anyURI`` as written. The vocabulary behind ``obi:`` moved between the versions.
"""

from __future__ import annotations

from typing import Any

from apps.standards.jsonld.contexts.notation import context

_TERMS = """
@ids
ClrCredential          clr:  empty
  partial              clr:  =xsd:boolean         {2.0.1-}
ClrSubject             clr:
  cred                 https://www.w3.org/2018/credentials#
  obi                  obi:#
  achievement          clr:  obi:#Achievement set
  association          clr:  clr:Association set
  verifiableCredential clr:  cred:verifiableCredential set
  identifier           clr:identifier-1 obi:#Identifier set   {2.0.1-}
Association            clr:  bare
  associationType      clr:AssociationType
  sourceId             clr:  =xsd:anyURI
  targetId             clr:  =xsd:anyURI
"""


def terms(version: str) -> dict[str, Any]:
    """The CLR context of one version, ``2.0.0`` or ``2.0.1``."""
    vocabulary = "ob/v3p0" if version == "2.0.0" else "vc/ob"
    prefixes = {
        "clr": "https://purl.imsglobal.org/spec/vc/clr/vocab.html#",
        "cred": "https://www.w3.org/2018/credentials#",
        "obi": f"https://purl.imsglobal.org/spec/{vocabulary}/vocab.html",
    }
    return context(_TERMS, prefixes, version=version, scoped=("@ids",))
