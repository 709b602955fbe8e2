"""Changes of presence: available, away, offline."""

import pytest

from agents.models import Agent
from dispatch.models import Assignment
from tests import factories
from tests.dispatch.desk.conftest import Browser, browser_of


def status(agent: Agent) -> str:
    return factories.read_presence(agent).status


@pytest.mark.parametrize("wanted", ["away", "offline", "available"])
def test_changing_status_without_scripts_redirects_to_the_desk(
    plain: Browser, amina: Agent, wanted: str
) -> None:
    answer = plain.act("presence", status=wanted)

    assert (answer.status_code, answer.url, status(amina)) == (302, "/desk/", wanted)


def test_changing_status_with_scripts_returns_the_live_parts(live: Browser, amina: Agent) -> None:
    page = live.act("presence", status="away").content.decode()

    assert 'data-action="go-available"' in page
    assert status(amina) == "away"


def test_an_unknown_status_is_refused(plain: Browser, amina: Agent) -> None:
    assert plain.act("presence", status="asleep").status_code == 422
    assert status(amina) == "available"


def test_an_unapproved_agent_cannot_become_available(db: None) -> None:
    invited = factories.make_agent("Ines", available=False, approved=False)

    answer = browser_of(invited).act("presence", status="available")

    assert answer.status_code == 409
    assert "not approved for work at the moment" in answer.content.decode()


def test_the_page_of_an_unapproved_agent_has_no_switch_and_no_socket(db: None) -> None:
    invited = factories.make_agent("Ines", available=False, approved=False)

    page = browser_of(invited).look().content.decode()

    assert "Your account is not open for work yet." in page
    assert "data-action=" not in page
    assert "ws-connect" not in page


def test_going_offline_in_a_conversation_asks_for_confirmation(
    plain: Browser, live: Browser, amina: Agent
) -> None:
    factories.make_assignment(agent=amina)

    answers = [plain.act("presence", status="offline"), plain.act("logout/")]
    redirected = live.act("presence", status="offline").headers["HX-Redirect"]

    assert [answer.url for answer in answers] == ["/desk/leave/"] * 2
    assert redirected == "/desk/leave/"
    assert status(amina) == "available"
    assert "Someone is talking with you." in plain.look("leave/").content.decode()


def test_confirmed_going_offline_requeues_the_conversation(
    plain: Browser, amina: Agent, django_capture_on_commit_callbacks: object
) -> None:
    factories.make_assignment(agent=amina)

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        plain.act("presence", status="offline", confirmed="1")

    assert status(amina) == "offline"
    assert Assignment.objects.get().ending == Assignment.Ending.LOST


def test_logging_out_makes_the_agent_offline(plain: Browser, amina: Agent) -> None:
    answer = plain.act("logout/")

    assert (answer.url, status(amina)) == ("/desk/login/", "offline")
    assert plain.look().status_code == 302


def test_a_get_request_does_not_log_out(plain: Browser) -> None:
    assert plain.look("logout/").status_code == 405
