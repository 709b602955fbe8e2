"""What a customer who asked for a human now would meet."""

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


def ask(api: Any, **given: str) -> Any:
    estimator_cache.forget()
    answer = api.get("availability", language=given.pop("language", "en"), **given)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def kinds(answer: Any) -> list[str]:
    return [one["kind"] for one in answer["alternatives"]]


def test_an_empty_floor_is_described_whole(api: Any) -> None:
    assert ask(api) == {
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


def test_asking_opens_nothing(api: Any) -> None:
    ask(api, skills="cards")

    assert not Ticket.objects.exists()


def test_the_place_is_the_one_a_ticket_would_have(api: Any) -> None:
    for _ in range(2):
        factories.make_ticket()
    factories.make_ticket(language="fr")

    told = ask(api)["position"]

    assert told == 3 == api.escalate().json()["position"]


def test_the_wait_is_the_one_a_ticket_would_be_told(api: Any) -> None:
    factories.make_agent()
    told = ask(api)["expected_wait_s"]

    opened = api.escalate().json()

    assert told["p50"] is not None
    assert (told["p50"], told["p90"]) == (
        opened["expected_wait_s"],
        opened["expected_wait_p90_s"],
    )


def test_agents_are_counted_by_fitness_and_never_named(api: Any) -> None:
    factories.make_agent("Amina", {"en": 5}, {"cards": 4, "payments": 2})
    busy = factories.make_agent("Bo", {"en": 3}, {"cards": 3, "payments": 5})
    factories.make_assignment(ticket=factories.make_ticket(), agent=busy)
    factories.make_agent("Cy", {"en": 4}, {"cards": 1, "payments": 1})
    factories.make_agent("Di", {"en": 4}, {"cards": 5})
    factories.make_agent("Éa", {"fr": 5}, {"cards": 5, "payments": 5})

    answer = ask(api, skills="cards:2,payments")

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


def test_without_skills_only_the_language_is_counted(api: Any) -> None:
    factories.make_agent(languages={"en": 4}, capacity=2)

    assert ask(api)["agents"]["levels"] == [
        {"language_level": 4, "skill_level": None, "able": True, "free": 1, "busy": 0}
    ]


def test_a_parameter_left_empty_is_not_given(api: Any) -> None:
    assert ask(api, skills="", topic="") == ask(api)


def test_a_region_is_its_language(api: Any) -> None:
    factories.make_agent(languages={"fr": 5})

    assert ask(api, language="fr-CA")["agents"]["free"] == 1


def test_a_skill_that_gives_way_is_waited_for_only_until_the_last_step(api: Any) -> None:
    factories.make_agent(languages={"en": 5}, capacity=2)

    kept, given = (ask(api, skills="cards", gives_way=code) for code in ("", "cards"))

    assert kept["expected_wait_s"]["unknown"] == "nobody_able"
    assert given["expected_wait_s"]["p50"] >= 60


def test_without_a_skill_is_named_where_it_would_be_sooner(api: Any) -> None:
    factories.make_agent("Bo", {"en": 5}, {"cards": 4})

    answer = ask(api, skills="cards:2,payments")

    assert kinds(answer) == ["without_skill", "stay_with_bot"]
    assert (answer["alternatives"][0]["skill"], answer["alternatives"][0]["free"]) == (
        "payments",
        1,
    )
    assert answer["alternatives"][0]["expected_wait_s"]["p50"] < 60


def test_other_languages_with_somebody_free_are_named(api: Any) -> None:
    factories.make_agent("Bo", {"fr": 5, "de": 3}, {"cards": 4})
    factories.make_agent("Cy", {"fr": 5}, {"cards": 4})
    factories.make_agent("Di", {"sv": 5}, {})

    answer = ask(api, skills="cards:2")

    assert answer["alternatives"] == [
        {"kind": "other_language", "language": "fr", "free": 2},
        {"kind": "other_language", "language": "de", "free": 1},
        {"kind": "stay_with_bot"},
    ]


def test_closed_says_when_it_opens_and_promises_nothing(api: Any) -> None:
    yesterday = clock.now() - timedelta(days=1)
    day = yesterday.strftime("%a").lower()
    api.client.opening_hours, api.client.time_zone = {day: [["09:00", "17:00"]]}, "UTC"
    api.client.save()
    factories.make_agent()

    answer = ask(api, skills="cards")

    opens = (yesterday + timedelta(days=7)).strftime("%Y-%m-%dT09:00:00Z")
    assert answer["expected_wait_s"] == {"p50": None, "p90": None, "unknown": "closed"}
    assert (answer["opening_hours"]["open"], answer["opening_hours"]["opens_at"]) == (False, opens)
    assert {"day": day, "open": [["09:00", "17:00"]]} in answer["opening_hours"]["week"]
    assert len(answer["opening_hours"]["week"]) == 7
    assert answer["alternatives"] == [
        {"kind": "stay_with_bot"},
        {"kind": "come_back", "opens_at": opens},
    ]


def test_an_escalation_out_of_hours_is_taken_and_told_the_truth(api: Any) -> None:
    yesterday = clock.now() - timedelta(days=1)
    api.client.opening_hours = {yesterday.strftime("%a").lower(): [["09:00", "17:00"]]}
    api.client.time_zone = "UTC"
    api.client.save()
    factories.make_agent()

    opened = api.escalate()

    assert opened.status_code == 201
    told = opened.json()
    assert (told["expected_wait_s"], told["expected_wait_p90_s"]) == (None, None)
    assert told["opens_at"] == (yesterday + timedelta(days=7)).strftime("%Y-%m-%dT09:00:00Z")
    assert api.get(f"tickets/{told['ticket']}").json()["opens_at"] == told["opens_at"]


def test_another_clients_queue_moves_the_place_and_names_nobody(api: Any, make_api: Any) -> None:
    """The pool is shared; what one client's customers said is not."""
    other = factories.make_client("other")
    factories.make_ticket(other, customer={"ref": "secret-ref", "name": "Secret Name"})

    answer = ask(api)

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
def test_what_is_no_question_is_a_problem_that_names_its_place(
    api: Any, query: dict[str, Any], field: str
) -> None:
    answer = api.get("availability", **query)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_without_a_key_nothing_is_said() -> None:
    assert Http().get("/api/v1/availability", {"language": "en"}).status_code == 401


def test_the_answer_is_as_the_schema_says(api: Any) -> None:
    schema = Http().get("/api/v1/schema?format=json").json()
    shape = {"$ref": "#/components/schemas/Availability", "components": schema["components"]}
    factories.make_agent("Bo", {"en": 5, "fr": 5}, {"cards": 4})

    jsonschema.validate(ask(api, skills="cards:2,payments"), shape)
    jsonschema.validate(ask(api), shape)


def test_more_agents_cost_no_more_queries(api: Any) -> None:
    def queries() -> int:
        estimator_cache.forget()
        with CaptureQueriesContext(connection) as asked:
            api.get("availability", language="en", skills="cards")
        return len(asked)

    queries()
    few = queries()
    for _ in range(5):
        factories.make_agent(skills={"cards": 3})

    assert queries() == few


def test_only_those_who_hold_the_clients_certificate_are_counted_on(api: Any) -> None:
    Client.objects.filter(pk=api.client.pk).update(certificate="kyc")
    certified, _other = factories.make_agent(), factories.make_agent()
    AgentCertificate.objects.create(agent=certified, code="kyc")

    told = ask(api)

    assert told["agents"]["free"] == 1
    assert told["expected_wait_s"]["p50"] is not None
    certified.certificates.all().delete()
    assert ask(api)["expected_wait_s"]["unknown"] == "nobody_able"
    assert ask(api)["agents"]["free"] == 0
