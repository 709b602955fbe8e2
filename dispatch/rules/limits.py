"""How much one wave takes on: pure numbers, shared by waves, explanations and the simulator."""

from datetime import timedelta

#: How many tickets a wave takes on; ten times as many take more than ten times as long.
BATCH = 100
#: So many more agents of a lane than it has tickets are looked at, the longest idle first; fewer,
#: down to the least, where together they would be more than a wave can weigh.
MAX_CHOICE, MIN_CHOICE, MAX_CANDIDATES = 20, 5, 300
#: The database's own limit of pending offers a ticket; a policy may ask for fewer.
MOST_AT_ONCE = 3
#: Who helped a customer within this time knows them.
CONTACT_LASTS = timedelta(days=90)
#: "Not now" is no for so long.
NOT_NOW_LASTS = timedelta(minutes=2)
