"""The rules of matching: pure functions over plain values.

Owns what makes an agent fit a ticket, what a pairing costs, and how waits are simulated.
Never knows Django, the current time, the database or any other I/O.
"""
