"""The doors of the Badge Connect host: manifest, assertions, profile (digest, B2 and B8).

Each reads the request, asks `holdings` what this token may do, and answers in the standard's envelope. Badges leave
as the bytes that were stored, never rebuilt.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiRequest, OpenApiResponse, extend_schema
from rest_framework.request import Request

from apps.exchange import disclosing, doors, paging
from apps.exchange.answering import JSON, Refusal, document, tag_of, unchanged
from apps.exchange.authorization.bearer import InsufficientScope
from apps.exchange.authorization.scopes import (
    ASSERTION_CREATE,
    ASSERTION_READONLY,
    PROFILE_READONLY,
    PROFILE_UPDATE,
)
from apps.exchange.badgeconnect import answers, discovery, holdings, openapi
from apps.exchange.doors import learner_of, opened, sender_of, token_of
from apps.learners.models import Learner
from apps.network.fetching import Budget, GuardedFetcher
from apps.standards.errors import StandardsError
from apps.standards.ob2 import connect
from apps.verification.judging import WAITING_SECONDS
from apps.wallet import identities, intake

PURPOSE = "Badge Connect API"
_WORDS = {
    paging.WRONG_QUERY: connect.REQUEST_VALIDATION_ERROR,
    InsufficientScope.default_code: connect.PERMISSION_DENIED,
}
"""What the shared doors call a fault, in this API's words."""


