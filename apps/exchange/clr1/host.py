"""The doors of the CLR 1.0 provider: discovery, getClrs, postClr, getClr, deleteClr (digest, section 5).

Each reads the request, asks `holdings` what this token may do, and answers in the forms of `answers`. Signed
records leave as the bytes that were stored, never rebuilt.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request

from apps.exchange import disclosing, doors, paging
from apps.exchange.authorization.bearer import InsufficientScope
from apps.exchange.authorization.scopes import CLR_DELETE, CLR_READONLY, CLR_REPLACE
from apps.exchange.clr1 import answers, discovery, holdings, openapi
from apps.exchange.clr1.answers import CLR, HTML, JOSE, JSON, JSON_LD, Refusal
from apps.exchange.doors import learner_of, opened, sender_of, token_of
from apps.exchange.models import AccessToken
from apps.issuance import documents
from apps.issuance.documents import DocumentErased
from apps.issuance.models import Record
from apps.learners.models import Learner
from apps.network.fetching import Budget, GuardedFetcher
from apps.standards.clr1 import carrying
from apps.standards.errors import StandardsError
from apps.verification.judging import WAITING_SECONDS
from apps.wallet import intake
from apps.wallet.models import WalletItem

PURPOSE = "CLR 1.0 API"
_LEARNERS_DOCUMENTS = (JSON, JSON_LD, CLR, JOSE, HTML)


class Door(doors.Door):
    """What all doors do, with errors as status objects (CLR1-P-08)."""

    def refused(
        self, status: int, sentence: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The standard's status object; what lacks a scope needs no code of its own."""
        code = None if code == InsufficientScope.default_code else code
        return answers.status_object(status, sentence, code=code, headers=headers)


# --- Discovery (5.2) --------------------------------------------------------------------------


