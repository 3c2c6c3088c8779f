"""The organisation that issues: profiles, policy, look, keys, and the trails of what was done.

People are known here only through `AUTH_USER_MODEL`; learners through their public id.
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Organization(models.Model):
    """An issuer or publisher profile: the home institution, its schools and departments, and others."""

    class Kind(models.TextChoices):
        DEPARTMENT = "department", _("department")
        SCHOOL = "school", _("school")
        DISTRICT = "district", _("district")
        LOCAL = "local", _("local agency")
        STATE = "state", _("state agency")
        NATIONAL = "national", _("national agency")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=1024)
    kind = models.CharField(_("kind"), max_length=64, choices=Kind, default=Kind.SCHOOL)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    is_home = models.BooleanField(
        _("home institution"), default=False, help_text=_("The publisher of every record. Exactly one.")
    )
    issues_in_own_name = models.BooleanField(
        _("issues in its own name"),
        default=False,
        help_text=_("Otherwise the home institution is the issuer."),
    )
    url = models.URLField(_("web address"), blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    telephone = models.CharField(_("telephone"), max_length=64, blank=True)
    description = models.TextField(_("description"), blank=True)
    official = models.CharField(_("authorized official"), max_length=255, blank=True)
    street_address = models.CharField(_("street address"), max_length=255, blank=True)
    address_locality = models.CharField(_("city"), max_length=255, blank=True)
    address_region = models.CharField(_("state or region"), max_length=255, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=32, blank=True)
    address_country = models.CharField(_("country"), max_length=64, blank=True)
    base_url = models.CharField(
        max_length=255,
        blank=True,
        editable=False,
        help_text=_("Where the ids of the home institution's objects live; fixed with its first signing key."),
    )
    identifiers = models.JSONField(
        _("identifiers"), default=list, blank=True, help_text=_('[{"identifier": …, "identifierType": …}, …]')
    )
    source = models.CharField(max_length=255, blank=True, editable=False)
    source_id = models.CharField(max_length=255, blank=True, editable=False)
    source_line = models.PositiveIntegerField(null=True, editable=False)
    source_digest = models.CharField(max_length=64, blank=True, editable=False)
    source_modified = models.DateTimeField(null=True, editable=False)
    import_id = models.UUIDField(null=True, editable=False, help_text=_("Public id of the import that made it."))
    metadata = models.JSONField(default=dict, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = [
            models.UniqueConstraint(fields=["is_home"], condition=Q(is_home=True), name="one_home_institution"),
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source_id=""), name="organization_source_key"
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="organization_not_its_own_parent"
            ),
        ]

    def __str__(self) -> str:
        return self.name


def default_final_categories() -> list[str]:
    """Titles of line item categories whose results are of record (digest CASE/OneRoster, B1)."""
    return ["Final Grade", "Course Grade", "Final"]


def default_metadata_names() -> dict[str, str]:
    """OneRoster extension columns by meaning (digest CASE/OneRoster, B2)."""
    return {
        "credits": "metadata.credits",
        "credit_unit": "metadata.creditUnit",
        "level": "metadata.level",
        "letter_grade": "metadata.letterGrade",
        "grade_points": "metadata.gradePoints",
        "credits_attempted": "metadata.creditsAttempted",
        "credits_earned": "metadata.creditsEarned",
        "program": "metadata.program",
        "final_grade": "metadata.finalGrade",
    }


class Policy(models.Model):
    """What the institution decided; one row."""

    class RepeatRule(models.TextChoices):
        LATEST = "latest", _("the latest attempt counts")
        HIGHEST = "highest", _("the best attempt counts")
        ALL = "all", _("every attempt counts")

    class NameRule(models.TextChoices):
        LEGAL = "legal", _("the legal name")
        CHOSEN = "chosen", _("the name that the person chose, where there is one")

    singleton = models.BooleanField(default=True, unique=True, editable=False)
    second_person_approves = models.BooleanField(_("a second person approves"), default=False)
    repeat_rule = models.CharField(_("repeated courses"), max_length=8, choices=RepeatRule, default=RepeatRule.LATEST)
    final_categories = models.JSONField(_("categories of record"), default=default_final_categories, blank=True)
    metadata_names = models.JSONField(_("extension columns"), default=default_metadata_names, blank=True)
    include_birth_date = models.BooleanField(_("birth date on records"), default=False)
    names_on_records = models.CharField(_("names on records"), max_length=6, choices=NameRule, default=NameRule.LEGAL)
    import_demographics = models.BooleanField(_("import demographics"), default=False)
    comments_as_narrative = models.BooleanField(_("result comments as narrative"), default=False)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    invitation_days = models.PositiveSmallIntegerField(_("days an invitation holds"), default=14)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [models.CheckConstraint(condition=Q(singleton=True), name="one_policy")]

    def __str__(self) -> str:
        return "Policy"

    @classmethod
    def current(cls) -> "Policy":
        """The one policy, made with its defaults on first use."""
        return cls.objects.get_or_create(singleton=True)[0]


class SigningKey(models.Model):
    """A key of the home institution; the private part is encrypted under the key-encryption key (SEC-61)."""

    class State(models.TextChoices):
        NEXT = "next", _("next")
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")
        COMPROMISED = "compromised", _("compromised")

    class Algorithm(models.TextChoices):
        RS256 = "RS256", "RS256"
        ED25519 = "Ed25519", "Ed25519"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="signing_keys")
    algorithm = models.CharField(max_length=8, choices=Algorithm)
    state = models.CharField(max_length=12, choices=State, default=State.NEXT)
    public_pem = models.TextField()
    thumbprint = models.CharField(max_length=64, unique=True)
    private_encrypted = models.BinaryField()
    base_url = models.CharField(max_length=255, help_text=_("Base address its ids were made with."))
    created_at = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    compromised_since = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "algorithm"], condition=Q(state="active"), name="one_active_key"
            ),
            models.CheckConstraint(
                condition=~Q(state="compromised") | Q(compromised_since__isnull=False),
                name="compromised_key_says_since",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} {self.public_id}"


class CertificateDesign(models.Model):
    """One version of the look and the legend of certificates; a record keeps the version it was issued with."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="designs")
    title = models.CharField(_("title"), max_length=255)
    version = models.PositiveIntegerField(default=1, editable=False)
    is_current = models.BooleanField(default=True, editable=False)
    institution_name = models.CharField(_("name on the document"), max_length=255)
    institution_place = models.CharField(_("place"), max_length=255, blank=True)
    logo = models.BinaryField(_("logo"), blank=True, default=b"")
    logo_type = models.CharField(max_length=32, blank=True)
    seal = models.BinaryField(_("seal"), blank=True, default=b"")
    seal_type = models.CharField(max_length=32, blank=True)
    signature = models.BinaryField(_("signature"), blank=True, default=b"")
    signature_type = models.CharField(max_length=32, blank=True)
    accent = models.CharField(_("accent colour"), max_length=7, default="#1f3a5f")
    signatory_name = models.CharField(_("signed by"), max_length=255, blank=True)
    signatory_office = models.CharField(_("office"), max_length=255, blank=True)
    legend = models.TextField(_("legend"), blank=True, help_text=_("Markdown, printed with every record."))
    grades = models.JSONField(
        _("grades"),
        default=list,
        blank=True,
        help_text=_('[{"grade": "A", "points": "4.0", "meaning": …}, …]'),
    )
    statement = models.TextField(_("statement"), blank=True)
    page = models.CharField(_("page"), max_length=8, choices=[("A4", "A4"), ("letter", "Letter")], default="letter")
    language = models.CharField(_("language"), max_length=16, default="en")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    replaces = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")

    class Meta:
        ordering = ["title", "-version"]
        verbose_name = _("certificate design")
        verbose_name_plural = _("certificate designs")
        constraints = [
            models.UniqueConstraint(fields=["organization", "title", "version"], name="design_version"),
            models.UniqueConstraint(
                fields=["organization", "title"], condition=Q(is_current=True), name="one_current_design"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"


class AuditHead(models.Model):
    """The end of the audit chain: one locked row, taken once a chunk (REL-17)."""

    singleton = models.BooleanField(default=True, unique=True)
    seq = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="0" * 64)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(singleton=True), name="one_audit_head")]


class AuditEntry(models.Model):
    """Who did what to which object, chained by digest (REL-17): ids and digests only, no personal data."""

    seq = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    details: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["-seq"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [models.Index(fields=["object_type", "object_id"]), models.Index(fields=["actor", "-seq"])]

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"


class Disclosure(models.Model):
    """Who was shown what of whom, when, on which ground (PRIV-01, 34 CFR 99.32)."""

    learner_id = models.UUIDField(db_index=True, help_text=_("Public id of the learner."))
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    recipient = models.TextField(null=True)  # noqa: DJ001  NULL means erased (REL-14)
    purpose = models.CharField(max_length=255)
    basis = models.CharField(max_length=255)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at"]
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")


class Erasure(models.Model):
    """Whose data was erased, on which ground, by whom (REL-14, PRIV-05)."""

    learner_id = models.UUIDField(help_text=_("Public id of the learner."))
    ground = models.CharField(max_length=255)
    records = models.BooleanField(default=False, help_text=_("Whether the bytes of issued records went too."))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at"]
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
