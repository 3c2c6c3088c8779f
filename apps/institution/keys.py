"""The institution's signing keys: how they are kept, and their life from next to active to retired (SEC-61).

A private part stands in the database only encrypted with AES-256-GCM under the key-encryption key (KEK), a file of mode
0600 outside the database; the key's own id and purpose are authenticated with it, so that a ciphertext cannot be moved
to another row. It is decrypted once per process, in the process that signs.
"""

import base64
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.institution import audit
from apps.institution.models import Organization, SigningKey
from apps.standards.proofs.jws import Signer

PURPOSE = b"clrportal signing key"
RSA_BITS = 2048


class KekUnavailable(Exception):
    """The key-encryption key is missing, readable by others, or not the one that the keys were encrypted under."""


class KeyUnusable(Exception):
    """What was asked of a signing key cannot be done in its present state."""


# --- The key-encryption key -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Kek:
    """One key-encryption key and the short id that stands before what it encrypted."""

    id: bytes
    secret: bytes

    @classmethod
    def new(cls) -> "Kek":
        """A fresh one."""
        return cls(secrets.token_bytes(8), secrets.token_bytes(32))

    @classmethod
    def from_line(cls, line: str) -> "Kek":
        """One line of the file: id in hex, blank, key in base64."""
        name, _, secret = line.partition(" ")
        kek = cls(bytes.fromhex(name), base64.b64decode(secret, validate=True))
        if len(kek.id) != 8 or len(kek.secret) != 32:
            raise ValueError("wrong length")
        return kek

    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.id.hex()} {base64.b64encode(self.secret).decode()}\n"


def load_keks() -> list[Kek]:
    """The key-encryption keys of the file, the present one first; made on first use outside production.

    Raises `KekUnavailable` with a sentence for the operator.
    """
    path = Path(settings.KEK_FILE)
    if not path.exists():
        if settings.PRODUCTION:
            raise KekUnavailable(f"The key-encryption key is missing: there is no file {path}.")
        if SigningKey.objects.exists():
            raise KekUnavailable(f"The file {path} with the key-encryption key is gone; restore it from its backup.")
        _write_kek_file(path, [Kek.new()], replace=False)
    if path.stat().st_mode & 0o077:
        raise KekUnavailable(f"The key-encryption key {path} can be read by others; give it mode 0600.")
    try:
        return [Kek.from_line(line) for line in path.read_text("ascii").splitlines() if line.strip()]
    except (ValueError, UnicodeDecodeError):
        raise KekUnavailable(f"The file {path} does not hold a key-encryption key.") from None


def _write_kek_file(path: Path, keks: list[Kek], *, replace: bool) -> None:
    """Writes the file whole or not at all; without `replace` an existing one is left as it is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".kek-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(kek.line() for kek in keks)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            Path(temporary).replace(path)
            return
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return
    finally:
        Path(temporary).unlink(missing_ok=True)


def _bound_to(key_id: UUID, algorithm: str) -> bytes:
    return b"\x00".join((PURPOSE, key_id.bytes, algorithm.encode()))


def encrypt(private_pem: bytes, key_id: UUID, algorithm: str, kek: Kek) -> bytes:
    """KEK id, nonce and ciphertext of a private key, bound to its id and purpose."""
    nonce = secrets.token_bytes(12)
    return kek.id + nonce + AESGCM(kek.secret).encrypt(nonce, private_pem, _bound_to(key_id, algorithm))


def decrypt(key: SigningKey) -> bytes:
    """The private part in PEM. Raises `KekUnavailable`."""
    sealed = bytes(key.private_encrypted)
    kek = next((kek for kek in load_keks() if kek.id == sealed[:8]), None)
    if kek is None:
        raise KekUnavailable(f"Key {key.public_id} was encrypted under another key-encryption key than the file holds.")
    try:
        return AESGCM(kek.secret).decrypt(sealed[8:20], sealed[20:], _bound_to(key.public_id, key.algorithm))
    except InvalidTag:
        raise KekUnavailable(f"The private part of key {key.public_id} cannot be opened: it was changed.") from None


# --- Other secrets under the same key -----------------------------------------------------------


def seal(secret: bytes, *, purpose: str, subject: Any) -> bytes:
    """A secret of another room, encrypted like a private key and bound to its purpose and the row it belongs to."""
    kek = load_keks()[0]
    nonce = secrets.token_bytes(12)
    return kek.id + nonce + AESGCM(kek.secret).encrypt(nonce, secret, _sealed_for(purpose, subject))


def unseal(sealed: bytes, *, purpose: str, subject: Any) -> bytes:
    """What `seal` hid. Raises `KekUnavailable` where the key is another, or the bytes were changed or moved."""
    kek = next((kek for kek in load_keks() if kek.id == sealed[:8]), None)
    if kek is None:
        raise KekUnavailable("A secret was encrypted under another key-encryption key than the file holds.")
    try:
        return AESGCM(kek.secret).decrypt(sealed[8:20], sealed[20:], _sealed_for(purpose, subject))
    except InvalidTag:
        raise KekUnavailable("A secret cannot be opened: it was changed, or belongs to something else.") from None


def _sealed_for(purpose: str, subject: Any) -> bytes:
    return b"\x00".join((b"clrportal secret", purpose.encode(), str(subject).encode()))


ON_REWRAP: list[Callable[[], None]] = []
"""Rooms that keep sealed secrets register here; each opens its own and seals them again, within the transaction."""


# --- Addresses and signers --------------------------------------------------------------------


def public_base(organization: Organization | None = None) -> str:
    """The base of the ids of the institution's objects: fixed with its first key, until then the base address."""
    home = organization if organization is not None and organization.is_home else None
    if home is None:
        home = Organization.objects.filter(is_home=True).only("base_url", "is_home").first()
    return (home.base_url if home else "") or settings.BASE_URL


