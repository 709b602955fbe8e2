"""Access to the coordinators' pages, and permission to change logins."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from agents.models import User
from tests.factories import make_agent, make_coordinator, make_user
from tests.staff import list_address, log_in_coordinator, log_in_viewer, page_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def coordinator():
    return log_in_coordinator()


@pytest.fixture
def viewer():
    return log_in_viewer()


# Access


def test_an_anonymous_visitor_is_sent_to_the_login_page():
    answer = Browser().get("/admin/")

    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/admin/login/")


def test_an_agent_cannot_enter_the_admin():
    browser = Browser()
    browser.force_login(make_agent().user)

    answer = browser.get(list_address("agents_agent"))

    assert answer.status_code == 302


def test_the_login_page_leads_to_the_floor():
    answer = Browser().get("/admin/login/")

    assert '<input type="hidden" name="next" value="/admin/"' in answer.content.decode()


# Logins


def test_a_coordinator_cannot_change_a_login_with_more_power():
    superuser = make_coordinator(password=None)
    clerk, agent = make_user("clerk", is_staff=True), make_user("plain")
    clerk.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
    browser = Browser()
    browser.force_login(clerk)
    password = {"password1": "a long enough word", "password2": "a long enough word"}

    refused = [
        browser.post(page_address("agents_user", login), {"username": "mine"})
        for login in (superuser, clerk)
    ]
    refused.append(
        browser.post(reverse("admin:auth_user_password_change", args=[superuser.pk]), password)
    )
    browser.post(
        page_address("agents_user", agent),
        {"username": "plain", "language": "en", "is_active": "on", "is_superuser": "on"},
    )

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert not User.objects.get(pk=agent.pk).is_superuser


def test_only_a_superuser_changes_groups(viewer, coordinator):
    assert viewer.get(reverse("admin:auth_group_add")).status_code == 403
    assert coordinator.get(reverse("admin:auth_group_add")).status_code == 200
