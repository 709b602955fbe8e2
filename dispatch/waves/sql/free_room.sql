-- Counts how many more conversations the agents with the same abilities could take now.
SELECT array_to_string(abilities, ' '), sum(capacity - load) FROM agents_presence
WHERE status = 'available' AND load < capacity GROUP BY abilities
