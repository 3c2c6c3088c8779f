"""SEC-28: the one attachment of our PDF."""

from __future__ import annotations

import zlib
from contextlib import suppress
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.standards.baking import pdf
from apps.standards.errors import AttachmentFault, LimitExceeded, ParseFault, StandardsError
from tests.effort import examples
from tests.standards.verify.world import Institution, World, codes

pytestmark = pytest.mark.once

RECORD = b"eyJhbGciOiJSUzI1NiJ9.e30.c2ln"


def document(
    attachments: list[tuple[str, bytes]] = [("clr.jws", RECORD)],  # noqa: B006
    *,
    associated: bool = True,
    named: bool = True,
    password: str | None = None,
    compress: bool = True,
) -> bytes:
    file = pikepdf.new()
    file.add_blank_page()
    specifications = []
    for name, content in attachments:
        stream = file.make_stream(content)
        stream.Type = pikepdf.Name.EmbeddedFile
        specification = file.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Filespec,
                F=name,
                UF=name,
                AFRelationship=pikepdf.Name.Source,
                EF=pikepdf.Dictionary(F=stream, UF=stream),
            )
        )
        specifications.append((name, specification))
    if associated:
        file.Root.AF = pikepdf.Array([specification for _, specification in specifications])
    if named:
        pairs: list[Any] = []
        for name, specification in specifications:
            pairs += [pikepdf.String(name), specification]
        file.Root.Names = pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=pikepdf.Array(pairs)))
    out = BytesIO()
    encryption = pikepdf.Encryption(owner=password, user=password) if password is not None else None
    file.save(out, compress_streams=compress, encryption=encryption or False)
    return out.getvalue()


def test_it_works() -> None:
    assert pdf.extract(document()) == RECORD
    assert pdf.extract(document(compress=False)) == RECORD


def test_other_attachments_are_passed_over() -> None:
    assert pdf.extract(document([("notes.txt", b"hello"), ("clr.jws", RECORD)])) == RECORD


@pytest.mark.parametrize(
    "data",
    [
        document([]),
        document([("invoice.exe", b"MZ")]),
        document([("clr.jws", RECORD), ("clr.jws", b"other")]),
        document(associated=False),
        document([("../../clr.jws", RECORD)]),
        document([(f"{number}.txt", b"x") for number in range(21)] + [("clr.jws", RECORD)]),
        document(password="secret"),
        document(password=""),
    ],
    ids=[
        "none",
        "other",
        "several",
        "not associated",
        "path as name",
        "too many",
        "encrypted",
        "encrypted, no password",
    ],
)
def test_without_exactly_one_record_the_attachment_is_invalid(data: bytes) -> None:
    with pytest.raises(AttachmentFault) as caught:
        pdf.extract(data)
    assert caught.value.code == "ATTACHMENT_INVALID"


def test_a_second_record_that_only_the_list_of_files_names_is_found() -> None:
    """What a viewer offers must not be another record than the one that was judged."""
    file = pikepdf.open(BytesIO(document()))
    other = file.make_indirect(
        pikepdf.Dictionary(Type=pikepdf.Name.Filespec, F="clr.jws", EF=pikepdf.Dictionary(F=file.make_stream(b"x")))
    )
    file.Root.Names.EmbeddedFiles.Names.append(pikepdf.String("clr.jws"))
    file.Root.Names.EmbeddedFiles.Names.append(other)
    out = BytesIO()
    file.save(out)
    with pytest.raises(AttachmentFault):
        pdf.extract(out.getvalue())


def test_a_list_of_files_that_contains_itself_ends() -> None:
    file = pikepdf.open(BytesIO(document()))
    tree = file.make_indirect(file.Root.Names.EmbeddedFiles)
    tree.Kids = pikepdf.Array([tree, tree])
    file.Root.Names.EmbeddedFiles = tree
    out = BytesIO()
    file.save(out)
    assert pdf.extract(out.getvalue()) == RECORD


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_bomb_is_refused(rounds: int) -> None:
    bomb = bytes(200_000_000)
    for _ in range(rounds):
        bomb = zlib.compress(bomb, 9)
    data = document(compress=False).replace(b"%%EOF", b"9 0 obj<</Length 9>>\nstream\n" + bomb + b"\nendstream\n%%EOF")
    with pytest.raises(LimitExceeded):
        pdf.extract(data)


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-", document()[: len(document()) // 3], b"\0" * 100])
def test_what_is_no_whole_pdf_is_refused(data: bytes) -> None:
    with pytest.raises((ParseFault, AttachmentFault)):
        pdf.extract(data)


def test_too_large_a_file_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        pdf.extract(b"%PDF-1.7" + bytes(25_000_001))


WORLD = World()
COLLEGE = Institution(WORLD, "records.college.example", "College")
GOOD = document([("clr.jws", COLLEGE.sign(COLLEGE.record()).encode())])


def test_the_record_inside_is_judged_and_the_page_is_said_to_be_no_proof() -> None:
    result = WORLD.judge(GOOD)
    assert result.valid
    assert result.checks[0].name == "attachment" and "no proof" in result.checks[0].detail


def test_a_changed_byte_of_the_attachment_is_found() -> None:
    plain = document([("clr.jws", COLLEGE.sign(COLLEGE.record()).encode())], compress=False)
    at = plain.index(b"stream\ney") + 200
    changed = plain[:at] + (b"A" if plain[at : at + 1] != b"A" else b"B") + plain[at + 1 :]
    result = WORLD.judge(changed)
    assert not result.valid
    assert {"SIGNATURE_INVALID", "INPUT_INVALID"} & set(codes(result))


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_damaged_files_are_judged(position: int, inserted: bytes, removed: int) -> None:
    damaged = GOOD[:position] + inserted + GOOD[position + removed :]
    with suppress(StandardsError):
        pdf.extract(damaged)
    WORLD.judge(damaged).as_json()
