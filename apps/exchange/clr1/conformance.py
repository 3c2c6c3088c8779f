"""The certification requirements of CLR 1.0 for a provider and its authorization server, asked of a running server.

Numbers and words are those of section 9 of the digest.
"""

from __future__ import annotations

import copy
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from django.utils import timezone

from apps.exchange import authorizing, providers
from apps.exchange.clr1 import client
from apps.exchange.conformance import authorization
from apps.exchange.conformance.subject import JSON_TYPES, Given, document, is_safe, must_be, without_tls
from apps.exchange.conformance.subject import Subject as AnySubject
from apps.exchange.conformance.table import CannotSay, NotMet, Row, Table, expect
from apps.network.fetching import Fetched
from apps.standards import strict_json
from apps.standards.clr1 import model, read, write
from apps.standards.errors import StandardsError
from apps.standards.proofs import jws
from apps.standards.verify import engine

MINOR_CODES = frozenset(
    {
        *("forbidden", "fullsuccess", "internal_server_error", "invalid_data", "invalid_query_parameter"),
        *("server_busy", "unauthorizedrequest", "misdirected_request", "not_acceptable", "not_allowed"),
        *("not_modified", "unknown"),
    }
)


class Subject(AnySubject):
    """A provider of CLR 1.0, and what it said of a learner's records."""

    SUITE = "CLR 1.0 conformance check"
    PATH = client.PATH
    SCOPES = (model.SCOPE_READONLY, model.SCOPE_REPLACE, model.SCOPE_DELETE)

    def __init__(self, base_url: str, given: Given, wait: Callable[[float], None]) -> None:
        super().__init__(base_url, given, wait)
        self.clr_set: dict[str, Any] | None = None
        self.records: list[tuple[dict[str, Any], str]] = []
        self.posted: dict[str, Any] | None = None
        self.posted_at = ""

    @property
    def listing(self) -> str:
        """The address of getClrs."""
        return f"{self.base}/clrs"

    def need_set(self) -> dict[str, Any]:
        """What getClrs gave."""
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


TABLE: Table[Subject] = Table("CLR1")
requirement = TABLE.requirement


def run(base_url: str, given: Given, *, wait: Callable[[float], None] = time.sleep) -> Iterator[Row]:
    """The rows of the table, each as soon as it is decided. Raises `NoProvider` for an unusable address."""
    return authorization.run(TABLE, Subject(base_url, given, wait))


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


# --- Discovery -----------------------------------------------------------------------------------------


@requirement("P-01", "M", "Discovery: public, JSON, every required property and no other, all addresses https")
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


@requirement("P-23", "S", "Content negotiation: JSON and JSON-LD")
def _p_23(subject: Subject) -> None:
    for kind in JSON_TYPES:
        answer = subject.ask("GET", f"{subject.base}/discovery", Accept=kind)
        must_be(answer, 200)
        expect(answer.content_type == kind, f"Asked for {kind} it answers {answer.content_type}.")


@requirement("P-27", "R", "Without TLS: 421, or not served")
def _p_27(subject: Subject) -> str | None:
    return without_tls(subject, f"{subject.base}/discovery")


# --- The authorization server, as far as nobody needs to agree ---------------------------------------------


requirement("AS-01", "M", "Registration: 201, every field, no-store")(authorization.registers)


@requirement("AS-02", "M", "Registration: what is missing or wrong is refused by its code")
def _as_02(subject: Subject) -> None:
    wrong: list[tuple[dict[str, Any], set[str]]] = [
        ({"client_name": None}, {"invalid_client_metadata"}),
        ({"redirect_uris": None}, {"invalid_client_metadata", "invalid_redirect_uri"}),
        ({"redirect_uris": [f"{authorization.REDIRECT}#fragment"]}, {"invalid_redirect_uri"}),
        ({"redirect_uris": ["http://conformance.example/return"]}, {"invalid_redirect_uri"}),
    ]
    authorization.refuses(subject, wrong)


@requirement("AS-03", "M", "Registration: defaults applied and echoed, unsupported values refused or replaced")
def _as_03(subject: Subject) -> None:
    authorization.applies_defaults(subject)
    authorization.refuses_or_replaces(subject, "token_endpoint_auth_method", "none", "client_secret_basic")


