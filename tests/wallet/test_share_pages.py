"""What viewers see of a link, and what learners do with theirs (SEC-50, SEC-52, SEC-59, PRIV-07)."""

import base64
import io
import json
import re
import uuid
import zlib
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pikepdf
import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.issuance import badges, revoking
from apps.jobs import outbox, running
from apps.jobs.models import Job
from apps.wallet import receipts, sharing
from apps.wallet.models import Share
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School
from tests.wallet.sharing_world import COURSES, Sharing, enrolled, page_of, payload, stranger, verdicts

__all__ = ["own_files", "school"]  # the fixtures
ROBOTS = [
    "facebookexternalhit/1.1",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
]


@pytest.fixture
def mine(school: School) -> Sharing:
    return enrolled(school)


def text(answer: Any) -> str:
    return answer.content.decode()


def filled(**changes: Any) -> dict[str, Any]:
    """The form that makes a link."""
    return {
        "recipient": "Harrow & Vale",
        "purpose": "job",
        "days": "90",
        "nonce": uuid.uuid4().hex,
        **changes,
    }


# --- The viewer -------------------------------------------------------------------------------


def test_a_viewer_sees_who_shares_what_until_when_and_every_signature_checked(mine: Sharing) -> None:
    share = mine.link(mine.record, mine.badge("MATH 101"), message="With kind regards")
    viewer = stranger()
    page = viewer.get(page_of(share))
    assert page.status_code == 200
    for words in (mine.learner.name, "Harrow &amp; Vale", "With kind regards", *COURSES.values()):
        assert words in text(page)
    assert verdicts(text(page)) == ["pending", "pending"]
    for position in (1, 2):
        checked = viewer.get(f"{page_of(share)}items/{position}/verdict")
        assert verdicts(text(checked)) == ["valid"]
    share.refresh_from_db()
    assert share.views == 1 and [each.device for each in share.looks.all()] == ["phone, Safari"]


def test_what_was_shared_can_be_taken_along_as_it_is(mine: Sharing) -> None:
    share = mine.link()
    viewer = stranger()
    viewer.get(page_of(share))
    file = viewer.get(f"{page_of(share)}items/1/file")
    assert payload(file.content)["id"].endswith(str(mine.record.public_id))
    pdf = viewer.get(f"{page_of(share)}items/1/record.pdf")
    with pikepdf.open(io.BytesIO(pdf.content)) as read:
        attached = [each.get_file().read_bytes() for each in read.attachments.values()]
    assert file.content.strip() in [each.strip() for each in attached]
    share.refresh_from_db()
    assert share.views == 1 and share.looks.count() == 3


def test_a_revoked_record_is_said_to_be_revoked(mine: Sharing, school: School) -> None:
    share = mine.link()
    viewer = stranger()
    viewer.get(page_of(share))
    revoking.revoke(mine.record, by=school.registrar, reason="Issued by mistake.")
    checked = text(viewer.get(f"{page_of(share)}items/1/verdict"))
    assert verdicts(checked) == ["invalid"] and "revoked" in checked.lower()


def test_sec_52_no_answer_is_kept_indexed_or_named_to_others(mine: Sharing) -> None:
    share = mine.link()
    base = page_of(share)
    viewer = stranger()
    addresses = [base, f"{base}items/1/file", f"{base}items/1/verdict", f"{base}items/9/file", "/r/unknown/"]
    over = mine.link()
    sharing.withdraw(over, by=mine.user)
    for address in [*addresses, page_of(over)]:
        answer = viewer.get(address)
        assert answer["Cache-Control"] == "no-store", address
        assert "noindex" in answer["X-Robots-Tag"], address
        assert answer["Referrer-Policy"] == "no-referrer", address


