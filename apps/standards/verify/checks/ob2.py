"""Open Badges 2.0: the procedure of part A12 of the digest, step by step.

 1. to 3.  recognised, taken out of a picture, a JWS taken apart   ``input`` ``image`` ``algorithm``
 4., 5., 7. a hosted object is fetched from its own address        ``hosted_document``
 6., 8.    context and class                                       ``context`` ``type``
 9.        what it links to is fetched                             ``badge_class`` ``issuer_profile``
10. to 14. properties, recipient, criteria, images                 ``properties`` ``images`` and as above
15., 16.   the issuer, and where it hosts                          ``issuer_profile`` ``hosted_scope``
17. to 19. key and signature                                       ``key`` ``signature``
20., 21.   the revocation list                                     ``revocation``
22. to 24. times                                                   ``dates``
25.        the person expected                                     ``expected_recipient`` ``recipients``
26.        extensions                                              ``extensions``
27.        endorsements, each with a result of its own             ``endorsement/0`` …
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.standards import identities, moments
from apps.standards.clr1.read import Finding
from apps.standards.errors import DocumentFault, FetchRefused, ParseFault, SignatureFault
from apps.standards.ob2 import read
from apps.standards.proofs import jws as jws_format
from apps.standards.strict_json import shown
from apps.standards.verify.checks import hosting
from apps.standards.verify.checks.findings import report
from apps.standards.verify.checks.keys import Trusted, published_keys, try_keys
from apps.standards.verify.recognise import PNG_SIGNATURE, Subject
from apps.standards.verify.sources import Run, is_web_address, shown_address
from apps.standards.verify.verdict import Party, Result, include_nested

FORMAT = "ob-2.0"
GRACE_NANOSECONDS = 120 * 1_000_000_000  # REL-24
MAX_ENDORSEMENTS = 10

_STANDARD_IDENTIFIERS = ("id", "email", "url", "telephone")
_KIND = {
    "Assertion": "badge",
    "BadgeClass": "badge class",
    "Profile": "profile",
    "Endorsement": "endorsement",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """The learner of the record that a badge stands in, by the properties that a recipient may name."""

    values: Mapping[str, Any]


def judge(subject: Subject, run: Run, holder: Holder | None = None) -> Result:
    """Judge an Open Badges 2.0 object: assertion, badge class, profile or endorsement; signed or hosted."""
    if not isinstance(subject.value, dict):
        result = Result(format=FORMAT, readable=False)
        result.failed("input", "INPUT_INVALID", "A badge is a JSON object.")
        return result
    if subject.jws is not None:
        return _judge_signed(subject.value, subject.jws, run, holder)
    return _judge_hosted(subject.value, run, holder)


# --- hosted (steps 4, 5, 7, 16) ------------------------------------------------------------------------------


def _judge_hosted(given: dict[str, Any], run: Run, holder: Holder | None) -> Result:
    badge = read.normalise(given)
    result = Result(format=FORMAT, kind=_KIND.get(_class_of(badge) or "", "badge"), document=given)
    verification = _verification(badge)
    if verification == "SignedBadge":
        _tell_parties(result, badge, None)
        result.failed(
            "verification_type",
            "SIGNATURE_MISSING",
            "The badge says it is signed, but it came without its signature. Ask for the signed form.",
        )
        return result
    id = badge.get("id") if is_web_address(badge.get("id")) else _legacy_address(badge)
    if id is None or hosting.has_user_information(id):
        _tell_parties(result, badge, None)
        result.failed(
            "hosted_document",
            "INPUT_INVALID",
            "The badge is not signed and has no web address of its own, so nothing vouches for it.",
        )
        return result
    result.subject = id
    document = _own_document(result, given, id, run)
    if document is None:
        _tell_parties(result, badge, None)
        return result
    return _judge_document(result, document, id, run, holder)


def _legacy_address(badge: Mapping[str, Any]) -> str | None:
    verification = read.one(badge.get("verification"))
    if isinstance(verification, dict):
        for name in ("url", "http://schema.org/url"):
            if is_web_address(verification.get(name)):
                return str(verification[name])
    return None


def _verification(badge: Mapping[str, Any]) -> str | None:
    """``HostedBadge``, ``SignedBadge``, or None."""
    verification = read.one(badge.get("verification"))
    if not isinstance(verification, dict):
        return None
    for name in read.types_of(verification):
        if name in ("HostedBadge", "hosted"):
            return "HostedBadge"
        if name in ("SignedBadge", "signed"):
            return "SignedBadge"
    return None


def _own_document(result: Result, given: dict[str, Any], id: str, run: Run) -> dict[str, Any] | None:
    """The document at the badge's own address; only the address of the input is trusted."""
    try:
        if run.get(id).status == 410:
            result.failed("hosted_document", "REVOKED", "It was withdrawn: its address says it is gone.", id=id)
            return None
        document = run.get_document(id)
        if not isinstance(document, dict):
            raise FetchRefused("what stands there is no badge.")
        declared = read.normalise(document).get("id")
        if isinstance(declared, str) and declared != id and is_web_address(declared):
            result.warned(
                "hosted_document",
                "ID_MISMATCH",
                "The document at the address gives another address as its own; that one was asked too.",
                id=declared,
            )
            document = run.get_document(declared)
            if not isinstance(document, dict) or read.normalise(document).get("id") != declared:
                raise FetchRefused("the two addresses do not agree.")
    except FetchRefused as refusal:
        result.failed(
            "hosted_document", refusal.code, f"The badge could not be fetched from its address: {refusal.sentence}"
        )
        return None
    if document.get("revoked") is True:
        result.failed("hosted_document", "REVOKED", _revoked(document.get("revocationReason")), id=id)
        result.document = document
        return None
    if {**document, "@context": None} != {**given, "@context": None}:
        result.warned(
            "hosted_document",
            "CONTENT_OUTDATED",
            "The copy differs from the document at its address. What stands at the address is shown and judged.",
            id=id,
        )
    else:
        result.passed("hosted_document", f"The same document stands at {shown_address(id)}.", id=id)
    return document


