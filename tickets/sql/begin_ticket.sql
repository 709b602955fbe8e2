-- An agent takes a queued ticket.
UPDATE tickets_ticket SET
    status = 'active', version = version + 1, epoch = epoch + 1,
    answered_at = coalesce(answered_at, %(at)s), answered_by = %(agent_name)s
WHERE id = %(id)s AND status = 'queued'
RETURNING *
