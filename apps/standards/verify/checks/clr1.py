"""CLR 1.0: the procedure of section 8 of the standard's digest, step by step.

Signed objects (8.2)                                   checks
 1. take the JWS apart, read header and payload         ``input``
 2. the algorithm is allowed, no extensions             ``algorithm``
 3. context, class, data                                ``context`` ``properties`` ``identifiers`` ``references``
 4. the signer's profile, from the signer's own address ``signer_profile``
 5. it says Signed, and the key is the signer's         ``verification_type`` ``key``
 6. the key's own document                              ``key``
 7. the signature                                       ``signature``
 8. the signer's revocation list                        ``revocation``
 9. times and recipient, then what is nested            ``dates`` ``recipients`` ``expected_recipient`` …

Hosted objects (8.3)
 1. to 3. the document at the object's address          ``hosted_document``
 4. it says Hosted; context, class, data                ``verification_type`` …
 5. the address belongs to the signer                   ``signer_profile`` ``hosted_scope``
 6. times, recipient, nested objects as above

A nested object (8.5) has a result of its own; the check named after its place (``signedAssertions/0``) says
in the outer result what became of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.standards import identities, moments, strict_json
from apps.standards.clr1 import model, read
from apps.standards.clr1.read import Finding
from apps.standards.errors import (
    BudgetExhausted,
    DocumentFault,
    FetchRefused,
    ParseFault,
    SignatureFault,
)
from apps.standards.proofs import jws as jws_format
from apps.standards.strict_json import shown
from apps.standards.verify.checks import hosting
from apps.standards.verify.checks.findings import report
from apps.standards.verify.checks.keys import Trusted, published_keys, try_keys
from apps.standards.verify.recognise import CLR1_CLASSES, Subject, clr1_kind, read_token
from apps.standards.verify.sources import Run, is_web_address, shown_address
from apps.standards.verify.verdict import Check, Party, Result, include_nested

FORMAT = "clr-1.0"
GRACE_NANOSECONDS = 120 * 1_000_000_000  # REL-24

_SIGNERS = {"record": "publisher", "endorsement": "issuer"}


@dataclass(frozen=True, slots=True)
class Outer:
    """What a nested object is held against: the learner of the record, and how deep it lies."""

    learner: Mapping[str, Any] | None = None
    depth: int = 0


def judge(subject: Subject, run: Run, outer: Outer | None = None) -> Result:
    """Judge a CLR 1.0 document: record, assertion, endorsement, set, or payload; signed, hosted or plain."""
    document = subject.value
    if not isinstance(document, dict):
        result = Result(format=FORMAT, readable=False)
        result.failed("input", "INPUT_INVALID", "A record is a JSON object.")
        return result
    kind = clr1_kind(document)
    if kind in ("payload", "set") and subject.jws is None:
        return _judge_collection(document, kind, run)
    if kind not in CLR1_CLASSES:
        kind = "record"
    if subject.jws is not None:
        return _judge_signed(subject, kind, run, outer)
    return _judge_plain(document, kind, run, outer)


def _begin(document: Mapping[str, Any], kind: str) -> Result:
    id = document.get("id")
    result = Result(format=FORMAT, kind=kind, subject=id if isinstance(id, str) else None, document=document)
    signer = _signer_of(document, kind)
    if signer is not None:
        result.issuer = Party(_text(signer.get("id")), _text(signer.get("name")))
    learner = document.get("learner")
    if isinstance(learner, dict):
        result.learner = Party(_text(learner.get("id")), _name_of(learner))
    return result


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _name_of(profile: Mapping[str, Any]) -> str | None:
    name = _text(profile.get("name"))
    if name:
        return name
    parts = [_text(profile.get(part)) for part in ("givenName", "additionalName", "familyName")]
    return " ".join(part for part in parts if part) or None


def _signer_of(document: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """8.1: a record is signed by its publisher, an assertion by its achievement's issuer."""
    if kind == "assertion":
        achievement = document.get("achievement")
        signer = achievement.get("issuer") if isinstance(achievement, dict) else None
    else:
        signer = document.get(_SIGNERS[kind])
    if isinstance(signer, str):
        return {"id": signer}
    return signer if isinstance(signer, dict) else None


