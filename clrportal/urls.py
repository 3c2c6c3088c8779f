"""The address table of the portal: nothing but routes to the rooms."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
