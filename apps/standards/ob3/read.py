"""What is wrong with a credential of Open Badges 3.0, by its contexts, types and published schema.

Everything gives findings with a failure name of the digest (section 15) and a JSON pointer. Nested credentials and
endorsements are looked at as credentials of their own, so they are passed over here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from apps.standards import moments
from apps.standards.clr1.read import Finding
from apps.standards.errors import DocumentFault
from apps.standards.jsonld import contexts
from apps.standards.ob3 import model
from apps.standards.ob3.model import Classes, Property, WireClass
from apps.standards.strict_json import shown

_OB_CONTEXT = re.compile(r"https://purl\.imsglobal\.org/spec/ob/v3p0/context(-3\.\d\.\d)*\.json")
_CLR_CONTEXT = re.compile(r"https://purl\.imsglobal\.org/spec/clr/v2p0/context(-2\.\d\.\d)*\.json")
_ALIASES = {"https://purl.imsglobal.org/spec/ob/v3p0/context/ob_v3p0.jsonld": "OB"}
_LANGUAGE = re.compile(r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*")
_LANGUAGE_KEY = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_FIRST_MODEL_NAMES = {"validFrom": "issuanceDate", "validUntil": "expirationDate"}
_FINDINGS_AT_MOST = 200


def listed(value: Any) -> list[Any]:
    """The values of a property that may be a list or stand alone."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def types_of(document: Mapping[str, Any]) -> list[str]:
    """The types of an object."""
    return [item for item in listed(document.get("type")) if isinstance(item, str)]


def is_first_model(document: Mapping[str, Any]) -> bool:
    """Whether a credential follows the data model 1.1, by its first context."""
    return listed(document.get("@context"))[:1] == [contexts.CREDENTIALS_V1]


# --- contexts (section 3) -------------------------------------------------------------------------------------


def check_contexts(document: Mapping[str, Any], wanted: Sequence[str]) -> list[Finding]:
    """Whether the contexts stand in their order; ``wanted`` names those after the first (``CLR``, ``OB``)."""
    given = document.get("@context")
    found = listed(given)
    if not found:
        return [Finding("CONTEXT_INVALID", "/@context", "The credential names no context.")]
    if found[0] not in (contexts.CREDENTIALS_V1, contexts.CREDENTIALS_V2):
        return [Finding("CONTEXT_INVALID", "/@context/0", "The first context is not that of W3C credentials.")]
    findings = []
    for position, which in enumerate(wanted, start=1):
        at = f"/@context/{position}"
        address = found[position] if position < len(found) else None
        pattern, newest, name = (
            (_OB_CONTEXT, contexts.OPEN_BADGES, "Open Badges 3.0")
            if which == "OB"
            else (_CLR_CONTEXT, contexts.CLR, "CLR 2.0")
        )
        if not isinstance(address, str) or not (pattern.fullmatch(address) or _ALIASES.get(address) == which):
            findings.append(
                Finding("CONTEXT_INVALID", at, f"Context number {position + 1} is not that of {name}, as it must be.")
            )
        elif address != newest:
            findings.append(Finding("CONTEXT_ALIAS", at, f"The credential uses an older context of {name}.", "warning"))
    for position, item in enumerate(found):  # also where no suite reads them, as with JCS
        if not isinstance(item, str | dict):
            sentence = f"Context number {position + 1} is neither an address nor an object."
            findings.append(Finding("CONTEXT_INVALID", f"/@context/{position}", sentence))
    if contexts.UNDEFINED_TERMS_V2 in found:
        findings.append(
            Finding("CONTEXT_INVALID", "/@context", "The context that gives every unknown word a meaning is for tests.")
        )
    elif any(isinstance(item, dict) and "@vocab" in item for item in found):
        findings.append(
            Finding(
                "CONTEXT_ALIAS", "/@context", "A context inside the credential gives every word a meaning.", "warning"
            )
        )
    return findings


def check_type(document: Mapping[str, Any], one_of: Sequence[str]) -> list[Finding]:
    """Whether a credential says that it is one, and of one of these kinds."""
    types = types_of(document)
    if model.CREDENTIAL not in types:
        return [Finding("TYPE_INVALID", "/type", "The type does not contain VerifiableCredential.")]
    if one_of and not set(one_of) & set(types):
        kinds = " or ".join(one_of)
        return [Finding("TYPE_INVALID", "/type", f"The type is {shown(', '.join(types))}; it should contain {kinds}.")]
    return []


