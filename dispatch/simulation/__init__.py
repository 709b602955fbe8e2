"""The same matching in simulated time, over days that happened or were made up: pure.

`day` is who calls and who is there, `recorded` and `invented` make such days, `pairing` is what is
compared, `play` is what happens, `measures` what came of it. No Django, no clock, no I/O.
"""