# --- sets and payloads (8.5, CLR1-V-16) ---------------------------------------------------------------------


def _judge_collection(document: dict[str, Any], kind: str, run: Run) -> Result:
    cls: type[model.Node] = model.ClrPayload if kind == "payload" else model.ClrSet
    result = Result(format=FORMAT, kind=kind, document=document)
    report(result, "context", read.check_context(document.get("@context")), "It follows CLR 1.0.")
    if kind == "payload":
        plain = [("clr", document["clr"])] if document.get("clr") is not None else []
        signed = [("signedClr", document["signedClr"])] if document.get("signedClr") is not None else []
        if plain and signed:
            result.failed(
                "payload", "PAYLOAD_AMBIGUOUS", "It carries a record twice, plain and signed; only one is allowed."
            )
    else:
        plain = [(f"clrs/{index}", item) for index, item in enumerate(_list(document.get("clrs")))]
        signed = [(f"signedClrs/{index}", item) for index, item in enumerate(_list(document.get("signedClrs")))]
    inside = ("/clr/", *(f"/clrs/{index}/" for index in range(len(plain))))
    findings = [finding for finding in read.check(document, cls) if not finding.at.startswith(inside)]
    report(result, "properties", findings, "Its own properties are as the standard wants them.")
    for name, item in plain:
        if isinstance(item, dict):
            include_nested(result, name, _judge_plain(item, "record", run, Outer(depth=1)))
    for name, item in signed:
        if isinstance(item, str):
            include_nested(result, name, _judge_token(item, run, Outer(depth=1), ("record",)))
    if not result.credentials:
        result.failed("content", "NOT_VERIFIABLE", "It holds no record, so there is nothing to verify.")
    result.vouched = any(nested.valid for nested in result.credentials)
    if len(result.credentials) == 1:
        only = result.credentials[0]
        result.issuer, result.learner, result.superseded_by = only.issuer, only.learner, only.superseded_by
    return result


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _judge_token(token: str, run: Run, outer: Outer, kinds: tuple[str, ...]) -> Result:
    """A nested compact JWS: of this standard, or an Open Badge (10.1), and of a kind that belongs there."""
    from apps.standards.verify.checks import nested

    result = nested.judge_token(read_token(token), run, outer)
    if result.readable and result.kind not in kinds:
        result.failed("type", "TYPE_INVALID", f"A signed {result.kind} does not belong in this place.")
    return result


# --- plain JSON --------------------------------------------------------------------------------------------


def _judge_plain(document: dict[str, Any], kind: str, run: Run, outer: Outer | None) -> Result:
    id = document.get("id")
    own = run.own.issued(id) if isinstance(id, str) else None
    if own is not None:
        return _judge_own_copy(document, kind, own.payload, own.signed_form, run, outer)
    verification = document.get("verification")
    declared = verification.get("type") if isinstance(verification, dict) else None
    if declared == "Hosted" or (declared is None and document.get("revoked") is True):
        return _judge_hosted(document, kind, run, outer)
    result = _begin(document, kind)
    result.passed("input", "It could be read.")
    binding = kind == "endorsement" and verification is None
    _check_content(result, document, kind, binding=binding)
    if declared == "Signed":
        result.failed(
            "verification_type",
            "SIGNATURE_MISSING",
            "The document says it is signed, but it came without its signature. Ask for the signed form.",
        )
    elif not binding:
        result.failed(
            "verification_type",
            "NOT_VERIFIABLE",
            "Nothing vouches for this document: it is neither signed nor hosted by its issuer.",
        )
    return result


