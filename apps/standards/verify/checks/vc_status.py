"""Whether a credential still counts: status lists and revocation lists (section 8 of the digest).

What it says depends on the purpose: revocation and suspension end validity, messages are shown. A list that
cannot be had leaves a bitstring status undecided; for the unsigned 1EdTech list it is a warning (8.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from apps.standards import dids
from apps.standards.errors import FetchRefused, KeyFault
from apps.standards.ob3.read import listed, types_of
from apps.standards.status import bitstring, revocation_list
from apps.standards.status.bitstring import Entry, StatusFault
from apps.standards.strict_json import shown
from apps.standards.verify.checks.vc_proof import issuer_of
from apps.standards.verify.recognise import Subject, recognise
from apps.standards.verify.sources import Run, is_web_address, shown_address
from apps.standards.verify.verdict import Result

MAX_ENTRIES = 20
_ENDS_VALIDITY = {"revocation": ("REVOKED", "revoked"), "suspension": ("SUSPENDED", "suspended")}

#: Judges the credential of a status list.
JudgeList = Callable[[Subject], Result]


@dataclass(frozen=True, slots=True)
class StatusList:
    """A status list credential that was judged good, expanded."""

    purposes: tuple[str, ...]
    expanded: bytes
    issuer: str | None


@dataclass(slots=True)
class StatusLists:
    """The lists that one verification has already looked at, by address."""

    known: dict[tuple[str, str], StatusList | tuple[str, str]] = field(default_factory=dict)


def check_status(
    result: Result, document: Mapping[str, Any], run: Run, lists: StatusLists, judge_list: JudgeList
) -> None:
    """Every status entry of a credential."""
    entries = listed(document.get("credentialStatus"))
    if not entries:
        result.skipped("status", "The issuer names no list of revoked credentials.")
        return
    if len(entries) > MAX_ENTRIES:
        result.failed("status", "NOT_DECIDED", f"The credential has more than {MAX_ENTRIES} status entries.")
        return
    for entry in entries:
        if not isinstance(entry, dict):
            result.failed("status", "STATUS_INVALID", "A status entry of the credential is no object.")
            continue
        kind = next(iter(types_of(entry)), "")
        if kind in bitstring.LIST_TYPES:
            _check_bitstring(result, document, {**entry, "type": kind}, run, lists, judge_list)
        elif kind == revocation_list.ENTRY_TYPE:
            _check_revocation_list(result, document, entry, run)
        else:
            result.warned(
                "status",
                "STATUS_UNAVAILABLE",
                f"Its status is kept in a way not known here ({shown(kind)}): not looked at.",
            )


def _check_bitstring(
    result: Result,
    document: Mapping[str, Any],
    status: Mapping[str, Any],
    run: Run,
    lists: StatusLists,
    judge_list: JudgeList,
) -> None:
    try:
        entry = bitstring.read_entry(status)
        found = _list_at(entry, run, lists, judge_list)
        if isinstance(found, tuple):
            result.failed("status", found[0], found[1], list=entry.list_address)
            return
        if entry.purpose not in found.purposes:
            raise StatusFault(
                f"The status list is kept for {shown(', '.join(found.purposes))}, not for {shown(entry.purpose)}."
            )
        value = bitstring.value_at(found.expanded, entry)
    except StatusFault as fault:
        result.failed("status", fault.code, fault.sentence)
        return
    evidence = {"list": entry.list_address, "index": entry.index, "purpose": entry.purpose, "value": value}
    if entry.purpose in _ENDS_VALIDITY:
        code, word = _ENDS_VALIDITY[entry.purpose]
        if value:
            result.failed("status", code, f"The issuer has {word} it.", **evidence)
        else:
            result.passed("status", f"The issuer has not {word} it.", **evidence)
    else:
        told = (entry.messages or {}).get(value)
        result.passed(
            "status", f"The issuer says of it: {told}" if told else "The issuer says nothing of it.", **evidence
        )
    if found.issuer != issuer_of(document):
        result.warned(
            "status", "STATUS_INVALID", "The status list is kept by somebody else than the issuer.", **evidence
        )


def _list_at(entry: Entry, run: Run, lists: StatusLists, judge_list: JudgeList) -> StatusList | tuple[str, str]:
    """The list, or code and sentence of why there is none; each list is judged once in a verification."""
    key = (entry.list_address, entry.type)
    known = lists.known.get(key)
    if known is None:
        known = lists.known[key] = _judged_list(entry, run, judge_list)
    return known


def _judged_list(entry: Entry, run: Run, judge_list: JudgeList) -> StatusList | tuple[str, str]:
    try:
        body = _body_at(entry.list_address, run)
    except FetchRefused as refusal:
        code = "NOT_DECIDED" if refusal.code == "NOT_DECIDED" else "STATUS_UNAVAILABLE"
        return code, f"The status list could not be had, so it is unknown whether it was revoked. {refusal.sentence}"
    subject = recognise(body)
    if subject.fault is not None or subject.format != "vc":
        return "STATUS_INVALID", f"What stands at {shown_address(entry.list_address)} is no status list."
    judged = judge_list(subject)
    if judged.verdict == "undecided":
        failures = judged.failures()
        if not any(check.code == "PROOF_MISSING" for check in failures):
            return (
                "STATUS_UNAVAILABLE",
                f"The status list could not be verified. {failures[0].detail if failures else ''}",
            )
    if not judged.valid:
        failures = judged.failures()
        return "STATUS_INVALID", f"The status list itself does not hold: {failures[0].detail if failures else ''}"
    document = judged.document
    list_type, subject_type = bitstring.LIST_TYPES[entry.type]
    holder = document.get("credentialSubject")
    if list_type not in types_of(document) or not isinstance(holder, dict) or subject_type not in types_of(holder):
        return "STATUS_INVALID", "The document at the address of the status list is of another kind."
    try:
        expanded = bitstring.bits(holder.get("encodedList"), entry_type=entry.type)
    except StatusFault as fault:
        return fault.code, fault.sentence
    return StatusList(tuple(bitstring.purposes_of(holder)), expanded, issuer_of(document))


def _body_at(address: str, run: Run) -> bytes:
    if not is_web_address(address):
        raise FetchRefused("Its address is not a web address.")
    answer = run.get(address)
    if answer.status != 200:
        raise FetchRefused(f"The address {shown_address(address)} answered {answer.status}.")
    return answer.body


def _check_revocation_list(result: Result, document: Mapping[str, Any], status: Mapping[str, Any], run: Run) -> None:
    address, credential = status.get("id"), document.get("id")
    if not is_web_address(address) or not isinstance(credential, str):
        result.failed("status", "STATUS_INVALID", "The revocation list has no address, or the credential no id.")
        return
    try:
        entry = revocation_list.find(run.get_document(str(address)), credential)
    except FetchRefused as refusal:
        code = "NOT_DECIDED" if refusal.code == "NOT_DECIDED" else "STATUS_UNAVAILABLE"
        result.warned(
            "status",
            code,
            f"The revocation list could not be had; whether it was revoked is unknown. {refusal.sentence}",
        )
        return
    except StatusFault as fault:
        result.failed("status", fault.code, fault.sentence, list=address)
        return
    if entry is not None:
        reason = f" ({shown(entry.reason)})" if entry.reason else ""
        result.failed("status", "REVOKED", f"The issuer has revoked it{reason}.", list=address)
        return
    if _origin(str(address)) != _origin(_place_of(issuer_of(document))):
        result.warned(
            "status",
            "STATUS_INVALID",
            "The revocation list is unsigned and not kept at the issuer's address.",
            list=address,
        )
    else:
        result.passed("status", "The issuer's revocation list does not name it.", list=address)


def _place_of(issuer: str | None) -> str:
    try:
        return dids.document_address(issuer or "")
    except KeyFault:
        return ""


def _origin(address: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(address)
        return (parts.scheme, parts.hostname, parts.port)
    except ValueError:
        return None
