"""What every authorization server owes, by each of the standards: registration, consent, tokens, their end.

RFC 6749, 7009, 7591 and 7636, as CLR 1.0 (CLR1-AS) and Badge Connect (BC-P) ask for them. Each function looks at one
thing and raises `NotMet`; the standards' own files say under which number it counts.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from apps.exchange import authorizing
from apps.exchange.conformance.subject import Subject, document, is_safe, must_be
from apps.exchange.conformance.table import CannotSay, Row, Table, expect
from apps.network.fetching import Fetched
from apps.standards.errors import FetchRefused

CLIENT = "https://conformance.example"
"""Where the suite says it stands when it registers; nothing stands there, and nothing needs to."""
REDIRECT = f"{CLIENT}/return"
JSON = "application/json"
NEEDS_CONSENT = "Needs a learner who agrees: --consent."
_METHOD = "token_endpoint_auth_method"
_NEVER_OFFERED = f"{CLIENT}/scope/everything"
_CREDENTIALS = ("client_id", "client_secret", "redirect_uris", "client_name", "software_id", "software_version")

S = TypeVar("S", bound=Subject)


def run(table: Table[S], subject: S) -> Iterator[Row]:
    """The rows of a table; at the end, however it comes, the suite's registration is taken back."""
    try:
        yield from table.ask(subject)
    finally:
        clean_up(subject)


# --- Registration ---------------------------------------------------------------------------------------


def metadata_for_registration(subject: Subject, **changes: Any) -> dict[str, Any]:
    """What the suite registers with; a change to None leaves a field out."""
    made = authorizing.registration_request(
        base_url=CLIENT,
        name=subject.SUITE,
        logo_url=f"{CLIENT}/logo.png",
        redirect_uri=REDIRECT,
        scopes=[*subject.SCOPES, authorizing.OFFLINE_ACCESS],
        version="1.0",
    )
    return {name: value for name, value in (made | changes).items() if value is not None}


def register(subject: Subject, **changes: Any) -> Fetched:
    """The answer to a registration. Raises `CannotSay` where the operator said not to register."""
    if not subject.given.may_register:
        raise CannotSay("Told not to register.")
    url = str(subject.need_discovery()["registrationUrl"])
    return subject.ask("POST", url, body=metadata_for_registration(subject, **changes), Accept=JSON)


def registers(subject: Subject) -> str:
    """A good registration is answered with every field; the suite keeps it."""
    answer = register(subject)
    must_be(answer, 201, 200)
    said = document(answer)
    for name in _CREDENTIALS:
        expect(said.get(name), f"The answer has no {name}.")
    expect(isinstance(said.get("client_secret_expires_at"), int), "client_secret_expires_at is missing.")
    subject.registration = authorizing.Registration(
        client_id=str(said["client_id"]),
        client_secret=str(said["client_secret"]),
        scope=str(said.get("scope", "")),
        management_url=str(said.get("registration_client_uri", "")),
        management_token=str(said.get("registration_access_token", "")),
    )
    must_not_be_kept(answer)
    return f"Registered as {subject.registration.client_id}."


def must_not_be_kept(answer: Fetched) -> None:
    """An answer with secrets says that nobody may keep it. Raises `NotMet`."""
    expect("no-store" in answer.headers.get("cache-control", ""), "The answer may be kept (no Cache-Control no-store).")


def refuses(subject: Subject, wrong: Iterable[tuple[dict[str, Any], set[str]]]) -> None:
    """Each wrong registration is refused by one of its codes."""
    for changes, codes in wrong:
        answer = register(subject, **changes)
        what = f"With {next(iter(changes))} = {next(iter(changes.values()))!r}"
        expect(answer.status == 400, f"{what} it answered {answer.status} instead of 400.")
        said = document(answer).get("error")
        expect(said in codes, f"{what} the error is {said!r} instead of {' or '.join(sorted(codes))}.")


def applies_defaults(subject: Subject) -> None:
    """What a registration leaves out is filled in, and said."""
    answer = register(subject, token_endpoint_auth_method=None, grant_types=None, response_types=None)
    must_be(answer, 201, 200)
    said = document(answer)
    expect(said.get(_METHOD) == "client_secret_basic", "The default of the method is not echoed.")
    expect("authorization_code" in said.get("grant_types", []), "The default of grant_types is not echoed.")
    expect(said.get("response_types") == ["code"], "The default of response_types is not echoed.")
    forget(subject, said)


