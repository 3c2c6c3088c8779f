"""The main job in a browser: from the student system's export to a record that anybody can check, and back."""

import re
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import Page, expect

from tests.journeys import summer
from tests.journeys.conftest import Person
from tests.portal import Portal

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.xdist_group("journey")]
OWN_PASSWORD = "a-tide-of-own-making-77"


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_from_export_to_verified_record(width: str, at_a_screen: Callable, portal: Portal, tmp_path: Path) -> None:
    """Import, drafts for a class, approval, issue; the student downloads; anyone verifies; the registrar revokes."""
    export = tmp_path / "summer.zip"
    content, address = summer.export(width)
    export.write_bytes(content)

    with at_a_screen(width) as registrar:
        registrar.signs_in("registrar@demo.example")
        imports_an_export(registrar, export)
        issues_the_class(registrar, f"Summer Institute {width}")

    with at_a_screen(width) as student:
        accepts_the_invitation(student, portal, address)
        pdf, clr = downloads_the_record(student, tmp_path)
        assert '"Tidal Ecology"' in clr.read_text()

    with at_a_screen(width) as anyone:
        checks(anyone, pdf, "valid")
        expect(anyone.page.get_by_text("Wren Halloway").first).to_be_visible()
        anyone.sees_an_accessible_page()
        checks(anyone, with_one_byte_changed(pdf, tmp_path / "changed.pdf"), "invalid")
        anyone.sees_an_accessible_page()

    with at_a_screen(width) as registrar:
        registrar.signs_in("registrar@demo.example")
        revokes(registrar, "Wren Halloway", "Issued under the wrong program.")

    with at_a_screen(width) as anyone:
        checks(anyone, pdf, "invalid")
        expect(anyone.page.locator("[data-verdict]").first).to_contain_text(re.compile("revoked", re.I))
        expect(anyone.page.locator("main")).to_contain_text("Issued under the wrong program.")


def imports_an_export(registrar: Person, export: Path) -> None:
    """Drops the file, looks at what would change, starts, and waits until it is in."""
    page = registrar.page
    registrar.goes_to("/admin/learners/importrun/upload/")
    page.locator("input[type=file]").set_input_files(export)
    page.locator("main button[type=submit], #content-main button[type=submit]").first.click()
    start = page.get_by_role("button", name=re.compile("^Start|^Import", re.I))
    expect(start).to_be_visible(timeout=60_000)
    registrar.sees_an_accessible_page()
    start.click()
    expect(page.locator("#content-main")).to_contain_text(re.compile("applied|imported", re.I), timeout=60_000)
    registrar.sees_an_accessible_page()


def issues_the_class(registrar: Person, program: str) -> None:
    """Makes drafts for the class, sends them to review, approves and issues them, watching the progress."""
    page = registrar.page
    end = time.monotonic() + 60
    registrar.goes_to("/admin/issuance/batch/class/")
    page.get_by_label("Program").select_option(label=program)
    page.get_by_role("button", name="Show").click()
    while not page.get_by_role("button", name="Make 3 drafts").is_visible() and time.monotonic() < end:
        page.wait_for_timeout(500)
        page.reload()
    registrar.sees_an_accessible_page()
    for label in ("Make 3 drafts", "Send 3 drafts to review", "Approve 3 records"):
        page.get_by_role("button", name=label).click()
        onward = page.get_by_role("link", name="Go on")
        expect(onward).to_be_visible(timeout=60_000)
        onward.click()
    page.get_by_role("button", name="Issue 3 records").click()
    expect(page.locator("#batch-part")).to_contain_text("3 of 3 done", timeout=60_000)
    registrar.sees_an_accessible_page()


def accepts_the_invitation(student: Person, portal: Portal, address: str) -> None:
    """Opens the link of the mail, sets a password, and is in."""
    student.goes_to(link_in_mail(portal, address))
    student.sees_an_accessible_page()
    for field in student.page.locator("input[type=password]").all():
        field.fill(OWN_PASSWORD)
    student.page.locator("main button[type=submit]").first.click()
    student.page.wait_for_load_state()
    if student.page.locator("input[type=password]").count():
        student.signs_in(address, OWN_PASSWORD)


def link_in_mail(portal: Portal, address: str, seconds: float = 180) -> str:
    """The address in the mail that was sent to somebody."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for file in sorted((portal.folder / "mail").glob("*.eml")):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = mail.get_body(("plain",))
            if mail["To"] == address and body is not None:
                found = re.search(r"https?://\S+/invitation/\S+/", body.get_content())
                if found:
                    return found[0]
        time.sleep(0.5)
    raise AssertionError(f"No invitation was mailed to {address}.\n{portal.log()}")


def downloads_the_record(student: Person, folder: Path) -> tuple[Path, Path]:
    """Opens the newest record and downloads PDF and JSON-LD."""
    page = student.page
    student.goes_to("/records/")
    student.sees_an_accessible_page()
    page.locator("main a[href*='/records/']").first.click()
    page.wait_for_load_state()
    student.sees_an_accessible_page()
    files = []
    for ending in ("record.pdf", "clr.json"):
        menu = page.locator("summary", has_text="Download")
        if menu.count() and not page.locator(f"a[href$='{ending}']").first.is_visible():
            menu.first.click()
        with page.expect_download(timeout=60_000) as download:
            page.locator(f"a[href$='{ending}']").first.click()
        files.append(folder / ending)
        download.value.save_as(files[-1])
    return files[0], files[1]


def checks(anyone: Person, document: Path, verdict: str) -> None:
    """Hands a file in at the counter, which takes it at once, and reads the verdict."""
    anyone.goes_to("/verify/")
    anyone.page.locator("input[type=file]").first.set_input_files(document)
    expect(anyone.page.locator(f"[data-verdict={verdict}]").first).to_be_visible(timeout=30_000)


def with_one_byte_changed(pdf: Path, to: Path) -> Path:
    """The same PDF, one letter of the signed attachment changed."""
    with pikepdf.open(pdf) as document:
        [attached] = document.attachments.values()
        token = bytearray(attached.get_file().read_bytes())
        place = len(token) // 2
        token[place] = ord("A") if token[place] != ord("A") else ord("B")
        stream = attached.obj.EF.F
        stream.write(bytes(token))
        document.save(to)
    return to


def revokes(registrar: Person, name: str, reason: str) -> None:
    """Finds the learner's record and revokes it with a reason."""
    page: Page = registrar.page
    registrar.goes_to("/admin/issuance/record/?q=" + name.replace(" ", "+"))
    page.locator("table a[href*='/issuance/record/'][href*='/change/']").first.click()
    page.get_by_role("button", name="Revoke").first.click()
    registrar.sees_an_accessible_page()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Revoke the record").click()
    expect(page.locator("#content-main")).to_contain_text("Revoked")
