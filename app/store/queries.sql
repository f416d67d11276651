-- Named queries on the dialing path and for the panel's reads. See sql.py for the form of this file.

-- ---------------------------------------------------------------------------------------------------------- claiming

-- name: claim_contacts
-- Take the head of a campaign's waiting line. Each row that is looked at is moved on, so that the cost depends on
-- :look alone: to its end when it may not be dialed, back by a while when its number is in a call already or its trunks
-- are out of service, and into progress for the first :wanted of the others. due_at_ms is kept for those in progress: it
-- is their place in the line.
UPDATE campaign_contacts
SET status = verdict.status,
    due_at_ms = CASE verdict.status
        WHEN 'in progress' THEN campaign_contacts.due_at_ms
        WHEN 'pending' THEN verdict.back_at_ms
    END,
    last_outcome = CASE verdict.status
        WHEN 'do-not-call' THEN 26
        WHEN 'invalid number' THEN 7
        ELSE campaign_contacts.last_outcome
    END
FROM (
    SELECT contact_id, status, CASE WHEN is_shut THEN :shut_until_ms ELSE :back_at_ms END AS back_at_ms,
        SUM(CASE WHEN status = 'in progress' THEN 1 ELSE 0 END) OVER (ORDER BY due_at_ms, contact_id) AS place
    FROM (
        SELECT head.contact_id, head.due_at_ms, head.is_shut,
            CASE
                WHEN head.number = '' THEN 'invalid number'
                WHEN EXISTS (SELECT 1 FROM dnc WHERE dnc.number = head.number) THEN 'do-not-call'
                WHEN head.is_shut THEN 'pending'
                WHEN EXISTS (
                    SELECT 1 FROM attempts WHERE attempts.number = head.number AND attempts.closed_at_ms IS NULL
                ) THEN 'pending'
                WHEN ROW_NUMBER() OVER (PARTITION BY head.number ORDER BY head.due_at_ms, head.contact_id) > 1
                    THEN 'pending'
                ELSE 'in progress'
            END AS status
        FROM (
            SELECT waiting.contact_id, waiting.due_at_ms, contacts.phone1 AS number,
                EXISTS (
                    SELECT 1 FROM json_each(:shut_json) AS shut
                    WHERE substr(contacts.phone1, 1, length(shut.value)) = shut.value
                ) AND NOT EXISTS (
                    SELECT 1 FROM json_each(:open_json) AS open
                    WHERE substr(contacts.phone1, 1, length(open.value)) = open.value
                ) AS is_shut
            FROM (
                SELECT contact_id, due_at_ms
                FROM campaign_contacts
                WHERE campaign_id = :campaign_id AND status = 'pending' AND due_at_ms <= :now_ms
                ORDER BY due_at_ms, contact_id
                LIMIT :look
            ) AS waiting
            JOIN contacts ON contacts.id = waiting.contact_id
        ) AS head
    ) AS seen
) AS verdict
WHERE campaign_contacts.campaign_id = :campaign_id
    AND campaign_contacts.contact_id = verdict.contact_id
    AND (verdict.status <> 'in progress' OR verdict.place <= :wanted)
