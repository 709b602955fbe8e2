"""Pay: what a ticket is worth, and the journal that says who is owed what."""
