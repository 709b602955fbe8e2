-- A ticket reaches a final status, if its present status allows that.
UPDATE tickets_ticket SET
    status = %(status)s, version = version + 1, closed_at = %(at)s,
    disposition = %(disposition)s, note = %(note)s
WHERE id = %(id)s AND status = ANY(%(expected)s)
RETURNING *
