"""The record as a page: summary first, every achievement opens in place."""

import re

import pytest
from django.template.loader import render_to_string

from apps.issuance.reading import read_record
from tests.issuance import records


def _page(payload):
    return render_to_string("issuance/record_body.html", {"record": read_record(payload)})


def test_it_works():
    html = _page(records.record())
    assert html.count("<details>") == 17
    for words in (
        "Tomas Elis Lindqvist",
        "Bachelor of Science",
        "29.5",
        "3.13",
        "Academic record",
        "Co-curricular record",
    ):
        assert words in html


def test_each_opens_to_criteria_results_evidence_alignment_and_endorsement():
    html = _page(records.record())
    for words in ("Pass all laboratories", "required: D", "Titration report", "State Science Outcomes", "Exceeds"):
        assert words in html
    assert "Endorsed by Northern Chemistry Board" in html


def test_names_are_isolated_and_say_their_language_sec_32():
    html = _page(records.record("می‌نا خانی‌زاده"))
    assert '<bdi dir="rtl" lang="fa">می‌نا خانی‌زاده</bdi>' in html


@pytest.mark.parametrize("place", ["name", "humanCode", "description", "specialization"])
def test_markup_in_a_record_is_text(place):
    """CLR1-C-13: whatever an issuer writes into a record, nothing of it becomes markup."""
    payload = records.record()
    payload["assertions"][12]["achievement"][place] = '"><script>alert(1)</script>'
    html = _page(payload)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_links_leave_without_a_trace():
    links = re.findall(r'<a href="https?:[^>]*>', _page(records.record()))
    assert links
    assert all("nofollow" in link and "noopener" in link for link in links)


def test_every_id_is_there_once():
    ids = re.findall(r' id="([^"]+)"', _page(records.record(courses=60)))
    assert len(ids) == len(set(ids)) > 60


def test_partial_and_revoked_records_say_so_reg_08():
    payload = records.record(partial=True)
    payload |= {"revoked": True, "revocationReason": "Grade corrected"}
    html = _page(payload)
    assert "Partial record." in html
    assert "This record was revoked." in html
    assert "Grade corrected" in html


def test_an_empty_record_says_that_it_lists_nothing():
    assert "lists nothing yet" in _page({})
