"""Pay: dated rate cards, and an append-only double-entry journal.

Money is a whole number of minor units (cents) with an ISO 4217 currency. Rates may be fractions of
a minor unit; a line is rounded once, half up.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from agents.models import triggers
from agents.models.people import Agent


class RateCard(models.Model):
    """The rates of a client from a date on. A card names no agent, so all agents are paid the
    same."""

    client = models.SlugField(_("client"), max_length=40)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    per_ticket = models.PositiveIntegerField(
        _("per ticket"), help_text=_("In minor units (cents).")
    )
    per_minute = models.DecimalField(
        _("per minute"),
        max_digits=12,
        decimal_places=4,
        help_text=_("In minor units; fractions allowed."),
    )
    least = models.PositiveIntegerField(
        _("least per ticket"), default=0, help_text=_("In minor units (cents).")
    )
    expected_minutes = models.PositiveSmallIntegerField(
        _("expected minutes"),
        default=8,
        help_text=_("Used until enough real conversations are measured."),
    )
    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("rate card")
        verbose_name_plural = _("rate cards")
        constraints = [
            models.UniqueConstraint(fields=["client", "valid_from"], name="one_card_per_start"),
            models.CheckConstraint(
                condition=Q(per_minute__gte=0), name="per_minute_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=models.F("valid_from")),
                name="card_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client} {self.valid_from:%Y-%m-%d}"


class RatePremium(models.Model):
    """An amount that a skill or a language adds to each ticket that requires it."""

    class Kind(models.TextChoices):
        SKILL = "skill", _("skill")
        LANGUAGE = "language", _("language")

    card = models.ForeignKey(RateCard, models.CASCADE, related_name="premiums")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    code = models.CharField(_("code"), max_length=40)
    per_ticket = models.PositiveIntegerField(
        _("per ticket"), help_text=_("In minor units (cents).")
    )

    class Meta:
        verbose_name = _("premium")
        verbose_name_plural = _("premiums")
        constraints = [
            models.UniqueConstraint(fields=["card", "kind", "code"], name="one_premium_per_code")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.code} +{self.per_ticket}"


class JournalEntry(models.Model):
    """An event in money. An entry never changes; a second entry that reverses it corrects a
    mistake."""

    class Kind(models.TextChoices):
        EARNING = "earning", _("earning")
        REVERSAL = "reversal", _("reversal")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    agent = models.ForeignKey(
        Agent, models.PROTECT, related_name="journal", verbose_name=_("agent")
    )
    source_type = models.CharField(_("source"), max_length=20)
    source_id = models.UUIDField(_("source id"))
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, verbose_name=_("reverses")
    )
    memo = models.JSONField(_("how it is made up"), default=dict)
    occurred_at = models.DateTimeField(_("occurred"))
    posted_at = models.DateTimeField(_("posted"), auto_now_add=True)

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("ledger")
        triggers = [
            triggers.NeverChanges(
                name="journal_entries_never_change", message="agents_journalentry is append-only"
            ),
            triggers.EntryBalances(name="journal_entries_balance", entry="NEW.id"),
        ]
        constraints = [
            # One entry a source and kind, so that code that runs twice pays once.
            models.UniqueConstraint(
                fields=["source_type", "source_id", "kind", "version"],
                name="one_entry_per_source_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses=None)),
                name="only_a_reversal_reverses",
            ),
        ]
        indexes = [models.Index(fields=["agent", "occurred_at"], name="entry_by_agent")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {_(self.source_type)} {self.source_id}"


class JournalLine(models.Model):
    """One side of an entry: debits are positive, credits negative, and an entry sums to zero."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="lines")
    account = models.CharField(_("account"), max_length=80)
    amount = models.BigIntegerField(_("amount"), help_text=_("In minor units; debit above zero."))
    currency = models.CharField(_("currency"), max_length=3)

    class Meta:
        verbose_name = _("journal line")
        verbose_name_plural = _("journal lines")
        triggers = [
            triggers.NeverChanges(
                name="journal_lines_never_change", message="agents_journalline is append-only"
            ),
            triggers.EntryBalances(name="journal_lines_balance", entry="NEW.entry_id"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="a_line_moves_money"),
        ]
        indexes = [models.Index(fields=["account"], name="line_by_account")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"
