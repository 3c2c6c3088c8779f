"""Changed inputs of every format at the door of the engine: an answer always, and never a better one (SEC-21, I6).

For each format originals (samples, and what a small world issues) are changed by hypothesis in the ways of
``changing``. Whatever comes in,

* there is an answer, in its JSON form and as the page shows it, within the processor time of one verification (SEC-07);
* a valid answer is about the very content that was signed or that its issuer shows at its address;
* an original that is not valid does not become valid.

The plain run tries a few hundred; ``--soak`` tries for an hour in all, or for ``CLRPORTAL_FUZZ_SECONDS``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import base58
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from apps.standards import strict_json
from apps.standards.errors import ParseFault
from apps.standards.proofs import jws as jws_format
from apps.standards.verify.verdict import Result
from apps.verification.showing import view_of
from tests.effort import examples
from tests.standards.jsonld.test_canonical import by_pyld
from tests.verification import changing
from tests.verification.originals import Changed, Listening, Original, all_originals

pytestmark = pytest.mark.once

SECONDS = float(os.environ.get("CLRPORTAL_FUZZ_SECONDS", "3600"))
FINDINGS = os.environ.get("CLRPORTAL_FUZZ_FINDINGS")
SMALL = 60
PROCESSOR_SECONDS = 8.0  # SEC-07

CHANGES: dict[str, changing.Change] = {
    "clr-1.0 json": changing.changed_json,
    "clr-1.0 jws": changing.changed_token,
    "ob-2.0 json": changing.changed_json,
    "ob-2.0 jws": changing.changed_token,
    "ob-3.0 json": changing.changed_json,
    "ob-3.0 jws": changing.changed_token,
    "clr-2.0 json": changing.changed_json,
    "clr-2.0 jws": changing.changed_token,
    "png": changing.changed_png,
    "svg": changing.changed_svg,
    "pdf": changing.changed_pdf,
    "text": changing.any_bytes,
}
SIGNED_AGAIN = ["clr-1.0 jws", "ob-3.0 json", "ob-3.0 jws", "clr-2.0 json", "clr-2.0 jws"]
WEBS = [format for format in CHANGES if format not in ("pdf", "text")]
PARTS = [*CHANGES, *(f"{one}, signed again" for one in SIGNED_AGAIN), *(f"{one}, changed web" for one in WEBS)]


@pytest.fixture(scope="module")
def originals(shared: Path) -> dict[str, list[Original]]:
    return all_originals(shared)


# --- what must hold -------------------------------------------------------------------------------------------


class TooLong(BaseException):
    """One verification has used the processor for longer than any may."""


@contextmanager
def limited_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, PROCESSOR_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def answered(judge: Callable[[], Result]) -> Result:
    """The result, which can be sent and shown."""
    with limited_time():
        result = judge()
    json.dumps(result.as_json()).encode()
    view_of(result)
    return result


def is_unchanged(result: Result, original: Original, given: list[bytes]) -> bool:
    """Whether a valid result is about what was signed in the original, or about what its issuer shows.

    Where the original is not valid, a change may by chance have put back what was signed once (taken away the very word
    that a forger had added, say); then a second reader must find the signature good.
    """
    before = original.result
    document = result.document
    if result.signed_form is not None:
        if _signed_input(result.signed_form) in _signed_inputs(before, given):
            return True
        return not before.valid and token_holds(result.signed_form, given)
    if isinstance(document, dict) and any(document == shown for shown in _documents(given)):
        return True
    if result.kind in ("set", "payload"):  # only frames: what counts is inside
        return bool(result.credentials) and all(is_unchanged(one, original, given) for one in result.credentials)
    if not isinstance(document, dict):
        return False
    if not before.valid:
        return proof_holds(document)
    return isinstance(before.document, dict) and says_the_same(signed_part(document), signed_part(before.document))


def token_holds(token: str, given: list[bytes]) -> bool:
    """Whether a key among the documents given fits a token, for ``cryptography`` alone."""
    head, payload, signature = (part.encode() for part in token.split("."))
    for pem in re.findall(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", b"\n".join(given), re.DOTALL):
        key = serialization.load_pem_public_key(pem.replace(b"\\n", b"\n").replace(b"\\r", b""))
        with suppress(InvalidSignature):
            assert isinstance(key, rsa.RSAPublicKey)
            data = base64.urlsafe_b64decode(signature + b"==")
            key.verify(data, head + b"." + payload, padding.PKCS1v15(), hashes.SHA256())
            return True
    return False


def proof_holds(document: dict[str, Any]) -> bool:
    """Whether an eddsa-rdfc-2022 proof by a did:key is good, for PyLD and ``cryptography`` alone."""
    proofs = document["proof"] if isinstance(document["proof"], list) else [document["proof"]]
    for proof in proofs:
        options = {name: value for name, value in proof.items() if name != "proofValue"}
        options["@context"] = document["@context"]
        key = base58.b58decode(proof["verificationMethod"].partition("#")[2][1:])
        if proof.get("cryptosuite") != "eddsa-rdfc-2022" or key[:2] != b"\xed\x01":
            continue
        data = b"".join(hashlib.sha256(by_pyld(one).encode()).digest() for one in (options, _unsecured(document)))
        with suppress(InvalidSignature):
            ed25519.Ed25519PublicKey.from_public_bytes(key[2:]).verify(base58.b58decode(proof["proofValue"][1:]), data)
            return True
    return False


def signed_part(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the contexts that count: a JCS proof names its own, and leaves out what was added after."""
    proof = document.get("proof")
    if isinstance(proof, dict) and "jcs" in str(proof.get("cryptosuite")) and "@context" in proof:
        return {**document, "@context": proof["@context"]}
    return document


