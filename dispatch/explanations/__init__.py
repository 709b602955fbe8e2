"""Explanations of decisions: why one agent was chosen and another was not.

Owns the sentences about a decision. Never decides anything itself.
"""
