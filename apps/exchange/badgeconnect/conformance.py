"""The certification requirements of Badge Connect for a host and its authorization server, asked of a running server.

Numbers and words are those of part C of the digest (BC-P, BC-R, BC-W).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from apps.exchange import providers
from apps.exchange.authorization.scopes import ASSERTION_CREATE, ASSERTION_READONLY, PROFILE_READONLY
from apps.exchange.conformance import authorization
from apps.exchange.conformance.subject import JSON_TYPES, Given, document, is_safe, must_be, without_tls
from apps.exchange.conformance.subject import Subject as AnySubject
from apps.exchange.conformance.table import CannotSay, NotMet, Row, Table, expect
from apps.network.fetching import Fetched
from apps.standards import strict_json
from apps.standards.errors import ParseFault, StandardsError
from apps.standards.ob2 import connect
from apps.standards.proofs import jws

REQUIRED = (*connect.MANIFEST_MEMBERS, *connect.ENDPOINTS)
KNOWN = {*REQUIRED, "image", "tokenRevocationUrl", "id", "type"}
STATUS_MEMBERS = {"error", "statusCode", "statusText"}
FIELDS = ("client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version",
          "redirect_uris")  # fmt: skip
PARAMETERS = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
              "code_challenge_method")  # fmt: skip


class Subject(AnySubject):
    """A host of badges, and what it gave of a learner's."""

    SUITE = "Badge Connect conformance check"
    PATH = connect.PATH
    # profile.update is not asked for: what it opens must stay closed (BC-R-03, BC-W-10).
    SCOPES = (ASSERTION_READONLY, ASSERTION_CREATE, PROFILE_READONLY)
    SCOPE_AT_TOKEN = True

    def __init__(self, base_url: str, given: Given, wait: Callable[[float], None]) -> None:
        super().__init__(base_url, given, wait)
        self.listed: dict[str, Any] | None = None

    @property
    def listing(self) -> str:
        """The address of getAssertions."""
        return f"{self.base}/assertions"

    @property
    def manifest(self) -> str:
        """The well-known address of the manifest."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}{connect.MANIFEST_PATH}"

    def need_listed(self) -> dict[str, Any]:
        """What getAssertions gave."""
        self.need_token()
        if self.listed is None:
            raise CannotSay("getAssertions gave nothing that could be read.")
        return self.listed

    def need_signed(self) -> str:
        """A signed badge of the learner, which may be sent to where it came from."""
        found: list[str] = self.need_listed().get("signedAssertions") or []
        if not found:
            raise CannotSay("The learner has no signed badge there.")
        return found[0]

    def need_hosted(self) -> dict[str, Any]:
        """A hosted badge of the learner."""
        found: list[dict[str, Any]] = self.need_listed().get("assertions") or []
        if not found:
            raise CannotSay("The learner has no hosted badge there.")
        return found[0]


TABLE: Table[Subject] = Table("BC")
requirement = TABLE.requirement


def run(base_url: str, given: Given, *, wait: Callable[[float], None] = time.sleep) -> Iterator[Row]:
    """The rows of the table, each as soon as it is decided. Raises `NoProvider` for an unusable address."""
    return authorization.run(TABLE, Subject(base_url, given, wait))


# --- What an answer must look like ----------------------------------------------------------------------------


def must_be_envelope(answer: Fetched, status: int, text: str = "", members: tuple[str, ...] = ()) -> dict[str, Any]:
    """B8: an object with `status`, and beside it nothing but `members`. Raises `NotMet`."""
    must_be(answer, status)
    said = document(answer)
    held = said.get("status")
    if not isinstance(held, dict):
        raise NotMet(f"{answer.final_url}: the answer has no status.")
    expect(set(held) == STATUS_MEMBERS, f"status has the members {', '.join(sorted(held))}.")
    error = held["error"]
    expect(error is None or isinstance(error, str), f"error is {error!r}, neither text nor null.")
    expect(held["statusCode"] == status, f"statusCode is {held['statusCode']!r} in an answer {status}.")
    expect(held["statusText"] in connect.STATUS_TEXTS, f"statusText is {held['statusText']!r}.")
    expect(not text or held["statusText"] == text, f"statusText is {held['statusText']!r} instead of {text}.")
    further = sorted(set(said) - {"status", *members})
    expect(not further, f"It has members of its own: {', '.join(further)}.")
    return said


LISTS = ("assertions", "signedAssertions")


def _list(subject: Subject, query: str = "", token: str = "") -> Fetched:
    return subject.ask("GET", f"{subject.listing}{query}", token=token or subject.token)


def _ids(said: dict[str, Any]) -> list[str]:
    """The ids of the badges of an answer. Raises `NotMet` for what is no badge."""
    found = []
    for each in said.get("assertions") or []:
        expect(isinstance(each, dict), "assertions holds something that is no badge.")
        found.append(str(each.get("id")))
    for token in said.get("signedAssertions") or []:
        try:
            value = strict_json.loads(jws.split(str(token).encode()).payload)
        except (StandardsError, ParseFault, UnicodeEncodeError):
            raise NotMet("signedAssertions holds a text that is no compact JWS.") from None
        found.append(str(value.get("id")) if isinstance(value, dict) else "")
    return found


def _post(subject: Subject, body: object) -> Fetched:
    return subject.ask("POST", subject.listing, token=subject.need_scope(ASSERTION_CREATE), body=body)


def _forged(token: str) -> str:
    head, _dot, signature = token.rpartition(".")
    return f"{head}.{signature[:10]}{'A' if signature[10:11] != 'A' else 'B'}{signature[11:]}"


# --- The manifest -----------------------------------------------------------------------------------------


@requirement("P-01", "M", "Manifest at the well-known path over TLS, JSON, without authorization")
def _p_01(subject: Subject) -> str:
    answer = subject.ask("GET", subject.manifest, Accept="application/json")
    must_be(answer, 200)
    said = document(answer)
    expect(answer.content_type in JSON_TYPES, f"The content type is {answer.content_type}.")
    entries = said.get("badgeConnectAPI")
    if isinstance(entries, list):
        of_version = [each for each in entries if isinstance(each, dict) and each.get("version") == connect.VERSION]
        if of_version and all(isinstance(of_version[0].get(name), str) for name in connect.ENDPOINTS):
            subject.discovery = {"scopesOffered": [], **of_version[0]}
            subject.base = str(of_version[0].get("apiBase", subject.base)).rstrip("/")
    if not subject.manifest.startswith("https"):
        return "The server was named without TLS."
    return without_tls(subject, subject.manifest)


@requirement("P-02", "M", "All required properties; badgeConnectAPI an array; version v2p1; apiBase ends right")
def _p_02(subject: Subject) -> None:
    api = subject.need_discovery()
    missing = [name for name in REQUIRED if not api.get(name)]
    expect(not missing, f"Missing: {', '.join(missing)}.")
    expect(str(api["apiBase"]).endswith(connect.PATH), f"apiBase {api['apiBase']} does not end in {connect.PATH}.")
    for name in REQUIRED:
        if name.endswith("Url") or name == "apiBase":
            expect(is_safe(api[name], subject.manifest), f"{name} is no https address.")


@requirement("P-03", "M", "The manifest has the form of the official schema")
def _p_03(subject: Subject) -> None:
    api = subject.need_discovery()
    further = sorted(set(api) - KNOWN)
    expect(not further, f"It has properties of its own: {', '.join(further)}.")
    scopes = api.get("scopesOffered")
    if not isinstance(scopes, list) or not scopes:
        raise NotMet("scopesOffered is no list of scopes.")
    expect(all(isinstance(each, str) for each in scopes), "A scope is no text.")
    expect(all(isinstance(api[name], str) for name in REQUIRED if name != "scopesOffered"), "A property is no text.")


@requirement("P-04", "O", "ETag and 304, Cache-Control")
def _p_04(subject: Subject) -> None:
    answer = subject.ask("GET", subject.manifest, Accept="application/json")
    tag = answer.headers.get("etag", "")
    expect(tag, "There is no ETag.")
    expect(answer.headers.get("cache-control"), "There is no Cache-Control.")
    must_be(subject.ask("GET", subject.manifest, Accept="application/json", If_None_Match=tag), 304)


# --- Registration -----------------------------------------------------------------------------------------


@requirement("P-05", "M", "Registration by POST JSON: 201 with all sent fields and the four credentials fields")
def _p_05(subject: Subject) -> str:
    return authorization.registers(subject)


@requirement("P-06", "M", "201 has Cache-Control no-store and Pragma no-cache")
def _p_06(subject: Subject) -> None:
    answer = authorization.register(subject)
    must_be(answer, 201)
    said = document(answer)
    authorization.forget(subject, said)
    authorization.must_not_be_kept(answer)
    expect("no-cache" in answer.headers.get("pragma", ""), "There is no Pragma no-cache.")
    sent = authorization.metadata_for_registration(subject)
    lost = sorted(set(sent) - set(said))
    expect(not lost, f"The answer leaves out what was sent: {', '.join(lost)}.")
    expect(isinstance(said.get("client_id_issued_at"), int), "client_id_issued_at is missing.")


@requirement("P-07", "M", "Without any of the eight required fields: 400 invalid_client_metadata")
def _p_07(subject: Subject) -> None:
    codes = {"invalid_client_metadata"}
    authorization.refuses(
        subject,
        [({name: None}, codes | {"invalid_redirect_uri"} if name == "redirect_uris" else codes) for name in FIELDS],
    )


@requirement("P-08", "M", "Any address that is not https: 400 (invalid_redirect_uri for redirect addresses)")
def _p_08(subject: Subject) -> None:
    authorization.refuses(
        subject,
        [
            ({"redirect_uris": ["http://conformance.example/return"]}, {"invalid_redirect_uri"}),
            ({"client_uri": "http://conformance.example/"}, {"invalid_client_metadata"}),
        ],
    )


@requirement("P-09", "M", "Differing host names among the addresses: 400")
def _p_09(subject: Subject) -> None:
    codes = {"invalid_client_metadata", "invalid_redirect_uri"}
    authorization.refuses(subject, [({"policy_uri": "https://elsewhere.example/privacy"}, codes)])


@requirement("P-10", "M", "Other authentication method, grant or response type: 400, or replaced and echoed")
def _p_10(subject: Subject) -> None:
    for name, wrong, right in (
        ("token_endpoint_auth_method", "none", "client_secret_basic"),
        ("response_types", ["token"], ["code"]),
    ):
        authorization.refuses_or_replaces(subject, name, wrong, right)


@requirement("P-11", "M", "Defaults applied and echoed where optional fields are absent")
def _p_11(subject: Subject) -> None:
    authorization.applies_defaults(subject)


@requirement("P-12", "O", "Unsupported scopes dropped from the echoed scope")
def _p_12(subject: Subject) -> None:
    authorization.grants_only_what_it_offers(subject)


# --- Consent and tokens -----------------------------------------------------------------------------------


@requirement("P-13", "M", "An authorization request without any of the seven parameters is refused")
def _p_13(subject: Subject) -> None:
    for name in PARAMETERS:
        address = authorization.authorization_address(subject, without=name)
        authorization.refuses_to_ask(subject, address, f"without {name}")


@requirement("P-14", "M", "Unregistered redirect address or unknown client: no redirect")
def _p_14(subject: Subject) -> None:
    authorization.redirects_no_stranger(subject)


@requirement("P-15", "M", "code_challenge_method other than S256 refused")
def _p_15(subject: Subject) -> None:
    address = authorization.authorization_address(subject, code_challenge_method="plain")
    authorization.refuses_to_ask(subject, address, "with a challenge of the method plain")


@requirement("P-16", "M", "Consent leads back with code and unchanged state")
def _p_16(subject: Subject) -> str | None:
    return authorization.lets_a_learner_agree(subject)


@requirement("P-17", "M", "Code exchange by Basic authentication only; wrong secret: 401 invalid_client")
def _p_17(subject: Subject) -> None:
    authorization.refuses_a_wrong_secret(subject)
    registration = subject.need_registration()
    form = authorization.code_form(subject, "no-such-code")
    form |= {"client_id": registration.client_id, "client_secret": registration.client_secret}
    authorization.must_be_refused(authorization.ask_for_token(subject, form, ""), 401, "invalid_client")


@requirement("P-19", "M", "Token answer per RFC 6749, no-store")
def _p_19(subject: Subject) -> None:
    authorization.gives_a_token(subject)


# --- Reading ----------------------------------------------------------------------------------------------


@requirement("R-01", "M", "GET /assertions with assertion.readonly: 200, envelope, lists")
def _r_01(subject: Subject) -> str:
    subject.need_token()
    said = must_be_envelope(_list(subject, "?limit=100"), 200, connect.OK, LISTS)
    for name in LISTS:
        expect(said.get(name) is None or isinstance(said[name], list), f"{name} is no list.")
    subject.listed = said
    return f"{len(_ids(said))} badges."


@requirement("R-02", "M", "No, bad or expired token: 401 UNAUTHENTICATED with envelope")
def _r_02(subject: Subject) -> None:
    for token in ("", "made-up-token", "x" * 600):
        answer = subject.ask("GET", subject.listing, token=token)
        must_be_envelope(answer, 401, connect.UNAUTHENTICATED)
        expect("bearer" in answer.headers.get("www-authenticate", "").lower(), "401 without WWW-Authenticate: Bearer.")


def _without_scope(subject: Subject) -> None:
    """A request that this access does not cover is refused."""
    token = subject.need_token()
    if subject.tokens is None or any(scope.endswith("/profile.update") for scope in subject.tokens.scopes):
        raise CannotSay("Needs access without profile.update: --consent.")
    answer = subject.ask("POST", f"{subject.base}/profile", token=token, body={"email": "nobody@strangers.example"})
    must_be_envelope(answer, 401, connect.PERMISSION_DENIED)


@requirement("R-03", "M", "Token with another scope: 401 PERMISSION_DENIED")
def _r_03(subject: Subject) -> None:
    _without_scope(subject)


@requirement("R-04", "M", "Only the token owner's assertions")
def _r_04(subject: Subject) -> None:
    mine = set(_ids(subject.need_listed()))
    other = subject.need_other_token()
    theirs = _ids(must_be_envelope(_list(subject, "?limit=100", other), 200, connect.OK, LISTS))
    expect(not mine & set(theirs), "Two learners are given the same badges.")


@requirement("R-05", "M", "Signed ones as compact JWS in signedAssertions, others in assertions; each id once")
def _r_05(subject: Subject) -> str:
    said = subject.need_listed()
    found = _ids(said)
    expect(len(found) == len(set(found)), "A badge is listed twice.")
    for badge in said.get("assertions") or []:
        verification = badge.get("verification")
        kind = verification.get("type") if isinstance(verification, dict) else None
        expect(kind not in {"SignedBadge", "signed"}, f"{badge.get('id')} is signed, and stands among the others.")
    return f"{len(said.get('signedAssertions') or [])} signed, {len(said.get('assertions') or [])} others."


@requirement("R-06", "M", "limit and offset work; Link with first, last, and next or prev")
def _r_06(subject: Subject) -> str:
    total = len(_ids(subject.need_listed()))
    answer = _list(subject, "?limit=1")
    expect(len(_ids(document(answer))) <= 1, "Asked for one badge it gives more.")
    if total < 2:
        raise CannotSay("The learner has too few badges there for two pages.")
    links = providers.links(answer.headers.get("link", ""))
    expect({"first", "last", "next"} <= set(links), f"The first page links to {', '.join(sorted(links)) or 'nothing'}.")
    last = subject.ask("GET", links["last"], token=subject.token)
    links = providers.links(last.headers.get("link", ""))
    expect("next" not in links, "After the last page follows a next one.")
    expect({"first", "prev"} <= set(links), "The last page has no link to first or prev.")
    expect(all(url.startswith(subject.listing) for url in links.values()), "A link leads elsewhere.")
    for query in ("limit=0", "limit=x", "offset=-1", "since=yesterday"):
        must_be_envelope(_list(subject, f"?{query}"), 400, connect.REQUEST_VALIDATION_ERROR)
    return f"{total} badges."


@requirement("R-07", "S", "X-Total-Count is right")
def _r_07(subject: Subject) -> None:
    found = len(_ids(subject.need_listed()))
    total = _list(subject, "?limit=100").headers.get("x-total-count", "")
    expect(total.isdigit(), "There is no X-Total-Count.")
    expect(int(total) == found or (found == 100 and int(total) > 100), f"X-Total-Count is {total}, there are {found}.")


@requirement("R-08", "S", "since filters")
def _r_08(subject: Subject) -> None:
    subject.need_listed()
    answer = _list(subject, "?since=2999-01-01T00%3A00%3A00Z")
    must_be(answer, 200)
    expect(not _ids(document(answer)), "Since a day to come there are badges already.")


@requirement("R-09", "S", "Walking next gives each badge once")
def _r_09(subject: Subject) -> str:
    known = _ids(subject.need_listed())
    seen: list[str] = []
    url, pages = f"{subject.listing}?limit=2", 0
    while url and pages < 60:
        answer = subject.ask("GET", url, token=subject.token)
        must_be(answer, 200)
        seen += _ids(document(answer))
        url, pages = providers.links(answer.headers.get("link", "")).get("next", ""), pages + 1
        expect(not url or url.startswith(subject.listing), "next leads elsewhere, or is not absolute.")
    expect(len(seen) == len(set(seen)), "Following next, a badge comes twice.")
    expect(set(known) <= set(seen) or pages == 60, "Following next, a badge is missing.")
    return f"{len(seen)} badges on {pages} pages."


@requirement("R-10", "M", "GET /profile with profile.readonly: a valid Profile under profile")
def _r_10(subject: Subject) -> None:
    token = subject.need_scope(PROFILE_READONLY)
    answer = subject.ask("GET", f"{subject.base}/profile", token=token)
    profile = must_be_envelope(answer, 200, connect.OK, ("profile",)).get("profile")
    if not isinstance(profile, dict):
        raise NotMet("There is no profile.")
    expect({"@context", "id", "type"} <= set(profile), "The profile lacks @context, id or type.")
    expect("Profile" in str(profile["type"]) or "Issuer" in str(profile["type"]), f"type is {profile['type']!r}.")


@requirement("R-11", "M", "Unknown method: 405 envelope; unknown path below apiBase: 404 envelope")
def _r_11(subject: Subject) -> None:
    must_be_envelope(subject.ask("PUT", subject.listing, token=subject.token), 405, connect.METHOD_NOT_ALLOWED)
    unknown = subject.ask("GET", f"{subject.base}/no-such-thing", token=subject.token)
    must_be_envelope(unknown, 404, connect.NOT_FOUND)


@requirement("R-12", "M", "No extra members in envelopes")
def _r_12(subject: Subject) -> None:
    must_be_envelope(subject.ask("GET", f"{subject.base}/profile"), 401, connect.UNAUTHENTICATED)
    must_be_envelope(subject.ask("POST", subject.listing, body={}), 401, connect.UNAUTHENTICATED)
    if subject.token:
        must_be_envelope(_list(subject), 200, connect.OK, LISTS)


# --- Writing ----------------------------------------------------------------------------------------------


@requirement("W-01", "M", "POST /assertions, hosted: 200, status only; then visible in GET")
def _w_01(subject: Subject) -> None:
    badge = subject.need_hosted()
    must_be_envelope(_post(subject, {"assertion": badge}), 200, connect.OK)
    expect(badge["id"] in _ids(document(_list(subject, "?limit=100"))), "The badge is not among the learner's.")


@requirement("W-02", "M", "The same with signedAssertion")
def _w_02(subject: Subject) -> None:
    token = subject.need_signed()
    must_be_envelope(_post(subject, {"signedAssertion": token}), 200, connect.OK)
    [id] = _ids({"signedAssertions": [token]})
    expect(id in _ids(document(_list(subject, "?limit=100"))), "The badge is not among the learner's.")


@requirement("W-03", "M", "Both given: the unsigned one is ignored; nulls are accepted")
def _w_03(subject: Subject) -> None:
    token = subject.need_signed()
    for other in (None, {"id": "https://conformance.example/badge", "type": "Assertion"}):
        must_be_envelope(_post(subject, {"assertion": other, "signedAssertion": token}), 200, connect.OK)


@requirement("W-04", "M", "Malformed JSON, neither field, wrong types: 400 REQUEST_VALIDATION_ERROR")
def _w_04(subject: Subject) -> None:
    subject.need_scope(ASSERTION_CREATE)
    wrong: list[object] = [b"{", {}, [], {"assertion": None}, {"assertion": "text"}, {"signedAssertion": 7}]
    for body in wrong:
        must_be_envelope(_post(subject, body), 400, connect.REQUEST_VALIDATION_ERROR)


@requirement("W-05", "S", "A badge that does not verify: 400 INVALID_BADGE")
def _w_05(subject: Subject) -> None:
    answer = _post(subject, {"signedAssertion": _forged(subject.need_signed())})
    must_be_envelope(answer, 400, connect.INVALID_BADGE)


@requirement("W-06", "S", "Another recipient's badge: 400 RECIPIENT_PROFILE_MISMATCH, nothing stored")
def _w_06(subject: Subject) -> None:
    subject.need_scope(ASSERTION_CREATE)
    said = must_be_envelope(_list(subject, "?limit=100", subject.need_other_token()), 200, connect.OK, LISTS)
    theirs = [{"signedAssertion": each} for each in said.get("signedAssertions") or []]
    theirs += [{"assertion": each} for each in said.get("assertions") or []]
    if not theirs:
        raise CannotSay("The other learner has no badge there.")
    must_be_envelope(_post(subject, theirs[0]), 400, connect.RECIPIENT_PROFILE_MISMATCH)
    after = _ids(document(_list(subject, "?limit=100")))
    expect(not set(after) & set(_ids(said)), "It was refused, and stored all the same.")


@requirement("W-07", "M", "A second POST of the same id: 200, one record")
def _w_07(subject: Subject) -> None:
    token = subject.need_signed()
    before = sorted(_ids(document(_list(subject, "?limit=100"))))
    expect(len(before) == len(set(before)), "A badge that was sent is listed twice.")
    must_be_envelope(_post(subject, {"signedAssertion": token}), 200, connect.OK)
    expect(sorted(_ids(document(_list(subject, "?limit=100")))) == before, "After it, the list is another one.")


@requirement("W-08", "S", "Stored is the hosted document, not the posted one")
def _w_08(subject: Subject) -> None:
    badge = subject.need_hosted()
    must_be_envelope(_post(subject, {"assertion": {**badge, "narrative": "Changed on the way."}}), 200, connect.OK)
    stored = document(_list(subject, "?limit=100")).get("assertions") or []
    expect("Changed on the way." not in [each.get("narrative") for each in stored], "The posted text was stored.")


@requirement("W-09", "O", "POST /profile with profile.update: 200 with profile; unacceptable: 400")
def _w_09(subject: Subject) -> None:
    raise CannotSay("The suite asks for no access that changes the learner's profile.")


@requirement("W-10", "M", "Token without the scope: 401 PERMISSION_DENIED")
def _w_10(subject: Subject) -> None:
    _without_scope(subject)


# --- The end of access ------------------------------------------------------------------------------------


@requirement("P-20", "O", "Refresh gives a working token; the scope cannot grow")
def _p_20(subject: Subject) -> str:
    return authorization.refreshes(subject, rotation=False)


@requirement("P-22", "M", "Revocation, if offered: tokens end; an unknown token: 200")
def _p_22(subject: Subject) -> str:
    address = subject.need_discovery().get("tokenRevocationUrl")
    if not address:
        return "Not offered."
    return authorization.revokes(subject, str(address))


@requirement("P-18", "M", "Wrong or reused code: 400 invalid_grant")
def _p_18(subject: Subject) -> str:
    authorization.refuses_a_wrong_code(subject)
    return authorization.takes_a_code_once(subject) if subject.tokens is not None else "A second use was not tried."


@requirement("P-23", "M", "OAuth endpoints answer in OAuth form, without the status envelope")
def _p_23(subject: Subject) -> None:
    refused = authorization.register(subject, client_name=None)
    form = {"grant_type": "no-such-grant"}
    registration = subject.need_registration()
    who = authorization.basic(registration.client_id, registration.client_secret)
    for answer in (refused, authorization.ask_for_token(subject, form, who)):
        must_be(answer, 400)
        said = document(answer)
        expect(isinstance(said.get("error"), str), f"{answer.final_url} names no error.")
        expect("status" not in said, f"{answer.final_url} answers with the envelope of the API.")


@requirement("P-21", "M", "The user sees authorized clients and can revoke one; its tokens then give 401")
def _p_21(subject: Subject) -> None:
    raise CannotSay("Look at the server's own pages for the learner.")
