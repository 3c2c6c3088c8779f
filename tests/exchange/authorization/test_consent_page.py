"""An app asks and a learner decides (CLR1-AS-05, AS-06, BC-P-13 to BC-P-16, SEC-41, SEC-48, PRIV-02)."""

import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client as Browser

from apps.accounts.models import User
from apps.exchange.models import Client, ClientConsent, Grant
from apps.institution.models import AuditEntry
from tests.exchange.authorization.flow import BADGES, CLR, READ, App, Person, answered
from tests.exchange.clients import registered
from tests.issuance.earning import School

pytestmark = pytest.mark.django_db

PARAMETERS = ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"]


def page(response: Any) -> str:
    """The text of a page that sends nobody anywhere."""
    assert "Location" not in response
    text: str = response.content.decode()
    return text


def test_the_page_names_the_host_big_the_name_small_and_what_is_asked(app: App, person: Person):
    """CLR1-AS-06, SEC-46."""
    response = person.look(app)
    assert response.status_code == 200
    text = page(response)
    assert re.search(r'<h2 class="asker-host"><bdi>app\.example</bdi></h2>', text)
    assert re.search(r'class="asker-name">[^<]*<bdi>Wallet of somebody else</bdi>[^<]*not checked by us', text)
    for address in ("https://app.example/terms", "https://app.example/privacy"):
        assert f'href="{address}"' in text
    assert "Read the learner records that you choose." in text
    assert "also later, while you are away" in text
    assert "Remove learner records" not in text


def test_yes_leads_back_with_code_state_and_issuer(app: App, person: Person):
    """CLR1-AS-06, BC-P-16; RFC 9207: `iss`."""
    response = person.decide(app)
    assert response.status_code == 303
    assert response["Location"].startswith("https://app.example/callback?")
    told = answered(response)
    assert set(told) == {"code", "state", "iss"}
    assert told["state"] == app.state
    assert told["iss"] == "https://portal.example"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


def test_no_leads_back_with_access_denied(app: App, person: Person):
    """CLR1-AS-06, BC-P-16."""
    told = answered(person.decide(app, "deny"))
    assert told["error"] == "access_denied"
    assert told["state"] == app.state
    assert told["iss"] == "https://portal.example"
    assert not ClientConsent.objects.exists()
    assert not Grant.objects.exists()


@pytest.mark.parametrize("decision", ["", "maybe", "Allow", "yes"])
def test_only_the_button_that_says_yes_is_a_yes(app: App, person: Person, decision: str):
    assert answered(person.decide(app, decision))["error"] == "access_denied"


@pytest.mark.parametrize("state", ["a b", "ü", "a&code=x", "%00", "x" * 2000, '"<script>'])
def test_the_state_goes_back_as_it_came(app: App, person: Person, state: str):
    """CLR1-AS-06: unchanged, and never into the page as mark-up."""
    assert "<script>" + '"' not in page(person.look(app, state=state))
    assert answered(person.decide(app, asked={"state": state}))["state"] == state


def test_a_query_of_the_redirect_address_stays_as_it_was(person: Person):
    app = App.registered(redirect_uris=["https://app.example/cb?tenant=a%20b"])
    location = person.decide(app)["Location"]
    assert location.startswith("https://app.example/cb?tenant=a%20b&")


# --- Who may ask ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["unknown", "", "x" * 3000, "a' OR 1=1 --"])
def test_an_unknown_client_is_told_on_a_page_and_redirects_nobody(app: App, person: Person, client_id: str):
    """CLR1-AS-05, BC-P-14, SEC-41."""
    response = person.look(app, client_id=client_id)
    assert response.status_code == 400
    assert "app.example" not in page(response)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/callback",
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/callback#x",
        "https://app.example:443/callback",
        "https://APP.example/callback",
        "https://app.example/%63allback",
        "https://app.example/x/../callback",
        "https://user@app.example/callback",
        "https://app.example.evil.example/callback",
        "http://app.example/callback",
        "https://app.example/callback\n",
        "//app.example/callback",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_that_is_not_the_registered_text_redirects_nobody(app: App, person: Person, address: str):
    """CLR1-AS-05, BC-P-14, SEC-41: compared as text."""
    for decision in (person.look(app, redirect_uri=address), person.decide(app, asked={"redirect_uri": address})):
        assert decision.status_code == 400
        assert "evil.example" not in page(decision)
    assert not Grant.objects.exists()


