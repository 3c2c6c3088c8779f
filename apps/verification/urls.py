"""The addresses of the verifier (contract.md)."""

from django.urls import path, re_path

from apps.verification import api, views

urlpatterns = [
    path("verify/", views.verify, name="verification-verify"),
    path("verify/report/", views.signed_report, name="verification-report"),
    re_path(r"^verify/(?P<code>[A-Za-z0-9]{20,40})/?$", views.verify_code, name="verification-code"),
    path("api/verify/", api.verify, name="api-verify"),
    path("api/schema/", api.schema, name="api-schema"),
    path("api/docs/", api.docs, name="api-docs"),
]
