"""What was handed in? Decided by content alone; nobody is asked for a format.

``recognise`` gives a ``Subject``: how it is wrapped (``form``), which standard it follows (``format``), and
what was read of it. Pictures and PDFs are only named here; ``engine`` takes the record out of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from apps.standards import strict_json
from apps.standards.baking.qr import JPEG_SIGNATURE
from apps.standards.clr1 import model as clr1
from apps.standards.errors import ParseFault
from apps.standards.proofs import jws as jws_format
from apps.standards.proofs.jws import Jws

Form = Literal["json", "jws", "sd-jwt", "png", "jpeg", "svg", "pdf", "address", "unknown"]
Format = Literal["clr-1.0", "ob-2.0", "vc", "unknown"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_TOKEN = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(?P<disclosures>~\S*)?")
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_VC_CONTEXT = re.compile(r"https://www\.w3\.org/(?:2018/credentials/v1|ns/credentials/v2)")
_VC_TYPES = frozenset(
    {
        "VerifiableCredential",
        "VerifiablePresentation",
        "EnvelopedVerifiableCredential",
        "EnvelopedVerifiablePresentation",
    }
)
_OB2_CONTEXT = re.compile(r"https?://(?:w3id\.org/openbadges|openbadgespec\.org|purl\.imsglobal\.org/spec/ob/v2p)")
_CLR1_CONTEXT = re.compile(r"https://purl\.imsglobal\.org/spec/clr/v1p0/|https://contexts\.ward\.guru/clr_v1p0")
_OB2_TYPES = frozenset({"BadgeClass", "Issuer", "CryptographicKey", "RevocationList", "Assertion", "Endorsement"})


@dataclass(frozen=True, slots=True)
class Subject:
    """One document to judge. ``jws`` is there when it came signed; ``value`` is its JSON.

    ``fault`` says why it could not be read, and then ``value`` means nothing.
    """

    form: Form
    format: Format = "unknown"
    value: Any = None
    jws: Jws | None = None
    token: str = ""
    fault: ParseFault | None = None


def recognise(source: bytes) -> Subject:
    """The subject in a file, a pasted text or an answer. Never raises: what cannot be read has a ``fault``."""
    if source.startswith(PNG_SIGNATURE):
        return Subject("png")
    if source.startswith(JPEG_SIGNATURE):
        return Subject("jpeg")
    if b"%PDF-" in source[:1024] and source.lstrip()[:1] not in (b"{", b"["):
        return Subject("pdf")
    text = source.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        return Subject("unknown", fault=ParseFault("There is nothing in it.", code="INPUT_INVALID"))
    if text[:1] == b"<":
        if _WEB_PAGE.match(text):
            sentence = "This is a web page, not a record. Download the record itself, or give its own address."
            return Subject("unknown", fault=ParseFault(sentence, code="INPUT_INVALID"))
        return Subject("svg")
    if len(text) <= 4096 and (address := _address_in(text)):
        return Subject("address", token=address)
    token = _TOKEN.fullmatch(text)
    if token is not None:
        if token["disclosures"] is not None:
            return Subject("sd-jwt", token=text.decode("ascii"))
        return read_token(text)
    return read_json(text)


def _address_in(text: bytes) -> str | None:
    decoded = text.decode("utf-8", "replace")
    return decoded if _ADDRESS.fullmatch(decoded) else None


def read_token(token: str | bytes) -> Subject:
    """The subject in a compact JWS: its payload read strictly, its signature not yet verified."""
    text = token if isinstance(token, str) else token.decode("ascii", "replace")
    try:
        jws = jws_format.split(token)
    except ParseFault as fault:
        return Subject("jws", token=text, fault=fault)
    try:
        value = strict_json.loads(jws.payload)
    except ParseFault as fault:
        described = ParseFault(
            f"The signed content cannot be read. {fault.sentence}", code="INPUT_INVALID", at=fault.at
        )
        return Subject("jws", jws=jws, token=text, fault=described)
    return Subject("jws", format_of(value), value, jws, text)


def read_json(text: bytes) -> Subject:
    """The subject in a JSON text."""
    try:
        value = strict_json.loads(text)
    except ParseFault as fault:
        described = ParseFault(
            fault.sentence, code="PARSE_ERROR" if _VC_CONTEXT.search(_head(text)) else "INPUT_INVALID", at=fault.at
        )
        return Subject("json", fault=described)
    return Subject("json", format_of(value), value)


def _head(text: bytes) -> str:
    return text[:4096].decode("utf-8", "replace")


def format_of(value: Any) -> Format:
    """The standard that a JSON document follows, by its context, its types and its properties."""
    if not isinstance(value, dict):
        return "unknown"
    contexts = _texts(value.get("@context"))
    types = _texts(value.get("type")) + _texts(value.get("@type"))
    if (
        _VC_TYPES.intersection(types)
        or any(_VC_CONTEXT.match(address) for address in contexts)
        or isinstance(value.get("vc"), dict)
        or isinstance(value.get("vp"), dict)
    ):
        return "vc"
    if _has_clr_members(value):
        return "clr-1.0"
    if "badge" in value or any(_OB2_CONTEXT.match(address) for address in contexts) or _maps_badges(value):
        return "ob-2.0"
    if any(_CLR1_CONTEXT.match(address) for address in contexts) or any(name in _CLR1_TYPES for name in types):
        return "clr-1.0"
    if "criteria" in value or _OB2_TYPES.intersection(types) or _is_early_badge(value):
        return "ob-2.0"
    return "clr-1.0" if "claim" in value else "unknown"


_CLR1_TYPES = frozenset({"Clr", "CLR", "ClrSet", "CLRSet", "ClrPayload", "CLRPayload"})
_CLR1_MEMBERS = ("learner", "publisher", "assertions", "achievement", "clrs", "signedClrs", "clr", "signedClr")


def _has_clr_members(value: Mapping[str, Any]) -> bool:
    return any(name in value for name in _CLR1_MEMBERS)


def _maps_badges(value: Mapping[str, Any]) -> bool:
    """Whether an inline context maps names to the vocabulary of Open Badges."""
    context = value.get("@context")
    for member in context if isinstance(context, list) else [context]:
        if isinstance(member, dict) and any(iri == "https://w3id.org/openbadges#" for iri in member.values()):
            return True
    return False


def _is_early_badge(value: Mapping[str, Any]) -> bool:
    return "recipient" in value and ("verify" in value or "verification" in value)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


Clr1Kind = Literal["payload", "set", "endorsement", "assertion", "badge", "record"]


def clr1_kind(value: Mapping[str, Any]) -> Clr1Kind:
    """Which of its documents a CLR 1.0 document is, by content (section 8.1 of the standard)."""
    type_ = value.get("type")
    if "clr" in value or "signedClr" in value:
        return "payload"
    if "clrs" in value or "signedClrs" in value or type_ in ("ClrSet", "CLRSet"):
        return "set"
    if "claim" in value or type_ == "Endorsement":
        return "endorsement"
    if "achievement" in value or type_ == "Assertion":
        return "assertion"
    if "badge" in value:
        return "badge"
    return "record"


CLR1_CLASSES: dict[str, type[clr1.Node]] = {
    "record": clr1.Clr,
    "assertion": clr1.Assertion,
    "endorsement": clr1.Endorsement,
}
