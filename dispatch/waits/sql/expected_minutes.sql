-- Reads the minutes that the rate card in force of each client expects of a conversation.
SELECT DISTINCT ON (client) client, expected_minutes FROM agents_ratecard
WHERE valid_from <= %(at)s AND (valid_to IS NULL OR valid_to > %(at)s)
ORDER BY client, valid_from DESC