# --- schema (sections 2 and 7.1, steps 4 and 5) ---------------------------------------------------------------


def check_badge(document: Mapping[str, Any]) -> list[Finding]:
    """A badge against its published schema, and what the schema leaves to be checked by programs."""
    findings = check(document, "AchievementCredential", model.CLASSES)
    subject = document.get("credentialSubject")
    if isinstance(subject, dict):
        findings += check_identified(subject, "/credentialSubject")
        findings += check_criteria(subject.get("achievement"), "/credentialSubject/achievement")
    return findings + check_first_model(document)


def check_endorsement(document: Mapping[str, Any]) -> list[Finding]:
    """An endorsement against its published schema."""
    return check(document, model.ENDORSEMENT_TYPE, model.CLASSES) + check_first_model(document)


def check_plain(document: Mapping[str, Any]) -> list[Finding]:
    """Any other credential against what all credentials have in common."""
    return check(document, model.CREDENTIAL, model.CLASSES)


def check_identified(subject: Mapping[str, Any], at: str) -> list[Finding]:
    """Whether a subject has an id or at least one identifier."""
    if isinstance(subject.get("id"), str) or any(isinstance(item, dict) for item in listed(subject.get("identifier"))):
        return []
    return [Finding("SUBJECT_UNIDENTIFIED", at, "The credential does not say whose it is: no id and no identifier.")]


def check_criteria(achievement: Any, at: str) -> list[Finding]:
    """Whether the criteria of an achievement have an address or a narrative."""
    criteria = achievement.get("criteria") if isinstance(achievement, dict) else None
    if isinstance(criteria, dict) and not {"id", "narrative"} & set(criteria):
        return [Finding("SCHEMA_INVALID", at + "/criteria", "The criteria have neither an address nor a narrative.")]
    return []


def check_first_model(document: Mapping[str, Any]) -> list[Finding]:
    """What the data model 1.1 demands besides (digest 2.1, 2.2)."""
    if not is_first_model(document):
        return []
    findings = []
    if not isinstance(document.get("issuer"), dict):
        findings.append(Finding("SCHEMA_INVALID", "/issuer", "In the data model 1.1 the issuer is a whole profile."))
    if "name" not in document:
        findings.append(Finding("SCHEMA_INVALID", "/name", "In the data model 1.1 a badge has a name."))
    return findings


def check(document: Mapping[str, Any], name: str, classes: Classes, at: str = "") -> list[Finding]:
    """The findings about one object of a class, and about all objects within it."""
    findings: list[Finding] = []
    _Checker(classes, findings, is_first_model(document)).object(document, classes.classes[name], at, top=True)
    return findings