@pytest.mark.parametrize("agent", ROBOTS)
def test_sec_52_robots_see_a_neutral_page_and_count_nothing(mine: Sharing, agent: str) -> None:
    share = mine.link(most_views=1)
    robot = stranger(agent)
    answers = [robot.get(page_of(share)), robot.get(f"{page_of(share)}items/1/file", follow=True)]
    for answer in answers:
        assert answer.status_code == 200
        assert mine.learner.name not in text(answer) and "Otterblue" not in text(answer)
    share.refresh_from_db()
    assert share.views == 0 and not share.looks.exists()


def test_sec_52_head_counts_nothing(mine: Sharing) -> None:
    share = mine.link(most_views=1)
    for address in (page_of(share), f"{page_of(share)}items/1/file", f"{page_of(share)}items/1/record.pdf"):
        assert stranger().head(address).status_code == 200
    share.refresh_from_db()
    assert share.views == 0


def test_a_person_taken_for_a_robot_gets_in_by_a_button(mine: Sharing) -> None:
    share = mine.link()
    viewer = stranger("Mozilla/5.0 (iPhone) AppleWebKit [LinkedInApp]")
    assert "<form" in text(viewer.get(page_of(share)))
    assert mine.learner.name in text(viewer.post(page_of(share), follow=True))
    share.refresh_from_db()
    assert share.views == 1


def test_social_previews_reveal_nothing(mine: Sharing) -> None:
    """PRIV-07, issue 7: title and og: tags are the same for every link."""
    one, other = mine.link(), mine.link(mine.badge("MATH 101"))
    heads = []
    for share in (one, other):
        page = text(stranger().get(page_of(share)))
        heads.append(re.findall(r"<title>.*?</title>|<meta property=.*?>|<meta name=\"(?:twitter|desc).*?>", page))
    assert heads[0] == heads[1] and len(heads[0]) >= 3
    assert mine.learner.name not in str(heads)


@pytest.mark.parametrize("end", ["withdrawn", "expired", "used up"])
def test_sec_52_what_is_over_answers_410_in_one_sentence_everywhere(mine: Sharing, end: str) -> None:
    """SEC-52: at once, on page, file, PDF, verdict and QR, also for who had it open."""
    share = mine.link(most_views=1 if end == "used up" else None)
    base, viewer = page_of(share), stranger()
    if end != "used up":
        assert viewer.get(base).status_code == 200
    else:
        stranger().get(base)
    if end == "withdrawn":
        mine.at_home().post(reverse("share-withdraw", args=[share.public_id]))
    elif end == "expired":
        past = timezone.now() - timedelta(days=100)
        Share.objects.filter(pk=share.pk).update(created_at=past, expires_at=past + timedelta(days=90))
    for address in (base, f"{base}items/1/file", f"{base}items/1/record.pdf"):
        answer = viewer.get(address)
        assert answer.status_code == 410, address
        assert mine.learner.name not in text(answer) and "Otterblue" not in text(answer)
    if end != "used up":
        assert viewer.get(f"{base}items/1/verdict").status_code == 410
    assert mine.at_home().get(reverse("share-qr", args=[share.public_id])).status_code == 410


def test_the_last_viewer_may_finish(mine: Sharing) -> None:
    share = mine.link(most_views=1)
    viewer = stranger()
    assert viewer.get(page_of(share)).status_code == 200
    assert verdicts(text(viewer.get(f"{page_of(share)}items/1/verdict"))) == ["valid"]
    assert viewer.get(f"{page_of(share)}items/1/file").status_code == 200
    assert viewer.get(page_of(share)).status_code == 410


@pytest.mark.parametrize("token", ["x", "a" * 43, "%00", "%C3%BC%E2%98%83", "..%2f..%2fetc", "A" * 8192, "%ff%fe"])
def test_odd_tokens_are_unknown(db: None, token: str) -> None:
    assert stranger().get(f"/r/{token}/").status_code in {400, 404}


def test_sec_59_guessing_ends_after_100_misses(mine: Sharing) -> None:
    """SEC-59: then even a good link waits, from this address."""
    guesser = stranger()
    said = [guesser.get(f"/r/guess-{number}/").status_code for number in range(102)]
    assert said[:100] == [404] * 100 and said[101] == 429
    assert guesser.get(page_of(mine.link()))["Retry-After"]


