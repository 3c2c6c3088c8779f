"""Routes of the authorization server and of connected apps. The library's own pages are not routed (SEC-42)."""

from django.urls import path

from apps.exchange.authorization import views

urlpatterns = [
    path(".well-known/oauth-authorization-server", views.metadata, name="oauth_metadata"),
    path("o/authorize/", views.authorize, name="oauth_authorize"),
    path("o/token/", views.token, name="oauth_token"),
    path("o/revoke_token/", views.revoke, name="oauth_revoke"),
    path("o/introspect/", views.introspect, name="oauth_introspect"),
    path("o/register/", views.register, name="oauth_register"),
    path("o/register/<str:client_id>/", views.registration, name="oauth_registration"),
    path("o/logos/<uuid:public_id>.png", views.logo, name="oauth_logo"),
    path("account/apps/", views.connected_apps, name="connected_apps"),
    path("account/apps/<uuid:public_id>/", views.consent, name="consent"),
    path("account/apps/<uuid:public_id>/receipt.json", views.receipt, name="consent_receipt"),
    path("account/apps/<uuid:public_id>/end/", views.end_access, name="end_access"),
]
