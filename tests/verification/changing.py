"""Ways to change an input: trees, texts, tokens, pictures and PDFs, each as a forger or a bad cable would."""

from __future__ import annotations

import base64
import json
import random
import re
import unicodedata
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pikepdf
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from apps.standards import dids
from apps.standards.baking import png, svg
from apps.standards.proofs import data_integrity
from apps.standards.proofs.jws import encode_part

STRANGER = ed25519.Ed25519PrivateKey.generate()
STRANGER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)

ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    10**30,
    "",
    " ",
    "x",
    "urn:uuid:1",
    "https://a.example/",
    "https://[::1",
    "https://[::1#x",
    "http://\u0661",
    "did:key:z6Mk",
    "did:web:",
    "did:jwk:e30",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:60+23:59",
    "sha256$00",
    "a.b.c",
    "\ud7ff",
    "\u202e",
    "\x00",
    "Signed",
    "Hosted",
    "HostedBadge",
    "VerifiableCredential",
    "VerifiablePresentation",
    "https://www.w3.org/ns/credentials/v2",
    "https://w3id.org/openbadges/v2",
    [],
    {},
    [[]],
    [None],
    {"id": "#"},
    {"@value": "x"},
    {"@id": "urn:x", "@type": "@id"},
    {"@set": ["x"]},
    {"@list": []},
    {"@graph": []},
    {"@vocab": "urn:x:"},
    {"@context": {"@vocab": "urn:x:"}},
]
ODD_NAMES = [
    *(
        "id",
        "type",
        "@id",
        "@type",
        "@context",
        "@graph",
        "@reverse",
        "@included",
        "@nest",
        "name",
        "proof",
        "vc",
        "zz",
    ),
    *("revoked", "verification", "credentialStatus", "issuer", "badge", "x:y", "__proto__", "", "\u202e"),
]
ODD_BYTES = [
    *(b"", b"\x00", b"\xff", b'"', b"{", b"}", b"[", b"\\u0000", b"\\ud800", b"@context", b"1e999", b",", b":", b"."),
    *(b"\xef\xbb\xbf", b"\\", b"=", b"~", b" ", b"\n", b"<", b">", b"&", b"<!--", b"]]>", b"%", b"/JS", b"stream\n"),
]

Change = Callable[[random.Random, bytes], bytes]


# --- values ---------------------------------------------------------------------------------------------------


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Each container with each of its names or positions."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        container = waiting.pop()
        steps = list(container) if isinstance(container, dict) else range(len(container))
        for step in steps:
            found.append((container, step))
            if isinstance(container[step], dict | list):
                waiting.append(container[step])
    return found


def changed_value(chance: random.Random, value: Any) -> Any:
    """The value a little different, or another one."""
    if isinstance(value, str) and chance.random() < 0.7:
        return changed_string(chance, value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float) and chance.random() < 0.7:
        return chance.choice([value + 1, -value, value * 10, float(value), str(value), value + 1e-9])
    return chance.choice(ODD_VALUES)


