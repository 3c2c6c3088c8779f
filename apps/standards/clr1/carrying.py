"""Documents that carry records (ClrPayload, ClrSet), by their bytes: taken apart and joined, never rebuilt.

A record that was signed or received is kept and sent on as the bytes that it came in (CLR1-P-04, CLR1-P-26);
here they are cut out of what carried them and put into what carries them next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from apps.standards import identities, strict_json
from apps.standards.clr1 import model, read
from apps.standards.clr1.read import Finding
from apps.standards.errors import DocumentFault
from apps.standards.proofs import jws
from apps.standards.verify.recognise import clr1_kind, format_of

_CONTEXT = b'"@context":"' + model.CONTEXT_URL.encode() + b'"'
_PAYLOAD_MEMBERS = frozenset({"@context", "type", "clr", "signedClr"})
_SET_MEMBERS = ("clrs", "signedClrs")


# --- joining --------------------------------------------------------------------------------------------------


def set_of(clrs: Iterable[bytes], signed_clrs: Iterable[bytes]) -> bytes:
    """The text of a ClrSet around plain records (JSON) and signed ones (compact JWS), each byte for byte.

    Both arrays are always written, also when empty (section 5.3).
    """
    pieces = [b"{" + _CONTEXT + b',"type":"ClrSet","clrs":[']
    for number, record in enumerate(clrs):
        pieces += [b"," if number else b"", record]
    pieces.append(b'],"signedClrs":[')
    for number, token in enumerate(signed_clrs):
        pieces += [b',"' if number else b'"', token, b'"']
    pieces.append(b"]}")
    return b"".join(pieces)  # in one pass: a page may have megabytes


def payload_of(record: bytes, *, is_signed: bool) -> bytes:
    """The text of a ClrPayload around one record, plain (JSON) or signed (compact JWS), byte for byte."""
    if is_signed:
        return b"{" + _CONTEXT + b',"signedClr":"' + record + b'"}'
    return b"{" + _CONTEXT + b',"clr":' + record + b"}"


def root_document(record: bytes) -> bytes:
    """A plain record as a document of its own: with `@context`, which a record inside another has not (2)."""
    if "@context" in strict_json.members_as_written(record):
        return record
    inside = record[record.index(b"{") + 1 :]
    comma = b"" if inside.lstrip().startswith(b"}") else b","
    return b"{" + _CONTEXT + comma + inside


# --- taking apart ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Carried:
    """One record out of what carried it: its bytes, and its JSON (of a signed one: what was signed)."""

    content: bytes
    value: dict[str, Any]
    is_signed: bool


def posted(body: bytes) -> Carried:
    """The one record in the body of postClr (section 5.4, CLR1-P-10): of the right form, not yet verified.

    Raises ``ParseFault`` (not JSON, not a JWS) or ``DocumentFault``: neither or both of ``clr`` and
    ``signedClr``, further properties, a wrong context, properties that section 2 finds wrong. A body without
    `@context` is taken; it does no harm.
    """
    value = strict_json.loads(body)
    if not isinstance(value, dict):
        raise DocumentFault("The body is a JSON object with clr or signedClr.")
    further = sorted(set(value) - _PAYLOAD_MEMBERS)
    given = [name for name in ("clr", "signedClr") if value.get(name) is not None]
    if len(given) != 1:
        which = "both" if given else "neither"
        raise DocumentFault(f"The body carries either clr or signedClr; here are {which}.", code="PAYLOAD_AMBIGUOUS")
    if further:
        raise DocumentFault(f"The body has a property that is not of this form: {strict_json.shown(further[0])}.")
    _expect_none(_context_faults(value))
    if given == ["signedClr"]:
        token = value["signedClr"]
        if not isinstance(token, str):
            raise DocumentFault("signedClr is a text: a compact JWS.", at="/signedClr")
        return posted_token(token.encode("utf-8", "surrogatepass"), at="/signedClr")
    record = value["clr"]
    if not isinstance(record, dict):
        raise DocumentFault("clr is a JSON object: a record.", at="/clr")
    _expect_record(record, "/clr")
    return Carried(strict_json.members_as_written(body)["clr"], record, is_signed=False)


def posted_token(token: bytes, at: str = "") -> Carried:
    """A record posted as a compact JWS alone. Raises as ``posted``; the signature is not looked at."""
    taken = jws.split(token.strip())
    value = strict_json.loads(taken.payload)
    if not isinstance(value, dict):
        raise DocumentFault("The signed content is no record.", at=at)
    _expect_record(value, at)
    return Carried(taken.token.encode("ascii"), value, is_signed=True)


def _expect_record(record: dict[str, Any], at: str) -> None:
    _expect_none([*_context_faults(record), *read.failures(read.check(record, model.Clr, at))])
    if format_of(record) != "clr-1.0" or clr1_kind(record) != "record":
        raise DocumentFault("This is another document than a record.", code="TYPE_INVALID", at=at)


def _context_faults(document: dict[str, Any]) -> list[Finding]:
    return read.failures(read.check_context(document.get("@context")))


def _expect_none(faults: list[Finding]) -> None:
    if faults:
        more = f" There are {len(faults) - 1} more faults." if len(faults) > 1 else ""
        raise DocumentFault(faults[0].sentence + more, code=faults[0].code, at=faults[0].at)


def records_in(content: bytes) -> list[bytes] | None:
    """The records that a ClrSet or ClrPayload carries, as bytes; None for any other document.

    Raises ``ParseFault`` where it is not JSON.
    """
    value = strict_json.loads(content)
    if not isinstance(value, dict):
        return None
    parts = strict_json.members_as_written(content)
    found: list[bytes] = []
    for name in ("clr", "signedClr"):
        if value.get(name) is not None:
            found.append(_bare(parts[name], value[name]))
    for name in _SET_MEMBERS:
        if isinstance(value.get(name), list):
            items = strict_json.items_as_written(parts[name])
            found += [_bare(part, item) for part, item in zip(items, value[name], strict=True)]
    if not found and not any(name in value for name in ("clr", "signedClr", *_SET_MEMBERS)):
        return None
    return found


def _bare(part: bytes, value: Any) -> bytes:
    """A signed record stands in JSON as a text; what is kept is the text itself."""
    return value.encode("utf-8") if isinstance(value, str) else part


def is_about(
    record: dict[str, Any],
    *,
    ids: Collection[str],
    emails: Collection[str],
    student_ids: Collection[str],
    sourced_ids: Collection[str],
) -> bool:
    """Whether a record names as its learner a person of whom this is known (section 5.4, CLR1-P-11).

    One value that agrees is enough; e-mail addresses agree in any letter case.
    """
    learner = record.get("learner")
    if not isinstance(learner, dict):
        return False
    known = {"id": ids, "email": emails, "studentId": student_ids, "sourcedId": sourced_ids}
    said = [(learner.get(name), values) for name, values in known.items()]
    identifiers = learner.get("identifiers")
    for each in identifiers if isinstance(identifiers, list) else []:
        if isinstance(each, dict):
            said.append((each.get("identifier"), [*student_ids, *sourced_ids]))
    return any(
        isinstance(value, str) and value.strip() and identities.matches(value, [one for one in values if one.strip()])
        for value, values in said
    )
