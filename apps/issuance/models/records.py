"""From draft to record: what is being put together, what was approved, what was signed, and what became of it.

A `Record` goes one way (REL-01); its content stands in the `Draft` while it is worked on, and in a `Snapshot` from the
moment it goes to review. Snapshots, approvals, issued documents, steps, supersessions and revocations are only ever
added; the database refuses to change them (`immutability.py`, REL-14).
"""

import base64
import secrets
import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import Role, has_role
from apps.achievements.models import Assertion
from apps.institution.models import CertificateDesign, SigningKey
from apps.learners.models import AcademicSession, Learner

USER = settings.AUTH_USER_MODEL


def new_code() -> str:
    """The code that the PDF prints and its QR leads to: 130 random bits that can be read out and typed."""
    return base64.b32encode(secrets.token_bytes(17)).decode().rstrip("=").lower()[:26]


class RecordQuerySet(models.QuerySet["Record"]):
    """The questions asked of records."""

    def visible_to(self, user: Any) -> Self:
        """The records this user may see (reliability, section 7): the office all, learners and advisors what is out."""
        if has_role(user, Role.REGISTRAR, Role.APPROVER, Role.ADMIN):
            return self
        return self.published().filter(learner__in=Learner.objects.visible_to(user))

    def published(self) -> Self:
        """Records that were issued, whatever became of them."""
        return self.filter(state__in=Record.PUBLISHED)

    def public(self) -> Self:
        """Records that their learners made public, whatever became of them; never those of somebody who withholds
        directory information (PRIV-03)."""
        return self.published().filter(publicity__is_public=True, learner__withholds_directory=False)

    def standing(self) -> Self:
        """Records that are issued and neither superseded nor revoked."""
        return self.filter(state=Record.State.ISSUED)

    def with_staleness(self) -> Self:
        """Annotates `is_stale`: a draft that includes something whose source has changed or was withdrawn since."""
        return self.annotate(is_stale=Exists(_moved_sources()))

    def stale(self) -> Self:
        """Drafts that include something whose source has changed or was withdrawn since."""
        return self.filter(Exists(_moved_sources()), state=Record.State.DRAFT)


def _moved_sources() -> models.QuerySet["DraftItem"]:
    """Included items of the outer record's draft whose source is not what was looked at."""
    return DraftItem.objects.filter(draft__record=OuterRef("pk"), included=True).filter(
        ~Q(source_version=F("assertion__version")) | Q(assertion__withdrawn_at__isnull=False)
    )


class Record(models.Model):
    """One record of one learner, from draft to end. Its row changes only by the steps of REL-01."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        IN_REVIEW = "in_review", _("in review")
        APPROVED = "approved", _("approved")
        ISSUED = "issued", _("issued")
        SUPERSEDED = "superseded", _("superseded")
        REVOKED = "revoked", _("revoked")

    STEPS: ClassVar[frozenset[tuple[str, str]]] = frozenset(
        {
            ("draft", "in_review"),
            ("in_review", "approved"),
            ("in_review", "draft"),
            ("approved", "draft"),
            ("approved", "issued"),
            ("issued", "superseded"),
            ("issued", "revoked"),
            ("superseded", "revoked"),
        }
    )
    PUBLISHED: ClassVar[tuple[str, ...]] = ("issued", "superseded", "revoked")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(_("verification code"), max_length=26, unique=True, default=new_code, editable=False)
    learner = models.ForeignKey(Learner, models.PROTECT, related_name="records", verbose_name=_("learner"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT, editable=False)
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text=_("Grows with each edit and each step (REL-25).")
    )
    snapshot = models.ForeignKey(
        "Snapshot", models.DO_NOTHING, null=True, editable=False, related_name="+", help_text=_("As sent to review.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(USER, models.PROTECT, null=True, editable=False, related_name="+")

    objects: ClassVar[RecordQuerySet] = RecordQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("record")
        verbose_name_plural = _("records")
        indexes = [models.Index(fields=["state", "learner"])]

    def __str__(self) -> str:
        return f"{self.learner} ({self.get_state_display()})"

    @property
    def is_published(self) -> bool:
        """Whether it was ever issued."""
        return self.state in self.PUBLISHED


class Draft(models.Model):
    """The working content of a record; made from what is known of the learner, and edited by hand."""

    record = models.OneToOneField(Record, models.CASCADE, related_name="draft")
    title = models.CharField(_("title"), max_length=255, blank=True)
    term = models.ForeignKey(
        AcademicSession,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("term"),
        help_text=_("Only what was earned in this term; empty: everything."),
    )
    marked_partial = models.BooleanField(
        _("partial"),
        default=False,
        help_text=_("Says that the record is not complete. It then also shows courses that are still running."),
    )
    include_totals = models.BooleanField(_("credit totals and GPA"), default=True)
    design = models.ForeignKey(CertificateDesign, models.PROTECT, null=True, blank=True, related_name="+")
    edits: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, blank=True, help_text=_('Hand edits of the record: {"name": {"was": …, "now": …}}.')
    )
    learner_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text=_("Of the learner's profile, when it was last looked at.")
    )
    corrects = models.OneToOneField(
        Record, models.PROTECT, null=True, blank=True, editable=False, related_name="correction"
    )
    revoke_corrected = models.BooleanField(
        _("revoke the earlier record"),
        default=False,
        help_text=_("When this one is issued, the one it corrects is revoked, not only superseded."),
    )
    correction_reason = models.TextField(_("reason"), blank=True)
    edited_by = models.ForeignKey(USER, models.PROTECT, null=True, editable=False, related_name="+")
    edited_at = models.DateTimeField(default=timezone.now, editable=False)
    refreshed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")

    def __str__(self) -> str:
        return self.title or str(self.pk)


class DraftItem(models.Model):
    """One assertion in a draft: where it stands, whether it goes in, and what was edited by hand."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="items")
    assertion = models.ForeignKey(Assertion, models.PROTECT, related_name="+")
    position = models.PositiveIntegerField(_("order"), default=0)
    group = models.CharField(_("group"), max_length=255, blank=True, help_text=_("The heading it stands under."))
    included = models.BooleanField(_("included"), default=True)
    edits: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, blank=True, help_text=_('{"narrative": {"was": …, "now": …}, "result:<uuid>": …}')
    )
    source_version = models.PositiveIntegerField(
        default=1, editable=False, help_text=_("The assertion's version that was last looked at.")
    )

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("item")
        verbose_name_plural = _("items")
        constraints = [models.UniqueConstraint(fields=["draft", "assertion"], name="assertion_in_a_draft_once")]

    def __str__(self) -> str:
        return str(self.assertion)


