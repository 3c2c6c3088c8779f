"""The PDF of a record: archivable, accessible, with the signed bytes inside (issue 3, Done when 4)."""

import io
import re
import subprocess
import unicodedata
import zipfile
from csv import DictReader
from itertools import pairwise

import pdfua
import pikepdf
import pytest
from PIL import Image

from apps.institution.designs import DesignValue, GradeLine, Picture
from apps.issuance import rendering
from apps.issuance.phrases import direction_of
from tests.issuance import records

CODE = "6QJ72MFK88TDR4XW9B3HPCVN5A"
ADDRESS = f"https://records.pinehurst.example/verify/{CODE}"
SEAL = Picture(
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4.5" cy="4.5" r="4" fill="#1f3a5f"/></svg>',
    "image/svg+xml",
)


def _picture():
    out = io.BytesIO()
    Image.new("RGBA", (80, 30), (20, 30, 90, 180)).save(out, "PNG")
    return Picture(out.getvalue(), "image/png")


DESIGN = DesignValue(
    institution_name="Pinehurst State University",
    institution_place="Pinehurst, Oregon",
    logo=SEAL,
    seal=SEAL,
    signature=_picture(),
    signatory_name="Marta Quispe",
    signatory_office="University Registrar",
    legend="The year has **two semesters**.\n\n| Code | Meaning |\n| - | - |\n| AU | Audit |",
    grades=(GradeLine("A", "4.0", "Excellent"), GradeLine("W", "", "Withdrawn")),
    statement="Not to be passed on without the consent of the student (34 CFR 99.33).",
)


def _render(payload, **options):
    return rendering.render(
        payload, records.signed(payload), DESIGN, verify_url=ADDRESS, code=CODE, **{"page": "A4", **options}
    )


@pytest.fixture(scope="module")
def payload():
    return records.record(narratives=3)


@pytest.fixture(scope="module")
def content(payload):
    return _render(payload)


@pytest.fixture
def pdf(content):
    with pikepdf.open(io.BytesIO(content)) as opened:
        yield opened


def _text(content, tmp_path):
    path = tmp_path / "record.pdf"
    path.write_bytes(content)
    return subprocess.run(["pdftotext", path, "-"], check=True, capture_output=True, text=True).stdout


def _elements(pdf, kind=None):
    """Structure elements in reading order."""
    found = []

    def walk(element):
        if isinstance(element, pikepdf.Dictionary) and "/S" in element:
            if kind is None or f"/{kind}" == element.S:
                found.append(element)
            kids = element.get("/K", [])
            for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
                walk(kid)

    for kid in pdf.Root.StructTreeRoot.K:
        walk(kid)
    return found


def test_it_works(content):
    assert content.startswith(b"%PDF-1.7")


# --- archivable ---------------------------------------------------------------------------------------------


def test_it_says_pdf_a_3a_and_pdf_ua_1(pdf):
    with pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "3A"
        assert metadata["pdfuaid:part"] == "1"
        assert "Tomas Elis Lindqvist" in metadata["dc:title"]


def test_it_has_an_output_intent(pdf):
    (intent,) = pdf.Root.OutputIntents
    assert intent.S == "/GTS_PDFA1"
    assert intent.DestOutputProfile.N == 3


def test_exactly_one_attachment_the_signed_record(pdf, payload):
    """One file clr.jws, application/jose, relationship Source, named by /AF, byte for byte."""
    assert list(pdf.attachments) == ["clr.jws"]
    (associated,) = pdf.Root.AF
    assert associated.AFRelationship == "/Source"
    assert associated.UF == "clr.jws"
    assert associated.EF.F.Subtype == "/application/jose"
    assert associated.EF.F.read_bytes() == records.signed(payload)


def test_every_font_is_embedded(pdf):
    fonts = [
        each for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/FontDescriptor"
    ]
    assert fonts
    assert all("/FontFile2" in font or "/FontFile3" in font or "/FontFile" in font for font in fonts)


