"""The limits of one wave: plain numbers shared by waves, explanations and the simulator."""

from datetime import timedelta

#: A wave reads at most this many tickets: ten times as many take more than ten times as long.
BATCH = 100
#: A lane with n tickets gets n + MAX_CHOICE candidates, the longest idle first. If all lanes
#: together had more than MAX_CANDIDATES, each gets fewer, down to n + MIN_CHOICE.
MAX_CHOICE, MIN_CHOICE, MAX_CANDIDATES = 20, 5, 300
#: The database's own limit of pending offers a ticket; a policy may set a lower one.
MOST_AT_ONCE = 3
#: An agent who helped a customer within this time counts as knowing them.
CONTACT_LASTS = timedelta(days=90)
#: After "not now" the agent is not offered the same ticket for this long.
NOT_NOW_LASTS = timedelta(minutes=2)
