"""The doors of the authorization server: `/o/…`, its metadata, and the learner's pages of connected apps."""

import json
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from apps.exchange.authorization import answers, asking, bearer, ending, logos, registering
from apps.exchange.authorization import connected as connections
from apps.exchange.authorization import scopes as offered
from apps.exchange.authorization.validator import digest, server
from apps.exchange.models import AccessToken, Client, ClientConsent, RefreshToken
from apps.institution import files
from apps.network import limits
from apps.network.headers import public_object
from apps.standards import strict_json
from apps.standards.errors import ParseFault

FORM = "application/x-www-form-urlencoded"
_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)


# --- The browser: consent -----------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponseBase:
    """`/o/authorize/`: who asks for what; the learner chooses and says yes or no."""
    sent = request.POST if request.method == "POST" else request.GET
    try:
        asked = asking.read(sent)
    except asking.NotAsked as fault:
        return _not_asked(request, str(fault))
    except asking.SentBack as back:
        # RFC 9700, 4.11.2: nobody is sent to an address of strangers before signing in here.
        return _to_client(back.location) if request.user.is_authenticated else _to_sign_in(sent)
    if not request.user.is_authenticated:
        return _to_sign_in(sent)
    if request.method != "POST":
        return _consent_page(request, asked)
    return _decided(request, asked)


def _decided(request: HttpRequest, asked: asking.Request) -> HttpResponseBase:
    if request.POST.get("decision") != "allow":
        return _to_client(asking.denied(asked))
    if request.POST.get("client_version") != str(asked.client.version):
        return _consent_page(request, asked, _("The app changed what it says of itself meanwhile. Please look again."))
    records = asking.choosable(request.user) if asked.reads_records else []
    everything = request.POST.get("records") == "all"
    wanted = set(request.POST.getlist("record"))
    chosen = [one for one in records if str(one.record.public_id) in wanted]
    if asked.reads_records and not everything and records and not chosen:
        return _consent_page(request, asked, _("Please choose at least one record, or say no."))
    return _to_client(asking.give(asked, request.user, all_records=everything, chosen=chosen))


def _consent_page(request: HttpRequest, asked: asking.Request, fault: str = "") -> HttpResponse:
    before = asking.earlier(request.user, asked.client)
    known = set(before.scopes) if before else set()
    records = asking.choosable(request.user) if asked.reads_records else []
    again = request.method == "POST"
    ticked = set(request.POST.getlist("record")) if again else {str(one.record.public_id) for one in records}
    context = {
        "client": asked.client,
        "fields": asked.fields(),
        "meanings": [
            {"sentence": meaning.sentence, "icon": meaning.icon, "is_new": bool(before) and scope not in known}
            for scope, meaning in offered.MEANINGS.items()
            if scope in asked.scopes
        ],
        "before": before,
        "client_grew": before is not None and before.client_version < asked.client.version,
        "reads_records": asked.reads_records,
        "records": [{"shown": one, "is_ticked": str(one.record.public_id) in ticked} for one in records],
        "everything": request.POST.get("records") == "all" if again else not records,
        "fault": fault,
    }
    response = render(request, "exchange/consent.html", context, status=400 if fault else 200)
    parts = urlsplit(asked.redirect_uri)
    # SEC-56: browsers hold `form-action` against redirects that follow a form too.
    response._csp_update = {"form-action": [f"{parts.scheme}://{parts.netloc}"]}  # type: ignore[attr-defined]
    return response


def _not_asked(request: HttpRequest, sentence: str) -> HttpResponse:
    """A page, no redirect (SEC-41)."""
    return render(request, "exchange/not_asked.html", {"sentence": sentence}, status=400)


def _to_sign_in(sent: QueryDict) -> HttpResponse:
    names = [(name, sent[name]) for name in asking.NAMES if name in sent]
    return redirect_to_login("/o/authorize/?" + urlencode(names))


def _to_client(location: str) -> HttpResponse:
    """303, so that a form is never sent on (RFC 9700, 4.12), and the address is not told to the next page (SEC-41)."""
    response = HttpResponse(status=303)
    response["Location"] = location
    response["Referrer-Policy"] = "no-referrer"
    return response


# --- Programs: tokens ---------------------------------------------------------------------------------------


def _form_fault(request: HttpRequest) -> HttpResponse | None:
    """Why the body is not a form that oauthlib may read, if so (RFC 6749, 3.2)."""
    if request.content_type != FORM:
        return answers.error("invalid_request", f"The body must be {FORM}.")
    if request.META.get("QUERY_STRING"):
        return answers.error("invalid_request", "Nothing is asked for in the address; send a form.")
    for values in dict(request.POST.lists()).values():
        if len(values) > 1:  # SEC-41
            return answers.error("invalid_request", "A parameter stands there twice.")
        if "\x00" in values[0]:
            return answers.error("invalid_request", "A parameter holds U+0000.")
    if request.headers.get("Authorization") and request.POST.get("client_secret"):
        return answers.error("invalid_request", "Say who you are once: in the header or in the body.")
    return None