def _judge_own_copy(
    document: dict[str, Any], kind: str, payload: bytes, signed_form: str | None, run: Run, outer: Outer | None
) -> Result:
    """JSON under the id of a record that this portal issued: equal content stands for the signed form."""
    stored = strict_json.loads(payload)
    if document != stored or signed_form is None:
        result = _begin(document, kind)
        result.passed("input", "It could be read.")
        if signed_form is None and document == stored:
            result.failed("own_record", "NOT_VERIFIABLE", "The record was issued here without a signature.")
        else:
            result.failed(
                "own_record",
                "CONTENT_DIFFERS",
                "A record with this id was issued here, but its content differs from this document.",
                id=document["id"],
            )
        return result
    result = _judge_signed(read_token(signed_form), kind, run, outer)
    result.checks.insert(
        0,
        Check(
            "own_record",
            "passed",
            detail="The content equals what was issued here under this id; its signed form was judged.",
        ),
    )
    return result


# --- signed objects (8.2) ----------------------------------------------------------------------------------


def _judge_signed(subject: Subject, kind: str, run: Run, outer: Outer | None) -> Result:
    document: dict[str, Any] = subject.value
    jws = subject.jws
    assert jws is not None
    result = _begin(document, kind)
    result.signed_form = jws.token
    # Step 1, CLR1-V-17: taken apart and read by ``recognise``
    result.passed("input", "The signed text and its content could be read.")
    # Step 2, CLR1-V-03
    if not _check_header(result, jws):
        return result
    # Step 3
    has_nested = _check_content(result, document, kind)
    # Step 4, CLR1-V-04
    trusted = _trusted_profile(result, _signer_of(document, kind), run)
    # Steps 5 to 7
    _check_signature(result, document, jws, trusted, run)
    # Step 8, CLR1-V-07
    _check_revocation(result, document, trusted, run)
    _check_own_record(result, document, run)
    # Step 9
    _check_dates(result, document, kind, run, nested=outer is not None)
    _check_people(result, document, kind, run, outer)
    if has_nested:
        _judge_nested(result, document, kind, run, outer)
    return result


def _check_header(result: Result, jws: jws_format.Jws) -> bool:
    try:
        jws_format.require(jws, jws_format.RS256_ONLY)
    except SignatureFault as fault:
        result.failed("algorithm", fault.code, fault.sentence, algorithm=jws.algorithm)
        return False
    except ParseFault as fault:
        result.failed("algorithm", fault.code, fault.sentence)
        return False
    result.passed("algorithm", "It is signed by RS256, the method of this standard.", algorithm="RS256")
    return True


def _check_content(result: Result, document: dict[str, Any], kind: str, *, binding: bool = True) -> bool:
    """Step 3: context, class, data (8.7; CLR1-V-10, V-11, V-15). Whether there are nested objects to judge."""
    report(
        result,
        "context",
        read.check_context(document.get("@context")),
        "The document follows CLR 1.0.",
        binding=binding,
    )
    properties = read.check(document, CLR1_CLASSES[kind])
    report(
        result,
        "properties",
        properties,
        "All required properties are there and of the right kind.",
        binding=binding,
    )
    findings: list[Finding] = []
    if kind == "record":
        report(
            result,
            "identifiers",
            read.check_identifiers(document),
            "No two parts with one id differ.",
            binding=binding,
        )
        for at, assertion in read.assertions_of(document):
            findings += read.check_references(assertion, at)
        findings += read.check_associations(document)
    elif kind == "assertion":
        findings += read.check_references(document)
    if kind != "endorsement":
        report(result, "references", findings, "Results and levels belong together.", binding=binding)
    if binding and document.get("revoked") is True:
        reason = _text(document.get("revocationReason"))
        result.failed("revoked", "REVOKED", _revoked_sentence("The document", reason))
    return properties.has_nested


def _revoked_sentence(what: str, reason: str | None) -> str:
    return f"{what} was revoked: {shown(reason, 200)}." if reason else f"{what} was revoked by its issuer."


