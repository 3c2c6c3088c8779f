"""Open Badges 3.0 and CLR 2.0 as W3C credentials: the procedure of section 7 of the digest, step by step.

A badge, an endorsement, any other credential                  checks
 1. take it apart                                               ``input``
 2. its contexts, in their order                                ``context``
 3. its type                                                    ``type``
 4. its published schema, and the schemas it names              ``schema``
 5. whose it is, and the classes of what is inside              ``schema``
 6. who vouches for it: token or embedded proof                 ``algorithm`` ``key`` ``signature`` ``claims`` ``proof``
 7. a newer copy from its refresh service, once                 ``refresh``
 8. status lists; what this portal knows of its own             ``status`` ``own_record``
 9. from when until when it counts                              ``dates``
10. the person expected                                         ``expected_recipient``
11. endorsements, anywhere inside                               ``endorsement/0`` …

A record besides
C1. each credential inside, judged on its own                   ``verifiableCredential/0`` …
C3. they are about the learner of the record                    ``subject``
C4. associations, and achievements told twice                   ``associations``
C6. whether it claims to be complete                            ``completeness``
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from apps.standards import identities, moments, strict_json
from apps.standards.clr1.read import Finding
from apps.standards.clr2 import model as clr2_model
from apps.standards.clr2 import read as clr2
from apps.standards.errors import BudgetExhausted, DocumentFault, FetchRefused, ParseFault
from apps.standards.ob3 import model as ob3_model
from apps.standards.ob3 import read as ob3
from apps.standards.ob3.read import listed, types_of
from apps.standards.proofs import vc_jwt
from apps.standards.strict_json import shown
from apps.standards.verify.checks import presentations, vc_proof
from apps.standards.verify.checks.findings import report
from apps.standards.verify.checks.vc_proof import GRACE_NANOSECONDS, issuer_of
from apps.standards.verify.checks.vc_status import StatusLists, check_status
from apps.standards.verify.recognise import Subject, read_token, recognise
from apps.standards.verify.sources import Run, is_web_address
from apps.standards.verify.verdict import Party, Result, include_nested

MAX_RECORD_DEPTH = 3
MAX_ENDORSEMENTS = 100

Kind = Literal["record", "badge", "endorsement", "status list", "credential"]

_KNOWN_SCHEMAS = {
    base + form + f"/{prefix}_{name}_schema.json"
    for base, prefix, names in (
        (
            ob3_model.SCHEMA_BASE,
            "ob_v3p0",
            ("achievementcredential", "endorsementcredential", "anyachievementcredential"),
        ),
        (
            clr2_model.SCHEMA_BASE,
            "clr_v2p0",
            ("clrcredential", "achievementcredential", "endorsementcredential", "anyclrcredential"),
        ),
    )
    for form in ("json", "json-ld")
    for name in names
}
_STATUS_LIST_TYPES = ("BitstringStatusListCredential", "StatusList2021Credential")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a credential stands: handed in itself, inside a record, as an endorsement, as a status list."""

    role: Literal["given", "nested", "endorsement", "status list"] = "given"
    depth: int = 0
    refreshed: bool = False
    carrier: str | None = None
    lists: StatusLists = field(default_factory=StatusLists)


def judge(subject: Subject, run: Run, place: Place | None = None) -> Result:
    """Judge a W3C credential: badge, record or endorsement, with embedded proof or as token."""
    place = place or Place()
    if presentations.is_one(subject):
        return presentations.judge(subject, run, place.depth, lambda found, deeper: judge(found, run, _inside(deeper)))
    taken = _credential_of(subject)
    if isinstance(taken, Result):
        return taken
    document = taken
    kind = _kind_of(document, place)
    result = _begin(document, kind)
    try:
        run.budget.check_time()
        result.passed("input", "It could be read.")
        _check_content(result, document, kind, place)  # 2 to 5
        result.signed_form = subject.token if subject.jws is not None else None
        result.vouched = _check_proof(result, subject, document, run)  # 6
        if result.vouched:
            newer = _refreshed(result, document, run, place)  # 7
            if newer is not None:
                return newer
            if place.role != "status list":
                check_status(result, document, run, place.lists, lambda found: judge(found, run, _of_list(place)))  # 8
            _check_own_record(result, document, run)
        else:
            result.skipped("status", "Nobody vouches for it, so its status was not looked at.")
        _check_dates(result, document, run)  # 9
        if place.role == "given" and not place.refreshed:
            _check_recipient(result, document, run)  # 10
        if kind == "record":
            _check_record(result, document, run, place)
        if place.role != "status list":
            _check_endorsements(result, document, run, place)  # 11
    except BudgetExhausted as exhausted:
        result.failed("budget", "NOT_DECIDED", exhausted.sentence)
    return result