def address(key: SigningKey) -> str:
    """The id of a key: where its document is served (contract, *Addresses*)."""
    return f"{key.base_url}/ims/clr/v1p0/keys/{key.public_id}"


_signers: dict[tuple[int, str], Signer] = {}


def signer(key: SigningKey) -> Signer:
    """The signer of a key, its private part read and decrypted once per process. Raises `KekUnavailable`."""
    known = _signers.get((key.pk, key.thumbprint))
    if known is None:
        known = _signers[key.pk, key.thumbprint] = Signer(decrypt(key))
    return known


def forget_signers() -> None:
    """Drops every decrypted key of this process."""
    _signers.clear()


# --- The life of a key ------------------------------------------------------------------------


def create(organization: Organization, algorithm: str = SigningKey.Algorithm.RS256, *, by: Any = None) -> SigningKey:
    """Makes the next key of an institution; it signs nothing before `rotate`."""
    kek = load_keks()[0]
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm == SigningKey.Algorithm.RS256:
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    elif algorithm == SigningKey.Algorithm.ED25519:
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        raise KeyUnusable(f"There is no algorithm {algorithm}; choose RS256 or Ed25519.")
    public = private.public_key()
    key = SigningKey(
        organization=organization,
        algorithm=algorithm,
        public_pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        thumbprint=hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest(),
        base_url=public_base(organization),
    )
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.private_encrypted = encrypt(pem, key.public_id, algorithm, kek)
    with transaction.atomic():
        key.save()
        home = Organization.objects.select_for_update().get(pk=organization.pk)
        if not home.base_url:
            home.base_url = organization.base_url = key.base_url
            home.save(update_fields=["base_url"])
        audit.record("key.created", key, by, algorithm=algorithm, thumbprint=key.thumbprint)
        transaction.on_commit(checkpoint)
    return key


def active_key(organization: Organization, algorithm: str = SigningKey.Algorithm.RS256) -> SigningKey | None:
    """The key that signs now, if there is one."""
    return SigningKey.objects.filter(
        organization=organization, algorithm=algorithm, state=SigningKey.State.ACTIVE
    ).first()


def ensure_active_key(organization: Organization, algorithm: str = SigningKey.Algorithm.RS256) -> SigningKey:
    """The key that signs now; the first one is made and made active here, whoever else tries at the same time."""
    found = active_key(organization, algorithm)
    if found is not None:
        return found
    try:
        return rotate(organization, algorithm)
    except IntegrityError:
        found = active_key(organization, algorithm)
        if found is None:
            raise
        return found


