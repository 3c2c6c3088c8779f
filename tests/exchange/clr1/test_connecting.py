"""Connections of a learner, from page to wallet: CLR1-C-02, C-03, C-05, C-08 to C-10, C-12, C-14, SEC-43, SEC-47."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Role, give_roles
from apps.exchange import connecting
from apps.exchange.models import Connection, IntakeRequest, Provider
from apps.exchange.models.connections import open_secret
from apps.institution import keys
from apps.institution.models import AuditEntry, Disclosure
from apps.jobs.models import Job
from apps.jobs.running import run_now
from apps.learners.models import Learner
from apps.wallet.models import WalletItem
from tests.exchange.clr1.scripted_provider import CONTEXT, Answer, ScriptedProvider, status_info
from tests.issuance.earning import School, found_school

pytestmark = pytest.mark.django_db
PLAIN = {
    "id": "urn:uuid:5a0b1e2c-0000-4000-8000-000000000001",
    "type": "Clr",
    "name": "Record of courses",
    "issuedOn": "2026-06-30T15:00:00Z",
    "learner": {"id": "urn:uuid:5a0b1e2c-0000-4000-8000-000000000002", "name": "Wanjiru"},
    "publisher": {"id": "https://college.example/issuers/1", "name": "College"},
    "x:kept": {"a": [1.50]},
}


@pytest.fixture
def school(db: None, settings: Any, tmp_path: Path) -> Iterator[School]:
    settings.KEK_FILE, settings.CHECKPOINT_DIR, settings.FILES_DIR = tmp_path / "kek", tmp_path / "c", tmp_path / "f"
    settings.DATA_DIR, settings.REDIS_URL = tmp_path, ""  # counters that no other run has counted on
    keys.forget_signers()
    yield found_school()
    keys.forget_signers()


@pytest.fixture
def learner(school: School) -> Learner:
    """Somebody with a sign-in."""
    made = school.learner(1)
    made.user = User.objects.create_user("one@people.example", "seven-lanterns-1894")
    give_roles(made.user, Role.LEARNER)
    made.save()
    return made


@pytest.fixture
def browser(learner: Learner) -> Client:
    client = Client()
    assert learner.user is not None
    client.force_login(learner.user)
    return client


def leave(browser: Client, provider: ScriptedProvider, **form: Any) -> str:
    """To the page before the provider; gives the address of consent that it links."""
    answer = browser.post("/wallet/connections/", {"address": provider.address, **form})
    assert answer.status_code == 200
    found = re.search(r'id="go" href="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()[-3000:]
    return html.unescape(found[1])


def come_back(browser: Client, address: str, answer: dict[str, str]) -> Any:
    way = re.search(r"return%2F([\w-]+)%2F", address)
    assert way
    return browser.get(f"/wallet/connections/return/{way[1]}/", answer)


def connect(browser: Client, provider: ScriptedProvider, **form: Any) -> Connection:
    address = leave(browser, provider, **form)
    answer = come_back(browser, address, provider.consent(address))
    assert answer.status_code == 302, answer.content.decode()[:500]
    return Connection.objects.get()


def run_looks() -> Connection:
    """What a worker would do now."""
    for job in Job.objects.filter(kind=connecting.LOOK, state=Job.State.QUEUED):
        assert run_now(job).state == Job.State.DONE, job.error
    return Connection.objects.get()


def look_again(connection: Connection) -> Connection:
    connecting.ask_to_look(connection)
    return run_looks()


def test_it_works(browser: Client, learner: Learner, provider: ScriptedProvider) -> None:
    """Discovery, registration, consent, records, in the order of section 7.2."""
    provider.records = [PLAIN]
    connection = connect(browser, provider)
    assert connection.learner == learner
    connection = run_looks()
    assert (connection.state, connection.received, connection.reason) == ("connected", 1, "")
    item = WalletItem.objects.get()
    assert item.learner == learner
    page = browser.get(f"/wallet/connections/{connection.public_id}/").content.decode()
    assert "Record of courses" in page
    assert 'data-state="connected"' in page
    assert [one.path.rsplit("/", 1)[-1] for one in provider.requests if one.method == "POST"] == ["register", "token"]


def test_c_08_what_nobody_vouches_for_is_not_shown_as_genuine(browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-08: that it came through a connection proves nothing."""
    provider.records = [PLAIN]
    connect(browser, provider)
    connection = run_looks()
    assert WalletItem.objects.get().verdict == "undecided"
    page = browser.get(f"/wallet/connections/{connection.public_id}/").content.decode()
    assert 'data-item="undecided"' in page
    assert "Genuine" not in page


