"""Every setting of the portal, read from the environment here and nowhere else."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.utils.translation import gettext_lazy as _

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent


def _private_file(path: Path, make: bytes) -> bytes:
    """The content of a 0600 file of the data folder, made with `make` on first use."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(make)
        file.flush()
        os.fsync(file.fileno())
    return make


# --- Where things are -------------------------------------------------------------------------
PRODUCTION: bool = env.bool("CLRPORTAL_PRODUCTION", default=False)
DEBUG: bool = env.bool("DJANGO_DEBUG", default=False)
DATA_DIR = Path(env.str("CLRPORTAL_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
PORT: int = env.int("PORT", default=8000)
BASE_URL: str = env.str("CLRPORTAL_BASE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
FETCH_ALLOW: list[str] = env.list("CLRPORTAL_FETCH_ALLOW", default=[])
CONTEXTS_FILE: str = env.str("CLRPORTAL_CONTEXTS", default="")  # JSON-LD contexts the operator allows, by digest
KEK_FILE = Path(env.str("CLRPORTAL_KEK_FILE", default=str(DATA_DIR / "kek.key")))
FILES_DIR = DATA_DIR / "files"  # content-addressed store, never served as a folder (SEC-35)
CHECKPOINT_DIR = DATA_DIR / "checkpoints"  # audit heads kept outside the database (REL-18)
MAIL_DIR = DATA_DIR / "mail"
MIN_FREE_BYTES: int = env.int("CLRPORTAL_MIN_FREE_MB", default=200) * 1024 * 1024
"""Room on the disk below which background work waits, so that people can still sign in and verify (REL-23)."""
HTTPS = BASE_URL.startswith("https://")

SECRET_KEY: str = env.str("DJANGO_SECRET_KEY", default="")
if not SECRET_KEY and not PRODUCTION:
    SECRET_KEY = _private_file(DATA_DIR / "secret.key", secrets.token_urlsafe(64).encode()).decode()
SECRET_KEY = SECRET_KEY or "absent"  # in production; the start names this fault with the others

ALLOWED_HOSTS = sorted({"127.0.0.1", "localhost", "[::1]", urlsplit(BASE_URL).hostname or "localhost"})
if PRODUCTION:
    ALLOWED_HOSTS = [urlsplit(BASE_URL).hostname or ""]
CSRF_TRUSTED_ORIGINS = [BASE_URL] if HTTPS else []

# --- Applications -----------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "apps.accounts.office.OfficeConfig",  # django.contrib.admin with our own site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "django_htmx",
    "lucide",
    "csp",
    "apps.network",
    "apps.institution",
    "apps.accounts",
    "apps.jobs",
    "apps.learners",
    "apps.achievements",
    "apps.issuance",
    "apps.verification",
    "apps.wallet",
    "apps.reporting",
    "apps.exchange",
    "apps.demo",
]

MIDDLEWARE = [
    "apps.network.headers.ContentPolicyMiddleware",
    "apps.network.headers.EdgeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.accounts.sessions.SessionAgeMiddleware",
    "apps.accounts.signin.SecondFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.network.limits.LimitsMiddleware",
]

ROOT_URLCONF = "clrportal.urls"
WSGI_APPLICATION = "clrportal.wsgi.application"
ASGI_APPLICATION = "clrportal.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.institution.branding.brand",
                "apps.accounts.navigation.navigation",
            ],
        },
    },
]

