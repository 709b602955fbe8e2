"""Row rules of dispatch: what PostgreSQL itself refuses. See `agents.models.triggers`."""

import pgtrigger

from agents.models.triggers import refuse


class PayNeverChanges(pgtrigger.Trigger):
    """The pay of an offer is a promise. The database refuses to change it once it was offered."""

    name = "pay_never_changes"
    when = pgtrigger.Before
    operation = pgtrigger.UpdateOf("pay")
    condition = pgtrigger.AnyChange("pay")
    func = refuse(name, "the pay of an offer is a promise")