def _trusted_profile(result: Result, signer: Mapping[str, Any] | None, run: Run) -> Trusted | None:
    """Step 4: the profile at the signer's id. An embedded profile never vouches for an address."""
    id = signer.get("id") if signer is not None else None
    if signer is None or not isinstance(id, str):
        result.skipped("signer_profile", "The document does not say who signed it.")
        return None
    if not is_web_address(id):
        result.warned(
            "signer_profile",
            "PUBLISHER_NOT_DEREFERENCEABLE",
            "The issuer's id is not a web address, so only the host of its key vouches for the name.",
            id=id,
        )
        return Trusted(id, signer, False)
    try:
        profile = run.get_document(id)
    except FetchRefused as refusal:
        result.failed(
            "signer_profile", refusal.code, f"The issuer's profile could not be fetched: {refusal.sentence}", id=id
        )
        return None
    if not isinstance(profile, dict) or profile.get("id") != id:
        result.failed(
            "signer_profile", "FETCH_FAILED", "What stands at the issuer's address is not its profile.", id=id
        )
        return None
    name = _text(profile.get("name"))
    result.issuer = Party(id, name or (result.issuer.name if result.issuer else None))
    result.passed("signer_profile", f"The issuer's profile stands at {shown_address(id)}.", id=id, name=name)
    return Trusted(id, profile, True)


# Steps 5 to 7: whose key, which key, and does the signature hold


def _check_signature(
    result: Result, document: Mapping[str, Any], jws: jws_format.Jws, trusted: Trusted | None, run: Run
) -> None:
    verification = document.get("verification")
    declared = verification.get("type") if isinstance(verification, dict) else None
    if declared != "Signed":
        result.failed(
            "verification_type", "NOT_VERIFIABLE", "The content does not say that it is to be verified by signature."
        )
    else:
        result.passed("verification_type", "The content says that it is signed.")
    if trusted is None:
        result.skipped("signature", "Without the issuer's profile there is no key to verify the signature with.")
        return
    creator = verification.get("creator") if isinstance(verification, dict) else None
    candidates = list(published_keys(trusted.profile))
    if isinstance(creator, str):
        # CLR1-V-05
        candidates = [key for key in candidates if key.get("id") == creator]
        if not candidates:
            result.failed(
                "key",
                "KEY_NOT_OWNED",
                "The key that the document names is not among the keys that its issuer publishes.",
                key=creator,
            )
            return
    elif not candidates:
        result.failed("key", "KEY_UNAVAILABLE", "The issuer publishes no key.", id=trusted.id)
        return
    try_keys(result, jws, candidates, trusted, run)


# Step 8


def _check_revocation(result: Result, document: Mapping[str, Any], trusted: Trusted | None, run: Run) -> None:
    if trusted is None:
        result.skipped("revocation", "Without the issuer's profile its revocation list is unknown.")
        return
    address = trusted.profile.get("revocationList")
    if address is None:
        result.skipped("revocation", "The issuer publishes no revocation list.")
        return
    try:
        if not is_web_address(address):
            raise FetchRefused("its address is not a web address.")
        found = run.get_document(address)
    except FetchRefused as refusal:
        result.failed(
            "revocation", refusal.code, f"The issuer's revocation list could not be fetched: {refusal.sentence}"
        )
        return
    revoked = _revoked_ids(found)
    issuer = found.get("issuer") if isinstance(found, dict) else None
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    if revoked is None or issuer != trusted.id:
        result.failed(
            "revocation",
            "REVOCATION_LIST_INVALID",
            "The revocation list is not one of this issuer's.",
            list=address,
        )
        return
    id = document.get("id")
    if isinstance(id, str) and id in revoked:
        result.failed("revocation", "REVOKED", _revoked_sentence("It", revoked[id]), list=address)
        return
    for at, assertion in read.assertions_of(document):
        part = assertion.get("id")
        if isinstance(part, str) and part in revoked:
            result.failed(
                "revocation", "REVOKED", _revoked_sentence("A part of the record", revoked[part]), list=address, at=[at]
            )
            return
    result.passed("revocation", "It is not in the issuer's revocation list.", list=address)


def _revoked_ids(revocation_list: Any) -> dict[str, str | None] | None:
    """Ids with reasons. Entries are strings; objects with an ``id`` as in Open Badges are read too."""
    if not isinstance(revocation_list, dict):
        return None
    entries = revocation_list.get("revokedAssertions")
    if not isinstance(entries, list):
        return None
    revoked: dict[str, str | None] = {}
    for entry in entries:
        if isinstance(entry, str):
            revoked[entry] = None
        elif isinstance(entry, dict) and isinstance(entry.get("id"), str):
            if entry.get("revoked") is not False:
                revoked[entry["id"]] = _text(entry.get("revocationReason"))
        else:
            return None
    return revoked