class Door(doors.Door):
    """What all doors do, with errors in the envelope; a token without the scope is 401 here (BC-R-03)."""

    status_without_scope = 401

    def refused(
        self, status: int, sentence: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The envelope; `code` is a status text, or one that the shared doors use."""
        return answers.refusal(status, sentence, text=_WORDS.get(code or "", code), headers=headers)


def _invalid(sentence: str, text: str = connect.REQUEST_VALIDATION_ERROR) -> Refusal:
    return Refusal(400, sentence, code=text)


def _learner(request: Request) -> Learner:
    """The learner of the token. Raises `Refusal` 404."""
    learner = learner_of(token_of(request))
    if learner is None:
        raise Refusal(404, _("The person who let you in has no record here."))
    return learner


def _body(request: HttpRequest) -> bytes:
    """The bytes of a JSON body. Raises `Refusal` 400."""
    kind, _semicolon, parameters = request.META.get("CONTENT_TYPE", "").lower().partition(";")
    if kind.strip() != JSON or ("charset" in parameters and "utf-8" not in parameters):
        raise _invalid(f"Send {JSON} in UTF-8.")
    return request.body


# --- The manifest (B2) ------------------------------------------------------------------------


class ManifestView(Door):
    """How to find, and how to ask, this host."""

    authentication_classes = ()

    @extend_schema(
        operation_id="getManifest",
        summary="What this host is and where its authorization server stands",
        tags=["Badge Connect"],
        auth=[],
        responses={
            (200, JSON): openapi.MANIFEST,
            304: OpenApiResponse(description="As the tag in If-None-Match names it."),
            **openapi.errors(421, 429),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """BC-P-01, BC-P-02, BC-P-04."""
        plain: HttpRequest = request._request
        body = orjson.dumps(discovery.document())
        tag = tag_of(JSON, body)
        return unchanged(plain, tag, public=True) or document(plain, body, JSON, tag, public=True)


# --- getAssertions and postAssertion ----------------------------------------------------------


class AssertionsView(Door):
    """The badges of the learner who gave the token."""

    needed: ClassVar[dict[str, str]] = {"GET": ASSERTION_READONLY, "POST": ASSERTION_CREATE}

    @extend_schema(
        operation_id="getAssertions",
        summary="Read the learner's badges",
        description=(
            "The badges of the records that the learner chose, and those in the learner's wallet, last change first. "
            "Signed badges stand in `signedAssertions`, others in `assertions`; both share limit and order."
        ),
        tags=["Badge Connect"],
        auth=openapi.scope(ASSERTION_READONLY),
        parameters=[
            OpenApiParameter("limit", int, description="1 to 100; more is read as 100, absent as 50."),
            OpenApiParameter("offset", int, description="How many to pass over: 0 to 1,000,000."),
            OpenApiParameter("since", str, description="A date and time with zone; only badges changed after it."),
        ],
        responses={
            (200, JSON): openapi.BADGES,
            304: OpenApiResponse(description="As the tag in If-None-Match names it."),
            **openapi.errors(400, 401, 421, 429, 503),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """BC-R-01 to R-09."""
        plain: HttpRequest = request._request
        asked = paging.asked(plain)
        token = token_of(request)
        page = holdings.page(token, limit=asked.limit, offset=asked.offset, since=asked.since)
        held = [(row.origin, row.pk, row.digest, row.changed_at) for row in page.rows]
        tag = tag_of(asked.limit, asked.offset, page.total, held)
        response = unchanged(plain, tag)
        if response is None:
            assertions, signed = holdings.contents(page.rows)
            learner = learner_of(token)
            if page.rows and learner is not None:
                disclosing.note_read(token, learner.public_id, [row.disclosed_as for row in page.rows], PURPOSE)
            response = document(plain, connect.page_of(assertions, signed), JSON, tag)
        response.headers["X-Total-Count"] = str(page.total)
        response.headers["Link"] = paging.links(f"{settings.BASE_URL}{connect.PATH}/assertions", asked, page.total)
        return response

    @extend_schema(
        operation_id="postAssertion",
        summary="Put a badge into the learner's wallet",
        description=(
            "The badge must be about the learner who gave the token, and is verified first: a hosted one is fetched "
            "from its address, and what stands there is kept. The same badge again is no error."
        ),
        tags=["Badge Connect"],
        auth=openapi.scope(ASSERTION_CREATE),
        request={JSON: OpenApiRequest(openapi.POSTED)},
        responses={(200, JSON): openapi.ENVELOPE, **openapi.errors(400, 401, 413, 421, 429)},
    )
    def post(self, request: Request) -> HttpResponse:
        """BC-W-01 to W-08."""
        plain: HttpRequest = request._request
        try:
            posted = connect.posted(_body(plain))
        except StandardsError as fault:
            raise _invalid(str(fault)) from None
        learner = _learner(request)
        try:
            intake.take_in(
                learner,
                posted.content,
                source=holdings.SOURCE,
                sender=sender_of(token_of(request)),
                fetcher=GuardedFetcher.from_settings(Budget.somebody_waits()),
                seconds=WAITING_SECONDS,
                recipients=identities.of(learner),
                accept=("valid",),
                formats=(holdings.FORMAT,),
            )
        except intake.WalletFull as fault:
            raise Refusal(413, str(fault)) from None
        except intake.NotTaken as fault:
            raise _not_taken(fault) from None
        return _answer(plain)


def _not_taken(fault: intake.NotTaken) -> Refusal:
    """Why a badge was not taken, in the words of B8."""
    codes = {check.code for check in fault.result.failures()} if fault.result is not None else set()
    if codes == {"RECIPIENT_MISMATCH"}:  # E20: it tells only about the token's own learner
        return _invalid(_("This badge is not the learner's who let you in."), connect.RECIPIENT_PROFILE_MISMATCH)
    if fault.result is not None and fault.result.verdict == "undecided":
        return _invalid(f"{fault} ({fault.code})", connect.BAD_REQUEST)
    return _invalid(f"{fault} ({fault.code})", connect.INVALID_BADGE)


def _answer(request: HttpRequest, **members: Any) -> HttpResponse:
    return document(request, orjson.dumps(connect.envelope(200, **members)), JSON, "")


# --- getProfile and postProfile ---------------------------------------------------------------


class ProfileView(Door):
    """The learner as a Profile: the addresses to which badges are made out."""

    needed: ClassVar[dict[str, str]] = {"GET": PROFILE_READONLY, "POST": PROFILE_UPDATE}

    @extend_schema(
        operation_id="getProfile",
        summary="Read the learner's name and addresses",
        tags=["Badge Connect"],
        auth=openapi.scope(PROFILE_READONLY),
        responses={(200, JSON): openapi.PROFILE, **openapi.errors(401, 404, 421, 429)},
    )
    def get(self, request: Request) -> HttpResponse:
        """BC-R-10: addresses that are known to be the learner's alone (E10); the look is noted (PRIV-01)."""
        return self._profile(request)

    @extend_schema(
        operation_id="postProfile",
        summary="Add an address of the learner",
        description=(
            "An address that is known already is answered with the profile. Others are refused: whose an address is "
            "the institution finds out, so that nobody gets badges through an address that is not the learner's."
        ),
        tags=["Badge Connect"],
        auth=openapi.scope(PROFILE_UPDATE),
        request={JSON: OpenApiRequest(openapi.POSTED_PROFILE)},
        responses={(200, JSON): openapi.PROFILE, **openapi.errors(400, 401, 404, 413, 421, 429)},
    )
    def post(self, request: Request) -> HttpResponse:
        """BC-W-09."""
        try:
            wanted = connect.posted_identifiers(_body(request._request))
        except StandardsError as fault:
            raise _invalid(str(fault)) from None
        known = {address.lower() for address in identities.of(_learner(request))}
        if set(wanted) != {"email"}:
            raise _invalid(_("Only e-mail addresses are kept here."), connect.BAD_REQUEST)
        if not {address.lower() for address in wanted["email"]} <= known:
            raise _invalid(
                _("This address is not known to be the learner's. Ask the institution to add it."), connect.BAD_REQUEST
            )
        return self._profile(request)

    def _profile(self, request: Request) -> HttpResponse:
        learner = _learner(request)
        profile = connect.profile(id=f"urn:uuid:{learner.public_id}", name=learner.name, emails=identities.of(learner))
        what = [(learner._meta.label_lower, str(learner.public_id))]
        disclosing.note_read(token_of(request), learner.public_id, what, PURPOSE)
        return _answer(request._request, profile=profile)


get_manifest = opened(ManifestView, "GET, HEAD, OPTIONS")
assertions = opened(AssertionsView, "GET, HEAD, POST, OPTIONS")
profile = opened(ProfileView, "GET, HEAD, POST, OPTIONS")
