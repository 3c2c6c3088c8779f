"""Signing in: the account adapter of allauth, guessing slowed down, staff asked for more (SEC-53).

Whether an account exists shows neither in words nor in time: a name that nobody has costs one hashing like any other,
and the limits count names, not accounts.
"""

import hashlib
import time
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import LoginForm
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import Fernet
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts import telling
from apps.accounts.inviting import institution_name
from apps.accounts.models import User
from apps.accounts.navigation import home_of
from apps.accounts.permissions import STAFF_ROLES, has_role
from apps.network import limits
from apps.network.counting import shared_counters

LONGEST_PASSWORD = 1024
"""Bytes; more is refused before anything is hashed."""
CONFIRMED_FOR = 10 * 60
RESET_HOLDS = 3600
DEVICE_DAYS = 180
FIRST_WAIT, LONGEST_WAIT, WAITS_REMEMBERED = 15, 3600, 86_400

password_set = Signal()
"""Sent in the transaction in which somebody's password changes (`user`): what else hangs on it ends too (SEC-44)."""

RESETS_ADDRESS = limits.Rate("password-reset-address", 30, 900)
RESETS_ACCOUNT = limits.Rate("password-reset-account", 5, 3600)


class EmailBackend(AuthenticationBackend):
    """Knows people by the address of their account, letter case apart, and by nothing else."""

    def _authenticate_by_email(self, email: str, password: str) -> Any:
        return self._check_password(User.objects.filter(email__iexact=email).first(), password)


class SignInForm(LoginForm):
    """E-mail and password."""

    error_messages_same = gettext_lazy("The e-mail address or the password is not right.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail")
        self.fields["login"].widget.attrs = {"autocomplete": "username", "autofocus": True, "inputmode": "email"}
        self.fields["password"].label = _("Password")
        self.fields["password"].widget.attrs = {"autocomplete": "current-password"}
        self.fields["password"].help_text = ""

    def clean_password(self) -> str:
        """Refuses what is too long to be hashed, in the same words as a wrong password."""
        password = str(self.cleaned_data["password"])
        if len(password.encode("utf-8", "surrogatepass")) > LONGEST_PASSWORD:
            limits.count(limits.SIGN_IN_ADDRESS, limits.asker_of(self.request))
            raise forms.ValidationError(self.error_messages_same)
        return password