class RecordStep(models.Model):
    """One step of a record: who, when, from where to where, and why. Stays when a record is discarded."""

    record = models.ForeignKey(Record, models.DO_NOTHING, db_constraint=False, related_name="steps")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    version = models.PositiveIntegerField(help_text=_("The record's version after the step."))
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("step")
        verbose_name_plural = _("history")
        constraints = [models.UniqueConstraint(fields=["record", "version"], name="one_step_a_version")]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class Snapshot(models.Model):
    """What was sent to review: canonical JSON of the CLR without its envelope, with its digest.

    It stays when its record is discarded; its bytes may go on erasure (REL-14).
    """

    record = models.ForeignKey(Record, models.DO_NOTHING, db_constraint=False, related_name="snapshots")
    number = models.PositiveIntegerField(help_text=_("1 for the first that was sent to review."))
    learner_id = models.UUIDField(help_text=_("Public id of the learner, for erasure."))
    content = models.BinaryField(null=True)
    digest = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    design = models.ForeignKey(CertificateDesign, models.PROTECT, null=True, related_name="+")
    title = models.CharField(max_length=255, blank=True)
    edited_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    submitted_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")
        constraints = [models.UniqueConstraint(fields=["record", "number"], name="snapshot_number")]

    def __str__(self) -> str:
        return self.digest


class Approval(models.Model):
    """Who approved which snapshot (REL-26: the database holds the second person)."""

    snapshot = models.OneToOneField(Snapshot, models.PROTECT, related_name="approval")
    digest = models.CharField(max_length=64, help_text=_("Of the snapshot that was approved."))
    by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    comment = models.TextField(blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")

    def __str__(self) -> str:
        return self.digest


class Batch(models.Model):
    """A request to issue many records; what became of each is read from its signing work."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        CANCELLED = "cancelled", _("cancelled")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=255)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RUNNING)
    formats: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    nonce = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  REL-10: absent is not equal
    created_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("batch")
        verbose_name_plural = _("batches")

    def __str__(self) -> str:
        return self.title


class BatchItem(models.Model):
    """One record of a batch; `elsewhere` names the batch that already issued, or is issuing, it (REL-11)."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items")
    record = models.ForeignKey(Record, models.PROTECT, related_name="batch_items")
    elsewhere = models.ForeignKey(Batch, models.PROTECT, null=True, related_name="+")
    already = models.BooleanField(default=False, help_text=_("It was issued or being issued before this batch."))

    class Meta:
        ordering = ["pk"]
        verbose_name = _("batch item")
        verbose_name_plural = _("batch items")
        constraints = [models.UniqueConstraint(fields=["batch", "record"], name="record_in_a_batch_once")]

    def __str__(self) -> str:
        return f"{self.batch}: {self.record_id}"