def _inside(depth: int) -> Place:
    """A credential that a presentation or an envelope carries is judged like one that was handed in itself."""
    return Place("given", depth)


def _of_list(place: Place) -> Place:
    return Place("status list", place.depth + 1, refreshed=True, lists=place.lists)


# --- 1. what it is --------------------------------------------------------------------------------------------


def _credential_of(subject: Subject) -> dict[str, Any] | Result:
    fault = subject.fault
    document = subject.value
    if fault is None and isinstance(document, dict) and subject.jws is not None:
        try:
            return vc_jwt.credential_of(document)
        except ParseFault as unreadable:
            fault = unreadable
    if fault is None and isinstance(document, dict):
        return document
    result = Result(readable=False)
    result.failed("input", "PARSE_ERROR", fault.sentence if fault else "A credential is a JSON object.")
    return result


def _kind_of(document: Mapping[str, Any], place: Place) -> Kind:
    types = types_of(document)
    if place.role == "endorsement" or ob3_model.ENDORSEMENT_TYPE in types:
        return "endorsement"
    if place.role == "status list" or any(name in types for name in _STATUS_LIST_TYPES):
        return "status list"
    if clr2_model.RECORD_TYPE in types:
        return "record"
    if any(name in types for name in ob3_model.BADGE_TYPES):
        return "badge"
    return "credential"


def _begin(document: Mapping[str, Any], kind: Kind) -> Result:
    format_ = {"record": "clr-2.0", "badge": "ob-3.0", "endorsement": "ob-3.0"}.get(kind, "unknown")
    if format_ == "unknown" and any("/spec/ob/v3p0/" in str(item) for item in listed(document.get("@context"))):
        format_ = "ob-3.0"
    result = Result(format=format_, kind=kind, subject=_text(document.get("id")), document=document)
    issuer = document.get("issuer")
    name = _plain(issuer.get("name")) if isinstance(issuer, dict) else None
    if issuer_of(document) is not None:
        result.issuer = Party(issuer_of(document), name)
    subject = document.get("credentialSubject")
    if isinstance(subject, dict) and kind in ("record", "badge"):
        result.learner = Party(_text(subject.get("id")), _name_of(subject))
    return result


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _plain(value: Any) -> str | None:
    """A text, or one of the texts of a language map."""
    if isinstance(value, dict):
        value = value.get("en") or next(iter(value.values()), None)
    return _text(value)


def _name_of(subject: Mapping[str, Any]) -> str | None:
    """The name of a subject, where an identifier gives it plainly."""
    for identifier in listed(subject.get("identifier")):
        if isinstance(identifier, dict) and identifier.get("identityType") == "name" and not identifier.get("hashed"):
            return _text(identifier.get("identityHash"))
    return _plain(subject.get("name"))


# --- 2 to 5. content ------------------------------------------------------------------------------------------


def _check_content(result: Result, document: Mapping[str, Any], kind: Kind, place: Place) -> None:
    wanted = {"record": ("CLR", "OB"), "badge": ("OB",), "endorsement": ("OB",)}.get(kind, ())
    if kind == "credential" and place.role == "given":
        wanted = ("OB",) if result.format == "ob-3.0" else ()
    report(result, "context", ob3.check_contexts(document, wanted), "The contexts are those of the standard.")
    report(result, "type", _type_findings(document, kind, place), "The type is that of the standard.")
    findings = {
        "record": clr2.check_record,
        "badge": ob3.check_badge,
        "endorsement": ob3.check_endorsement,
        "status list": lambda _: [],
        "credential": ob3.check_plain,
    }[kind](document)
    report(result, "schema", [*findings, *_named_schemas(document)], "Everything that must be there is there.")


