"""The certification requirements of CLR 1.0 for a provider and its authorization server, asked of a running server.

Numbers and words are those of section 9 of the digest. Each check is a function that asks and raises `NotMet` with
what it saw; `CannotSay` where it cannot be seen from outside, or not without what the operator did not give. The
server may be any vendor's; ours is asked like every other, over HTTP (the operator who names its address allows it).
"""

from __future__ import annotations

import base64
import copy
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
from django.conf import settings
from django.utils import timezone

from apps.exchange import authorizing
from apps.exchange.clr1 import client
from apps.network.fetching import Budget, Fetched, GuardedFetcher
from apps.standards import strict_json
from apps.standards.clr1 import model, read, write
from apps.standards.errors import BudgetExhausted, FetchRefused, ParseFault, StandardsError
from apps.standards.proofs import jws
from apps.standards.verify import engine

CLIENT = "https://conformance.example"
"""Who the suite says it is when it registers; nothing stands there, and nothing needs to."""
REDIRECT = f"{CLIENT}/return"
JSON_TYPES = ("application/json", "application/ld+json")
MANDATORY = "M"
MINOR_CODES = frozenset(
    {
        *("forbidden", "fullsuccess", "internal_server_error", "invalid_data", "invalid_query_parameter"),
        *("server_busy", "unauthorizedrequest", "misdirected_request", "not_acceptable", "not_allowed"),
        *("not_modified", "unknown"),
    }
)


class NotMet(Exception):
    """A requirement is not met; the text says what was seen."""


class CannotSay(Exception):
    """Whether a requirement is met cannot be seen; the text says why, or what must be given for it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `status`: passed, failed, advice (a recommendation not followed), skipped."""

    number: str
    level: str
    title: str
    status: str
    detail: str = ""

    def as_json(self) -> dict[str, str]:
        """As `--json` prints it."""
        return {name: getattr(self, name) for name in ("number", "level", "title", "status", "detail")}


Consent = Callable[[str], str]
"""Takes the address of consent, lets a learner agree there, and gives the address that the browser ended at."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the operator gives beyond the address; everything may be absent.

    `token`: access for reading (and, by its scopes, writing and deleting) of a learner; `other_token`: of another
    learner; `consent`: a way to ask a learner; `revoked`: the address of a hosted object that was revoked.
    """

    token: str = ""
    other_token: str = ""
    consent: Consent | None = None
    revoked: str = ""
    may_register: bool = True


def run(base_url: str, given: Given, *, wait: Callable[[float], None] = time.sleep) -> Iterator[Row]:
    """The rows of the table, each as soon as it is decided. Raises `client.NoProvider` for an unusable address."""
    subject = Subject(base_url, given, wait)
    try:
        for check in CHECKS:
            yield check.ask(subject)
    finally:
        clean_up(subject)


def has_failed(rows: list[Row]) -> bool:
    """Whether a demanded requirement is not met."""
    return any(row.status == "failed" for row in rows)


# --- The table of checks -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """A numbered requirement and how it is looked at."""

    number: str
    level: str
    title: str
    look: Callable[[Subject], str | None]

    def ask(self, subject: Subject) -> Row:
        """The row; a server that does not answer does not meet what was asked."""
        try:
            detail = self.look(subject) or ""
        except CannotSay as reason:
            return Row(self.number, self.level, self.title, "skipped", str(reason))
        except NotMet as fault:
            return Row(self.number, self.level, self.title, self._unmet, str(fault))
        except FetchRefused as refusal:
            return Row(self.number, self.level, self.title, self._unmet, f"No answer: {refusal.sentence}")
        return Row(self.number, self.level, self.title, "passed", detail)

    @property
    def _unmet(self) -> str:
        return "failed" if self.level == MANDATORY else "advice"


CHECKS: list[Check] = []
Look = Callable[["Subject"], str | None]


def requirement(number: str, level: str, title: str) -> Callable[[Look], Look]:
    """Puts a check into the table, in the order in which they are asked."""

    def register(look: Look) -> Look:
        CHECKS.append(Check(number, level, title, look))
        return look

    return register


def expect(met: object, seen: str) -> None:
    """Raises `NotMet` with what was seen."""
    if not met:
        raise NotMet(seen)


# --- The server under test ------------------------------------------------------------------------------


