"""The second language is whole: what learners, verifiers and advisors read stands in Spanish."""

import ast
import io
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pikepdf
import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from apps.institution.designs import DesignValue
from apps.issuance import rendering
from apps.verification.showing import VERDICT_FRAMES
from tests.issuance import records

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Path("apps", "locale", "es", "LC_MESSAGES", "django.po")

#: Where the texts for people outside the office stand; the office's own may still be English.
FACING = (
    *("templates/base", "templates/error", "templates/account/", "templates/accounts/", "templates/components/"),
    *("templates/issuance/", "templates/verification/", "templates/exchange/", "templates/mail/", "templates/pdf/"),
    *("templates/reporting/", "templates/wallet/", "apps/accounts/views", "apps/accounts/signin"),
    *("apps/accounts/inviting", "apps/accounts/sessions", "apps/accounts/navigation", "apps/network/"),
    *("apps/issuance/views", "apps/issuance/rendering", "apps/issuance/showing", "apps/issuance/reading"),
    *("apps/issuance/record_view", "apps/verification/showing", "apps/verification/views", "apps/reporting/"),
    *("apps/exchange/connection_views", "apps/exchange/authorization/", "apps/exchange/pages"),
    *("apps/wallet/views", "apps/wallet/shar", "apps/wallet/own_data_views", "apps/wallet/identities"),
)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|</?\w+>")


@dataclass(frozen=True)
class Entry:
    """One text of the catalogue with the files it stands in, and all its translations (one for each plural form)."""

    text: str
    plural: str
    translations: tuple[str, ...]
    files: tuple[str, ...]
    is_fuzzy: bool

    @property
    def is_facing(self) -> bool:
        return any(name.startswith(FACING) for name in self.files)


def _entries(catalogue: Path) -> list[Entry]:
    found = []
    for block in catalogue.read_text(encoding="utf-8").split("\n\n")[1:]:
        fields: dict[str, str] = {}
        for key, value in re.findall(r'^(msg\w+(?:\[\d\])?) ((?:".*"\n?)+)', block, re.M):
            fields[key] = "".join(ast.literal_eval(line) for line in value.split("\n") if line)
        if "msgid" not in fields:
            continue  # what is no longer used
        found.append(
            Entry(
                fields["msgid"],
                fields.get("msgid_plural", ""),
                tuple(value for key, value in fields.items() if key.startswith("msgstr")),
                tuple(name for line in re.findall(r"^#: (.*)$", block, re.M) for name in line.split()),
                re.search(r"^#, .*fuzzy", block, re.M) is not None,
            )
        )
    return found


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """The catalogue brought up to what code and templates say now, in a copy that the test may write to."""
    if shutil.which("xgettext") is None:
        pytest.fail("xgettext is missing: install the Debian package gettext.")
    work = tmp_path_factory.mktemp("texts")
    shutil.copy(ROOT / "manage.py", work)
    for room in ("apps", "templates", "clrportal"):
        shutil.copytree(ROOT / room, work / room, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", "es", "--add-location", "file", "--no-wrap", "-v", "0"],
        cwd=work,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "clrportal.settings", "CLRPORTAL_DATA_DIR": str(work / "var")},
        check=True,
    )
    return _entries(work / CATALOGUE)


@pytest.fixture
def compiled() -> None:
    """The catalogue in the form that Django reads; without it every page is in English."""
    source = ROOT / CATALOGUE
    made = source.with_suffix(".mo")
    if not made.is_file() or made.stat().st_mtime < source.stat().st_mtime:
        pytest.fail("The Spanish texts are not compiled: run `manage.py compilemessages --ignore .venv` (gettext).")


def test_every_text_for_people_outside_the_office_is_translated(entries: list[Entry]) -> None:
    """None is left out, and none was only guessed by the tools."""
    facing = [entry for entry in entries if entry.is_facing]
    assert len(facing) > 500
    assert [(e.text, e.files) for e in facing if e.is_fuzzy or not e.translations or not all(e.translations)] == []


def test_a_translation_keeps_the_placeholders_of_its_text(entries: list[Entry]) -> None:
    """A lost or foreign placeholder would break the page or drop a name; a lost tag would break its form."""
    wrong = []
    for entry in (each for each in entries if not each.is_fuzzy):
        allowed = [Counter(PLACEHOLDER.findall(text)) for text in (entry.text, entry.plural or entry.text)]
        wrong += [t for t in entry.translations if t and Counter(PLACEHOLDER.findall(t)) not in allowed]
    assert wrong == []


def test_the_catalogue_is_well_formed() -> None:
    """The tool that compiles it finds nothing to complain of (formats, line ends, plural forms)."""
    ran = subprocess.run(
        ["msgfmt", "--check-format", "--check-domain", "--output-file=/dev/null", CATALOGUE],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/verify/", "¿Es auténtico este expediente?"),
        ("/privacy/", "Qué se guarda"),
        ("/", "Sus expedientes, oficiales y en sus manos"),
        ("/there-is-no-such-page/", "No existe esa página"),
    ],
)
def test_a_page_is_in_the_language_of_the_browser(compiled: None, client: Client, path: str, sentence: str) -> None:
    """Accept-Language decides until somebody chooses."""
    page = client.get(path, headers={"accept-language": "es"}).content.decode()
    assert '<html lang="es"' in page
    assert sentence in page


@pytest.mark.django_db
def test_without_a_wish_a_page_is_english(compiled: None, client: Client) -> None:
    """Other languages than those offered fall back to English."""
    page = client.get("/verify/", headers={"accept-language": "fi"}).content.decode()
    assert '<html lang="en"' in page
    assert "Is this record genuine?" in page


def test_a_letter_is_in_the_language_that_is_active(compiled: None) -> None:
    """The letters of the portal are written under the recipient's language."""
    with translation.override("es"):
        text = render_to_string("mail/password_reset.txt", {"institution": "Universidad de Pinehurst", "minutes": 60})
    assert "Alguien, probablemente usted, solicitó una contraseña nueva" in text


def test_a_pdf_is_in_the_language_of_its_design(compiled: None, tmp_path: Path) -> None:
    """Headings and labels follow the record's language, and the document says so to readers aloud."""
    payload = records.record(narratives=1)
    design = DesignValue(institution_name="Pinehurst State University", language="es")
    address = "https://records.pinehurst.example/verify/6QJ72MFK88TDR4XW9B3HPCVN5A"
    made = rendering.render(
        payload,
        records.signed(payload),
        design,
        verify_url=address,
        code="6QJ72MFK88TDR4XW9B3HPCVN5A",
        page="A4",
        language=design.language,
    )
    with pikepdf.open(io.BytesIO(made)) as document:
        assert str(document.Root.Lang) == "es"
    (tmp_path / "record.pdf").write_bytes(made)
    shown = subprocess.run(["pdftotext", tmp_path / "record.pdf", "-"], capture_output=True, text=True, check=True)
    for label in ("Historial académico", "Créditos obtenidos", "Emisión y comprobación", "Compruébelo en"):
        assert label in shown.stdout
    assert "Academic record" not in shown.stdout


@pytest.mark.parametrize("frame", VERDICT_FRAMES)
def test_a_verdict_begins_in_the_language_of_the_page(compiled: None, frame: str) -> None:
    """The frame is translated, and stands in the verifier word for word, so that it is found there."""
    assert frame in (ROOT / "apps" / "standards" / "verify" / "verdict.py").read_text()
    with translation.override("es"):
        assert translation.gettext(frame) != frame