def changed_string(chance: random.Random, text: str) -> str:
    """A text with one thing different, often one that the eye does not see."""
    if not text:
        return "x"
    at = chance.randrange(len(text))
    match chance.randrange(11):
        case 0:
            return text[:at] + chance.choice("aZ0-._~:/#?%é𝒜") + text[at + 1 :]
        case 1:
            return text[:at] + text[at + 1 :]
        case 2:
            return text[:at] + chance.choice(["\u200b", "\u202e", "\u00ad", " ", "\t", "\n", "\ufeff"]) + text[at:]
        case 3:
            return text.swapcase()
        case 4:
            return text.translate({ord("a"): "а", ord("e"): "е", ord("o"): "о", ord("/"): "\u2215"})
        case 5:
            return unicodedata.normalize("NFD", text)
        case 6:
            return text + chance.choice(["#x", "/", "?", "?a=b", ".", " ", "=", "\\", "%00", "@evil.example"])
        case 7:
            return re.sub(r"\d", lambda _: str(chance.randrange(10)), text, count=1)
        case 8:
            return text[::-1]
        case 9:
            return text * 2
    return text[: len(text) // 2]


def changed_tree(chance: random.Random, document: Any) -> Any:
    """A copy of a JSON value with one place replaced, removed, doubled, renamed, wrapped, moved or added to."""
    copy = json.loads(json.dumps(document))
    if not isinstance(copy, dict | list) or not copy:
        return chance.choice(ODD_VALUES)
    places = places_in(copy)
    container, step = chance.choice(places)
    match chance.randrange(10):
        case 0 | 1 | 2:
            container[step] = changed_value(chance, container[step])
        case 3:
            del container[step]
        case 4 if isinstance(container, list):
            container.insert(step, container[step])
        case 4:
            container[chance.choice(ODD_NAMES)] = container.pop(step)
        case 5:
            container[step] = [container[step]]
        case 6 if isinstance(container[step], list) and container[step]:
            container[step] = container[step][0]
        case 6 if isinstance(container[step], dict):
            container[step] = container[step].get("id", chance.choice(ODD_VALUES))
        case 7:  # what stands in one place, put in another
            source, name = chance.choice(places)
            container[step] = json.loads(json.dumps(source[name]))
        case 8 if isinstance(container, dict):
            container[chance.choice(ODD_NAMES)] = chance.choice(ODD_VALUES)
        case 8:
            container.append(chance.choice(ODD_VALUES))
        case 9 if isinstance(container, list):
            chance.shuffle(container)
        case _:
            container[step] = {"@value": container[step]} if chance.random() < 0.5 else {"id": container[step]}
    return copy


def changed_context(chance: random.Random, document: Any) -> Any:
    """A copy that means its names differently: contexts added, taken away, turned round, or redefining a term."""
    if not isinstance(document, dict):
        return changed_tree(chance, document)
    copy = json.loads(json.dumps(document))
    holders = [container for container, step in places_in(copy) if step == "@context"] or [copy]
    holder = chance.choice(holders)
    context = holder.get("@context", [])
    members = context if isinstance(context, list) else [context]
    name = chance.choice(sorted(document)) if document else "name"
    added = chance.choice(
        [
            {name: "urn:x:y"},
            {name: {"@id": "urn:x:y", "@type": "@json"}},
            {"@vocab": "urn:x:"},
            {"@language": "de"},
            {"@base": "https://evil.example/"},
            {"@version": 1.1, "@protected": True, "zz": "urn:x:zz"},
            "https://w3id.org/security/data-integrity/v2",
            "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld",
            None,
            {"@import": "https://www.w3.org/ns/credentials/v2"},
        ]
    )
    match chance.randrange(5):
        case 0:
            members = [*members, added]
        case 1:
            members = [added, *members]
        case 2:
            members = members[::-1]
        case 3:
            members = members[1:]
        case 4:
            container = chance.choice([one for one, _ in places_in(copy) if isinstance(one, dict)] or [copy])
            container["@context"] = [added]
            return copy
    holder["@context"] = members
    return copy


def changed_proof(chance: random.Random, document: Any) -> Any:
    """A copy whose proof is different, doubled, borrowed, or a stranger's."""
    if not isinstance(document, dict) or "proof" not in document:
        return changed_tree(chance, document)
    copy = json.loads(json.dumps(document))
    proof = copy["proof"]
    did = dids.did_key_of(STRANGER.public_key())
    method = f"{did}#{did.removeprefix('did:key:')}"
    match chance.randrange(6):
        case 0 | 1:
            copy["proof"] = changed_tree(chance, proof)
        case 2:
            copy["proof"] = [*(proof if isinstance(proof, list) else [proof]), changed_tree(chance, proof)]
        case 3 | 4:  # signed once more, by somebody else; in the second case after a change
            if chance.random() < 0.5:
                copy = changed_tree(chance, copy)
            del_proof = (
                {name: value for name, value in copy.items() if name != "proof"} if isinstance(copy, dict) else {}
            )
            first = (proof if isinstance(proof, list) and proof else [proof])[0]
            named = chance.choice([method, first.get("verificationMethod") if isinstance(first, dict) else first])
            try:
                return data_integrity.sign(
                    del_proof, STRANGER, verification_method=str(named), created="2025-07-01T00:00:00Z"
                )
            except Exception:  # noqa: BLE001  what cannot be signed is handed in as it is
                return copy
        case 5:
            inner = [container[step] for container, step in places_in(copy) if step == "proof"]
            copy["proof"] = chance.choice(inner)
    return copy


def written(chance: random.Random, value: Any) -> bytes:
    """A JSON value as text, in one of the many ways that mean the same, or nearly."""
    match chance.randrange(4):
        case 0:
            return json.dumps(value, indent=1).encode()
        case 1:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        case 2 if isinstance(value, dict) and value:  # a name twice: two readers may differ on which counts
            text = json.dumps(value)
            name = chance.choice(sorted(value))
            return f"{text[:-1]}, {json.dumps(name)}: {json.dumps(changed_value(chance, value[name]))}}}".encode()
    return json.dumps(value).encode()


# --- texts ----------------------------------------------------------------------------------------------------


def changed_bytes(chance: random.Random, source: bytes) -> bytes:
    """One stretch replaced, cut out, or put in twice."""
    position = chance.randrange(len(source) + 1)
    length = chance.choice([0, 1, 1, 1, 2, 8, 64])
    if chance.random() < 0.15:
        return source[:position] + source[position : position + length] * 2 + source[position + length :]
    middle = chance.choice([*ODD_BYTES, bytes([chance.randrange(32, 127)]), bytes([chance.randrange(256)])])
    return source[:position] + middle + source[position + length :]


def changed_json(chance: random.Random, source: bytes) -> bytes:
    """A JSON text: changed as text, or as a tree, or in its contexts or its proof."""
    way = chance.random()
    if way < 0.2:
        return changed_bytes(chance, source)
    try:
        document = json.loads(source)
    except (ValueError, RecursionError):
        return changed_bytes(chance, source)
    change = changed_tree if way < 0.7 else changed_context if way < 0.83 else changed_proof
    document = change(chance, document)
    if chance.random() < 0.2:
        document = changed_tree(chance, document)
    return written(chance, document)


def decoded_part(part: bytes) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}