def rotate(organization: Organization, algorithm: str = SigningKey.Algorithm.RS256, *, by: Any = None) -> SigningKey:
    """Makes the next key active (a new one where none was prepared) and retires the one that was."""
    following = SigningKey.objects.filter(
        organization=organization, algorithm=algorithm, state=SigningKey.State.NEXT
    ).order_by("created_at")
    key = following.first() or create(organization, algorithm, by=by)
    now = timezone.now()
    with transaction.atomic():
        old = active_key(organization, algorithm)
        if old is not None:
            _retire(old, now, by)
        key.state, key.activated_at = SigningKey.State.ACTIVE, now
        key.save(update_fields=["state", "activated_at"])
        audit.record("key.activated", key, by, thumbprint=key.thumbprint)
        transaction.on_commit(checkpoint)
    return key


def retire(key: SigningKey, *, by: Any = None) -> None:
    """Lets a key sign nothing more; what it signed stays valid and its document stays published."""
    if key.state == SigningKey.State.COMPROMISED:
        raise KeyUnusable("A compromised key cannot be retired.")
    with transaction.atomic():
        _retire(key, timezone.now(), by)
        transaction.on_commit(checkpoint)


def _retire(key: SigningKey, now: datetime, by: Any) -> None:
    key.state, key.retired_at = SigningKey.State.RETIRED, now
    key.save(update_fields=["state", "retired_at"])
    audit.record("key.retired", key, by, thumbprint=key.thumbprint)


Affected = Callable[[SigningKey, Any], int]
ON_COMPROMISE: list[Affected] = []
"""Rooms above that must act on a compromised key register here; each gives how many objects are concerned."""


def compromise(key: SigningKey, *, since: datetime, by: Any = None) -> int:
    """Declares a key compromised: its document answers 410 and everything signed with it is invalid.

    A compromised active key is followed by the next one. Gives how many records were queued to be issued anew.
    """
    if key.state == SigningKey.State.COMPROMISED:
        raise KeyUnusable("The key was declared compromised before.")
    was_active = key.state == SigningKey.State.ACTIVE
    with transaction.atomic():
        key.state, key.compromised_since = SigningKey.State.COMPROMISED, since
        key.save(update_fields=["state", "compromised_since"])
        audit.record("key.compromised", key, by, thumbprint=key.thumbprint, since=since.isoformat())
        if was_active:
            rotate(key.organization, key.algorithm, by=by)
        affected = sum(react(key, by) for react in ON_COMPROMISE)
        transaction.on_commit(checkpoint)
    forget_signers()
    return affected


def rewrap(*, by: Any = None) -> int:
    """Encrypts every private part under a new key-encryption key; signatures are not touched. Gives how many.

    The file holds both while the rows are changed: stopped at any point, every key can still be opened.
    """
    keks = load_keks()
    fresh = Kek.new()
    path = Path(settings.KEK_FILE)
    _write_kek_file(path, [fresh, *keks], replace=True)
    with transaction.atomic():
        rows = list(SigningKey.objects.select_for_update().order_by("pk"))
        for key in rows:
            key.private_encrypted = encrypt(decrypt(key), key.public_id, key.algorithm, fresh)
            key.save(update_fields=["private_encrypted"])
        for seal_again in ON_REWRAP:
            seal_again()
        audit.record("keys.rewrapped", None, by, keys=len(rows))
    _write_kek_file(path, [fresh], replace=True)
    checkpoint()
    return len(rows)


def published_keys(organization: Organization) -> list[SigningKey]:
    """The RS256 keys that are still honoured, the active one first (digest CLR 1.0, 8.5)."""
    honoured = SigningKey.objects.filter(
        organization=organization,
        algorithm=SigningKey.Algorithm.RS256,
        state__in=[SigningKey.State.ACTIVE, SigningKey.State.RETIRED],
    )
    return sorted(honoured.order_by("-created_at"), key=lambda key: key.state != SigningKey.State.ACTIVE)


def opens() -> bool:
    """Whether the key-encryption key opens every active key (REL-29)."""
    for key in SigningKey.objects.filter(state=SigningKey.State.ACTIVE):
        try:
            decrypt(key)
        except KekUnavailable:
            return False
    return True


def checkpoint() -> Path | None:
    """Writes a signed checkpoint of the audit trail with the active key; None while there is none (REL-18)."""
    key = SigningKey.objects.filter(state=SigningKey.State.ACTIVE).order_by("algorithm", "-activated_at").first()
    return audit.write_checkpoint(signer(key).sign) if key is not None else None