class AccountAdapter(DefaultAccountAdapter):
    """What allauth asks of the portal."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": SignInForm.error_messages_same,
        "invalid_login": SignInForm.error_messages_same,
        "incorrect_password": gettext_lazy("That is not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account without an invitation."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """To the home of one's role."""
        return home_of(request.user)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the try before it is made; raises `TooMany` (429) when it must wait."""
        if limits.is_over(limits.SIGN_IN_ADDRESS, limits.asker_of(request)):
            limits.count(limits.SIGN_IN_ADDRESS, limits.asker_of(request))
        count_try(_name_of(request, credentials))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The user, or None; a try that went well is not counted."""
        self.pre_authenticate(request, **credentials)
        EmailBackend.unstash_authenticated_user()
        from django.contrib.auth import authenticate

        user = authenticate(request, **credentials) or EmailBackend.unstash_authenticated_user()
        if user is None:
            limits.count(limits.SIGN_IN_ADDRESS, limits.asker_of(request))
        else:
            forget_tries(_name_of(request, credentials))
        return user

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Asks for the password again; counted like signing in."""
        from allauth.core import context

        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        """Remembers the device, so that strangers who guess cannot keep the person out."""
        response = super().post_login(request, user, **kwargs)
        remember_device(response, user)
        return response

    def add_message(self, request: Any, level: int, *args: Any, **kwargs: Any) -> None:
        """Greets nobody: the page that follows is answer enough. Other messages are shown."""
        if level != messages.SUCCESS:
            super().add_message(request, level, *args, **kwargs)


# --- Guessing ------------------------------------------------------------------------------------


def _name_of(request: HttpRequest, credentials: dict[str, Any]) -> str:
    """Under which name tries are counted: the address, apart for devices from which its person signed in before."""
    email = str(credentials.get("email", "")).strip().casefold()
    return f"{email}\n{'known' if is_known_device(request, email) else ''}"


def _key(name: str, of: str) -> str:
    return f"sign-in-{of}:{hashlib.sha256(settings.SECRET_KEY.encode() + name.encode()).hexdigest()[:32]}"


def count_try(name: str) -> None:
    """Counts a try to sign in; ten within a quarter of an hour are free, then each further one waits longer.

    Raises `TooMany` with the seconds left. The wait doubles up to an hour and is forgotten after a day or a success.
    """
    counters = shared_counters()
    tries = counters.add(_key(name, "tries"), window=limits.SIGN_IN_ACCOUNT.seconds)
    waits = counters.read(_key(name, "waits"))
    if tries.value <= limits.SIGN_IN_ACCOUNT.times and not waits:
        return
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(waits, 10))
    turn = counters.add(_key(name, "turn"), window=wait)
    if turn.value > 1:
        raise limits.TooMany(turn.seconds_left)
    counters.add(_key(name, "waits"), window=WAITS_REMEMBERED)


def forget_tries(name: str) -> None:
    """Begins anew, as after a sign-in that went well."""
    for of in ("tries", "waits", "turn"):
        shared_counters().clear(_key(name, of))


def device_cookie() -> str:
    """The name of the cookie of known devices."""
    return "__Host-device" if settings.HTTPS else "device"


def remember_device(response: HttpResponseBase, user: User) -> None:
    """Notes on this device that its person signed in here; signed, and of no use for signing in."""
    response.set_cookie(
        device_cookie(),
        signing.dumps(_device_mark(user.email), salt="accounts.device"),
        max_age=DEVICE_DAYS * 86_400,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def is_known_device(request: HttpRequest, email: str) -> bool:
    """Whether the person with this address signed in on this device before."""
    try:
        mark = signing.loads(
            request.COOKIES.get(device_cookie(), ""), salt="accounts.device", max_age=DEVICE_DAYS * 86_400
        )
    except signing.BadSignature:
        return False
    return isinstance(mark, str) and constant_time_compare(mark, _device_mark(email))


def _device_mark(email: str) -> str:
    return hashlib.sha256(f"{settings.SECRET_KEY}\n{email.strip().casefold()}".encode()).hexdigest()


# --- Asking again, and the second factor ----------------------------------------------------------


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person signed in, or confirmed it, within the last ten minutes."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    return any(time.time() - record["at"] < CONFIRMED_FOR for record in records)


def require_confirmation(request: HttpRequest) -> None:
    """For keys, roles, institution, revocation: asks for the password again after ten minutes, then goes on (SEC-53).

    Raises `ReauthenticationRequired`, which the account middleware answers with that page.
    """
    if not is_confirmed(request):
        raise ReauthenticationRequired


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors; their secrets are encrypted under the portal's secret key, which is not in the database (I7)."""

    def _box(self) -> Fernet:
        import base64

        key = hashlib.sha256(b"accounts.second-factor\n" + settings.SECRET_KEY.encode()).digest()
        return Fernet(base64.urlsafe_b64encode(key))

    def encrypt(self, text: str) -> str:
        """What is stored."""
        return self._box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What the authenticator knows."""
        return self._box().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        """The name in the authenticator app."""
        return institution_name()


class SecondFactorMiddleware:
    """In production staff set up a second factor before anything else."""

    OPEN = ("/account/", "/static/", "/language/", "/healthz", "/readyz")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            settings.PRODUCTION
            and request.user.is_authenticated
            and (request.user.is_staff or has_role(request.user, *STAFF_ROLES))
            and not request.path.startswith(self.OPEN)
            and not self._has_one(request)
        ):
            messages.info(request, _("People of the office sign in with a second factor. Please set it up first."))
            return HttpResponseRedirect(reverse("mfa_activate_totp"))
        return self._get_response(request)

    def _has_one(self, request: HttpRequest) -> bool:
        if not request.session.get("second_factor") and is_mfa_enabled(request.user):
            request.session["second_factor"] = True
        return bool(request.session.get("second_factor"))


# --- A forgotten password --------------------------------------------------------------------------


def _fingerprint(user: User) -> str:
    """Changes when the password or the address does, or somebody signs in: a link is good once."""
    material = f"{user.password}\n{user.email}\n{user.last_login}\n{user.is_active}"
    return hashlib.sha256(material.encode()).hexdigest()


def reset_token(user: User) -> str:
    """The secret of a reset link: who, when, and a seal of 256 bits. Nothing of it is stored (SEC-43)."""
    return signing.dumps([user.public_id.hex, _fingerprint(user)], salt="accounts.reset")


def user_of_reset(token: str) -> User | None:
    """Whose password the link may set; None when it is not ours, older than an hour, or used."""
    try:
        public_id, fingerprint = signing.loads(token, salt="accounts.reset", max_age=RESET_HOLDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = User.objects.filter(public_id=public_id, is_active=True).first()
    return user if user and constant_time_compare(fingerprint, _fingerprint(user)) else None


def ask_reset(request: HttpRequest, email: str) -> None:
    """Notes a letter with a reset link; for an address that nobody has, a letter that is never sent (same time)."""
    import uuid

    limits.count(RESETS_ADDRESS, limits.asker_of(request))
    limits.count(RESETS_ACCOUNT, email.strip().casefold())
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    telling.tell("password-reset", uuid.uuid4(), user.public_id if user else uuid.uuid4())


@telling.letter("password-reset")
def _reset_letter(subject_id: str, recipient_id: str, arguments: dict[str, Any]) -> EmailMultiAlternatives | None:
    user = User.objects.filter(public_id=recipient_id, is_active=True).first()
    if user is None:
        return None
    context = {
        "institution": institution_name(),
        "link": f"{settings.BASE_URL}/account/password/new/{reset_token(user)}/",
        "minutes": RESET_HOLDS // 60,
    }
    return telling.compose("password_reset", user.email, context, language=user.language)


@telling.letter("password-changed")
def _changed_letter(subject_id: str, recipient_id: str, arguments: dict[str, Any]) -> EmailMultiAlternatives | None:
    user = User.objects.filter(public_id=recipient_id).first()
    if user is None:
        return None
    context = {"institution": institution_name(), "link": f"{settings.BASE_URL}/account/password/forgotten/"}
    return telling.compose("password_changed", user.email, context, language=user.language)