def _headers(request: HttpRequest) -> dict[str, str]:
    return {"Authorization": request.headers.get("Authorization", ""), "Content-Type": FORM}


def _of_library(headers: dict[str, str], body: str | None, status: int) -> HttpResponse:
    response = answers.unkept(HttpResponse(body or "", status=status, content_type="application/json"))
    if status == 401:
        response["WWW-Authenticate"] = answers.BASIC  # CLR1-AS-09
    return response


@csrf_exempt
@sensitive_post_parameters()
@answers.only("POST")
@limits.limited(limits.TOKEN)
def token(request: HttpRequest) -> HttpResponseBase:
    """`/o/token/`: codes and refresh tokens become access tokens."""
    fault = _form_fault(request)
    if fault is None and not request.POST.get("grant_type"):
        fault = answers.error("invalid_request", "grant_type is missing.")
    if fault is not None:
        return fault
    try:
        headers, body, status = server().create_token_response(
            settings.BASE_URL + request.path, "POST", urlencode(request.POST), _headers(request)
        )
    except OAuth2Error as refusal:
        headers, body, status = refusal.headers, refusal.json, refusal.status_code
    return _of_library(headers, body, status)


@csrf_exempt
@sensitive_post_parameters()
@answers.only("POST")
@limits.limited(limits.TOKEN)
def revoke(request: HttpRequest) -> HttpResponseBase:
    """`/o/revoke_token/`: a client gives a token back (RFC 7009)."""
    fault = _form_fault(request)
    if fault is not None:
        return fault
    headers, body, status = server().create_revocation_response(
        settings.BASE_URL + request.path, "POST", urlencode(request.POST), _headers(request)
    )
    return _of_library(headers, body, status)


@csrf_exempt
@sensitive_post_parameters()
@answers.only("POST")
@limits.limited(limits.TOKEN)
def introspect(request: HttpRequest) -> HttpResponseBase:
    """`/o/introspect/`: what a token is, for the operator alone (RFC 7662).

    Clients may not ask: anybody can register one, and could then try tokens. The operator's own token is
    `CLRPORTAL_INTROSPECTION_TOKEN`; without it the door is shut.
    """
    own = settings.INTROSPECTION_TOKEN
    if not own or not constant_time_compare(_bearer_of(request), own):
        response = answers.error("invalid_token", "This is for the operator of the portal.", 401)
        response["WWW-Authenticate"] = bearer.challenge("invalid_token" if _bearer_of(request) else "")
        return response
    fault = _form_fault(request)
    if fault is not None:
        return fault
    return answers.of(_introspected(request.POST.get("token", "")))


def _introspected(text: str) -> dict[str, Any]:
    row: AccessToken | RefreshToken | None = bearer.find(text)
    if row is None:
        refresh = RefreshToken.objects.filter(token_checksum=digest(text), revoked=None).first()
        row = refresh if refresh and refresh.consent.is_active and not refresh.is_over else None
    if row is None:
        return {"active": False}
    ends = row.expires if isinstance(row, AccessToken) else row.created + connections.IDLE
    return {
        "active": True,
        "token_type": "Bearer" if isinstance(row, AccessToken) else "refresh_token",
        "client_id": row.application.client_id,
        "sub": str(row.consent.user.public_id),
        "scope": row.scope,
        "aud": offered.audiences(row.scope.split()),
        "iss": settings.BASE_URL,
        "iat": int(row.created.timestamp()),
        "exp": int(ends.timestamp()),
    }


def _bearer_of(request: HttpRequest) -> str:
    found = _BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    return found[1] if found else ""


# --- Programs: registration ---------------------------------------------------------------------------------


@csrf_exempt
@sensitive_variables("made")
@answers.only("POST")
@limits.limited(limits.REGISTRATION_TRY)
def register(request: HttpRequest) -> HttpResponseBase:
    """`/o/register/`: a client registers itself (RFC 7591)."""
    try:
        metadata = registering.read(_json(request))
    except registering.Refused as refusal:
        return answers.error(refusal.error, str(refusal))
    except NotJson as fault:
        return answers.error("invalid_client_metadata", str(fault), fault.status)
    limits.count(limits.REGISTRATION, limits.asker_of(request))
    limits.count(limits.REGISTRATION_ALL, "portal")
    made = registering.register(metadata)
    logos.ask_for(made.client)
    return answers.of(
        {
            **registering.described(made.client),
            "client_secret": made.secret,
            "registration_access_token": made.management_token,
        },
        201,
    )