requirement("AS-04", "M", "Scopes that are not offered are not granted")(authorization.grants_only_what_it_offers)
requirement("AS-05", "M", "Unknown client or redirect address: a page, no redirect")(
    authorization.redirects_no_stranger
)


@requirement("AS-07", "R", "PKCE demanded, plain refused")
def _as_07(subject: Subject) -> None:
    address = authorization.authorization_address(subject, code_challenge_method="plain")
    authorization.refuses_to_ask(subject, address, "with a challenge of the method plain")


@requirement("AS-09", "M", "Wrong secret: 401 invalid_client; wrong code: 400 invalid_grant")
def _as_09(subject: Subject) -> None:
    authorization.refuses_a_wrong_secret(subject)
    authorization.refuses_a_wrong_code(subject)


requirement("AS-06", "M", "Consent gives a code and the unchanged state")(authorization.lets_a_learner_agree)
requirement("AS-10", "M", "Token answer: Bearer, scope, expires_in, no-store")(authorization.gives_a_token)


# --- Reading ----------------------------------------------------------------------------------------------


@requirement("P-02", "M", "getClrs: 200, a ClrSet with @context, valid by section 2")
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


@requirement("P-03", "M", "Only the records of the learner who gave the token")
def _p_03(subject: Subject) -> None:
    subject.need_set()
    answer = subject.ask("GET", subject.listing, token=subject.need_other_token())
    must_be(answer, 200)
    mine = {record.get("id") for record, _token in subject.records}
    theirs = {record.get("id") for record, _token in _records(document(answer))}
    expect(not mine & theirs, "Two learners are given the same records.")
    for id in sorted(str(id) for id in mine if str(id).startswith(subject.base))[:1]:
        must_be(subject.ask("GET", id, token=subject.given.other_token), 401, 403, 404)


@requirement("P-04", "M", "Signed records in signedClrs as compact JWS, the same each time; others in clrs")
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


@requirement("P-05", "M", "limit and offset, Link and X-Total-Count; following next gives every record once")
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
        following = providers.links(answer.headers.get("link", "")).get("next", "")
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


@requirement("P-06", "O", "since")
def _p_06(subject: Subject) -> None:
    subject.need_set()
    answer = subject.ask("GET", f"{subject.base}/clrs?since=2999-01-01T00%3A00%3A00Z", token=subject.token)
    must_be(answer, 200)
    expect(not _records(document(answer)), "Since a day to come there are records already.")


@requirement("P-07", "M", "No, bad or expired token: 401; missing scope: 403")
def _p_07(subject: Subject) -> None:
    for token in ("", "made-up-token", "x" * 600):
        answer = subject.ask("GET", f"{subject.base}/clrs", token=token)
        must_be(answer, 401)
        expect("bearer" in answer.headers.get("www-authenticate", "").lower(), "401 without WWW-Authenticate: Bearer.")


@requirement("P-08", "M", "Every error has an imsx_StatusInfo body with values of the lists")
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


@requirement("P-12", "M", "A hosted record's id is BASE/clrs/{id} and answers the record with @context")
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


@requirement("P-13", "M", "A revoked hosted object: 410, or 200 with revoked true")
def _p_13(subject: Subject) -> None:
    if not subject.given.revoked:
        raise CannotSay("Needs the address of a revoked object: --revoked.")
    answer = subject.ask("GET", subject.given.revoked, token=subject.token)
    must_be(answer, 410, 200)
    expect(answer.status == 410 or document(answer).get("revoked") is True, "It is there and not marked as revoked.")


@requirement("P-14", "M", "Key, revocation list and profile: public, JSON, @context, id is the address")
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


@requirement("P-15", "M", "A key's owner is the profile, and the profile's publicKey is that key")
def _p_15(subject: Subject) -> None:
    for id, profile in _publishers(subject).items():
        keys = _keys_of(profile)
        expect(keys, f"The profile {id} has no publicKey.")
        for key in keys:
            said = read.parse(document(subject.ask("GET", str(key.get("id")))), model.CryptographicKey)
            expect(said.owner == id, f"The key {said.id} belongs to {said.owner!r}, not to the profile.")


@requirement("P-16", "M", "The publisher's profile names its revocation list (and should say its policy)")
def _p_16(subject: Subject) -> str:
    with_policy = True
    for id, profile in _publishers(subject).items():
        said = read.parse(profile, model.Profile)
        expect(said.revocation_list, f"The profile {id} has no revocationList.")
        with_policy = with_policy and said.verification is not None and said.verification.type == "Verification"
    return "With verification policy." if with_policy else "Advice: the profile should carry a verification policy."


