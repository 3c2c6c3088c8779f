"""An app asks, a learner decides: reading an authorization request, and keeping the consent (SEC-40, SEC-41, SEC-48).

The order is that of RFC 6749, 4.1.2.1: as long as client and address are not known to be right, nobody is sent
anywhere; every later fault goes back to the client.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import orjson
from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from oauthlib.oauth2.rfc6749 import errors

from apps.exchange.authorization import scopes as offered
from apps.exchange.authorization.validator import CHALLENGE, server
from apps.exchange.models import Client, ClientConsent
from apps.institution import audit
from apps.institution.models import Organization
from apps.issuance import showing
from apps.issuance.models import Record

NAMES = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
"""The parameters that are understood; each is required (BC-P-13)."""
LONGEST = 2_048


class NotAsked(Exception):
    """The request is not one that leads back to a client; the text is for the person who is in front of it."""


class SentBack(Exception):
    """The client is told what is wrong with its request: `location` is where the browser goes."""

    def __init__(self, location: str) -> None:
        super().__init__("sent back")
        self.location = location


@dataclass(frozen=True, slots=True)
class Request:
    """An authorization request that is in order; `scopes` are those that can be granted."""

    client: Client
    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    code_challenge: str

    @property
    def reads_records(self) -> bool:
        """Whether the learner must choose records."""
        return bool(offered.READING & set(self.scopes))

    def fields(self) -> dict[str, str]:
        """The parameters, for the form of the consent page."""
        return {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.scopes),
            "state": self.state,
            "code_challenge": self.code_challenge,
            "code_challenge_method": "S256",
        }


def read(sent: QueryDict) -> Request:
    """The request in these parameters; raises `NotAsked` or `SentBack`. Further parameters are ignored (RFC 6749)."""
    said = _single(sent)
    client = _client(said)
    redirect_uri = said["redirect_uri"]
    if not client.redirect_uri_allowed(redirect_uri):
        raise NotAsked(
            _("The app gave an address to go back to that it never registered, so you stay here. Tell its makers.")
        )

    def refuse(error: str, sentence: str) -> SentBack:
        return SentBack(answer(redirect_uri, said.get("state", ""), error=error, error_description=sentence))

    for name in ("request", "request_uri"):  # RFC 9101, 6.3: not offered
        if name in sent:
            raise refuse(f"{name}_not_supported", f"{name} is not supported.")
    missing = [name for name in NAMES if not said.get(name)]
    if missing:
        raise refuse("invalid_request", f"{missing[0]} is missing.")
    if said["code_challenge_method"] != "S256" or not CHALLENGE.fullmatch(said["code_challenge"]):  # SEC-40
        raise refuse("invalid_request", "code_challenge_method must be S256, and code_challenge what SHA-256 gives.")
    # CLR1-AS-04: scopes that are not offered, or not registered, are not granted; the token answer names the rest.
    granted = [scope for scope in offered.known(said["scope"].split()) if scope in client.scopes]
    if not granted:
        raise refuse("invalid_scope", "None of these scopes is registered for this client and offered here.")
    try:
        server().validate_authorization_request(_address({**said, "scope": " ".join(granted)}))
    except errors.FatalClientError:
        raise NotAsked(_("The app's request is not in order. Tell its makers.")) from None
    except errors.OAuth2Error as fault:
        raise refuse(fault.error, fault.description or "") from None
    return Request(client, redirect_uri, said["state"], tuple(granted), said["code_challenge"])


def _single(sent: QueryDict) -> dict[str, str]:
    """Each parameter once, readable, in bounds (RFC 6749, 3.1; SEC-41)."""
    said: dict[str, str] = {}
    for name in (*NAMES, "request", "request_uri", "response_mode", "iss"):
        values = sent.getlist(name)
        if len(values) > 1:
            raise NotAsked(_("The app's request names something twice, so it cannot be trusted. Tell its makers."))
        if values:
            if len(values[0]) > LONGEST or not values[0].isprintable():
                raise NotAsked(_("The app's request holds something that cannot be read. Tell its makers."))
            said[name] = values[0]
    return said


def _client(said: dict[str, str]) -> Client:
    client: Client | None = Client.objects.filter(client_id=said.get("client_id", "")).first()
    if client is None:
        raise NotAsked(_("This app is not registered here. Its makers must register it first; then try again."))
    if not said.get("redirect_uri"):
        raise NotAsked(_("The app does not say where to go back to. Tell its makers."))
    return client


def _address(said: dict[str, str]) -> str:
    return f"{settings.BASE_URL}/o/authorize/?" + urlencode({name: said[name] for name in NAMES})


def answer(redirect_uri: str, state: str, **members: str) -> str:
    """The client's address with the answer: the members, `state` as it came, and who answers (RFC 9207)."""
    if state:
        members["state"] = state
    joint = "&" if "?" in redirect_uri else "?"
    return redirect_uri + joint + urlencode({**members, "iss": settings.BASE_URL}, quote_via=quote)


