"""The estimated wait, before and after escalating.

Owns the pool as read for an estimate, the estimate and its form in the API. Never changes a row.
"""
