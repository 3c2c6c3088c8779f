"""What is wrong or remarkable in a record of CLR 2.0: schema, whose it is, how its parts hang together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.standards import identities
from apps.standards.clr1.read import Finding
from apps.standards.clr2 import model
from apps.standards.ob3 import read as ob3
from apps.standards.ob3.read import listed
from apps.standards.strict_json import shown

_ORDERED = ("isChildOf", "isParentOf", "isPartOf")


def nested_of(document: Mapping[str, Any]) -> list[Any]:
    """The credentials inside a record, in order."""
    subject = document.get("credentialSubject")
    return listed(subject.get("verifiableCredential")) if isinstance(subject, dict) else []


def check_record(document: Mapping[str, Any]) -> list[Finding]:
    """A record against its published schema, and what the schema leaves to be checked by programs (7.1, C1)."""
    findings = ob3.check(document, model.RECORD_TYPE, model.CLASSES)
    subject = document.get("credentialSubject")
    if isinstance(subject, dict):
        findings += ob3.check_identified(subject, "/credentialSubject")
        nested = nested_of(document)
        if "verifiableCredential" in subject and not nested:
            findings.append(
                Finding("SCHEMA_INVALID", "/credentialSubject/verifiableCredential", "The record holds no credential.")
            )
        for position, one in enumerate(nested):
            if not isinstance(one, dict):
                at = f"/credentialSubject/verifiableCredential/{position}"
                findings.append(Finding("SCHEMA_INVALID", at, "A credential inside the record is an object."))
        for position, achievement in enumerate(listed(subject.get("achievement"))):
            findings += ob3.check_criteria(achievement, f"/credentialSubject/achievement/{position}")
    return findings + ob3.check_first_model(document)


# --- whose the credentials inside are (7.2, C3) ---------------------------------------------------------------


def same_learner(record_subject: Mapping[str, Any], nested_subject: Mapping[str, Any]) -> bool:
    """Whether the subject of a nested credential is the learner of the record (CLR2-I-07).

    Ids are equal, or an identifier of one is that of the other: same type with same hash and salt, or the plain
    value of one side hashes to the other.
    """
    one, other = record_subject.get("id"), nested_subject.get("id")
    if isinstance(one, str) and one == other:
        return True
    ours = [item for item in listed(record_subject.get("identifier")) if isinstance(item, dict)]
    theirs = [item for item in listed(nested_subject.get("identifier")) if isinstance(item, dict)]
    return any(_same_identifier(mine, their) for mine in ours for their in theirs)


def _same_identifier(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    value, known = one.get("identityHash"), other.get("identityHash")
    if one.get("identityType") != other.get("identityType") or not (isinstance(value, str) and isinstance(known, str)):
        return False
    if one.get("hashed") is other.get("hashed") is True:
        return value.lower() == known.lower() and one.get("salt") == other.get("salt")
    if one.get("hashed") is other.get("hashed") is False:
        return value == known
    hashed, plain = (one, known) if one.get("hashed") is True else (other, value)
    salt = hashed.get("salt")
    return identities.is_hash(str(hashed.get("identityHash"))) and identities.matches(
        str(hashed.get("identityHash")), [plain], salt=salt if isinstance(salt, str) else None
    )


# --- associations and repeated achievements (7.2, C4 and C5) --------------------------------------------------


def achievements_of(document: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every achievement of a record with its place: its own list, and those that nested credentials assert."""
    subject = document.get("credentialSubject")
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(subject, dict):
        own = listed(subject.get("achievement"))
        found += [(f"/credentialSubject/achievement/{n}", one) for n, one in enumerate(own) if isinstance(one, dict)]
    for position, nested in enumerate(nested_of(document)):
        inner = nested.get("credentialSubject") if isinstance(nested, dict) else None
        achievement = inner.get("achievement") if isinstance(inner, dict) else None
        if isinstance(achievement, dict):
            at = f"/credentialSubject/verifiableCredential/{position}/credentialSubject/achievement"
            found.append((at, achievement))
    return found


def check_associations(document: Mapping[str, Any]) -> list[Finding]:
    """Warnings for associations that lead nowhere or in a circle, and for achievements told in two ways."""
    achievements = achievements_of(document)
    contents: dict[str, dict[str, Any]] = {}
    findings: list[Finding] = []
    for at, achievement in achievements:
        id_ = achievement.get("id")
        if not isinstance(id_, str):
            continue
        if contents.setdefault(id_, achievement) != achievement:
            findings.append(
                Finding(
                    "CONFLICTING_IDS",
                    at,
                    f"The achievement {shown(id_)} is told in two ways in the record.",
                    "warning",
                )
            )
    subject = document.get("credentialSubject")
    associations = listed(subject.get("association")) if isinstance(subject, dict) else []
    below: dict[str, set[str]] = {}
    for position, association in enumerate(associations):
        if not isinstance(association, dict):
            continue
        at = f"/credentialSubject/association/{position}"
        source, target = association.get("sourceId"), association.get("targetId")
        for name, end in (("sourceId", source), ("targetId", target)):
            if isinstance(end, str) and end not in contents:
                findings.append(
                    Finding(
                        "REFERENCE_INVALID",
                        f"{at}/{name}",
                        f"An association names {shown(end)}, which is no achievement of the record.",
                        "warning",
                    )
                )
        if isinstance(source, str) and isinstance(target, str) and association.get("associationType") in _ORDERED:
            if association["associationType"] == "isParentOf":
                source, target = target, source
            below.setdefault(source, set()).add(target)
    if _has_circle(below):
        findings.append(
            Finding("REFERENCE_INVALID", "/credentialSubject/association", "Associations lead in a circle.", "warning")
        )
    return findings


def _has_circle(below: Mapping[str, set[str]]) -> bool:
    """Whether one comes back to where one began, by taking away what has nothing above it."""
    incoming = dict.fromkeys([*below, *(target for targets in below.values() for target in targets)], 0)
    for targets in below.values():
        for target in targets:
            incoming[target] += 1
    free = [node for node, count in incoming.items() if count == 0]
    removed = 0
    while free:
        node = free.pop()
        removed += 1
        for target in below.get(node, ()):
            incoming[target] -= 1
            if incoming[target] == 0:
                free.append(target)
    return removed < len(incoming)
