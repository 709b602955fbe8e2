"""The desk: the agent's pages and their live line."""
