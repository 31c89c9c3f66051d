"""The statements that leases are made of, each a compare-and-set of many mails at once."""

# A mail that organisers stopped while a worker held it has a ``settled_at``: it is cancelled when
# it comes to be claimed again.
CLAIM = """
WITH due AS (
    SELECT picked.* FROM unnest(%(lanes)s::bigint[], %(letters)s::int[]) AS wanted (lane, number)
    CROSS JOIN LATERAL (
        SELECT delivery.id, delivery.settled_at FROM picketline_delivery delivery
        WHERE delivery.target_version_id = wanted.lane AND delivery.mail_class = 'letter'
          AND delivery.state IN ('queued', 'deferred') AND delivery.due_at <= %(moment)s
          AND NOT delivery.recalled
        ORDER BY delivery.due_at LIMIT wanted.number FOR NO KEY UPDATE SKIP LOCKED
    ) picked
    UNION ALL
    SELECT picked.* FROM unnest(%(classes)s::text[], %(mails)s::int[]) AS wanted (class, number)
    CROSS JOIN LATERAL (
        SELECT delivery.id, NULL::timestamptz FROM picketline_delivery delivery
        WHERE delivery.mail_class = wanted.class AND delivery.mail_class <> 'letter'
          AND delivery.state IN ('queued', 'deferred') AND delivery.due_at <= %(moment)s
          AND NOT delivery.recalled
        ORDER BY delivery.due_at LIMIT wanted.number FOR NO KEY UPDATE SKIP LOCKED
    ) picked
), stopped AS (
    UPDATE picketline_delivery delivery SET state = 'cancelled', outcome = 'stopped'
    WHERE delivery.id = ANY (ARRAY(SELECT id FROM due WHERE settled_at IS NOT NULL))
), claimed AS (
    UPDATE picketline_delivery delivery
    SET state = 'sending', lease_token = nextval('picketline_lease'),
        lease_until = %(moment)s + make_interval(secs => %(lease)s),
        attempt_count = attempt_count + 1
    WHERE delivery.id = ANY (ARRAY(SELECT id FROM due WHERE settled_at IS NULL))
    RETURNING delivery.id, delivery.lease_token, delivery.mail_class, delivery.campaign_id,
              delivery.target_id, delivery.target_version_id
), noted AS (
    INSERT INTO picketline_attempt
        (delivery_id, lease_token, phase, started_at, outcome, relay, enhanced_code)
    SELECT id, lease_token, 'claimed', %(moment)s, '', %(relay)s, '' FROM claimed
)
SELECT * FROM claimed
"""

# An intent that a crash of the database could forget is none, whatever the server's settings say.
DURABLE = """
SELECT set_config('synchronous_commit', 'on', true)
WHERE current_setting('synchronous_commit') = 'off'
"""

# Rows that somebody else is changing right now, such as a withdrawal, are as good as lost: waiting
# for several of them could end in a deadlock.
INTEND = """
WITH wanted AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[], %(sha256)s::bytea[],
        %(envelopes)s::bytea[], %(replies)s::bytea[]) AS one (id, token, sha256, envelope, reply)
), held AS (
    SELECT wanted.*, delivery.mail_class <> 'letter' OR delivery.mime_sha256 IS NULL
                     OR delivery.mime_sha256 = wanted.sha256 AS same
    FROM wanted JOIN picketline_delivery delivery ON delivery.id = wanted.id
    WHERE delivery.state = 'sending' AND delivery.lease_token = wanted.token
      AND delivery.lease_until > now() + make_interval(secs => %(margin)s)
      AND NOT delivery.recalled
    FOR NO KEY UPDATE OF delivery SKIP LOCKED
), noted AS (
    UPDATE picketline_delivery delivery
    SET mime_sha256 = held.sha256, envelope_hash = held.envelope, reply_hash = held.reply
    FROM held WHERE delivery.id = held.id AND held.same
), intended AS (
    UPDATE picketline_attempt attempt
    SET phase = 'committing', committed_at = now(),
        relay = CASE %(relay)s WHEN '' THEN relay ELSE %(relay)s END
    FROM held WHERE attempt.delivery_id = held.id AND held.same
      AND attempt.lease_token = held.token AND attempt.phase = 'claimed'
)
SELECT id, same FROM held
"""

GIVE_BACK = """
WITH returned AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[]) AS one (id, token)
), held AS (
    SELECT delivery.id, delivery.lease_token, delivery.settled_at IS NOT NULL AS stopped
    FROM returned JOIN picketline_delivery delivery
      ON delivery.id = returned.id AND delivery.lease_token = returned.token
    WHERE delivery.state = 'sending'
    ORDER BY delivery.id FOR NO KEY UPDATE OF delivery
), back AS (
    UPDATE picketline_delivery delivery
    SET state = CASE WHEN held.stopped THEN 'cancelled' ELSE 'queued' END, lease_until = NULL,
        outcome = CASE WHEN held.stopped THEN 'stopped' ELSE delivery.outcome END,
        due_at = now() + make_interval(secs => %(wait)s), attempt_count = attempt_count - 1
    FROM held WHERE delivery.id = held.id
)
UPDATE picketline_attempt attempt SET phase = 'ended', ended_at = now(), outcome = 'given back'
FROM held WHERE attempt.delivery_id = held.id AND attempt.lease_token = held.lease_token
RETURNING attempt.delivery_id, attempt.started_at, attempt.relay
"""

# A mail whose holders died three times may be what killed them: it waits up to an hour, so that the
# rest of the queue goes on meanwhile. Those that were claimed with it come back at other times, or
# it would take them all along again.
REAP = """
WITH late AS (
    SELECT delivery.id, delivery.lease_token, attempt.phase, attempt.started_at, attempt.relay,
           lower(split_part(version.address, '@', 2)) AS domain,
           delivery.mail_class <> 'letter' AND delivery.mail_class <> 'campaign update'
             AND delivery.uncertain_since IS NULL AS repeatable
    FROM picketline_delivery delivery
    JOIN picketline_attempt attempt
      ON attempt.delivery_id = delivery.id AND attempt.lease_token = delivery.lease_token
    LEFT JOIN picketline_targetversion version
      ON version.id = delivery.target_version_id AND delivery.mail_class = 'letter'
    WHERE delivery.state = 'sending' AND delivery.lease_until < now()
    LIMIT %(limit)s FOR NO KEY UPDATE OF delivery SKIP LOCKED
), ended AS (
    UPDATE picketline_attempt attempt SET phase = 'ended', ended_at = now(), outcome = 'crashed'
    FROM late WHERE attempt.delivery_id = late.id AND attempt.lease_token = late.lease_token
)
UPDATE picketline_delivery delivery
SET state = CASE WHEN late.phase = 'claimed' THEN 'queued'
                 WHEN late.repeatable THEN 'deferred' ELSE 'uncertain' END,
    uncertain_since = CASE WHEN late.phase = 'claimed' THEN uncertain_since ELSE now() END,
    outcome = CASE WHEN late.phase = 'claimed' THEN outcome ELSE 'uncertain' END,
    due_at = CASE WHEN late.phase = 'claimed' AND attempt_count >= 3
                  THEN now() + interval '1 hour' * (0.5 + random() / 2) ELSE due_at END,
    lease_until = NULL
FROM late WHERE delivery.id = late.id
RETURNING late.phase = 'claimed', late.started_at, late.relay, delivery.id, late.lease_token,
          delivery.mail_class, delivery.campaign_id, delivery.target_id, coalesce(late.domain, '')
"""
