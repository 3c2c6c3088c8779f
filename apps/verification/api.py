"""``/api/verify/``: verification for programs. The raw document is the body; the answer is that of the command."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.issuance.documents import DocumentDamaged
from apps.network.errors import refuse
from apps.network.headers import open_api
from apps.network.limits import VERIFY, VERIFY_BODY, limited
from apps.standards import strict_json
from apps.standards.errors import ParseFault
from apps.standards.verify.verdict import Result, unreadable
from apps.verification.codes import code_in
from apps.verification.judging import judge_while_waiting
from apps.verification.own import record_of_code

CONTENT_TYPES = (
    "application/json",
    "application/ld+json",
    "application/jose",
    "image/png",
    "image/jpeg",
    "image/svg+xml",
    "application/pdf",
    "application/clr",
    "application/jwt",
    "application/vc",
    "application/vc+jwt",
    "application/vc+ld+json",
    "text/plain",
)
_ADDRESS_BODY = 4_096


class PartySerializer(serializers.Serializer[Any]):
    """An issuer or learner."""

    id = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)


class CheckSerializer(serializers.Serializer[Any]):
    """One check of a verification."""

    name = serializers.CharField(help_text="Stable name of the step.")
    status = serializers.ChoiceField(choices=["passed", "failed", "warning", "skipped"])
    code = serializers.CharField(allow_null=True, help_text="Stable name of the failure or warning.")
    detail = serializers.CharField(help_text="One plain sentence.")
    evidence = serializers.DictField(help_text="What was looked at: key, address, digest.")


class VerificationSerializer(serializers.Serializer[Any]):
    """The result of a verification."""

    verdict = serializers.ChoiceField(choices=["valid", "invalid", "undecided"])
    valid = serializers.BooleanField()
    summary = serializers.CharField()
    format = serializers.ChoiceField(choices=["clr-1.0", "clr-2.0", "ob-2.0", "ob-3.0", "unknown"])
    issuer = PartySerializer(allow_null=True)
    learner = PartySerializer(allow_null=True)
    superseded_by = serializers.CharField(allow_null=True, help_text="Id of the record that replaced it.")
    checks = CheckSerializer(many=True)
    credentials = serializers.ListField(
        child=serializers.DictField(), help_text="Results of what is nested, in this same form."
    )


class AddressSerializer(serializers.Serializer[Any]):
    """An address to verify instead of a document."""

    url = serializers.URLField()


class VerifyView(APIView):
    """Judges the document in the body, or the one at the address that a body ``{"url": …}`` names."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """The answer is JSON whatever was asked for."""
        return JSONRenderer(), "application/json"

    def handle_exception(self, exc: Exception) -> Any:
        """Errors in the form of the portal's other programs (SEC-60)."""
        if isinstance(exc, exceptions.APIException):
            return refuse(self.request._request, exc.status_code)
        if isinstance(exc, DocumentDamaged):
            return refuse(self.request._request, 503, retry_after=60)
        return super().handle_exception(exc)

    @extend_schema(
        operation_id="verify",
        summary="Verify a record, a badge or an address",
        description=(
            "Send the document as it is, with its content type; or JSON with the one property `url`. "
            "The format is recognised by content. Nothing is stored."
        ),
        request={
            "application/json": AddressSerializer,
            **{kind: OpenApiTypes.BINARY for kind in CONTENT_TYPES if kind != "application/json"},
        },
        responses={
            200: VerificationSerializer,
            400: OpenApiResponse(VerificationSerializer, description="Nothing was sent."),
            413: OpenApiResponse(description="Larger than 25 MB."),
            415: OpenApiResponse(description="A content type that no record has, or a packed body."),
            422: OpenApiResponse(VerificationSerializer, description="It cannot be read as a record or badge."),
            429: OpenApiResponse(description="More than 300 requests in ten minutes; see Retry-After."),
        },
        examples=[OpenApiExample("An address", value={"url": "https://issuer.example/clr/1"}, request_only=True)],
        auth=[],
    )
    def post(self, request: Request) -> HttpResponse:
        """One verification."""
        plain: HttpRequest = request._request
        kind, _, parameters = plain.META.get("CONTENT_TYPE", "").lower().partition(";")
        if kind.strip() not in CONTENT_TYPES or ("charset" in parameters and "utf-8" not in parameters):
            return refuse(plain, 415)
        body = _read(plain)
        if body is None:
            return refuse(plain, 413)
        if not body.strip():
            return _answer(unreadable("INPUT_INVALID", "Nothing was sent. Send the document as the body."), 400)
        address = _address_in(body)
        result = judge_while_waiting(body) if address is None else _judge_address(address)
        return _answer(result, 200 if result.readable else 422)


def _read(request: HttpRequest) -> bytes | None:
    """The body, counted while it is read (SEC-20); None when it is longer than allowed."""
    pieces: list[bytes] = []
    size = 0
    while piece := request.read(65_536):
        size += len(piece)
        if size > VERIFY_BODY:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _address_in(body: bytes) -> str | None:
    """The address of a body ``{"url": …}`` with nothing else in it."""
    if len(body) > 100 * _ADDRESS_BODY or b'"url"' not in body:
        return None
    try:
        value = strict_json.loads(body)
    except ParseFault:
        return None
    if isinstance(value, dict) and set(value) == {"url"} and isinstance(value["url"], str):
        return str(value["url"])
    return None


def _judge_address(address: str) -> Result:
    """Judge what stands at an address; the address of a printed code is looked up here."""
    if code := code_in(address):
        found = record_of_code(code)
        if found is None:
            return unreadable("INPUT_INVALID", "No record has this code, or it is no longer shown.")
        return judge_while_waiting(found[2])
    if len(address) > _ADDRESS_BODY or not address.lower().startswith(("http://", "https://")):
        return unreadable("INPUT_INVALID", "Only http and https addresses are verified.")
    return judge_while_waiting(address.encode("utf-8", "surrogatepass"))


def _answer(result: Result, status: int) -> HttpResponse:
    return JsonResponse(result.as_json(), status=status)


verify = csrf_exempt(
    open_api(methods="POST, OPTIONS", headers="Content-Type, Accept")(limited(VERIFY)(VerifyView.as_view()))
)
schema = SpectacularAPIView.as_view()
docs = SpectacularSwaggerSplitView.as_view(url_name="api-schema", template_name="verification/api_docs.html")
