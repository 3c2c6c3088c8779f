"""Verifications per second by format, beside the bare check of the signature and beside PyLD's own canonical form.

Everything is counted: recognising, schema, keys, proof, status, dates, and each credential inside. Documents of
issuers come from memory, so that the network is not what is measured.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import base58
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from pyld import jsonld

from apps.demo.bench import Row, median_seconds, peers
from apps.standards import dids
from apps.standards.clr1 import model as clr1_model
from apps.standards.clr1 import write as clr1
from apps.standards.clr2 import write as clr2
from apps.standards.errors import NotReachable
from apps.standards.jsonld import contexts
from apps.standards.ob3 import write as ob3
from apps.standards.proofs import data_integrity, vc_jwt
from apps.standards.proofs import jws as jws_format
from apps.standards.verify.engine import verify
from apps.standards.verify.sources import Fetched

_NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_CREATED = "2026-07-01T00:00:00Z"
_HOST = "https://bench.example"
_ISSUER = "did:web:bench.example"
_METHOD = f"{_ISSUER}#key-1"
_LEARNER = "urn:uuid:5f9d1c0e-3f0b-4d57-9d0e-1c2b3a4d5e6f"
_SIZES = (10, 50, 200)
_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class _Web:
    """Documents by address, from memory."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    def serve(self, url: str, document: Any) -> None:
        self.bodies[url] = document if isinstance(document, bytes) else json.dumps(document).encode()

    def fetch(self, url: str, *, kind: str) -> Fetched:
        """The document at an address; ``NotReachable`` for any other."""
        if url not in self.bodies:
            raise NotReachable("Nobody answers there.")
        kind = "image/png" if url.endswith(".png") else "application/json"
        return Fetched(200, kind, self.bodies[url], url)


def run() -> list[Row]:
    """One row for each format and size; see the module."""
    web = _Web()
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = ed25519.Ed25519PrivateKey.generate()
    methods = [
        dids.verification_method(_METHOD, _ISSUER, key.public_key()),
        dids.verification_method(f"{_ISSUER}#key-2", _ISSUER, rsa_key.public_key()),
    ]
    web.serve(f"{_HOST}/.well-known/did.json", dids.controller_document(_ISSUER, methods))
    rows = [
        _signed_row("CLR 1.0, 40 assertions", _clr1_record(rsa_key, web, 40), rsa_key, web),
        _signed_row("Open Badges 2.0", _ob2_badge(rsa_key, web), rsa_key, web),
        _signed_row("Open Badges 3.0, VC-JWT", _token(_badge(1), rsa_key), rsa_key, web),
        _signed_row("CLR 2.0, VC-JWT, 50 assertions", _token(_record(key, 50), rsa_key), rsa_key, web, goal=False),
        *_proven_rows("Open Badges 3.0, Data Integrity", _signed(_badge(1), key), key, web, runs=9),
    ]
    for size in _SIZES:
        record = _signed(_record(key, size), key)
        rows += _proven_rows(f"Data Integrity, {size} assertions", record, key, web, runs=5 if size > 100 else 7)
    rows += _growth(rows)
    return [*rows, *_peer_rows(key)] if peers.wanted() else rows


def _growth(rows: list[Row]) -> list[Row]:
    """Assertions per second of the larger records beside those of the smallest: one where time grows linearly."""
    rates = {
        size: row["value"] * size
        for size in _SIZES
        for row in rows
        if row["case"] == f"Data Integrity, {size} assertions" and row["reference"] == "PyLD"
    }
    smallest = _SIZES[0]
    return [
        {
            "name": "verify",
            "case": f"linear, {size} assertions against {smallest}",
            "reference": f"{smallest} assertions",
            "value": rates[size],
            "unit": "assertions/s",
            "raw": rates[smallest],
            "ratio": rates[size] / rates[smallest],
            "runs": 5,
        }
        for size in _SIZES[1:]
    ]


# --- signed texts ---------------------------------------------------------------------------------------------