# --- Database ---------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'portal.sqlite3'}")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {  # REL-20, REL-14 (recursive_triggers)
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
            "PRAGMA recursive_triggers=ON; PRAGMA busy_timeout=20000; PRAGMA cache_size=-65536; "
            "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=4194304;"  # the log shrinks after a long reader (F27)
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # REL-21
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Background work --------------------------------------------------------------------------
REDIS_URL: str = env.str("REDIS_URL", default="")
BROKER_DIR = DATA_DIR / "broker"
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"visibility_timeout": 3600}
else:
    for _name in ("queue", "control"):
        (BROKER_DIR / _name).mkdir(mode=0o700, parents=True, exist_ok=True)
    CELERY_BROKER_URL = "filesystem://localhost//"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.1,  # seconds; a second would pass before each message that waits alone
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True  # REL-07: results are never relied on; the database alone knows
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SOFT_TIME_LIMIT = 300
CELERY_TASK_TIME_LIMIT = 360
CELERY_TASK_DEFAULT_QUEUE = "work"
CELERY_TASK_ROUTES = {
    "issuance.sign_*": {"queue": "sign"},
    "issuance.render_*": {"queue": "render"},
    "jobs.send_outbox": {"queue": "mail"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "dispatch": {"task": "jobs.dispatch", "schedule": 15.0},  # REL-06
    "sweep": {"task": "exchange.sweep", "schedule": 24 * 3600.0},  # SEC-46
}

# --- Signing in -------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.signin.EmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.accounts.signin.AccountAdapter"
ACCOUNT_FORMS = {"login": "apps.accounts.signin.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True  # how long a session lasts is decided by apps.accounts.sessions (SEC-54)
ACCOUNT_RATE_LIMITS = False  # counted by apps.network.limits, which survives a restart (SEC-53, SEC-59)
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
MFA_ADAPTER = "apps.accounts.signin.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

# --- The office (the admin's theme) --------------------------------------------------------------
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "apps.accounts.site.site_name",
    "SITE_HEADER": "apps.accounts.site.site_name",
    "SITE_ICON": "apps.accounts.site.site_icon",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["apps.accounts.site.office_sheet"],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "apps.accounts.site.favicon"}],
    "COLORS": {"primary": "apps.accounts.site.accent_shades"},
    "SIDEBAR": {"show_search": False, "navigation": "apps.accounts.site.menu"},
}
SIMPLE_HISTORY_REVERT_DISABLED = True  # an earlier state is looked at, never put back
OFFICE_MENU = [  # groups of (model or named address, title, icon); who may not see one has no entry
    (
        _("Records"),
        [
            ("issuance.Record", _("Records"), "description"),
            ("issuance.Batch", _("Batches"), "stacks"),
            ("achievements.Assertion", _("Achievements earned"), "workspace_premium"),
            ("achievements.Award", _("Awards to many"), "redeem"),
        ],
    ),
    (
        _("People"),
        [
            ("learners.Learner", _("Learners"), "school"),
            ("learners.Cohort", _("Cohorts"), "groups"),
            ("learners.Program", _("Programs"), "account_tree"),
            ("learners.Course", _("Courses"), "menu_book"),
            ("learners.AdvisorAssignment", _("Advising"), "handshake"),
            ("accounts.Invitation", _("Invitations"), "mail"),
            ("exchange.IntakeRequest", _("Requests for records"), "move_to_inbox"),
        ],
    ),
    (
        _("Catalogue"),
        [
            ("achievements.Achievement", _("Achievements"), "trophy"),
            ("achievements.BadgeDesign", _("Badges"), "verified"),
            ("achievements.Framework", _("Frameworks"), "lan"),
            ("achievements.Endorsement", _("Endorsements"), "thumb_up"),
            ("achievements.Endorser", _("Endorsers"), "diversity_3"),
            ("learners.ImportRun", _("Imports"), "upload_file"),
        ],
    ),
    (
        _("Institution"),
        [
            ("institution.CertificateDesign", _("Certificate design"), "palette"),
            ("institution.Organization", _("Organizations"), "account_balance"),
            ("institution.Policy", _("Policy"), "gavel"),
            ("institution.SigningKey", _("Signing keys"), "key"),
            ("verification.PinnedKey", _("Trusted keys"), "verified"),
            ("accounts.User", _("People with a sign-in"), "manage_accounts"),
        ],
    ),
    (
        _("What was done"),
        [
            ("jobs.Job", _("Background work"), "pending_actions"),
            ("institution.AuditEntry", _("Audit trail"), "history"),
            ("institution.Disclosure", _("Disclosures"), "visibility"),
        ],
    ),
]

# --- Sessions and cookies (SEC-54) ------------------------------------------------------------
SESSION_ENGINE = "apps.accounts.sessions"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True

