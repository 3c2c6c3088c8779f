"""The rules of reading a OneRoster bundle, one refusal each (digest CASE/OneRoster, parts A, H, I)."""

import stat
import zipfile
from pathlib import Path

import pytest

from apps.standards.oneroster.issues import LISTED, BundleRefused
from apps.standards.oneroster.model import FORMS, Table
from apps.standards.oneroster.read import Rows, as_extension, open_bundle, read_manifest, read_tables
from tests.standards.oneroster.bundles import ROWS, bundle, changed, manifest_of, text_of


def read(path: Path, **more):
    with open_bundle(path) as opened:
        manifest = read_manifest(opened)
        reading = read_tables(opened, manifest, **more)
        reading.warnings.extend([*opened.warnings.listed, *manifest.warnings.listed])
        return reading


def refused(path: Path, **more):
    with pytest.raises(BundleRefused) as caught:
        read(path, **more)
    return caught.value.errors


def only(errors):
    assert errors.total == 1, errors.listed
    return errors.listed[0]


def test_it_works(tmp_path):
    reading = read(bundle(tmp_path / "b.zip"))
    assert reading.counts[Table.USERS] == 2
    assert reading.students == 1
    assert not reading.warnings


def test_rows_are_handed_on_by_column_in_canonical_form(tmp_path):
    taken: list[Rows] = []
    read(bundle(tmp_path / "b.zip", rows=changed("users", enabledUser="TRUE")), take=taken.append)
    users = next(rows for rows in taken if rows.table is Table.USERS)
    assert users.numbers == [2, 3]
    assert list(users.cells["enabled_user"]) == ["1", "1"]
    assert list(users.cells["orgs"]) == ['["u"]', '["u"]']
    assert list(users.cells["user_ids"]) == ['[["SIS","1"]]', ""]


def test_rost_28_passwords_and_demographics_never_leave_the_reader(tmp_path):
    taken: list[Rows] = []
    path = bundle(tmp_path / "b.zip", rows=changed("users", password="hunter2hunter2"))
    read(path, take=taken.append)
    assert all("password" not in rows.cells for rows in taken)
    assert "hunter2" not in repr(taken)
    demographics = next(rows for rows in taken if rows.table is Table.DEMOGRAPHICS)
    assert set(demographics.cells) == {"birth_date"}
    taken.clear()
    read(path, take=taken.append, sensitive=True)
    assert "sex" in next(rows for rows in taken if rows.table is Table.DEMOGRAPHICS).cells