def _signed_row(case: str, token: bytes, key: rsa.RSAPrivateKey, web: _Web, *, goal: bool = True) -> Row:
    jws = jws_format.split(token)
    public, pkcs1, sha256 = key.public_key(), padding.PKCS1v15(), hashes.SHA256()
    ours = _seconds(lambda: _judge(token, web), 9)
    bare = _seconds(lambda: public.verify(jws.signature, jws.signing_input, pkcs1, sha256), 9)
    return _row(case, "bare RSA", ours, bare, 9, with_ratio=goal)


def _row(case: str, reference: str, ours: float, raw: float, runs: int, *, with_ratio: bool) -> Row:
    return {
        "name": "verify",
        "case": case,
        "reference": reference,
        "value": 1 / ours,
        "unit": "verifications/s",
        "raw": 1 / raw,
        "ratio": raw / ours if with_ratio else None,
        "runs": runs,
    }


def _seconds(work: Callable[[], object], runs: int) -> float:
    """The median time of one call; short calls are repeated so that the clock can tell them apart."""
    single = median_seconds(work, 1)
    times = max(1, int(0.02 / max(single, 1e-7)))

    def repeated() -> None:
        for _ in range(times):
            work()

    return median_seconds(repeated, runs) / times


def _judge(source: bytes, web: _Web) -> None:
    result = verify(source, fetcher=web, now=_NOW)
    if not result.valid:
        raise AssertionError(f"The benchmark's own record is not valid: {result.sentence}")


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _token(document: dict[str, Any], key: rsa.RSAPrivateKey) -> bytes:
    signer = jws_format.Signer(_pem(key), f"{_ISSUER}#key-2", typ="JWT")
    return signer.sign(json.dumps(vc_jwt.payload_for(document)).encode())


def _clr1_record(key: rsa.RSAPrivateKey, web: _Web, size: int) -> bytes:
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    issuer, key_id = f"{_HOST}/profiles/1", f"{_HOST}/keys/1"
    published = clr1.cryptographic_key(id=key_id, owner=issuer, public_key_pem=public)
    profile = {"id": issuer, "type": "Profile", "name": "Bench College", "publicKey": clr1.to_json(published)}
    web.serve(issuer, {"@context": clr1_model.CONTEXT_URL, **profile})
    web.serve(key_id, clr1.standing_alone(published))
    assertions = []
    for number in range(size):
        grade = f"urn:uuid:{uuid.UUID(int=3 * number)}"
        achievement = {
            "id": f"urn:uuid:{uuid.UUID(int=3 * number + 1)}",
            "type": "Achievement",
            "achievementType": "Course",
            "name": f"Course {number}",
            "description": "Integration techniques and series, with applications. " * 4,
            "creditsAvailable": 4.0,
            "issuer": {"id": issuer, "type": "Profile", "name": "Bench College"},
            "resultDescriptions": [
                {"id": grade, "name": "Grade", "resultType": "LetterGrade", "allowedValues": ["C", "B", "A"]}
            ],
        }
        assertions.append(
            {
                "id": f"urn:uuid:{uuid.UUID(int=3 * number + 2)}",
                "type": "Assertion",
                "issuedOn": "2026-06-20T00:00:00Z",
                "recipient": {"type": "id", "identity": _LEARNER, "hashed": False},
                "achievement": achievement,
                "results": [{"resultDescription": grade, "value": "B"}],
            }
        )
    payload = {
        "@context": clr1_model.CONTEXT_URL,
        "id": f"{_HOST}/clrs/1",
        "type": "Clr",
        "issuedOn": "2026-06-30T15:00:00Z",
        "learner": {"id": _LEARNER, "type": "Profile", "name": "Ada Núñez"},
        "publisher": profile,
        "assertions": assertions,
        "verification": {"type": "Signed", "creator": key_id},
    }
    return jws_format.Signer(_pem(key), key_id).sign(clr1.canonical(payload))


