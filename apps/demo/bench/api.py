"""A page of 50 records over the CLR 1.0 API beside a bare view of the same stored bytes, and with 100 times the data.

Both views are asked through the portal's own middleware in this process, in turns. The rows of other learners are
made by set-based statements with few bytes each; those of the learner who is read have the size of real records.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import statistics
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.test import override_settings
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import set_token_value

from apps.accounts.models import User
from apps.demo.bench import Row
from apps.exchange.authorization.scopes import CLR_READONLY
from apps.exchange.models import AccessToken, Client, ClientConsent
from apps.institution import keys
from apps.institution.models import Organization, SigningKey
from apps.issuance.models import Approval, IssuedDocument, Record, Snapshot
from apps.learners.models import Learner

FEW, MANY = 1_000, 100_000
PAGE = 50
SIZE = 40_000
"""Bytes of one signed record that is read (a record of 15 courses)."""
SMALL = 300
RUNS = 120
CHUNK = 10_000
ISSUED_ON = datetime(2026, 6, 30, 15, tzinfo=UTC)


def bare(request: HttpRequest, learner: int) -> HttpResponse:
    """What a view costs that only takes the stored bytes and gives them."""
    rows = IssuedDocument.objects.filter(record__learner=learner).order_by("-issued_on").values_list("content")
    texts = b'","'.join(bytes(content or b"") for (content,) in rows[:PAGE])
    return HttpResponse(b'{"signedClrs":["' + texts + b'"]}', content_type="application/json")


urlpatterns = [path("", include("clrportal.urls")), path("bench/bare/<int:learner>", bare)]


def run() -> list[Row]:
    """One row a size beside the bare view, and one for the larger beside the smaller."""
    institution = _Institution()
    institution.grow(FEW)
    few, bare_few = _measure(institution)
    institution.grow(MANY - FEW)
    _settle()
    many, bare_many = _measure(institution)
    return [
        _row(f"page of {PAGE} CLRs, {FEW:,} learners", "bare Django view", few, bare_few),
        _row(f"page of {PAGE} CLRs, {MANY:,} learners", "bare Django view", many, bare_many),
        _row(f"{MANY:,} learners against {FEW:,}", f"the same at {FEW:,} learners", many, few),
    ]


def _row(case: str, reference: str, value: float, raw: float) -> Row:
    return Row(
        name="api",
        case=case,
        reference=reference,
        value=value * 1_000,
        unit="ms",
        raw=raw * 1_000,
        ratio=value / raw,
        runs=RUNS,
    )


def _settle() -> None:
    """Let the database know what it holds, as its own housekeeping does in time."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _measure(institution: _Institution) -> tuple[float, float]:
    """The median seconds of the API's page and of the bare view, asked in turns."""
    browser = Browser(SERVER_NAME="127.0.0.1")
    headers = {"Authorization": f"Bearer {institution.token()}"}
    addresses = (f"/ims/clr/v1p0/clrs?limit={PAGE}", f"/bench/bare/{institution.learner.pk}")
    times: tuple[list[float], list[float]] = ([], [])
    with override_settings(ROOT_URLCONF=__name__):
        for turn in range(-5, RUNS):
            for address, found in zip(addresses, times, strict=True):
                begin = time.perf_counter()
                response = browser.get(address, secure=settings.HTTPS, headers=headers)
                seconds = time.perf_counter() - begin
                if response.status_code != 200 or len(response.content) < PAGE * SIZE:
                    raise RuntimeError(f"{address} answered {response.status_code}")
                if turn >= 0:
                    found.append(seconds)
    return statistics.median(times[0]), statistics.median(times[1])


