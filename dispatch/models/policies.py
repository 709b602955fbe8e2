"""Versions of the matching policy: its weights and settings, dated and never changed."""

from dataclasses import fields
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from agents.models.triggers import NeverChanges
from dispatch.rules import policy as rules
from dispatch.rules.limits import MOST_AT_ONCE

DEFAULTS = rules.Policy()
#: Notes of the versions the product ships, which are translated. Coordinators' notes are not.
SHIPPED_NOTES = (
    gettext_noop("What is asked for stays asked for: levels are lowered late and little."),
)
#: The names of all costs of a pair. Each is a weight of the policy.
COSTS = (*rules.LANE_COSTS, *rules.AGENT_COSTS, *rules.PAIR_COSTS)
#: The highest weight. Higher ones could make a pair cost more than leaving its ticket unassigned.
MAX_POINTS = 1_000
#: Leaving a ticket unassigned costs at least three quarters of the penalty. That exceeds the sum of
#: all costs at their highest.
MIN_UNASSIGNED_PENALTY = 12 * MAX_POINTS
#: In per cent of the client's promise: no level is lowered before the promise is over.
EARLIEST_LOWERING, LATEST_LOWERING = 100, 10_000


def default_lowering() -> list[int]:
    return list(DEFAULTS.lower_levels_at)


def points_field(name: str, title: Any, help_text: Any, least: int = 0) -> models.IntegerField:
    """A column for a weight, with the default of the rules."""
    return models.PositiveIntegerField(
        title,
        default=getattr(DEFAULTS, name),
        help_text=help_text,
        validators=[MinValueValidator(least), MaxValueValidator(MAX_POINTS)],
    )


class PolicyVersion(models.Model):
    """One version of the matching policy, in force from `valid_from` until the next version.

    The database refuses to change a row, because decisions refer to it and are replayed with it.
    """

    version = models.PositiveIntegerField(_("version"), primary_key=True)
    valid_from = models.DateTimeField(_("valid from"), unique=True)
    note = models.CharField(
        _("what changes, and why"), max_length=300, help_text=_("Read by agents and coordinators.")
    )
    waiting = points_field(
        "waiting", _("waiting"), _("For every minute past the client's promise."), least=1
    )
    urgency = points_field("urgency", _("urgency"), _("For each step of urgency."))
    language = points_field(
        "language", _("language"), _("For speaking it least well; best costs none.")
    )
    skill = points_field("skill", _("skill"), _("For knowing what is asked for least well."))
    scarce = points_field(
        "scarce",
        _("kept for others"),
        _("For what they are likely to be needed for soon, as few who can do it are free."),
    )
    no_prior_contact = points_field(
        "no_prior_contact",
        _("not known"),
        _("For not being the agent who helped this customer before."),
    )
    quality = points_field(
        "quality", _("quality"), _("For the worst reviews; too few reviews say nothing.")
    )
    quality_unknown = models.PositiveSmallIntegerField(
        _("quality while unknown"),
        default=DEFAULTS.quality_unknown,
        validators=[MaxValueValidator(100)],
        help_text=_("Per cent taken for granted while there are too few reviews."),
    )
    idle = points_field("idle", _("idle time"), _("For having been free for no time at all."))
    idle_enough = models.PositiveIntegerField(
        _("idle long enough"),
        default=DEFAULTS.idle_enough,
        validators=[MinValueValidator(60)],
        help_text=_("Seconds after which idle time costs nothing."),
    )
    workload_today = points_field(
        "workload_today",
        _("share of today's work"),
        _("For each conversation today, up to a full share."),
    )
    full_workload = models.PositiveSmallIntegerField(
        _("full share"),
        default=DEFAULTS.full_workload,
        validators=[MinValueValidator(1)],
        help_text=_("Conversations in a day."),
    )
    asked_before = points_field(
        "asked_before", _("asked before"), _("For being asked for the same ticket again.")
    )
    unassigned_penalty = models.PositiveIntegerField(
        _("left waiting"),
        default=DEFAULTS.unassigned_penalty,
        validators=[MinValueValidator(MIN_UNASSIGNED_PENALTY), MaxValueValidator(1_000_000)],
        help_text=_("What leaving a ticket waiting costs at least: more than any pair."),
    )
    lower_levels_at = ArrayField(
        models.PositiveIntegerField(
            validators=[MinValueValidator(EARLIEST_LOWERING), MaxValueValidator(LATEST_LOWERING)]
        ),
        verbose_name=_("lower the levels at"),
        default=default_lowering,
        blank=True,
        size=4,
        help_text=_(
            "Per cent of the client’s promise that a customer has waited, rising, from 100 on; "
            "each time every level asked for is one lower, never below 1."
        ),
    )
    exclusive_for = models.PositiveSmallIntegerField(
        _("asked alone for"),
        default=DEFAULTS.exclusive_for,
        validators=[MinValueValidator(5)],
        help_text=_("Seconds before another agent is asked too."),
    )
    max_parallel_offers = models.PositiveSmallIntegerField(
        _("most asked at once"),
        default=DEFAULTS.max_parallel_offers,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_AT_ONCE)],
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("matching policy")
        verbose_name_plural = _("matching policies")
        triggers = [
            NeverChanges(
                name="a_policy_never_changes",
                message="decisions were made under this version: add another",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_parallel_offers__range=(1, MOST_AT_ONCE)),
                name="one_to_three_at_once",
            ),
            models.CheckConstraint(condition=Q(waiting__gte=1), name="waiting_always_counts"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.version}"

    @property
    def translated_note(self) -> str:
        """The note, in the reader's language where it is one of ours."""
        return gettext(self.note) if self.note in SHIPPED_NOTES else self.note

    def clean(self) -> None:
        """Check that lowering steps rise and that no pair costs more than an unassigned ticket."""
        steps = self.lower_levels_at
        if steps != sorted(set(steps)):
            rising = _("Give rising per cent, such as 100,200.")
            raise ValidationError({"lower_levels_at": rising})
        most = sum(getattr(self, name) for name in COSTS)
        if 2 * most >= self.unassigned_penalty:
            raise ValidationError(
                {
                    "unassigned_penalty": _(
                        "Must be more than twice the points of all parts together."
                    )
                }
            )

    def rules(self) -> rules.Policy:
        """The policy as matching reads it."""
        given = {each.name: getattr(self, each.name) for each in fields(rules.Policy)}
        return rules.Policy.from_json(given)