def _ob2_badge(key: rsa.RSAPrivateKey, web: _Web) -> bytes:
    context = "https://w3id.org/openbadges/v2"
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    issuer, key_id, badge_class = f"{_HOST}/ob2/issuer", f"{_HOST}/ob2/key", f"{_HOST}/ob2/badge"
    published = {"id": key_id, "type": "CryptographicKey", "owner": issuer, "publicKeyPem": public}
    web.serve(key_id, {"@context": context, **published})
    web.serve(
        issuer,
        {
            "@context": context,
            "id": issuer,
            "type": "Issuer",
            "name": "Bench College",
            "url": _HOST,
            "email": "badges@bench.example",
            "publicKey": published,
        },
    )
    web.serve(
        badge_class,
        {
            "@context": context,
            "id": badge_class,
            "type": "BadgeClass",
            "name": "Course",
            "description": "A course.",
            "image": f"{_HOST}/ob2/image.png",
            "criteria": {"narrative": "Passed."},
            "issuer": issuer,
        },
    )
    web.serve(f"{_HOST}/ob2/image.png", _PICTURE)
    payload = {
        "@context": context,
        "id": "urn:uuid:3d1c2b5e-7f1a-4f0e-9d4e-0a1b2c3d4e5f",
        "type": "Assertion",
        "recipient": {"type": "email", "hashed": False, "identity": "ada@learners.example"},
        "badge": badge_class,
        "issuedOn": "2026-06-30T15:00:00Z",
        "verification": {"type": "SignedBadge", "creator": key_id},
    }
    return jws_format.Signer(_pem(key)).sign(json.dumps(payload).encode())


# --- embedded proofs ------------------------------------------------------------------------------------------


def _badge(number: int) -> dict[str, Any]:
    grade = f"urn:uuid:{uuid.UUID(int=2 * number)}"
    course = ob3.achievement(
        f"{_HOST}/achievements/{number}",
        name=f"Course {number}",
        description="Integration techniques and series, with applications. " * 4,
        criteria="Final grade of C or better.",
        achievementType="Course",
        creditsAvailable=4,
        humanCode=f"MATH {number}",
        resultDescription=[
            {
                "id": grade,
                "type": ["ResultDescription"],
                "name": "Grade",
                "resultType": "LetterGrade",
                "allowedValue": ["C", "B", "A"],
            }
        ],
    )
    return ob3.badge(
        id=f"urn:uuid:{uuid.UUID(int=2 * number + 1)}",
        issuer=ob3.profile(_ISSUER, "Bench College", url=_HOST),
        valid_from="2026-06-20T00:00:00Z",
        subject=ob3.subject(
            achievement=course, id=_LEARNER, result=[ob3.result(result_description=grade, value="B")], creditsEarned=4
        ),
        name=f"Course {number}",
    )


def _record(key: ed25519.Ed25519PrivateKey, size: int) -> dict[str, Any]:
    return clr2.record(
        id=f"{_HOST}/credentials/1",
        issuer=ob3.profile(_ISSUER, "Bench College", url=_HOST),
        valid_from="2026-06-30T15:00:00Z",
        name="Academic record",
        subject=clr2.subject(credentials=[_signed(_badge(number), key) for number in range(size)], id=_LEARNER),
        partial=False,
    )


def _signed(document: dict[str, Any], key: ed25519.Ed25519PrivateKey) -> dict[str, Any]:
    return data_integrity.sign(document, key, verification_method=_METHOD, created=_CREATED)


def _proven_rows(
    case: str, document: dict[str, Any], key: ed25519.Ed25519PrivateKey, web: _Web, *, runs: int
) -> list[Row]:
    source = json.dumps(document).encode()
    documents = [document, *document["credentialSubject"].get("verifiableCredential", [])]
    public = key.public_key()
    signature = base58.b58decode(document["proof"]["proofValue"][1:])
    signed = data_integrity.verify(document, document["proof"], public)
    if signed is None:
        raise AssertionError("the suite of the benchmark signs the whole document")

    def bare() -> None:
        for _ in documents:
            public.verify(signature, signed.data)

    ours = _seconds(lambda: _judge(source, web), runs)
    return [
        _row(case, "PyLD", ours, _seconds(lambda: _by_pyld(documents, public), runs), runs, with_ratio=True),
        _row(case, "bare Ed25519", ours, _seconds(bare, runs), runs, with_ratio=False),
    ]


