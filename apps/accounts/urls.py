"""Routes of signing in. The names that begin with account_ are those that allauth looks up."""

from allauth.account import views as allauth
from django.urls import include, path

from apps.accounts import views

urlpatterns = [
    path("", views.home, name="account_login"),
    path("invitation/<str:token>/", views.invitation, name="invitation"),
    path("account/", views.account, name="account"),
    path("account/sign-out/", allauth.logout, name="account_logout"),
    path("account/inactive/", allauth.account_inactive, name="account_inactive"),
    path("account/confirm/", allauth.reauthenticate, name="account_reauthenticate"),
    path("account/password/", views.change_password, name="account_change_password"),
    path("account/password/forgotten/", views.forgotten, name="account_reset_password"),
    path("account/password/new/<str:token>/", views.new_password, name="new_password"),
    path("account/second-factor/", include("allauth.mfa.urls")),
    path("language/", include("django.conf.urls.i18n")),
    path("terms/", views.terms, name="terms"),
    path("privacy/", views.privacy, name="privacy"),
]