def _revoked(reason: Any) -> str:
    if isinstance(reason, str) and reason:
        return f"It was revoked: {shown(reason, 200)}."
    return "It was revoked by its issuer."


def _judge_document(result: Result, document: dict[str, Any], id: str, run: Run, holder: Holder | None) -> Result:
    badge = read.normalise(document)
    result.document = document
    class_name = _class_of(badge)
    result.kind = _KIND.get(class_name or "", "badge")
    _check_context_and_class(result, badge)
    if class_name is None:
        if not result.failures():
            result.passed("properties", "The object is of a class that this standard does not describe.")
        result.vouched = True
        return result
    _check_properties(result, badge, class_name)
    if class_name not in ("Assertion", "Endorsement"):
        _check_images(result, badge, run)
        if class_name == "BadgeClass":
            _linked_issuer(result, badge, run, trust_embedded=True)
        _check_extensions(result, badge)
        _judge_endorsements(result, [badge], run)
        result.vouched = True
        return result
    inside = holder is not None
    badge_class = (
        _linked_badge_class(result, badge, run, hosted=True, inside=inside) if class_name == "Assertion" else None
    )
    profile = _linked_issuer(result, badge_class if class_name == "Assertion" else badge, run, trust_embedded=True)
    _tell_parties(result, badge, profile)
    if profile is not None:
        _check_scope(result, badge, id, profile)
        _tell_foreign_class(result, badge_class, profile)
        if read.one(profile.get("revocationList")) is not None:
            _check_revocation(result, badge, profile, run, hosted=True)
    _finish(result, badge, badge_class, profile, class_name, run, holder)
    return result


def _class_of(badge: Mapping[str, Any]) -> str | None:
    class_name = read.class_of(badge)
    if class_name is None and "badge" in badge and not read.types_of(badge):
        return "Assertion"
    return class_name


def _check_context_and_class(result: Result, badge: Mapping[str, Any]) -> None:
    report(result, "context", read.check_context(badge), "It follows Open Badges 2.0.")
    report(result, "type", read.check_type(badge), "It says of which class it is.")


def _check_properties(result: Result, badge: Mapping[str, Any], class_name: str) -> None:
    report(
        result,
        "properties",
        read.check(badge, class_name),
        "All required properties are there and of the right kind.",
    )


