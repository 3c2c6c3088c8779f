"""A class of learners and its records: whom a registrar means, how far their records are, and steps for all at once."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.issuance import content, drafting, review
from apps.issuance.models import Draft, Record
from apps.jobs import running
from apps.jobs.models import Job
from apps.learners.models import AcademicSession, Cohort, Learner, Program
from apps.network.numbers import whole

CHUNK = 100
"""Records of one step between two looks at whether the job should stop."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Learners by cohort, program, or what they earned in a term; several are narrowed down to whom all name."""

    cohort: Cohort | None = None
    program: Program | None = None
    term: AcademicSession | None = None

    @classmethod
    def of(cls, arguments: Any) -> "Choice":
        """From a form's or a job's values: primary keys as text or number."""

        def one(model: Any, name: str) -> Any:
            number = whole(arguments.get(name))
            return None if number is None else model.objects.filter(pk=number).first()

        return cls(one(Cohort, "cohort"), one(Program, "program"), one(AcademicSession, "term"))

    @property
    def arguments(self) -> dict[str, int]:
        """As values for an address or a job."""
        parts = {"cohort": self.cohort, "program": self.program, "term": self.term}
        return {name: part.pk for name, part in parts.items() if part is not None}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen yet."""
        return not self.arguments

    @property
    def title(self) -> str:
        """The choice in words."""
        return " · ".join(str(part) for part in (self.cohort, self.program, self.term) if part is not None)

    @property
    def address(self) -> str:
        """The page of this class."""
        return f"{reverse('admin:issuance_batch_class')}?{urlencode(self.arguments)}"

    def learners(self) -> QuerySet[Learner]:
        """The learners meant."""
        found = Learner.objects.filter(merged_into=None, ended_at=None)
        if self.cohort is not None:
            found = found.filter(cohorts=self.cohort)
        if self.program is not None:
            found = found.filter(program=self.program)
        if self.term is not None:
            found = found.filter(pk__in=drafting.learners_of_term(self.term).values("pk"))
        return found

    def records(self) -> QuerySet[Record]:
        """Their records of the chosen term, or of everything."""
        return Record.objects.filter(learner__in=self.learners().values("pk"))

    def counts(self) -> dict[str, int]:
        """How many records stand where, and how many learners have none that is open or issued."""
        rows = self.records().values_list("state").annotate(Count("pk")).order_by()
        counts = dict.fromkeys(Record.State.values, 0) | dict(rows)
        having = self.records().exclude(state=Record.State.REVOKED).values("learner")
        counts["learners"] = self.learners().count()
        counts["without"] = self.learners().exclude(pk__in=having).count()
        return counts


def start(step: str, choice: Choice, *, by: User, nonce: str) -> Job:
    """Starts one step for the whole class: `draft`, `submit` or `approve`; the same form twice is one job (REL-10)."""
    titles = {"draft": _("Drafts: %s"), "submit": _("To review: %s"), "approve": _("Approval: %s")}
    return running.start(
        f"issuance.{step}-class", titles[step] % choice.title, arguments=choice.arguments, user=by, nonce=nonce
    )


@running.kind("issuance.draft-class")
def draft_class(job: Job, progress: running.Progress) -> None:
    """Makes or refreshes a draft for each learner of the class who has none issued."""
    choice = Choice.of(job.arguments)
    having = choice.records().filter(state__in=["in_review", "approved", "issued"]).values("learner")
    learners = choice.learners().exclude(pk__in=having)
    progress.update(total=learners.count(), done=0)
    outcome = drafting.draft_many(
        learners, by=job.created_by, term=choice.term, progress=lambda through: progress.update(done=through)
    )
    progress.update(next=choice.address, made=outcome.made, refreshed=outcome.refreshed, empty=outcome.empty)


@running.kind("issuance.submit-class")
def submit_class(job: Job, progress: running.Progress) -> None:
    """Sends each draft of the class to review; those with problems stay and say why."""

    def step(records: list[Record]) -> dict[int, str]:
        return review.submit_many(records, by=job.created_by)[1]

    _through(job, progress, Record.State.DRAFT, step)


@running.kind("issuance.approve-class")
def approve_class(job: Job, progress: running.Progress) -> None:
    """Approves each record of the class that is in review."""

    def step(records: list[Record]) -> dict[int, str]:
        refused = {}
        for record in records:
            try:
                review.approve(record, by=job.created_by, version=record.version)
            except review.StepRefused as refusal:
                refused[record.pk] = str(refusal)
        return refused

    _through(job, progress, Record.State.IN_REVIEW, step)


def _through(job: Job, progress: running.Progress, state: str, step: Callable[[list[Record]], dict[int, str]]) -> None:
    choice = Choice.of(job.arguments)
    due = choice.records().filter(state=state).order_by("pk")
    light = due.select_related("learner", "draft", "snapshot").defer("snapshot__content")
    progress.update(total=due.count(), done=0)
    done, last = 0, 0
    reasons: dict[str, list[str]] = defaultdict(list)
    while chunk := list(light.filter(pk__gt=last)[:CHUNK]):
        refused = step(chunk)
        for record in chunk:
            if record.pk in refused:
                reasons[refused[record.pk]].append(record.learner.student_id or str(record.learner.public_id))
        last = chunk[-1].pk
        done += len(chunk)
        progress.update(done=done, failed=sum(map(len, reasons.values())), reasons=dict(reasons))
    progress.update(next=choice.address)


def problems(choice: Choice, limit: int = 500) -> list[tuple[Record, list[str]]]:
    """Drafts of the class that cannot go to review yet, with what is in the way; a constant number of queries."""
    drafts = Draft.objects.filter(record__in=choice.records().filter(state=Record.State.DRAFT)).order_by("pk")
    loaded = list(content.drafts_with_all(drafts[:limit]))
    material = content.gather(loaded)
    found = [(draft.record, drafting.problems(draft, material)) for draft in loaded]
    return [(record, sentences) for record, sentences in found if sentences]
