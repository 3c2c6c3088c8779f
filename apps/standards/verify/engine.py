"""The door to the engine: functions that judge anything.

    result = verify(source, fetcher=…, own=…, now=…)

The steps: recognise what it is; take the record out of a picture (baked into it, or by the QR code that it shows)
or a PDF, or fetch it from its address; hand it to the procedure of its standard; give the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from apps.standards.baking import pdf, png, qr, svg
from apps.standards.errors import FetchRefused, LimitExceeded, StandardsError
from apps.standards.verify.checks import clr1, ob2, vc
from apps.standards.verify.recognise import Subject, recognise
from apps.standards.verify.sources import Budget, Fetcher, NothingOwn, OwnDocuments, Policy, Run, shown_address
from apps.standards.verify.verdict import Check, Result, unreadable

_PROCEDURES: dict[str, Callable[[Subject, Run], Result]] = {
    "clr-1.0": clr1.judge,
    "ob-2.0": ob2.judge,
    "vc": vc.judge,
}


def verify(
    source: bytes,
    *,
    fetcher: Fetcher,
    now: datetime,
    own: OwnDocuments | None = None,
    expected_recipients: Sequence[str] = (),
    budget: Budget | None = None,
    policy: Policy | None = None,
) -> Result:
    """Judge a document: JSON, compact JWS, VC-JWT, baked PNG or SVG, a picture of a QR code (PNG, JPEG), our PDF, or
    the address of one of these.

    ``now`` is the aware moment to judge at; ``expected_recipients`` are identities of the person expected,
    any of which may match. Never raises for the content of ``source``: what cannot be read gives a result
    whose ``readable`` is false.
    """
    run = Run(fetcher, own or NothingOwn(), now, tuple(expected_recipients), budget or Budget(), policy or Policy())
    return judge(recognise(source), source, run)


def verify_address(
    url: str,
    *,
    fetcher: Fetcher,
    now: datetime,
    own: OwnDocuments | None = None,
    expected_recipients: Sequence[str] = (),
    budget: Budget | None = None,
    policy: Policy | None = None,
) -> Result:
    """Judge the document that stands at an address. As ``verify`` in everything else."""
    run = Run(fetcher, own or NothingOwn(), now, tuple(expected_recipients), budget or Budget(), policy or Policy())
    return _judge_address(url, run)


def judge(subject: Subject, source: bytes, run: Run) -> Result:
    """Judge what ``recognise`` found in ``source``."""
    if subject.fault is not None:
        result = unreadable(subject.fault.code, subject.fault.sentence, at=subject.fault.at)
        if subject.form == "json":  # what it was meant to be is not known, so both families' names are given
            result.failed("json", "PARSE_ERROR", "The text is not JSON as the standards want it.")
        return result
    if subject.form == "address":
        return _judge_address(subject.token, run)
    if subject.form == "jpeg":
        return _judge_shown(source, run) or unreadable(
            "INPUT_INVALID", "The picture shows no QR code that can be read. Take it again, closer and in good light."
        )
    if subject.form in _CARRIERS:
        return _judge_carried(subject.form, source, run)
    if subject.form == "sd-jwt":
        result = Result()
        result.failed(
            "input", "NOT_DECIDED", "This is a selectively disclosed credential (SD-JWT), which is not judged here."
        )
        return result
    procedure = _PROCEDURES.get(subject.format)
    if procedure is None:
        return unreadable("INPUT_INVALID", "This is no learner record and no badge that is known here.")
    return procedure(subject, run)


def _judge_address(url: str, run: Run) -> Result:
    try:
        answer = run.get(url, kind="document")
        if answer.status == 410:
            result = Result(subject=url)
            result.failed("fetch", "REVOKED", "What stood at the address was withdrawn by its issuer.", address=url)
            return result
        if answer.status != 200:
            raise FetchRefused(f"The address answered {answer.status} instead of a document.")
    except FetchRefused as refusal:
        result = Result(subject=url)
        result.failed("fetch", refusal.code, refusal.sentence, address=shown_address(url))
        return result
    subject = recognise(answer.body)
    if subject.form == "address":
        return unreadable("INPUT_INVALID", "What stands at the address is only another address.")
    result = judge(subject, answer.body, run)
    if any(check.code == "SIGNATURE_MISSING" for check in result.failures()):
        signed = _signed_form_at(url, run)
        if signed is not None:
            return judge(signed, b"", run)
    return result


def _signed_form_at(url: str, run: Run) -> Subject | None:
    """The signed form of a record whose address answers with its plain content, if the host offers one."""
    try:
        answer = run.get(url, kind="token")
    except FetchRefused:
        return None
    subject = recognise(answer.body) if answer.status == 200 else None
    return subject if subject is not None and subject.form == "jws" and subject.fault is None else None


# --- files that carry a record -------------------------------------------------------------------------------


def _from_png(source: bytes) -> bytes:
    return png.extract(source).encode()


def _from_svg(source: bytes) -> bytes:
    return svg.extract(source).encode()


#: form -> how to take the record out, the name of the check, and what it says when it went well
_CARRIERS: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "png": (_from_png, "image", "A credential was found inside the picture. Only it was judged, not the picture."),
    "svg": (_from_svg, "image", "A credential was found inside the picture. Only it was judged, not the picture."),
    "pdf": (
        pdf.extract,
        "attachment",
        "A record is attached to the PDF. What is shown here comes from the attachment: the printed page is no proof.",
    ),
}


def _judge_carried(form: str, source: bytes, run: Run) -> Result:
    take_out, name, sentence = _CARRIERS[form]
    try:
        carried = take_out(source)
    except StandardsError as fault:
        if form == "png" and (shown := _judge_shown(source, run)) is not None:
            return shown
        result = Result(readable=fault.code not in ("INPUT_INVALID", "PARSE_ERROR"))
        result.failed(name, fault.code, fault.sentence)
        if fault.code == "NO_BADGE_IN_IMAGE":
            result.failed("input", "PARSE_ERROR", "No credential could be taken out of the picture.")
            if form == "png":
                sentence = "The picture carries no credential, and it shows no QR code that can be read."
                result.failed("qr_code", "INPUT_INVALID", sentence)
        return result
    subject = recognise(carried)
    if subject.form not in ("json", "jws", "sd-jwt", "address"):
        return unreadable("INPUT_INVALID", "What the file carries is no record.")
    result = judge(subject, carried, run)
    result.checks.insert(0, Check(name, "passed", detail=sentence))
    return result


# --- pictures that show a QR code ----------------------------------------------------------------------------


def _judge_shown(picture: bytes, run: Run) -> Result | None:
    """The judgement of what the one QR code in a picture holds; None where it shows none.

    The code may hold an address (also that of a printed verification code), a compact JWS, or JSON.
    """
    try:
        texts = qr.texts(picture)
    except LimitExceeded as fault:
        return unreadable("INPUT_INVALID", fault.sentence)
    except StandardsError:
        return None
    if not texts:
        return None
    if len(texts) > 1:
        sentence = f"The picture shows {len(texts)} different QR codes. Take a picture of the one to be checked."
        return unreadable("INPUT_INVALID", sentence, codes=len(texts))
    held = texts[0].encode("utf-8", "surrogatepass")
    subject = recognise(held)
    if subject.form not in ("json", "jws", "sd-jwt", "address") or subject.fault is not None:
        return unreadable("INPUT_INVALID", "The QR code in the picture leads to no record: it holds something else.")
    result = judge(subject, held, run)
    sentence = "The picture shows a QR code. What the code holds was judged, not the picture."
    evidence = {"address": subject.token} if subject.form == "address" else {}
    result.checks.insert(0, Check("qr_code", "passed", detail=sentence, evidence=evidence))
    return result