def _check_scope(result: Result, badge: Mapping[str, Any], id: str, profile: Mapping[str, Any]) -> None:
    """Step 16 (A7): both ``startsWith`` and ``allowedOrigins`` of the issuer's policy apply."""
    issuer = profile.get("id")
    if not is_web_address(issuer):
        result.warned("hosted_scope", "NO_ORIGIN_POLICY", "The issuer has no address to which the badge could be held.")
        result.vouched = True
        return
    declared = badge.get("id")
    own = declared if isinstance(declared, str) and is_web_address(declared) else id
    failure = hosting.scope_failure(own, str(issuer), read.one(profile.get("verification")))
    if failure is not None:
        result.failed("hosted_scope", "HOSTED_SCOPE", failure, id=id)
    else:
        result.passed("hosted_scope", "The address is one where this issuer hosts its badges.", id=id)
        result.vouched = True


def _tell_foreign_class(result: Result, badge_class: Mapping[str, Any] | None, profile: Mapping[str, Any]) -> None:
    """A7: the class of a badge is expected on its issuer's host too; said as a warning, as no validator refuses it."""
    address, issuer = (badge_class or {}).get("id"), profile.get("id")
    if not (
        isinstance(address, str) and is_web_address(address) and isinstance(issuer, str) and is_web_address(issuer)
    ):
        return
    if hosting.scope_failure(address, issuer, read.one(profile.get("verification"))) is not None:
        sentence = "The class of the badge does not stand on a host of its issuer."
        result.warned("badge_class", "HOSTED_SCOPE", sentence, id=address)


# --- signed (steps 3, 17 to 21) ------------------------------------------------------------------------------


def _judge_signed(value: dict[str, Any], jws: jws_format.Jws, run: Run, holder: Holder | None) -> Result:
    badge = read.normalise(value)
    id = badge.get("id")
    class_name = _class_of(badge) or "Assertion"
    result = Result(
        format=FORMAT,
        kind=_KIND.get(class_name, "badge"),
        document=value,
        signed_form=jws.token,
        subject=id if isinstance(id, str) else None,
    )
    result.passed("input", "The signed text and its content could be read.")
    try:
        jws_format.require(jws, jws_format.RS256_ONLY)
    except SignatureFault as fault:
        _tell_parties(result, badge, None)
        result.failed("algorithm", "SIGNATURE_INVALID", fault.sentence, algorithm=jws.algorithm)
        return result
    except ParseFault as fault:
        _tell_parties(result, badge, None)
        result.failed("algorithm", fault.code, fault.sentence)
        return result
    result.passed("algorithm", "It is signed by RS256, the method of this standard.", algorithm="RS256")
    _check_context_and_class(result, badge)
    if class_name not in ("Assertion", "Endorsement"):
        result.failed("type", "TYPE_INVALID", "Only badges and endorsements are signed on their own.")
        return result
    if badge.get("revoked") is True:
        result.failed("revoked", "REVOKED", _revoked(badge.get("revocationReason")))
    _check_properties(result, badge, class_name)
    inside = holder is not None
    badge_class = (
        _linked_badge_class(result, badge, run, hosted=False, inside=inside) if class_name == "Assertion" else None
    )
    profile = _linked_issuer(result, badge_class if class_name == "Assertion" else badge, run, trust_embedded=False)
    _tell_parties(result, badge, profile)
    _check_signature(result, badge, jws, profile, run)
    _check_revocation(result, badge, profile, run)
    _finish(result, badge, badge_class, profile, class_name, run, holder)
    return result


def _check_signature(
    result: Result, badge: Mapping[str, Any], jws: jws_format.Jws, profile: Mapping[str, Any] | None, run: Run
) -> None:
    if _verification(badge) != "SignedBadge":
        result.failed(
            "verification_type", "NOT_VERIFIABLE", "The content does not say that it is to be verified by signature."
        )
    else:
        result.passed("verification_type", "The content says that it is signed.")
    if profile is None or not isinstance(profile.get("id"), str):
        result.skipped("signature", "Without the issuer's profile there is no key to verify the signature with.")
        return
    trusted = Trusted(profile["id"], profile, is_web_address(profile["id"]))
    verification = read.one(badge.get("verification"))
    creator = read.node_id(verification.get("creator")) if isinstance(verification, dict) else None
    candidates = list(published_keys(profile))
    if creator is not None:
        candidates = [key for key in candidates if key.get("id") == creator]  # step 18
        if not candidates:
            result.failed(
                "key",
                "KEY_NOT_OWNED",
                "The key that the badge names is not among the keys that its issuer publishes.",
                key=creator,
            )
            return
    elif not candidates:
        result.failed("key", "KEY_UNAVAILABLE", "The issuer publishes no key.", id=trusted.id)
        return
    try_keys(result, jws, candidates, trusted, run, owner_required=False)