def test_nothing_in_it_acts(pdf):
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(pdf.Root.keys())
    assert "/JavaScript" not in pdf.Root.get("/Names", {})
    for page in pdf.pages:
        for annotation in page.get("/Annots", []):
            assert annotation.Subtype == "/Link"
            assert annotation.A.S == "/URI"


def test_metadata_names_no_account_path_or_person_beyond_the_title_priv_11(content, pdf):
    """PRIV-11."""
    assert "/Author" not in pdf.docinfo
    assert "/Creator" not in pdf.docinfo
    assert set(pdf.docinfo.keys()) <= {"/Title", "/Subject", "/Producer", "/CreationDate"}
    assert b"/work" not in content
    assert b"/home" not in content
    assert b"/usr" not in content


def test_the_same_record_gives_the_same_bytes(payload, content):
    assert _render(payload) == content


def test_qpdf_finds_nothing(content, tmp_path):
    path = tmp_path / "record.pdf"
    path.write_bytes(content)
    checked = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


# --- accessible ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["record", "certificate", "preview"])
def test_pdfua_finds_nothing(kind, payload, content, tmp_path):
    path = tmp_path / "record.pdf"
    path.write_bytes({"record": lambda: content, "certificate": lambda: _certificate(payload),
                      "preview": lambda: rendering.render_preview(payload, DESIGN)}[kind]())  # fmt: skip
    report = pdfua.validate(path)
    assert [(finding.rule_id, finding.message) for finding in report.findings] == []


def test_it_is_marked_and_has_a_language_and_shows_its_title(pdf):
    assert pdf.Root.MarkInfo.Marked
    assert pdf.Root.Lang == "en"
    assert pdf.Root.ViewerPreferences.DisplayDocTitle


def test_every_heading_cell_has_a_scope(pdf):
    cells = _elements(pdf, "TH")
    assert len(cells) > 20
    assert {str(cell.A.Scope) for cell in cells} == {"/Column", "/Row"}


def test_headings_skip_no_level(pdf):
    levels = [int(str(each.S)[2]) for each in _elements(pdf) if re.fullmatch(r"/H\d", str(each.S))]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_picture_has_words(pdf):
    figures = _elements(pdf, "Figure")
    assert len(figures) == 4
    assert all(str(figure.Alt) for figure in figures)
    assert any(ADDRESS in str(figure.Alt) for figure in figures)


def test_a_table_over_several_pages_is_one_table_with_one_head():
    """A screen reader hears the head once; its repetitions are furniture of the page."""
    payload = records.record(courses=200, extras=False, narratives=0)
    for assertion in payload["assertions"]:
        if "term" in assertion:
            assertion["term"] = "Fall 2024"
    payload["assertions"] = [each for each in payload["assertions"] if "term" in each]
    with pikepdf.open(io.BytesIO(_render(payload))) as pdf:
        assert len(pdf.pages) >= 4
        tables = [each for each in _elements(pdf, "Table") if len(_within(each, "TR")) > 50]
        (table,) = tables
        assert len(_within(table, "TR")) == 201
        assert len(_within(table, "THead")) == 1


def _within(element, kind):
    found, waiting = [], list(element.get("/K", []))
    while waiting:
        each = waiting.pop()
        if isinstance(each, pikepdf.Dictionary) and "/S" in each:
            if f"/{kind}" == each.S:
                found.append(each)
            waiting += list(each.get("/K", []))
    return found


def test_every_mark_on_a_page_belongs_to_the_tree(pdf):
    """Each MCID of a page's content leads to an element; everything else is an artifact."""
    nums = pdf.Root.StructTreeRoot.ParentTree.Nums
    parents = {int(nums[i]): nums[i + 1] for i in range(0, len(nums), 2)}
    for page in pdf.pages:
        owners = parents[int(page.StructParents)]
        marks, open_marks = set(), 0
        for operands, operator in pikepdf.parse_content_stream(page):
            name = str(operator)
            if name in ("BDC", "BMC"):
                open_marks += 1
                if name == "BDC" and "/MCID" in operands[1]:
                    marks.add(int(operands[1].MCID))
            elif name == "EMC":
                open_marks -= 1
            elif name in ("Tj", "TJ"):
                assert open_marks, "text that is neither tagged nor an artifact"
        assert marks == set(range(len(owners)))
        assert all(isinstance(owner, pikepdf.Dictionary) and owner.Type == "/StructElem" for owner in owners)


