"""Endorsements that others signed, host or told: received, judged, kept as they came, put into records."""

import csv
import io
import json
import uuid
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.achievements import endorsement_imports, endorsing
from apps.achievements.models import Endorsement
from apps.exchange import hosted
from apps.institution import keys
from apps.issuance import documents
from apps.jobs import running
from apps.jobs.models import Job
from apps.jobs.running import JobFailed
from apps.learners.models import ImportRun
from apps.standards.clr1 import model, write
from apps.standards.errors import NotReachable
from apps.standards.proofs.jws import Signer
from apps.standards.verify import engine
from apps.standards.verify.sources import Fetched
from tests.issuance.conftest import own_files, school
from tests.issuance.earning import School

__all__ = ["own_files", "school"]  # the fixtures
BOARD = "https://board.example/profile"


class Board:
    """An endorser elsewhere with profile, key and revocation list; fits the engine's fetcher."""

    def __init__(self) -> None:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.signer = Signer(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key = {"id": "https://board.example/key", "owner": BOARD, "publicKeyPem": pem, "type": "CryptographicKey"}
        self.profile = {"id": BOARD, "type": "Profile", "name": "Northern Chemistry Board", "publicKey": key}
        self.profile["revocationList"] = "https://board.example/revoked"
        self.web = {
            BOARD: {"@context": model.CONTEXT_URL, **self.profile},
            key["id"]: {"@context": model.CONTEXT_URL, **key},
            "https://board.example/revoked": write.revocation_list(
                id="https://board.example/revoked", issuer=BOARD, revoked=[]
            ),
        }

    def fetch(self, url: str, *, kind: str) -> Fetched:
        if url not in self.web:
            raise NotReachable("The host does not answer.")
        return Fetched(200, "application/json", json.dumps(self.web[url]).encode(), url)

    def says(self, target: str, **changes) -> dict:
        return {
            "@context": model.CONTEXT_URL,
            "id": f"urn:uuid:{uuid.uuid4()}",
            "type": "Endorsement",
            "issuedOn": "2026-07-01T00:00:00Z",
            "claim": {
                "id": target,
                "type": "EndorsementClaim",
                "endorsementComment": "Meets our outcomes.",
                "x:y": "z",
            },
            "issuer": {"id": BOARD, "type": "EndorsementProfile", "name": "Northern Chemistry Board"},
            "verification": {"type": "Signed", "creator": "https://board.example/key"},
            **changes,
        }

    def signed(self, target: str, **changes) -> bytes:
        return self.signer.sign(json.dumps(self.says(target, **changes), indent=1).encode())


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def target(school: School) -> str:
    return endorsing.address_of(school.course("CHEM 141"), keys.public_base())


def taken(body: bytes, board: Board, by=None) -> ImportRun:
    run = ImportRun.objects.create(kind=ImportRun.Kind.ENDORSEMENTS, file_name="x", digest="0" * 64)
    endorsement_imports.apply(run, endorsement_imports.read_file(body, lambda: board), by=by)
    return run


def codes(body: bytes, board: Board) -> list[str]:
    return [each["code"] for each in endorsement_imports.read_file(body, lambda: board).errors]


def test_a_signed_endorsement_is_kept_exactly_and_published(school: School, board: Board, target: str):
    """Issue 5, item 4: byte for byte in signedEndorsements; the record is judged without the network and verifies."""
    token = board.signed(target)
    taken(token + b"\n", board)
    kept = Endorsement.objects.get()
    assert bytes(kept.content) == token
    assert (kept.issuer_name, kept.state, kept.is_ours) == ("Northern Chemistry Board", "holds", False)
    learner = school.learner()
    school.passes(learner, "CHEM 141")
    record = school.issued(learner)
    said = json.loads(documents.payload(record))
    [chemistry] = [each["achievement"] for each in said["assertions"] if each["achievement"].get("humanCode")]
    assert chemistry["signedEndorsements"] == [token.decode()]

    class Own:
        def issued(self, id):
            return None

        def served(self, url):
            return hosted.served(url)

    now = timezone.now() + timedelta(seconds=2)
    assert engine.verify(documents.jws(record), fetcher=board, own=Own(), now=now).valid
    board.web["https://board.example/revoked"]["revokedAssertions"].append(kept.document_id)
    result = engine.verify(documents.jws(record), fetcher=board, own=Own(), now=now)
    assert [(each.code, each.name.rpartition("/")[0]) for each in result.failures()] == [
        ("REVOKED", "assertions/0/achievement/signedEndorsements")
    ]


def test_a_hosted_endorsement_is_taken_from_json(school: School, board: Board, target: str):
    """Plain ones stand at their endorser's address; unknown properties are kept (CLR1-P-26)."""
    id = "https://board.example/endorsements/5"
    said = board.says(target, id=id, verification={"type": "Hosted"}, **{"x:seal": {"a": [1]}})
    board.web[id] = said
    taken(json.dumps({"endorsements": [said]}).encode(), board)
    kept = Endorsement.objects.get()
    assert not kept.is_signed
    assert endorsing.document_of(kept) == said


def test_a_table_becomes_endorsements_at_our_address(school: School, board: Board, target: str, client: Client):
    """What people told the office: an endorser with a profile of ours, hosted by us."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["target", "endorser", "url", "comment", "date"])
    rows.writerow(["CHEM 141", "Northern Board", "https://board.example/", "Sound, and well taught", "2026-06-30"])
    rows.writerow([target, "Northern Board", "https://board.example/", "Again", ""])
    taken(out.getvalue().encode(), board)
    first, second = Endorsement.objects.order_by("pk")
    assert first.endorser == second.endorser and first.comment == "Sound, and well taught"
    answer = client.get(first.document_id[first.document_id.index("/ims/") :])
    assert answer.json()["issuedOn"] == "2026-06-30T00:00:00Z"


def test_the_same_file_again_changes_nothing(school: School, board: Board, target: str):
    token = board.signed(target)
    taken(token, board)
    taken(token, board)
    assert Endorsement.objects.count() == 1


def test_what_is_wrong_is_refused_and_nothing_stored(school: School, board: Board, target: str):
    """All or nothing; each fault has a code and a row."""
    good = board.signed(target).decode()
    header, _body, signature = good.split(".")
    forged = ".".join([header, board.signed(target, issuedOn="2026-07-02T00:00:00Z").decode().split(".")[1], signature])
    assert codes(f"{good}\n{forged}".encode(), board) == ["SIGNATURE_INVALID"]
    with pytest.raises(JobFailed):
        taken(f"{good}\n{forged}".encode(), board)
    assert not Endorsement.objects.exists()


@pytest.mark.parametrize(
    "change, code",
    [
        ({"claim": {"id": "urn:uuid:00000000-0000-4000-8000-000000000001"}}, "ENDORSEMENT_TARGET"),
        ({"claim": None}, "endorsement.none"),
        ({"issuedOn": None}, "PROPERTY_MISSING"),
        ({"issuer": {"id": "http://127.0.0.1:8000/ims/clr/v1p0/profiles/1"}}, "endorsement.ours"),
        ({"issuedOn": "2199-01-01T00:00:00Z"}, "ISSUED_IN_FUTURE"),
    ],
)
def test_refusals(school: School, board: Board, target: str, change: dict, code: str, settings):
    settings.BASE_URL = "http://127.0.0.1:8000"
    assert codes(board.signed(target, **change), board) == [code]


@pytest.mark.parametrize(
    "body, code",
    [
        (b"", "endorsement.columns"),
        (b"\xff\xfe\x00", "endorsement.unreadable"),
        (b"{}", "endorsement.none"),
        (b'{"endorsements": [', "endorsement.unreadable"),
        (b"[" * 5_000, "endorsement.unreadable"),
        (b"a,b\n1,2\n", "endorsement.columns"),
        (b"target,endorser\nNONE 1,Board\n", "ENDORSEMENT_TARGET"),
        (b"target,endorser,date\nCHEM 141,,soon\n", "endorsement.nobody"),
        (b" " * 2_000_001, "endorsement.too-large"),
    ],
)
def test_files_that_cannot_be_read_say_so(school: School, board: Board, target: str, body: bytes, code: str):
    """SEC-20, SEC-21: never a traceback."""
    assert code in codes(body, board)


def test_what_cannot_be_checked_waits(school: School, board: Board, target: str):
    """I6: not fetched is not passed; it goes into no record until it was checked."""
    profile = board.web.pop(BOARD)
    taken(board.signed(target), board)
    kept = Endorsement.objects.get()
    assert kept.state == Endorsement.State.UNCHECKED
    assert not Endorsement.objects.standing().exists()
    board.web[BOARD] = profile
    endorsement_imports.check_again(kept, by=None, fetcher=board)
    assert Endorsement.objects.standing().count() == 1
    board.web["https://board.example/revoked"]["revokedAssertions"].append(kept.document_id)
    kept.refresh_from_db()
    endorsement_imports.check_again(kept, by=None, fetcher=board)
    kept.refresh_from_db()
    assert kept.state == Endorsement.State.FAILS and "revoked" in kept.problem


def test_undoing_an_import_revokes(school: School, board: Board, target: str):
    run = taken(board.signed(target), board)
    job = endorsement_imports.start_undo(run, user=None)
    running.run_now(job)
    assert Endorsement.objects.get().revoked_at is not None
    run.refresh_from_db()
    assert run.state == ImportRun.State.UNDONE


# --- The office -------------------------------------------------------------------------------


@pytest.fixture
def office(school: School, client: Client) -> Client:
    client.force_login(school.registrar)
    return client


def test_a_registrar_endorses_in_the_institutions_name(school: School, office: Client, target: str):
    """Signed with our key by default; then looked at, and revoked with a reason."""
    address = reverse("admin:achievements_endorsement_add")
    assert office.get(address).status_code == 200
    form = {
        "achievement": school.course("CHEM 141").pk,
        "by_organization": school.home.pk,
        "sign": "on",
        "comment": "Well taught.",
        "issued_on_0": "2026-06-30",
        "issued_on_1": "10:00:00",
    }
    answer = office.post(address, form)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    made = Endorsement.objects.get()
    assert made.is_signed and made.is_ours and made.created_by == school.registrar
    page = reverse("admin:achievements_endorsement_change", args=[made.pk])
    assert "Well taught." in office.get(page).content.decode()
    office.post(reverse("admin:endorsement_revoke", args=[made.pk]), {"reason": ""})
    made.refresh_from_db()
    assert made.revoked_at is None
    office.post(reverse("admin:endorsement_revoke", args=[made.pk]), {"reason": "Said in error."})
    made.refresh_from_db()
    assert made.revocation_reason == "Said in error."
    assert "Said in error." in office.get(page).content.decode()


def test_a_form_without_a_target_is_refused_in_words(school: School, office: Client, target: str):
    answer = office.post(reverse("admin:achievements_endorsement_add"), {"comment": "?"})
    assert answer.status_code == 200 and "Choose one thing" in answer.content.decode()
    assert not Endorsement.objects.exists()


def test_a_file_goes_the_way_of_every_import(school: School, office: Client, target: str):
    """Upload, preview, start; the pages of imports show it."""
    file = SimpleUploadedFile("told.csv", b"target,endorser,comment\nCHEM 141,Northern Board,Good\n", "text/csv")
    answer = office.post(reverse("admin:endorsement_upload"), {"file": file})
    assert answer.status_code == 302
    run = ImportRun.objects.get()
    running.run_now(Job.objects.get())
    run.refresh_from_db()
    assert run.state == ImportRun.State.PREVIEWED
    assert office.get(answer["Location"]).status_code == 200
    endorsement_imports.start_import(run, user=school.registrar)
    running.run_now(Job.objects.order_by("-pk").first())
    run.refresh_from_db()
    assert run.state == ImportRun.State.APPLIED
    assert Endorsement.objects.get().issuer_name == "Northern Board"
    assert "Northern Board" in office.get(reverse("admin:achievements_endorsement_changelist")).content.decode()