class _Institution:
    """An institution with learners who have a record each, and one with a page full of them."""

    def __init__(self) -> None:
        self.home = Organization.objects.filter(is_home=True).first() or Organization.objects.create(
            name="Bench", is_home=True
        )
        self.approver = User.objects.create_user("bench@portal.invalid")
        self.key = keys.ensure_active_key(self.home)
        user = User.objects.create_user("learner@portal.invalid")
        self.learner = Learner.objects.create(given_name="Bench", family_name="Learner", user=user)
        self.client = _client()
        self._issue([self.learner] * PAGE, SIZE)

    def token(self) -> str:
        """A fresh token of the learner for all records."""
        assert self.learner.user is not None
        consent = ClientConsent.objects.create(
            user=self.learner.user,
            client=self.client,
            client_name=self.client.name,
            client_host=self.client.host,
            scope=CLR_READONLY,
            all_records=True,
        )
        text = secrets.token_urlsafe(32)
        expires = timezone.now() + timedelta(hours=1)
        row = AccessToken(
            user=self.learner.user, application=self.client, consent=consent, scope=CLR_READONLY, expires=expires
        )
        set_token_value(row, text)
        row.save()
        return text

    def grow(self, size: int) -> None:
        """So many more learners with a small record each."""
        for start in range(0, size, CHUNK):
            number = min(CHUNK, size - start)
            people = [Learner(given_name="Bench", family_name=uuid.uuid4().hex[:12]) for _number in range(number)]
            for one in people:
                one.set_search_fields()
            self._issue(Learner.objects.bulk_create(people, batch_size=1_000), SMALL)

    @transaction.atomic
    def _issue(self, learners: list[Learner], size: int) -> None:
        """A record for each, by the steps that the database asks for (REL-01), each step one statement."""
        records = Record.objects.bulk_create([Record(learner=one) for one in learners], batch_size=2_000)
        first = records[0].pk
        digest = hashlib.sha256(b"{}").hexdigest()
        snapshots = Snapshot.objects.bulk_create(
            [
                Snapshot(
                    record=record,
                    number=1,
                    learner_id=one.public_id,
                    content=b"{}",
                    digest=digest,
                    size=2,
                    title="Bench",
                )
                for record, one in zip(records, learners, strict=True)
            ],
            batch_size=2_000,
        )
        ours = Record.objects.filter(pk__gte=first)
        of_record = Snapshot.objects.filter(record=OuterRef("pk")).values("pk")[:1]
        ours.update(state="in_review", version=2, snapshot=Subquery(of_record))
        Approval.objects.bulk_create(
            [Approval(snapshot=each, digest=digest, by=self.approver) for each in snapshots], batch_size=2_000
        )
        ours.update(state="approved", version=3)
        base = f"{keys.public_base()}/ims/clr/v1p0/clrs"
        IssuedDocument.objects.bulk_create(
            [
                _document(record, snapshot, base, size, self.key, place)
                for place, (record, snapshot) in enumerate(zip(records, snapshots, strict=True))
            ],
            batch_size=500,
        )
        ours.update(state="issued", version=4)


def _document(record: Record, snapshot: Snapshot, base: str, size: int, key: SigningKey, place: int) -> IssuedDocument:
    """A signed form of this size; the signature is none, since nobody verifies it here."""
    payload = base64.urlsafe_b64encode(os.urandom(size * 3 // 4)).rstrip(b"=")
    content = b"eyJhbGciOiJSUzI1NiJ9." + payload + b"." + payload[:342]
    digest = hashlib.sha256(content).hexdigest()
    return IssuedDocument(
        record=record,
        snapshot=snapshot,
        format="clr1",
        document_id=f"{base}/{record.public_id}",
        content=content,
        digest=digest,
        payload_digest=digest,
        size=len(content),
        media_type="application/jose",
        key=key,
        issued_on=ISSUED_ON - timedelta(days=place % 1_000),
    )


def _client() -> Client:
    names: dict[str, Any] = dict.fromkeys(("client_uri", "logo_uri", "tos_uri", "policy_uri"), "https://bench.invalid/")
    return Client.objects.create(
        host="bench.invalid",
        name="Bench",
        redirect_uris="https://bench.invalid/callback",
        software_id="bench",
        software_version="1",
        scope=CLR_READONLY,
        client_type=Client.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
        client_secret=secrets.token_hex(16),
        registration_token_digest=secrets.token_hex(32),
        **names,
    )