def _check_own_record(result: Result, document: Mapping[str, Any], run: Run) -> None:
    """What only this portal knows of a record it issued itself: revoked here, replaced by a newer one."""
    id = document.get("id")
    own = run.own.issued(id) if isinstance(id, str) else None
    if own is None:
        return
    if own.signed_form is not None and own.signed_form != result.signed_form:
        result.failed(
            "own_record", "CONTENT_DIFFERS", "A record with this id was issued here, but it is not this one.", id=id
        )
        return
    if own.revoked and (own.revocation_reason or not result.has_failed("revocation")):
        result.failed("own_record", "REVOKED", _revoked_sentence("The record", own.revocation_reason), id=id)
    if own.superseded_by is not None:
        result.superseded_by = own.superseded_by
        result.warned(
            "own_record",
            "SUPERSEDED",
            "A newer version of this record has replaced it.",
            superseded_by=own.superseded_by,
        )


# --- hosted objects (8.3, CLR1-V-08) -----------------------------------------------------------------------


def _judge_hosted(given: dict[str, Any], kind: str, run: Run, outer: Outer | None) -> Result:
    # Step 1
    id = given.get("id")
    if not is_web_address(id):
        result = _begin(given, kind)
        result.failed(
            "hosted_document",
            "NOT_VERIFIABLE",
            "The document says it is hosted by its issuer, but its id is not a web address.",
        )
        return result
    assert isinstance(id, str)
    if hosting.has_user_information(id):
        result = _begin(given, kind)
        result.failed("hosted_scope", "HOSTED_SCOPE", "The address carries a user name, which no issuer's does.")
        return result
    # Steps 2 and 3
    result = Result(format=FORMAT, kind=kind, subject=id)
    document = _hosted_document(result, given, id, run)
    if document is None:
        begun = _begin(given, kind)
        result.issuer, result.learner, result.document = begun.issuer, begun.learner, given
        return result
    begun = _begin(document, kind)
    result.subject, result.issuer, result.learner = begun.subject, begun.issuer, begun.learner
    result.document = document
    # Step 4
    verification = document.get("verification")
    declared = verification.get("type") if isinstance(verification, dict) else None
    if declared == "Hosted":
        result.passed("verification_type", "The document says that it is verified at its address.")
    elif not (kind == "endorsement" and verification is None):
        result.failed(
            "verification_type", "NOT_VERIFIABLE", "The document at the address does not say that it is hosted."
        )
    has_nested = _check_content(result, document, kind)
    # Step 5
    trusted = _trusted_profile(result, _signer_of(document, kind), run)
    _check_hosted_scope(result, document, trusted)
    _check_own_record(result, document, run)
    # Step 6
    _check_dates(result, document, kind, run, nested=outer is not None)
    _check_people(result, document, kind, run, outer)
    if has_nested:
        _judge_nested(result, document, kind, run, outer)
    return result


def _hosted_document(result: Result, given: dict[str, Any], id: str, run: Run) -> dict[str, Any] | None:
    document = _document_at(result, id, run)
    if document is None:
        return None
    declared = document.get("id")
    if declared != id:
        other = _second_document(declared, run)
        if other is None:
            result.failed("hosted_document", "ID_MISMATCH", "The document at the address is another one.", id=id)
            return None
        document = other
    if document.get("revoked") is True:
        reason = _text(document.get("revocationReason"))
        result.failed("hosted_document", "REVOKED", _revoked_sentence("It", reason), id=id)
        return None
    if _without_context(document) != _without_context(given):
        result.warned(
            "hosted_document",
            "CONTENT_OUTDATED",
            "The copy differs from the document at its address. What stands at the address is shown and judged.",
            id=document["id"],
        )
    else:
        result.passed("hosted_document", f"The same document stands at {shown_address(id)}.", id=id)
    return document