class Subject:
    """The server, what it said so far, and the way to ask it."""

    def __init__(self, base_url: str, given: Given, wait: Callable[[float], None]) -> None:
        authority = urlsplit(base_url if "://" in base_url else f"https://{base_url}").netloc
        host = authority.rpartition(":")[0] if ":" in authority.rpartition("]")[2] else authority
        # SEC-10: an exception by the operator, who named the address at the shell.
        self._allow = [*settings.FETCH_ALLOW, authority, f"{host}:80"]
        self._wait = wait
        self.given = given
        self.token = given.token
        self.base = _base_of(base_url, self._allow)
        self.discovery: dict[str, Any] = {}
        self.clr_set: dict[str, Any] | None = None
        self.records: list[tuple[dict[str, Any], str]] = []
        self.metadata = authorizing.Metadata()
        self.registration: authorizing.Registration | None = None
        self.tokens: authorizing.Tokens | None = None
        self.code, self.attempt = "", authorizing.Attempt.new()
        self.posted: dict[str, Any] | None = None
        self.posted_at = ""

    def fetcher(self, budget: Budget | None = None) -> GuardedFetcher:
        """The guarded fetcher; an own portal is asked like another."""
        return GuardedFetcher(budget or Budget.in_a_job(), allow=self._allow, own_base="")

    def ask(
        self, method: str, url: str, *, token: str = "", body: object = None, form: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Fetched:  # fmt: skip
        """One request. The portal asks no host more than 60 times a minute (SEC-13), so a long run waits."""
        sent = {"Accept": "application/ld+json, application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        content = None
        if form is not None:
            sent["Content-Type"], content = "application/x-www-form-urlencoded", urlencode(form).encode()
        elif body is not None:
            sent.setdefault("Content-Type", "application/json")
            content = body if isinstance(body, bytes) else orjson.dumps(body)
        for _ in range(3):
            try:
                return self.fetcher().send(method, url, headers=sent, body=content)
            except BudgetExhausted:
                self._wait(21)
        return self.fetcher().send(method, url, headers=sent, body=content)

    def need_discovery(self) -> dict[str, Any]:
        if not self.discovery:
            raise CannotSay("The discovery document could not be read.")
        return self.discovery

    def need_token(self) -> str:
        if not self.token:
            raise CannotSay("Needs a learner's access: --consent, or --token-file.")
        return self.token

    def need_set(self) -> dict[str, Any]:
        self.need_token()
        if self.clr_set is None:
            raise CannotSay("getClrs gave nothing that could be read.")
        return self.clr_set

    def signed(self) -> Iterator[tuple[dict[str, Any], str]]:
        """The signed records with their tokens; says so where there are none."""
        self.need_set()
        found = [(record, token) for record, token in self.records if token]
        if not found:
            raise CannotSay("The learner has no signed record there.")
        yield from found

    def need_registration(self) -> authorizing.Registration:
        if self.registration is None:
            raise CannotSay("The suite could not register, or was told not to.")
        return self.registration

    def need_scope(self, scope: str) -> str:
        token = self.need_token()
        if self.tokens is not None and scope not in self.tokens.scopes:
            raise CannotSay(f"The learner's access does not cover {scope.rsplit('/', 1)[-1]}.")
        return token


def _base_of(base_url: str, allow: list[str]) -> str:
    """The API's base behind whatever form of address the operator gave."""
    text = base_url if "://" in base_url else f"https://{base_url}"
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise client.NoProvider(f"{base_url} is not the address of a server, as https://records.example.edu.")
    path = parts.path.partition(client.PATH)[0].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}{client.PATH}"


def document(answer: Fetched) -> dict[str, Any]:
    """The JSON object of an answer. Raises `NotMet`."""
    try:
        value = strict_json.loads(answer.body)
    except ParseFault as fault:
        raise NotMet(f"{answer.final_url} answers no JSON: {fault.sentence}") from None
    expect(isinstance(value, dict), f"{answer.final_url} answers no JSON object.")
    return value


def must_be(answer: Fetched, *statuses: int) -> None:
    """Raises `NotMet` for another status."""
    wanted = " or ".join(str(status) for status in statuses)
    expect(answer.status in statuses, f"{answer.final_url} answered {answer.status} instead of {wanted}.")


def must_be_status_info(answer: Fetched) -> None:
    """Section 6: the body of an error."""
    said = document(answer)
    expect(said.get("imsx_codeMajor") in {"success", "failure", "processing", "unsupported"},
           f"{answer.status}: imsx_codeMajor is {said.get('imsx_codeMajor')!r}.")  # fmt: skip
    severity = said.get("imsx_severity")
    expect(severity in {"status", "warning", "error"}, f"{answer.status}: imsx_severity is {severity!r}.")
    minor = said.get("imsx_codeMinor")
    if minor is not None:
        fields = minor.get("imsx_codeMinorField") if isinstance(minor, dict) else None
        expect(isinstance(fields, list) and fields, f"{answer.status}: imsx_codeMinor holds no field.")
        for one in fields or []:
            value = one.get("imsx_codeMinorFieldValue") if isinstance(one, dict) else None
            expect(value in MINOR_CODES, f"{answer.status}: the minor code {value!r} is not one of the standard.")


def must_be_valid(value: Any, cls: type[model.Node], what: str) -> None:
    """Section 2: required properties, types, lists of values."""
    faults = read.failures(read.check(value, cls))
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise NotMet(f"{what}: {faults[0].sentence} (at {faults[0].at or '/'}){more}")


def must_have_context(value: Mapping[str, Any], what: str) -> None:
    """Section 3. Raises `NotMet`."""
    findings = read.check_context(value.get("@context"))
    expect(not findings, f"{what}: {findings[0].sentence if findings else ''}")


def is_safe(url: object, base: str) -> bool:
    """Whether an address is https; plain http counts where the server itself is asked without TLS (SEC-10)."""
    schemes = {"https"} if base.startswith("https") else {"http", "https"}
    return isinstance(url, str) and urlsplit(url).scheme in schemes and bool(urlsplit(url).netloc)


# --- Discovery -----------------------------------------------------------------------------------------


@requirement("CLR1-P-01", "M", "Discovery: public, JSON, every required property and no other, all addresses https")
def _p_01(subject: Subject) -> None:
    answer = subject.ask("GET", f"{subject.base}/discovery")
    must_be(answer, 200)
    said = document(answer)
    subject.discovery = said
    expect(answer.content_type in JSON_TYPES, f"The content type is {answer.content_type}.")
    must_have_context(said, "discovery")
    must_be_valid(said, model.DiscoveryDocument, "discovery")
    known = model.describe(model.DiscoveryDocument).members
    further = sorted(set(said) - set(known) - {"type"})
    expect(not further, f"It has properties of its own: {', '.join(further)}.")
    for name in known:
        if name.endswith("Url"):
            expect(is_safe(said.get(name), subject.base), f"{name} is no https address.")
    expect(model.SCOPE_READONLY in said["scopesOffered"], "The scope readonly is not offered.")


@requirement("CLR1-P-23", "S", "Content negotiation: JSON and JSON-LD")
def _p_23(subject: Subject) -> None:
    for kind in JSON_TYPES:
        answer = subject.ask("GET", f"{subject.base}/discovery", Accept=kind)
        must_be(answer, 200)
        expect(answer.content_type == kind, f"Asked for {kind} it answers {answer.content_type}.")


@requirement("CLR1-P-27", "R", "Without TLS: 421, or not served")
def _p_27(subject: Subject) -> str | None:
    parts = urlsplit(subject.base)
    if parts.scheme != "https":
        raise CannotSay("The server was named without TLS.")
    try:
        answer = subject.ask("GET", f"http://{parts.hostname}{parts.path}/discovery")
    except FetchRefused:
        return "Nobody answers without TLS."
    expect(answer.status != 200, "It answers without TLS.")
    return f"Without TLS it answers {answer.status}."


# --- The authorization server, as far as nobody needs to agree ---------------------------------------------


_METHOD = "token_endpoint_auth_method"


def _metadata_for_registration(**changes: Any) -> dict[str, Any]:
    made = authorizing.registration_request(
        base_url=CLIENT,
        name="CLR 1.0 conformance check",
        logo_url=f"{CLIENT}/logo.png",
        redirect_uri=REDIRECT,
        scopes=[model.SCOPE_READONLY, model.SCOPE_REPLACE, model.SCOPE_DELETE, authorizing.OFFLINE_ACCESS],
        version="1.0",
    )
    return {name: value for name, value in (made | changes).items() if value is not None}


def _registration_url(subject: Subject) -> str:
    if not subject.given.may_register:
        raise CannotSay("Told not to register.")
    return str(subject.need_discovery()["registrationUrl"])


@requirement("CLR1-AS-01", "M", "Registration: 201, every field, no-store")
def _as_01(subject: Subject) -> str:
    answer = subject.ask("POST", _registration_url(subject), body=_metadata_for_registration(), Accept=JSON_TYPES[0])
    must_be(answer, 201, 200)
    said = document(answer)
    for name in ("client_id", "client_secret", "redirect_uris", "client_name", "software_id", "software_version"):
        expect(said.get(name), f"The answer has no {name}.")
    expect(isinstance(said.get("client_secret_expires_at"), int), "client_secret_expires_at is missing.")
    subject.registration = authorizing.Registration(
        client_id=str(said["client_id"]),
        client_secret=str(said["client_secret"]),
        scope=str(said.get("scope", "")),
        management_url=str(said.get("registration_client_uri", "")),
        management_token=str(said.get("registration_access_token", "")),
    )
    expect("no-store" in answer.headers.get("cache-control", ""), "The answer may be kept (no Cache-Control no-store).")
    return f"Registered as {subject.registration.client_id}."


@requirement("CLR1-AS-02", "M", "Registration: what is missing or wrong is refused by its code")
def _as_02(subject: Subject) -> None:
    url = _registration_url(subject)
    wrong: list[tuple[dict[str, Any], set[str]]] = [
        ({"client_name": None}, {"invalid_client_metadata"}),
        ({"redirect_uris": None}, {"invalid_client_metadata", "invalid_redirect_uri"}),
        ({"redirect_uris": [f"{REDIRECT}#fragment"]}, {"invalid_redirect_uri"}),
        ({"redirect_uris": ["http://conformance.example/return"]}, {"invalid_redirect_uri"}),
    ]
    for changes, codes in wrong:
        answer = subject.ask("POST", url, body=_metadata_for_registration(**changes), Accept=JSON_TYPES[0])
        what = f"With {next(iter(changes))} = {next(iter(changes.values()))!r}"
        expect(answer.status == 400, f"{what} it answered {answer.status} instead of 400.")
        said = document(answer).get("error")
        expect(said in codes, f"{what} the error is {said!r} instead of {' or '.join(sorted(codes))}.")


@requirement("CLR1-AS-03", "M", "Registration: defaults applied and echoed, unsupported values refused or replaced")
def _as_03(subject: Subject) -> None:
    url = _registration_url(subject)
    bare = _metadata_for_registration(token_endpoint_auth_method=None, grant_types=None, response_types=None)
    answer = subject.ask("POST", url, body=bare, Accept=JSON_TYPES[0])
    must_be(answer, 201, 200)
    said = document(answer)
    expect(said.get("token_endpoint_auth_method") == "client_secret_basic", "The default of the method is not echoed.")
    expect("authorization_code" in said.get("grant_types", []), "The default of grant_types is not echoed.")
    expect(said.get("response_types") == ["code"], "The default of response_types is not echoed.")
    _forget(subject, said)
    answer = subject.ask("POST", url, body=_metadata_for_registration(**{_METHOD: "none"}), Accept=JSON_TYPES[0])
    if answer.status in {200, 201}:
        said = document(answer)
        _forget(subject, said)
        expect(said.get("token_endpoint_auth_method") == "client_secret_basic", "The method none was accepted.")
    else:
        must_be(answer, 400)


@requirement("CLR1-AS-04", "M", "Scopes that are not offered are not granted")
def _as_04(subject: Subject) -> None:
    asked = _metadata_for_registration(scope=f"{model.SCOPE_READONLY} https://conformance.example/scope/everything")
    answer = subject.ask("POST", _registration_url(subject), body=asked, Accept=JSON_TYPES[0])
    if answer.status == 400:
        return
    must_be(answer, 201, 200)
    said = document(answer)
    _forget(subject, said)
    expect("everything" not in str(said.get("scope", "")), "A scope that it does not offer was granted.")


def _forget(subject: Subject, said: Mapping[str, Any]) -> None:
    """Takes a registration back where the server offers that."""
    url, token = said.get("registration_client_uri"), said.get("registration_access_token")
    if isinstance(url, str) and isinstance(token, str) and is_safe(url, subject.base):
        try:
            subject.ask("DELETE", url, token=token)
        except FetchRefused:
            return


def _authorization_address(subject: Subject, **changes: str) -> str:
    registration = subject.need_registration()
    address = authorizing.authorization_address(
        str(subject.need_discovery()["authorizationUrl"]),
        client_id=changes.get("client_id", registration.client_id),
        redirect_uri=changes.get("redirect_uri", REDIRECT),
        scopes=_scopes(subject),
        attempt=subject.attempt,
    )
    if "code_challenge_method" in changes:
        return address.replace(
            "code_challenge_method=S256", f"code_challenge_method={changes['code_challenge_method']}"
        )
    return address


def _scopes(subject: Subject) -> list[str]:
    offered = subject.need_discovery()["scopesOffered"]
    wanted = (model.SCOPE_READONLY, model.SCOPE_REPLACE, model.SCOPE_DELETE)
    return [*(scope for scope in wanted if scope in offered), authorizing.OFFLINE_ACCESS]


@requirement("CLR1-AS-05", "M", "Unknown client or redirect address: a page, no redirect")
def _as_05(subject: Subject) -> None:
    for changes in ({"client_id": "nobody-at-all"}, {"redirect_uri": "https://thief.example/return"}):
        answer = subject.ask("GET", _authorization_address(subject, **changes), Accept="text/html")
        location = answer.headers.get("location", "")
        away = urlsplit(location).netloc not in {"", urlsplit(subject.base).netloc}
        expect(not (300 <= answer.status < 400 and away), f"It redirects to {urlsplit(location).netloc}.")
        expect("thief.example" not in urlsplit(location).netloc, "It redirects to an address that was not registered.")


@requirement("CLR1-AS-07", "R", "PKCE demanded, plain refused")
def _as_07(subject: Subject) -> None:
    answer = subject.ask("GET", _authorization_address(subject, code_challenge_method="plain"), Accept="text/html")
    location = answer.headers.get("location", "")
    if 300 <= answer.status < 400 and urlsplit(location).netloc == urlsplit(REDIRECT).netloc:
        said = parse_qs(urlsplit(location).query).get("error", [""])[0]
        expect(said, "A challenge of the method plain was accepted.")
        return
    if answer.status == 400:
        return
    raise CannotSay("It asks for a sign-in first, so what it does with the method plain is not seen.")


@requirement("CLR1-AS-09", "M", "Wrong secret: 401 invalid_client; wrong code: 400 invalid_grant")
def _as_09(subject: Subject) -> None:
    registration = subject.need_registration()
    form = {"grant_type": "authorization_code", "code": "no-such-code", "redirect_uri": REDIRECT,
            "code_verifier": subject.attempt.verifier}  # fmt: skip
    for secret, status, code in (("wrong", 401, "invalid_client"), (registration.client_secret, 400, "invalid_grant")):
        answer = subject.ask("POST", str(subject.discovery["tokenUrl"]), form=form, Accept=JSON_TYPES[0],
                             Authorization=_basic(registration.client_id, secret))  # fmt: skip
        must_be(answer, status)
        said = document(answer).get("error")
        expect(said == code, f"The error is {said!r} instead of {code}.")


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@requirement("CLR1-AS-06", "M", "Consent gives a code and the unchanged state")
def _as_06(subject: Subject) -> str | None:
    if subject.given.consent is None:
        raise CannotSay("Needs a learner who agrees: --consent.")
    ended = subject.given.consent(_authorization_address(subject))
    said = {name: values[0] for name, values in parse_qs(urlsplit(ended).query).items()}
    expect(ended.split("?")[0] == REDIRECT, f"The browser ended at another address than the registered one: {ended}")
    expect("error" not in said, f"The server answered the error {said.get('error')}.")
    expect(said.get("state") == subject.attempt.state, "The state came back changed.")
    expect(said.get("code"), "No code came.")
    subject.code = said["code"]
    return "With iss." if "iss" in said else None


@requirement("CLR1-AS-10", "M", "Token answer: Bearer, scope, expires_in, no-store")
def _as_10(subject: Subject) -> None:
    if not subject.code:
        raise CannotSay("Needs a learner who agrees: --consent.")
    answer = _redeem(subject)
    must_be(answer, 200)
    said = document(answer)
    expect(said.get("access_token"), "There is no access_token.")
    expect(str(said.get("token_type", "")).lower() == "bearer", f"token_type is {said.get('token_type')!r}.")
    subject.token = str(said["access_token"])
    subject.tokens = authorizing.Tokens(
        subject.token, str(said.get("refresh_token", "")), 0, frozenset(str(said.get("scope", "")).split())
    )
    expect(isinstance(said.get("expires_in"), int), "There is no expires_in.")
    expect(said.get("scope"), "There is no scope.")
    expect("no-store" in answer.headers.get("cache-control", ""), "The answer may be kept (no Cache-Control no-store).")


def _redeem(subject: Subject) -> Fetched:
    registration = subject.need_registration()
    form = {"grant_type": "authorization_code", "code": subject.code, "redirect_uri": REDIRECT,
            "code_verifier": subject.attempt.verifier}  # fmt: skip
    return subject.ask("POST", str(subject.discovery["tokenUrl"]), form=form, Accept=JSON_TYPES[0],
                       Authorization=_basic(registration.client_id, registration.client_secret))  # fmt: skip


# --- Reading ----------------------------------------------------------------------------------------------


@requirement("CLR1-P-02", "M", "getClrs: 200, a ClrSet with @context, valid by section 2")
def _p_02(subject: Subject) -> str:
    answer = subject.ask("GET", f"{subject.base}/clrs", token=subject.need_token())
    must_be(answer, 200)
    said = document(answer)
    subject.clr_set = said
    subject.records = _records(said)
    must_have_context(said, "getClrs")
    must_be_valid(said, model.ClrSet, "getClrs")
    further = sorted(set(said) - set(model.describe(model.ClrSet).members))
    expect(not further, f"It has properties of its own: {', '.join(further)}.")
    return f"{len(subject.records)} records."


def _records(clr_set: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Record and token (empty: unsigned) of all in a set; those that cannot be read have other rows to fail in."""
    signed, plain = read.records_of_set(clr_set)
    found = [(clr, "") for clr in plain]
    for token in signed:
        try:
            value = strict_json.loads(jws.split(token.encode()).payload)
        except (StandardsError, UnicodeEncodeError):
            continue
        if isinstance(value, dict):
            found.append((value, token))
    return found


@requirement("CLR1-P-03", "M", "Only the records of the learner who gave the token")
def _p_03(subject: Subject) -> None:
    subject.need_set()
    if not subject.given.other_token:
        raise CannotSay("Needs the access of another learner: other_token in --token-file.")
    answer = subject.ask("GET", f"{subject.base}/clrs", token=subject.given.other_token)
    must_be(answer, 200)
    mine = {record.get("id") for record, _token in subject.records}
    theirs = {record.get("id") for record, _token in _records(document(answer))}
    expect(not mine & theirs, "Two learners are given the same records.")
    for id in sorted(str(id) for id in mine if str(id).startswith(subject.base))[:1]:
        must_be(subject.ask("GET", id, token=subject.given.other_token), 401, 403, 404)


@requirement("CLR1-P-04", "M", "Signed records in signedClrs as compact JWS, the same each time; others in clrs")
def _p_04(subject: Subject) -> str:
    said = subject.need_set()
    tokens = said.get("signedClrs", [])
    for token in tokens:
        try:
            jws.split(str(token).encode())
        except StandardsError as fault:
            raise NotMet(f"signedClrs holds a text that is no JWS: {fault.sentence}") from None
    again = document(subject.ask("GET", f"{subject.base}/clrs", token=subject.token))
    expect(again.get("signedClrs", []) == tokens, "Asked twice, the signed records are not the same.")
    return f"{len(tokens)} signed, {len(said.get('clrs', []))} others."


@requirement("CLR1-P-05", "M", "limit and offset, Link and X-Total-Count; following next gives every record once")
def _p_05(subject: Subject) -> str:
    subject.need_set()
    first = subject.ask("GET", f"{subject.base}/clrs?limit=1", token=subject.token)
    must_be(first, 200)
    total = first.headers.get("x-total-count", "")
    expect(total.isdigit(), "There is no X-Total-Count.")
    seen: list[str] = []
    answer, pages = first, 0
    while True:
        pages += 1
        of_page = [str(record.get("id")) for record, _token in _records(document(answer))]
        expect(len(of_page) <= 1, f"Asked for one record it gives {len(of_page)}.")
        seen += of_page
        following = client.links(answer.headers.get("link", "")).get("next", "")
        if not following or pages >= 20:
            break
        expect(following.startswith(subject.base), "next leads to another address than the API's, or is not absolute.")
        answer = subject.ask("GET", following, token=subject.token)
        must_be(answer, 200)
    expect(len(seen) == len(set(seen)), "Following next, a record comes twice.")
    expect(pages >= 20 or len(seen) == int(total), f"X-Total-Count is {total}, following next gives {len(seen)}.")
    for query in ("limit=0", "limit=x", "offset=-1"):
        answer = subject.ask("GET", f"{subject.base}/clrs?{query}", token=subject.token)
        expect(answer.status == 400, f"?{query} is answered {answer.status} instead of 400.")
    return f"{len(seen)} records on {pages} pages."


@requirement("CLR1-P-06", "O", "since")
def _p_06(subject: Subject) -> None:
    subject.need_set()
    answer = subject.ask("GET", f"{subject.base}/clrs?since=2999-01-01T00%3A00%3A00Z", token=subject.token)
    must_be(answer, 200)
    expect(not _records(document(answer)), "Since a day to come there are records already.")


@requirement("CLR1-P-07", "M", "No, bad or expired token: 401; missing scope: 403")
def _p_07(subject: Subject) -> None:
    for token in ("", "made-up-token", "x" * 600):
        answer = subject.ask("GET", f"{subject.base}/clrs", token=token)
        must_be(answer, 401)
        expect("bearer" in answer.headers.get("www-authenticate", "").lower(), "401 without WWW-Authenticate: Bearer.")


@requirement("CLR1-P-08", "M", "Every error has an imsx_StatusInfo body with values of the lists")
def _p_08(subject: Subject) -> str:
    asked = [("GET", f"{subject.base}/clrs", ""), ("GET", f"{subject.base}/keys/{uuid.uuid4()}", ""),
             ("GET", f"{subject.base}/clrs/{uuid.uuid4()}", ""), ("PUT", f"{subject.base}/discovery", "")]  # fmt: skip
    if subject.token:
        asked.append(("GET", f"{subject.base}/clrs?limit=x", subject.token))
    statuses = []
    for method, url, token in asked:
        answer = subject.ask(method, url, token=token)
        expect(answer.status >= 400, f"{method} {url} answered {answer.status} instead of an error.")
        expect(answer.status < 500, f"{method} {url} answered {answer.status}.")
        must_be_status_info(answer)
        statuses.append(str(answer.status))
    return ", ".join(statuses)


# --- What stands in the records and at their addresses --------------------------------------------------------


def _publishers(subject: Subject) -> dict[str, dict[str, Any]]:
    """The profile documents of the publishers that the server itself hosts, by id."""
    found: dict[str, dict[str, Any]] = {}
    for record, _token in subject.signed():
        publisher = record.get("publisher")
        id = publisher.get("id") if isinstance(publisher, dict) else None
        if isinstance(id, str) and is_safe(id, subject.base) and id not in found:
            answer = subject.ask("GET", id, Accept="application/ld+json, application/json")
            must_be(answer, 200)
            found[id] = document(answer)
    if not found:
        raise CannotSay("No publisher has an address as its id.")
    return found


def _keys_of(profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    held = read.parse(profile, model.Profile)
    found = [held.public_key] if held.public_key is not None else []
    several = [one for one in held.extra.values() if isinstance(one, list)]
    keys = [write.to_json(key) for key in found]
    return keys or [key for many in several for key in many if isinstance(key, dict) and "publicKeyPem" in key]


@requirement("CLR1-P-12", "M", "A hosted record's id is BASE/clrs/{id} and answers the record with @context")
def _p_12(subject: Subject) -> str:
    subject.need_set()
    own = [record for record, _token in subject.records if str(record.get("id", "")).startswith(f"{subject.base}/")]
    if not own:
        raise CannotSay("No record has an address of this server as its id.")
    for record in own[:3]:
        expect(str(record["id"]).startswith(f"{subject.base}/clrs/"), f"The id {record['id']} is not BASE/clrs/….")
        answer = subject.ask("GET", str(record["id"]), token=subject.token)
        must_be(answer, 200)
        said = document(answer)
        must_have_context(said, str(record["id"]))
        expect(said.get("id") == record["id"], "The document at the id has another id.")
        bare = {name: value for name, value in record.items() if name != "@context"}
        expect({name: value for name, value in said.items() if name != "@context"} == bare,
               "The document at the id says something else than the record.")  # fmt: skip
    return f"{len(own[:3])} looked at."


@requirement("CLR1-P-13", "M", "A revoked hosted object: 410, or 200 with revoked true")
def _p_13(subject: Subject) -> None:
    if not subject.given.revoked:
        raise CannotSay("Needs the address of a revoked object: --revoked.")
    answer = subject.ask("GET", subject.given.revoked, token=subject.token)
    must_be(answer, 410, 200)
    expect(answer.status == 410 or document(answer).get("revoked") is True, "It is there and not marked as revoked.")


@requirement("CLR1-P-14", "M", "Key, revocation list and profile: public, JSON, @context, id is the address")
def _p_14(subject: Subject) -> str:
    count = 0
    for id, profile in _publishers(subject).items():
        of_profile = read.parse(profile, model.Profile)
        addresses = [id, *(str(key.get("id")) for key in _keys_of(profile)), of_profile.revocation_list or ""]
        for address in filter(None, addresses):
            answer = subject.ask("GET", address)
            must_be(answer, 200)
            expect(answer.content_type in JSON_TYPES, f"{address} is {answer.content_type}.")
            said = document(answer)
            must_have_context(said, address)
            expect(said.get("id") == address, f"The document at {address} has the id {said.get('id')!r}.")
            count += 1
    return f"{count} documents."


@requirement("CLR1-P-15", "M", "A key's owner is the profile, and the profile's publicKey is that key")
def _p_15(subject: Subject) -> None:
    for id, profile in _publishers(subject).items():
        keys = _keys_of(profile)
        expect(keys, f"The profile {id} has no publicKey.")
        for key in keys:
            said = read.parse(document(subject.ask("GET", str(key.get("id")))), model.CryptographicKey)
            expect(said.owner == id, f"The key {said.id} belongs to {said.owner!r}, not to the profile.")


@requirement("CLR1-P-16", "M", "The publisher's profile names its revocation list (and should say its policy)")
def _p_16(subject: Subject) -> str:
    with_policy = True
    for id, profile in _publishers(subject).items():
        said = read.parse(profile, model.Profile)
        expect(said.revocation_list, f"The profile {id} has no revocationList.")
        with_policy = with_policy and said.verification is not None and said.verification.type == "Verification"
    return "With verification policy." if with_policy else "Advice: the profile should carry a verification policy."


@requirement("CLR1-P-17", "M", "Signed records: RS256, verification type Signed, verified with the published key")
def _p_17(subject: Subject) -> str:
    count = 0
    for record, token in list(subject.signed())[:5]:
        header = jws.split(token.encode()).header
        expect(header.get("alg") == "RS256", f"A record is signed with {header.get('alg')!r}.")
        said = read.parse(record, model.Clr)
        expect(said.verification is not None and said.verification.type == "Signed", "verification.type is not Signed.")
        result = engine.verify(token.encode(), fetcher=_Verifying(subject), now=_now())
        expect(result.verdict == "valid", f"{record.get('id')}: {result.sentence}")
        count += 1
    return f"{count} verified."


class _Verifying:
    """The fetcher of a verification, with the patience of the suite."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def fetch(self, url: str, *, kind: str = "json") -> Fetched:
        """As the guarded fetcher's own."""
        return self._subject.ask("GET", url)


def _now() -> datetime:
    return timezone.now()


@requirement("CLR1-P-18", "M", "The revocation list: entries are strings, a revoked object's id is among them")
def _p_18(subject: Subject) -> str:
    entries: list[Any] = []
    for id, profile in _publishers(subject).items():
        address = read.parse(profile, model.Profile).revocation_list
        expect(address, f"The profile {id} has no revocationList.")
        said = document(subject.ask("GET", str(address)))
        must_be_valid(said, model.RevocationList, str(address))
        held = read.parse(said, model.RevocationList)
        expect(held.issuer == id, f"The list's issuer is {held.issuer!r}.")
        entries += held.revoked_assertions
    expect(all(isinstance(entry, str) for entry in entries), "An entry is no string.")
    for record, _token in subject.records:
        expect(record.get("id") not in entries, f"{record.get('id')} is given out although it is on the list.")
    if subject.given.revoked:
        expect(subject.given.revoked in entries, "The revoked object is not on the list.")
    return f"{len(entries)} entries. That one comes at once is not seen from outside."


@requirement("CLR1-P-19", "M", "Required properties and types of section 2 in every record, DateTimes with zone")
def _p_19(subject: Subject) -> str:
    subject.need_set()
    for record, _token in subject.records:
        must_be_valid(record, model.Clr, str(record.get("id")))
        zoneless = [finding for finding in read.check(record, model.Clr) if finding.code == "NO_TIMEZONE"]
        expect(not zoneless, f"{record.get('id')}: {zoneless[0].sentence if zoneless else ''}")
    return f"{len(subject.records)} records."


@requirement("CLR1-P-20", "M", "Extended values only with ext: and only in the four lists")
def _p_20(subject: Subject) -> None:
    subject.need_set()
    for record, _token in subject.records:
        for finding in read.check(record, model.Clr):
            expect(finding.code not in {"ENUM_INVALID", "CANDIDATE_FINAL_VALUE"}, f"{finding.at}: {finding.sentence}")


@requirement("CLR1-P-21", "M", "An achievement in two places is equal")
def _p_21(subject: Subject) -> None:
    subject.need_set()
    for record, _token in subject.records:
        for finding in read.check_identifiers(record):
            expect(finding.code != "CONFLICTING_IDS", f"{finding.at}: {finding.sentence}")


@requirement("CLR1-P-22", "M", "partial is true when known assertions are left out")
def _p_22(subject: Subject) -> None:
    subject.need_set()
    for record, _token in subject.records:
        partial = record.get("partial", False)
        expect(isinstance(partial, bool), f"{record.get('id')}: partial is {partial!r}.")
    raise CannotSay("Only the publisher knows what was left out; where given, partial is true or false.")


@requirement("CLR1-P-24", "M", "Records are behind a token or sign-in")
def _p_24(subject: Subject) -> None:
    answer = subject.ask("GET", f"{subject.base}/clrs")
    must_be(answer, 401)
    own = [str(record["id"]) for record, _ in subject.records if str(record.get("id", "")).startswith(subject.base)]
    for id in own[:1]:
        answer = subject.ask("GET", id)
        if answer.status == 200:
            raise CannotSay("The first record is public by its learner's choice.")
        must_be(answer, 401, 403, 404)


# --- Writing ------------------------------------------------------------------------------------------------


def _record_to_post(subject: Subject) -> dict[str, Any]:
    """A record about the token's learner that nobody vouches for, with a property that nobody knows."""
    subject.need_set()
    learner = next(
        (record["learner"] for record, _ in subject.records if isinstance(record.get("learner"), dict)), None
    )
    if learner is None:
        raise CannotSay("No record says who the learner is.")
    keep = ("id", "name", "email", "studentId", "sourcedId", "type")
    return {
        "@context": model.CONTEXT_URL,
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": "Clr",
        "name": "Conformance check",
        "issuedOn": write.date_time(_now()),
        "learner": {name: learner[name] for name in keep if name in learner},
        "publisher": {"id": f"urn:uuid:{uuid.uuid4()}", "type": "Profile", "name": "Conformance check"},
        "achievements": [
            {
                "id": "urn:uuid:5b1d4a6e-7c0e-4f0c-9d3c-1b7c6a2f9e10",
                "type": "Achievement",
                "name": "Nothing at all",
                "issuer": {"id": "urn:uuid:5b1d4a6e-7c0e-4f0c-9d3c-1b7c6a2f9e11"},
                "check:unknown": {"kept": "yes"},
            }
        ],
    }


def _post(subject: Subject, record: Mapping[str, Any]) -> Fetched:
    body = write.clr_payload(clr=record)
    return subject.ask("POST", f"{subject.base}/clrs", token=subject.token, body=body)


@requirement("CLR1-P-09", "M", "postClr: new 201, the same id again 200, body ClrPayload")
def _p_09(subject: Subject) -> None:
    subject.need_scope(model.SCOPE_REPLACE)
    record = _record_to_post(subject)
    answer = _post(subject, record)
    must_be(answer, 201)
    must_be_valid(document(answer), model.ClrPayload, "The answer")
    subject.posted, subject.posted_at = record, answer.headers.get("location", "")
    answer = _post(subject, {**record, "name": "Conformance check, second version"})
    must_be(answer, 200)
    must_be_valid(document(answer), model.ClrPayload, "The answer")


@requirement("CLR1-P-10", "M", "postClr: both or neither form, bad schema, bad signature are 400 invalid_data")
def _p_10(subject: Subject) -> None:
    token = subject.need_scope(model.SCOPE_REPLACE)
    record = _record_to_post(subject)
    forged = next((signed for _record, signed in subject.records if signed), "")
    head, _, rest = forged.partition(".")
    payload, _, signature = rest.partition(".")
    wrong: dict[str, Any] = {
        "neither form": {"@context": model.CONTEXT_URL},
        "both forms": {**write.clr_payload(clr=record), "signedClr": forged or "aaaa.bbbb.cccc"},
        "no learner": write.clr_payload(clr={name: value for name, value in record.items() if name != "learner"}),
        "no JSON": b"{",
        "a text that is no JWS": {"@context": model.CONTEXT_URL, "signedClr": "aaaa"},
    }
    if forged:
        changed = ("A" if signature[10] != "A" else "B") + signature[11:]
        wrong["a forged signature"] = {
            "@context": model.CONTEXT_URL, "signedClr": f"{head}.{payload}.{signature[:10]}{changed}"}  # fmt: skip
    for what, body in wrong.items():
        answer = subject.ask("POST", f"{subject.base}/clrs", token=token, body=body)
        expect(answer.status == 400, f"With {what} it answered {answer.status} instead of 400.")
        must_be_status_info(answer)


@requirement("CLR1-P-11", "M", "postClr for another learner is refused and stores nothing")
def _p_11(subject: Subject) -> None:
    subject.need_scope(model.SCOPE_REPLACE)
    record = copy.deepcopy(_record_to_post(subject))
    stranger = f"{secrets.token_hex(6)}@strangers.example"
    record["learner"] = {"id": f"urn:uuid:{uuid.uuid4()}", "type": "Profile", "name": "Nobody", "email": stranger}
    answer = _post(subject, record)
    must_be(answer, 403, 400)
    must_be_status_info(answer)
    listed = subject.ask("GET", f"{subject.base}/clrs", token=subject.token)
    expect(str(record["id"]).encode() not in listed.body, "It was refused, and stored all the same.")


@requirement("CLR1-P-26", "M", "Records sent on keep unknown properties")
def _p_26(subject: Subject) -> None:
    if subject.posted is None:
        raise CannotSay("Needs a record that could be posted.")
    answer = subject.ask("GET", f"{subject.base}/clrs?limit=100", token=subject.token)
    must_be(answer, 200)
    for record, _token in _records(document(answer)):
        if record.get("id") == subject.posted["id"]:
            kept = orjson.dumps(record)
            expect(b"check:unknown" in kept and b'"kept"' in kept, "An unknown property was lost.")
            return
    raise NotMet("The record that was posted is not among the learner's.")


@requirement("CLR1-P-25", "O", "deleteClr: 204, then 404; or 405 where it is not offered")
def _p_25(subject: Subject) -> str | None:
    if subject.posted is None or not subject.posted_at:
        raise CannotSay("Needs a record that could be posted, with its Location.")
    token = subject.token
    answer = subject.ask("DELETE", subject.posted_at, token=token)
    if answer.status == 405:
        offered = subject.need_discovery()["scopesOffered"]
        expect(model.SCOPE_DELETE not in offered, "It offers the scope delete, and answers 405.")
        return "Not offered."
    subject.need_scope(model.SCOPE_DELETE)
    must_be(answer, 204)
    must_be(subject.ask("DELETE", subject.posted_at, token=token), 404)
    return None


# --- The end of access ------------------------------------------------------------------------------------------


@requirement("CLR1-AS-11", "M", "Refresh: rotation, the old one refused, no wider scope")
def _as_11(subject: Subject) -> str:
    registration = subject.need_registration()
    if subject.tokens is None or not subject.tokens.refresh:
        raise CannotSay("Needs a learner who agrees, and a refresh token.")
    url = str(subject.discovery["tokenUrl"])
    who = _basic(registration.client_id, registration.client_secret)
    wider = f"{' '.join(subject.tokens.scopes)} https://conformance.example/scope/everything"
    form = {"grant_type": "refresh_token", "refresh_token": subject.tokens.refresh}
    answer = subject.ask("POST", url, form={**form, "scope": wider}, Authorization=who)
    expect(answer.status == 400 or "everything" not in str(document(answer).get("scope", "")), "The scope grew.")
    if answer.status == 200:
        form["refresh_token"] = str(document(answer).get("refresh_token") or form["refresh_token"])
    answer = subject.ask("POST", url, form=form, Authorization=who)
    must_be(answer, 200)
    said = document(answer)
    subject.token = str(said.get("access_token", ""))
    fresh = str(said.get("refresh_token") or form["refresh_token"])
    subject.tokens = authorizing.Tokens(subject.token, fresh, 0, subject.tokens.scopes)
    expect(fresh != form["refresh_token"], "The refresh token is not renewed (rotation).")
    return "Rotated."


@requirement("CLR1-AS-12", "R", "Metadata (RFC 8414) with a revocation address (RFC 7009) that ends tokens")
def _as_12(subject: Subject) -> str:
    said = subject.need_discovery()
    found = authorizing.metadata(
        subject.fetcher(),
        authorization_url=str(said["authorizationUrl"]),
        token_url=str(said["tokenUrl"]),
        base=subject.base,
    )
    expect(found.issuer, "There is no metadata document of this authorization server.")
    expect(found.revocation_url, "The metadata name no revocation address.")
    if subject.tokens is None:
        return "The address is there; that it ends tokens was not tried."
    registration = subject.need_registration()
    form = {"token": subject.token, "token_type_hint": "access_token"}
    who = _basic(registration.client_id, registration.client_secret)
    must_be(subject.ask("POST", found.revocation_url, form=form, Authorization=who), 200)
    must_be(subject.ask("GET", f"{subject.base}/clrs", token=subject.token), 401)
    must_be(subject.ask("POST", found.revocation_url, form={"token": "unknown"}, Authorization=who), 200)
    return "A revoked token no longer opens anything."


@requirement("CLR1-AS-08", "M", "A code serves once; its second use ends what came of it")
def _as_08(subject: Subject) -> str:
    if subject.tokens is None:
        raise CannotSay("Needs a learner who agrees: --consent.")
    answer = _redeem(subject)
    must_be(answer, 400)
    said = document(answer).get("error")
    expect(said == "invalid_grant", f"The error is {said!r} instead of invalid_grant.")
    registration = subject.need_registration()
    form = {"grant_type": "refresh_token", "refresh_token": subject.tokens.refresh}
    after = subject.ask("POST", str(subject.discovery["tokenUrl"]), form=form,
                        Authorization=_basic(registration.client_id, registration.client_secret))  # fmt: skip
    expect(after.status == 400, "After the second use of its code, the refresh token still works.")
    return "Its tokens ended."


@requirement("CLR1-AS-13", "M", "The learner sees and ends authorizations; tokens die at once")
def _as_13(subject: Subject) -> None:
    raise CannotSay("Look at the server's own pages for the learner.")


@requirement("CLR1-AS-14", "M", "Secrets and tokens stored hashed; TLS; rate limits")
def _as_14(subject: Subject) -> None:
    said = subject.need_discovery()
    for name in ("authorizationUrl", "registrationUrl", "tokenUrl"):
        expect(is_safe(said.get(name), subject.base), f"{name} is without TLS.")
    raise CannotSay("The addresses have the TLS of the server; how secrets are stored is not seen from outside.")


def clean_up(subject: Subject) -> None:
    """Takes the suite's registration back where the server offers that (RFC 7592)."""
    held = subject.registration
    if held is not None:
        _forget(subject, {"registration_client_uri": held.management_url,
                          "registration_access_token": held.management_token})  # fmt: skip
