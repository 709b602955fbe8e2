-- A ticket whose agent is gone is queued again, at the head of the queue and with new patience.
UPDATE tickets_ticket SET
    status = 'queued', version = version + 1, due_at = queued_at - %(head_start)s,
    give_up_at = %(give_up_at)s, answered_by = '', offered = false, reoffer_at = NULL
WHERE id = %(id)s AND status = 'active'
RETURNING *