@requirement("P-17", "M", "Signed records: RS256, verification type Signed, verified with the published key")
def _p_17(subject: Subject) -> str:
    count = 0
    for record, token in list(subject.signed())[:5]:
        header = jws.split(token.encode()).header
        expect(header.get("alg") == "RS256", f"A record is signed with {header.get('alg')!r}.")
        said = read.parse(record, model.Clr)
        expect(said.verification is not None and said.verification.type == "Signed", "verification.type is not Signed.")
        result = engine.verify(token.encode(), fetcher=subject, now=timezone.now())
        expect(result.verdict == "valid", f"{record.get('id')}: {result.sentence}")
        count += 1
    return f"{count} verified."


@requirement("P-18", "M", "The revocation list: entries are strings, a revoked object's id is among them")
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


@requirement("P-19", "M", "Required properties and types of section 2 in every record, DateTimes with zone")
def _p_19(subject: Subject) -> str:
    subject.need_set()
    for record, _token in subject.records:
        must_be_valid(record, model.Clr, str(record.get("id")))
        zoneless = [finding for finding in read.check(record, model.Clr) if finding.code == "NO_TIMEZONE"]
        expect(not zoneless, f"{record.get('id')}: {zoneless[0].sentence if zoneless else ''}")
    return f"{len(subject.records)} records."


@requirement("P-20", "M", "Extended values only with ext: and only in the four lists")
def _p_20(subject: Subject) -> None:
    subject.need_set()
    for record, _token in subject.records:
        for finding in read.check(record, model.Clr):
            expect(finding.code not in {"ENUM_INVALID", "CANDIDATE_FINAL_VALUE"}, f"{finding.at}: {finding.sentence}")


@requirement("P-21", "M", "An achievement in two places is equal")
def _p_21(subject: Subject) -> None:
    subject.need_set()
    for record, _token in subject.records:
        for finding in read.check_identifiers(record):
            expect(finding.code != "CONFLICTING_IDS", f"{finding.at}: {finding.sentence}")


@requirement("P-22", "M", "partial is true when known assertions are left out")
def _p_22(subject: Subject) -> None:
    subject.need_set()
    for record, _token in subject.records:
        partial = record.get("partial", False)
        expect(isinstance(partial, bool), f"{record.get('id')}: partial is {partial!r}.")
    raise CannotSay("Only the publisher knows what was left out; where given, partial is true or false.")


@requirement("P-24", "M", "Records are behind a token or sign-in")
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
        "issuedOn": write.date_time(timezone.now()),
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


@requirement("P-09", "M", "postClr: new 201, the same id again 200, body ClrPayload")
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


@requirement("P-10", "M", "postClr: both or neither form, bad schema, bad signature are 400 invalid_data")
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


@requirement("P-11", "M", "postClr for another learner is refused and stores nothing")
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


@requirement("P-26", "M", "Records sent on keep unknown properties")
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


@requirement("P-25", "O", "deleteClr: 204, then 404; or 405 where it is not offered")
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


@requirement("AS-11", "M", "Refresh: rotation, the old one refused, no wider scope")
def _as_11(subject: Subject) -> str:
    return authorization.refreshes(subject, rotation=True)


@requirement("AS-12", "R", "Metadata (RFC 8414) with a revocation address (RFC 7009) that ends tokens")
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
    return authorization.revokes(subject, found.revocation_url)


requirement("AS-08", "M", "A code serves once; its second use ends what came of it")(authorization.takes_a_code_once)


@requirement("AS-13", "M", "The learner sees and ends authorizations; tokens die at once")
def _as_13(subject: Subject) -> None:
    raise CannotSay("Look at the server's own pages for the learner.")


@requirement("AS-14", "M", "Secrets and tokens stored hashed; TLS; rate limits")
def _as_14(subject: Subject) -> None:
    said = subject.need_discovery()
    for name in ("authorizationUrl", "registrationUrl", "tokenUrl"):
        expect(is_safe(said.get(name), subject.base), f"{name} is without TLS.")
    raise CannotSay("The addresses have the TLS of the server; how secrets are stored is not seen from outside.")
