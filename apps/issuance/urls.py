"""Routes of the learner's records; they stand below /records/."""

from django.urls import path

from apps.issuance import badge_views, views

urlpatterns = [
    path("", views.records, name="records"),
    path("badges/<uuid:public_id>/", badge_views.badge, name="record_badge"),
    path("badges/<uuid:public_id>/get/", badge_views.get, name="record_badge_get"),
    path("badges/<uuid:public_id>/public/", badge_views.public, name="record_badge_public"),
    path("badges/<uuid:public_id>/badge.png", badge_views.png, name="record_badge_png"),
    path("badges/<uuid:public_id>/badge.svg", badge_views.svg, name="record_badge_svg"),
    path("badges/<uuid:public_id>/badge.json", badge_views.json, name="record_badge_json"),
    path("badges/<uuid:public_id>/badge.jws", badge_views.jws, name="record_badge_jws"),
    path("<uuid:public_id>/", views.record, name="record"),
    path("<uuid:public_id>/clr.jws", views.jws, name="record_jws"),
    path("<uuid:public_id>/clr.json", views.json, name="record_json"),
    path("<uuid:public_id>/record.pdf", views.pdf, name="record_pdf"),
    path("<uuid:public_id>/certificate-<int:number>.pdf", views.certificate, name="record_certificate"),
    path("<uuid:public_id>/public/", views.public, name="record_public"),
    path("<uuid:public_id>/versions/", views.versions, name="record_versions"),
]