RETURNING contact_id, status, due_at_ms, attempts, faults,
    (SELECT phone1 FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS number,
    (SELECT name FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS name,
    (SELECT language FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS language,
    (SELECT fields FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS fields;

-- name: claim_contacts [postgresql]
-- SKIP LOCKED: another process's claim goes on to the rows behind ours instead of waiting for us.
UPDATE campaign_contacts
SET status = verdict.status,
    due_at_ms = CASE verdict.status
        WHEN 'in progress' THEN campaign_contacts.due_at_ms
        WHEN 'pending' THEN verdict.back_at_ms
    END,
    last_outcome = CASE verdict.status
        WHEN 'do-not-call' THEN 26
        WHEN 'invalid number' THEN 7
        ELSE campaign_contacts.last_outcome
    END
FROM (
    SELECT contact_id, status, phone1, name, language, fields,
        CASE WHEN is_shut THEN CAST(:shut_until_ms AS bigint) ELSE CAST(:back_at_ms AS bigint) END AS back_at_ms,
        SUM(CASE WHEN status = 'in progress' THEN 1 ELSE 0 END) OVER (ORDER BY due_at_ms, contact_id) AS place
    FROM (
        SELECT head.*,
            CASE
                WHEN head.phone1 = '' THEN 'invalid number'
                WHEN EXISTS (SELECT 1 FROM dnc WHERE dnc.number = head.phone1) THEN 'do-not-call'
                WHEN head.is_shut THEN 'pending'
                WHEN EXISTS (
                    SELECT 1 FROM attempts WHERE attempts.number = head.phone1 AND attempts.closed_at_ms IS NULL
                ) THEN 'pending'
                WHEN ROW_NUMBER() OVER (PARTITION BY head.phone1 ORDER BY head.due_at_ms, head.contact_id) > 1
                    THEN 'pending'
                ELSE 'in progress'
            END AS status
        FROM (
            SELECT waiting.contact_id, waiting.due_at_ms, contacts.phone1, contacts.name, contacts.language,
                contacts.fields,
                EXISTS (
                    SELECT 1 FROM json_array_elements_text(CAST(:shut_json AS json)) AS shut(prefix)
                    WHERE starts_with(contacts.phone1, shut.prefix)
                ) AND NOT EXISTS (
                    SELECT 1 FROM json_array_elements_text(CAST(:open_json AS json)) AS open(prefix)
                    WHERE starts_with(contacts.phone1, open.prefix)
                ) AS is_shut
            FROM (
                SELECT contact_id, due_at_ms
                FROM campaign_contacts
                WHERE campaign_id = :campaign_id AND status = 'pending' AND due_at_ms <= :now_ms
                ORDER BY due_at_ms, contact_id
                LIMIT :look
                FOR UPDATE SKIP LOCKED
            ) AS waiting
            JOIN contacts ON contacts.id = waiting.contact_id
        ) AS head
    ) AS seen
) AS verdict
WHERE campaign_contacts.campaign_id = :campaign_id
    AND campaign_contacts.contact_id = verdict.contact_id
    AND (verdict.status <> 'in progress' OR verdict.place <= :wanted)
RETURNING campaign_contacts.contact_id, campaign_contacts.status, campaign_contacts.due_at_ms,
    campaign_contacts.attempts, campaign_contacts.faults,
    verdict.phone1 AS number, verdict.name, verdict.language, CAST(verdict.fields AS text) AS fields;

-- name: open_attempts
-- Open the attempts of claimed contacts; rows: [attempt id, contact id, number]. A number that is in a call already is
-- left out, and its contact goes back to the line.
INSERT INTO attempts (id, campaign_id, contact_id, number, opened_at_ms)
SELECT json_extract(value, '$[0]'), :campaign_id, json_extract(value, '$[1]'), json_extract(value, '$[2]'), :now_ms
FROM json_each(:rows_json)
WHERE TRUE
ON CONFLICT DO NOTHING
RETURNING id;

-- name: open_attempts [postgresql]
INSERT INTO attempts (id, campaign_id, contact_id, number, opened_at_ms)
SELECT value ->> 0, :campaign_id, (value ->> 1)::bigint, value ->> 2, :now_ms
FROM json_array_elements(CAST(:rows_json AS json))
ON CONFLICT DO NOTHING
RETURNING id;

-- name: return_contacts
-- Put contacts that were claimed and not opened back into the waiting line.
UPDATE campaign_contacts
SET status = 'pending', due_at_ms = :back_at_ms
WHERE campaign_id = :campaign_id AND contact_id IN (SELECT value FROM json_each(:contacts_json));

-- name: return_contacts [postgresql]
UPDATE campaign_contacts
SET status = 'pending', due_at_ms = :back_at_ms
WHERE campaign_id = :campaign_id
    AND contact_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(:contacts_json AS json)));

-- name: next_due
-- When the first of a campaign's waiting line falls due, past or future.
SELECT due_at_ms
FROM campaign_contacts
WHERE campaign_id = :campaign_id AND status = 'pending' AND due_at_ms IS NOT NULL
ORDER BY due_at_ms
LIMIT 1;

-- ----------------------------------------------------------------------------------------------------------- closing

-- name: close_attempts
-- Write the ends of attempts that are open; one that is closed already is left as it is and not answered, so that it is
-- counted once.
UPDATE attempts
SET closed_at_ms = :now_ms,
    trunk_id = ended.value ->> '$.trunk_id',
    placed_at_ms = ended.value ->> '$.placed_at_ms',
    ringing_at_ms = ended.value ->> '$.ringing_at_ms',
    progress_at_ms = ended.value ->> '$.progress_at_ms',
    answered_at_ms = ended.value ->> '$.answered_at_ms',
    ended_at_ms = ended.value ->> '$.ended_at_ms',
    outcome = ended.value ->> '$.outcome',
    is_charged = ended.value ->> '$.is_charged',
    sip_code = ended.value ->> '$.sip_code',
    cause = ended.value ->> '$.cause',
    cause_text = ended.value ->> '$.cause_text',
    flow = ended.value -> '$.flow'
FROM json_each(:rows_json) AS ended
WHERE attempts.id = ended.value ->> '$.id' AND +attempts.closed_at_ms IS NULL
RETURNING id, number;

-- name: close_attempts [postgresql]
UPDATE attempts
SET closed_at_ms = :now_ms,
    trunk_id = ended.trunk_id,
    placed_at_ms = ended.placed_at_ms,
    ringing_at_ms = ended.ringing_at_ms,
    progress_at_ms = ended.progress_at_ms,
    answered_at_ms = ended.answered_at_ms,
    ended_at_ms = ended.ended_at_ms,
    outcome = ended.outcome,
    is_charged = ended.is_charged,
    sip_code = ended.sip_code,
    cause = ended.cause,
    cause_text = ended.cause_text,
    flow = ended.flow
FROM json_to_recordset(CAST(:rows_json AS json)) AS ended(
    id text, trunk_id text, placed_at_ms bigint, ringing_at_ms bigint, progress_at_ms bigint, answered_at_ms bigint,
    ended_at_ms bigint, outcome integer, is_charged boolean, sip_code integer, cause integer, cause_text text, flow json
)
WHERE attempts.id = ended.id AND attempts.closed_at_ms IS NULL
RETURNING attempts.id, attempts.number;

-- name: move_contacts
-- Write what becomes of the contacts of closed attempts. A number that is on the do-not-call list by now is not tried
-- again, whatever the dialer planned.
UPDATE campaign_contacts
SET status = CASE WHEN moved.is_barred THEN 'do-not-call' ELSE moved.status END,
    due_at_ms = CASE WHEN moved.is_barred THEN NULL ELSE moved.due_at_ms END,
    attempts = moved.attempts,
    faults = moved.faults,
    last_outcome = moved.outcome
FROM (
    SELECT value ->> '$.campaign_id' AS campaign_id, value ->> '$.contact_id' AS contact_id,
        value ->> '$.status' AS status, value ->> '$.due_at_ms' AS due_at_ms,
        value ->> '$.attempts' AS attempts, value ->> '$.faults' AS faults, value ->> '$.outcome' AS outcome,
        value ->> '$.status' = 'pending'
            AND EXISTS (SELECT 1 FROM dnc WHERE dnc.number = value ->> '$.number') AS is_barred
    FROM json_each(:rows_json)
) AS moved
WHERE campaign_contacts.campaign_id = moved.campaign_id
    AND campaign_contacts.contact_id = moved.contact_id
    AND campaign_contacts.status = 'in progress'
RETURNING campaign_id, status;

-- name: move_contacts [postgresql]
UPDATE campaign_contacts
SET status = CASE WHEN moved.is_barred THEN 'do-not-call' ELSE moved.status END,
    due_at_ms = CASE WHEN moved.is_barred THEN NULL ELSE moved.due_at_ms END,
    attempts = moved.attempts,
    faults = moved.faults,
    last_outcome = moved.outcome
FROM (
    SELECT ended.*,
        ended.status = 'pending' AND EXISTS (SELECT 1 FROM dnc WHERE dnc.number = ended.number) AS is_barred
    FROM json_to_recordset(CAST(:rows_json AS json)) AS ended(
        campaign_id bigint, contact_id bigint, number text, status text, due_at_ms bigint, attempts integer,
        faults integer, outcome integer
    )
) AS moved
WHERE campaign_contacts.campaign_id = moved.campaign_id
    AND campaign_contacts.contact_id = moved.contact_id
    AND campaign_contacts.status = 'in progress'
RETURNING campaign_contacts.campaign_id, campaign_contacts.status;

-- name: add_tallies
-- Add to running counts; rows: [campaign id, kind, key, how many more].
INSERT INTO tallies (campaign_id, kind, key, count)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]')
FROM json_each(:rows_json)
WHERE TRUE
ON CONFLICT (campaign_id, kind, key) DO UPDATE SET count = tallies.count + excluded.count;

-- name: add_tallies [postgresql]
INSERT INTO tallies (campaign_id, kind, key, count)
SELECT (value ->> 0)::bigint, value ->> 1, value ->> 2, (value ->> 3)::bigint
FROM json_array_elements(CAST(:rows_json AS json))
ON CONFLICT (campaign_id, kind, key) DO UPDATE SET count = tallies.count + excluded.count;

-- name: add_dnc
-- Put numbers on the do-not-call list, those on it already left as they are; rows: [number, source, attempt id].
INSERT INTO dnc (number, source, attempt_id, created_at_ms)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), :now_ms
FROM json_each(:rows_json)
WHERE TRUE
ON CONFLICT DO NOTHING
RETURNING number;