def _check_revocation(
    result: Result, badge: Mapping[str, Any], profile: Mapping[str, Any] | None, run: Run, *, hosted: bool = False
) -> None:
    """Steps 20 and 21. For a hosted badge its own address decides; a list that names it counts all the same (D2)."""
    address = read.one(profile.get("revocationList")) if profile is not None else None
    if isinstance(address, dict):
        address = address.get("id")
    if address is None:
        result.skipped("revocation", "The issuer publishes no revocation list.")
        return
    try:
        if not is_web_address(address):
            raise FetchRefused("its address is not a web address.")
        found = read.normalise(run.get_document(address))
    except FetchRefused as refusal:
        sentence = f"The issuer's revocation list could not be fetched: {refusal.sentence}"
        if hosted:
            result.skipped("revocation", f"{sentence} The badge itself still stands at its address.")
        else:
            result.failed("revocation", refusal.code, sentence)
        return
    entries = found.get("revokedAssertions") if isinstance(found, dict) else None
    if entries is None or not all(_is_entry(entry) for entry in read.each(entries)):
        result.failed("revocation", "PROPERTY_INVALID", "The issuer's revocation list cannot be understood.")
        return
    for entry in read.each(entries):
        if _is_revoked_by(entry, badge):
            reason = entry.get("revocationReason") if isinstance(entry, dict) else None
            result.failed("revocation", "REVOKED", _revoked(reason), list=address)
            return
    result.passed("revocation", "It is not in the issuer's revocation list.", list=address)


def _is_entry(entry: Any) -> bool:
    """Step 20: an entry names an assertion by its IRI, or (old badges) by its uid."""
    if isinstance(entry, dict):
        id = entry.get("id")
        return read.is_iri(id) if isinstance(id, str) else id is None and isinstance(entry.get("uid"), str)
    return isinstance(entry, str) and read.is_iri(entry)


def _is_revoked_by(entry: Any, badge: Mapping[str, Any]) -> bool:
    if isinstance(entry, str):
        return entry == badge.get("id")
    if entry.get("revoked") is False:
        return False
    uid = entry.get("uid")
    same_uid = isinstance(uid, str) and uid == badge.get("uid")
    return (isinstance(entry.get("id"), str) and entry["id"] == badge.get("id")) or same_uid


# --- what it links to (step 9) -------------------------------------------------------------------------------


def _linked_badge_class(
    result: Result, badge: Mapping[str, Any], run: Run, *, hosted: bool, inside: bool
) -> dict[str, Any] | None:
    if badge.get("badge") is None:
        return None
    node = _linked(result, "badge_class", badge["badge"], "BadgeClass", run, refetch=hosted)
    if node is not None:
        _check_images(result, badge, run, inside=inside)
        _check_images(result, node, run, inside=inside)
    return node


def _linked_issuer(
    result: Result, owner: Mapping[str, Any] | None, run: Run, *, trust_embedded: bool
) -> dict[str, Any] | None:
    """Step 15 and the profile: the one at the issuer's address. Trust in a key never comes from another."""
    if owner is None or owner.get("issuer") is None:
        return None
    profile = _linked(result, "issuer_profile", owner["issuer"], "Profile", run, refetch=True)
    if profile is not None and not is_web_address(profile.get("id")) and profile.get("id") is not None:
        result.warned(
            "issuer_profile",
            "ISSUER_NOT_HTTP",
            "The issuer's id is not a web address, so the name of the issuer cannot be confirmed.",
            id=profile["id"],
        )
    return profile


def _linked(
    result: Result, check: str, value: Any, class_name: str, run: Run, *, refetch: bool
) -> dict[str, Any] | None:
    """The linked object, embedded or fetched, with its own properties checked."""
    value = read.one(value)
    id = read.node_id(value)
    embedded = value if isinstance(value, dict) and set(value) - {"id"} else None
    node: dict[str, Any]
    findings: list[Finding] = []
    if is_web_address(id) and (embedded is None or refetch):
        assert id is not None
        fetched = _fetched_node(result, check, id, run)
        if fetched is None:
            return None
        node = fetched
        findings += read.check_context(node)
    elif embedded is not None:
        node = embedded
        if id is None:
            result.warned(check, "BLANK_ID", "The object inside has no address of its own.")
    else:
        result.failed(check, "FETCH_FAILED", "What the badge refers to has no web address and is not inside.")
        return None
    findings += read.check_type(node)
    actual = read.class_of(node)
    if not findings and actual != class_name:
        findings.append(
            Finding("PROPERTY_INVALID", "/type", f"It should be a {class_name}, not a {actual or 'thing unknown'}.")
        )
    findings += read.check(node, class_name)
    report(result, check, findings, f"The {_KIND[class_name]} is complete.")
    return node