# --- Passcodes --------------------------------------------------------------------------------


def test_a_browser_sends_the_passcode_without_an_origin(mine: Sharing) -> None:
    """SEC-52, SEC-55: a page with `no-referrer` sends forms with `Origin: null`; the viewer gets in all the same."""
    share = mine.link(passcode="kelp-4411")
    viewer = Client(enforce_csrf_checks=True)
    viewer.get(page_of(share))
    sent = viewer.post(page_of(share), {"passcode": "kelp-4411"}, headers={"Origin": "null"})
    assert (sent.status_code, sent["Location"]) == (302, page_of(share))


def test_a_passcode_is_asked_for_before_anything_is_shown(mine: Sharing) -> None:
    share = mine.link(passcode="kelp-4411")
    base, viewer = page_of(share), stranger()
    asked = viewer.get(base)
    assert "passcode" in text(asked) and mine.learner.name not in text(asked)
    for rest in ("items/1/file", "items/1/record.pdf"):
        assert viewer.get(base + rest).status_code == 302
    assert viewer.get(f"{base}items/1/verdict").status_code == 404
    assert viewer.post(base, {"passcode": "wrong"}).status_code == 403
    shown = viewer.post(base, {"passcode": "kelp-4411"}, follow=True)
    assert mine.learner.name in text(shown)
    assert viewer.get(f"{base}items/1/file").status_code == 200
    share.refresh_from_db()
    assert share.views == 1 and "kelp-4411" not in share.passcode


def test_sec_52_after_five_wrong_ones_the_sixth_waits(mine: Sharing) -> None:
    share = mine.link(passcode="kelp-4411")
    said = [stranger().post(page_of(share), {"passcode": f"no-{number}"}).status_code for number in range(5)]
    assert said == [403] * 5
    late = stranger().post(page_of(share), {"passcode": "kelp-4411"})
    assert late.status_code == 429 and 0 < int(late["Retry-After"]) <= 30


def test_the_pass_of_one_link_opens_no_other(mine: Sharing) -> None:
    open_one, locked = mine.link(), mine.link(passcode="kelp-4411")
    viewer = stranger()
    viewer.get(page_of(open_one))
    assert "passcode" in text(viewer.get(page_of(locked)))
    assert viewer.get(f"{page_of(locked)}items/1/file").status_code == 302


# --- What was left out (PRIV-07) ---------------------------------------------------------------


def layers(content: bytes) -> Iterator[str]:
    """All that can be read in an answer: as it stands, unescaped, and what is packed in it."""
    yield content.decode("utf-8", "replace")
    for part in re.findall(rb"[A-Za-z0-9_-]{40,}", content):
        whole = part[: len(part) - len(part) % 4]
        yield base64.urlsafe_b64decode(whole).decode("utf-8", "replace")
    for part in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        try:
            yield zlib.decompress(part.strip(b"\r\n")).decode("latin-1")
        except zlib.error:
            continue


def answers_about(share: Share, home: Client) -> Iterator[tuple[str, bytes]]:
    """Everything that a link gives to anybody, and what its owner can hand on."""
    base, viewer = page_of(share), stranger()
    yield "robot", stranger(ROBOTS[0]).get(base).content
    page = viewer.get(base)
    yield "page", page.content
    yield "headers", str(page.headers).encode()
    count = share.items.count()
    for position in range(1, count + 3):  # two more than there are: what errors say
        for rest in ("file", "record.pdf", "verdict"):
            yield f"{rest} {position}", viewer.get(f"{base}items/{position}/{rest}").content
    yield "qr", home.get(reverse("share-qr", args=[share.public_id])).content
    for name in ("share-receipt", "share-receipt-text"):
        yield name, home.get(reverse(name, args=[share.public_id])).content
    yield "detail", home.get(reverse("share-detail", args=[share.public_id])).content
    outbox.send_outbox()
    [letter] = [each for each in mail.outbox if share.link in str(each.body)]
    message: EmailMessage = letter.message()
    yield "letter", message.as_bytes()
    yield "api", Client().post("/api/verify/", {"url": share.link}, content_type="application/json").content
    sharing.withdraw(share, by=share.learner.user)
    yield "over", viewer.get(base).content


