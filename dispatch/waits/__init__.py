"""The wait that a customer is told before and after escalating.

Owns the pool as it is read for an estimate, the estimate and its form in the API. Never changes a
row.
"""
