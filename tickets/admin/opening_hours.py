"""The form of opening hours: one field for each weekday, "09:00–12:30, 13:30–17:00"."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tickets import opening_hours
from tickets.models import Client

DAY_NAMES = [
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
]
EXAMPLE = "09:00–12:30, 13:30–17:00"


class DayField(forms.CharField):
    """The open times of one weekday."""

    widget = UnfoldAdminTextInputWidget

    def __init__(self, **given: Any) -> None:
        super().__init__(required=False, max_length=200, **given)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return opening_hours.parse_day(text)
        except ValueError:
            said = _("Write times such as %(example)s, in order; %(midnight)s ends a day.")
            raise forms.ValidationError(
                said, params={"example": EXAMPLE, "midnight": opening_hours.MIDNIGHT}
            ) from None


def time_zones() -> list[tuple[str, str]]:
    return [
        (name, name)
        for name in sorted(available_timezones())
        if name == "UTC" or ("/" in name and not name.startswith("Etc/"))
    ]


class ClientForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zones,
        widget=UnfoldAdminSelectWidget,
        initial="Europe/Paris",
        help_text=_("What the opening hours are in."),
    )
    open_mon = DayField(label=DAY_NAMES[0])
    open_tue = DayField(label=DAY_NAMES[1])
    open_wed = DayField(label=DAY_NAMES[2])
    open_thu = DayField(label=DAY_NAMES[3])
    open_fri = DayField(label=DAY_NAMES[4])
    open_sat = DayField(label=DAY_NAMES[5])
    open_sun = DayField(label=DAY_NAMES[6])

    class Meta:
        model = Client
        fields = ["name", "slug", "answer_within", "patience", "wrap_up", "time_zone"]

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for day in opening_hours.DAYS:
            self.initial[f"open_{day}"] = opening_hours.format_day(
                self.instance.opening_hours.get(day, [])
            )

    def save(self, commit: bool = True) -> Any:
        week = {day: self.cleaned_data.get(f"open_{day}") for day in opening_hours.DAYS}
        self.instance.opening_hours = {day: spans for day, spans in week.items() if spans}
        return super().save(commit)