def test_priv_07_what_was_left_out_occurs_nowhere(mine: Sharing, settings: Any) -> None:
    """PRIV-07, twice the same selection: HTML, data blocks, files, PDF, QR, receipts, letter, API, preview, errors."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    canaries = ["Kestrelred", "Lynxgreen", "CHEM 141", "HIST 201", str(mine.record.public_id), mine.record.code]
    canaries += [mine.learner.student_id]
    home = mine.at_home()
    for _ in range(2):
        form = filled(record=str(mine.record.public_id), part="some", entry=str(mine.earned["MATH 101"].public_id))
        preview = home.post(reverse("share-create"), {**form, "step": "preview"})
        assert "Otterblue" in text(preview)
        shown = re.sub(r'<form method="post".*?</form>', "", text(preview), flags=re.DOTALL)
        assert not [word for word in canaries if word in shown]
        made = home.post(reverse("share-create"), {**form, "email": "hr@harrow.example"})
        share = Share.objects.get(nonce=form["nonce"])
        assert made.status_code == 302
        running.run_now(Job.objects.filter(kind=receipts.KIND).latest("pk"))
        share.refresh_from_db()
        found = []
        for where, content in answers_about(share, home):
            for layer in layers(content):
                found += [(where, word) for word in canaries if word in layer]
        assert found == []


def test_priv_07_another_record_is_not_in_the_pdf_of_the_shared_one(mine: Sharing, school: School) -> None:
    """PRIV-07: attachments and metadata of the PDF, and the data blocks, hold the shared record alone."""
    school.course("BIOL 120", "Heronwhite Biology")
    school.passes(mine.learner, "BIOL 120")
    first = mine.record
    newer = school.issued(mine.learner)
    share = mine.link(first)
    viewer = stranger()
    contents = [viewer.get(page_of(share)).content]
    contents += [viewer.get(f"{page_of(share)}items/1/{rest}").content for rest in ("file", "verdict")]
    for content in contents:
        for layer in layers(content):
            assert "Heronwhite" not in layer and newer.code not in layer


def test_a_signed_record_is_not_cut_what_is_chosen_is_signed_by_itself(mine: Sharing) -> None:
    home = mine.at_home()
    form = filled(record=str(mine.record.public_id), part="some")
    form["entry"] = [str(mine.earned[code].public_id) for code in ("MATH 101", "HIST 201")]
    home.post(reverse("share-create"), form)
    share = Share.objects.get()
    viewer = stranger()
    viewer.get(page_of(share))
    titles = []
    for position in (1, 2):
        titles.append(payload(viewer.get(f"{page_of(share)}items/{position}/file").content)["badge"]["name"])
        assert verdicts(text(viewer.get(f"{page_of(share)}items/{position}/verdict"))) == ["valid"]
    assert sorted(titles) == ["Lynxgreen History", "Otterblue Calculus"]
    assert not badges.badges_of(mine.learner).filter(is_public=True).exists()


# --- The learner ------------------------------------------------------------------------------


def test_two_taps_from_a_record_to_a_link(mine: Sharing) -> None:
    """Issue 7: the button at the record, the button of the page."""
    home = mine.at_home()
    assert f'href="/records/{mine.record.public_id}/share/"' in text(home.get(f"/records/{mine.record.public_id}/"))
    page = text(home.get(f"/records/{mine.record.public_id}/share/"))
    tags = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", page)]
    said = {tag["name"]: tag.get("value", "") for tag in tags if tag.get("name") in {"record", "nonce", "recipient"}}
    made = home.post(reverse("share-create"), {**said, "purpose": "show", "days": "90"}, follow=True)
    share = Share.objects.get()
    assert share.link in text(made)
    assert home.get(reverse("share-qr", args=[share.public_id]))["Content-Type"] == "image/svg+xml"


def test_the_list_shows_each_link_with_its_views_and_takes_it_back(mine: Sharing) -> None:
    share = mine.link()
    stranger().get(page_of(share))
    home = mine.at_home()
    page = text(home.get(reverse("shares")))
    assert "Harrow &amp; Vale" in page and "phone, Safari" in page and 'data-share-state="open"' in page
    home.post(reverse("share-withdraw", args=[share.public_id]))
    assert 'data-share-state="withdrawn"' in text(home.get(reverse("shares")))
    assert stranger().get(page_of(share)).status_code == 410


def test_sec_50_foreign_and_absent_answer_alike(mine: Sharing, school: School) -> None:
    """SEC-50, SEC-52: a share of what is not one's own cannot be made or seen."""
    other = enrolled(school, 2, "Tariq", "Baptiste")
    share = other.link()
    home, absent = mine.at_home(), uuid.uuid4()
    for foreign in (other.record.public_id, absent):
        assert home.post(f"/records/{foreign}/share/", filled()).status_code == 404
        assert home.get(f"/records/{foreign}/share/").status_code == 404
        for name in ("record", "item", "badge"):
            assert home.get(reverse("share-create"), {name: str(foreign)}).status_code == 404
            assert home.post(reverse("share-create"), filled(**{name: str(foreign)})).status_code == 404
    for public_id in (share.public_id, absent):
        for name in ("share-detail", "share-qr", "share-receipt", "share-receipt-text"):
            assert home.get(reverse(name, args=[public_id])).status_code == 404
        assert home.post(reverse("share-withdraw", args=[public_id])).status_code == 404
    share.refresh_from_db()
    assert share.state == Share.State.OPEN and Share.objects.count() == 1


