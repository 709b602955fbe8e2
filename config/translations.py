"""Strings that pages show but gettext cannot find in their source. Listing them gets them
translated.

The admin theme ships no translations. Refusals are docstrings. The outcome of a ticket is stored as
a code.
"""

from django.utils.translation import gettext_noop as _

THEME = [
    _("After you've created a user, you’ll be able to edit more user options."),
    _("All applications"),
    _("Apply Filters"),
    _("Cancel"),
    _("Click to cancel"),
    _("Dark"),
    _("Expand row"),
    _("False"),
    _("General"),
    _("Go back"),
    _("Light"),
    _("Loading more results..."),
    _("More actions"),
    _("No data"),
    _("No recent searches"),
    _("No results found"),
    _("No results matching your query"),
    _("Next"),
    _("Previous"),
    _(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you "
        'can change the password using <a href="{}" class="text-primary-600 '
        'dark:text-primary-500">this form</a>.'
    ),
    _("Recent searches"),
    _("Record picture"),
    _("Reset filters"),
    _("Return to site"),
    _("Run"),
    _("Search apps and models..."),
    _("Select action"),
    _("Select action to run"),
    _("Select all rows"),
    _("Select record"),
    _("Select value"),
    _("Submit"),
    _("System"),
    _("This item will be deleted."),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("Toggle password visibility"),
    _("True"),
    _("Type to search"),
    _("Value"),
    _("Welcome back to"),
    _("You have been successfully logged out from the administration"),
]

REFUSALS = [
    _("A journal entry needs at least two lines that sum to zero in each currency."),
    _("A request with this Idempotency-Key is still running. Try again in a second."),
    _("A reversal can't be reversed."),
    _("A webhook must go to a public https address."),
    _("Another message was sent with this client_message_id."),
    _("No agent is on this ticket now."),
    _("No rate card of this client is in force, so no pay can be quoted."),
    _("Send an Idempotency-Key header, new for each escalation and the same for its retries."),
    _("Somebody else took this offer first."),
    _("The conversation is still going on."),
    _("The customer can say how it went once the ticket has ended."),
    _("This Idempotency-Key was used with another payload."),
    _("This agent already holds as many conversations as they can."),
    _("This agent holds more conversations than that now; lower the limit when some have ended."),
    _("This agent is not approved for work, or is restricted."),
    _("This can't be done for this agent."),
    _("This can't be done with this ticket."),
    _("This conversation has an open ticket already."),
    _("This conversation is no longer yours."),
    _("This offer was declined or withdrawn already."),
    _("This offer's time ran out before the answer came."),
    _("This ticket has another review already."),
    _("This ticket is closed. Escalate again to open a new one."),
    _("This ticket is not waiting for an agent."),
    _("This webhook address can't be found."),
]

ENDINGS = [
    _("solved"),
    _("follow_up"),
    _("not_solved"),
    _("other"),
    _("bot_can_continue"),
    _("customer_wants_bot"),
    _("wrong_team"),
    _("abusive"),
    _("supervisor"),
    _("no_agent"),
    _("left"),
]
