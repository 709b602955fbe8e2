-- Reads which of these sessions are valid and belong to agents who may work.
SELECT pulse.agent_id, pulse.session_key
-- Takes arrays, so that the statement is the same for any number and planned once.
FROM unnest(%(agents)s::uuid[], %(sessions)s::text[]) pulse(agent_id, session_key)
JOIN django_session s ON s.session_key = pulse.session_key AND s.expire_date > %(at)s
JOIN agents_agent a ON a.id = pulse.agent_id AND a.status = %(approved)s
JOIN agents_user u ON u.id = a.user_id AND u.is_active
