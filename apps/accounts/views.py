"""The door of the portal: signing in, invitations, passwords, one's own account."""

from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import messages
from django.contrib.auth import login, password_validation, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import inviting, signin, telling
from apps.accounts.models import User
from apps.accounts.navigation import home_of
from apps.accounts.permissions import Role, has_role, roles_of
from apps.institution import audit
from apps.network import limits

BACKEND = "apps.accounts.signin.EmailBackend"
LINK_MISSES = limits.Rate("link-misses", 100, 600)


class SignInView(LoginView):
    """`/`: the sign-in form; for whoever is signed in, the way to the home of one's role."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Sends people who are signed in on, wherever they meant to go within the portal."""
        if request.user.is_authenticated:
            return redirect(self.get_next_url() or home_of(request.user))
        return super().dispatch(request, *args, **kwargs)


home = SignInView.as_view()


class NewPasswordForm(forms.Form):
    """A password, typed twice; the rules are those of the settings (SEC-53)."""

    password1 = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        max_length=signin.LONGEST_PASSWORD // 4,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least 12 characters. A few words that you remember make a good one."),
    )
    password2 = forms.CharField(
        label=gettext_lazy("The same once more"),
        strip=False,
        max_length=signin.LONGEST_PASSWORD // 4,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Both are the same, and good enough."""
        cleaned = super().clean() or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two are not the same."))
        if first:
            try:
                password_validation.validate_password(first, self.user)
            except forms.ValidationError as fault:
                self.add_error("password1", fault)
        return cleaned


class ChangePasswordForm(NewPasswordForm):
    """The present password and the new one."""

    present = forms.CharField(
        label=gettext_lazy("Present password"),
        strip=False,
        max_length=signin.LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ["present", "password1", "password2"]


class ForgottenForm(forms.Form):
    """Whose password was forgotten."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )


@never_cache
@sensitive_post_parameters()
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """`/invitation/<token>/`: sets the password of a new account, or adds the invitation to the account one has."""
    try:
        found = inviting.find(token)
    except inviting.NotOpen as fault:
        limits.count(LINK_MISSES, limits.asker_of(request))
        return render(request, "accounts/link_useless.html", {"sentence": str(fault)}, status=404)
    existing = inviting.account_of(found)
    signed_in = request.user if request.user.is_authenticated else None
    context: dict[str, Any] = {"invitation": found, "institution": inviting.institution_name()}
    if existing is not None or signed_in is not None:
        if existing is not None and signed_in == existing:
            if request.method == "POST":
                try:
                    inviting.accept(token, user=existing)
                except inviting.NotOpen as fault:
                    return render(request, "accounts/link_useless.html", {"sentence": str(fault)}, status=409)
                messages.success(request, _("Done: this is now part of your account."))
                return redirect(home_of(User.objects.get(pk=existing.pk)))
            return render(request, "accounts/invitation_add.html", context)
        context["must_sign_out"] = signed_in is not None
        return render(request, "accounts/invitation_sign_in.html", context)
    form = NewPasswordForm(request.POST or None, user=User(email=found.email))
    if request.method == "POST" and form.is_valid():
        try:
            user = inviting.accept(token, password=form.cleaned_data["password1"])
        except (inviting.NotOpen, inviting.OtherAccount):
            return redirect(request.path)
        login(request, user, backend=BACKEND)
        response = redirect(home_of(user))
        signin.remember_device(response, user)
        return response
    return render(request, "accounts/invitation.html", {**context, "form": form})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """`/account/password/forgotten/`: asks for a reset link; says the same whether the address has an account."""
    form = ForgottenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            signin.ask_reset(request, form.cleaned_data["email"])
        return render(request, "accounts/forgotten_done.html")
    return render(request, "accounts/forgotten.html", {"form": form})


@never_cache
@sensitive_post_parameters()
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: HttpRequest, token: str) -> HttpResponse:
    """`/account/password/new/<token>/`: sets a forgotten password anew; the link works for an hour, once."""
    user = signin.user_of_reset(token)
    if user is None:
        limits.count(LINK_MISSES, limits.asker_of(request))
        sentence = _("This link is no longer of use: it may be older than an hour, or used already. Ask for a new one.")
        return render(request, "accounts/link_useless.html", {"sentence": sentence, "is_reset": True}, status=404)
    form = NewPasswordForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        _set_password(user, form.cleaned_data["password1"], how="reset")
        signin.forget_tries(f"{user.email.casefold()}\n")
        messages.success(request, _("Your password is changed. Please sign in with it."))
        return redirect("/")
    return render(request, "accounts/new_password.html", {"form": form})


@never_cache
@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """`/account/password/`: changes the password; every other session of the account ends (SEC-54)."""
    user = User.objects.get(pk=request.user.pk or 0)
    form = ChangePasswordForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        if not signin.AccountAdapter(request).reauthenticate(user, form.cleaned_data["present"]):
            form.add_error("present", signin.AccountAdapter.error_messages["incorrect_password"])
        else:
            _set_password(user, form.cleaned_data["password1"], how="changed")
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password is changed. Other devices are signed out."))
            return redirect("/account/")
    return render(request, "accounts/change_password.html", {"form": form})


def _set_password(user: User, password: str, *, how: str) -> None:
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        entry = audit.record("password.set", user, user, how=how)
        telling.tell("password-changed", entry.digest, user.public_id)
        signin.password_set.send(sender=User, user=user)


@never_cache
@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """`/account/`: one's sign-in, its safety, and what else has access."""
    context = {
        "roles": [label for value, label in _role_labels() if value in roles_of(request.user)],
        "has_second_factor": is_mfa_enabled(request.user),
        "is_learner": has_role(request.user, Role.LEARNER),
    }
    return render(request, "accounts/account.html", context)


def _role_labels() -> list[tuple[str, str]]:
    from apps.accounts.permissions import Role

    return [(str(role), str(role.label)) for role in Role]


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """`/terms/`: what may be done with the portal."""
    return render(request, "accounts/terms.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """`/privacy/`: what is kept of whom, for how long, and who sees it."""
    return render(request, "accounts/privacy.html")