def changed_token(chance: random.Random, source: bytes) -> bytes:
    """A compact JWS: changed letters, another header, another content, or a signature of somebody else."""
    parts = source.strip().split(b".")
    if len(parts) != 3 or chance.random() < 0.35:
        return changed_bytes(chance, source)
    head, payload, signature = parts
    header, content = decoded_part(head), decoded_part(payload)
    match chance.randrange(9):
        case 0:
            head = encode_part(json.dumps(changed_tree(chance, header)).encode())
        case 1 | 2:
            payload = encode_part(written(chance, changed_tree(chance, content)))
        case 3:  # without any signature
            head = encode_part(json.dumps({**header, "alg": chance.choice(["none", "None", "NONE", ""])}).encode())
            signature = chance.choice([b"", signature])
        case 4:  # the public key as a shared secret
            head = encode_part(json.dumps({**header, "alg": "HS256"}).encode())
            jwk = json.dumps(header.get("jwk", header)).encode()
            code = hmac.HMAC(jwk, hashes.SHA256())
            code.update(head + b"." + payload)
            signature = encode_part(code.finalize())
        case 5 | 6:  # a stranger's key, said to be the right one or brought along
            named = dict(header) if isinstance(header, dict) else {}
            if chance.random() < 0.5:
                named["jwk"] = dids.jwk_of(STRANGER_RSA.public_key())
            if chance.random() < 0.3:
                named.pop("kid", None)
            named["alg"] = "RS256"
            head = encode_part(json.dumps(named).encode())
            if chance.random() < 0.5:
                payload = encode_part(json.dumps(changed_tree(chance, content)).encode())
            made = STRANGER_RSA.sign(head + b"." + payload, padding.PKCS1v15(), hashes.SHA256())
            signature = encode_part(made)
        case 7:  # the last letter of base64 has bits that say nothing
            last = chance.choice([head, payload, signature])
            other = last[:-1] + bytes(
                [chance.choice(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")]
            )
            head, payload, signature = (other if part is last else part for part in (head, payload, signature))
        case 8:
            return chance.choice([b"\n", b"", b" "]).join([source, chance.choice(ODD_BYTES)])
    return b".".join((head, payload, signature))


def changed_text(chance: random.Random, source: bytes) -> bytes:
    """A record in whichever text it stands."""
    return changed_json(chance, source) if source.lstrip()[:1] in (b"{", b"[") else changed_token(chance, source)


# --- files ----------------------------------------------------------------------------------------------------


def _chunks(image: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 8
    while position + 12 <= len(image):
        length = int.from_bytes(image[position : position + 4])
        found.append((image[position + 4 : position + 8], image[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def _picture(chunks: list[tuple[bytes, bytes]]) -> bytes:
    pieces = [png.SIGNATURE]
    for kind, data in chunks:
        pieces += [len(data).to_bytes(4), kind, data, zlib.crc32(kind + data).to_bytes(4)]
    return b"".join(pieces)


def changed_png(chance: random.Random, source: bytes) -> bytes:
    """A baked picture: another text baked in, chunks changed with a right checksum, or bytes changed."""
    chunks = _chunks(source)
    if chance.random() < 0.3 or not chunks:
        return changed_bytes(chance, source)
    baked = [index for index, (kind, data) in enumerate(chunks) if kind in (b"iTXt", b"tEXt") and b"\0" in data]
    index = chance.choice(baked) if baked and chance.random() < 0.8 else chance.randrange(len(chunks))
    kind, data = chunks[index]
    head, _, text = data.rpartition(b"\0")
    match chance.randrange(6):
        case 0 | 1:
            chunks[index] = (kind, head + b"\0" + changed_text(chance, text))
        case 2:  # a second one before or after it
            chunks.insert(index + chance.randrange(2), (kind, head + b"\0" + changed_text(chance, text)))
        case 3:
            chunks[index] = (kind, changed_bytes(chance, data))
        case 4:
            keyword = head.partition(b"\0")[0]
            chunks[index] = (b"iTXt", keyword + b"\0\1\0\0\0" + zlib.compress(changed_text(chance, text)))
        case 5:
            chunks[index] = (chance.choice([b"tEXt", b"zTXt", b"iTXt", b"IDAT", b"IEND"]), data)
    return _picture(chunks)


def changed_svg(chance: random.Random, source: bytes) -> bytes:
    """A baked drawing: another text in it, a second one, or letters changed."""
    if chance.random() < 0.5:
        return changed_bytes(chance, source)
    try:
        text = svg.extract(source)
    except Exception:  # noqa: BLE001  a drawing that has none is changed as text
        return changed_bytes(chance, source)
    raw = text.encode()
    other = changed_text(chance, raw).decode("utf-8", "replace")
    match chance.randrange(4):
        case 0 if raw in source:
            return source.replace(raw, other.encode(), 1)
        case 1:
            element = f'<openbadges:assertion xmlns:openbadges="http://openbadges.org" verify="{other[:2000]}"/>'
            return re.sub(rb"(<svg[^>]*>)", lambda match: match[0] + element.encode(), source, count=1)
        case 2:
            return b'<!DOCTYPE svg [<!ENTITY a "x">]>' + source
    try:
        return svg.bake(source, verify="x", body=other) if other.startswith("{") else svg.bake(source, verify=other)
    except Exception:  # noqa: BLE001  what cannot be baked is put in by hand
        return changed_bytes(chance, source)


def changed_pdf(chance: random.Random, source: bytes) -> bytes:
    """A PDF with a record attached: bytes changed, or another attachment, or a second one."""
    if chance.random() < 0.6:
        return changed_bytes(chance, source)
    with pikepdf.open(BytesIO(source)) as pdf:
        [attached] = list(pdf.Root["/AF"])  # type: ignore[call-overload]
        stream = attached["/EF"]["/F"]
        content = stream.read_bytes()
        match chance.randrange(5):
            case 0 | 1:
                stream.write(changed_text(chance, content))
            case 2:
                pdf.Root["/AF"].append(pdf.make_indirect(pikepdf.Dictionary(attached)))
            case 3:
                attached["/UF"] = pikepdf.String(changed_string(chance, "clr.jws"))
            case 4:
                name = chance.choice(sorted(pdf.Root.keys()))
                pdf.Root[name] = chance.choice([pikepdf.Array([]), pikepdf.Dictionary(), pikepdf.String("x")])
        out = BytesIO()
        try:
            pdf.save(out)
        except (pikepdf.PdfError, RuntimeError):
            return changed_bytes(chance, source)
    return out.getvalue()


BEGINNINGS = [
    *(
        b"",
        b"{",
        b'{"@context": ',
        b"ey",
        b"eyJhbGciOiJSUzI1NiJ9.",
        b"<svg ",
        b'<svg xmlns="http://www.w3.org/2000/svg">',
    ),
    *(
        b"%PDF-1.7\n",
        png.SIGNATURE,
        b"https://",
        b"http://records.college.example/",
        b"did:web:",
        b"\xef\xbb\xbf",
        b"[" * 90,
    ),
]


def any_bytes(chance: random.Random, source: bytes) -> bytes:
    """The beginning of some format, and then anything."""
    rest = chance.randbytes(chance.randrange(40)) if chance.random() < 0.5 else changed_bytes(chance, source[:300])
    return chance.choice(BEGINNINGS) + rest