class _Checker:
    def __init__(self, classes: Classes, findings: list[Finding], first_model: bool) -> None:
        self.classes = classes
        self.findings = findings
        self.first_model = first_model

    def note(self, code: str, at: str, sentence: str) -> None:
        if len(self.findings) < _FINDINGS_AT_MOST:
            self.findings.append(Finding(code, at, sentence))

    def object(self, value: Any, wire_class: WireClass, at: str, *, top: bool = False) -> None:
        if not isinstance(value, dict):
            self.note("SCHEMA_INVALID", at, f"Here stands no object, but it should be of the class {wire_class.name}.")
            return
        for required in wire_class.required:
            wire = _FIRST_MODEL_NAMES.get(required, required) if top and self.first_model else required
            if wire not in value:
                self.note("SCHEMA_INVALID", at, f"The property {wire} of {wire_class.name} is missing.")
        for name, item in value.items():
            known = wire_class.properties.get(name)
            if known is None and top and self.first_model:
                known = next(
                    (wire_class.properties[new] for new, old in _FIRST_MODEL_NAMES.items() if old == name), None
                )
            if known is not None:
                self.values(item, known, f"{at}/{name}")
            elif wire_class.closed and name != "type":
                self.note(
                    "SCHEMA_INVALID", f"{at}/{name}", f"{wire_class.name} has no property {shown(name)}, and no others."
                )
        if wire_class.has_type and not top and "type" in value:
            self._type(value["type"], wire_class, at)

    def _type(self, value: Any, wire_class: WireClass, at: str) -> None:
        if wire_class.closed and isinstance(value, list):
            self.note("SCHEMA_INVALID", at + "/type", f"The type of {wire_class.name} is one word, not a list.")
        elif wire_class.name not in listed(value):
            self.note("TYPE_INVALID", at + "/type", f"The type does not contain {wire_class.name}, as it must here.")

    def values(self, value: Any, known: Property, at: str) -> None:
        if known.many and isinstance(value, list):
            for position, item in enumerate(value):
                self.one(item, known, f"{at}/{position}")
        else:
            self.one(value, known, at)

    def one(self, value: Any, known: Property, at: str) -> None:
        kind = known.kind
        plain = _PLAIN.get(kind)
        if plain is not None:
            fits, wanted = plain
            if not fits(value):
                self.note("SCHEMA_INVALID", at, f"{known.name} should be {wanted}.")
        elif kind in self.classes.vocabularies:
            vocabulary = self.classes.vocabularies[kind]
            if not vocabulary.allows(value):
                self.note("SCHEMA_INVALID", at, f"{shown(str(value))} is not among the values of {vocabulary.name}.")
        elif kind == "ProfileRef":
            if not isinstance(value, str):
                self.object(value, self.classes.classes["Profile"], at)
        elif kind == "endorsement":
            if not isinstance(value, dict):
                self.note("SCHEMA_INVALID", at, "An endorsement is an object.")
        elif kind != "any":
            self.object(value, self.classes.classes[kind], at)


def _is_text(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, dict) and all(
        isinstance(text, str) and _LANGUAGE_KEY.fullmatch(key) for key, text in value.items()
    )


def _is_moment(value: Any) -> bool:
    try:
        return isinstance(value, str) and moments.read(value) is not None
    except DocumentFault:
        return False


def _is_zoned(value: Any) -> bool:
    try:
        return isinstance(value, str) and moments.read(value).has_zone
    except DocumentFault:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


_PLAIN: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (_is_text, "text"),
    "uri": (_is_string, "an address or other identifier (text)"),
    "number": (_is_number, "a number"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "moment": (_is_moment, "a date and time such as 2026-06-30T15:00:00Z"),
    "zoned": (_is_zoned, "a date and time with time zone, such as 2026-06-30T15:00:00Z"),
    "date": (lambda value: isinstance(value, str) and moments.is_date(value), "a date such as 2026-06-30"),
    "jws": (lambda value: isinstance(value, str) and model.COMPACT_JWS.fullmatch(value) is not None, "a compact JWS"),
    "language": (lambda value: isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None, "a language code"),
}


# --- what a credential carries --------------------------------------------------------------------------------

_OTHER_DOCUMENTS = frozenset({"verifiableCredential", "@context", "proof"})


def endorsements(document: Mapping[str, Any]) -> Iterator[tuple[str, Any, str | None]]:
    """Every endorsement in a credential: its place, itself (object or JWT), and the id of what carries it.

    Credentials inside a record are passed over: they are judged on their own, with their endorsements (9.3).
    """
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        at, value = waiting.pop(0)
        if isinstance(value, list):
            waiting += [(f"{at}/{position}", item) for position, item in enumerate(value)]
        elif isinstance(value, dict):
            carrier = value.get("id")
            carrier = carrier if isinstance(carrier, str) else None
            for name, item in value.items():
                if name in ("endorsement", "endorsementJwt"):
                    for position, one in enumerate(listed(item)):
                        yield f"{at}/{name}/{position}".lstrip("/"), one, carrier
                elif name not in _OTHER_DOCUMENTS and isinstance(item, dict | list):
                    waiting.append((f"{at}/{name}", item))


def identity_of(document: Mapping[str, Any]) -> tuple[str, str]:
    """Issuer and id of a credential, by which two credentials are the same one (digest 3)."""
    issuer = document.get("issuer")
    issuer_id = issuer.get("id") if isinstance(issuer, dict) else issuer
    return unquote(str(issuer_id)).strip(), unquote(str(document.get("id"))).strip()