def refuses_or_replaces(subject: Subject, name: str, wrong: Any, right: Any) -> None:
    """An unsupported value is refused, or replaced and the replacement said."""
    answer = register(subject, **{name: wrong})
    if answer.status not in {200, 201}:
        must_be(answer, 400)
        return
    said = document(answer)
    forget(subject, said)
    expect(said.get(name) == right, f"{name} {wrong!r} was accepted.")


def grants_only_what_it_offers(subject: Subject) -> None:
    """A scope that is not offered is dropped, or refused."""
    answer = register(subject, scope=f"{subject.SCOPES[0]} {_NEVER_OFFERED}")
    if answer.status == 400:
        return
    must_be(answer, 201, 200)
    said = document(answer)
    forget(subject, said)
    expect("everything" not in str(said.get("scope", "")), "A scope that it does not offer was granted.")


def forget(subject: Subject, said: Mapping[str, Any]) -> None:
    """Takes a registration back where the server offers that (RFC 7592)."""
    url, token = said.get("registration_client_uri"), said.get("registration_access_token")
    if isinstance(url, str) and isinstance(token, str) and is_safe(url, subject.base):
        try:
            subject.ask("DELETE", url, token=token)
        except FetchRefused:
            return


def clean_up(subject: Subject) -> None:
    """Takes the suite's own registration back."""
    held = subject.registration
    if held is not None:
        forget(subject, {"registration_client_uri": held.management_url,
                         "registration_access_token": held.management_token})  # fmt: skip


# --- Consent --------------------------------------------------------------------------------------------


def authorization_address(subject: Subject, *, without: str = "", **changes: str) -> str:
    """Where a learner is asked; with changed parameters, or without one of them."""
    registration = subject.need_registration()
    said = subject.need_discovery()
    offered = [scope for scope in subject.SCOPES if scope in said["scopesOffered"]]
    address = authorizing.authorization_address(
        str(said["authorizationUrl"]),
        client_id=changes.get("client_id", registration.client_id),
        redirect_uri=changes.get("redirect_uri", REDIRECT),
        scopes=[*offered, authorizing.OFFLINE_ACCESS],
        attempt=subject.attempt,
    )
    head, _mark, query = address.partition("?")
    kept = [pair for pair in query.split("&") if not without or pair.partition("=")[0] != without]
    method = changes.get("code_challenge_method", "S256")
    return f"{head}?{'&'.join(kept)}".replace("code_challenge_method=S256", f"code_challenge_method={method}")


def redirects_no_stranger(subject: Subject) -> None:
    """An unknown client or redirect address gets a page, no redirect."""
    for changes in ({"client_id": "nobody-at-all"}, {"redirect_uri": "https://thief.example/return"}):
        answer = subject.ask("GET", authorization_address(subject, **changes), Accept="text/html")
        location = answer.headers.get("location", "")
        away = urlsplit(location).netloc not in {"", urlsplit(subject.base).netloc}
        expect(not (300 <= answer.status < 400 and away), f"It redirects to {urlsplit(location).netloc}.")
        expect("thief.example" not in urlsplit(location).netloc, "It redirects to an address that was not registered.")


def refuses_to_ask(subject: Subject, address: str, what: str) -> None:
    """A wrong request for consent is answered with an error, here or at the redirect address."""
    answer = subject.ask("GET", address, Accept="text/html")
    location = answer.headers.get("location", "")
    if 300 <= answer.status < 400 and urlsplit(location).netloc == urlsplit(REDIRECT).netloc:
        expect(parse_qs(urlsplit(location).query).get("error"), f"A request {what} was accepted.")
        return
    if answer.status == 400:
        return
    raise CannotSay(f"It asks for a sign-in first, so what it does with a request {what} is not seen.")


def lets_a_learner_agree(subject: Subject) -> str | None:
    """Consent leads back with a code and the state unchanged."""
    if subject.given.consent is None:
        raise CannotSay(NEEDS_CONSENT)
    ended = subject.given.consent(authorization_address(subject))
    said = {name: values[0] for name, values in parse_qs(urlsplit(ended).query).items()}
    expect(ended.split("?")[0] == REDIRECT, f"The browser ended at another address than the registered one: {ended}")
    expect("error" not in said, f"The server answered the error {said.get('error')}.")
    expect(said.get("state") == subject.attempt.state, "The state came back changed.")
    expect(said.get("code"), "No code came.")
    subject.code = said["code"]
    return "With iss." if "iss" in said else None


# --- Tokens ---------------------------------------------------------------------------------------------


