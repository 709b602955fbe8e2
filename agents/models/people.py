"""People: logins, agents, and the abilities of agents."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from agents.models import triggers

LEVEL = [MinValueValidator(1), MaxValueValidator(5)]


class User(AbstractUser):
    """A login: an agent, a coordinator, or both."""

    language = models.CharField(
        _("language of the pages"), max_length=8, choices=settings.LANGUAGES, default="en"
    )


class AgentQuerySet(models.QuerySet["Agent"]):
    def approved(self) -> "AgentQuerySet":
        return self.filter(status=Agent.Status.APPROVED)


class Agent(models.Model):
    """A contractor who helps customers."""

    class Status(models.TextChoices):
        INVITED = "invited", _("invited")
        APPROVED = "approved", _("approved")
        RESTRICTED = "restricted", _("restricted")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="agent", verbose_name=_("login")
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("Shown to customers."))
    country = models.CharField(_("country"), max_length=2, default="FR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Paris")
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.INVITED
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = AgentQuerySet.as_manager()

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")

    def __str__(self) -> str:
        return self.name


class AgentSkill(models.Model):
    """A skill of an agent and its level: 1 is basic knowledge, 5 is enough to teach it."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="skills")
    skill = models.SlugField(_("skill"), max_length=40)
    level = models.PositiveSmallIntegerField(_("proficiency"), default=3, validators=LEVEL)

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        triggers = [triggers.RefreshAbilities()]
        constraints = [
            models.UniqueConstraint(
                fields=["agent", "skill"], name="one_level_per_agent_and_skill"
            ),
            models.CheckConstraint(
                condition=models.Q(level__range=(1, 5)), name="skill_level_is_1_to_5"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill} {self.level}"


class AgentCertificate(models.Model):
    """A certificate of an agent: a passed test or a check that a client may require of its
    agents."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="certificates")
    code = models.SlugField(_("certificate"), max_length=40)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    #: Set once the last day is over; a trigger then removes the certificate from the abilities.
    lapsed = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        triggers = [triggers.RefreshAbilities()]
        constraints = [
            models.UniqueConstraint(
                fields=["agent", "code"], name="one_certificate_per_agent_and_code"
            ),
        ]
        indexes = [
            models.Index(
                fields=["valid_until"], condition=models.Q(lapsed=False), name="certificates_ending"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class AgentLanguage(models.Model):
    """A language an agent works in (BCP 47, lower case), and how well: 5 is native."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="languages")
    language = models.CharField(_("language"), max_length=16)
    level = models.PositiveSmallIntegerField(_("proficiency"), default=4, validators=LEVEL)

    class Meta:
        verbose_name = _("language")
        verbose_name_plural = _("languages")
        triggers = [triggers.RefreshAbilities()]
        constraints = [
            models.UniqueConstraint(
                fields=["agent", "language"], name="one_level_per_agent_and_language"
            ),
            models.CheckConstraint(
                condition=models.Q(level__range=(1, 5)), name="language_level_is_1_to_5"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.language} {self.level}"