def test_c_09_c_10_a_received_record_is_shown_and_given_back(browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-09, CLR1-C-10: learner, publisher, name, date, state; the very bytes again."""
    provider.records = [PLAIN]
    connect(browser, provider)
    run_looks()
    item = WalletItem.objects.get()
    page = browser.get(f"/wallet/connections/records/{item.public_id}/").content.decode()
    for shown in ("Record of courses", "College", "https://college.example/issuers/1", "Wanjiru", "June 30, 2026"):
        assert shown in page
    file = browser.get(f"/wallet/connections/records/{item.public_id}/file")
    assert file.content == json.dumps(PLAIN).encode()
    assert "attachment" in file["Content-Disposition"]


def test_c_06_only_what_is_new_the_next_time(browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-06: `since` reaches back to the last reading, a little further; nothing is taken twice."""
    provider.records = [PLAIN]
    connection = connect(browser, provider)
    run_looks()
    assert "since" not in provider.asked("GET", "/clrs")[-1].query
    connection = look_again(connection)
    assert "since" in provider.asked("GET", "/clrs")[-1].query
    assert connection.received == WalletItem.objects.count() == 1


def test_c_06_a_reading_goes_on_where_it_stopped(browser: Client, provider: ScriptedProvider, monkeypatch: Any) -> None:
    """A reading that is cut short misses nothing, and `since` moves only when it is whole."""
    provider.records = [{**PLAIN, "id": f"urn:x:{number}"} for number in range(5)]
    provider.page_size = 1
    monkeypatch.setattr("apps.exchange.clr1.client.PAGES_AT_ONCE", 2)
    connection = connect(browser, provider)
    for expected in (2, 4):
        connection = run_looks()
        assert (connection.received, connection.seen_until) == (expected, None)
        assert connection.next_look_at < timezone.now() + timedelta(minutes=2)
        connecting.ask_to_look(connection)
    connection = run_looks()
    assert connection.received == 5
    assert connection.seen_until is not None and not connection.resume


def test_sec_43_sec_47_nothing_secret_stands_in_the_database(browser: Client, provider: ScriptedProvider) -> None:
    """SEC-43, SEC-47: tokens and client secret are sealed, and bound to their row."""
    connection = connect(browser, provider)
    secrets = [*provider.access, *provider.refreshes, *(one["client_secret"] for one in provider.clients.values())]
    assert len(secrets) == 3
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM exchange_connection")
        rows = repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor.fetchall()])
        cursor.execute("SELECT * FROM exchange_provider")
        rows += repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor.fetchall()])
    for secret in secrets:
        assert secret not in rows
    assert open_secret(connection, "access_sealed") in provider.access
    other = Connection(public_id=Provider.objects.get().public_id, access_sealed=connection.access_sealed)
    with pytest.raises(keys.KekUnavailable):
        open_secret(other, "access_sealed")
    with pytest.raises(keys.KekUnavailable):
        open_secret(
            Connection(public_id=connection.public_id, access_sealed=connection.refresh_sealed), "access_sealed"
        )