def _fetched_node(result: Result, check: str, id: str, run: Run) -> dict[str, Any] | None:
    try:
        node = read.normalise(run.get_document(id))
        declared = node.get("id") if isinstance(node, dict) else None
        if isinstance(declared, str) and declared != id:  # step 7
            result.warned(
                check,
                "ID_MISMATCH",
                "The document at the address gives another address as its own; that one was asked too.",
                id=declared,
            )
            if is_web_address(declared):
                node = read.normalise(run.get_document(declared))
    except FetchRefused as refusal:
        result.failed(check, refusal.code, f"It could not be fetched: {refusal.sentence}", id=id)
        return None
    if not isinstance(node, dict):
        result.failed(check, "FETCH_FAILED", "What stands at the address is no such object.", id=id)
        return None
    return node


def _check_images(result: Result, node: Mapping[str, Any], run: Run, *, inside: bool = False) -> None:
    """Step 14: the picture loads, and is PNG or SVG. One that nobody could be asked for leaves a badge open; of a
    badge inside a record, whose signer has vouched for it, it is only not looked at."""
    image = read.one(node.get("image"))
    address = image.get("id") if isinstance(image, dict) else image
    if not isinstance(address, str) or not is_web_address(address):
        return
    try:
        answer = run.get(address, kind="image")
    except FetchRefused as refusal:
        sentence = f"The picture of the badge could not be fetched: {refusal.sentence}"
        if inside:
            result.skipped("images", sentence, address=address)
        else:
            result.failed("images", refusal.code, sentence, address=address)
        return
    if answer.status != 200:
        sentence = f"The picture of the badge does not load: its address answered {answer.status}."
        result.failed("images", "IMAGE_INVALID", sentence, address=address)
    elif not _is_picture(answer.body):
        result.failed("images", "IMAGE_INVALID", "What stands at the picture's address is neither PNG nor SVG.")


def _is_picture(body: bytes) -> bool:
    return body.startswith(PNG_SIGNATURE) or b"<svg" in body[:4096]


# --- the rest of the way (steps 22 to 27) --------------------------------------------------------------------


def _finish(
    result: Result,
    badge: Mapping[str, Any],
    badge_class: Mapping[str, Any] | None,
    profile: Mapping[str, Any] | None,
    class_name: str,
    run: Run,
    holder: Holder | None,
) -> None:
    _check_dates(result, badge, run, nested=holder is not None)
    if class_name == "Assertion":
        _check_person(result, badge, run, holder)
    _check_extensions(result, badge)
    _judge_endorsements(result, [node for node in (badge, badge_class, profile) if node is not None], run)