def test_achievements_of_somebody_else_cannot_be_named(mine: Sharing, school: School) -> None:
    other = enrolled(school, 2, "Tariq", "Baptiste")
    form = filled(record=str(mine.record.public_id), part="some", entry=str(other.earned["MATH 101"].public_id))
    assert mine.at_home().post(reverse("share-create"), form).status_code == 422
    assert not Share.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("days", "9999"), ("days", ""), ("passcode", "123"), ("most_views", "0"), ("email", "no"), ("recipient", "")],
)
def test_what_cannot_be_is_said_at_the_field(mine: Sharing, name: str, value: str) -> None:
    form = filled(**{"record": str(mine.record.public_id), name: value})
    answer = mine.at_home().post(reverse("share-create"), form)
    assert answer.status_code == 422 and 'aria-invalid="true"' in text(answer)
    assert not Share.objects.exists()


def test_priv_10_the_letter_carries_the_link_and_nothing_of_the_records(mine: Sharing, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    share = mine.link(email="hr@harrow.example", passcode="kelp-4411")
    outbox.send_outbox()
    [letter] = [each for each in mail.outbox if "hr@harrow.example" in each.to]
    said = letter.message().as_string()
    assert share.link in letter.body and not any(title in said for title in COURSES.values())
    assert "kelp-4411" not in said


def test_the_receipt_can_be_kept(mine: Sharing) -> None:
    """PRIV-02"""
    share = mine.link()
    home = mine.at_home()
    assert home.get(reverse("share-receipt", args=[share.public_id])).status_code == 503
    running.run_now(Job.objects.get(kind=receipts.KIND))
    kept = json.loads(home.get(reverse("share-receipt", args=[share.public_id])).content)
    assert kept["receipt"]["recipient"] == "Harrow & Vale" and kept["signature"].count(".") == 2
    read = text(home.get(reverse("share-receipt-text", args=[share.public_id])))
    assert "Harrow & Vale" in read and kept["signature"] in read and str(mine.record.public_id) in read


def test_staff_have_no_links(school: School) -> None:
    office = Client()
    office.force_login(school.registrar)
    assert office.get(reverse("shares")).status_code == 403