def basic(name: str, secret: str) -> str:
    """The header of Basic authentication."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def _who(subject: Subject) -> str:
    registration = subject.need_registration()
    return basic(registration.client_id, registration.client_secret)


def ask_for_token(subject: Subject, form: Mapping[str, str], authorization: str) -> Fetched:
    """A request at the token address; without authorization where that is empty."""
    headers = {"Authorization": authorization} if authorization else {}
    return subject.ask("POST", str(subject.need_discovery()["tokenUrl"]), form=form, Accept=JSON, **headers)


def code_form(subject: Subject, code: str) -> dict[str, str]:
    """The form that redeems a code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT,
            "code_verifier": subject.attempt.verifier}  # fmt: skip
    return form | ({"scope": " ".join(subject.SCOPES)} if subject.SCOPE_AT_TOKEN else {})


def redeem(subject: Subject) -> Fetched:
    """The answer to the code that consent gave. Raises `CannotSay` without one."""
    if not subject.code:
        raise CannotSay(NEEDS_CONSENT)
    return ask_for_token(subject, code_form(subject, subject.code), _who(subject))


def must_be_refused(answer: Fetched, status: int, code: str) -> None:
    """Raises `NotMet` unless the answer is this OAuth error."""
    must_be(answer, status)
    said = document(answer).get("error")
    expect(said == code, f"The error is {said!r} instead of {code}.")


def refuses_a_wrong_secret(subject: Subject) -> None:
    """401 invalid_client."""
    wrong = basic(subject.need_registration().client_id, "wrong")
    must_be_refused(ask_for_token(subject, code_form(subject, "no-such-code"), wrong), 401, "invalid_client")


def refuses_a_wrong_code(subject: Subject) -> None:
    """400 invalid_grant."""
    must_be_refused(ask_for_token(subject, code_form(subject, "no-such-code"), _who(subject)), 400, "invalid_grant")


def gives_a_token(subject: Subject) -> None:
    """The answer of RFC 6749 with scope and expires_in, kept by nobody; the suite keeps the tokens."""
    answer = redeem(subject)
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
    must_not_be_kept(answer)


def refreshes(subject: Subject, *, rotation: bool) -> str:
    """A refresh gives a token that works, with no wider scope; `rotation`: and a new refresh token."""
    who = _who(subject)
    if subject.tokens is None or not subject.tokens.refresh:
        raise CannotSay("Needs a learner who agrees, and a refresh token.")
    wider = f"{' '.join(subject.tokens.scopes)} {_NEVER_OFFERED}"
    form = {"grant_type": "refresh_token", "refresh_token": subject.tokens.refresh}
    answer = ask_for_token(subject, {**form, "scope": wider}, who)
    expect(answer.status == 400 or "everything" not in str(document(answer).get("scope", "")), "The scope grew.")
    if answer.status == 200:
        form["refresh_token"] = str(document(answer).get("refresh_token") or form["refresh_token"])
    answer = ask_for_token(subject, form, who)
    must_be(answer, 200)
    said = document(answer)
    subject.token = str(said.get("access_token", ""))
    fresh = str(said.get("refresh_token") or form["refresh_token"])
    subject.tokens = authorizing.Tokens(subject.token, fresh, 0, subject.tokens.scopes)
    expect(not rotation or fresh != form["refresh_token"], "The refresh token is not renewed (rotation).")
    must_be(subject.ask("GET", subject.listing, token=subject.token), 200)
    return "Rotated." if fresh != form["refresh_token"] else "Works."


def revokes(subject: Subject, revocation_url: str) -> str:
    """The revocation address (RFC 7009) ends tokens, and does not say which ones exist."""
    if subject.tokens is None:
        return "The address is there; that it ends tokens was not tried."
    who = _who(subject)
    form = {"token": subject.token, "token_type_hint": "access_token"}
    must_be(subject.ask("POST", revocation_url, form=form, Authorization=who), 200)
    must_be(subject.ask("GET", subject.listing, token=subject.token), 401)
    must_be(subject.ask("POST", revocation_url, form={"token": "unknown"}, Authorization=who), 200)
    return "A revoked token no longer opens anything."


def takes_a_code_once(subject: Subject) -> str:
    """The second use of a code is refused, and ends what came of it."""
    if subject.tokens is None:
        raise CannotSay(NEEDS_CONSENT)
    must_be_refused(redeem(subject), 400, "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": subject.tokens.refresh}
    after = ask_for_token(subject, form, _who(subject))
    expect(after.status == 400, "After the second use of its code, the refresh token still works.")
    return "Its tokens ended."
