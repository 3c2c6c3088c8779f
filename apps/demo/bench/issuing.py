"""The benchmarks `draft`, `sign` and `issue`: from what was earned to signed documents, each beside its raw limit."""

import base64
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.db import connection, transaction

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.achievements.models import Achievement, Assertion, Result, ResultDescription
from apps.demo.bench import Row
from apps.institution import keys
from apps.institution.models import Organization
from apps.issuance import batches, drafting, review, signing
from apps.issuance.models import Draft, DraftItem, Record, RecordStep, Snapshot
from apps.learners.models import AcademicSession, Learner
from apps.standards.clr1 import write

COURSES, EARNED = 40, 15
SIZES = (250, 1_000)
SIGNED = 400
ISSUED = 300
RUNS = 3
_numbers = count(1)


def run() -> list[Row]:
    """The rows of all three; what they need is made first and does not count."""
    school = _School()
    rows = [_draft(school, size) for size in SIZES]
    records = school.approved(ISSUED)
    rows += [_sign(school, records)]
    rows += _issue(school, records)
    return rows


def _draft(school: "_School", size: int) -> Row:
    """Drafts for many learners, beside a bare `bulk_create` of the very rows that drafting wrote."""
    learners = school.learners(size)
    values, raws = [], []
    for _number in range(RUNS):
        begin = time.perf_counter()
        made = drafting.draft_many(learners, by=school.registrar).records
        ours = time.perf_counter() - begin
        records = list(Record.objects.filter(pk__in=made))
        drafts = {draft.record_id: draft for draft in Draft.objects.filter(record__in=made)}
        items = list(DraftItem.objects.filter(draft__in=drafts.values()))
        rows = len(records) * 3 + len(items)
        Record.objects.filter(pk__in=made).delete()
        bare = _store_again(records, drafts, items)
        values.append(rows / ours)
        raws.append(rows / bare)
    return _row("draft", f"{size} learners with {EARNED} courses", "bulk_create", values, raws, "rows/s")


def _store_again(records: list[Record], drafts: dict[int, Draft], items: list[DraftItem]) -> float:
    """How long the same rows take bare; they are taken away again."""
    of_record = {draft.pk: draft for draft in drafts.values()}
    fresh = [Record(learner_id=each.learner_id, created_by_id=each.created_by_id) for each in records]
    begin = time.perf_counter()
    with transaction.atomic():
        Record.objects.bulk_create(fresh)
        by_old = {old.pk: new for old, new in zip(records, fresh, strict=True)}
        working = {old.pk: _copy(old, by_old[old.record_id]) for old in of_record.values()}
        Draft.objects.bulk_create(working.values())
        DraftItem.objects.bulk_create(
            DraftItem(
                draft=working[each.draft_id],
                assertion_id=each.assertion_id,
                position=each.position,
                source_version=each.source_version,
            )
            for each in items
        )
        RecordStep.objects.bulk_create(RecordStep(record=each, to_state="draft", version=1) for each in fresh)
    seconds = time.perf_counter() - begin
    Record.objects.filter(pk__in=[each.pk for each in fresh]).delete()
    return seconds


def _copy(draft: Draft, record: Record) -> Draft:
    return Draft(record=record, learner_digest=draft.learner_digest, edited_by_id=draft.edited_by_id)


def _sign(school: "_School", records: list[Record]) -> Row:
    """The signing step, beside bare RSA signing of the same signing inputs."""
    key = keys.ensure_active_key(school.home)
    signer = keys.signer(key)
    private = load_pem_private_key(keys.decrypt(key), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("the active key is no RSA key")
    envelope = drafting.trial_envelope(records[0])
    contents = Snapshot.objects.filter(record__in=records).values_list("content", flat=True)
    payloads = [write.build_payload(bytes(content or b""), envelope) for content in contents[:50]]
    inputs = [b"x" * 21 + base64.urlsafe_b64encode(payload) for payload in payloads]
    pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
    values, raws = [], []
    for _number in range(RUNS * 3):
        values.append(SIGNED / _time(payloads, signer.sign))
        raws.append(SIGNED / _time(inputs, lambda data: private.sign(data, pkcs1, sha256)))
    size = statistics.mean(len(payload) for payload in payloads) / 1000
    return _row("sign", f"CLR 1.0, {EARNED} courses, {size:.0f} kB", "bare RSA", values, raws, "documents/s")


def _time(inputs: list[bytes], work: Callable[[bytes], object]) -> float:
    begin = time.perf_counter()
    for number in range(SIGNED):
        work(inputs[number % len(inputs)])
    return time.perf_counter() - begin


def _issue(school: "_School", records: list[Record]) -> list[Row]:
    """A batch from claim to commit in this one process, beside bare RSA signing; and its transactions (REL-05)."""
    keys.ensure_active_key(school.home)
    batches.start(records, by=school.registrar, title="bench")
    issued = 0
    with _transactions() as held:
        begin = time.perf_counter()
        while (done := signing.issue_due()).total:
            issued += done.issued
        seconds = time.perf_counter() - begin
    if issued != len(records):
        raise RuntimeError(f"{len(records) - issued} records were not issued")
    key = rsa.generate_private_key(public_exponent=65537, key_size=keys.RSA_BITS)
    content = [b"x" * 40_000]
    bare = _time(content, lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())) / SIGNED
    row = _row(
        "issue",
        f"CLR 1.0, {len(records)} records, one process, {connection.display_name}",
        "bare RSA",
        [issued / seconds],
        [1 / bare],
        "documents/s",
    )
    row["ratio"] = None if connection.vendor == "sqlite" else row["ratio"]
    case = f"transactions of issuing, median of {len(held)}, the longest {max(held) * 1000:.0f} ms"
    short = _row("issue", case, "200 ms of REL-05", [1 / statistics.median(held)], [1 / 0.2], "transactions/s")
    return [row, short]