def _type_findings(document: Mapping[str, Any], kind: Kind, place: Place) -> list[Finding]:
    if kind == "endorsement":
        return ob3.check_type(document, [ob3_model.ENDORSEMENT_TYPE])
    if place.role == "given" and kind in ("credential", "status list"):
        one_of = [*ob3_model.BADGE_TYPES, clr2_model.RECORD_TYPE, ob3_model.ENDORSEMENT_TYPE]
        return ob3.check_type(document, one_of)
    findings = ob3.check_type(document, [])
    if place.role == "nested" and kind == "credential" and not findings:
        sentence = "The credential inside is no badge; only its signature, status and dates were looked at."
        findings.append(Finding("TYPE_INVALID", "/type", sentence, "warning"))
    return findings


def _named_schemas(document: Mapping[str, Any]) -> list[Finding]:
    """Schemas of 1EdTech that a credential names besides the published ones cannot be loaded here (step 4)."""
    findings = []
    for position, schema in enumerate(listed(document.get("credentialSchema"))):
        if not isinstance(schema, dict) or ob3_model.SCHEMA_VALIDATOR not in types_of(schema):
            continue
        if _text(schema.get("id")) not in _KNOWN_SCHEMAS:
            findings.append(
                Finding(
                    "SCHEMA_INVALID",
                    f"/credentialSchema/{position}",
                    f"It names the schema {shown(str(schema.get('id')), 120)}, which is not known here.",
                )
            )
    return findings


# --- 6. who vouches -------------------------------------------------------------------------------------------


def _check_proof(result: Result, subject: Subject, document: Mapping[str, Any], run: Run) -> bool:
    if subject.jws is None:
        return vc_proof.check_embedded(result, document, run)
    by_token = Result()
    held = vc_proof.check_token(by_token, subject.jws, subject.value, document, run)
    if not held and "proof" in document:  # With both, any one suffices (7.1, step 6).
        embedded = Result()
        if vc_proof.check_embedded(embedded, document, run):
            result.checks += embedded.checks
            for failure in by_token.failures():
                result.warned(failure.name, failure.code or "", f"The token around it does not hold: {failure.detail}")
            return True
    result.checks += by_token.checks
    return held


# --- 7. refresh (9.1) -----------------------------------------------------------------------------------------


def _refreshed(result: Result, document: Mapping[str, Any], run: Run, place: Place) -> Result | None:
    """The judgement of a newer copy that replaces this one; None where the given one counts."""
    service = document.get("refreshService")
    if not isinstance(service, dict) or ob3_model.REFRESH_SERVICE not in types_of(service) or place.refreshed:
        return None
    address = service.get("id")
    try:
        if not is_web_address(address):
            raise FetchRefused("Its address is not a web address.")
        answer = run.get(str(address), kind="document")
        if answer.status != 200:
            raise FetchRefused(f"It answered {answer.status}.")
    except FetchRefused as refusal:
        result.skipped(
            "refresh", f"No newer copy could be had, so this one counts. {refusal.sentence}", address=address
        )
        return None
    found = recognise(answer.body)
    if found.fault is not None or found.format != "vc":
        result.skipped("refresh", "The refresh service gave no credential, so this one counts.", address=address)
        return None
    newer = judge(found, run, replace(place, refreshed=True, depth=place.depth + 1))
    refused = _not_a_successor(newer, document)
    if refused is not None:
        code, reason = refused
        result.warned("refresh", code, f"What the refresh service gave does not count: {reason}", address=address)
        return None
    newer.passed("refresh", "The refresh service gave a newer copy, which counts instead.", address=address)
    if place.role == "given":
        _check_recipient(newer, newer.document, run)
    return newer


def _not_a_successor(newer: Result, document: Mapping[str, Any]) -> tuple[str, str] | None:
    """Why an answer of the refresh service may not replace a credential: code and sentence."""
    if not newer.vouched or newer.has_failed("context", "type", "schema"):
        first = next(iter(newer.failures()), None)
        return (first.code or "", first.detail) if first else ("PROOF_MISSING", "nobody vouches for it.")
    if ob3.identity_of(newer.document) != ob3.identity_of(document):
        return "CONTENT_DIFFERS", "it is another credential, or another issuer's."
    before, after = _valid_from(document), _valid_from(newer.document)
    if before is not None and (after is None or after.nanoseconds < before.nanoseconds):
        return "CONTENT_OUTDATED", "it is older."
    return None


