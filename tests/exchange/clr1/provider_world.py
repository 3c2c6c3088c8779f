"""A school whose learners let programs in, seen from such a program."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client as Browser

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.exchange.models import AccessToken, Client, ClientConsent
from apps.issuance.models import IssuedDocument, Record
from apps.learners.models import Learner
from apps.standards.errors import NotReachable
from apps.standards.verify.sources import Fetched
from tests.exchange import clients
from tests.issuance.earning import School

CONTEXT = "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld"
SCOPE = "https://purl.imsglobal.org/spec/clr/v1p0/scope/"
READ, REPLACE, DELETE = SCOPE + "readonly", SCOPE + "replace", SCOPE + "delete"
ALL = (READ, REPLACE, DELETE)
BASE = "/ims/clr/v1p0"
NOT_LISTED = ("forbidden", "fullsuccess", "internal_server_error", "invalid_data", "invalid_query_parameter")
MINOR = {*NOT_LISTED, "server_busy", "unauthorizedrequest", "misdirected_request", "not_acceptable", "not_allowed"}
MINOR |= {"not_modified", "unknown"}


@dataclass
class Caller:
    """A program with a token."""

    token: str
    row: AccessToken

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request; `path` is below the API's base unless it is an address."""
        if path.startswith("http"):
            path = path[path.index("/ims/") :]
        elif not path.startswith("/"):
            path = f"{BASE}/{path}"
        content = body if isinstance(body, bytes | str) else json.dumps(body) if body is not None else b""
        kind = headers.pop("content_type", "application/json")
        named = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return Browser(raise_request_exception=False).generic(method, path, content, kind, headers=named)

    def get(self, path: str = "clrs", **headers: str) -> Any:
        """A GET."""
        return self.ask("GET", path, **headers)

    def post(self, body: Any, **headers: str) -> Any:
        """A postClr."""
        return self.ask("POST", "clrs", body, **headers)

    def delete(self, path: str) -> Any:
        """A DELETE."""
        return self.ask("DELETE", path)


STRANGER = Caller("", None)  # type: ignore[arg-type]


@dataclass
class World:
    """A school, a learner with a sign-in, and programs that the learner let in."""

    school: School
    learner: Learner
    user: User

    def caller(self, *scopes: str, records: Any = None, client: Client | None = None, user: Any = None) -> Caller:
        """A program with a consent of its own."""
        client = client or Client.objects.filter(host="wallet.example").first() or clients.registered()
        consent = clients.consented(user or self.user, client, *(scopes or ALL), records=records)
        return Caller(*clients.token_of(consent))

    def another(self, number: int = 77) -> tuple[Learner, User]:
        """Another learner with a sign-in."""
        learner = self.school.learner(number, "Bo", "Anders")
        user = User.objects.create_user(f"bo{number}@people.example", "seven-lanterns-1894")
        give_roles(user, Role.LEARNER)
        learner.user = user
        learner.save()
        return learner, user


def world_of(school: School) -> World:
    """The school with one learner who can sign in."""
    learner = school.learner(1)
    user = User.objects.create_user("wanjiru@people.example", "seven-lanterns-1894")
    give_roles(user, Role.LEARNER)
    learner.user = user
    learner.save()
    return World(school, learner, user)


def id_of(record: Record) -> str:
    """The id under which a record was issued."""
    return IssuedDocument.objects.get(record=record).document_id


def token_text(record: Record) -> str:
    """The compact JWS of a record as it lies in the database."""
    return bytes(IssuedDocument.objects.get(record=record).content or b"").decode()


def consent_of(caller: Caller) -> ClientConsent:
    """The consent behind a token."""
    return caller.row.consent


def minor_code(response: Any) -> str:
    """The minor code of a status object, after a look at its form (CLR1-P-08)."""
    assert response["Content-Type"] == "application/json"
    body = json.loads(response.content)
    assert set(body) == {"@context", "imsx_codeMajor", "imsx_severity", "imsx_description", "imsx_codeMinor"}
    assert body["@context"] == CONTEXT
    assert body["imsx_codeMajor"] in {"success", "failure", "processing", "unsupported"}
    assert body["imsx_severity"] in {"status", "warning", "error"}
    assert body["imsx_description"]
    [field] = body["imsx_codeMinor"]["imsx_codeMinorField"]
    assert field["imsx_codeMinorFieldName"]
    assert field["imsx_codeMinorFieldValue"] in MINOR
    return str(field["imsx_codeMinorFieldValue"])


# --- records of others ------------------------------------------------------------------------


def record(person: Learner, **changed: Any) -> dict[str, Any]:
    """A plain record of another publisher about this learner."""
    return {
        "@context": CONTEXT,
        "id": "urn:uuid:7be2a2c0-3d5c-4f4a-9d3b-0f5f2b6f3c11",
        "type": "Clr",
        "name": "A record from elsewhere",
        "issuedOn": "2026-01-05T10:00:00Z",
        "learner": {"id": "urn:uuid:5b1d", "name": person.name, "email": person.email},
        "publisher": {"id": "https://far.example/issuers/1", "name": "Far College"},
        "assertions": [],
        **changed,
    }


class Publisher:
    """Another institution that signs, and the network in which it stands."""

    id = "https://far.example/issuers/1"

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.revoked: list[str] = []
        self.asked: list[str] = []
        self.is_there = True

    def documents(self) -> dict[str, Any]:
        """What stands at its addresses."""
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        key = {"id": "https://far.example/keys/1", "owner": self.id, "type": "CryptographicKey", "publicKeyPem": pem}
        profile = {"id": self.id, "type": "Profile", "name": "Far College", "publicKey": key}
        profile["revocationList"] = "https://far.example/revocations/1"
        revocations = {"id": profile["revocationList"], "type": "RevocationList", "issuer": self.id}
        revocations["revokedAssertions"] = self.revoked  # type: ignore[assignment]
        found = {each["id"]: {"@context": CONTEXT, **each} for each in (key, profile, revocations)}
        return {str(address): document for address, document in found.items()}

    def fetch(self, url: str, *, kind: str) -> Fetched:
        """The fetcher of a verification."""
        self.asked.append(url)
        document = self.documents().get(url) if self.is_there else None
        if document is None:
            raise NotReachable("Nobody answers there.")
        return Fetched(200, "application/json", json.dumps(document).encode(), url)

    def sign(self, document: dict[str, Any], **header: Any) -> str:
        """The compact JWS of a record of this publisher."""
        document = {**document, "verification": {"type": "Signed", "creator": "https://far.example/keys/1"}}
        parts = [json.dumps({"alg": "RS256", **header}), json.dumps(document)]
        signed = ".".join(_encoded(part.encode()) for part in parts)
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
