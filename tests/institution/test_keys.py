"""Signing keys are made here, kept encrypted, and go from next to active to retired (SEC-61)."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.institution import keys
from apps.institution.models import AuditEntry, Organization, SigningKey
from apps.standards.proofs import jws


def test_a_new_key_signs_what_its_public_part_verifies(home: Organization):
    """SEC-61: made on this machine, opened again through the key-encryption key."""
    key = keys.ensure_active_key(home)
    token = keys.signer(key).sign(b'{"a":1}')
    signed = jws.read(token, algorithms=jws.RS256_ONLY)
    jws.verify(signed, jws.public_key_from_pem(key.public_pem))
    assert key.state == "active"
    assert keys.address(key) == f"{home.base_url}/ims/clr/v1p0/keys/{key.public_id}"


def test_only_one_key_is_active_and_asking_again_gives_it(home: Organization):
    """The first key is made once."""
    assert keys.ensure_active_key(home) == keys.ensure_active_key(home)
    assert SigningKey.objects.count() == 1


def test_the_private_part_is_nowhere_in_the_clear(home: Organization, settings):
    """I7, SEC-61: not in the row, not in repr, not in the audit trail."""
    key = keys.ensure_active_key(home)
    private = keys.decrypt(key)
    assert private.startswith(b"-----BEGIN PRIVATE KEY-----")
    secret_line = private.splitlines()[3]
    row = SigningKey.objects.values().get()
    assert secret_line not in b"".join(str(value).encode() for value in row.values())
    assert secret_line not in bytes(row["private_encrypted"])
    assert secret_line.decode() not in repr(key) + str(key) + repr(keys.signer(key)) + repr(keys.load_keks())
    assert secret_line.decode() not in json.dumps(list(AuditEntry.objects.values_list("details", flat=True)))


def test_the_key_file_is_private_and_made_on_first_use(home: Organization, settings):
    """SEC-61: mode 0600, outside the database."""
    keys.ensure_active_key(home)
    assert Path(settings.KEK_FILE).stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_others_can_read_is_refused(home: Organization, settings):
    """SEC-61."""
    key = keys.ensure_active_key(home)
    Path(settings.KEK_FILE).chmod(0o644)
    with pytest.raises(keys.KekUnavailable, match="0600"):
        keys.decrypt(key)


def test_a_missing_key_file_is_not_quietly_replaced(home: Organization, settings):
    """F14: with keys in the database a new key-encryption key would open none of them."""
    keys.ensure_active_key(home)
    Path(settings.KEK_FILE).unlink()
    keys.forget_signers()
    with pytest.raises(keys.KekUnavailable, match="gone"):
        keys.create(home)
    assert not keys.opens()


def test_production_never_makes_a_key_file(home: Organization, settings):
    """SEC-61, SEC-62: in production the operator gives it."""
    settings.PRODUCTION = True
    with pytest.raises(keys.KekUnavailable, match="missing"):
        keys.ensure_active_key(home)


def test_a_ciphertext_moved_to_another_row_does_not_open(home: Organization):
    """SEC-61: key id and purpose are authenticated with the private part."""
    first, second = keys.create(home), keys.create(home)
    second.private_encrypted = first.private_encrypted
    with pytest.raises(keys.KekUnavailable, match="changed"):
        keys.decrypt(second)


def test_rotation_retires_the_old_key_and_keeps_it_published(home: Organization):
    """What the old key signed must stay verifiable (digest CLR 1.0, 8.5)."""
    old = keys.ensure_active_key(home)
    prepared = keys.create(home)
    new = keys.rotate(home)
    old.refresh_from_db()
    assert new == prepared
    assert old.state == "retired"
    assert keys.published_keys(home) == [new, old]


def test_a_compromised_key_is_not_published_and_another_takes_over(home: Organization):
    """SEC-61."""
    key = keys.ensure_active_key(home)
    keys.compromise(key, since=timezone.now() - timedelta(days=1))
    new = keys.active_key(home)
    assert new is not None
    assert new != key
    assert keys.published_keys(home) == [new]
    with pytest.raises(keys.KeyUnusable):
        keys.compromise(key, since=timezone.now())


def test_rewrap_changes_the_file_and_no_signature(home: Organization, settings):
    """SEC-61: the key-encryption key is renewed, the signing keys are not."""
    key = keys.ensure_active_key(home)
    before, signature = Path(settings.KEK_FILE).read_bytes(), keys.signer(key).sign(b"x")
    assert keys.rewrap() == 1
    keys.forget_signers()
    key.refresh_from_db()
    assert Path(settings.KEK_FILE).read_bytes() != before
    assert keys.signer(key).sign(b"x") == signature


def test_rewrap_stopped_halfway_leaves_every_key_open(home: Organization, settings, monkeypatch):
    """SEC-61: the file holds both key-encryption keys while the rows are changed."""
    key = keys.ensure_active_key(home)

    def stopped(*args: object) -> bytes:
        raise RuntimeError("power")

    with monkeypatch.context() as patched:
        patched.setattr(keys, "encrypt", stopped)
        with pytest.raises(RuntimeError):
            keys.rewrap()
    keys.forget_signers()
    assert keys.decrypt(key)
    keys.rewrap()
    key.refresh_from_db()
    assert keys.decrypt(key)
    assert len(keys.load_keks()) == 1


def test_the_ids_do_not_follow_the_base_address(home: Organization, settings):
    """Contract: changing CLRPORTAL_BASE_URL never changes ids that were issued."""
    first = keys.ensure_active_key(home)
    before = keys.address(first)
    settings.BASE_URL = "https://elsewhere.example"
    home.refresh_from_db()
    assert keys.address(first) == before
    assert keys.public_base() == home.base_url != "https://elsewhere.example"


def test_the_command_lists_and_rotates(home: Organization):
    """Contract: `manage.py signing_keys`."""
    call_command("signing_keys", "rotate", stdout=StringIO())
    out = StringIO()
    call_command("signing_keys", "list", "--json", stdout=out)
    [listed] = json.loads(out.getvalue())
    assert listed["state"] == "active"


def test_the_command_wants_to_know_since_when(home: Organization):
    """A compromise without a moment is wrong use."""
    keys.ensure_active_key(home)
    with pytest.raises(CommandError, match="--since"):
        call_command("signing_keys", "compromise", stdout=StringIO())