def _document_at(result: Result, id: str, run: Run) -> dict[str, Any] | None:
    try:
        if run.get(id).status == 410:  # CLR1-P-13
            result.failed("hosted_document", "REVOKED", "It was withdrawn: its address says it is gone.", id=id)
            return None
        document = run.get_document(id)
    except FetchRefused as refusal:
        result.failed(
            "hosted_document", refusal.code, f"The document could not be fetched from its address: {refusal.sentence}"
        )
        return None
    if not isinstance(document, dict):
        result.failed("hosted_document", "FETCH_FAILED", "What stands at the address is no record.", id=id)
        return None
    return document


def _second_document(declared: Any, run: Run) -> dict[str, Any] | None:
    """The document at the id that another document declared, asked for once."""
    if not is_web_address(declared) or hosting.has_user_information(declared):
        return None
    try:
        document = run.get_document(declared)
    except FetchRefused:
        return None
    return document if isinstance(document, dict) and document.get("id") == declared else None


def _without_context(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "@context"}


def _check_hosted_scope(result: Result, document: Mapping[str, Any], trusted: Trusted | None) -> None:
    """8.3, step 5 (CLR1-V-09): both ``startsWith`` and ``allowedOrigins`` of the signer's policy apply."""
    id = document.get("id")
    if trusted is None or not isinstance(id, str):
        result.skipped("hosted_scope", "Without the issuer's profile its policy is unknown.")
        return
    failure = hosting.scope_failure(id, trusted.id, trusted.profile.get("verification") if trusted.fetched else None)
    if failure is not None:
        result.failed("hosted_scope", "HOSTED_SCOPE", failure, id=id)
        return
    if not trusted.fetched:
        result.warned(
            "hosted_scope", "NO_ORIGIN_POLICY", "The issuer has no address to which the document could be held."
        )
    else:
        result.passed("hosted_scope", "The address is one where this issuer hosts its documents.", id=id)
    result.vouched = True


# --- times (8.6, CLR1-V-13) ---------------------------------------------------------------------------------


def _check_dates(result: Result, document: Mapping[str, Any], kind: str, run: Run, *, nested: bool) -> None:
    now = moments.of(run.now).nanoseconds
    failed_before = len(result.failures())
    _check_issued(result, document, now, "")
    expired = 0
    if kind == "assertion":
        expired = _check_expiry(result, document, now, "", alone=not nested)
    elif kind == "record":
        for at, assertion in read.assertions_of(document):
            _check_issued(result, assertion, now, at)
            expired += _check_expiry(result, assertion, now, at, alone=False)
    if expired:
        result.warned(
            "dates",
            "NESTED_EXPIRED",
            "A part has expired since it was awarded." if expired == 1 else f"{expired} parts have expired since.",
        )
    elif len(result.failures()) == failed_before:
        result.passed("dates", "The dates are in order and nothing has expired.", now=run.now.isoformat())


def _check_issued(result: Result, node: Mapping[str, Any], now: int, at: str) -> None:
    issued = _moment(node.get("issuedOn"))
    if issued is not None and issued > now + GRACE_NANOSECONDS:
        result.failed("dates", "ISSUED_IN_FUTURE", "Its date of issue lies in the future.", at=[f"{at}/issuedOn"])


def _check_expiry(result: Result, node: Mapping[str, Any], now: int, at: str, *, alone: bool) -> bool:
    """Whether a part has expired without that being a failure of the whole."""
    expires, issued = _moment(node.get("expires")), _moment(node.get("issuedOn"))
    if expires is None:
        return False
    if issued is not None and expires < issued:
        result.failed("dates", "EXPIRES_BEFORE_ISSUED", "It expired before it was issued.", at=[f"{at}/expires"])
        return False
    if expires >= now:
        return False
    if alone:
        result.failed("dates", "EXPIRED", f"It expired on {node['expires'][:10]}.", at=[f"{at}/expires"])
        return False
    return True


