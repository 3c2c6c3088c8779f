"""How the Badge Connect API is described for programs (OpenAPI): its envelope, its payloads, its refusals."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse

from apps.exchange.clr1.openapi import scope
from apps.standards.ob2 import connect

_TEXT = {"type": "string"}
_ADDRESS = {"type": "string", "format": "uri"}
STATUS: dict[str, Any] = {
    "type": "object",
    "required": ["error", "statusCode", "statusText"],
    "properties": {
        "error": {"type": "string", "nullable": True},
        "statusCode": {"type": "integer"},
        "statusText": {"type": "string", "enum": list(connect.STATUS_TEXTS)},
    },
}
ENVELOPE: dict[str, Any] = {"type": "object", "required": ["status"], "properties": {"status": STATUS}}
_BADGE = {"type": "object", "description": "An Assertion of Open Badges 2.0.", "additionalProperties": True}
_PROFILE = {"type": "object", "description": "A Profile of Open Badges 2.0.", "additionalProperties": True}
_SIGNED = {"type": "string", "description": "A compact JWS around an Assertion."}
BADGES = {
    **ENVELOPE,
    "properties": {
        "status": STATUS,
        "assertions": {"type": "array", "items": _BADGE},
        "signedAssertions": {"type": "array", "items": _SIGNED},
    },
}
PROFILE = {**ENVELOPE, "properties": {"status": STATUS, "profile": _PROFILE}}
POSTED = {
    "type": "object",
    "properties": {"assertion": {**_BADGE, "nullable": True}, "signedAssertion": {**_SIGNED, "nullable": True}},
}
POSTED_PROFILE = {
    "type": "object",
    "description": "The identifiers to add.",
    "properties": {"email": _TEXT, "url": _ADDRESS, "telephone": _TEXT},
}
_NAMES = ("id", "type", "@context")
MANIFEST = {
    "type": "object",
    "required": ["id", "badgeConnectAPI"],
    "properties": {
        **dict.fromkeys(_NAMES, _TEXT),
        "badgeConnectAPI": {
            "type": "array",
            "items": {
                "type": "object",
                "required": [*connect.MANIFEST_MEMBERS, *connect.ENDPOINTS],
                "additionalProperties": True,
            },
        },
    },
}
_MEANINGS = {
    400: "The query, the body or the badge is not as it must be; statusText says which.",
    401: "No access token, one that is not valid (any more), or one that lacks the scope.",
    404: "There is nothing here.",
    405: "This address does not take that kind of request.",
    413: "Larger than 5 MB, or the wallet is full.",
    421: "Asked without TLS.",
    429: "More than 600 requests in ten minutes; see Retry-After.",
    503: "It cannot be given now.",
}


def errors(*statuses: int) -> dict[int, OpenApiResponse]:
    """The answers with these statuses: an envelope each."""
    return {status: OpenApiResponse(ENVELOPE, description=_MEANINGS[status]) for status in statuses}


__all__ = ["BADGES", "ENVELOPE", "MANIFEST", "POSTED", "POSTED_PROFILE", "PROFILE", "errors", "scope"]
