"""Forms of the desk."""

from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from agents.models import Presence

MOST_WORDS = 10_000
MOST_NOTES = 2_000
STAGES = [("talking", "talking"), ("wrapping", "wrapping"), ("over", "over")]
DISPOSITIONS = [
    ("solved", _("Solved")),
    ("follow_up", _("Needs a follow-up")),
    ("not_solved", _("Not solved")),
    ("other", _("Something else")),
]
HAND_BACK_REASONS = [
    ("bot_can_continue", _("The bot can go on from here")),
    ("customer_wants_bot", _("The customer prefers the bot")),
    ("wrong_team", _("Another team should have this")),
    ("abusive", _("The customer is abusive")),
]
#: The same codes as in `dispatch.offers.REASONS`.
PASS_REASONS = [
    ("not_now", _("Not now")),
    ("not_my_topic", _("Not my topic")),
    ("too_little_pay", _("Too little pay")),
    ("no_time", _("No time")),
]


class LoginForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("This name and password don't match. Check both and try again."),
        "inactive": _("This login is closed. Your coordinator can tell you more."),
    }


class PresenceForm(forms.Form):
    status = forms.ChoiceField(choices=Presence.Status.choices)


class AutoAcceptForm(forms.Form):
    on = forms.BooleanField(required=False)
    limit = forms.IntegerField(min_value=1, max_value=30)


class BecauseForm(forms.Form):
    because = forms.ChoiceField(choices=PASS_REASONS)


class MessageForm(forms.Form):
    text = forms.CharField(max_length=MOST_WORDS)
    client_message_id = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)


class ResolveForm(forms.Form):
    disposition = forms.ChoiceField(choices=DISPOSITIONS)
    note = forms.CharField(max_length=MOST_NOTES, required=False)


class HandBackForm(forms.Form):
    reason = forms.ChoiceField(choices=HAND_BACK_REASONS)
    note = forms.CharField(max_length=MOST_NOTES, required=False)


class FinishForm(forms.Form):
    note = forms.CharField(max_length=MOST_NOTES, required=False)


class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=settings.LANGUAGES)


class Position(forms.Form):
    """What an open page already shows, so that it gets only what is new."""

    signature = forms.CharField(required=False, max_length=64)
    conversation = forms.UUIDField(required=False)
    after = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    stage = forms.ChoiceField(required=False, choices=STAGES)
    #: When the home page was opened, in milliseconds since 1970. Other pages leave it out.
    home_since = forms.IntegerField(required=False, min_value=0, max_value=10**13)
