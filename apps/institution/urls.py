"""Routes of the institution's look."""

from django.urls import path

from apps.institution import views

urlpatterns = [
    path("brand/<str:colour>.css", views.accent, name="brand_accent"),
    path("brand/<uuid:public_id>/logo", views.logo, name="brand_logo"),
]