def _tell_parties(result: Result, badge: Mapping[str, Any], profile: Mapping[str, Any] | None) -> None:
    if profile is not None:
        result.issuer = Party(_text(profile.get("id")), _text(profile.get("name")))
    recipient = read.one(badge.get("recipient"))
    if isinstance(recipient, dict) and recipient.get("hashed") is False:
        result.learner = Party(_text(recipient.get("identity")), None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _check_dates(result: Result, badge: Mapping[str, Any], run: Run, *, nested: bool) -> None:
    now = moments.of(run.now).nanoseconds
    issued, expires = _moment(badge.get("issuedOn")), _moment(badge.get("expires"))
    if issued is not None and issued > now + GRACE_NANOSECONDS:
        result.failed("dates", "ISSUED_IN_FUTURE", "Its date of issue lies in the future.")
    elif expires is not None and issued is not None and expires < issued:
        result.failed("dates", "EXPIRES_BEFORE_ISSUED", "It expired before it was issued.")
    elif expires is not None and expires < now:
        if nested:
            result.warned("dates", "NESTED_EXPIRED", "The badge has expired since it was awarded.")
        else:
            result.failed("dates", "EXPIRED", f"It expired on {str(read.one(badge['expires']))[:10]}.")
    else:
        result.passed("dates", "The dates are in order and it has not expired.", now=run.now.isoformat())


def _moment(value: Any) -> int | None:
    value = read.one(value)
    if not isinstance(value, str):
        return None
    try:
        return moments.read(value).nanoseconds
    except DocumentFault:
        return None


def _check_person(result: Result, badge: Mapping[str, Any], run: Run, holder: Holder | None) -> None:
    recipient = read.one(badge.get("recipient"))
    if not isinstance(recipient, dict) or not isinstance(recipient.get("identity"), str):
        return
    identity, salt = recipient["identity"], _text(recipient.get("salt"))
    if holder is not None:
        property_name = str(read.one(recipient.get("type")))
        value = holder.values.get(property_name)
        if not isinstance(value, str) or not value:
            result.warned(
                "recipients",
                "RECIPIENT_NOT_COMPARABLE",
                "The badge names its recipient by something that the record does not tell of the learner.",
            )
        elif identities.matches(identity, [value], salt=salt):
            result.passed("recipients", "The badge was awarded to this learner.")
        else:
            result.failed("recipients", "RECIPIENT_MISMATCH", "The badge was awarded to somebody else.")
    elif run.expected_recipients:
        named = str(read.one(recipient.get("type")))
        if named not in _STANDARD_IDENTIFIERS:
            sentence = f"The recipient is given by {shown(named)}, which is no identifier of the standard."
            result.warned("expected_recipient", "NONSTANDARD_IDENTIFIER", sentence)
        if identities.matches(identity, run.expected_recipients, salt=salt):
            result.passed("expected_recipient", "It was awarded to the person expected.")
        else:
            result.failed("expected_recipient", "RECIPIENT_MISMATCH", "It was awarded to somebody else.")


def _check_extensions(result: Result, badge: Mapping[str, Any]) -> None:
    findings = read.check_extensions(badge)
    if findings:
        report(result, "extensions", findings, "")


def _judge_endorsements(result: Result, nodes: list[Mapping[str, Any]], run: Run) -> None:
    """Step 27: an endorsement is judged by its own hosting, and speaks of the thing that lists it (A9)."""
    number = 0
    for node in nodes:
        for endorsement in read.each(node.get("endorsement")):
            id = read.node_id(endorsement)
            if not is_web_address(id) or id is None:
                continue
            if number >= MAX_ENDORSEMENTS:
                result.warned("endorsements", "NOT_DECIDED", "There are more endorsements than are looked at.")
                return
            nested = _judge_endorsement(id, _text(node.get("id")), run)
            include_nested(result, f"endorsement/{number}", nested, counts=False)
            number += 1


def _judge_endorsement(id: str, endorsed: str | None, run: Run) -> Result:
    result = Result(format=FORMAT, kind="endorsement", subject=id)
    try:
        if run.get(id).status == 410:
            result.failed("hosted_document", "REVOKED", "The endorsement was withdrawn.", id=id)
            return result
        document = run.get_document(id)
        declared = document.get("id") if isinstance(document, dict) else None
        if isinstance(declared, str) and is_web_address(declared) and declared != id:
            result.warned("hosted_document", "ID_MISMATCH", "The endorsement gives another address.", id=declared)
            document = run.get_document(declared)
            id = declared
    except FetchRefused as refusal:
        result.failed("hosted_document", refusal.code, f"It could not be fetched: {refusal.sentence}", id=id)
        return result
    if not isinstance(document, dict):
        result.failed("hosted_document", "FETCH_FAILED", "What stands at the address is no endorsement.", id=id)
        return result
    endorsement = read.normalise(document)
    result.document = document
    _check_context_and_class(result, endorsement)
    _check_properties(result, endorsement, "Endorsement")
    if endorsement.get("revoked") is True:
        result.failed("revoked", "REVOKED", _revoked(endorsement.get("revocationReason")))
    if _verification(endorsement) != "HostedBadge":
        result.failed(
            "verification_type", "NOT_VERIFIABLE", "The endorsement is not hosted, and its signature is not there."
        )
    profile = _linked_issuer(result, endorsement, run, trust_embedded=True)
    _tell_parties(result, endorsement, profile)
    if profile is not None:
        _check_scope(result, endorsement, id, profile)
    _check_dates(result, endorsement, run, nested=False)
    claim = read.node_id(endorsement.get("claim"))
    if endorsed is not None and claim != endorsed:
        result.warned("claim", "ENDORSEMENT_TARGET", "The endorsement speaks of something else.", claim=claim)
    return result
