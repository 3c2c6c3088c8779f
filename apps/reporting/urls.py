"""The advisor's addresses, below /advising/."""

from django.urls import path

from apps.reporting import views

app_name = "advising"
urlpatterns = [
    path("", views.caseload, name="caseload"),
    path("caseload.csv", views.caseload_file, name="caseload_file"),
    path("learners/<uuid:public_id>/", views.learner, name="learner"),
    path("learners/<uuid:public_id>/items/<uuid:identifier>/", views.items_below, name="items_below"),
    path("groups/<str:key>/", views.group, name="group"),
    path("groups/<str:key>/table.csv", views.group_file, name="group_file"),
]