def denied(request: Request) -> str:
    """Where the browser goes after a no."""
    return answer(request.redirect_uri, request.state, error="access_denied", error_description="The learner said no.")


# --- Choosing ---------------------------------------------------------------------------------------------


def choosable(user: Any) -> list[showing.Shown]:
    """The learner's records that hold, newest first."""
    own = Record.objects.standing().filter(learner__user=user)
    return showing.newest_first(showing.issued_records(own))


def earlier(user: Any, client: Client) -> ClientConsent | None:
    """The newest consent of this learner to this client that holds."""
    return ClientConsent.objects.active().filter(user=user, client=client).first()


def give(request: Request, user: Any, *, all_records: bool, chosen: Iterable[showing.Shown]) -> str:
    """Keeps the learner's consent and gives where the browser goes with the code."""
    listed = [] if all_records or not request.reads_records else list(chosen)
    with transaction.atomic():
        consent = ClientConsent(
            user=user,
            client=request.client,
            client_name=request.client.name,
            client_host=request.client.host,
            client_version=request.client.version,
            scope=" ".join(request.scopes),
            all_records=all_records and request.reads_records,
        )
        consent.receipt = _receipt(consent, request, user, listed)
        consent.save()
        consent.chosen_records.set([one.record for one in listed])
        sealed = hashlib.sha256(orjson.dumps(consent.receipt, option=orjson.OPT_SORT_KEYS)).hexdigest()
        audit.record("consent.given", consent, user, client=request.client.client_id, receipt=sealed)
        headers, _body, _status = server().create_authorization_response(
            _address(request.fields()),
            scopes=list(request.scopes),
            credentials={"user": user, "consent": consent},
        )
    code = dict(parse_qsl(urlsplit(headers["Location"]).query))["code"]
    return answer(request.redirect_uri, request.state, code=code)


def _receipt(consent: ClientConsent, request: Request, user: Any, listed: list[showing.Shown]) -> dict[str, Any]:
    """What the learner consented to, in words that stand by themselves (PRIV-02, 34 CFR 99.30)."""
    client = request.client
    home = Organization.objects.filter(is_home=True).first()
    return {
        "type": "ConsentReceipt",
        "id": f"urn:uuid:{consent.public_id}",
        "givenAt": timezone.now().isoformat(timespec="seconds"),
        "givenBy": {"name": user.name, "email": user.email},
        "disclosedBy": {"name": home.name if home else "", "url": settings.BASE_URL},
        "recipient": {
            "host": client.host,
            "name": client.name,
            "url": client.client_uri,
            "terms": client.tos_uri,
            "privacyPolicy": client.policy_uri,
            "checkedByUs": False,
        },
        "purpose": _("For the services of %(host)s, as its own terms and privacy policy say.") % {"host": client.host},
        "allows": [{"scope": scope, "meaning": str(offered.MEANINGS[scope].sentence)} for scope in request.scopes],
        "records": {
            "all": consent.all_records,
            "chosen": [
                {
                    "id": str(one.record.public_id),
                    "title": one.title,
                    "issuedOn": one.issued_on.isoformat() if one.issued_on else None,
                }
                for one in listed
            ],
        },
        "signature": _(
            "Given electronically by the person named, signed in with a password, by a button of this page."
        ),
    }
