"""Refusals about an agent. The docstring of each class is the sentence people read."""


class AgentError(Exception):
    """This can't be done for this agent."""

    code = "agent_error"

    def __str__(self) -> str:
        return super().__str__() or (self.__doc__ or "").strip()


class NotApproved(AgentError):
    """This agent is not approved for work, or is restricted."""

    code = "not_approved"


class CapacityInUse(AgentError):
    """This agent holds more conversations than that now; lower the limit when some have ended."""

    code = "capacity_in_use"


class WrongAmount(AgentError):
    """A journal entry needs at least two lines that sum to zero in each currency."""

    code = "wrong_amount"
