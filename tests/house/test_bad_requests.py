"""Odd, wrong and hostile requests to the pages of the office: refused or ignored, never an error of ours.

SEC-20, SEC-21, SEC-34, SEC-51, SEC-60: what stands in addresses and forms is text until somebody looked at it.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts.permissions import Role
from apps.issuance.models import Record
from apps.network import counting, limits
from tests.effort import some
from tests.house.test_routes import World, founded, own_models, world

pytestmark = pytest.mark.django_db
__all__ = ["founded", "world"]  # the fixtures

HUGE = "9" * 19
NUMBERS = ["0", "-1", HUGE, "9" * 5000, "9e99", "²", "x"]


@pytest.fixture
def registrar(world: World) -> Iterator[Client]:
    """A registrar's browser, not counted before; an error of ours is an answer to it, not an exception of the test."""
    counting.shared_counters.cache_clear()  # the counters of this test alone: the world has its own data folder
    client = world.client(str(Role.REGISTRAR))
    client.raise_request_exception = False
    yield client
    counting.shared_counters.cache_clear()


def lists() -> list[tuple[Any, str]]:
    """Every list of the office."""
    return [
        (model, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")) for model in own_models()
    ]


def queries(model: Any) -> Iterator[dict[str, str]]:
    """Odd queries to a list: search, order, page, and filters, of this list and of any."""
    for name in ("q", "o", "p", "pk__in", "no_such_field"):
        yield {name: HUGE}
        yield {name: "a\x00b"}
    yield {"q": "a " * 2_000}
    yield {"id__range": HUGE}
    yield {"id__regex": "%_\\("}
    yield {"id__exact": "9" * 5000}
    for one in getattr(admin.site._registry[model], "list_filter", ()):
        path = one[0] if isinstance(one, tuple) else getattr(one, "parameter_name", one)
        for name in (path, f"{path}__exact", f"{path}__id__exact"):
            yield {name: HUGE}
            yield {name: "²"}


def test_lists_stand_odd_queries(registrar: Client) -> None:
    """SEC-34, SEC-51: an odd search, page, order or filter is answered, ignored or refused."""
    faults = []
    for model, address in lists():
        if registrar.get(address).status_code != 200:
            continue
        for query in some(queries(model)):
            status = registrar.get(address, query).status_code
            if status >= 500:
                faults.append(f"{address} {query!r:.80}: {status}")
    assert not faults, "\n".join(faults)


def test_sec_51_no_filter_is_a_pattern(registrar: Client) -> None:
    """I5: a regular expression of somebody's own may be broken, or run without end."""
    assert registrar.get(reverse("admin:learners_learner_changelist"), {"id__regex": "("}).status_code == 400


def test_lists_stand_odd_actions(registrar: Client) -> None:
    """SEC-51: so do actions on what was never on the list, which change nothing."""
    faults = []
    for model, address in lists():
        for action in (*(getattr(admin.site._registry[model], "actions", ()) or ()), "no_such_action"):
            for value in some((HUGE, "²", "a\x00b")):
                form = {"action": action, "_selected_action": [value], "index": value, "select_across": value}
                status = registrar.post(address, form).status_code
                if status >= 500:
                    faults.append(f"{address} {form!r:.120}: {status}")
    assert not faults, "\n".join(faults)


def office_routes(resolver: URLResolver | None = None, before: str = "/") -> Iterator[str]:
    """Every route that names a thing, as text."""
    for pattern in (resolver or get_resolver()).url_patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from office_routes(pattern, text)
        elif isinstance(pattern, URLPattern) and "<" in text and "app_label" not in text:
            yield text.replace("^", "").removesuffix("/?$")


@pytest.mark.parametrize("value", some(["9" * 5000, HUGE, "-1", "9e99", "%C2%B2", "%00", "a'b", "..%2fetc"]))
def test_addresses_stand_odd_ids(value: str, registrar: Client) -> None:
    """SEC-50, SEC-60: an id that is no id is as absent as one that nobody has."""
    faults = []
    for route in office_routes():
        address = re.sub(r"<\w+:\w+>|<\w+>|\(\?P<\w+>.+?\)", value, route)
        for method in (registrar.get, registrar.post):
            status = method(address).status_code
            if status >= 500:
                faults.append(f"{method.__name__} {address[:120]}: {status}")
    assert not faults, "\n".join(faults)


ACTIONS = ("include", "leave-out", "order", "up", "down", "restore", "refresh", "add", "item", "evidence")
ACTIONS += ("drop-evidence", "record", "no-such-action")


@pytest.mark.parametrize("action", ACTIONS)
def test_the_editor_stands_odd_forms(action: str, world: World, registrar: Client) -> None:
    """REL-25, SEC-34: no item, number or version of nobody's breaks a draft, or changes what it includes."""
    address = reverse("admin:issuance_record_edit", args=[world.draft.pk])
    before = list(world.draft.draft.items.values_list("included", "edits"))
    faults = []
    for value in some((*NUMBERS, "a\x00b", "")):
        for version in (str(Record.objects.get(pk=world.draft.pk).version), value):
            form = {"action": action, "version": version, "view": value, "field": value, "place": value}
            form |= {"item": value, "items": [value], "order": [value], "name": value, "url": value, "narrative": value}
            status = registrar.post(address, form).status_code
            if status >= 500:
                faults.append(f"{form!r:.160}: {status}")
    assert not faults, "\n".join(faults)
    if action not in {"refresh", "record"}:
        assert list(world.draft.draft.items.values_list("included", "edits")) == before


def test_other_forms_stand_odd_values(world: World, registrar: Client) -> None:
    """REL-10, SEC-34: steps, classes, awards and uploads with values that make no sense."""
    faults = []
    names = ("step", "version", "nonce", "comment", "cohort", "program", "term", "learner", "achievement", "records")
    names += ("asked", "words", "awarded_on", "source", "address", "item", "remove", "file", "title", "q", "page")
    pages = [
        reverse("admin:issuance_record_step", args=[world.draft.pk]),
        reverse("admin:issuance_record_revoke"),
        reverse("admin:issuance_record_add"),
        reverse("admin:issuance_batch_class"),
        reverse("admin:achievements_award_add"),
        reverse("admin:learners_importrun_upload"),
        reverse("admin:framework_import"),
        reverse("admin:search"),
    ]
    for page in pages:
        for value in some((*NUMBERS, "a\x00b", "\u202e\ufeff", "'\"<b>", "z" * 5_000)):
            for method in (registrar.get, registrar.post):
                status = method(page, dict.fromkeys(names, value)).status_code
                if status >= 500:
                    faults.append(f"{method.__name__} {page} {value!r:.40}: {status}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("charset", ["hex", "zlib", "idna", "undefined", "utf-16", "utf-7", "no-such"])
def test_sec_21_a_charset_of_a_strangers_own(charset: str, world: World) -> None:
    """Text is UTF-8; some of what Python calls an encoding is none."""
    client = Client(raise_request_exception=False)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
        answer = client.generic("GET", "/?next=%2Frecords%2F", content_type=f"{kind}; charset={charset}")
        assert answer.status_code in {200, 415}
        answer = client.generic("POST", "/", b"login=a&password=b", content_type=f"{kind}; charset={charset}")
        assert 200 <= answer.status_code < 500


@pytest.mark.parametrize("name", ["learners_importrun_upload", "framework_import"])
def test_sec_20_imports_may_be_large(name: str, world: World, registrar: Client) -> None:
    """100 MB for imports of those who are signed in, 5 MB for others."""
    address = reverse(f"admin:{name}")
    large = {"bundle": SimpleUploadedFile("a.zip", bytes(6_000_000)), "nothing": "1"}
    assert registrar.post(address, large).status_code in {200, 302}
    assert Client().post(address, {"a": SimpleUploadedFile("a.zip", bytes(6_000_000))}).status_code == 413


@pytest.mark.parametrize("name", ["learners_importrun_upload", "framework_import"])
def test_sec_59_uploads_are_counted(name: str, world: World, registrar: Client) -> None:
    """60 in ten minutes for each person."""
    for _ in range(limits.UPLOAD.times):
        limits.count(limits.UPLOAD, str(world.users[Role.REGISTRAR].pk))
    answer = registrar.post(reverse(f"admin:{name}"))
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