def test_an_address_that_another_client_registered_does_not_count(app: App, person: Person):
    App.registered("other.example")
    assert person.look(app, redirect_uri="https://other.example/callback").status_code == 400


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_of_the_seven_parameters_is_needed(app: App, person: Person, name: str):
    """BC-P-13."""
    response = person.look(app, **{name: None})
    if name in {"client_id", "redirect_uri"}:
        assert response.status_code == 400
        page(response)
    else:
        told = answered(response)
        assert told["error"] == "invalid_request"
        assert "code" not in told
        assert told["iss"] == "https://portal.example"


@pytest.mark.parametrize("name", [*PARAMETERS, "request", "iss"])
def test_a_parameter_that_stands_there_twice_is_refused_on_a_page(app: App, person: Person, name: str):
    """SEC-41; RFC 6749, 3.1."""
    asked = app.asking()
    query = urlencode([*asked.items(), (name, asked.get(name, "x")), (name, "https://evil.example/")])
    response = person.browser.get(f"/o/authorize/?{query}")
    assert response.status_code == 400
    assert "evil.example" not in page(response)


def test_so_is_one_that_stands_twice_in_the_form(app: App, person: Person):
    asked = {**app.asking(), "client_version": 1, "decision": "allow", "records": "all"}
    body = urlencode([*asked.items(), ("redirect_uri", "https://evil.example/")])
    response = person.browser.post("/o/authorize/", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert not Grant.objects.exists()


@pytest.mark.parametrize("name", ["state", "scope", "client_id", "redirect_uri", "code_challenge"])
@pytest.mark.parametrize("text", ["a\r\nX-Injected: 1", "a\x00b", "a\x1bb", "a\u202eb", "x" * 5000])
def test_what_cannot_be_read_is_refused_on_a_page(app: App, person: Person, name: str, text: str):
    """SEC-41."""
    response = person.look(app, **{name: text})
    assert response.status_code == 400
    assert "X-Injected" not in response.headers
    page(response)


@pytest.mark.parametrize("query", ["state=%zz", "state=%ff%fe", "&&&", "client_id", "=", "state=%"])
def test_a_broken_query_is_refused_on_a_page(person: Person, query: str):
    """SEC-60: never a trace."""
    response = person.browser.get(f"/o/authorize/?{query}")
    assert response.status_code == 400
    page(response)


def test_a_state_in_broken_encoding_harms_nobody(app: App, person: Person):
    query = urlencode(app.asking(state=None), quote_via=quote)
    assert person.browser.get(f"/o/authorize/?{query}&state=%zz").status_code == 200


@pytest.mark.parametrize("kind", ["token", "code token", "code id_token", "id_token", "none", "CODE", "code code"])
def test_no_other_response_type_is_offered(app: App, person: Person, kind: str):
    """SEC-40."""
    told = answered(person.look(app, response_type=kind))
    assert told["error"] in {"unsupported_response_type", "unauthorized_client"}
    assert told["state"] == app.state


@pytest.mark.parametrize("method", ["plain", "s256", "S512", "none"])
def test_no_other_challenge_method_is_taken(app: App, person: Person, method: str):
    """CLR1-AS-07, BC-P-15, SEC-40."""
    assert answered(person.look(app, code_challenge_method=method))["error"] == "invalid_request"
    assert answered(person.decide(app, asked={"code_challenge_method": method}))["error"] == "invalid_request"
    assert not Grant.objects.exists()


@pytest.mark.parametrize("challenge", ["x", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "+", "ü" * 43])
def test_a_challenge_that_no_sha256_gives_is_refused(app: App, person: Person, challenge: str):
    """SEC-40."""
    assert answered(person.look(app, code_challenge=challenge))["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_request_objects_are_not_taken(app: App, person: Person, name: str):
    """RFC 9101: nothing of them is read or fetched."""
    assert answered(person.look(app, **{name: "https://evil.example/x"}))["error"] == f"{name}_not_supported"


def test_the_answer_goes_into_the_query_whatever_is_asked(app: App, person: Person):
    """SEC-40."""
    assert "#" not in person.decide(app, asked={"response_mode": "fragment"})["Location"]


def test_scopes_that_were_not_registered_are_not_granted(app: App, person: Person):
    """CLR1-AS-04."""
    code = person.code(app, asked={"scope": f"admin {CLR}delete {READ}"})
    assert app.exchange(code).json()["scope"] == READ


@pytest.mark.parametrize("scope", ["admin", f"{CLR}delete", "*", READ.upper()])
def test_a_request_for_none_of_its_scopes_goes_back(app: App, person: Person, scope: str):
    """CLR1-AS-04."""
    assert answered(person.look(app, scope=scope))["error"] == "invalid_scope"


# --- Whose consent ------------------------------------------------------------------------------------------


def test_who_is_not_signed_in_signs_in_first(app: App):
    """And comes back to this very request."""
    response = Browser().get("/o/authorize/", app.asking())
    assert response.status_code == 302
    assert response["Location"].startswith("/?next=/o/authorize/%3F")
    assert quote(quote(app.state, safe=""), safe="") in response["Location"]


def test_an_unknown_client_is_told_before_anybody_signs_in(app: App):
    """CLR1-AS-05."""
    assert Browser().get("/o/authorize/", app.asking(client_id="unknown")).status_code == 400


def test_a_yes_of_somebody_who_is_not_signed_in_is_none(app: App):
    response = Browser().post("/o/authorize/", {**app.asking(), "decision": "allow", "client_version": 1})
    assert response["Location"].startswith("/?next=")
    assert not ClientConsent.objects.exists()


def test_consent_by_another_sites_form_is_refused(app: App, learner: User):
    """SEC-48, SEC-55."""
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(learner)
    response = browser.post(
        "/o/authorize/",
        {**app.asking(), "decision": "allow", "client_version": 1, "records": "all"},
        headers={"Origin": "https://evil.example"},
    )
    assert response.status_code == 403
    assert not ClientConsent.objects.exists()


def test_the_page_is_not_framed_and_sends_its_form_only_here_and_to_the_app(app: App, person: Person):
    """SEC-48, SEC-56."""
    policy = person.look(app)["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert re.search(r"form-action 'self' https://app\.example(;|$)", policy)
    assert "unsafe" not in policy


def test_a_name_that_is_mark_up_stays_text(person: Person):
    """SEC-46."""
    app = App.registered(client_name="<script>alert(1)</script><img src=x>")
    text = page(person.look(app))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_client_that_changed_while_the_page_stood_open_is_shown_again(app: App, person: Person):
    """SEC-48: a yes counts for what was seen."""
    Client.objects.update(name="The bank", version=2)
    response = person.decide(app, client_version="1")
    assert response.status_code == 400
    assert "The bank" in page(response)
    assert not ClientConsent.objects.exists()


def test_consent_is_asked_each_time_and_new_scopes_stand_out(person: Person):
    """SEC-48: re-asked when scope grows."""
    app = App.registered(scope=f"{READ} {CLR}replace")
    person.tokens(app, asked={"scope": READ})
    same = page(person.look(app, scope=READ))
    assert ">new<" not in same
    wider = page(person.look(app, scope=f"{READ} {CLR}replace"))
    assert wider.count(">new<") == 1


# --- Which records ------------------------------------------------------------------------------------------


@pytest.fixture
def owner(school: School, learner: User) -> Any:
    """The learner of the account, with two records."""
    one = school.learner(1)
    one.user = learner
    one.save()
    first, second = school.issued(one), school.issued(one)
    return first, second


def test_the_learners_records_can_be_chosen(app: App, person: Person, owner: Any, school: School):
    """SEC-48: own ones that hold, nobody else's."""
    foreign = school.issued(school.learner(2))
    text = page(person.look(app))
    for record in owner:
        assert str(record.public_id) in text
    assert str(foreign.public_id) not in text


def test_the_token_covers_exactly_what_was_chosen(app: App, person: Person, owner: Any):
    """SEC-40: bound to the chosen records; SEC-45."""
    first, second = owner
    person.tokens(app, records="chosen", record=[str(first.public_id)])
    consent = ClientConsent.objects.get()
    assert list(consent.records()) == [first]
    assert not consent.covers(second)


def test_all_records_means_all(app: App, person: Person, owner: Any):
    person.tokens(app, records="all")
    assert set(ClientConsent.objects.get().records()) == set(owner)


def test_choosing_nothing_is_asked_back(app: App, person: Person, owner: Any):
    response = person.decide(app, records="chosen")
    assert response.status_code == 400
    assert "at least one record" in page(response)
    assert not ClientConsent.objects.exists()


def test_a_foreign_record_cannot_be_chosen(app: App, person: Person, owner: Any, school: School):
    foreign = school.issued(school.learner(2))
    person.tokens(app, records="chosen", record=[str(owner[0].public_id), str(foreign.public_id), "made-up"])
    assert list(ClientConsent.objects.get().records()) == [owner[0]]


def test_an_app_that_reads_nothing_asks_for_no_records(person: Person, owner: Any):
    app = App.registered(scope=f"{BADGES}profile.readonly")
    assert 'name="record"' not in page(person.look(app, scope=f"{BADGES}profile.readonly"))
    person.tokens(app, asked={"scope": f"{BADGES}profile.readonly"})
    assert not ClientConsent.objects.get().records().exists()


def test_the_number_of_queries_does_not_grow_with_records(
    app: App, person: Person, owner: Any, school: School, django_assert_max_num_queries: Any
):
    person.look(app)
    with django_assert_max_num_queries(40) as few:
        person.look(app)
    before = len(few)
    for _ in range(3):
        school.issued(owner[0].learner)
    with django_assert_max_num_queries(before):
        person.look(app)


# --- What is kept -------------------------------------------------------------------------------------------


def test_a_receipt_names_record_purpose_recipient_person_and_date(app: App, person: Person, owner: Any):
    """PRIV-02, 34 CFR 99.30."""
    person.tokens(app, records="chosen", record=[str(owner[0].public_id)])
    receipt = ClientConsent.objects.get().receipt
    assert receipt["recipient"]["host"] == "app.example"
    assert receipt["recipient"]["checkedByUs"] is False
    assert receipt["purpose"]
    assert receipt["givenBy"]["email"] == "learner@people.example"
    assert receipt["givenAt"].startswith("20")
    assert [one["id"] for one in receipt["records"]["chosen"]] == [str(owner[0].public_id)]
    assert {one["scope"] for one in receipt["allows"]} == {READ, "offline_access"}
    assert receipt["signature"]


def test_the_audit_trail_has_the_receipts_digest_and_nothing_personal(app: App, person: Person):
    """I8."""
    person.tokens(app)
    entry = AuditEntry.objects.get(action="consent.given")
    assert len(entry.details["receipt"]) == 64
    assert "people.example" not in str(entry.details)


def test_a_client_entered_by_hand_works_alike(person: Person):
    """The office may make one too."""
    client = registered("hand.example")
    assert (
        person.browser.get(
            "/o/authorize/",
            {
                "response_type": "code",
                "client_id": client.client_id,
                "redirect_uri": "https://hand.example/callback",
                "scope": READ,
                "state": "s",
                "code_challenge": "x" * 43,
                "code_challenge_method": "S256",
            },
        ).status_code
        == 200
    )