class DiscoveryView(Door):
    """How to find, and how to ask, this provider."""

    authentication_classes = ()

    @extend_schema(
        operation_id="getDiscoveryDocument",
        summary="What this provider is and where its authorization server stands",
        tags=["CLR 1.0"],
        auth=[],
        responses={
            (200, JSON): openapi.DISCOVERY,
            (200, JSON_LD): openapi.DISCOVERY,
            **openapi.errors(406, 421, 429),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """CLR1-P-01."""
        plain: HttpRequest = request._request
        kind = answers.wanted(plain, (JSON, JSON_LD))
        body = orjson.dumps(discovery.document())
        tag = answers.tag_of(kind, body)
        return answers.unchanged(plain, tag, public=True) or answers.document(plain, body, kind, tag, public=True)


# --- getClrs (5.3) and postClr (5.4) ----------------------------------------------------------


class ClrsView(Door):
    """The records of the learner who gave the token."""

    needed: ClassVar[dict[str, str]] = {"GET": CLR_READONLY, "POST": CLR_REPLACE}

    @extend_schema(
        operation_id="getClrs",
        summary="Read the learner's records",
        description=(
            "The records that the learner chose for this client, and those that it sent itself; neither superseded "
            "nor revoked, newest first. Signed records stand in `signedClrs`, others in `clrs`."
        ),
        tags=["CLR 1.0"],
        auth=openapi.scope(CLR_READONLY),
        parameters=[
            OpenApiParameter("limit", int, description="1 to 100; more is read as 100, absent as 50."),
            OpenApiParameter("offset", int, description="How many to pass over: 0 to 1,000,000."),
            OpenApiParameter("since", datetime, description="Only records that came after this moment."),
        ],
        responses={
            (200, JSON): openapi.CLR_SET,
            (200, JSON_LD): openapi.CLR_SET,
            304: OpenApiResponse(description="As the tag in If-None-Match names it."),
            **openapi.errors(400, 401, 403, 406, 421, 429, 503),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """CLR1-P-02 to P-06."""
        plain: HttpRequest = request._request
        kind = answers.wanted(plain, (JSON, JSON_LD))
        asked = paging.asked(plain)
        token = token_of(request)
        page = holdings.page(token, limit=asked.limit, offset=asked.offset, since=asked.since)
        tag = answers.tag_of(
            kind, asked.limit, asked.offset, page.total, [(row.origin, row.digest) for row in page.rows]
        )
        response = answers.unchanged(plain, tag)
        if response is None:
            plain_clrs, signed = holdings.contents(page.rows)
            if page.rows:
                what = [row.disclosed_as for row in page.rows]
                disclosing.note_read(token, page.rows[0].learner_id, what, PURPOSE)
            response = answers.document(plain, carrying.set_of(plain_clrs, signed), kind, tag)
        response.headers["X-Total-Count"] = str(page.total)
        response.headers["Link"] = paging.links(f"{settings.BASE_URL}{answers.BASE_PATH}/clrs", asked, page.total)
        return response

    @extend_schema(
        operation_id="postClr",
        summary="Put a record into the learner's wallet, or replace the one that was sent before",
        description=(
            "The record must be about the learner who gave the token. It is verified first: one that is forged, "
            "revoked or malformed is refused; one that cannot be checked now is kept and marked. A record with the "
            "same `id` of the same publisher is replaced, as far as this client sent it."
        ),
        tags=["CLR 1.0"],
        auth=openapi.scope(CLR_REPLACE),
        request={
            JSON: OpenApiRequest(openapi.CLR_PAYLOAD),
            JSON_LD: OpenApiRequest(openapi.CLR_PAYLOAD),
            JOSE: OpenApiRequest({"type": "string", "description": "A compact JWS around a Clr."}),
        },
        responses={
            201: OpenApiResponse(openapi.CLR_PAYLOAD, description="New; Location is where it stands now."),
            200: OpenApiResponse(openapi.CLR_PAYLOAD, description="It replaced the one that was sent before."),
            304: OpenApiResponse(description="The very same record is there already."),
            **openapi.errors(400, 401, 403, 406, 413, 415, 421, 429),
        },
        examples=[OpenApiExample("Signed", value={"signedClr": "eyJhbGciOiJSUzI1NiJ9.eyJ9.c2ln"}, request_only=True)],
    )
    def post(self, request: Request) -> HttpResponse:
        """CLR1-P-09 to P-11."""
        plain: HttpRequest = request._request
        kind = answers.wanted(plain, (JSON, JSON_LD))
        posted = _posted(plain)
        token = token_of(request)
        learner = learner_of(token)
        if learner is None or not holdings.is_about(learner, posted.value):  # CLR1-P-11
            raise Refusal(403, _("This record is about somebody else than the learner who let you in."))
        if holdings.is_issued_here(learner, posted):
            return answers.dressed(HttpResponse(status=304))
        kept = _take(learner, posted, token)
        if not kept.created:
            return answers.dressed(HttpResponse(status=304), _tag_of_item(kept.item, kind))
        body = carrying.payload_of(holdings.content_of(kept.item), is_signed=kept.item.is_signed)
        response = answers.document(plain, body, kind, _tag_of_item(kept.item, kind))
        response.status_code = 200 if kept.replaced else 201
        response.headers["Location"] = f"{settings.BASE_URL}{answers.BASE_PATH}/clrs/{kept.item.public_id}"
        return response


def _posted(request: HttpRequest) -> carrying.Carried:
    """The record in the body, of the right form (CLR1-P-10). Raises `Refusal` 400 or 415."""
    kind, _semicolon, parameters = request.META.get("CONTENT_TYPE", "").lower().partition(";")
    if kind.strip() not in {JSON, JSON_LD, JOSE} or ("charset" in parameters and "utf-8" not in parameters):
        raise Refusal(415, f"Send {JSON} or {JSON_LD} in UTF-8, or a signed record alone as {JOSE}.")
    body = request.body
    try:
        return carrying.posted_token(body) if kind.strip() == JOSE else carrying.posted(body)
    except StandardsError as fault:
        where = f" ({fault.code}, at {fault.at})" if fault.at else f" ({fault.code})"
        raise Refusal(400, f"{fault.sentence}{where}", code="invalid_data") from None


def _take(learner: Learner, posted: carrying.Carried, token: AccessToken) -> intake.Intake:
    """Verify and keep; what could not be checked now is kept and marked (5.4). Raises `Refusal`."""
    try:
        return intake.take_in(
            learner,
            posted.content,
            source=holdings.SOURCE,
            sender=sender_of(token),
            fetcher=GuardedFetcher.from_settings(Budget.somebody_waits()),
            seconds=WAITING_SECONDS,
            accept=("valid", "undecided"),
        )
    except intake.WalletFull as fault:
        raise Refusal(413, str(fault)) from None
    except intake.NotTaken as fault:
        raise Refusal(400, f"{fault} ({fault.code})", code="invalid_data") from None


# --- getClr (5.5) and deleteClr (5.6) ---------------------------------------------------------


class ClrView(Door):
    """One record at its id, and one that the client sent at the address it was told."""

    needed: ClassVar[dict[str, str]] = {"DELETE": CLR_DELETE}

    @extend_schema(
        operation_id="getClr",
        summary="Read one record",
        description=(
            "A record that its learner made public needs no token. A signed record answers the payload as it was "
            "signed, or the compact JWS when application/jose is asked for."
        ),
        tags=["CLR 1.0"],
        auth=openapi.scope(CLR_READONLY, optional=True),
        parameters=[openapi.NAME],
        responses={
            (200, JSON): openapi.CLR,
            (200, JSON_LD): openapi.CLR,
            (200, CLR): openapi.CLR,
            (200, JOSE): {"type": "string"},
            303: OpenApiResponse(description="The page for people, when text/html is asked for."),
            304: OpenApiResponse(description="As the tag in If-None-Match names it."),
            **openapi.errors(401, 403, 404, 406, 410, 421, 429, 503),
        },
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """CLR1-P-12, P-13, P-24; private and absent answer alike (I4)."""
        plain: HttpRequest = request._request
        public_id = _id(name)
        token = request.auth if isinstance(request.auth, AccessToken) else None
        kind = answers.wanted(plain, _LEARNERS_DOCUMENTS)
        if kind == HTML and token is None:
            return answers.dressed(HttpResponse(status=303, headers={"Location": f"/clrs/{name}"}))
        if kind == HTML:
            kind = answers.wanted(plain, _LEARNERS_DOCUMENTS[:-1])
        if public_id is not None and (record := holdings.public_record(public_id)) is not None:
            return _record(plain, record, kind, public=True)
        if token is None:
            raise exceptions.NotAuthenticated
        if CLR_READONLY not in token.scope.split():
            raise InsufficientScope((CLR_READONLY,))
        if public_id is not None and (record := holdings.chosen_record(token, public_id)) is not None:
            return _record(plain, record, kind, token=token)
        learner = learner_of(token)
        if public_id is not None and learner is not None:
            item = holdings.sent_item(token, learner, public_id)
            if item is not None:
                return _sent(plain, item, kind, token, learner)
        raise _nothing()

    @extend_schema(
        operation_id="deleteClr",
        summary="Take a record back that this client had sent",
        description="What the institution issued is never deleted.",
        tags=["CLR 1.0"],
        auth=openapi.scope(CLR_DELETE),
        parameters=[openapi.NAME],
        responses={
            204: OpenApiResponse(description="It is gone."),
            **openapi.errors(401, 403, 404, 405, 421, 429),
        },
    )
    def delete(self, request: Request, name: str) -> HttpResponse:
        """CLR1-P-25: unknown, another learner's and another client's answer alike."""
        token = token_of(request)
        public_id = _id(name)
        learner = learner_of(token)
        if public_id is None or learner is None:
            raise _nothing()
        if holdings.chosen_record(token, public_id) is not None:
            raise Refusal(405, _("What the institution issued is not deleted."), Allow="GET, HEAD, OPTIONS")
        item = holdings.sent_item(token, learner, public_id)
        if item is None or not intake.take_back(item, source=holdings.SOURCE, sender=sender_of(token)):
            raise _nothing()
        return answers.dressed(HttpResponse(status=204))


def _id(name: str) -> uuid.UUID | None:
    """The id in an address, in its one spelling."""
    try:
        found = uuid.UUID(name)
    except ValueError:
        return None
    return found if str(found) == name else None


def _nothing() -> Refusal:
    return Refusal(404, _("There is nothing at this address."))


def _record(
    request: HttpRequest, record: Record, kind: str, *, public: bool = False, token: AccessToken | None = None
) -> HttpResponse:
    """A record of the institution as it was issued: the payload that was signed, or the signed text."""
    if record.state == Record.State.REVOKED:  # CLR1-P-13
        raise Refusal(410, _("This record was revoked: %(reason)s") % {"reason": record.revocation.reason})
    try:
        document = documents.document_of(record)
        if document.content is None:
            raise _nothing()
        tag = answers.tag_of(kind, document.digest)
        response = answers.unchanged(request, tag)
        if response is None:
            body = documents.content_of(document)
            body = body if kind == JOSE else documents.payload_in(body)
            if token is not None:
                what = [("issuance.record", str(record.public_id))]
                disclosing.note_read(token, record.learner.public_id, what, PURPOSE)
            response = answers.document(request, body, kind, tag)
    except DocumentErased:
        raise _nothing() from None
    return response


def _sent(request: HttpRequest, item: WalletItem, kind: str, token: AccessToken, learner: Learner) -> HttpResponse:
    """A record that the client sent, as it sent it; a plain one has no signed text to give."""
    if item.state == WalletItem.State.REVOKED:
        raise Refusal(410, _("This record was revoked by its publisher."))
    if kind == JOSE and not item.is_signed:
        kind = answers.wanted(request, _LEARNERS_DOCUMENTS[:3])
    tag = _tag_of_item(item, kind)
    response = answers.unchanged(request, tag)
    if response is None:
        body = holdings.content_of(item)
        if item.is_signed:
            body = body if kind == JOSE else documents.payload_in(body)
        else:
            body = carrying.root_document(body)
        disclosing.note_read(token, learner.public_id, [("wallet.walletitem", str(item.public_id))], PURPOSE)
        response = answers.document(request, body, kind, tag)
    return response


def _tag_of_item(item: WalletItem, kind: str) -> str:
    return answers.tag_of(kind, item.digest)


# --- The doors as the address table names them ------------------------------------------------


get_discovery = opened(DiscoveryView, "GET, HEAD, OPTIONS")
clrs = opened(ClrsView, "GET, HEAD, POST, OPTIONS")
clr = opened(ClrView, "GET, HEAD, DELETE, OPTIONS")
