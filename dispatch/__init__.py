"""WHERE THEY MEET: the pure matching rule, and the offers and assignments that come of it."""