@contextmanager
def _transactions() -> Iterator[list[float]]:
    """The seconds that each outermost transaction of the block is open, from before its BEGIN to after its COMMIT."""
    held: list[float] = []
    begun: list[float] = []
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

    def entered(block: transaction.Atomic) -> None:
        if not connection.in_atomic_block:
            begun.append(time.perf_counter())
        enter(block)

    def left(block: transaction.Atomic, *fault: Any) -> None:
        leave(block, *fault)
        if begun and not connection.in_atomic_block:
            held.append(time.perf_counter() - begun.pop())

    with mock.patch.multiple(transaction.Atomic, __enter__=entered, __exit__=left):
        yield held


def _row(name: str, case: str, reference: str, values: list[float], raws: list[float], unit: str) -> Row:
    value, raw = statistics.median(values), statistics.median(raws)
    return Row(
        name=name,
        case=case,
        reference=reference,
        value=value,
        unit=unit,
        raw=raw,
        ratio=value / raw,
        runs=len(values),
    )


class _School:
    """An institution with courses, made for measuring."""

    def __init__(self) -> None:
        self.home = Organization.objects.filter(is_home=True).first() or Organization.objects.create(
            name="Bench", is_home=True
        )
        self.registrar = User.objects.create_user("bench@portal.invalid")
        give_roles(self.registrar, Role.REGISTRAR, Role.APPROVER)
        self.terms = [
            AcademicSession.objects.create(
                title=f"Term {number}",
                type="term",
                start_date=date(2023, 1, 1) + timedelta(days=120 * number),
                end_date=date(2023, 4, 20) + timedelta(days=120 * number),
                school_year=2024,
                source="bench",
                source_id=f"term-{number}",
            )
            for number in range(4)
        ]
        self.courses = [self._course(number) for number in range(COURSES)]

    def _course(self, number: int) -> tuple[Achievement, list[ResultDescription]]:
        achievement = Achievement.objects.create(
            achievement_type="Course",
            name=f"Course of study number {number}",
            human_code=f"BEN {100 + number}",
            issuer=self.home,
            credits_available=Decimal(3),
        )
        letters = ["F", "D", "C", "B", "A"]
        descriptions = [
            ResultDescription(achievement=achievement, name="Grade", result_type="LetterGrade", allowed_values=letters),
            ResultDescription(achievement=achievement, name="Points", result_type="GradePointAverage", position=1),
            ResultDescription(achievement=achievement, name="Status", result_type="Status", position=2),
        ]
        return achievement, ResultDescription.objects.bulk_create(descriptions)

    def learners(self, size: int) -> list[int]:
        """New learners with their courses; gives their keys."""
        numbers = [next(_numbers) for _number in range(size)]
        people = Learner.objects.bulk_create(
            Learner(
                given_name="Bench",
                family_name=f"Learner {number}",
                student_id=f"B{number}",
                source="bench",
                source_id=f"learner-{number}",
            )
            for number in numbers
        )
        assertions = Assertion.objects.bulk_create(self._earned(people), batch_size=2_000)
        Result.objects.bulk_create(self._results(assertions), batch_size=5_000)
        return [each.pk for each in people]

    def _earned(self, people: list[Learner]) -> Iterable[Assertion]:
        for place, learner in enumerate(people):
            for number in range(EARNED):
                achievement, _descriptions = self.courses[(place + number) % COURSES]
                term = self.terms[number % len(self.terms)]
                yield Assertion(
                    learner=learner,
                    achievement=achievement,
                    issued_on=term.end_date,
                    session=term,
                    term=term.title,
                    credits_attempted=Decimal(3),
                    credits_earned=Decimal(3),
                    role="Student",
                )

    def _results(self, assertions: list[Assertion]) -> Iterable[Result]:
        of_achievement = {achievement.pk: descriptions for achievement, descriptions in self.courses}
        for assertion in assertions:
            grade, points, status = of_achievement[assertion.achievement_id]
            yield Result(assertion=assertion, result_description=grade, value="B")
            yield Result(assertion=assertion, result_description=points, value="3.0", position=1)
            yield Result(assertion=assertion, result_description=status, status="Completed", position=2)

    def approved(self, size: int) -> list[Record]:
        """Approved records of new learners."""
        made = drafting.draft_many(self.learners(size), by=self.registrar).records
        review.submit_many(list(Record.objects.filter(pk__in=made)), by=self.registrar)
        records = list(Record.objects.filter(pk__in=made).select_related("snapshot"))
        for record in records:
            review.approve(record, by=self.registrar, version=record.version)
        return list(Record.objects.filter(pk__in=made, state=Record.State.APPROVED))
