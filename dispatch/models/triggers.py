"""Triggers of dispatch, by which PostgreSQL refuses changes. See `agents.models.triggers`."""

import pgtrigger

from agents.models.triggers import refuse


class PayNeverChanges(pgtrigger.Trigger):
    """Refuses to change the pay of an offer, because it is a promise to the agent."""

    name = "pay_never_changes"
    when = pgtrigger.Before
    operation = pgtrigger.UpdateOf("pay")
    condition = pgtrigger.AnyChange("pay")
    func = refuse(name, "the pay of an offer is a promise")