def _moment(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return moments.read(value).nanoseconds
    except DocumentFault:
        return None


# --- people (8.6, CLR1-V-12) --------------------------------------------------------------------------------


def _check_people(result: Result, document: Mapping[str, Any], kind: str, run: Run, outer: Outer | None) -> None:
    if kind == "record":
        learner = document.get("learner")
        learner = learner if isinstance(learner, dict) else {}
        _check_recipients(result, list(read.assertions_of(document)), learner)
        if outer is None or outer.learner is None:
            _check_expected(result, run, learner_values(learner))
    elif kind == "assertion":
        if outer is not None and outer.learner is not None:
            _check_recipients(result, [("", dict(document))], outer.learner)
        else:
            _check_expected_recipient(result, run, document.get("recipient"))
    elif run.expected_recipients and outer is None:
        result.skipped("expected_recipient", "An endorsement is awarded to nobody, so nobody was compared with it.")


def learner_values(learner: Mapping[str, Any]) -> list[str]:
    """Everything that identifies a learner and may be compared with an expected person."""
    found = [learner.get(name) for name in model.RECIPIENT_PROPERTIES]
    return [value for value in found if isinstance(value, str) and value]


def _check_recipients(result: Result, assertions: list[tuple[str, dict[str, Any]]], learner: Mapping[str, Any]) -> None:
    mismatched: list[str] = []
    incomparable: list[str] = []
    for at, assertion in assertions:
        recipient = assertion.get("recipient")
        if not isinstance(recipient, dict):
            continue
        identity, property_name = recipient.get("identity"), recipient.get("type")
        if not isinstance(identity, str) or not isinstance(property_name, str):
            continue
        value = learner.get(property_name) if property_name in model.RECIPIENT_PROPERTIES else None
        if not isinstance(value, str) or not value:
            incomparable.append(f"{at}/recipient")
        elif value != identity and not identities.matches(identity, [value], salt=_text(recipient.get("salt"))):
            mismatched.append(f"{at}/recipient")
    if mismatched:
        result.failed("recipients", "RECIPIENT_MISMATCH", "A part was awarded to somebody else.", at=mismatched[:20])
    if incomparable:
        result.warned(
            "recipients",
            "RECIPIENT_NOT_COMPARABLE",
            "A part names its recipient by something that the record does not tell of the learner.",
            at=incomparable[:20],
        )
    if not mismatched and not incomparable:
        result.passed("recipients", "Everything in it was awarded to this learner.")


def _check_expected(result: Result, run: Run, values: Iterable[str]) -> None:
    if not run.expected_recipients:
        return
    known = list(values)
    if any(identities.matches(value, run.expected_recipients) for value in known):
        result.passed("expected_recipient", "The learner is the person expected.")
    else:
        result.failed("expected_recipient", "RECIPIENT_MISMATCH", "The learner is not the person expected.")


def _check_expected_recipient(result: Result, run: Run, recipient: Any) -> None:
    if not run.expected_recipients:
        return
    recipient = recipient if isinstance(recipient, dict) else {}
    identity = recipient.get("identity")
    if isinstance(identity, str) and identities.matches(
        identity, run.expected_recipients, salt=_text(recipient.get("salt"))
    ):
        result.passed("expected_recipient", "It was awarded to the person expected.")
    else:
        result.failed("expected_recipient", "RECIPIENT_MISMATCH", "It was awarded to somebody else.")


# --- nested objects (8.5, CLR1-V-14) ------------------------------------------------------------------------


def _judge_nested(result: Result, document: dict[str, Any], kind: str, run: Run, outer: Outer | None) -> None:
    depth = outer.depth if outer is not None else 0
    learner = document.get("learner") if kind == "record" else (outer.learner if outer else None)
    inside = Outer(learner if isinstance(learner, dict) else None, depth + 1)
    ids: set[str] = set()
    signed: list[tuple[str, str]] = []
    endorsements: list[tuple[str, str, Result]] = []
    hosted: list[tuple[str, str, dict[str, Any]]] = []
    for at, cls, node in read.walk(document, CLR1_CLASSES[kind]):
        if cls in _ENDORSABLE and isinstance(node.get("id"), str):
            ids.add(node["id"])
        if at and cls in (model.Assertion, model.Endorsement) and _declares(node, "Hosted"):
            hosted.append((at, "assertion" if cls is model.Assertion else "endorsement", node))
        for name in ("signedAssertions", "signedEndorsements"):
            tokens = node.get(name)
            if isinstance(tokens, list):
                signed += [(f"{at}/{name}/{i}", token) for i, token in enumerate(tokens) if isinstance(token, str)]
    if (signed or hosted) and depth >= run.budget.depth:
        result.failed("nested", "NOT_DECIDED", "Records are nested in one another too deeply to look at all.")
        return
    plain = {
        assertion["id"]: (at, assertion)
        for at, assertion in read.assertions_of(document)
        if isinstance(assertion.get("id"), str)
    }
    for at, token in signed:
        try:
            run.budget.check_time()
        except BudgetExhausted as refusal:
            result.failed("nested", refusal.code, f"Not all that is inside could be looked at: {refusal.sentence}")
            return
        if "/signedEndorsements/" in at:
            endorsements.append((at, "signed", _judge_token(token, run, inside, ("endorsement",))))
            continue
        nested = _judge_token(token, run, inside, ("assertion", "badge"))
        include_nested(result, at[1:], nested)
        if isinstance(nested.document, dict):
            ids.update(_ids_in(nested.document))
            _check_not_twice(result, plain.get(nested.subject or ""), nested.document, at)
    for at, what, node in hosted:
        nested = _judge_plain(node, what, run, inside)
        if what == "endorsement":
            endorsements.append((at, "hosted", nested))
        else:
            include_nested(result, at[1:], nested)
    for at, how, nested in endorsements:
        include_nested(result, at[1:], nested, counts=how == "signed")
    _check_targets(result, document, kind, endorsements, ids)


_ENDORSABLE = (model.Clr, model.Assertion, model.Achievement, model.Profile)


def _declares(node: Mapping[str, Any], type_name: str) -> bool:
    verification = node.get("verification")
    return isinstance(verification, dict) and verification.get("type") == type_name


def _ids_in(assertion: Mapping[str, Any]) -> Iterator[str]:
    for _, cls, node in read.walk(assertion, model.Assertion):
        if cls in _ENDORSABLE and isinstance(node.get("id"), str):
            yield node["id"]
    badge = assertion.get("badge")
    if isinstance(badge, dict) and isinstance(badge.get("id"), str):
        yield badge["id"]


def _check_not_twice(
    result: Result, plain: tuple[str, dict[str, Any]] | None, signed: Mapping[str, Any], at: str
) -> None:
    """CLR1-V-15: an assertion that is signed on its own does not stand in the record with other content."""
    if plain is not None and _bare(plain[1]) != _bare(signed):
        result.failed(
            "identifiers",
            "CONFLICTING_IDS",
            "An assertion stands in the record twice, signed and plain, differently.",
            at=[plain[0], at],
        )


def _bare(assertion: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in assertion.items() if name not in ("@context", "verification")}


def _check_targets(
    result: Result,
    document: Mapping[str, Any],
    kind: str,
    judged: list[tuple[str, str, Result]],
    ids: set[str],
) -> None:
    """An endorsement speaks of something that is in the record (8.5)."""
    if kind == "endorsement":
        return
    claims = [(at, nested.document) for at, _, nested in judged]
    seen = {at for at, _ in claims}
    for at, cls, node in read.walk(document, CLR1_CLASSES[kind]):
        if cls is model.Endorsement and at not in seen:
            claims.append((at, node))
    missed = []
    for at, endorsement in claims:
        claim = endorsement.get("claim") if isinstance(endorsement, dict) else None
        target = claim.get("id") if isinstance(claim, dict) else None
        if isinstance(target, str) and target not in ids:
            missed.append(at)
    if missed:
        result.failed(
            "endorsement_targets",
            "ENDORSEMENT_TARGET",
            "An endorsement speaks of something that is not in this record.",
            at=missed[:20],
        )
    elif claims:
        result.passed("endorsement_targets", "All endorsements speak of something in this record.")