-- name: add_dnc [postgresql]
INSERT INTO dnc (number, source, attempt_id, created_at_ms)
SELECT value ->> 0, value ->> 1, value ->> 2, :now_ms
FROM json_array_elements(CAST(:rows_json AS json))
ON CONFLICT DO NOTHING
RETURNING number;

-- name: set_campaign_status
-- Write a campaign's status; the first start and the end are dated.
UPDATE campaigns
SET status = :status,
    started_at_ms = CASE
        WHEN CAST(:has_started AS INTEGER) = 1 THEN COALESCE(started_at_ms, :now_ms) ELSE started_at_ms END,
    ended_at_ms = CASE WHEN CAST(:has_ended AS INTEGER) = 1 THEN COALESCE(ended_at_ms, :now_ms) END
WHERE id = :campaign_id;

-- name: open_attempts_on_disk
-- Attempts that were opened and not closed: live calls, or what a life before this one left behind.
SELECT attempts.id, attempts.campaign_id, attempts.contact_id, attempts.number, contacts.name, contacts.language,
    CAST(contacts.fields AS text) AS fields, campaign_contacts.attempts, campaign_contacts.faults
FROM attempts
JOIN contacts ON contacts.id = attempts.contact_id
LEFT JOIN campaign_contacts ON campaign_contacts.campaign_id = attempts.campaign_id
    AND campaign_contacts.contact_id = attempts.contact_id