# --- Mail (contract: files in the data folder unless EMAIL_URL says otherwise) -----------------
if env.str("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "apps.jobs.letterbox.LetterBox"
    EMAIL_FILE_PATH = str(MAIL_DIR)
DEFAULT_FROM_EMAIL = env.str("CLRPORTAL_MAIL_FROM", default="records@localhost")

# --- The edge (SEC-56 to SEC-60) --------------------------------------------------------------
TRUSTED_PROXIES: list[str] = env.list("CLRPORTAL_TRUSTED_PROXIES", default=[])  # addresses or networks
METRICS_TOKEN: str = env.str("CLRPORTAL_METRICS_TOKEN", default="")
CSRF_FAILURE_VIEW = "apps.network.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
}

# --- How long things are kept (PRIV-05, digest employer/registrar, part D): days by name ------------
RETENTION: dict[str, int] = {
    "copies_of_data": 7,  # that learners asked for (PRIV-11)
    "import_files": 30,
    "import_reports": 365,
    "drafts": 3 * 365,  # that were never approved
    "invitations": 365,
    "letters": 365,
    "jobs": 365,
    "requests": 1,  # answers kept for a repeated request (REL-10)
    "sessions": 1,  # after they ended
    "unnamed_files": 1,  # of the store, that no row names (REL-22)
} | {name: int(days) for name, days in env.dict("CLRPORTAL_RETENTION", default={}).items()}

# --- Files, languages, time -------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": FILES_DIR}},
    "staticfiles": {"BACKEND": "apps.network.static_files.PortalStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False
WHITENOISE_USE_FINDERS = DEBUG or not (PRODUCTION or (STATIC_ROOT / "staticfiles.json").exists())  # not yet collected
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "apps" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # SEC-20

# --- API --------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "clrportal",
    "DESCRIPTION": (
        "For programs: verification of learner records and badges, learner records by CLR 1.0 (`/ims/clr/v1p0/`), "
        "and badges by Badge Connect, Open Badges 2.1 (`/ims/ob/v2p1/`)."
    ),
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Authorization server (SEC-40 to SEC-46; what the library does not do is in apps.exchange.authorization) -----
OAUTH2_PROVIDER_APPLICATION_MODEL = "exchange.Client"
OAUTH2_PROVIDER_GRANT_MODEL = "exchange.Grant"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "exchange.AccessToken"  # noqa: S105  the name of a table
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "exchange.RefreshToken"  # noqa: S105  the name of a table
INTROSPECTION_TOKEN: str = env.str("CLRPORTAL_INTROSPECTION_TOKEN", default="")  # the operator's; none: closed
OAUTH2_PROVIDER: dict[str, Any] = {
    "OAUTH2_VALIDATOR_CLASS": "apps.exchange.authorization.validator.Validator",
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.WebApplicationServer",  # code and refresh alone (SEC-40)
    "ACCESS_TOKEN_GENERATOR": "apps.exchange.authorization.validator.new_token",
    "REFRESH_TOKEN_GENERATOR": "apps.exchange.authorization.validator.new_token",
    "SCOPES_BACKEND_CLASS": "apps.exchange.authorization.validator.OfferedScopes",
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 90 * 24 * 3600,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ROTATE_REFRESH_TOKEN": True,
    "PKCE_REQUIRED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "ALLOW_URI_WILDCARDS": False,
    "ALLOW_LOCALHOST_LOOPBACK": False,
    "OIDC_ENABLED": False,
    "DCR_ENABLED": False,  # our own views, with the fields of the 1EdTech profile
    "CIMD_ENABLED": False,
    **{
        f"COMPLIANT_BCP_RFC9700_{gate}": True
        for gate in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}

# --- Logs: JSON lines, nothing from the body of a request (SEC-63, PRIV-04) --------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": env.str("CLRPORTAL_LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "oauthlib": {"level": "WARNING"},  # writes codes and tokens at DEBUG (SEC-43)
        "oauth2_provider": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
        "pikepdf": {"level": "WARNING"},
    },
}
