"""The doors of an API that a learner's token opens: what all of them do, whatever the standard.

TLS where the portal has it, bearer tokens and their scopes, and every refusal in the form of the API.
"""

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from rest_framework import exceptions
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.exchange.answering import JSON, Refusal
from apps.exchange.authorization.bearer import Bearer, InsufficientScope, challenge, scopes, token_key
from apps.exchange.models import AccessToken
from apps.issuance.documents import DocumentDamaged
from apps.learners.models import Learner
from apps.network.errors import refuse
from apps.network.headers import open_api
from apps.network.limits import API, limited

log = logging.getLogger(__name__)


class Door(APIView):
    """What all doors do; an API says in `refused` what its errors look like."""

    authentication_classes: tuple[type[Bearer], ...] = (Bearer,)
    needed: ClassVar[dict[str, str]] = {}
    """Method → the scope that it needs."""
    status_without_scope: ClassVar[int] = 403

    def refused(
        self, status: int, sentence: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The answer in the API's form of error; `code` is the API's own word for the fault."""
        raise NotImplementedError

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: each answer says for itself what it depends on, and a refusal what is allowed."""
        return {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """CLR1-P-27, BC-P-01: nothing is answered without TLS where the portal has TLS."""
        if settings.HTTPS and not request._request.is_secure():
            raise Refusal(421, _("Ask over https, at the address of this portal."))
        super().initial(request, *args, **kwargs)

    def get_permissions(self) -> list[Any]:
        """The scope that the method needs; a method that is not there is refused as such, not for its scope."""
        method = {"HEAD": "GET"}.get(self.request.method or "", self.request.method or "")
        scope = self.needed.get(method)
        return [scopes(scope)()] if scope else [AllowAny()]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Left to each door: only an answer that is a document has a kind to choose."""
        return JSONRenderer(), JSON

    def handle_exception(self, exc: Exception) -> Any:
        """Every refusal in the form of the API."""
        request: HttpRequest = self.request._request
        if isinstance(exc, Refusal):
            return self.refused(exc.status, exc.sentence, code=exc.code, headers=exc.headers)
        if isinstance(exc, InsufficientScope):
            headers = {"WWW-Authenticate": challenge("insufficient_scope", " ".join(exc.needed))}
            return self.refused(
                self.status_without_scope, str(exc.detail), code=InsufficientScope.default_code, headers=headers
            )
        if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
            headers = {"WWW-Authenticate": self.get_authenticate_header(self.request) or challenge()}
            return self.refused(401, _sentence_of(exc), headers=headers)
        if isinstance(exc, exceptions.MethodNotAllowed):
            headers = {"Allow": ", ".join(self.allowed_methods)}
            return self.refused(405, _("This address does not take that kind of request."), headers=headers)
        if isinstance(exc, DocumentDamaged):  # REL-16: an alarm, and never the bytes
            log.critical("%s", exc)
            return refuse(request, 503, _("This record cannot be given out now."), retry_after=600)
        if isinstance(exc, exceptions.APIException):
            return refuse(request, exc.status_code)
        raise exc


def _sentence_of(fault: exceptions.APIException) -> str:
    if isinstance(fault, exceptions.NotAuthenticated):
        return _("An access token is needed here, in the Authorization header.")
    return str(fault.detail)


def token_of(request: Request) -> AccessToken:
    """The token of a request. Raises `NotAuthenticated`."""
    token = request.auth
    if not isinstance(token, AccessToken):
        raise exceptions.NotAuthenticated
    return token


def learner_of(token: AccessToken) -> Learner | None:
    """The learner whose access the token is; None when the person has no record here."""
    return Learner.objects.filter(user=token.user_id, merged_into=None).first()


def sender_of(token: AccessToken) -> str:
    """What the client of a token is called as a sender in wallets."""
    return str(token.application.public_id)


def opened(door: type[Door], methods: str) -> Any:
    """A door with what stands before it: other origins, packing, how often (SEC-57, SEC-59)."""
    counted = limited(API, methods=("GET", "HEAD", "POST", "DELETE"), by=token_key)(door.as_view())
    names = "Authorization, Content-Type, Accept, If-None-Match"
    return csrf_exempt(open_api(methods=methods, headers=names)(gzip_page(counted)))
