"""CLR 1.0 ↔ Open Badges 2.0: assertion, achievement and badge class, profile, endorsement (digest CLR 1.0, 10.1).

What both can say goes over under the other's name. What only CLR can say stands in the badge under full names of the
CLR vocabulary (prefix ``clri``, declared in the badge's own context), which verifiers of badges pass over and which
come back here. What only a badge can say stands in the CLR under prefixed names (``ext:ob2-…``, or the name itself
where it has a prefix), as CLR 1.0 allows on every object below the record. So both ways round give the same again.

Documents of badges are JSON objects, of CLR the classes of ``clr1.model``. Nothing is fetched: badge class and issuer
must be embedded, or handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from apps.standards.clr1 import model as clr1
from apps.standards.clr1 import read as clr1_read
from apps.standards.clr1 import write as clr1_write
from apps.standards.errors import DocumentFault
from apps.standards.ob2 import model as ob2
from apps.standards.ob2 import read as ob2_read

NodeT = TypeVar("NodeT", bound=clr1.Node)

PREFIX, VOCABULARY = "clri", "https://purl.imsglobal.org/spec/clr/vocab#"
CONTEXT: list[Any] = [ob2.CONTEXT_URL, {PREFIX: VOCABULARY}]
"""The context of a badge that carries words of CLR."""
BADGE = "ext:openBadge"
"""Name of the property of a CLR assertion or achievement that names its Open Badge."""
ORIGIN = f"{PREFIX}:id"
"""Name of the property of a badge that names the CLR object it says again."""
_KEPT = "ext:ob2-"

_ASSERTION = frozenset(
    {"id", "recipient", "issuedOn", "expires", "narrative", "image", "evidence", "revoked", "revocationReason"}
)
_ACHIEVEMENT = frozenset({"id", "name", "description", "image", "tags", "requirement", "issuer", "alignments"})
_PROFILE = frozenset(
    {
        *("id", "name", "url", "email", "telephone", "description", "image", "publicKey", "revocationList"),
        "verification",
    }
)
_ENDORSEMENT = frozenset({"id", "claim", "issuer", "issuedOn", "revoked", "revocationReason"})
_NEVER = frozenset({"@context", "type", BADGE})
_OTHER_PROOF = frozenset({"verification", "endorsements", "signedEndorsements"})
"""Signatures and addresses that vouch for the CLR form say nothing about the badge."""


# --- CLR 1.0 → Open Badges 2.0 --------------------------------------------------------------------------------


def badge_of(
    assertion: clr1.Assertion,
    *,
    id: str | None = None,
    badge: str | Mapping[str, Any] | None = None,
    recipient: Mapping[str, Any] | None = None,
    creator: str | None = None,
    image: str | None = None,
    leave_out: Collection[str] = (),
) -> dict[str, Any]:
    """The Open Badges Assertion that says what a CLR assertion says.

    Args:
        id: that of the badge, where it has another than the CLR assertion
        badge: its badge class, or the address of it; else made from the achievement
        recipient: the IdentityObject, else the assertion's own
        creator: id of the key it will be signed with; else it is hosted at its id
        image: address of its picture
        leave_out: wire names of CLR properties that are not told (results, for instance)
    """
    said = clr1_write.to_json(assertion)
    given = id or said["id"]
    document: dict[str, Any] = {"@context": CONTEXT, "type": "Assertion", "id": given}
    document["recipient"] = dict(recipient) if recipient else _recipient_of(said.get("recipient"))
    if badge is None and assertion.achievement is not None:
        badge = badge_class_of(assertion.achievement)
    document["badge"] = badge if badge is None or isinstance(badge, str) else _inside(badge)
    document["verification"] = {"type": "SignedBadge", "creator": creator} if creator else {"type": "HostedBadge"}
    for name in ("issuedOn", "expires", "narrative", "revoked", "revocationReason"):
        document[name] = said.get(name)
    document["image"] = image or _picture(said)
    document["evidence"] = [
        piece for each in said.get("evidence", ()) if "evidence" not in leave_out for piece in _evidence_of(each)
    ]
    if given != said["id"]:
        document[ORIGIN] = said["id"]
    return _told(document, said, _ASSERTION | {"achievement"} | _OTHER_PROOF, leave_out)


def badge_class_of(
    achievement: clr1.Achievement,
    *,
    id: str | None = None,
    image: str | None = None,
    issuer: str | Mapping[str, Any] | None = None,
    criteria: str | None = None,
    leave_out: Collection[str] = (),
) -> dict[str, Any]:
    """The BadgeClass that says what an achievement says.

    A badge class must have a description and criteria: without a description the name stands in its place, without
    criteria the address ``criteria`` of a page that tells them.
    """
    said = clr1_write.to_json(achievement)
    given = id or said["id"]
    document: dict[str, Any] = {"@context": CONTEXT, "type": "BadgeClass", "id": given}
    document["name"] = said.get("name")
    document["description"] = said.get("description") or said.get("name")
    document["image"] = image or _picture(said)
    requirement = {name: value for name, value in said.get("requirement", {}).items() if name != "type"}
    if "id" not in requirement and "narrative" not in requirement and criteria is not None:
        requirement["id"] = criteria
    document["criteria"] = {"type": "Criteria", **requirement}
    if issuer is None and achievement.issuer is not None:
        issuer = issuer_of(achievement.issuer)
    document["issuer"] = issuer if issuer is None or isinstance(issuer, str) else _inside(issuer)
    document["alignment"] = [_alignment_of(each) for each in said.get("alignments", ())]
    document["tags"] = said.get("tags")
    if given != said["id"]:
        document[ORIGIN] = said["id"]
    return _told(document, said, _ACHIEVEMENT | _OTHER_PROOF, leave_out)


def issuer_of(
    profile: clr1.Profile | clr1.EndorsementProfile,
    *,
    id: str | None = None,
    url: str | None = None,
    email: str | None = None,
    leave_out: Collection[str] = (),
) -> dict[str, Any]:
    """The issuer's Profile that says what a CLR profile says; ``url`` and ``email`` where it has none of its own.

    A badge's issuer needs both; the caller sees to it that there are some.
    """
    said = clr1_write.to_json(profile)
    given = id or said["id"]
    document: dict[str, Any] = {"@context": CONTEXT, "type": "Issuer", "id": given}
    for name in ("name", "description", "telephone", "revocationList"):
        document[name] = said.get(name)
    document["url"], document["email"] = said.get("url") or url, said.get("email") or email
    document["image"] = _picture(said)
    document["publicKey"] = said.get(_KEPT + "publicKey") or said.get("publicKey")
    if "verification" in said:
        document["verification"] = {**said["verification"], "type": "VerificationObject"}
    if given != said["id"]:
        document[ORIGIN] = said["id"]
    return _told(document, said, _PROFILE | {"endorsements", "signedEndorsements"}, leave_out)


def endorsement_of(
    endorsement: clr1.Endorsement,
    *,
    id: str | None = None,
    endorsed: str | None = None,
    issuer: str | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The hosted Endorsement of Open Badges that says what a CLR endorsement says, of the thing ``endorsed``."""
    said = clr1_write.to_json(endorsement)
    given = id or said["id"]
    claim = {name: value for name, value in said.get("claim", {}).items() if name != "type"}
    if endorsement.issuer is not None and issuer is None:
        issuer = issuer_of(endorsement.issuer)
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "type": "Endorsement",
        "id": given,
        "claim": {**claim, "id": endorsed or claim.get("id")},
        "issuer": issuer if issuer is None or isinstance(issuer, str) else _inside(issuer),
        "issuedOn": said.get("issuedOn"),
        "verification": {"type": "HostedBadge"},
        "revoked": said.get("revoked"),
        "revocationReason": said.get("revocationReason"),
    }
    if given != said["id"]:
        document[ORIGIN] = said["id"]
    return _told(document, said, _ENDORSEMENT | {"verification"}, ())


