"""Availability: what a customer would meet who escalates now."""

from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from django.db import connection
from django.test import Client as Http
from django.test.utils import CaptureQueriesContext

from agents.models import AgentCertificate
from dispatch.waits import estimator_cache
from tests import factories
from tickets import clock
from tickets.models import Client, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def skills(api: Any) -> None:
    factories.make_card(api.client)
    for code in ("cards", "payments"):
        factories.make_skill(code)


def get_availability(api: Any, **given: str) -> Any:
    estimator_cache.clear()
    answer = api.get("availability", language=given.pop("language", "en"), **given)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def list_kinds(answer: Any) -> list[str]:
    return [one["kind"] for one in answer["alternatives"]]


def test_availability_without_agents_has_all_parts(api: Any) -> None:
    assert get_availability(api) == {
        "position": 1,
        "expected_wait_s": {"p50": None, "p90": None, "unknown": "nobody_on_line"},
        "told_after_s": 180,
        "agents": {"free": 0, "busy": 0, "nearly": 0, "levels": []},
        "opening_hours": {
            "open": True,
            "opens_at": None,
            "closes_at": None,
            "time_zone": "Europe/Paris",
            "week": [],
        },
        "alternatives": [{"kind": "stay_with_bot"}],
    }


def test_availability_opens_no_ticket(api: Any) -> None:
    get_availability(api, skills="cards")

    assert not Ticket.objects.exists()


def test_position_is_that_of_a_real_ticket(api: Any) -> None:
    for _ in range(2):
        factories.make_ticket()
    factories.make_ticket(language="fr")

    answer = get_availability(api)["position"]

    assert answer == 3 == api.escalate().json()["position"]


def test_expected_wait_is_that_of_a_real_ticket(api: Any) -> None:
    factories.make_agent()
    answer = get_availability(api)["expected_wait_s"]

    opened = api.escalate().json()

    assert answer["p50"] is not None
    assert (answer["p50"], answer["p90"]) == (
        opened["expected_wait_s"],
        opened["expected_wait_p90_s"],
    )


def test_agents_are_counted_by_level_and_never_named(api: Any) -> None:
    factories.make_agent("Amina", {"en": 5}, {"cards": 4, "payments": 2})
    busy = factories.make_agent("Bo", {"en": 3}, {"cards": 3, "payments": 5})
    factories.make_assignment(ticket=factories.make_ticket(), agent=busy)
    factories.make_agent("Cy", {"en": 4}, {"cards": 1, "payments": 1})
    factories.make_agent("Di", {"en": 4}, {"cards": 5})
    factories.make_agent("Éa", {"fr": 5}, {"cards": 5, "payments": 5})

    answer = get_availability(api, skills="cards:2,payments")

    assert answer["agents"] == {
        "free": 1,
        "busy": 1,
        "nearly": 1,
        "levels": [
            {"language_level": 5, "skill_level": 2, "able": True, "free": 1, "busy": 0},
            {"language_level": 3, "skill_level": 3, "able": True, "free": 0, "busy": 1},
            {"language_level": 4, "skill_level": 1, "able": False, "free": 1, "busy": 0},
        ],
    }
    for name in ("Amina", "Bo", "Cy"):
        assert name not in str(answer)


def test_query_without_skills_counts_by_language_only(api: Any) -> None:
    factories.make_agent(languages={"en": 4}, capacity=2)

    assert get_availability(api)["agents"]["levels"] == [
        {"language_level": 4, "skill_level": None, "able": True, "free": 1, "busy": 0}
    ]


def test_empty_parameter_counts_as_missing(api: Any) -> None:
    assert get_availability(api, skills="", topic="") == get_availability(api)


def test_region_counts_as_its_language(api: Any) -> None:
    factories.make_agent(languages={"fr": 5})

    assert get_availability(api, language="fr-CA")["agents"]["free"] == 1


def test_skill_that_gives_way_is_expected_until_the_last_step(api: Any) -> None:
    factories.make_agent(languages={"en": 5}, capacity=2)

    kept, given = (get_availability(api, skills="cards", gives_way=code) for code in ("", "cards"))

    assert kept["expected_wait_s"]["unknown"] == "nobody_able"
    assert given["expected_wait_s"]["p50"] >= 60


def test_alternative_without_a_skill_is_offered_where_sooner(api: Any) -> None:
    factories.make_agent("Bo", {"en": 5}, {"cards": 4})

    answer = get_availability(api, skills="cards:2,payments")

    assert list_kinds(answer) == ["without_skill", "stay_with_bot"]
    assert (answer["alternatives"][0]["skill"], answer["alternatives"][0]["free"]) == (
        "payments",
        1,
    )
    assert answer["alternatives"][0]["expected_wait_s"]["p50"] < 60


def test_other_languages_with_free_agents_are_listed(api: Any) -> None:
    factories.make_agent("Bo", {"fr": 5, "de": 3}, {"cards": 4})
    factories.make_agent("Cy", {"fr": 5}, {"cards": 4})
    factories.make_agent("Di", {"sv": 5}, {})

    answer = get_availability(api, skills="cards:2")

    assert answer["alternatives"] == [
        {"kind": "other_language", "language": "fr", "free": 2},
        {"kind": "other_language", "language": "de", "free": 1},
        {"kind": "stay_with_bot"},
    ]


