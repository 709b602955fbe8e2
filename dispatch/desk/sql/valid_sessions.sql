-- Reads which of these sessions still hold, of agents who may work.
SELECT pulse.agent_id, pulse.session_key
-- With arrays it is the same statement however many pages are open, and so planned once.
FROM unnest(%(agents)s::uuid[], %(sessions)s::text[]) pulse(agent_id, session_key)
JOIN django_session s ON s.session_key = pulse.session_key AND s.expire_date > %(at)s
JOIN agents_agent a ON a.id = pulse.agent_id AND a.status = %(approved)s
JOIN agents_user u ON u.id = a.user_id AND u.is_active