def test_names_in_other_languages_say_which(tmp_path):
    """look.md: the language is set also for names in other languages."""
    with pikepdf.open(io.BytesIO(_render(records.record("陽菜さくら 佐々木", courses=2)))) as pdf:
        assert "ja" in {str(each.Lang) for each in _elements(pdf) if "/Lang" in each}


def test_bookmarks_follow_the_headings(pdf):
    with pdf.open_outline() as outline:
        (top,) = outline.root
        assert top.title == "Comprehensive Learner Record"
        assert [child.title for child in top.children][:2] == ["Degrees and certificates", "Academic record"]


# --- readable -----------------------------------------------------------------------------------------------


def test_text_comes_out_in_reading_order(content, tmp_path):
    text = _text(content, tmp_path)
    order = ["Pinehurst State University", "Tomas Elis Lindqvist", "Student number", "Bachelor of Science", "Fall 2024",
             "Calculus I", "Spring 2026", "Cumulative totals", "Honours and awards", "Issue and verification",
             "Marta Quispe", "Legend"]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_each_page_names_institution_learner_and_number_and_how_to_verify_reg_09(pdf, content, tmp_path):
    """REG-09."""
    pages = _text(content, tmp_path).split("\f")[:-1]
    assert len(pages) == len(pdf.pages) > 1
    for number, page in enumerate(pages, 1):
        for words in ("Pinehurst State University", "Tomas Elis Lindqvist", "PSU-77120", ADDRESS, CODE):
            assert words in page
        assert f"Page {number} of {len(pages)}" in page


def test_a_partial_record_says_so_reg_08(tmp_path):
    assert "Partial record." in _text(_render(records.record(courses=1, partial=True)), tmp_path)


def test_legend_statement_and_totals_are_printed_reg_02(content, tmp_path):
    """REG-02."""
    text = _text(content, tmp_path)
    for words in ("Excellent", "two semesters", "34 CFR 99.33", "on a scale of 0.00 to 4.00"):
        assert words in text


@pytest.mark.parametrize("page,width,height", [("A4", 595, 842), ("letter", 612, 792)])
def test_page_sizes(payload, page, width, height):
    with pikepdf.open(io.BytesIO(_render(payload, page=page))) as pdf:
        box = [float(each) for each in pdf.pages[0].MediaBox]
        assert (round(box[2]), round(box[3])) == (width, height)


def test_every_name_of_the_samples_prints_whole_reg_21(shared, tmp_path, caplog):
    """REG-21: names of any script and length: every character gets a glyph, none falls outside the paper."""
    names = set()
    for bundle in ("valid-1.1-main", "valid-1.2-main", "valid-1.1-school", "edge-combining"):
        with zipfile.ZipFile(shared / "samples" / "oneroster" / "cases" / f"{bundle}.zip") as archive:
            rows = DictReader(io.TextIOWrapper(archive.open("users.csv"), "utf-8-sig"))
            names |= {f"{row['givenName']} {row['familyName']}" for row in rows}
    foreign = sorted(name for name in names if not name.isascii())
    assert len(foreign) > 100
    payload = records.record(
        "Wolfeschlegelsteinhausenbergerdorff " * 5, courses=len(foreign), extras=False, narratives=0
    )
    for assertion, name in zip(payload["assertions"], foreign, strict=False):
        assertion["achievement"]["name"] = name
    content = _render(payload)
    glyphs = 0
    with pikepdf.open(io.BytesIO(content)) as pdf:
        for page in pdf.pages:
            for operands, operator in pikepdf.parse_content_stream(page):
                for part in operands[0] if str(operator) == "TJ" else ():
                    shown = bytes(part) if isinstance(part, pikepdf.String) else b""
                    pairs = [shown[i : i + 2] for i in range(0, len(shown), 2)]
                    assert b"\0\0" not in pairs, "a missing glyph"
                    glyphs += len(pairs)
    assert glyphs > sum(map(len, foreign))
    assert not caplog.records, "WeasyPrint tells of characters without a glyph"
    text = _bare(_text(content, tmp_path))
    left_to_right = [name for name in foreign if direction_of(name) == "ltr"]
    assert len(left_to_right) > 80
    assert [name for name in left_to_right if not all(_bare(word) in text for word in name.split())] == []


