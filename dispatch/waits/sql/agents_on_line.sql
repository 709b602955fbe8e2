-- Reads who is on line, what they can do and how much they hold.
-- Agents who hold nothing are counted by what they can do; the others are read one by one.
SELECT CASE WHEN p.load > 0 THEN p.agent_id END AS holder, array_to_string(p.abilities, ' '),
    p.capacity, p.load, count(*)
FROM agents_presence p JOIN agents_agent a ON a.id = p.agent_id AND a.status = 'approved'
WHERE p.status = 'available' AND p.seen_at > %(heard)s
GROUP BY holder, p.abilities, p.capacity, p.load