def _signed_inputs(before: Result, given: list[bytes]) -> set[bytes]:
    tokens = [before.signed_form] if before.valid else []
    waiting = list(before.credentials)
    while waiting:
        nested = waiting.pop()
        waiting += nested.credentials
        if nested.valid:
            tokens.append(nested.signed_form)
    tokens += [body.decode("ascii", "replace").strip() for body in given if body[:2] == b"ey"]
    return {_signed_input(token) for token in tokens if token is not None}


def _signed_input(token: str) -> bytes:
    try:
        return jws_format.split(token).signing_input
    except ParseFault:
        return b""


def _documents(given: list[bytes]) -> Iterator[Any]:
    for body in given:
        try:
            yield strict_json.loads(body)
        except ParseFault:
            continue


def says_the_same(one: Any, other: Any) -> bool:
    """Whether two credentials say the same: equal statements for PyLD, which shares no line with the engine, and no
    value that stands in only one of them (PyLD passes over what no context defines)."""
    one, other = _unsecured(one), _unsecured(other)
    if one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True):
        return True
    return set(_scalars(one)) <= set(_scalars(other)) and by_pyld(one) == by_pyld(other)


def _unsecured(document: Any) -> Any:
    return {name: value for name, value in document.items() if name != "proof"}


def _scalars(value: Any) -> Iterator[str]:
    """Every value outside contexts and proofs; order and repetition may change without a change of what is said."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("@context", "proof"):
                yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    else:
        yield json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


# --- one try --------------------------------------------------------------------------------------------------

Try = Callable[[random.Random, list[bytes]], None]
"""Makes one change with the given chance, notes it in the list, and judges it. Raises where something is wrong."""


def tries_of(part: str, originals: dict[str, list[Original]]) -> Try:
    """What is tried in one part."""
    format, _, way = part.partition(", ")
    found = originals[format]
    change = CHANGES[format]
    if way == "signed again":
        found = [original for original in found if original.sign is not None]

    def changed(chance: random.Random, seen: list[bytes]) -> None:
        original = chance.choice(found)
        source = change(chance, original.source)
        seen[:] = [original.name.encode(), source]
        web = Listening(original.web())
        result = answered(lambda: original.judge(source, web))
        if result.valid:
            assert is_unchanged(result, original, web.given), original.name

    def signed_again(chance: random.Random, seen: list[bytes]) -> None:
        original = chance.choice(found)
        assert original.sign is not None
        document = original.result.document
        altered = chance.choice([changing.changed_tree, changing.changed_context])(chance, _unsecured(document))
        seen[:] = [original.name.encode(), json.dumps(altered).encode()]
        if isinstance(altered, dict):
            try:
                source = original.sign(altered)
            except Exception:  # noqa: BLE001  not every change can be signed
                return
            answered(lambda: original.judge(source))

    def changed_web(chance: random.Random, seen: list[bytes]) -> None:
        original = chance.choice(found)
        turn, status = chance.choice([1, 1, 2, 3, 4]), chance.choice([200, 200, 200, 404, 410, 500])

        def alter(body: bytes) -> bytes:
            altered = changing.changed_text(chance, body) if chance.random() < 0.9 else changing.any_bytes(chance, body)
            seen[:] = [original.name.encode(), str(turn).encode(), altered]
            return altered

        seen[:] = [original.name.encode()]
        answered(lambda: original.judge(original.source, Changed(original.web(), alter, turn, status)))

    return {"": changed, "signed again": signed_again, "changed web": changed_web}[way]


def run(
    part: str,
    originals: dict[str, list[Original]],
    tries: int,
    *,
    number: int | None = None,
    counted: list[int] | None = None,
) -> None:
    """Tries a part so many times, counting in ``counted``. Raises with the smallest input that shows a fault."""
    one = tries_of(part, originals)
    seen: list[bytes] = []
    count = [0] if counted is None else counted

    @settings(
        max_examples=examples(tries),
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        derandomize=False,
        print_blob=False,
    )
    @given(st.randoms(use_true_random=False))
    def attempt(chance: random.Random) -> None:
        count[0] += 1
        try:
            one(chance, seen)
        except TooLong:
            raise AssertionError("More than 8 seconds of the processor.") from None

    try:
        (seed(number)(attempt) if number is not None else attempt)()
    except BaseException as fault:
        _keep(part, seen, fault)
        raise


def _keep(part: str, seen: list[bytes], fault: BaseException) -> None:
    """Lays what was found into the folder that the environment names, to become a test."""
    if FINDINGS is None:
        return
    folder = Path(FINDINGS)
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(b"\0".join(seen)).hexdigest()[:12]
    (folder / f"{name}.input").write_bytes(seen[-1] if seen else b"")
    lines = [part, *(item.decode("utf-8", "replace")[:300] for item in seen[:-1]), *traceback.format_exception(fault)]
    (folder / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8", errors="replace")


@pytest.mark.parametrize("part", PARTS)
def test_changed_inputs_are_answered_and_never_better(part: str, originals: dict[str, list[Original]]) -> None:
    """SEC-21, SEC-22, SEC-27, SEC-28, I6"""
    run(part, originals, SMALL, number=20261120)


def test_there_are_originals_of_every_format_valid_and_not(originals: dict[str, list[Original]]) -> None:
    for format in CHANGES:
        verdicts = {original.result.verdict for original in originals[format]}
        assert "valid" in verdicts, format
        assert len(verdicts) > 1 or format in ("pdf", "text", "clr-2.0 jws"), format


@pytest.mark.soak
@pytest.mark.parametrize("part", PARTS)
def test_changed_inputs_for_an_hour(part: str, originals: dict[str, list[Original]], record_property: Any) -> None:
    """SEC-21: an hour in all, shared among the formats; says how many inputs it was."""
    end = time.monotonic() + SECONDS / len(PARTS)
    counted = [0]
    faults: dict[str, BaseException] = {}
    while time.monotonic() < end:
        try:
            run(part, originals, 250, counted=counted)
        except Exception as fault:  # noqa: BLE001  the hour goes on, so that one fault does not hide another
            place = traceback.extract_tb(fault.__traceback__)[-1]
            faults.setdefault(f"{type(fault).__name__} at {place.filename}:{place.lineno}", fault)
    record_property("inputs", counted[0])
    if faults:
        raise next(iter(faults.values()))