class SigningWork(models.Model):
    """That a snapshot is to be signed in one form; the truth about what is due (REL-02, REL-06)."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        LEASED = "leased", _("being signed")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    CLR1 = "clr1"

    record = models.ForeignKey(Record, models.PROTECT, related_name="signing_work")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="signing_work")
    format = models.CharField(max_length=16, default=CLR1)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    batch = models.ForeignKey(Batch, models.SET_NULL, null=True, related_name="work")
    requested_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    envelope: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, help_text=_("id, moment and key, fixed at the claim (REL-03).")
    )
    key = models.ForeignKey(SigningKey, models.PROTECT, null=True, related_name="+")
    payload_digest = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=500, blank=True, help_text=_("Why it failed, for the registrar."))
    reason_code = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("signing work")
        verbose_name_plural = _("signing work")
        constraints = [models.UniqueConstraint(fields=["snapshot", "format"], name="signed_once_a_format")]
        indexes = [
            models.Index(fields=["state", "id"], name="signing_due", condition=Q(state__in=["queued", "leased"])),
            models.Index(fields=["batch", "state"]),
        ]

    def __str__(self) -> str:
        return f"{self.format} {self.state}"


class IssuedDocument(models.Model):
    """One signed form of a record: the exact bytes, never changed, served as they are (REL-14, REL-16)."""

    record = models.ForeignKey(Record, models.PROTECT, related_name="documents")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="documents")
    format = models.CharField(max_length=16)
    document_id = models.CharField(max_length=512, help_text=_("The id that stands in the document."))
    content = models.BinaryField(null=True)
    digest = models.CharField(max_length=64, unique=True)
    payload_digest = models.CharField(max_length=64, db_index=True)
    size = models.PositiveIntegerField()
    media_type = models.CharField(max_length=127)
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="documents")
    issued_on = models.DateTimeField()
    issued_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("issued document")
        verbose_name_plural = _("issued documents")
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "format"], name="issued_once_a_format"),
            models.UniqueConstraint(fields=["document_id", "format"], name="document_id_of_one"),
        ]

    def __str__(self) -> str:
        return self.digest


class Supersession(models.Model):
    """Which record replaced which."""

    old = models.OneToOneField(Record, models.PROTECT, related_name="superseded_by")
    new = models.OneToOneField(Record, models.PROTECT, related_name="supersedes")
    reason = models.TextField(blank=True)
    by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("supersession")
        verbose_name_plural = _("supersessions")
        constraints = [models.CheckConstraint(condition=~Q(old=F("new")), name="record_does_not_replace_itself")]

    def __str__(self) -> str:
        return f"{self.old_id} → {self.new_id}"


class Revocation(models.Model):
    """That a record, or one assertion of ours, no longer holds: why, when, by whom. Nothing revoked comes back."""

    record = models.OneToOneField(Record, models.PROTECT, null=True, related_name="revocation")
    assertion = models.OneToOneField(Assertion, models.PROTECT, null=True, related_name="revocation")
    document_id = models.CharField(max_length=512, unique=True, help_text=_("The id as it stands on the list."))
    reason = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")
        constraints = [
            models.CheckConstraint(
                condition=Q(record__isnull=False, assertion__isnull=True)
                | Q(record__isnull=True, assertion__isnull=False),
                name="revocation_of_one",
            )
        ]

    def __str__(self) -> str:
        return self.document_id


class Publicity(models.Model):
    """What the learner allows strangers to see of a record, beside the record itself, which never changes."""

    record = models.OneToOneField(Record, models.PROTECT, related_name="publicity")
    is_public = models.BooleanField(_("public"), default=False, help_text=_("Anybody with its address may read it."))
    code_withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when the address on the PDF says nothing any more.")
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("publicity")
        verbose_name_plural = _("publicity")

    def __str__(self) -> str:
        return str(self.record_id)


class Rendition(models.Model):
    """A PDF or picture of an issued document, in the file store by the digest of its content.

    It can be made again at any time and is never the truth.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        LEASED = "leased", _("being made")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    PDF = "pdf"
    CERTIFICATE = "cert"
    """With the number of the degree in the record behind it."""

    document = models.ForeignKey(IssuedDocument, models.CASCADE, related_name="renditions")
    kind = models.CharField(max_length=8, default=PDF)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    digest = models.CharField(max_length=64, blank=True)
    size = models.PositiveIntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    made_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("rendition")
        verbose_name_plural = _("renditions")
        constraints = [models.UniqueConstraint(fields=["document", "kind"], name="one_rendition_of_a_kind")]
        indexes = [models.Index(fields=["state", "id"], name="render_due", condition=Q(state__in=["queued", "leased"]))]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
