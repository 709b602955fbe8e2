"""Forms about agents."""

from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from babel.numbers import is_currency
from django import forms
from django.contrib.auth import password_validation
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from agents.models import Agent, AgentCertificate, User
from agents.pay.money import active_locale

CAPACITY = [MinValueValidator(1), MaxValueValidator(10)]


def list_time_zones() -> list[tuple[str, str]]:
    return [
        (name, name)
        for name in sorted(available_timezones())
        if name == "UTC" or ("/" in name and not name.startswith("Etc/"))
    ]


def list_countries() -> list[tuple[str, str]]:
    named = active_locale().territories.items()
    return sorted(
        ((code, name) for code, name in named if len(code) == 2 and code.isalpha()),
        key=lambda pair: pair[1],
    )


def list_languages() -> list[tuple[str, str]]:
    """The languages that have a two-letter code, by name."""
    named = Locale.parse(str(active_locale())).languages.items()
    pairs = ((code, f"{name} ({code})") for code, name in named if len(code) == 2)
    return sorted(pairs, key=lambda pair: pair[1].casefold())


class AgentForm(forms.ModelForm):
    country = forms.ChoiceField(
        label=_("Country"), choices=list_countries, widget=UnfoldAdminSelectWidget, initial="FR"
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=list_time_zones,
        widget=UnfoldAdminSelectWidget,
        initial="Europe/Paris",
        help_text=_("Decides when the agent's day begins."),
    )

    class Meta:
        model = Agent
        fields = ["name", "country", "time_zone", "currency"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the agent's present values among the choices, even if they are not in the lists."""
        super().__init__(*args, **kwargs)
        for name in ("country", "time_zone"):
            field: Any = self.fields.get(name)
            held = getattr(self.instance, name)
            if field and held not in dict(field.choices):
                field.choices = [*field.choices, (held, held)]

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).upper()
        if not is_currency(code):
            raise forms.ValidationError(_("Give a currency such as EUR."))
        return code


class InviteForm(AgentForm):
    """A new agent, with an existing login or a new one."""

    login = forms.ModelChoiceField(
        label=_("Existing login"),
        queryset=User.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Or leave this empty and give a new user name and password."),
    )
    user_name = forms.CharField(
        label=_("User name"),
        max_length=150,
        required=False,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
        validators=User._meta.get_field("username").validators,
    )
    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text=_(
            "Without one, the agent cannot log in until a password is set on the login's page."
        ),
    )
    capacity = forms.IntegerField(
        label=_("Capacity"),
        initial=1,
        validators=CAPACITY,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Most conversations at once."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        free = User.objects.filter(agent=None, is_active=True).order_by("username")
        login: Any = self.fields["login"]
        login.queryset = free

    def clean_user_name(self) -> str:
        name = str(self.cleaned_data["user_name"])
        if User.objects.filter(username=name).exists():
            raise forms.ValidationError(_("This user name is taken."))
        return name

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if password:
            password_validation.validate_password(password)
        return password

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "user_name" in given and bool(given.get("login")) == bool(given["user_name"]):
            self.add_error("user_name", _("Choose either a login or a new user name."))
        return given


class CertificateForm(forms.ModelForm):
    """A certificate counts to the end of its last day; a new last day makes it count again."""

    class Meta:
        model = AgentCertificate
        fields = ["code", "valid_until"]

    def save(self, commit: bool = True) -> AgentCertificate:
        until = self.instance.valid_until
        self.instance.lapsed = until is not None and until < timezone.now().date()
        saved: AgentCertificate = super().save(commit)
        return saved


class CapacityForm(BaseDialogForm):
    capacity = forms.IntegerField(
        label=_("Capacity"),
        validators=CAPACITY,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Most conversations at once."),
    )


class ReasonForm(BaseDialogForm):
    reason = forms.CharField(label=_("Reason"), max_length=200, widget=UnfoldAdminTextInputWidget)