WHERE attempts.closed_at_ms IS NULL
ORDER BY attempts.opened_at_ms, attempts.id;

-- --------------------------------------------------------------------------------------------------------- attaching

-- name: campaign_exists
-- Whether there is such a campaign.
SELECT id FROM campaigns WHERE id = :campaign_id;

-- name: link_list
-- Note that a campaign has a list.
INSERT INTO campaign_lists (campaign_id, list_id) VALUES (:campaign_id, :list_id) ON CONFLICT DO NOTHING;

-- name: campaigns_of_list
-- The campaigns that have a list.
SELECT campaign_id FROM campaign_lists WHERE list_id = :list_id ORDER BY campaign_id;

-- name: next_piece
-- The ids of the next :size contacts of a list, along the list's own index.
SELECT COUNT(*) AS seen, MIN(id) AS first_id, MAX(id) AS last_id
FROM (SELECT id FROM contacts WHERE list_id = :list_id AND id > :after_id ORDER BY id LIMIT :size) AS piece;

-- name: attach_waiting
-- Contacts with a number join the waiting line; those that are in the campaign already stay as they are. They are due
-- from a given time, or since they were made.
INSERT INTO campaign_contacts (campaign_id, contact_id, status, due_at_ms, attempts, faults)
SELECT CAST(:campaign_id AS BIGINT), contacts.id, 'pending', COALESCE(:from_at_ms, contacts.created_at_ms), 0, 0
FROM contacts
WHERE contacts.list_id = :list_id AND contacts.id BETWEEN :first_id AND :last_id AND contacts.phone1 <> ''
ORDER BY contacts.id
ON CONFLICT DO NOTHING;

-- name: attach_invalid
-- Contacts without a valid number are settled as such at once (outcome 7).
INSERT INTO campaign_contacts (campaign_id, contact_id, status, due_at_ms, attempts, faults, last_outcome)
SELECT CAST(:campaign_id AS BIGINT), contacts.id, 'invalid number', NULL, 0, 0, 7
FROM contacts
WHERE contacts.list_id = :list_id AND contacts.id BETWEEN :first_id AND :last_id AND contacts.phone1 = ''
ORDER BY contacts.id
ON CONFLICT DO NOTHING;
