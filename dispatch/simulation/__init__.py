"""The rules of matching on simulated days, recorded or synthetic: pure. No Django, clock or I/O.

`day` has the callers and agents of a day. `recorded` and `synthetic` build days. `strategies` are
compared, `engine` simulates a day under one of them, and `measures` sums up the result.
"""