def _bare(text):
    """Text as it can be compared: composed, without blanks and invisible characters."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(each for each in composed if not each.isspace() and unicodedata.category(each) != "Cf")


def test_right_to_left_documents_are_mirrored(payload):
    with pikepdf.open(io.BytesIO(_render(payload, language="ar"))) as pdf:
        assert pdf.Root.Lang == "ar"


def test_two_hundred_assertions():
    with pikepdf.open(io.BytesIO(_render(records.record(courses=200, narratives=20)))) as pdf:
        assert len(pdf.pages) > 6


def test_any_record_can_be_printed():
    for payload in ({}, {"learner": {"id": "x"}, "assertions": [{}]}):
        assert _render(payload).startswith(b"%PDF")


# --- certificates and previews ------------------------------------------------------------------------------


def _certificate(payload, **options):
    degree = next(each["id"] for each in payload["assertions"] if each["achievement"]["achievementType"] == "Degree")
    return rendering.render_certificate(
        payload,
        records.signed(payload),
        DESIGN,
        **{"assertion": degree, "verify_url": ADDRESS, "code": CODE, **options},
    )


@pytest.mark.parametrize("page", ["A4", "letter"])
@pytest.mark.parametrize("name", ["Tomas Lindqvist", "ณ สายสนั่นบำรุงราษฎร์ศิริวัฒนวงศ์เทพประสิทธิ์ วงศ์ประเสริฐกุลชัยพัฒนานนท์"])
def test_a_certificate_is_one_landscape_page_with_the_record_inside(name, page):
    payload = records.record(name)
    with pikepdf.open(io.BytesIO(_certificate(payload, page=page))) as pdf:
        (only,) = pdf.pages
        assert only.MediaBox[2] > only.MediaBox[3]
        assert list(pdf.attachments) == ["clr.jws"]


def test_a_certificate_of_nothing_is_refused(payload):
    with pytest.raises(rendering.RenderingError, match="no achievement"):
        _certificate(payload, assertion="urn:uuid:none")


def test_a_preview_says_so_and_carries_nothing(payload, tmp_path):
    content = rendering.render_preview(payload, DESIGN)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert list(pdf.attachments) == []
    for page in _text(content, tmp_path).split("\f")[:-1]:
        assert "has not been issued" in page


# --- what it refuses ----------------------------------------------------------------------------------------


def test_it_loads_nothing_from_elsewhere_rel_34(payload, tmp_path):
    """REL-34: neither a file nor the network, whatever a design or a narrative names."""
    fetcher = rendering._Pictures({"own:logo": SEAL})
    for url in ("file:///etc/passwd", "http://127.0.0.1:1/x.png", "https://a.example/x.png", "own:other"):
        with pytest.raises(ValueError):
            fetcher.fetch(url)


def test_a_picture_of_another_kind_is_refused(payload):
    design = DesignValue(institution_name="X", logo=Picture(b"<html>", "text/html"))
    with pytest.raises(rendering.RenderingError, match="logo"):
        rendering.render(payload, b"a.b.c", design, verify_url=ADDRESS, code=CODE)


@pytest.mark.parametrize("accent", ["#ffff00", "#ffffff", "#abcdef"])
def test_an_accent_that_cannot_be_read_on_paper_is_darkened(accent):
    from apps.institution import colours

    assert colours.contrast(rendering.ink(accent), "#ffffff") >= 4.5


def test_an_accent_that_is_no_colour_does_not_reach_the_style_sheet():
    assert "url(" not in rendering.style_sheet("A4", "red} @import url(x)")
