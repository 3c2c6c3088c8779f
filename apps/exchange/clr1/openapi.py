"""How the CLR 1.0 API is described for programs (OpenAPI): its classes, its refusals, its authorization."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from apps.exchange.authorization.scopes import MEANINGS
from apps.standards.clr1 import model
from apps.standards.clr1.json_schema import STATUS_INFO, schema_of

CLR = schema_of(model.Clr)
CLR_SET = schema_of(model.ClrSet, 2)
CLR_PAYLOAD = schema_of(model.ClrPayload, 2)
DISCOVERY = schema_of(model.DiscoveryDocument)
NAME = OpenApiParameter("name", str, OpenApiParameter.PATH, description="The UUID at the end of the record's address.")
SCHEME = "consent"
_MEANINGS = {
    400: "The query or the body is not as it must be.",
    401: "No access token, or one that is not valid (any more).",
    403: "The token lacks the scope, or the record is about somebody else.",
    404: "There is nothing here for this token.",
    405: "This address does not take that kind of request.",
    406: "It cannot be given as what Accept asks for.",
    410: "The record was revoked.",
    413: "Larger than 5 MB, or the wallet is full.",
    415: "A kind of content that is not taken here.",
    421: "Asked without TLS.",
    429: "More than 600 requests in ten minutes; see Retry-After.",
    503: "It cannot be given now.",
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Access by a learner's consent, with the scopes that are offered."""

    target_class = "apps.exchange.authorization.bearer.Bearer"
    name = SCHEME

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The flow of authorization codes, which is the only one."""
        return {
            "type": "oauth2",
            "description": "Register at /o/register/ first; PKCE with S256 is needed.",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "/o/authorize/",
                    "tokenUrl": "/o/token/",
                    "scopes": {scope: str(meaning.sentence) for scope, meaning in MEANINGS.items()},
                }
            },
        }


def errors(*statuses: int) -> dict[int, OpenApiResponse]:
    """The answers with these statuses: a status object each."""
    return {status: OpenApiResponse(STATUS_INFO, description=_MEANINGS[status]) for status in statuses}


def scope(name: str, *, optional: bool = False) -> Any:
    """What an operation needs; `optional`: some of it is there without a token too."""
    return [*([{}] if optional else []), {SCHEME: [name]}]
