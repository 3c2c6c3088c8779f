"""A small portal of its own, to see what the edge does to any view."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from apps.network import errors, health, limits
from apps.network.headers import data_block, open_api, public_object


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>a page</p>" + data_block({"name": "</script><b>&\u2028"}))


def signed_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user.is_authenticated))


@public_object(max_age=300)
def hosted(request: HttpRequest) -> HttpResponse:
    if request.GET.get("absent"):
        raise Http404
    return JsonResponse({"id": 1})


@csrf_exempt
@open_api(methods="POST, OPTIONS", headers="Content-Type")
@limits.limited(limits.Rate("test", 3, 60))
def api(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"length": len(request.body)})


@csrf_exempt
def counts_itself(request: HttpRequest) -> HttpResponse:
    limits.count(limits.Rate("itself", 1, 60), "somebody")
    return HttpResponse("ok")


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse("changed")


def breaks(request: HttpRequest, how: str) -> HttpResponse:
    raise {
        "denied": PermissionDenied("Approval needs a second person."),
        "absent": Http404("Learner matching query does not exist: secret"),
        "database": OperationalError("connection to 10.0.0.1 lost"),
        "bug": RuntimeError("secret detail"),
    }[how]


def status_object(request: HttpRequest, status: int, sentence: str, id: str) -> HttpResponse:
    return JsonResponse({"form": "of a standard", "sentence": sentence}, status=status)


errors.register_form("/standard/", status_object)

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("page/", page),
    path("admin/page/", page),
    path("signed-in/", signed_in),
    path("hosted/", hosted),
    path("api/thing/", api),
    path("itself/", counts_itself),
    path("form/", form),
    path("breaks/<str:how>/", breaks),
    path("api/breaks/<str:how>/", breaks),
    path("standard/breaks/<str:how>/", breaks),
]

handler400 = "apps.network.errors.bad_request"
handler403 = "apps.network.errors.forbidden"
handler404 = "apps.network.errors.not_found"
handler500 = "apps.network.errors.server_error"
