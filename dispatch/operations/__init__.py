"""Figures for operators: metrics, invariants, open connections.

Owns what is measured and audited. Never changes what it watches.
"""