# --- 8 and 9. own records, dates ------------------------------------------------------------------------------


def _check_own_record(result: Result, document: Mapping[str, Any], run: Run) -> None:
    """What only this portal knows of a credential it issued itself: revoked here, replaced by a newer one."""
    id_ = document.get("id")
    own = run.own.issued(id_) if isinstance(id_, str) else None
    if own is None:
        return
    if own.signed_form is not None and result.signed_form is not None:
        same = own.signed_form == result.signed_form
    else:
        same = strict_json.loads(own.payload) == document
    if not same:
        sentence = "A credential with this id was issued here, but it is not this one."
        result.failed("own_record", "CONTENT_DIFFERS", sentence, id=id_)
        return
    if own.revoked and not result.has_failed("status"):
        reason = f" ({shown(own.revocation_reason)})" if own.revocation_reason else ""
        result.failed("own_record", "REVOKED", f"The issuer has revoked it{reason}.", id=id_)
    if own.superseded_by is not None:
        result.superseded_by = own.superseded_by
        sentence = "A newer version has replaced it."
        result.warned("own_record", "SUPERSEDED", sentence, superseded_by=own.superseded_by)


def _date(document: Mapping[str, Any], *names: str) -> moments.Moment | None:
    for name in names:
        value = document.get(name)
        if isinstance(value, str):
            try:
                return moments.read(value)
            except DocumentFault:
                return None
    return None


def _valid_from(document: Mapping[str, Any]) -> moments.Moment | None:
    return _date(document, "validFrom", "issuanceDate")


def _check_dates(result: Result, document: Mapping[str, Any], run: Run) -> None:
    now = moments.of(run.now).nanoseconds
    starts = _valid_from(document)
    ends = _date(document, "validUntil", "expirationDate")
    if any(isinstance(document.get(name), str) for name in ("validUntil", "expirationDate")) and ends is None:
        result.failed("dates", "EXPIRED", "The date until which it counts cannot be read.")
    elif ends is not None and now > ends.nanoseconds:
        until = document.get("validUntil") or document.get("expirationDate")
        result.failed("dates", "EXPIRED", "It has expired.", until=until)
    elif starts is not None and starts.nanoseconds > now + GRACE_NANOSECONDS:
        since = document.get("validFrom") or document.get("issuanceDate")
        result.failed("dates", "NOT_YET_VALID", "It counts only from a later date on.", since=since)
    elif starts is not None and starts.nanoseconds > now:
        sentence = "It begins to count within two minutes from now; clocks differ, so it counts (REL-24)."
        result.passed("dates", sentence, skew_used=True)
    else:
        result.passed("dates", "It counts at this moment.")


# --- 10. the person expected (9.4) ----------------------------------------------------------------------------


def _check_recipient(result: Result, document: Mapping[str, Any], run: Run) -> None:
    expected = run.expected_recipients
    if not expected:
        return
    subject = document.get("credentialSubject")
    subject = subject if isinstance(subject, dict) else {}
    if subject.get("id") in expected:
        result.passed("expected_recipient", "It is about the person expected.")
        return
    for identifier in listed(subject.get("identifier")):
        value = identifier.get("identityHash") if isinstance(identifier, dict) else None
        if not isinstance(value, str):
            continue
        fitting = [one for one in expected if _kind_fits(identifier.get("identityType"), one)]
        salt = identifier.get("salt")
        if identifier.get("hashed") is True:
            match = identities.is_hash(value) and identities.matches(
                value, fitting, salt=salt if isinstance(salt, str) else None
            )
        else:
            match = not identities.is_hash(value) and identities.matches(value, fitting)
        if match:
            if value.startswith("md5$") and identifier.get("hashed") is True:
                sentence = "It is about the person expected, as far as the weak hash MD5 tells."
                result.warned("expected_recipient", "RECIPIENT_MISMATCH", sentence)
            else:
                result.passed("expected_recipient", "It is about the person expected.")
            return
    result.failed("expected_recipient", "RECIPIENT_MISMATCH", "It is about somebody else than the person expected.")


