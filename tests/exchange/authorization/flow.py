"""The steps of a client and of a learner, as requests to the portal."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

from django.test import Client as Browser

from apps.accounts.models import User
from apps.exchange.models import Client

CLR = "https://purl.imsglobal.org/spec/clr/v1p0/scope/"
BADGES = "https://purl.imsglobal.org/spec/ob/v2p1/scope/"
READ = CLR + "readonly"
FORM = "application/x-www-form-urlencoded"


def metadata(host: str = "app.example", **changed: Any) -> dict[str, Any]:
    """What a good client sends to register; a member that is None is left out."""
    made = {
        "client_name": "Wallet of somebody else",
        "client_uri": f"https://{host}/",
        "logo_uri": f"https://{host}/logo.png",
        "tos_uri": f"https://{host}/terms",
        "policy_uri": f"https://{host}/privacy",
        "software_id": "made-up-wallet",
        "software_version": "1.2",
        "redirect_uris": [f"https://{host}/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": f"{READ} offline_access",
        **changed,
    }
    return {name: value for name, value in made.items() if value is not None}


def registering(document: Any, **headers: str) -> Any:
    """The answer to a registration."""
    return Browser().post("/o/register/", data=document, content_type="application/json", **headers)


@dataclass
class App:
    """A client on its own server."""

    client_id: str
    secret: str
    management_token: str
    redirect_uri: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @classmethod
    def registered(cls, host: str = "app.example", **changed: Any) -> "App":
        """An app that registered itself."""
        answer = registering(metadata(host, **changed))
        assert answer.status_code == 201, answer.content
        told = answer.json()
        return cls(
            told["client_id"], told["client_secret"], told["registration_access_token"], told["redirect_uris"][0]
        )

    @property
    def row(self) -> Client:
        """The client as it is stored now."""
        return Client.objects.get(client_id=self.client_id)

    @property
    def challenge(self) -> str:
        """SHA-256 of the verifier."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    @property
    def basic(self) -> str:
        """Its credentials for the header."""
        pair = f"{quote(self.client_id)}:{quote(self.secret)}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def asking(self, **changed: Any) -> dict[str, str]:
        """The parameters of an authorization request; one that is None is left out."""
        made = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": f"{READ} offline_access",
            "state": self.state,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **changed,
        }
        return {name: value for name, value in made.items() if value is not None}

    def ask_for_token(self, form: dict[str, str], *, basic: str | None = None, path: str = "/o/token/") -> Any:
        """Posts a form with the app's credentials; `basic=""` sends none."""
        header = self.basic if basic is None else basic
        headers = {"HTTP_AUTHORIZATION": header} if header else {}
        return Browser().post(path, data=urlencode(form), content_type=FORM, **headers)

    def exchange(self, code: str, /, *, basic: str | None = None, **changed: Any) -> Any:
        """The answer to the exchange of a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changed,
        }
        return self.ask_for_token({name: value for name, value in form.items() if value is not None}, basic=basic)

    def refresh(self, token: str, **more: str) -> Any:
        """The answer to a refresh."""
        return self.ask_for_token({"grant_type": "refresh_token", "refresh_token": token, **more})

    def revoke(self, token: str, **more: str) -> Any:
        """The answer to giving a token back."""
        return self.ask_for_token({"token": token, **more}, path="/o/revoke_token/")


class Person:
    """A learner in a browser."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.browser = Browser()
        self.browser.force_login(user)

    def look(self, app: App, **changed: Any) -> Any:
        """The answer to the app's request."""
        return self.browser.get("/o/authorize/", app.asking(**changed))

    def decide(self, app: App, decision: str = "allow", *, asked: dict[str, Any] | None = None, **form: Any) -> Any:
        """Presses a button of the consent page."""
        sent = {**app.asking(**(asked or {})), "client_version": app.row.version, "records": "all", **form}
        return self.browser.post("/o/authorize/", {**sent, "decision": decision})

    def code(self, app: App, *, asked: dict[str, Any] | None = None, **form: Any) -> str:
        """The code of a yes."""
        response = self.decide(app, asked=asked, **form)
        assert response.status_code == 303, response.content
        return answered(response)["code"]

    def tokens(self, app: App, *, asked: dict[str, Any] | None = None, **form: Any) -> dict[str, Any]:
        """What the app gets after a yes."""
        answer = app.exchange(self.code(app, asked=asked, **form))
        assert answer.status_code == 200, answer.content
        told: dict[str, Any] = answer.json()
        return told


def answered(response: Any) -> dict[str, str]:
    """The parameters with which the browser is sent to the client."""
    query = urlsplit(response["Location"]).query
    assert all(len(values) == 1 for values in parse_qs(query).values())
    return dict(parse_qsl(query))


def opens(token: str) -> bool:
    """Whether an access token is good for anything."""
    from apps.exchange.authorization import bearer

    return bearer.find(token) is not None
