-- Opens a ticket and stores the response under its key, or writes nothing and reports why.
WITH hold AS MATERIALIZED (
    SELECT
        pg_try_advisory_xact_lock(
            hashtextextended(%(client_id)s::text || ':' || %(key)s::text, 0)) AS held,
        coalesce(%(at)s::timestamptz, statement_timestamp()) AS at
), kept AS MATERIALIZED (
    SELECT fingerprint, status, body FROM tickets_idempotencykey
    WHERE client_id = %(client_id)s AND key = %(key)s
), opened AS (
    INSERT INTO tickets_ticket (
        id, client_id, conversation_ref, customer_ref, customer_name, language, topic, skills,
        gives_way, lane, offered, reoffer_at, times_lowered, lower_at, urgency, status,
        queued_at, due_at, give_up_at, answered_at, closed_at, disposition, note, answered_by,
        epoch, version, last_seq, quoted_p50_s, quoted_p90_s)
    SELECT
        %(id)s, %(client_id)s, %(conversation_ref)s, %(customer_ref)s, %(customer_name)s,
        %(language)s, %(topic)s, %(skills)s::jsonb, %(gives_way)s, %(lane)s,
        %(offered)s, %(reoffer_at)s, %(times_lowered)s,
        CASE WHEN %(lower_at)s::timestamptz IS NOT NULL
            THEN at + %(answer_within)s::interval END,
        %(urgency)s, %(status)s, at, at + %(answer_within)s::interval,
        at + %(patience)s::interval, %(answered_at)s, %(closed_at)s, %(disposition)s, %(note)s,
        %(answered_by)s, %(epoch)s, %(version)s, %(last_seq)s, %(quoted_p50_s)s, %(quoted_p90_s)s
    FROM hold WHERE held AND NOT EXISTS (SELECT FROM kept)
    ON CONFLICT (client_id, conversation_ref) WHERE status IN ('queued', 'active') DO NOTHING
    RETURNING id, queued_at, due_at, give_up_at
), handed_over AS (
    INSERT INTO tickets_handoff (ticket_id, contract, summary, tried, transcript, context)
    SELECT id, 1, %(summary)s, %(tried)s::jsonb, %(transcript)s::jsonb, %(context)s::jsonb
    FROM opened
), line AS (
    SELECT opened.*, (
        SELECT count(*) FROM tickets_ticket t
        WHERE t.status = 'queued' AND t.language = %(language)s AND (
            t.urgency > %(urgency)s OR (t.urgency = %(urgency)s AND t.due_at < opened.due_at))
    ) AS ahead
    FROM opened
), answered AS (
    INSERT INTO tickets_idempotencykey (client_id, key, fingerprint, status, body, created_at)
    SELECT %(client_id)s, %(key)s, %(fingerprint)s, 201,
        jsonb_set(%(body)s::jsonb, '{position}', to_jsonb(ahead + 1)), queued_at
    FROM line
)
SELECT
    hold.held, kept.fingerprint, kept.status, kept.body,
    line.queued_at, line.due_at, line.give_up_at, line.ahead,
    CASE WHEN line.id IS NULL THEN (
        SELECT t.id FROM tickets_ticket t
        WHERE t.client_id = %(client_id)s AND t.conversation_ref = %(conversation_ref)s
            AND t.status IN ('queued', 'active'))
    END AS open_ticket
FROM hold LEFT JOIN kept ON true LEFT JOIN line ON true