def test_closed_client_shows_when_it_opens_and_no_wait(api: Any) -> None:
    yesterday = clock.now() - timedelta(days=1)
    day = yesterday.strftime("%a").lower()
    api.client.opening_hours, api.client.time_zone = {day: [["09:00", "17:00"]]}, "UTC"
    api.client.save()
    factories.make_agent()

    answer = get_availability(api, skills="cards")

    opens = (yesterday + timedelta(days=7)).strftime("%Y-%m-%dT09:00:00Z")
    assert answer["expected_wait_s"] == {"p50": None, "p90": None, "unknown": "closed"}
    assert (answer["opening_hours"]["open"], answer["opening_hours"]["opens_at"]) == (False, opens)
    assert {"day": day, "open": [["09:00", "17:00"]]} in answer["opening_hours"]["week"]
    assert len(answer["opening_hours"]["week"]) == 7
    assert answer["alternatives"] == [
        {"kind": "stay_with_bot"},
        {"kind": "come_back", "opens_at": opens},
    ]


def test_escalation_out_of_hours_is_accepted_with_the_opening_time(api: Any) -> None:
    yesterday = clock.now() - timedelta(days=1)
    api.client.opening_hours = {yesterday.strftime("%a").lower(): [["09:00", "17:00"]]}
    api.client.time_zone = "UTC"
    api.client.save()
    factories.make_agent()

    opened = api.escalate()

    assert opened.status_code == 201
    answer = opened.json()
    assert (answer["expected_wait_s"], answer["expected_wait_p90_s"]) == (None, None)
    assert answer["opens_at"] == (yesterday + timedelta(days=7)).strftime("%Y-%m-%dT09:00:00Z")
    assert api.get(f"tickets/{answer['ticket']}").json()["opens_at"] == answer["opens_at"]


def test_other_clients_tickets_move_the_position_and_name_nobody(api: Any, make_api: Any) -> None:
    """Clients share the agents but not what their customers said."""
    other = factories.make_client("other")
    factories.make_ticket(other, customer={"ref": "secret-ref", "name": "Secret Name"})

    answer = get_availability(api)

    assert answer["position"] == 2
    assert "ecret" not in str(answer)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "language"),
        ({"language": ""}, "language"),
        ({"language": "english"}, "language"),
        ({"language": "en\x00"}, "language"),
        ({"language": "en", "skills": "nope"}, "skills.0"),
        ({"language": "en", "skills": "cards,nope"}, "skills.1"),
        ({"language": "en", "skills": "cards,cards:2"}, "skills"),
        ({"language": "en", "skills": "cards", "gives_way": "loans"}, "gives_way"),
        ({"language": "en", "gives_way": "cards"}, "gives_way"),
        ({"language": "en", "skills": "cards", "gives_way": "Cards!"}, "gives_way.0"),
        ({"language": "en", "skills": "cards:"}, "skills.0.level"),
        ({"language": "en", "skills": "cards:0"}, "skills.0.level"),
        ({"language": "en", "skills": "cards:6"}, "skills.0.level"),
        ({"language": "en", "skills": "cards:two"}, "skills.0.level"),
        ({"language": "en", "skills": "cards:" + "9" * 5000}, "skills.0.level"),
        ({"language": "en", "skills": "Cards!"}, "skills.0.code"),
        ({"language": "en", "skills": ",".join(["cards"] * 9)}, "skills"),
        ({"language": "en", "topic": "No Topic"}, "topic"),
        ({"language": "en", "vip": "1"}, "vip"),
        ({"language": ["en", "fr"]}, "language"),
    ],
)
def test_invalid_query_is_a_problem_that_names_the_parameter(
    api: Any, query: dict[str, Any], field: str
) -> None:
    answer = api.get("availability", **query)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_request_without_a_key_is_refused() -> None:
    assert Http().get("/api/v1/availability", {"language": "en"}).status_code == 401


def test_response_fits_the_schema(api: Any) -> None:
    schema = Http().get("/api/v1/schema?format=json").json()
    shape = {"$ref": "#/components/schemas/Availability", "components": schema["components"]}
    factories.make_agent("Bo", {"en": 5, "fr": 5}, {"cards": 4})

    jsonschema.validate(get_availability(api, skills="cards:2,payments"), shape)
    jsonschema.validate(get_availability(api), shape)


def test_queries_do_not_grow_with_agents(api: Any) -> None:
    def queries() -> int:
        estimator_cache.clear()
        with CaptureQueriesContext(connection) as captured:
            api.get("availability", language="en", skills="cards")
        return len(captured)

    queries()
    few = queries()
    for _ in range(5):
        factories.make_agent(skills={"cards": 3})

    assert queries() == few


def test_only_agents_with_the_clients_certificate_are_counted(api: Any) -> None:
    Client.objects.filter(pk=api.client.pk).update(certificate="kyc")
    certified, _other = factories.make_agent(), factories.make_agent()
    AgentCertificate.objects.create(agent=certified, code="kyc")

    answer = get_availability(api)

    assert answer["agents"]["free"] == 1
    assert answer["expected_wait_s"]["p50"] is not None
    certified.certificates.all().delete()
    assert get_availability(api)["expected_wait_s"]["unknown"] == "nobody_able"
    assert get_availability(api)["agents"]["free"] == 0
