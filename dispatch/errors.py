"""Refusals about offers and assignments. The docstring of each is the message people read."""

from django.utils.translation import gettext_lazy as _


class DispatchError(Exception):
    """This can't be done now."""

    code = "dispatch_error"
    status = 409
    #: The sentence shown on a page, in the reader's language.
    sentence = _("This can't be done now.")

    def __str__(self) -> str:
        return super().__str__() or (self.__doc__ or "").strip()


class OfferGone(DispatchError):
    """This offer was declined or withdrawn already."""

    code = "offer_gone"
    sentence = _("This offer is no longer open. Nothing changes for you.")


class OfferExpired(DispatchError):
    """This offer's time ran out before the answer came."""

    code = "offer_expired"
    status = 410
    sentence = _("The time for this offer ran out. Nothing changes for you.")


class OfferTaken(DispatchError):
    """Somebody else took this offer first."""

    code = "offer_taken"
    sentence = _("Somebody else took this one first. Nothing changes for you.")


class AssignmentOver(DispatchError):
    """This conversation is no longer yours."""

    code = "assignment_over"
    sentence = _("This conversation is no longer with you. What you wrote was not sent.")