def _told(
    document: dict[str, Any], said: Mapping[str, Any], known: Collection[str], leave_out: Collection[str]
) -> dict[str, Any]:
    """The badge's object with what only CLR says, and what only the badge said before; absent values left out."""
    for name, value in said.items():
        if name.startswith(_KEPT):
            bare = name.removeprefix(_KEPT)
            if bare not in ("image", "publicKey"):
                document.setdefault(bare, value)
        elif name in known or name in _NEVER or name in leave_out:
            continue
        elif ":" in name and not name.startswith("ext:"):
            document.setdefault(name, value)
        else:
            document[f"{PREFIX}:{name}"] = _prefixed(value)
    return {name: value for name, value in document.items() if value is not None and value != []}


def _prefixed(value: Any) -> Any:
    """A value of CLR with every name inside it in the vocabulary of CLR."""
    if isinstance(value, dict):
        return {f"{PREFIX}:{name}": _prefixed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_prefixed(item) for item in value]
    return value


def _inside(document: Mapping[str, Any]) -> dict[str, Any]:
    """An object as it stands inside another one."""
    return {name: value for name, value in document.items() if name != "@context"}


def _recipient_of(recipient: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if recipient is None else {name: recipient[name] for name in recipient if name != "id"}


def _picture(said: Mapping[str, Any]) -> Any:
    """A picture's address, or the object that a badge said of it."""
    kept = said.get(_KEPT + "image")
    if isinstance(kept, dict) and kept.get("id") == said.get("image"):
        return kept
    return said.get("image")


def _evidence_of(piece: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A piece of evidence, and each of its artifacts that has an address as a piece of its own.

    Files that stand in the record itself have none, and stay in the record.
    """
    known = ("id", "name", "description", "narrative", "genre", "audience")
    found = {"type": "Evidence", **{name: piece[name] for name in known if name in piece}}
    further = []
    for artifact in piece.get("artifacts", ()):
        address = artifact.get("url", "")
        if ob2_read.is_iri(address):
            told = {name: artifact[name] for name in ("name", "description") if name in artifact}
            further.append({"type": "Evidence", "id": address, **told})
    for name, value in piece.items():
        if name.startswith(_KEPT):
            found[name.removeprefix(_KEPT)] = value
    return [found, *further]


def _alignment_of(alignment: Mapping[str, Any]) -> dict[str, Any]:
    known = ("targetName", "targetUrl", "targetDescription", "targetFramework", "targetCode")
    found = {"type": "AlignmentObject", **{name: alignment[name] for name in known if name in alignment}}
    return _told(found, alignment, known, ())


# --- Open Badges 2.0 → CLR 1.0 --------------------------------------------------------------------------------


def assertion_from_badge(
    document: Mapping[str, Any],
    *,
    badge_class: Mapping[str, Any] | None = None,
    issuer: Mapping[str, Any] | None = None,
    id: str | None = None,
) -> clr1.Assertion:
    """The CLR assertion that says what a badge says, for a record of another publisher.

    Args:
        document: an Open Badges Assertion
        badge_class: its class, where the badge has only the address of it; ``issuer`` likewise
        id: of the copy, where its publisher is not the badge's issuer; the badge's own id then stands as evidence

    The copy is not vouched for by what vouched for the badge: it has no ``verification``, and lives from that of the
    record (10.1). A signed badge goes into a record whole as well, as the compact JWS that it came in
    (``signedAssertions``). Raises ``DocumentFault`` when there is no badge class to say what was earned.
    """
    said = _named(document)
    own_id = _required_id(said, "the badge")
    inside = ob2_read.one(said.get("badge"))
    said_class = inside if isinstance(inside, dict) and "name" in inside else None
    if said_class is None and badge_class is not None:
        said_class = _named(badge_class)
    if said_class is None:
        raise DocumentFault("The badge does not say what it is for: its badge class is not at hand.", at="/badge")
    evidence = [_evidence_from(each) for each in ob2_read.each(said.get("evidence"))]
    if id is not None and id != own_id and ob2_read.is_iri(own_id):
        evidence.insert(0, clr1.Evidence(id=own_id, type="Evidence", name="Open Badge"))
    recipient = ob2_read.one(said.get("recipient"))
    origin = _origin(said)
    assertion = clr1.Assertion(
        id=id or origin or own_id,
        type="Assertion",
        recipient=_identity(recipient) if isinstance(recipient, dict) else None,
        achievement=_achievement(said_class, None if issuer is None else _named(issuer)),
        issued_on=_text(said.get("issuedOn")),
        expires=_text(said.get("expires")),
        narrative=_text(said.get("narrative")),
        image=ob2_read.node_id(said.get("image")),
        evidence=evidence,
        revoked=said.get("revoked") if isinstance(said.get("revoked"), bool) else None,
        revocation_reason=_text(said.get("revocationReason")),
    )
    assertion.extra[BADGE] = own_id
    known = _ASSERTION | {"badge", "verification", "type"}
    return _filled(assertion, said, known)


def achievement_from_badge_class(
    document: Mapping[str, Any], *, issuer: Mapping[str, Any] | None = None
) -> clr1.Achievement:
    """The achievement that says what a badge class says. Raises ``DocumentFault`` when it has no id or name."""
    return _achievement(_named(document), None if issuer is None else _named(issuer))


def profile_from_issuer(document: Mapping[str, Any]) -> clr1.Profile:
    """The CLR profile that says what an issuer's Profile says. Raises ``DocumentFault`` when it has no id."""
    return _profile(_named(document))


def endorsement_from_badge(document: Mapping[str, Any]) -> clr1.Endorsement:
    """The CLR endorsement that says what an Open Badges Endorsement says. Raises ``DocumentFault``."""
    said = _named(document)
    claim = ob2_read.one(said.get("claim"))
    issuer = ob2_read.one(said.get("issuer"))
    profile = _profile(issuer if isinstance(issuer, dict) else {"id": issuer})
    endorsement = clr1.Endorsement(
        id=_origin(said) or _required_id(said, "the endorsement"),
        type="Endorsement",
        issued_on=_text(said.get("issuedOn")),
        claim=clr1.EndorsementClaim(
            id=ob2_read.node_id(claim),
            type="EndorsementClaim",
            endorsement_comment=_text(claim.get("endorsementComment")) if isinstance(claim, dict) else None,
        ),
        issuer=clr1_read.parse({**clr1_write.to_json(profile), "type": "EndorsementProfile"}, clr1.EndorsementProfile),
        revoked=said.get("revoked") if isinstance(said.get("revoked"), bool) else None,
        revocation_reason=_text(said.get("revocationReason")),
        verification=clr1.Verification(type="Hosted"),
    )
    return _filled(endorsement, said, _ENDORSEMENT | {"verification", "type"})


def _achievement(said: Mapping[str, Any], issuer: Mapping[str, Any] | None) -> clr1.Achievement:
    inside = ob2_read.one(said.get("issuer"))
    if isinstance(inside, dict) and ("name" in inside or issuer is None):
        issuer = inside
    elif issuer is None:
        issuer = {"id": inside}
    criteria = ob2_read.one(said.get("criteria"))
    achievement = clr1.Achievement(
        id=_origin(said) or _required_id(said, "the badge class"),
        type="Achievement",
        achievement_type="Badge",
        name=_text(said.get("name")),
        description=_text(said.get("description")),
        image=ob2_read.node_id(said.get("image")),
        tags=[each for each in ob2_read.each(said.get("tags")) if isinstance(each, str)],
        issuer=_profile(issuer),
        requirement=_criteria(criteria),
        alignments=[_alignment(each) for each in ob2_read.each(said.get("alignment")) if isinstance(each, dict)],
    )
    if achievement.name is None:
        raise DocumentFault("The badge class has no name.", code="PROPERTY_MISSING", at="/badge/name")
    known = {"id", "type", "name", "description", "image", "tags", "criteria", "issuer", "alignment"}
    return _filled(achievement, said, known)


def _profile(said: Mapping[str, Any]) -> clr1.Profile:
    profile = clr1.Profile(
        id=_origin(said) or _required_id(said, "the issuer"),
        type="Profile",
        name=_text(said.get("name")),
        url=_text(said.get("url")),
        email=_text(said.get("email")),
        telephone=_text(said.get("telephone")),
        description=_text(said.get("description")),
        image=ob2_read.node_id(said.get("image")),
        revocation_list=ob2_read.node_id(said.get("revocationList")),
    )
    policy = ob2_read.one(said.get("verification"))
    if isinstance(policy, dict):
        profile.verification = clr1.Verification(
            type="Verification",
            verification_property=_text(policy.get("verificationProperty")),
            allowed_origins=[each for each in ob2_read.each(policy.get("allowedOrigins")) if isinstance(each, str)],
            starts_with=[each for each in ob2_read.each(policy.get("startsWith")) if isinstance(each, str)],
        )
    named = said.get("publicKey")
    key = ob2_read.one(named)
    if isinstance(key, dict) and isinstance(key.get("publicKeyPem"), str) and isinstance(key.get("owner"), str):
        profile.public_key = clr1_write.cryptographic_key(
            id=_required_id(key, "the key"), owner=key["owner"], public_key_pem=key["publicKeyPem"]
        )
    elif named is not None:  # an address, or several keys: CLR has one, whole
        profile.extra[_KEPT + "publicKey"] = named
    return _filled(profile, said, _PROFILE | {"type"})


def _identity(said: Mapping[str, Any]) -> clr1.Identity:
    kind = ob2_read.one(said.get("type"))
    hashed = said.get("hashed")
    return clr1.Identity(
        type=_text(kind),
        identity=_text(said.get("identity")),
        hashed=hashed if isinstance(hashed, bool) else None,
        salt=_text(said.get("salt")),
    )


def _criteria(said: Any) -> clr1.Criteria | None:
    if isinstance(said, str):
        return clr1.Criteria(id=said, type="Criteria")
    if not isinstance(said, dict):
        return None
    return clr1.Criteria(id=_text(said.get("id")), type="Criteria", narrative=_text(said.get("narrative")))


def _evidence_from(said: Any) -> clr1.Evidence:
    if isinstance(said, str):
        return clr1.Evidence(id=said, type="Evidence", name="Evidence")
    if not isinstance(said, dict):
        raise DocumentFault("A piece of evidence is an object or an address.", at="/evidence")
    evidence = clr1.Evidence(
        id=_text(said.get("id")),
        type="Evidence",
        name=_text(said.get("name")) or "Evidence",  # required there
        description=_text(said.get("description")),
        narrative=_text(said.get("narrative")),
        genre=_text(said.get("genre")),
        audience=_text(said.get("audience")),
    )
    known = {"id", "type", "name", "description", "narrative", "genre", "audience"}
    return _filled(evidence, said, known)


def _alignment(said: Mapping[str, Any]) -> clr1.Alignment:
    alignment = clr1.Alignment(
        type="Alignment",
        target_name=_text(said.get("targetName")),
        target_url=_text(said.get("targetUrl")),
        target_description=_text(said.get("targetDescription")),
        target_framework=_text(said.get("targetFramework")),
        target_code=_text(said.get("targetCode")),
    )
    known = {"type", "targetName", "targetUrl", "targetDescription", "targetFramework", "targetCode"}
    return _filled(alignment, said, known)


# --- small parts ----------------------------------------------------------------------------------------------


def _named(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with every name as the context of Open Badges 2.0 has it."""
    named = ob2_read.normalise(dict(document))
    assert isinstance(named, dict)
    return named


def _origin(said: Mapping[str, Any]) -> str | None:
    return _text(said.get(f"{VOCABULARY}id"))


def _text(value: Any) -> str | None:
    value = ob2_read.one(value)
    return value if isinstance(value, str) else None


def _required_id(said: Mapping[str, Any], what: str) -> str:
    id = said.get("id")
    if not isinstance(id, str) or not id:
        raise DocumentFault(f"There is no id of {what}.", code="PROPERTY_MISSING", at="/id")
    return id


def _filled(node: NodeT, said: Mapping[str, Any], known: Collection[str]) -> NodeT:
    """The node with what CLR alone knows, as it stood in the badge, and with what the badge alone said."""
    further: dict[str, Any] = {}
    for name, value in said.items():
        if name.startswith(VOCABULARY):
            further[name.removeprefix(VOCABULARY)] = _bare(value)
        elif name == ob2_read.UNMAPPED:
            node.extra.update({_KEPT + inner: _allowed(held) for inner, held in value.items()})
        elif name == "@context":
            continue
        elif name not in known:
            node.extra[name if name.count(":") == 1 else _KEPT + name] = _allowed(value)
    picture = ob2_read.one(said.get("image"))
    if isinstance(picture, dict):
        node.extra[_KEPT + "image"] = picture
    further.pop("id", None)
    if not further:
        return node
    carried = clr1_read.parse(further, type(node))
    for member in clr1.describe(type(node)).members.values():
        if (value := getattr(carried, member.attribute)) not in (None, []):
            setattr(node, member.attribute, value)
    node.extra.update(carried.extra)
    return node


def _bare(value: Any) -> Any:
    """A carried value with the names that CLR gives them."""
    if isinstance(value, dict):
        return {name.removeprefix(VOCABULARY): _bare(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value


def _allowed(value: Any) -> Any:
    """A value that an extension of CLR may have: no integer (digest CLR 1.0, section 2)."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
