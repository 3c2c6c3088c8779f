"""Routes of the learner's records; they stand below /records/."""

from django.urls import path

from apps.issuance import views

urlpatterns = [
    path("", views.records, name="records"),
    path("<uuid:public_id>/", views.record, name="record"),
    path("<uuid:public_id>/clr.jws", views.jws, name="record_jws"),
    path("<uuid:public_id>/clr.json", views.json, name="record_json"),
    path("<uuid:public_id>/record.pdf", views.pdf, name="record_pdf"),
    path("<uuid:public_id>/certificate-<int:number>.pdf", views.certificate, name="record_certificate"),
    path("<uuid:public_id>/public/", views.public, name="record_public"),
    path("<uuid:public_id>/versions/", views.versions, name="record_versions"),
]
