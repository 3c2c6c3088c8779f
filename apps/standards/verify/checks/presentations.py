"""Verifiable presentations and enveloped credentials: what they carry is judged, each credential on its own.

A presentation says who shows credentials to whom; its own proof is made for one verifier's challenge, which is not
known here, so it is not judged. An envelope (``EnvelopedVerifiableCredential``) is a ``data:`` address with a token.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from apps.standards.ob3.read import listed, types_of
from apps.standards.verify.recognise import Subject, read_token, recognise
from apps.standards.verify.sources import Run
from apps.standards.verify.verdict import Result, include_nested

MAX_CREDENTIALS = 100
_PRESENTATION = "VerifiablePresentation"
_ENVELOPES = ("EnvelopedVerifiableCredential", "EnvelopedVerifiablePresentation")
_TOKENS = ("application/vc+jwt", "application/vp+jwt", "application/vc-ld+jwt", "application/jwt")

#: Judges a credential that is carried, at a depth.
JudgeInside = Callable[[Subject, int], Result]


def is_one(subject: Subject) -> bool:
    """Whether this is a presentation or an envelope rather than a credential."""
    document = subject.value
    if subject.fault is not None or not isinstance(document, dict):
        return False
    if isinstance(document.get("vp"), dict):
        return "vc" not in document
    types = types_of(document)
    return (_PRESENTATION in types and "VerifiableCredential" not in types) or any(one in types for one in _ENVELOPES)


def judge(subject: Subject, run: Run, depth: int, judge_inside: JudgeInside) -> Result:
    """Judge everything that a presentation carries, or what an envelope holds."""
    document: Mapping[str, Any] = subject.value
    if any(name in types_of(document) for name in _ENVELOPES):
        return _judge_envelope(document, depth, judge_inside)
    presentation = document["vp"] if isinstance(document.get("vp"), dict) else document
    result = Result(kind="presentation", subject=_text(presentation.get("id")), document=document)
    result.passed("input", "It could be read.")
    carried = listed(presentation.get("verifiableCredential"))
    if not carried:
        result.failed(
            "content", "NOT_VERIFIABLE", "The presentation carries no credential, so nothing can be verified."
        )
    if len(carried) > MAX_CREDENTIALS or depth >= run.budget.depth:
        result.failed("content", "NOT_DECIDED", "The presentation carries more than is looked at.")
        return result
    for position, one in enumerate(carried):
        found = read_token(one) if isinstance(one, str) else Subject("json", "vc", one)
        include_nested(result, f"verifiableCredential/{position}", judge_inside(found, depth + 1))
    sentence = "Who shows the credentials was not looked at: that is proved to one verifier only."
    result.warned("holder", "NOT_DECIDED", sentence)
    result.vouched = any(nested.valid for nested in result.credentials)
    formats = {nested.format for nested in result.credentials}
    if len(formats) == 1:
        result.format = formats.pop()
    if len(result.credentials) == 1:
        only = result.credentials[0]
        result.issuer, result.learner, result.superseded_by = only.issuer, only.learner, only.superseded_by
    return result


def _judge_envelope(document: Mapping[str, Any], depth: int, judge_inside: JudgeInside) -> Result:
    held = _held(document.get("id"))
    if held is None:
        result = Result(readable=False)
        result.failed("input", "PARSE_ERROR", "The envelope holds no signed credential (a data address with a token).")
        return result
    found = recognise(held)
    if found.form == "sd-jwt":
        result = Result()
        result.failed("input", "NOT_DECIDED", "The envelope holds a selectively disclosed credential, not judged here.")
        return result
    if found.form != "jws" or depth >= 5:
        result = Result(readable=False)
        result.failed("input", "PARSE_ERROR", "The envelope holds something else than a signed credential.")
        return result
    return judge_inside(found, depth + 1)


def _held(address: Any) -> bytes | None:
    """The content of a ``data:`` address of a token."""
    if not isinstance(address, str) or address[:5].lower() != "data:":
        return None
    head, comma, body = address[5:].partition(",")
    media_type, *parameters = [part.strip().lower() for part in head.split(";")]
    if not comma or not (media_type in _TOKENS or media_type.endswith("+sd-jwt")):
        return None
    content = unquote_to_bytes(body)
    if "base64" not in parameters:
        return content
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