@pytest.mark.parametrize(
    ("table", "column", "value", "code"),
    [
        ("users", "givenName", "", "row.required"),
        ("users", "givenName", "  ", "row.required"),
        ("users", "givenName", "A" * 256, "row.too_long"),
        ("orgs", "name", "N" * 1025, "row.too_long"),
        ("courses", "title", "N" * 1025, "row.too_long"),
        ("results", "comment", "N" * 8193, "row.too_long"),
        ("users", "username", "=1+1", "row.formula"),
        ("orgs", "name", "@SUM(1)", "row.formula"),
        ("users", "familyName", "\tTab", "row.formula"),
        ("users", "givenName", "-x", "row.formula"),
        ("users", "givenName", "A\u202eB", "row.control_char"),
        ("users", "givenName", "A\u2066B", "row.control_char"),
        ("users", "givenName", "A\x07B", "row.control_char"),
        ("users", "givenName", "A\nB", "row.control_char"),
        ("courses", "title", "A\x1bB", "row.control_char"),
        ("users", "sourcedId", "ä", "row.guid"),
        ("users", "sourcedId", " ana", "row.guid"),
        ("users", "sourcedId", "a" * 256, "row.guid"),
        ("academicSessions", "startDate", "25.08.2025", "row.date"),
        ("academicSessions", "startDate", "2025-02-29", "row.date"),
        ("academicSessions", "schoolYear", "2025-26", "row.year"),
        ("users", "enabledUser", "yes", "row.boolean"),
        ("users", "role", "Student", "row.enum"),
        ("users", "role", "ext:tutor", "row.enum"),
        ("results", "scoreStatus", "notSubmitted", "row.enum"),
        ("results", "score", "91,5", "row.number"),
        ("results", "score", "1e30", "row.number"),
        ("results", "score", "NaN", "row.number"),
        ("users", "userIds", "SIS:1", "row.list"),
        ("users", "userIds", "{SIS:}", "row.list"),
        ("users", "userIds", "{a:b:c}", "row.list"),
        ("classes", "termSourcedIds", "t,", "row.list"),
        ("classes", "termSourcedIds", "t, t", "row.list"),
        ("classes", "termSourcedIds", "", "row.required"),
        ("courses", "subjects", "Logic,,Sets", "row.list"),
        ("results", "score", "", "row.required"),
        ("users", "status", "tobedeleted", "row.status_in_bulk"),
        ("users", "status", "inactive", "row.status_in_bulk"),
        ("academicSessions", "endDate", "2025-08-01", "row.date_order"),
        ("enrollments", "endDate", "2025-08-01", "row.date_order"),
        ("lineItems", "resultValueMax", "-1", "row.range"),
        ("enrollments", "classSourcedId", "K", "row.dangling"),
        ("classes", "termSourcedIds", "t,nope", "row.dangling"),
        ("demographics", "sourcedId", "nobody", "row.dangling"),
        ("users", "agentSourcedIds", "nobody", "row.dangling"),
        ("orgs", "parentSourcedId", "nope", "row.dangling"),
        ("orgs", "parentSourcedId", "u", "row.cycle"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(tmp_path, table, column, value, code):
    """ROST-12 to ROST-19, ROST-21: code, file, row, column and a sentence."""
    rows = changed(table, **{column: value})
    if (table, column) == ("users", "sourcedId"):
        rows |= changed("demographics", sourcedId="ben") | changed("enrollments", userSourcedId="ben")
        rows |= changed("results", studentSourcedId="ben")
    issue = only(refused(bundle(tmp_path / "b.zip", rows=rows)))
    assert (issue.code, issue.file, issue.row, issue.column) == (code, f"{table}.csv", 2, column)
    assert len(issue.as_json()["value"]) <= 80
    assert issue.message.endswith((".", "?"))


@pytest.mark.parametrize(
    "name",
    ["Null", "X", "علی‌رضا", "𠮷野家", "O'Brien", "ന്‍", "Ng Ng", "A" * 255, "é", "+".join("ab")],
)
def test_rost_20_names_of_any_script_are_kept_code_point_for_code_point(tmp_path, name):
    taken: list[Rows] = []
    read(bundle(tmp_path / "b.zip", rows=changed("users", givenName=name)), take=taken.append)
    assert next(rows for rows in taken if rows.table is Table.USERS).cells["given_name"][0] == name


def test_fully_graded_in_1_2_may_have_text_alone(tmp_path):
    result = ROWS["results"][0] | {"score": "", "textScore": "A"}
    rows = {
        "results": [result],
        "roles": [],
        "users": [{k: v for k, v in row.items() if k not in {"role", "orgSourcedIds"}} for row in ROWS["users"]],
    }
    item = {k: v for k, v in ROWS["lineItems"][0].items() if k != "gradingPeriodSourcedId"}
    rows["lineItems"] = [item | {"academicSessionSourcedId": "t", "schoolSourcedId": "u"}]
    reading = read(bundle(tmp_path / "b.zip", rows=rows, version="1.2"))
    assert {issue.code for issue in reading.warnings.listed} == {"row.no_role"}
    assert reading.warnings.total == 2


def test_rost_22_a_stage_with_faults_ends_the_run(tmp_path):
    """A short row hides the wrong values and the dangling references behind it."""
    users = text_of("users", ROWS["users"]) + "short,row\r\n"
    rows = changed("results", score="1,5") | changed("enrollments", userSourcedId="nobody")
    assert only(refused(bundle(tmp_path / "b.zip", rows=rows, files={"users.csv": users}))).code == "csv.row_width"


def test_rost_21_two_hundred_are_listed_and_all_are_counted(tmp_path):
    rows = {"categories": [{"sourcedId": f"g{n}", "title": ""} for n in range(500)]}
    errors = refused(bundle(tmp_path / "b.zip", rows=rows, only=("categories",)))
    assert (len(errors.listed), errors.total) == (LISTED, 500)


def test_rost_13_the_second_of_a_pair_names_the_first(tmp_path):
    rows = {"categories": [{"sourcedId": key, "title": "T"} for key in ("a", "b", "a", "a")]}
    errors = refused(bundle(tmp_path / "b.zip", rows=rows, only=("categories",)))
    assert [(issue.code, issue.row) for issue in errors.listed] == [("row.duplicate", 4), ("row.duplicate", 5)]
    assert "row 2" in errors.listed[0].message


def test_a_child_may_stand_before_its_parent(tmp_path):
    orgs = [{"sourcedId": "d", "name": "Dept", "type": "department", "parentSourcedId": "u"}, *ROWS["orgs"]]
    assert read(bundle(tmp_path / "b.zip", rows={"orgs": orgs})).counts[Table.ORGS] == 2


def test_rost_15_a_longer_ring_is_one_fault(tmp_path):
    orgs = [
        {"sourcedId": key, "name": key, "type": "school", "parentSourcedId": parent}
        for key, parent in (("x", ""), ("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))
    ]
    issue = only(refused(bundle(tmp_path / "b.zip", rows={"orgs": orgs}, only=("orgs",))))
    assert (issue.code, issue.row) == ("row.cycle", 3)


def test_softened_rules_are_warnings(tmp_path):
    """A1: order, missing optional and unknown columns."""
    text = "title,sourcedId,vendor\r\nFinal,g,x\r\n"
    reading = read(bundle(tmp_path / "b.zip", files={"categories.csv": text}))
    assert {issue.code for issue in reading.warnings.listed} == {
        "csv.order",
        "csv.unknown_column",
        "csv.optional_missing",
    }


def test_extension_columns_are_kept_and_can_have_a_rule(tmp_path):
    """ROST-29."""
    rows = {"courses": [ROWS["courses"][0] | {"metadata.credits": "three"}]}
    path = bundle(tmp_path / "b.zip", rows=rows, extra={"courses": ("metadata.credits",)})
    taken: list[Rows] = []
    read(path, take=taken.append)
    assert next(rows for rows in taken if rows.table is Table.COURSES).extensions["metadata.credits"] == ("three",)
    from apps.standards.oneroster.model import Kind

    rule = {Table.COURSES: {"metadata.credits": as_extension("metadata.credits", kind=Kind.NUMBER)}}
    assert only(refused(path, extensions=rule)).code == "row.number"


# Files


def test_sec_29_a_value_of_megabytes_is_refused(tmp_path):
    rows = changed("users", givenName="A" * 5_000_000)
    assert only(refused(bundle(tmp_path / "b.zip", rows=rows))).code == "row.too_long"


def test_an_open_quotation_mark_is_not_taken_for_a_long_value(tmp_path):
    text = text_of("categories", ROWS["categories"]) + '"open,,,T\r\n' + "x,,,T\r\n" * 40_000
    issue = only(refused(bundle(tmp_path / "b.zip", files={"categories.csv": text}, only=("categories",))))
    assert (issue.code, issue.row) == ("csv.quote", 3)


def test_rost_08_the_row_of_the_first_bad_byte(tmp_path):
    text = text_of("categories", [{"sourcedId": f"g{n}", "title": "é"} for n in range(9_000)]).encode()
    text += "late,,,José\r\n".encode("latin-1")
    issue = only(refused(bundle(tmp_path / "b.zip", files={"categories.csv": text}, only=("categories",))))
    assert (issue.code, issue.row) == ("csv.encoding", 9_002)


def test_an_empty_line_in_the_middle_is_refused_and_at_the_end_is_none(tmp_path):
    right = text_of("categories", ROWS["categories"])
    assert read(bundle(tmp_path / "a.zip", files={"categories.csv": right + "\r\n\n"}, only=("categories",)))
    errors = refused(
        bundle(tmp_path / "b.zip", files={"categories.csv": right + "\r\nx,,,T\r\n"}, only=("categories",))
    )
    assert (only(errors).code, only(errors).row) == ("csv.row_width", 3)


def test_an_empty_file_lacks_its_header(tmp_path):
    errors = refused(bundle(tmp_path / "b.zip", files={"categories.csv": ""}, only=("categories",)))
    assert {issue.code for issue in errors.listed} == {"csv.header_missing"}


# Manifest


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("propertyName,value", "property,value", "manifest.header"),
        ("manifest.version,1.0", "manifest.version,2.0", "manifest.version"),
        ("oneroster.version,1.1", "oneroster.version,1.0", "manifest.version"),
        ("oneroster.version,1.1\r\n", "", "manifest.property_missing"),
        ("file.users,bulk", "file.users,Bulk", "manifest.mode"),
        ("file.users,bulk", "file.users,absent", "manifest.file_unexpected"),
        ("file.users,bulk\r\n", "", "manifest.property_missing"),
        ("file.resources,absent", "file.resources,bulk", "manifest.file_missing"),
        ("file.users,bulk", "file.users,bulk\r\nfile.users,bulk", "manifest.duplicate_property"),
        ("file.users,bulk", "file.users", "csv.row_width"),
    ],
)
def test_rost_03_faults_of_the_manifest(tmp_path, before, after, code):
    right = manifest_of({f"{name}.csv": "" for name in ROWS})
    assert before in right
    files = {"manifest.csv": right.replace(before, after)}
    assert only(refused(bundle(tmp_path / "b.zip", files=files))).code == code


def test_a_table_that_the_manifest_forgets_and_nobody_sent_is_a_warning(tmp_path):
    right = manifest_of({f"{name}.csv": "" for name in ROWS}).replace("file.resources,absent\r\n", "")
    reading = read(bundle(tmp_path / "b.zip", files={"manifest.csv": right}))
    assert [issue.code for issue in reading.warnings.listed] == ["manifest.property_missing"]


# Container


def _zip(path: Path, entries: list[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def _link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("users.csv")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("../up.csv", "zip.unsafe_path"),
        ("/etc/x.csv", "zip.unsafe_path"),
        ("..\\up.csv", "zip.unsafe_path"),
        ("C:evil.csv", "zip.unsafe_path"),
        (_link(), "zip.unsafe_path"),
        ("export/users.csv", "zip.subfolder"),
        ("inner.zip", "zip.subfolder"),
        ("MANIFEST.CSV", "zip.duplicate_entry"),
    ],
)
def test_sec_26_entries_that_are_refused(tmp_path, entry, code):
    """SEC-26."""
    path = _zip(tmp_path / "b.zip", [("manifest.csv", b"propertyName,value\n"), (entry, b"x")])
    assert only(refused(path)).code == code


def test_sec_26_too_many_entries(tmp_path):
    path = _zip(tmp_path / "b.zip", [(f"{number}.txt", b"") for number in range(65)])
    assert only(refused(path)).code == "zip.bomb"


def test_sec_26_encrypted_entries(tmp_path):
    path = bundle(tmp_path / "b.zip")
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    path.write_bytes(data)
    assert only(refused(path)).code == "zip.encrypted"


@pytest.mark.parametrize("content", [b"", b"sourcedId\n1\n", b"PK\5\6" + b"\0" * 4])
def test_what_is_no_archive(tmp_path, content):
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    assert only(refused(path)).code == "zip.unreadable"


def test_an_empty_archive_has_no_manifest(tmp_path):
    path = tmp_path / "b.zip"
    path.write_bytes(b"PK\5\6" + b"\0" * 18)
    assert only(refused(path)).code == "manifest.missing"


def test_a_header_that_lies_about_the_size_is_found_while_inflating(tmp_path):
    path = bundle(tmp_path / "b.zip")
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\1\2")
    while data[at + 46 : at + 46 + 9] != b"users.csv":
        at = data.find(b"PK\1\2", at + 4)
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    assert only(refused(path)).code == "zip.unreadable"


def test_a_folder_with_a_link_in_it(tmp_path):
    with zipfile.ZipFile(bundle(tmp_path / "b.zip")) as archive:
        archive.extractall(tmp_path / "folder")
    (tmp_path / "folder" / "users.csv").unlink()
    (tmp_path / "folder" / "users.csv").symlink_to("/etc/passwd")
    assert only(refused(tmp_path / "folder")).code == "zip.unsafe_path"


def test_every_column_of_every_table_has_a_name_of_its_own():
    for forms in FORMS.values():
        for form in forms.values():
            names = [column.field for column in form.columns]
            assert len(set(names)) == len(names)
