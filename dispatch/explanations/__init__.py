"""Why this agent was chosen, and why another was not: decisions replayed and put into words.

Owns the sentences about a decision. Never decides anything itself.
"""