def test_sec_61_a_new_key_encryption_key_takes_them_along(browser: Client, provider: ScriptedProvider) -> None:
    provider.records = [PLAIN]
    connect(browser, provider)
    before = bytes(Connection.objects.get().access_sealed or b"")
    keys.rewrap()
    assert bytes(Connection.objects.get().access_sealed or b"")[:8] != before[:8]
    assert run_looks().state == "connected"


# --- Consent and back ---------------------------------------------------------------------------------


def test_sec_47_each_provider_has_a_way_back_of_its_own(
    browser: Client, provider: ScriptedProvider, settings: Any
) -> None:
    """SEC-47, mix-up: what one provider answers is no answer of the other."""
    other = ScriptedProvider()
    settings.FETCH_ALLOW = [provider.authority, other.authority]
    here, there = leave(browser, provider), leave(browser, other)
    ways = {row.way_back for row in Provider.objects.all()}
    assert len(ways) == 2
    answer = come_back(browser, there, provider.consent(here))
    assert answer.status_code == 400
    assert not Connection.objects.exists()
    assert not other.asked("POST", "/token")
    assert come_back(browser, here, other.consent(there)).status_code == 400
    other.close()


def test_sec_47_a_return_serves_once_and_in_its_own_session(browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-03, SEC-47: another browser, a second time, a parameter twice, no state at all."""
    address = leave(browser, provider)
    answer = provider.consent(address)
    assert come_back(Client(), address, answer).status_code == 400
    stranger = Client()
    stranger.force_login(User.objects.create_user("two@people.example", "seven-lanterns-1894"))
    assert come_back(stranger, address, answer).status_code == 400
    assert come_back(browser, address, answer).status_code == 302
    assert come_back(browser, address, answer).status_code == 400
    address = leave(browser, provider)
    answer = provider.consent(address)
    assert come_back(browser, address, {**answer, "state": ["x", answer["state"]]}).status_code == 400  # type: ignore[dict-item]
    assert come_back(browser, address, {}).status_code == 400
    assert Connection.objects.count() == 1


def test_sec_47_another_issuer(browser: Client, provider: ScriptedProvider) -> None:
    address = leave(browser, provider)
    answer = come_back(browser, address, {**provider.consent(address), "iss": "https://other.example"})
    assert answer.status_code == 400
    assert not provider.asked("POST", "/token")


def test_sec_47_a_way_back_does_not_last(browser: Client, provider: ScriptedProvider, monkeypatch: Any) -> None:
    address = leave(browser, provider)
    monkeypatch.setattr(connecting, "ATTEMPT_LASTS", timedelta(seconds=-1))
    assert come_back(browser, address, provider.consent(address)).status_code == 400


def test_sec_47_other_hosts_only_after_a_yes(browser: Client, provider: ScriptedProvider, settings: Any) -> None:
    """SEC-47: endpoints on a host that was not named are shown first, and the yes holds for exactly these."""
    other = ScriptedProvider()
    settings.FETCH_ALLOW = [provider.authority, other.authority]
    moved = {**provider.document(), "tokenUrl": f"{other.address}/oauth/token"}
    provider.replies["GET", "/ims/clr/v1p0/discovery"] = lambda _: Answer(200, moved)
    page = browser.post("/wallet/connections/", {"address": provider.address}).content.decode()
    assert 'id="go"' not in page
    assert other.authority in page
    assert not provider.asked("POST", "/register")
    agreed = re.search(r'name="agreed" value="([0-9a-f]{64})"', page)
    assert agreed
    assert "id=\"go\"" in browser.post(
        "/wallet/connections/", {"address": provider.address, "agreed": agreed[1]}
    ).content.decode()  # fmt: skip
    moved["tokenUrl"] = f"{other.address}/elsewhere"
    page = browser.post("/wallet/connections/", {"address": provider.address, "agreed": agreed[1]}).content.decode()
    assert 'id="go"' not in page
    other.close()


def test_sec_47_a_provider_that_moves_its_endpoints_gets_no_secret_of_the_old(
    browser: Client, provider: ScriptedProvider
) -> None:
    """SEC-47: the registration belongs to the endpoints it was made with."""
    leave(browser, provider)
    moved = {**provider.document(), "tokenUrl": f"{provider.address}/new/token"}
    provider.replies["GET", "/ims/clr/v1p0/discovery"] = lambda _: Answer(200, moved)
    from django.core.cache import cache

    cache.clear()
    leave(browser, provider)
    assert len(provider.asked("POST", "/register")) == 2
    assert Provider.objects.count() == 2


def test_a_second_learner_uses_the_same_registration(
    school: School, browser: Client, provider: ScriptedProvider
) -> None:
    """Section 7.2, step 3: once per provider."""
    connect(browser, provider)
    other = school.learner(2)
    other.user = User.objects.create_user("two@people.example", "seven-lanterns-1894")
    give_roles(other.user, Role.LEARNER)
    other.save()
    second = Client()
    second.force_login(other.user)
    address = leave(second, provider)
    assert come_back(second, address, provider.consent(address)).status_code == 302
    assert len(provider.asked("POST", "/register")) == 1
    mine, theirs = Connection.objects.order_by("pk")
    assert second.get(f"/wallet/connections/{mine.public_id}/").status_code == 404
    assert second.post(f"/wallet/connections/{mine.public_id}/disconnect/").status_code == 404
    assert second.get(f"/wallet/connections/{theirs.public_id}/").status_code == 200


def test_a_no_at_the_provider(browser: Client, provider: ScriptedProvider) -> None:
    address = leave(browser, provider)
    answer = come_back(browser, address, provider.consent(address, deny=True))
    assert answer.status_code == 302
    assert "You did not agree" in browser.get("/wallet/connections/").content.decode()
    assert not Connection.objects.exists()


def test_consent_without_reading_is_no_connection(browser: Client, provider: ScriptedProvider) -> None:
    address = leave(browser, provider)
    answer = provider.consent(address)
    provider.codes[answer["code"]]["scope"] = "offline_access"
    come_back(browser, address, answer)
    assert not Connection.objects.exists()


@pytest.mark.parametrize("address", ["http://records.example.org", "not an address", "https://10.1.2.3/", ""])
def test_addresses_that_cannot_be_connected(address: str, browser: Client) -> None:
    """SEC-01, SEC-12: the page says what is wrong, at the field."""
    answer = browser.post("/wallet/connections/", {"address": address})
    assert answer.status_code == 200
    assert 'class="field-error"' in answer.content.decode()
    assert not Provider.objects.exists()


# --- States -----------------------------------------------------------------------------------------------


def test_c_05_refreshed_before_it_ends(browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-05: the new refresh token takes the place of the old."""
    provider.lasts = 5
    connection = connect(browser, provider)
    before = open_secret(connection, "refresh_sealed")
    connection = run_looks()
    assert connection.state == "connected"
    assert provider.asked("POST", "/token")[-1].form["grant_type"] == "refresh_token"
    assert open_secret(connection, "refresh_sealed") in provider.refreshes
    assert open_secret(connection, "refresh_sealed") != before


def test_c_05_refreshed_when_refused(browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-05: a token that ended early is renewed once, and the reading goes on."""
    connection = connect(browser, provider)
    provider.access.clear()
    connection = run_looks()
    assert connection.state == "connected"
    assert open_secret(connection, "access_sealed") in provider.access


def test_c_05_an_old_refresh_token_is_kept_where_none_comes(browser: Client, provider: ScriptedProvider) -> None:
    """Section 7.5: a provider that does not rotate."""
    provider.lasts = 5
    connection = connect(browser, provider)
    before = open_secret(connection, "refresh_sealed")
    usual = provider.token

    def without_rotation(asked: Any) -> Answer:
        scope = provider.refreshes.get(before, "")
        answer = usual(asked)
        provider.refreshes[before] = scope
        answer.body.pop("refresh_token", None)
        return answer

    provider.replies["POST", "/oauth/token"] = without_rotation
    run_looks()
    connection = look_again(connection)
    assert connection.state == "connected"
    assert open_secret(connection, "refresh_sealed") == before


@pytest.mark.parametrize("how", ["withdrawn", "refused", "no refresh token"])
def test_consent_that_ended(how: str, browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-05: the state says so, the tokens are gone, nothing is asked any more until the learner consents again."""
    connection = connect(browser, provider)
    provider.access.clear()
    if how == "withdrawn":
        provider.refreshes.clear()
    elif how == "refused":
        provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda _: status_info(403, "forbidden", "No more.")
    else:
        Connection.objects.update(refresh_sealed=None)
    connection = run_looks()
    assert connection.state == "consent"
    assert connection.reason
    assert (connection.access_sealed, connection.refresh_sealed) == (None, None)
    count = len(provider.requests)
    Connection.objects.update(next_look_at=timezone.now() - timedelta(days=1))
    connecting.look_where_due()
    connection = look_again(connection)
    assert len(provider.requests) == count
    page = browser.get(f"/wallet/connections/{connection.public_id}/").content.decode()
    assert 'data-state="consent"' in page
    assert "/again/" in page


def test_consent_given_again(browser: Client, provider: ScriptedProvider) -> None:
    """The same connection goes on; what had come is still there."""
    provider.records = [PLAIN]
    connection = connect(browser, provider)
    run_looks()
    provider.access.clear()
    provider.refreshes.clear()
    connection = look_again(connection)
    assert connection.state == "consent"
    page = browser.post(f"/wallet/connections/{connection.public_id}/again/").content.decode()
    found = re.search(r'id="go" href="([^"]+)"', page)
    assert found
    address = html.unescape(found[1])
    come_back(browser, address, provider.consent(address))
    connection = run_looks()
    assert (connection.state, connection.received) == ("connected", 1)
    assert AuditEntry.objects.filter(action="connection.changed").count() == 1


def test_a_provider_that_is_down(browser: Client, provider: ScriptedProvider) -> None:
    """Its state, when it is tried again, and longer pauses each time; back again is back again."""
    connect(browser, provider)
    connection = run_looks()
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda _: Answer(502, b"<html>")
    waits = []
    for failures in (1, 2, 3):
        connection = look_again(connection)
        assert (connection.state, connection.failures) == ("down", failures)
        waits.append(connection.next_look_at - timezone.now())
    assert waits == sorted(waits)
    assert waits[0] > timedelta(minutes=4)
    page = browser.get(f"/wallet/connections/{connection.public_id}/").content.decode()
    assert 'data-state="down"' in page
    assert "502" in page
    del provider.replies["GET", "/ims/clr/v1p0/clrs"]
    connection = look_again(connection)
    assert (connection.state, connection.failures, connection.reason) == ("connected", 0, "")


def test_a_provider_that_says_when(browser: Client, provider: ScriptedProvider) -> None:
    connection = connect(browser, provider)
    provider.replies["GET", "/ims/clr/v1p0/clrs"] = lambda _: Answer(429, b"", {"Retry-After": "7200"})
    connection = look_again(connection)
    assert timedelta(minutes=119) < connection.next_look_at - timezone.now() < timedelta(minutes=121)


def test_a_provider_that_is_gone(browser: Client, provider: ScriptedProvider) -> None:
    connection = connect(browser, provider)
    provider.close()
    connection = run_looks()
    assert connection.state == "down"
    assert open_secret(connection, "refresh_sealed")


def test_a_refresh_that_nobody_answers_is_no_withdrawal(browser: Client, provider: ScriptedProvider) -> None:
    """REL: an outage never costs a consent."""
    provider.lasts = 5
    connect(browser, provider)
    provider.replies["POST", "/oauth/token"] = lambda _: Answer(503, b"")
    connection = run_looks()
    assert connection.state == "down"
    assert open_secret(connection, "refresh_sealed") in provider.refreshes


def test_due_connections_are_looked_at(browser: Client, provider: ScriptedProvider) -> None:
    """REL-06: the database knows what is due, and each is queued once."""
    connection = connect(browser, provider)
    run_looks()
    connecting.look_where_due()
    assert not Job.objects.filter(state=Job.State.QUEUED).exists()
    Connection.objects.update(next_look_at=timezone.now() - timedelta(seconds=1))
    connecting.look_where_due()
    connecting.look_where_due()
    assert Job.objects.filter(kind=connecting.LOOK, state=Job.State.QUEUED).count() == 1
    assert run_looks().looked_at > connection.created_at


def test_two_workers_never_look_at_once(browser: Client, provider: ScriptedProvider) -> None:
    """A refresh token that is used twice ends the consent, so one worker alone holds a connection."""
    connection = connect(browser, provider)
    Connection.objects.update(busy_until=timezone.now() + timedelta(minutes=1))
    run_looks()
    assert not provider.asked("GET", "/clrs")
    Connection.objects.update(busy_until=timezone.now() - timedelta(seconds=1))
    look_again(connection)
    assert provider.asked("GET", "/clrs")


# --- Sending and ending -----------------------------------------------------------------------------------


def test_c_12_sending_a_record(school: School, learner: Learner, browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-12: only with the learner's wish, byte for byte, and noted as a disclosure."""
    record = school.issued(learner)
    connection = connect(browser, provider)
    page = f"/wallet/connections/{connection.public_id}/"
    browser.post(f"{page}send/", {"record": str(record.public_id)})
    assert not provider.posted
    connection = connect(browser, provider, may_send="on")
    assert browser.post(f"{page}send/", {"record": str(record.public_id)}).status_code == 302
    from apps.issuance import documents

    assert provider.posted == [{"@context": CONTEXT, "signedClr": documents.jws(record).decode()}]
    assert Disclosure.objects.get().recipient == provider.authority
    foreign = school.issued(school.learner(7))
    assert browser.post(f"{page}send/", {"record": str(foreign.public_id)}).status_code == 422
    assert len(provider.posted) == 1


def test_c_14_disconnecting(browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-14, RFC 7009: revoked there, forgotten here; the records stay, the registration goes with the last."""
    provider.records = [PLAIN]
    connection = connect(browser, provider)
    run_looks()
    Provider.objects.update(last_departure_at=timezone.now() - timedelta(hours=1))
    answer = browser.post(f"/wallet/connections/{connection.public_id}/disconnect/", follow=True)
    assert "disconnected, there and here" in answer.content.decode()
    assert not provider.access and not provider.refreshes
    assert not Connection.objects.exists() and not Provider.objects.exists()
    assert WalletItem.objects.kept().count() == 1


def test_c_14_disconnecting_with_the_records(browser: Client, provider: ScriptedProvider) -> None:
    """CLR1-C-14: and deleting them."""
    provider.records = [PLAIN]
    connection = connect(browser, provider)
    run_looks()
    browser.post(f"/wallet/connections/{connection.public_id}/disconnect/", {"remove_records": "on"})
    assert not WalletItem.objects.kept().exists()


def test_c_14_disconnecting_from_one_that_does_not_answer(browser: Client, provider: ScriptedProvider) -> None:
    """Forgotten here all the same, and the learner is told what is left to do."""
    connection = connect(browser, provider)
    provider.close()
    answer = browser.post(f"/wallet/connections/{connection.public_id}/disconnect/", follow=True)
    assert "could not be told" in answer.content.decode()
    assert not Connection.objects.exists()


def test_disconnecting_while_a_worker_looks(browser: Client, provider: ScriptedProvider) -> None:
    """What the worker still gets is ended too, and the job ends quietly."""
    provider.lasts = 5
    connection = connect(browser, provider)
    (old,) = provider.access
    held_by_a_worker = Connection.objects.select_related("provider", "learner").get(pk=connection.pk)
    Connection.objects.all().delete()
    connecting.look(held_by_a_worker)
    assert not provider.refreshes
    assert list(provider.access) == [old]


# --- Intake: an office asks, the learner decides -------------------------------------------------------------


@pytest.fixture
def asked(school: School, learner: Learner) -> IntakeRequest:
    return connecting.ask_for_records(learner, purpose="Admission to nursing, fall 2027", by=school.registrar)


def test_intake_by_consent(asked: IntakeRequest, school: School, browser: Client, provider: ScriptedProvider) -> None:
    """An officer sees what came through the one connection, from the learner's yes until it is taken back."""
    provider.records = [PLAIN]
    office = Client()
    office.force_login(school.registrar)
    assert "Admission to nursing" in browser.get("/wallet/connections/").content.decode()
    assert "Admission to nursing" in browser.get(f"/wallet/connections/?request={asked.public_id}").content.decode()
    connect(browser, provider, request_id=str(asked.public_id))
    run_looks()
    item = WalletItem.objects.get()
    asked.refresh_from_db()
    assert asked.state == "agreed"
    assert office.get(f"/wallet/connections/records/{item.public_id}/").status_code == 200
    noted = Disclosure.objects.get()
    assert (noted.purpose, noted.basis) == ("Admission to nursing, fall 2027", "consent of the learner")
    browser.post(f"/wallet/connections/requests/{asked.public_id}/")
    asked.refresh_from_db()
    assert asked.state == "withdrawn"
    assert office.get(f"/wallet/connections/records/{item.public_id}/").status_code == 404


def test_intake_without_consent(
    asked: IntakeRequest, school: School, browser: Client, provider: ScriptedProvider
) -> None:
    """Nothing is seen before a yes, after a no, or of another connection."""
    provider.records = [PLAIN]
    office = Client()
    office.force_login(school.registrar)
    connection = connect(browser, provider)
    run_looks()
    item = WalletItem.objects.get()
    path = f"/wallet/connections/records/{item.public_id}/"
    assert office.get(path).status_code == 404
    browser.post(f"/wallet/connections/requests/{asked.public_id}/")
    asked.refresh_from_db()
    assert asked.state == "declined"
    assert office.get(path).status_code == 404
    browser.post(f"/wallet/connections/requests/{asked.public_id}/", {"connection": str(connection.public_id)})
    assert office.get(path).status_code == 200
    browser.post(f"/wallet/connections/{connection.public_id}/disconnect/")
    assert office.get(path).status_code == 404
    assert Client().get(path).status_code == 302


def test_intake_in_the_office(school: School, learner: Learner, browser: Client, provider: ScriptedProvider) -> None:
    """An officer asks in the office and sees there what the learner shows; each look is a disclosure of one person."""
    provider.records = [PLAIN]
    office = Client()
    give_roles(school.registrar, Role.REGISTRAR)
    office.force_login(school.registrar)
    form = {"learner": learner.pk, "purpose": "Transfer credit", "provider_address": provider.address}
    assert office.post("/admin/exchange/intakerequest/add/", form).status_code == 302
    asked = IntakeRequest.objects.get()
    assert (asked.state, asked.asked_by) == ("asked", school.registrar)
    page = f"/admin/exchange/intakerequest/{asked.pk}/change/"
    assert "has not agreed" in office.get(page).content.decode()
    connect(browser, provider, request_id=str(asked.public_id))
    run_looks()
    shown = office.get(page).content.decode()
    assert "Record of courses" in shown
    assert office.get("/admin/exchange/intakerequest/").status_code == 200
    assert Disclosure.objects.filter(recipient=str(school.registrar), purpose="Transfer credit").count() == 1
    assert office.post(page, {"purpose": "Something else"}).status_code in {302, 403}
    asked.refresh_from_db()
    assert asked.purpose == "Transfer credit"