@csrf_exempt
@sensitive_variables("management_token")
@answers.only("GET", "PUT", "DELETE")
@limits.limited(limits.REGISTRATION_TRY, methods=("GET", "PUT", "DELETE"))
def registration(request: HttpRequest, client_id: str) -> HttpResponseBase:
    """`/o/register/<client_id>/`: a client reads, changes or removes its registration (RFC 7592)."""
    management_token = _bearer_of(request)
    client = registering.find(client_id, management_token) if management_token else None
    if client is None:
        response = answers.error("invalid_token", "This needs the registration access token of this client.", 401)
        response["WWW-Authenticate"] = bearer.challenge("invalid_token" if management_token else "")
        return response
    if request.method == "DELETE":
        ending.remove(client)
        return answers.unkept(HttpResponse(status=204))
    if request.method == "PUT":
        try:
            client = _changed(client, _json(request))
        except registering.Refused as refusal:
            return answers.error(refusal.error, str(refusal))
        except NotJson as fault:
            return answers.error("invalid_client_metadata", str(fault), fault.status)
    return answers.of({**registering.described(client), "registration_access_token": management_token})


def _changed(client: Client, document: Any) -> Client:
    metadata = registering.read(document)
    registering.check_identity(client, document)
    changed = registering.update(client, metadata)
    if changed.logo_uri != client.logo_uri:
        logos.ask_for(changed)
    return changed


class NotJson(Exception):
    """The body is not a JSON text that can be read; `status` is how that is answered."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


def _json(request: HttpRequest) -> Any:
    if request.content_type != "application/json":
        raise NotJson("The body must be application/json.", 415)
    try:
        return strict_json.loads(request.body, max_depth=8, max_nodes=2_000)
    except ParseFault as fault:
        raise NotJson(f"The body is not JSON that can be read: {fault.sentence}") from None


# --- What the server is -------------------------------------------------------------------------------------


@require_safe
@public_object(max_age=3600)
def metadata(request: HttpRequest) -> HttpResponse:
    """`/.well-known/oauth-authorization-server`: RFC 8414; the addresses are those of the settings (SEC-58)."""
    base = settings.BASE_URL
    document = {
        "issuer": base,
        "authorization_endpoint": f"{base}/o/authorize/",
        "token_endpoint": f"{base}/o/token/",
        "registration_endpoint": f"{base}/o/register/",
        "revocation_endpoint": f"{base}/o/revoke_token/",
        "introspection_endpoint": f"{base}/o/introspect/",
        "scopes_supported": list(offered.OFFERED),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": [registering.AUTH_METHOD],
        "revocation_endpoint_auth_methods_supported": [registering.AUTH_METHOD],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "op_tos_uri": f"{base}/terms/",
        "op_policy_uri": f"{base}/privacy/",
        "ui_locales_supported": [code for code, _name in settings.LANGUAGES],
    }
    return HttpResponse(json.dumps(document), content_type="application/json")


@login_required
@require_safe
def logo(request: HttpRequest, public_id: Any) -> HttpResponse:
    """`/o/logos/<uuid>.png`: the logo of a client as we drew it, for pages of people who are signed in."""
    client = get_object_or_404(Client.objects.exclude(logo_digest=""), public_id=public_id)
    try:
        content = files.get(client.logo_digest)
    except (files.FileMissing, files.FileDamaged):
        raise Http404 from None
    response = HttpResponse(content, content_type="image/png")
    response["Cache-Control"] = "private, max-age=300"
    return response


# --- Connected apps -----------------------------------------------------------------------------------------


@never_cache
@login_required
@require_safe
def connected_apps(request: HttpRequest) -> HttpResponse:
    """`/account/apps/`: every app with access, what it may do, and those of earlier times."""
    return render(request, "exchange/connected_apps.html", {"apps": connections.of(request.user)})


@never_cache
@login_required
@require_safe
def consent(request: HttpRequest, public_id: Any) -> HttpResponse:
    """`/account/apps/<uuid>/`: one consent as it was given."""
    found = get_object_or_404(ClientConsent, user=request.user, public_id=public_id)
    return render(request, "exchange/receipt.html", {"consent": found, "receipt": found.receipt})


@never_cache
@login_required
@require_safe
def receipt(request: HttpRequest, public_id: Any) -> HttpResponse:
    """`/account/apps/<uuid>/receipt.json`: the receipt to keep (PRIV-02)."""
    found = get_object_or_404(ClientConsent, user=request.user, public_id=public_id)
    response = HttpResponse(
        json.dumps(connections.receipt_of(found), ensure_ascii=False, indent=1), content_type="application/json"
    )
    response["Content-Disposition"] = f'attachment; filename="consent-{found.granted_at:%Y-%m-%d}.json"'
    return response


@login_required
@require_POST
def end_access(request: HttpRequest, public_id: Any) -> HttpResponse:
    """`/account/apps/<uuid>/end/`: ends all access of the app that this consent was given to (SEC-48)."""
    found = get_object_or_404(ClientConsent, user=request.user, public_id=public_id)
    same = ClientConsent.objects.filter(user=found.user_id, withdrawn_at=None)
    same = same.filter(client=found.client) if found.client_id else same.filter(pk=found.pk)
    if ending.withdraw(same, by=request.user):
        messages.success(request, _("%(host)s has no access any more.") % {"host": found.client_host})
    else:
        messages.info(request, _("%(host)s had no access any more already.") % {"host": found.client_host})
    return redirect("connected_apps")
