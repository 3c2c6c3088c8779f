"""Mutated inputs: no crash, no changed document accepted (SEC-20 to SEC-28, CLR1-V-17)."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.standards.baking import png, svg
from apps.standards.verify.engine import verify
from tests.effort import examples
from tests.standards.verify.manifest import NOW, MapFetcher, cases
from tests.standards.verify.world import Institution, World

pytestmark = pytest.mark.once

ROUNDS = int(os.environ.get("CLRPORTAL_FUZZ_ROUNDS", "50"))
fuzzed = settings(
    max_examples=examples(ROUNDS),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)

WORLD = World()
COLLEGE = Institution(WORLD, "records.college.example", "College")
OTHER = Institution(WORLD, "badges.other.example", "Other")

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [
            "",
            "x",
            "https://records.college.example/",
            "urn:uuid:1",
            "2026-02-30T00:00:00Z",
            "Signed",
            "Hosted",
            "Clr",
            "https://w3id.org/openbadges/v2",
            "a.b.c",
            "https://[::1",
            "https://[::1#x",
            "http://\u0661",
            "sha256$00",
            "ext:",
            "\ud7ff",
            "‮",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "publicKey", "identity", "claim", "@context", "x:y"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    if isinstance(value, dict):
        for name, member in value.items():
            found += paths(member, (*at, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            found += paths(member, (*at, index))
    return found


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    document = copy.deepcopy(document)
    node = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return document


def full_record() -> dict[str, Any]:
    return COLLEGE.record(
        achievements=[COLLEGE.assertion(1)["achievement"]],
        signedAssertions=[OTHER.signed_assertion(9)],
        endorsements=[
            {
                "id": "urn:uuid:e",
                "type": "Endorsement",
                "issuedOn": "2026-07-01T00:00:00Z",
                "claim": {"id": COLLEGE.id},
                "issuer": {"id": OTHER.id},
                "verification": {"type": "Hosted"},
            }
        ],
    )


RECORD = full_record()
PATHS = paths(RECORD)


@fuzzed
@given(st.data())
def test_any_value_anywhere_in_a_record_is_judged(data: st.DataObject) -> None:
    path, value = data.draw(st.sampled_from(PATHS)), data.draw(json_values)
    mutated = replaced(RECORD, path, value)
    signed = WORLD.judge(COLLEGE.sign(mutated)) if isinstance(mutated, dict) else None
    plain = WORLD.judge(json.dumps(mutated).encode())
    assert not plain.valid
    for result in (signed, plain):
        if result is not None:
            json.dumps(result.as_json())


@fuzzed
@given(st.data())
def test_any_value_anywhere_in_a_served_document_is_judged(data: st.DataObject) -> None:
    world = World()
    college = Institution(world, "records.college.example", "College")
    address = data.draw(st.sampled_from([college.id, college.key_id, college.list_id]))
    document = json.loads(world.answers[address].body)
    path, value = data.draw(st.sampled_from(paths(document))), data.draw(json_values)
    world.serve(address, replaced(document, path, value), data.draw(st.sampled_from([200, 200, 410, 404, 500])))
    json.dumps(world.judge(college.sign(college.record())).as_json())


@fuzzed
@given(st.data())
def test_any_value_anywhere_in_a_badge_is_judged(shared: Path, data: st.DataObject) -> None:
    samples = [case for case in cases(shared, "ob-2.0") if case.entry["input"] == "json"]
    case = data.draw(st.sampled_from(samples))
    document = json.loads(case.source)
    path, value = data.draw(st.sampled_from(paths(document))), data.draw(json_values)
    mutated = json.dumps(replaced(document, path, value)).encode()
    address = case.entry.get("subject", "https://example.org/x")
    world = World()
    world.serve(address, mutated)
    fallback = case.fetcher()

    class Both:
        def fetch(self, url: str, *, kind: str) -> Any:
            return world.answers[url] if url in world.answers else fallback.fetch(url, kind=kind)

    json.dumps(verify(mutated, fetcher=Both(), now=NOW).as_json())


@fuzzed
@given(st.data())
def test_any_value_anywhere_in_a_credential_is_judged(shared: Path, data: st.DataObject) -> None:
    samples = [case for case in cases(shared, "ob-3.0") if case.entry["input"] == "json" and case.id != "not-json"]
    case = data.draw(st.sampled_from(samples))
    document = json.loads(case.source)
    path, value = data.draw(st.sampled_from(paths(document))), data.draw(json_values)
    mutated = json.dumps(replaced(document, path, value)).encode()
    json.dumps(verify(mutated, fetcher=case.fetcher(), now=NOW).as_json())


TOKEN = COLLEGE.sign(COLLEGE.record(assertions=[COLLEGE.assertion(1)]))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ~\u00e9"


@fuzzed
@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(ALPHABET))
def test_a_changed_character_of_a_signed_record_is_found(position: int, character: str) -> None:
    if character != TOKEN[position]:
        changed = TOKEN[:position] + character + TOKEN[position + 1 :]
        assert not WORLD.judge(changed).valid or changed.strip() == TOKEN


def test_every_changed_character_of_a_signed_record_is_found() -> None:
    accepted = []
    for position, original in enumerate(TOKEN):
        for character in ("A", "-"):
            changed = TOKEN[:position] + character + TOKEN[position + 1 :]
            if character != original and WORLD.judge(changed).valid:
                accepted.append((position, character))
    assert accepted == []


@fuzzed
@given(st.integers(0, len(TOKEN)), st.text(ALPHABET, max_size=5), st.integers(0, 4))
def test_an_insertion_or_deletion_in_a_signed_record_is_found(position: int, text: str, removed: int) -> None:
    changed = TOKEN[:position] + text + TOKEN[position + removed :]
    if changed.strip() != TOKEN:
        assert not WORLD.judge(changed).valid


@fuzzed
@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data: bytes) -> None:
    for start in (b"", b"{", b"ey", b"<svg ", b"%PDF-1.7\n", png.SIGNATURE):
        assert not WORLD.judge(start + data).valid


@fuzzed
@given(st.data())
def test_damaged_pictures_are_judged(shared: Path, data: st.DataObject) -> None:
    samples = [case for case in cases(shared, "ob-2.0") if case.entry["input"] in ("png", "svg")]
    image = data.draw(st.sampled_from(samples)).source
    position = data.draw(st.integers(0, len(image) - 1))
    damaged = image[:position] + data.draw(st.binary(max_size=4)) + image[position + data.draw(st.integers(0, 4)) :]
    json.dumps(verify(damaged, fetcher=MapFetcher(shared, {}), now=NOW).as_json())


@fuzzed
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200))
def test_what_is_baked_is_found_again(text: str) -> None:
    """SEC-25, SEC-27"""
    if not text.strip():
        return
    tiny = png.SIGNATURE + png._chunk(b"IHDR", bytes(8) + b"\x08\x02\0\0\0") + png._chunk(b"IEND", b"")
    assert png.extract(png.bake(png.bake(tiny, "old"), text)) == text.strip()
    drawing = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" id="a>b"/>'
    assert svg.extract(svg.bake(drawing, verify=text)) == text.strip()
    body = json.dumps({"a": text}, ensure_ascii=False)
    baked = svg.bake(drawing, verify="https://x.example/", body=body)
    assert json.loads(svg.extract(baked)) == {"a": text}
