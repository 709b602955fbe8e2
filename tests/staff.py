"""Steps of a test through the coordinators' pages."""

import re
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from agents.models import User
from tests.factories import make_coordinator, make_user

#: The field that marks a submitted dialog.
SUBMITTED = {"_form_submitted": "on"}
HOSTILE = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
#: Begins with a right-to-left override.
RIGHT_TO_LEFT = "\u202eאבג"


def log_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def log_in_coordinator() -> Browser:
    return log_in(make_coordinator(password=None))


def log_in_viewer() -> Browser:
    """A member of staff who may view everything and change nothing."""
    user = make_user("vera", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return log_in(user)


def list_address(model: str) -> str:
    """The address of the list of "app_model"."""
    return reverse(f"admin:{model}_changelist")


def page_address(model: str, row: Any, *, action: str = "change") -> str:
    """The address of a row's page, or of the dialog of one of its actions."""
    return reverse(f"admin:{model}_change", args=[row.pk]).replace("change/", f"{action}/")


def run_action(browser: Browser, model: str, action: str, *rows: Any) -> Any:
    """Select these rows of the list and run the action."""
    form = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return browser.post(list_address(model), form, follow=True)


def read_messages(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def submit_new(browser: Browser, model: str, **form: Any) -> Any:
    """Submit the form for a new row."""
    return browser.post(reverse(f"admin:{model}_add"), form, follow=True)


def read_text(answer: Any) -> str:
    """The text of a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))
