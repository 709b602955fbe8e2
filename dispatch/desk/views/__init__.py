"""The views of the agent's pages: parse, authorise, one call, render."""