def _kind_fits(identity_type: Any, expected: str) -> bool:
    """An e-mail address is compared with e-mail identifiers; anything of unknown kind with all."""
    return (
        "@" not in expected
        or identity_type in ("emailAddress", "userName", "accountId", "identifier", "systemId")
        or (isinstance(identity_type, str) and identity_type.startswith("ext:"))
    )


# --- 11. endorsements (9.3) -----------------------------------------------------------------------------------


def _check_endorsements(result: Result, document: Mapping[str, Any], run: Run, place: Place) -> None:
    for number, (at, endorsement, carrier) in enumerate(ob3.endorsements(document)):
        if number >= MAX_ENDORSEMENTS or place.depth >= run.budget.depth:
            result.failed("endorsement", "NOT_DECIDED", "It carries more endorsements than are looked at.")
            return
        inner = Place("endorsement", place.depth + 1, carrier=carrier, lists=place.lists)
        found = read_token(endorsement) if isinstance(endorsement, str) else Subject("json", "vc", endorsement)
        judged = judge(found, run, inner)
        about = judged.document.get("credentialSubject") if isinstance(judged.document, dict) else None
        if carrier is not None and isinstance(about, dict) and about.get("id") != carrier:
            sentence = "The endorsement is about something else than what carries it."
            judged.warned("endorsed", "ENDORSEMENT_INVALID", sentence, about=about.get("id"), carrier=carrier)
        _include(result, at, judged, "ENDORSEMENT_INVALID")


def _include(result: Result, name: str, judged: Result, code: str) -> None:
    """A result inside another: what is unsigned or does not hold there fails here under this standard's name."""
    unsigned = any(check.code == "PROOF_MISSING" for check in judged.failures())
    if judged.valid or (judged.verdict == "undecided" and not unsigned):
        include_nested(result, name, judged)
        return
    result.credentials.append(judged)
    first = next((check for check in judged.failures()), None)
    where = {"id": judged.subject, "code": first.code if first else None}
    detail = first.detail if first else "Nothing vouches for it."
    result.failed(name, code, f"The {judged.kind or 'part'} inside does not hold: {detail}", **where)


# --- records (7.2) --------------------------------------------------------------------------------------------


def _check_record(result: Result, document: Mapping[str, Any], run: Run, place: Place) -> None:
    subject = document.get("credentialSubject")
    subject = subject if isinstance(subject, dict) else {}
    strangers: list[str] = []
    for position, nested in enumerate(clr2.nested_of(document)):
        at = f"verifiableCredential/{position}"
        if not isinstance(nested, dict):
            result.failed(at, "NESTED_INVALID", "What stands among the credentials inside is no signed object.")
            continue
        if clr2_model.RECORD_TYPE in types_of(nested) and place.depth + 1 >= MAX_RECORD_DEPTH:
            result.failed(at, "NOT_DECIDED", "Records are nested more deeply than is looked at.")
            continue
        inner = Place("nested", place.depth + 1, lists=place.lists)
        judged = judge(Subject("json", "vc", nested), run, inner)
        _include(result, at, judged, "NESTED_INVALID")
        about = nested.get("credentialSubject")
        if not isinstance(about, dict) or not clr2.same_learner(subject, about):
            strangers.append(str(about.get("id")) if isinstance(about, dict) else "nobody")
    if strangers:
        sentence = (
            f"The record is about {shown(str(subject.get('id') or 'the learner'))}, but a credential inside is about "
            f"{shown(strangers[0])}."
        )
        result.failed("subject", "SUBJECT_MISMATCH", sentence, learner=subject.get("id"), others=strangers[:20])
    elif clr2.nested_of(document):
        result.passed("subject", "All credentials inside are about the learner of the record.")
    report(
        result,
        "associations",
        clr2.check_associations(document),
        "What the record says of its achievements hangs together.",
    )
    if document.get("partial") is True:
        result.passed("completeness", "The record does not claim to hold everything that the publisher knows.")