def _by_pyld(documents: list[dict[str, Any]], key: ed25519.Ed25519PublicKey) -> None:
    """The common way in Python: PyLD for both canonical forms, ``cryptography`` for the signature, nothing else."""
    for document in documents:
        unsecured = {name: value for name, value in document.items() if name != "proof"}
        options = {name: value for name, value in document["proof"].items() if name != "proofValue"}
        options["@context"] = unsecured["@context"]
        data = b"".join(hashlib.sha256(_form(one).encode()).digest() for one in (options, unsecured))
        key.verify(base58.b58decode(document["proof"]["proofValue"][1:]), data)


def _form(document: dict[str, Any]) -> str:
    form = jsonld.normalize(
        document,
        {
            "algorithm": "URDNA2015",
            "format": "application/n-quads",
            "documentLoader": _load,
            "base": "https://undefined.invalid/",
        },
    )
    return str(form)


def _load(url: str, options: Any) -> dict[str, Any]:
    return {"contextUrl": None, "documentUrl": url, "document": contexts.document_for(url)}


# --- programs of others ---------------------------------------------------------------------------------------


def _peer_rows(key: ed25519.Ed25519PrivateKey) -> list[Row]:
    """The same kind of documents, signed by a did:key, judged here and by each peer: every credential on its own."""
    issuer = dids.did_key_of(key.public_key())
    method = f"{issuer}#{issuer.removeprefix('did:key:')}"

    def signed(document: dict[str, Any]) -> dict[str, Any]:
        named = {**document, "issuer": {**document["issuer"], "id": issuer}}
        return data_integrity.sign(named, key, verification_method=method, created=_CREATED)

    cases = {"Open Badges 3.0, Data Integrity": signed(_badge(1))}
    for size in _SIZES[:2]:
        record = _record(key, 1)
        record["credentialSubject"]["verifiableCredential"] = [signed(_badge(number)) for number in range(size)]
        cases[f"Data Integrity, {size} assertions"] = signed(record)
    rows = []
    in_python = peers.openvc()
    with peers.node() as node:
        for case, document in cases.items():
            source = json.dumps(document).encode()
            inside = document["credentialSubject"].get("verifiableCredential", [])
            documents, runs = [document, *inside], 5
            ours = _seconds(partial(_judge, source, _Web()), runs)
            if in_python is not None and not inside:  # it takes an enclosing CLR 2.0 record for malformed
                name, there = in_python
                theirs = _seconds(partial(_each, there, documents), runs)
                rows.append(_row(case, name, ours, theirs, runs, with_ratio=False))
            for name, seconds in _on_node(node, documents, runs) if node is not None else ():
                rows.append(_row(case, name, ours, seconds, runs, with_ratio=False))
    return rows


def _each(judge: Callable[[dict[str, Any]], object], documents: list[dict[str, Any]]) -> None:
    for document in documents:
        judge(document)


def _on_node(node: peers.RunNode, documents: list[dict[str, Any]], runs: int) -> list[tuple[str, float]]:
    ways: dict[str, dict[str, Any]] = {"@digitalbazaar/vc": {"do": "verify", "suite": "eddsa-rdfc-2022"}}
    if len(documents) == 1:  # it brings the contexts of badges along, and none of records
        ways["@digitalcredentials/verifier-core"] = {"do": "verifier-core"}
    asked = [
        {"do": "time", "runs": runs, "jobs": [{**way, "credential": document} for document in documents]}
        for way in ways.values()
    ]
    found = []
    for name, answer in zip(ways, node(asked), strict=True):
        if not answer["verified"]:
            raise AssertionError(f"{name} does not verify the benchmark's own record: {answer}")
        found.append((peers.version_on_node(name), answer["ms"] / 1000))
    return found
