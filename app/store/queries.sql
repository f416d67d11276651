-- Named queries on the dialing path and for the panel's reads. See sql.py for the form of this file.

-- ------------------------------------------------------------------------------------------------------- do-not-call

-- macro: is_barred(number, contact_id, campaign_id)
-- Whether a campaign may not call a number, E.164 with its plus: it or a beginning of it (`+4470*`) is on the
-- do-not-call list of the system, of the campaign's project or of the campaign; the person it belongs to is; or it is
-- in the present edition of a national list that the campaign honours. Some twenty steps down indexes, whatever their
-- length; as scalar subqueries, which no planner reads into a hash. Which edition is present is asked in the same statement.
COALESCE(
    (
        SELECT 1 FROM dnc
        WHERE dnc.number IN (
                {number},
                substr({number}, 1, 2) || '*', substr({number}, 1, 3) || '*', substr({number}, 1, 4) || '*',
                substr({number}, 1, 5) || '*', substr({number}, 1, 6) || '*', substr({number}, 1, 7) || '*',
                substr({number}, 1, 8) || '*', substr({number}, 1, 9) || '*', substr({number}, 1, 10) || '*',
                substr({number}, 1, 11) || '*', substr({number}, 1, 12) || '*', substr({number}, 1, 13) || '*',
                substr({number}, 1, 14) || '*', substr({number}, 1, 15) || '*'
            )
            AND dnc.campaign_id IN (0, {campaign_id})
            AND (
                dnc.project_id = 0
                OR dnc.project_id = (SELECT campaigns.project_id FROM campaigns WHERE campaigns.id = {campaign_id})
            )
        LIMIT 1
    ),
    (
        SELECT 1 FROM dnc_people
        WHERE dnc_people.contact_id = {contact_id} AND dnc_people.campaign_id IN (0, {campaign_id})
            AND (
                dnc_people.project_id = 0
                OR dnc_people.project_id
                    = (SELECT campaigns.project_id FROM campaigns WHERE campaigns.id = {campaign_id})
            )
        LIMIT 1
    ),
    (
        SELECT 1
        FROM campaign_national_lists
        JOIN national_lists ON national_lists.id = campaign_national_lists.national_list_id
        JOIN national_numbers ON national_numbers.key = national_lists.edition_id * 1000000000000000
            + CAST(NULLIF(substr({number}, 2), '') AS bigint)
        WHERE campaign_national_lists.campaign_id = {campaign_id}
        LIMIT 1
    ),
    0
) = 1

-- name: is_barred
-- Whether a campaign may not call a number, of a contact (0: of nobody known). Campaign 0 asks for the system's own list.
SELECT 1 AS yes
WHERE $is_barred(CAST(:number AS text), CAST(:contact_id AS bigint), CAST(:campaign_id AS bigint));

-- name: barred_contacts
-- Of these contacts, each with a number that would be dialed, those whom a campaign may not call, with the number; rows:
-- [contact id, number].
WITH asked AS MATERIALIZED (SELECT value ->> 0 AS contact_id, value ->> 1 AS number FROM json_each(:rows_json))
SELECT asked.contact_id, asked.number
FROM asked
WHERE $is_barred(asked.number, asked.contact_id, CAST(:campaign_id AS bigint));

-- name: barred_contacts [postgresql]
SELECT asked.contact_id, asked.number
FROM (
    SELECT (value ->> 0)::bigint AS contact_id, value ->> 1 AS number
    FROM json_array_elements(CAST(:rows_json AS json))
) AS asked
WHERE $is_barred(asked.number, asked.contact_id, CAST(:campaign_id AS bigint));

-- name: count_barred
-- Of a list's contacts from one id to another those whose first phone nobody may call, or not the campaigns that have the
-- list.
SELECT COUNT(*)
FROM contacts
WHERE contacts.list_id = :list_id AND contacts.id BETWEEN :first_id AND :last_id AND contacts.phone1 <> ''
    AND (
        EXISTS (SELECT 1 FROM dnc) OR EXISTS (SELECT 1 FROM dnc_people) OR EXISTS (SELECT 1 FROM campaign_national_lists)
    )
    AND EXISTS (
        SELECT 1
        FROM (
            SELECT campaign_id FROM campaign_lists WHERE list_id = :list_id
            UNION ALL
            SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM campaign_lists WHERE list_id = :list_id)
        ) AS caller
        WHERE $is_barred(contacts.phone1, contacts.id, caller.campaign_id)
    );

-- name: unconfirmed_attempts
-- Of open attempts those whose number may not be called any more; rows: [attempt id, number].
WITH asked AS MATERIALIZED (SELECT value ->> 0 AS attempt_id, value ->> 1 AS number FROM json_each(:rows_json))
SELECT attempts.id
FROM asked
JOIN attempts ON attempts.id = asked.attempt_id
WHERE $is_barred(asked.number, attempts.contact_id, attempts.campaign_id);

-- name: unconfirmed_attempts [postgresql]
SELECT attempts.id
FROM json_array_elements(CAST(:rows_json AS json)) AS asked(value)
JOIN attempts ON attempts.id = asked.value ->> 0
WHERE $is_barred((asked.value ->> 1), attempts.contact_id, attempts.campaign_id);

-- ---------------------------------------------------------------------------------------------------------- claiming

-- macro: lanes(campaign)
-- The lines a campaign's contacts wait in: the common one of each list, and those of its time zones.
SELECT list_id, is_active, 0 AS zone
FROM campaign_lists
WHERE campaign_id = {campaign}
UNION ALL
SELECT campaign_zones.list_id, campaign_lists.is_active, campaign_zones.zone
FROM campaign_zones
JOIN campaign_lists ON campaign_lists.campaign_id = campaign_zones.campaign_id
    AND campaign_lists.list_id = campaign_zones.list_id
WHERE campaign_zones.campaign_id = {campaign}

-- part: anyones_of_one_list
-- The head of the common line of a campaign with one list, whose time zones take no turns.
SELECT * FROM (
    SELECT contact_id, due_at_ms, NULL, 3, phone
    FROM campaign_contacts
    WHERE campaign_id = :campaign_id AND list_id = :list_id AND zone = 0 AND status = 'pending' AND owner_id IS NULL
        AND callback_at_ms IS NULL AND due_at_ms <= :now_ms
    ORDER BY due_at_ms, contact_id
    LIMIT :look
)

-- part: anyones_of_one_list [postgresql]
SELECT * FROM (
    SELECT contact_id, due_at_ms, NULL::bigint, 3, phone
    FROM campaign_contacts
    WHERE campaign_id = :campaign_id AND list_id = :list_id AND zone = 0 AND status = 'pending' AND owner_id IS NULL
        AND callback_at_ms IS NULL AND due_at_ms <= :now_ms
    ORDER BY due_at_ms, contact_id
    LIMIT :look
    FOR UPDATE SKIP LOCKED
) AS anyones

-- part: anyones_of_lanes
-- The heads of the common lines of a campaign's lists and their time zones; lanes, as seven arrays: list id, zone, rank,
-- quota, pool, place in the turn, lanes of the pool (0: no turns). Lists of a lower rank come first, and of each list so many before
-- the others of its rank; beyond that the zones of a pool in turn, or who waits longest. Of each lane :deep are read,
-- and :look of all go on.
SELECT * FROM (
    SELECT contact_id, due_at_ms, NULL,
        3 + 100000 * (2 * rank + (ROW_NUMBER() OVER (PARTITION BY list_id ORDER BY turn, due_at_ms, contact_id) > quota))
            + turn AS line,
        phone
    FROM (
        SELECT anyones.contact_id, anyones.due_at_ms, anyones.phone, lane.list_id, lane.rank, lane.quota,
            lane.place + lane.lanes * (ROW_NUMBER() OVER (
                PARTITION BY lane.pool, lane.zone ORDER BY anyones.due_at_ms, anyones.contact_id
            ) - 1) AS turn
        FROM (
            SELECT value AS list_id, json_extract(:lanes_json, '$[1][' || key || ']') AS zone,
                json_extract(:lanes_json, '$[2][' || key || ']') AS rank,
                json_extract(:lanes_json, '$[3][' || key || ']') AS quota,
                json_extract(:lanes_json, '$[4][' || key || ']') AS pool,
                json_extract(:lanes_json, '$[5][' || key || ']') AS place,
                json_extract(:lanes_json, '$[6][' || key || ']') AS lanes
            FROM json_each(:lanes_json, '$[0]')
        ) AS lane
        CROSS JOIN campaign_contacts AS anyones
        WHERE anyones.campaign_id = :campaign_id AND anyones.contact_id IN (
            SELECT contact_id
            FROM campaign_contacts AS owned
            WHERE owned.campaign_id = :campaign_id AND owned.list_id = lane.list_id AND owned.zone = lane.zone
                AND owned.status = 'pending' AND owned.owner_id IS NULL AND owned.callback_at_ms IS NULL
                AND owned.due_at_ms <= :now_ms
            ORDER BY owned.due_at_ms, owned.contact_id
            LIMIT :deep
        )
    )
    ORDER BY line, due_at_ms, contact_id
    LIMIT :look
)

-- part: anyones_of_lanes [postgresql]
-- Only those who go on are locked; the planner knows how long arrays are, and so how few they are; who was taken by another process meanwhile is passed over.
SELECT locked.contact_id, locked.due_at_ms, NULL::bigint, chosen.line, locked.phone
FROM (
    SELECT contact_id,
        3 + 100000 * (2 * rank + CASE WHEN ROW_NUMBER() OVER (
            PARTITION BY list_id ORDER BY turn, due_at_ms, contact_id
        ) > quota THEN 1 ELSE 0 END) + turn::integer AS line
    FROM (
        SELECT anyones.contact_id, anyones.due_at_ms, lane.list_id, lane.rank, lane.quota,
            lane.place + lane.lanes * (ROW_NUMBER() OVER (
                PARTITION BY lane.pool, lane.zone ORDER BY anyones.due_at_ms, anyones.contact_id
            ) - 1) AS turn
        FROM unnest(
            translate(CAST(:lanes_json AS json) ->> 0, '[]', '{}')::bigint[],
            translate(CAST(:lanes_json AS json) ->> 1, '[]', '{}')::smallint[],
            translate(CAST(:lanes_json AS json) ->> 2, '[]', '{}')::integer[],
            translate(CAST(:lanes_json AS json) ->> 3, '[]', '{}')::integer[],
            translate(CAST(:lanes_json AS json) ->> 4, '[]', '{}')::bigint[],
            translate(CAST(:lanes_json AS json) ->> 5, '[]', '{}')::integer[],
            translate(CAST(:lanes_json AS json) ->> 6, '[]', '{}')::integer[]
        ) AS lane(list_id, zone, rank, quota, pool, place, lanes)
        CROSS JOIN LATERAL (
            SELECT contact_id, due_at_ms
            FROM campaign_contacts
            WHERE campaign_id = :campaign_id AND list_id = lane.list_id AND zone = lane.zone AND status = 'pending'
                AND owner_id IS NULL AND callback_at_ms IS NULL AND due_at_ms <= :now_ms
            ORDER BY due_at_ms, contact_id
            LIMIT :deep
        ) AS anyones
    ) AS turned
    ORDER BY line, due_at_ms, contact_id
    LIMIT :look
) AS chosen
CROSS JOIN LATERAL (
    SELECT contact_id, due_at_ms, phone
    FROM campaign_contacts
    WHERE campaign_id = :campaign_id AND contact_id = chosen.contact_id AND status = 'pending'
    FOR UPDATE SKIP LOCKED
) AS locked

-- name: claim_contacts
-- Take the head of a campaign's waiting lines: callbacks that fell due, what is owned by one of :agents, and the common
-- line, in this order (<<anyones>> is one of the parts above). Each row that is looked at is moved on, so that the cost depends on :look alone: to its end when
-- it may not be dialed, back by a while when its number is in a call already or its trunks are out of service, and into
-- progress for the first :wanted of the others; but of what is for one agent only the first, who can only take one:
-- the rest stays. Where one phone of several may not be called the contact keeps its place: another one may be free, which
-- is looked for next (turn_phones), and by nobody for all the others (of callbacks some more are looked at, so that the many of one agent do not hide another's). due_at_ms is kept for those in progress: it is their place in the line.
UPDATE campaign_contacts
SET status = verdict.status,
    due_at_ms = CASE verdict.status
        WHEN 'in progress' THEN campaign_contacts.due_at_ms
        WHEN 'pending' THEN verdict.back_at_ms
        WHEN 'do-not-call' THEN CASE WHEN verdict.has_more THEN campaign_contacts.due_at_ms END
    END,
    last_outcome = CASE verdict.status
        WHEN 'do-not-call' THEN CASE WHEN verdict.has_more THEN campaign_contacts.last_outcome ELSE 26 END
        WHEN 'invalid number' THEN 7
        ELSE campaign_contacts.last_outcome
    END
FROM (
    SELECT contact_id, status, turn, has_more, CASE WHEN is_shut THEN :shut_until_ms ELSE :back_at_ms END AS back_at_ms,
        SUM(CASE WHEN status = 'in progress' AND turn = 1 THEN 1 ELSE 0 END)
            OVER (ORDER BY line, due_at_ms, contact_id) AS place
    FROM (
        SELECT seen.*,
            CASE WHEN agent_id IS NULL THEN 1
                ELSE ROW_NUMBER() OVER (PARTITION BY agent_id, status ORDER BY line, due_at_ms, contact_id)
            END AS turn
        FROM (
            SELECT head.contact_id, head.due_at_ms, head.line, head.agent_id, head.is_shut, head.has_more,
                CASE
                    WHEN head.number = '' THEN 'invalid number'
                    WHEN $is_barred(head.number, head.contact_id, :campaign_id) THEN 'do-not-call'
                    WHEN head.is_shut THEN 'pending'
                    WHEN EXISTS (
                        SELECT 1 FROM attempts WHERE attempts.number = head.number AND attempts.closed_at_ms IS NULL
                    ) THEN 'pending'
                    WHEN ROW_NUMBER() OVER (
                        PARTITION BY head.number ORDER BY head.line, head.due_at_ms, head.contact_id
                    ) > 1 THEN 'pending'
                    ELSE 'in progress'
                END AS status
            FROM (
                SELECT called.*,
                    EXISTS (
                        SELECT 1 FROM json_each(:shut_json) AS shut
                        WHERE substr(called.number, 1, length(shut.value)) = shut.value
                    ) AND NOT EXISTS (
                        SELECT 1 FROM json_each(:open_json) AS open
                        WHERE substr(called.number, 1, length(open.value)) = open.value
                    ) AS is_shut
                FROM (
                    SELECT waiting.contact_id, waiting.due_at_ms, waiting.line, waiting.agent_id,
                        COALESCE(
                            NULLIF(
                                CASE waiting.phone
                                    WHEN 2 THEN phone2 WHEN 3 THEN phone3 WHEN 4 THEN phone4 WHEN 5 THEN phone5
                                END,
                                ''
                            ),
                            phone1
                        ) AS number,
                        phone2 || phone3 || phone4 || phone5 <> '' AS has_more
                    FROM (
                        SELECT * FROM (
                            SELECT contact_id, due_at_ms,
                                CASE WHEN callback_until_ms > :now_ms THEN callback_agent_id END AS agent_id,
                                CASE WHEN callback_until_ms > :now_ms AND callback_agent_id IS NOT NULL
                                    THEN 0 ELSE 1 END AS line,
                                phone
                            FROM campaign_contacts INDEXED BY ix_campaign_contacts_callbacks
                            WHERE campaign_id = :campaign_id AND status = 'pending' AND callback_at_ms IS NOT NULL
                                AND callback_at_ms <= :now_ms AND due_at_ms <= :now_ms
                                AND (
                                    callback_agent_id IS NULL OR callback_until_ms <= :now_ms
                                    OR callback_agent_id IN (SELECT value FROM json_each(:agents_json))
                                )
                            ORDER BY callback_at_ms, contact_id
                            LIMIT :look + 50
                        )
                        UNION ALL
                        SELECT mine.contact_id, mine.due_at_ms, mine.owner_id, 2, mine.phone
                        FROM json_each(:agents_json) AS agent
                        CROSS JOIN campaign_contacts AS mine
                        WHERE mine.campaign_id = :campaign_id AND mine.contact_id IN (
                            SELECT contact_id
                            FROM campaign_contacts AS owned
                            WHERE owned.campaign_id = :campaign_id AND owned.status = 'pending'
                                AND owned.owner_id = agent.value AND owned.callback_at_ms IS NULL
                                AND owned.due_at_ms <= :now_ms
                            ORDER BY owned.due_at_ms, owned.contact_id
                            LIMIT 5
                        )
                        UNION ALL
                        <<anyones>>
                    ) AS waiting
                    JOIN contacts ON contacts.id = waiting.contact_id
                ) AS called
            ) AS head
        ) AS seen
    ) AS turns
) AS verdict
WHERE campaign_contacts.campaign_id = :campaign_id
    AND campaign_contacts.contact_id = verdict.contact_id
    AND (verdict.status <> 'in progress' OR (verdict.turn = 1 AND verdict.place <= :wanted))
RETURNING contact_id, status, due_at_ms, attempts, faults, owner_id, callback_at_ms, callback_until_ms,
    callback_agent_id, list_id, zone,
    (
        SELECT COALESCE(
            NULLIF(
                CASE campaign_contacts.phone
                    WHEN 2 THEN phone2 WHEN 3 THEN phone3 WHEN 4 THEN phone4 WHEN 5 THEN phone5
                END,
                ''
            ),
            phone1
        )
        FROM contacts WHERE contacts.id = campaign_contacts.contact_id
    ) AS number,
    (SELECT phone1 || ' ' || phone2 || ' ' || phone3 || ' ' || phone4 || ' ' || phone5
        FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS phones,
    (SELECT time_zone FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS time_zone,
    (SELECT name FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS name,
    (SELECT language FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS language,
    (SELECT is_typed FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS is_typed,
    (SELECT fields FROM contacts WHERE contacts.id = campaign_contacts.contact_id) AS fields;

-- name: claim_contacts [postgresql]
-- SKIP LOCKED: another process's claim goes on to the rows behind ours instead of waiting for us. Agents are an array,
-- whose length the planner knows, and the do-not-call list is asked number by number, never read into a hash.
UPDATE campaign_contacts
SET status = verdict.status,
    due_at_ms = CASE verdict.status
        WHEN 'in progress' THEN campaign_contacts.due_at_ms
        WHEN 'pending' THEN verdict.back_at_ms
        WHEN 'do-not-call' THEN CASE WHEN verdict.has_more THEN campaign_contacts.due_at_ms END
    END,
    last_outcome = CASE verdict.status
        WHEN 'do-not-call' THEN CASE WHEN verdict.has_more THEN campaign_contacts.last_outcome ELSE 26 END
        WHEN 'invalid number' THEN 7
        ELSE campaign_contacts.last_outcome
    END
FROM (
    SELECT contact_id, status, turn, has_more, number, phones, time_zone, name, language, fields, is_typed,
        CASE WHEN is_shut THEN CAST(:shut_until_ms AS bigint) ELSE CAST(:back_at_ms AS bigint) END AS back_at_ms,
        SUM(CASE WHEN status = 'in progress' AND turn = 1 THEN 1 ELSE 0 END)
            OVER (ORDER BY line, due_at_ms, contact_id) AS place
    FROM (
        SELECT seen.*,
            CASE WHEN agent_id IS NULL THEN 1
                ELSE ROW_NUMBER() OVER (PARTITION BY agent_id, status ORDER BY line, due_at_ms, contact_id)
            END AS turn
        FROM (
            SELECT head.*,
                CASE
                    WHEN head.number = '' THEN 'invalid number'
                    WHEN $is_barred(head.number, head.contact_id, :campaign_id) THEN 'do-not-call'
                    WHEN head.is_shut THEN 'pending'
                    WHEN EXISTS (
                        SELECT 1 FROM attempts WHERE attempts.number = head.number AND attempts.closed_at_ms IS NULL
                    ) THEN 'pending'
                    WHEN ROW_NUMBER() OVER (
                        PARTITION BY head.number ORDER BY head.line, head.due_at_ms, head.contact_id
                    ) > 1 THEN 'pending'
                    ELSE 'in progress'
                END AS status
            FROM (
                SELECT called.*,
                    EXISTS (
                        SELECT 1 FROM json_array_elements_text(CAST(:shut_json AS json)) AS shut(prefix)
                        WHERE starts_with(called.number, shut.prefix)
                    ) AND NOT EXISTS (
                        SELECT 1 FROM json_array_elements_text(CAST(:open_json AS json)) AS open(prefix)
                        WHERE starts_with(called.number, open.prefix)
                    ) AS is_shut
                FROM (
                    SELECT waiting.contact_id, waiting.due_at_ms, waiting.line, waiting.agent_id,
                        COALESCE(
                            NULLIF(
                                CASE waiting.phone
                                    WHEN 2 THEN phone2 WHEN 3 THEN phone3 WHEN 4 THEN phone4 WHEN 5 THEN phone5
                                END,
                                ''
                            ),
                            phone1
                        ) AS number,
                        phone2 || phone3 || phone4 || phone5 <> '' AS has_more,
                        phone1 || ' ' || phone2 || ' ' || phone3 || ' ' || phone4 || ' ' || phone5 AS phones,
                        contacts.time_zone, contacts.name, contacts.language, contacts.fields, contacts.is_typed
                    FROM (
                        SELECT * FROM (
                            SELECT contact_id, due_at_ms,
                                CASE WHEN callback_until_ms > :now_ms THEN callback_agent_id END AS agent_id,
                                CASE WHEN callback_until_ms > :now_ms AND callback_agent_id IS NOT NULL
                                    THEN 0 ELSE 1 END AS line,
                                phone
                            FROM campaign_contacts
                            WHERE campaign_id = :campaign_id AND status = 'pending' AND callback_at_ms IS NOT NULL
                                AND callback_at_ms <= :now_ms AND due_at_ms <= :now_ms
                                AND (
                                    callback_agent_id IS NULL OR callback_until_ms <= :now_ms
                                    OR callback_agent_id = ANY (translate(:agents_json, '[]', '{}')::bigint[])
                                )
                            ORDER BY callback_at_ms, contact_id
                            LIMIT :look + 50
                            FOR UPDATE SKIP LOCKED
                        ) AS promised
                        UNION ALL
                        SELECT mine.*
                        FROM unnest(translate(:agents_json, '[]', '{}')::bigint[]) AS agent(id)
                        CROSS JOIN LATERAL (
                            SELECT contact_id, due_at_ms, owner_id, 2, phone
                            FROM campaign_contacts
                            WHERE campaign_id = :campaign_id AND status = 'pending' AND owner_id = agent.id
                                AND callback_at_ms IS NULL AND due_at_ms <= :now_ms
                            ORDER BY due_at_ms, contact_id
                            LIMIT 5
                            FOR UPDATE SKIP LOCKED
                        ) AS mine
                        UNION ALL
                        <<anyones>>
                    ) AS waiting
                    JOIN contacts ON contacts.id = waiting.contact_id
                ) AS called
            ) AS head
        ) AS seen
    ) AS turns
) AS verdict
WHERE campaign_contacts.campaign_id = :campaign_id
    AND campaign_contacts.contact_id = verdict.contact_id
    AND (verdict.status <> 'in progress' OR (verdict.turn = 1 AND verdict.place <= :wanted))
RETURNING campaign_contacts.contact_id, campaign_contacts.status, campaign_contacts.due_at_ms,
    campaign_contacts.attempts, campaign_contacts.faults, campaign_contacts.owner_id,
    campaign_contacts.callback_at_ms, campaign_contacts.callback_until_ms, campaign_contacts.callback_agent_id,
    campaign_contacts.list_id, campaign_contacts.zone, verdict.number, verdict.phones, verdict.time_zone, verdict.name, verdict.language, verdict.is_typed,
    CAST(verdict.fields AS text) AS fields;

-- name: open_attempts
-- Open the attempts of claimed contacts; rows: [attempt id, contact id, number, agent id, dialed by hand, what it is
-- about as JSON text]. A number that is in a call already is left out, and its contact goes back to the line.
INSERT INTO attempts (id, campaign_id, contact_id, number, opened_at_ms, agent_id, is_manual, about)
SELECT value ->> 0, :campaign_id, value ->> 1, value ->> 2, :now_ms, value ->> 3, value ->> 4, value ->> 5
FROM json_each(:rows_json)
WHERE TRUE
ON CONFLICT DO NOTHING
RETURNING id;

-- name: open_attempts [postgresql]
INSERT INTO attempts (id, campaign_id, contact_id, number, opened_at_ms, agent_id, is_manual, about)
SELECT value ->> 0, :campaign_id, (value ->> 1)::bigint, value ->> 2, :now_ms, (value ->> 3)::bigint,
    (value ->> 4)::boolean, (value ->> 5)::json
FROM json_array_elements(CAST(:rows_json AS json))
ON CONFLICT DO NOTHING
RETURNING id;

-- name: tries_of_contacts
-- What came of the tries of some contacts in a campaign that are over, oldest first.
SELECT contact_id, number, outcome, opened_at_ms, is_charged
FROM attempts
WHERE contact_id IN (SELECT value FROM json_each(:contacts_json)) AND campaign_id = :campaign_id
    AND closed_at_ms IS NOT NULL
ORDER BY id;

-- name: tries_of_contacts [postgresql]
SELECT contact_id, number, outcome, opened_at_ms, is_charged
FROM attempts
WHERE contact_id = ANY (translate(:contacts_json, '[]', '{}')::bigint[]) AND campaign_id = :campaign_id
    AND closed_at_ms IS NOT NULL
ORDER BY id;

-- name: return_contacts
-- Put contacts that were claimed and not opened back into the waiting line.
UPDATE campaign_contacts
SET status = 'pending', due_at_ms = :back_at_ms
WHERE campaign_id = :campaign_id AND contact_id IN (SELECT value FROM json_each(:contacts_json));

-- name: return_contacts [postgresql]
UPDATE campaign_contacts
SET status = 'pending', due_at_ms = :back_at_ms
WHERE campaign_id = :campaign_id
    AND contact_id = ANY (translate(:contacts_json, '[]', '{}')::bigint[]);

-- name: next_due
-- When the first of a campaign's waiting lines falls due, past or future. Of callbacks the next few decide; what is owned
-- by an agent who is not among :agents may be theirs, or anyone's, by :back_at_ms; so may a list be switched on again. Lines that are empty are not looked for in the whole campaign: the index is named.
SELECT MIN(due_at_ms)
FROM (
    SELECT (
        SELECT mine.due_at_ms
        FROM campaign_contacts AS mine INDEXED BY ix_campaign_contacts_waiting
        WHERE mine.campaign_id = :campaign_id AND mine.list_id = attached.list_id AND mine.zone = attached.zone
            AND mine.status = 'pending'
            AND mine.owner_id IS NULL AND mine.callback_at_ms IS NULL AND mine.due_at_ms IS NOT NULL
        ORDER BY mine.due_at_ms
        LIMIT 1
    ) AS due_at_ms
    FROM ($lanes(:campaign_id)) AS attached
    WHERE attached.is_active
    UNION ALL
    SELECT (
        SELECT :back_at_ms
        FROM campaign_contacts AS mine INDEXED BY ix_campaign_contacts_waiting
        WHERE mine.campaign_id = :campaign_id AND mine.list_id = attached.list_id AND mine.zone = attached.zone
            AND mine.status = 'pending'
            AND mine.owner_id IS NULL AND mine.callback_at_ms IS NULL AND mine.due_at_ms IS NOT NULL
        ORDER BY mine.due_at_ms
        LIMIT 1
    )
    FROM ($lanes(:campaign_id)) AS attached
    WHERE NOT attached.is_active
    UNION ALL
    SELECT CASE WHEN is_open OR due_at_ms > callback_until_ms THEN due_at_ms ELSE callback_until_ms END
    FROM (
        SELECT due_at_ms, callback_until_ms,
            callback_agent_id IS NULL OR callback_agent_id IN (SELECT value FROM json_each(:agents_json)) AS is_open
        FROM campaign_contacts INDEXED BY ix_campaign_contacts_callbacks
        WHERE campaign_id = :campaign_id AND status = 'pending' AND callback_at_ms IS NOT NULL
        ORDER BY callback_at_ms
        LIMIT 20
    )
    UNION ALL
    SELECT (
        SELECT owned.due_at_ms
        FROM campaign_contacts AS owned
        WHERE owned.campaign_id = :campaign_id AND owned.status = 'pending' AND owned.owner_id = agent.value
            AND owned.callback_at_ms IS NULL
        ORDER BY owned.due_at_ms
        LIMIT 1
    )
    FROM json_each(:agents_json) AS agent
    UNION ALL
    SELECT :back_at_ms
    WHERE EXISTS (
        SELECT 1 FROM campaign_contacts INDEXED BY ix_campaign_contacts_owned
        WHERE campaign_id = :campaign_id AND status = 'pending' AND owner_id IS NOT NULL AND callback_at_ms IS NULL
    )
) AS first_of_lines;

-- name: next_due [postgresql]
SELECT MIN(due_at_ms)
FROM (
    SELECT (
        SELECT mine.due_at_ms
        FROM campaign_contacts AS mine
        WHERE mine.campaign_id = :campaign_id AND mine.list_id = attached.list_id AND mine.zone = attached.zone
            AND mine.status = 'pending'
            AND mine.owner_id IS NULL AND mine.callback_at_ms IS NULL AND mine.due_at_ms IS NOT NULL
        ORDER BY mine.due_at_ms
        LIMIT 1
    ) AS due_at_ms
    FROM ($lanes(:campaign_id)) AS attached
    WHERE attached.is_active
    UNION ALL
    SELECT (
        SELECT CAST(:back_at_ms AS bigint)
        FROM campaign_contacts AS mine
        WHERE mine.campaign_id = :campaign_id AND mine.list_id = attached.list_id AND mine.zone = attached.zone
            AND mine.status = 'pending'
            AND mine.owner_id IS NULL AND mine.callback_at_ms IS NULL AND mine.due_at_ms IS NOT NULL
        ORDER BY mine.due_at_ms
        LIMIT 1
    )
    FROM ($lanes(:campaign_id)) AS attached
    WHERE NOT attached.is_active
    UNION ALL
    SELECT CASE WHEN is_open OR due_at_ms > callback_until_ms THEN due_at_ms ELSE callback_until_ms END
    FROM (
        SELECT due_at_ms, callback_until_ms,
            callback_agent_id IS NULL OR callback_agent_id = ANY (translate(:agents_json, '[]', '{}')::bigint[]) AS is_open
        FROM campaign_contacts
        WHERE campaign_id = :campaign_id AND status = 'pending' AND callback_at_ms IS NOT NULL
        ORDER BY callback_at_ms
        LIMIT 20
    ) AS promised
    UNION ALL
    SELECT (
        SELECT owned.due_at_ms
        FROM campaign_contacts AS owned
        WHERE owned.campaign_id = :campaign_id AND owned.status = 'pending' AND owned.owner_id = agent.id
            AND owned.callback_at_ms IS NULL
        ORDER BY owned.due_at_ms
        LIMIT 1
    )
    FROM unnest(translate(:agents_json, '[]', '{}')::bigint[]) AS agent(id)
    UNION ALL
    SELECT CAST(:back_at_ms AS bigint)
    WHERE EXISTS (
        SELECT 1 FROM campaign_contacts
        WHERE campaign_id = :campaign_id AND status = 'pending' AND owner_id IS NOT NULL AND callback_at_ms IS NULL
    )
) AS first_of_lines;

-- name: escalate_contacts
-- Contacts that fell due before :before_ms and wait for an owner are anyone's: the first :size of them.
UPDATE campaign_contacts
SET owner_id = NULL
WHERE campaign_id = :campaign_id AND contact_id IN (
    SELECT contact_id
    FROM campaign_contacts AS mine INDEXED BY ix_campaign_contacts_escalating
    WHERE mine.campaign_id = :campaign_id AND mine.status = 'pending' AND mine.owner_id IS NOT NULL
        AND mine.callback_at_ms IS NULL AND mine.due_at_ms <= :before_ms
    ORDER BY mine.due_at_ms, mine.contact_id
    LIMIT :size
);

-- name: escalate_contacts [postgresql]
UPDATE campaign_contacts
SET owner_id = NULL
WHERE campaign_id = :campaign_id AND contact_id = ANY (ARRAY(
    SELECT contact_id
    FROM campaign_contacts AS mine
    WHERE mine.campaign_id = :campaign_id AND mine.status = 'pending' AND mine.owner_id IS NOT NULL
        AND mine.callback_at_ms IS NULL AND mine.due_at_ms <= :before_ms
    ORDER BY mine.due_at_ms, mine.contact_id
    LIMIT :size
    FOR UPDATE SKIP LOCKED
));

-- name: give_contacts
-- Write whose contacts are, and the line of their time zone; rows: [campaign id, contact id, owner, zone].
UPDATE campaign_contacts
SET owner_id = given.value ->> 2, zone = given.value ->> 3
FROM json_each(:rows_json) AS given
WHERE campaign_contacts.campaign_id = given.value ->> 0 AND campaign_contacts.contact_id = given.value ->> 1;

-- name: give_contacts [postgresql]
UPDATE campaign_contacts
SET owner_id = (given.value ->> 2)::bigint, zone = (given.value ->> 3)::smallint
FROM json_array_elements(CAST(:rows_json AS json)) AS given(value)
WHERE campaign_contacts.campaign_id = (given.value ->> 0)::bigint
    AND campaign_contacts.contact_id = (given.value ->> 1)::bigint;

-- name: add_zones
-- Note lines of time zones that contacts of a list wait in; rows: [campaign id, list id, zone].
INSERT INTO campaign_zones (campaign_id, list_id, zone)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:rows_json) WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: add_zones [postgresql]
INSERT INTO campaign_zones (campaign_id, list_id, zone)
SELECT (value ->> 0)::bigint, (value ->> 1)::bigint, (value ->> 2)::smallint
FROM json_array_elements(CAST(:rows_json AS json))
ON CONFLICT DO NOTHING;

-- name: contact_in_campaign
-- One contact with its place in a campaign, as a claim tells of it, with the number that is dialed.
SELECT contacts.id AS contact_id, CAST(:number AS text) AS number, contacts.name, contacts.language,
    contacts.is_typed,
    CAST(contacts.fields AS text) AS fields, campaign_contacts.attempts, campaign_contacts.faults,
    campaign_contacts.callback_at_ms, contacts.time_zone,
    phone1 || ' ' || phone2 || ' ' || phone3 || ' ' || phone4 || ' ' || phone5 AS phones
FROM contacts
JOIN campaign_contacts ON campaign_contacts.contact_id = contacts.id
WHERE campaign_contacts.campaign_id = :campaign_id AND campaign_contacts.contact_id = :contact_id;

-- --------------------------------------------------------------------------------------------------------------- law

-- name: campaign_settings
-- A campaign's settings, as JSON text, whether it honours a national list, and whether its contacts are being given to
-- their owners, its lists: [list id, weight, priority, whether it is on], and the lines of their time zones.
SELECT CAST(settings AS text) AS settings,
    EXISTS (SELECT 1 FROM campaign_national_lists WHERE campaign_id = campaigns.id) AS honours_lists,
    owners_after IS NOT NULL AS is_giving,
    (
        SELECT json_group_array(json_array(list_id, weight, priority, is_active))
        FROM campaign_lists WHERE campaign_id = campaigns.id
    ) AS lists,
    (
        SELECT json_group_array(json_array(list_id, zone)) FROM campaign_zones WHERE campaign_id = campaigns.id
    ) AS zones
FROM campaigns
WHERE id = :campaign_id;

-- name: campaign_settings [postgresql]
SELECT CAST(settings AS text) AS settings,
    EXISTS (SELECT 1 FROM campaign_national_lists WHERE campaign_id = campaigns.id) AS honours_lists,
    owners_after IS NOT NULL AS is_giving,
    (
        SELECT CAST(json_agg(json_build_array(list_id, weight, priority, is_active)) AS text)
        FROM campaign_lists WHERE campaign_id = campaigns.id
    ) AS lists,
    (
        SELECT CAST(json_agg(json_build_array(list_id, zone)) AS text)
        FROM campaign_zones WHERE campaign_id = campaigns.id
    ) AS zones
FROM campaigns
WHERE id = :campaign_id;

-- name: callees
-- What the law looks at of contacts.
SELECT contacts.id, contacts.time_zone, contacts.region, contacts.consent, contacts.phone1, contacts.phone2,
    contacts.phone3, contacts.phone4, contacts.phone5, CAST(contacts.fields AS text) AS fields
FROM json_each(:contacts_json) AS asked
CROSS JOIN contacts
WHERE contacts.id = asked.value;

-- name: callees [postgresql]
SELECT contacts.id, contacts.time_zone, contacts.region, contacts.consent, contacts.phone1, contacts.phone2,
    contacts.phone3, contacts.phone4, contacts.phone5, CAST(contacts.fields AS text) AS fields
FROM contacts
WHERE contacts.id = ANY (translate(:contacts_json, '[]', '{}')::bigint[]);

-- name: call_history
-- The calls to numbers, and to contacts, opened since then; numbers: [contact id, number]. A call that is both
-- is told twice.
SELECT asked.value ->> 0 AS asked_id, attempts.id, attempts.campaign_id, attempts.number, attempts.opened_at_ms,
    attempts.placed_at_ms, attempts.ringing_at_ms, attempts.progress_at_ms, attempts.answered_at_ms,
    attempts.connected_at_ms, attempts.outcome, attempts.disposition, CAST(attempts.about AS text) AS about
FROM json_each(:numbers_json) AS asked
CROSS JOIN attempts
WHERE attempts.number = asked.value ->> 1 AND attempts.opened_at_ms >= :since_ms
UNION ALL
SELECT asked.value, attempts.id, attempts.campaign_id, attempts.number, attempts.opened_at_ms,
    attempts.placed_at_ms, attempts.ringing_at_ms, attempts.progress_at_ms, attempts.answered_at_ms,
    attempts.connected_at_ms, attempts.outcome, attempts.disposition, CAST(attempts.about AS text)
FROM json_each(:contacts_json) AS asked
CROSS JOIN attempts
WHERE attempts.contact_id = asked.value AND attempts.opened_at_ms >= :since_ms;

-- name: call_history [postgresql]
-- LIMIT: nobody is called so often; and the planner goes along the index for each.
SELECT (asked.value ->> 0)::bigint AS asked_id, made.*
FROM json_array_elements(CAST(:numbers_json AS json)) AS asked(value)
CROSS JOIN LATERAL (
    SELECT id, campaign_id, number, opened_at_ms, placed_at_ms, ringing_at_ms, progress_at_ms, answered_at_ms,
        connected_at_ms, outcome, disposition, CAST(about AS text) AS about
    FROM attempts
    WHERE attempts.number = asked.value ->> 1 AND attempts.opened_at_ms >= :since_ms
    ORDER BY attempts.number, attempts.opened_at_ms DESC
    LIMIT 20000
) AS made
UNION ALL
SELECT asked.id, made.*
FROM unnest(translate(:contacts_json, '[]', '{}')::bigint[]) AS asked(id)
CROSS JOIN LATERAL (
    SELECT id, campaign_id, number, opened_at_ms, placed_at_ms, ringing_at_ms, progress_at_ms, answered_at_ms,
        connected_at_ms, outcome, disposition, CAST(about AS text) AS about
    FROM attempts
    WHERE attempts.contact_id = asked.id AND attempts.opened_at_ms >= :since_ms
    ORDER BY attempts.contact_id, attempts.id DESC
    LIMIT 20000
) AS made;

-- name: hold_contacts
-- Put claimed contacts back into the line, to wait until a time each; rows: [campaign id, contact id, due at]. The
-- campaign is in the rows, so that each is found by its key and no campaign is read through.
UPDATE campaign_contacts
SET status = 'pending', due_at_ms = held.value ->> 2
FROM json_each(:rows_json) AS held
WHERE campaign_contacts.campaign_id = held.value ->> 0 AND campaign_contacts.contact_id = held.value ->> 1;

-- name: hold_contacts [postgresql]
UPDATE campaign_contacts
SET status = 'pending', due_at_ms = (held.value ->> 2)::bigint
FROM json_array_elements(CAST(:rows_json AS json)) AS held(value)
WHERE campaign_contacts.campaign_id = (held.value ->> 0)::bigint
    AND campaign_contacts.contact_id = (held.value ->> 1)::bigint;

-- name: hold_owned
-- Of the first :size who are due in each of these agents' lines, those of lists that are switched off wait until :off_at_ms.
UPDATE campaign_contacts
SET due_at_ms = :off_at_ms
WHERE campaign_id = :campaign_id AND contact_id IN (
    SELECT mine.contact_id
    FROM json_each(:agents_json) AS agent
    CROSS JOIN campaign_contacts AS mine
    WHERE mine.campaign_id = :campaign_id AND mine.contact_id IN (
        SELECT contact_id
        FROM campaign_contacts AS owned INDEXED BY ix_campaign_contacts_owned
        WHERE owned.campaign_id = :campaign_id AND owned.status = 'pending' AND owned.owner_id = agent.value
            AND owned.callback_at_ms IS NULL AND owned.due_at_ms <= :now_ms
        ORDER BY owned.due_at_ms, owned.contact_id
        LIMIT :size
    ) AND mine.list_id IN (SELECT value FROM json_each(:lists_json))
);

-- name: hold_owned [postgresql]
UPDATE campaign_contacts
SET due_at_ms = :off_at_ms
WHERE campaign_id = :campaign_id AND contact_id = ANY (ARRAY(
    SELECT mine.contact_id
    FROM unnest(translate(:agents_json, '[]', '{}')::bigint[]) AS agent(id)
    CROSS JOIN LATERAL (
        SELECT contact_id, list_id
        FROM campaign_contacts
        WHERE campaign_id = :campaign_id AND status = 'pending' AND owner_id = agent.id
            AND callback_at_ms IS NULL AND due_at_ms <= :now_ms
        ORDER BY due_at_ms, contact_id
        LIMIT :size
        FOR UPDATE SKIP LOCKED
    ) AS mine
    WHERE mine.list_id = ANY (translate(:lists_json, '[]', '{}')::bigint[])
));

-- name: turn_phones
-- Settle contacts of whom a claim found one phone of several barred: they wait as before for another phone of theirs, or
-- need no more calls (outcome 26); rows: [campaign id, contact id, phone's place; null: none is free].
UPDATE campaign_contacts
SET status = CASE WHEN turned.value ->> 2 IS NULL THEN 'do-not-call' ELSE 'pending' END,
    due_at_ms = CASE WHEN turned.value ->> 2 IS NULL THEN NULL ELSE due_at_ms END,
    last_outcome = CASE WHEN turned.value ->> 2 IS NULL THEN 26 ELSE last_outcome END,
    phone = COALESCE(turned.value ->> 2, phone)
FROM json_each(:rows_json) AS turned
WHERE campaign_contacts.campaign_id = turned.value ->> 0 AND campaign_contacts.contact_id = turned.value ->> 1;

-- name: turn_phones [postgresql]
UPDATE campaign_contacts
SET status = CASE WHEN turned.value ->> 2 IS NULL THEN 'do-not-call' ELSE 'pending' END,
    due_at_ms = CASE WHEN turned.value ->> 2 IS NULL THEN NULL ELSE due_at_ms END,
    last_outcome = CASE WHEN turned.value ->> 2 IS NULL THEN 26 ELSE last_outcome END,
    phone = COALESCE((turned.value ->> 2)::smallint, phone)
FROM json_array_elements(CAST(:rows_json AS json)) AS turned(value)
WHERE campaign_contacts.campaign_id = (turned.value ->> 0)::bigint
    AND campaign_contacts.contact_id = (turned.value ->> 1)::bigint;

-- name: forbid_contacts
-- Settle claimed contacts that a law forbids to call for good (outcome 36); rows: [campaign id, contact id, why].
UPDATE campaign_contacts
SET status = 'not allowed', due_at_ms = NULL, last_outcome = 36, reason = barred.value ->> 2
FROM json_each(:rows_json) AS barred
WHERE campaign_contacts.campaign_id = barred.value ->> 0 AND campaign_contacts.contact_id = barred.value ->> 1;

-- name: forbid_contacts [postgresql]
UPDATE campaign_contacts
SET status = 'not allowed', due_at_ms = NULL, last_outcome = 36, reason = barred.value ->> 2
FROM json_array_elements(CAST(:rows_json AS json)) AS barred(value)
WHERE campaign_contacts.campaign_id = (barred.value ->> 0)::bigint
    AND campaign_contacts.contact_id = (barred.value ->> 1)::bigint;

-- name: profile_is_known
-- Since when a profile is used as its file is now.
SELECT first_used_at_ms FROM compliance_versions WHERE name = :name AND sha256 = :sha256;

-- name: add_profile_version
-- Keep a profile's file as it is used from now on.
INSERT INTO compliance_versions (name, sha256, source, first_used_at_ms)
VALUES (:name, :sha256, :source, :now_ms)
ON CONFLICT DO NOTHING
RETURNING name;

-- ----------------------------------------------------------------------------------------------------------- closing

-- macro: next_result_no(now)
-- The place of the next result, on SQLite, which has one writer at a time: later than all there are, and than all there
-- were (those of a campaign that is gone, say), because it is the time that it is counted from.
MAX({now} * 1024, COALESCE((SELECT MAX(result_no) FROM attempts WHERE result_no IS NOT NULL), 0) + 1)

-- name: close_attempts
-- Write the ends of attempts that are open; one that is closed already is left as it is and not answered, so that it is
-- counted once.
UPDATE attempts
SET closed_at_ms = :now_ms,
    result_no = $next_result_no(:now_ms) + ended.key,
    trunk_id = ended.value ->> '$.trunk_id',
    caller_id = ended.value ->> '$.caller_id',
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
RETURNING id, number, is_manual;

-- name: close_attempts [postgresql]
WITH numbering AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(7047003) AS lock)
UPDATE attempts
SET closed_at_ms = :now_ms,
    result_no = nextval('result_numbers'),
    trunk_id = ended.trunk_id,
    caller_id = ended.caller_id,
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
    id text, trunk_id text, caller_id text, placed_at_ms bigint, ringing_at_ms bigint, progress_at_ms bigint, answered_at_ms bigint,
    ended_at_ms bigint, outcome integer, is_charged boolean, sip_code integer, cause integer, cause_text text, flow json
), numbering
WHERE attempts.id = ended.id AND attempts.closed_at_ms IS NULL
RETURNING attempts.id, attempts.number, attempts.is_manual;

-- name: move_contacts
-- Write what becomes of the contacts of closed attempts. Whose number is on the do-not-call list by now is left as they
-- are and not answered: another phone of theirs may be free, which is looked for next (is_looked_at: it was).
-- A promise to call back is kept until it was (is_kept: nobody talked to them yet).
-- Materialized, and CASE instead of AND: SQLite would ask the lists for those too who are not dialed again.
WITH ended AS MATERIALIZED (
    SELECT value ->> '$.campaign_id' AS campaign_id, value ->> '$.contact_id' AS contact_id,
        value ->> '$.number' AS number,
        value ->> '$.status' AS status, value ->> '$.due_at_ms' AS due_at_ms,
        value ->> '$.attempts' AS attempts, value ->> '$.faults' AS faults, value ->> '$.outcome' AS outcome,
        value ->> '$.phone' AS phone, value ->> '$.keeper' AS keeper,
        value ->> '$.is_kept' AS is_kept, value ->> '$.is_looked_at' AS is_looked_at, value ->> '$.timing' AS timing,
        value ->> '$.callback_at_ms' AS callback_at_ms,
        value ->> '$.callback_until_ms' AS callback_until_ms, value ->> '$.callback_agent_id' AS callback_agent_id
    FROM json_each(:rows_json)
),
moved AS MATERIALIZED (
    SELECT ended.*,
        CASE WHEN ended.status = 'pending' AND NOT ended.is_looked_at
            THEN $is_barred(ended.number, ended.contact_id, ended.campaign_id) ELSE 0 END AS is_barred
    FROM ended
)
UPDATE campaign_contacts
SET status = moved.status,
    due_at_ms = moved.due_at_ms,
    attempts = moved.attempts,
    faults = moved.faults,
    last_outcome = moved.outcome,
    phone = COALESCE(moved.phone, campaign_contacts.phone),
    timing = moved.timing,
    owner_id = COALESCE(campaign_contacts.owner_id, moved.keeper),
    callback_at_ms = CASE WHEN moved.is_kept THEN campaign_contacts.callback_at_ms ELSE moved.callback_at_ms END,
    callback_until_ms = CASE WHEN moved.is_kept THEN campaign_contacts.callback_until_ms ELSE moved.callback_until_ms END,
    callback_agent_id = CASE WHEN moved.is_kept THEN campaign_contacts.callback_agent_id ELSE moved.callback_agent_id END
FROM moved
WHERE campaign_contacts.campaign_id = moved.campaign_id
    AND campaign_contacts.contact_id = moved.contact_id
    AND campaign_contacts.status = 'in progress'
    AND NOT moved.is_barred
RETURNING campaign_id, contact_id, status;

-- name: move_contacts [postgresql]
UPDATE campaign_contacts
SET status = moved.status,
    due_at_ms = moved.due_at_ms,
    attempts = moved.attempts,
    faults = moved.faults,
    last_outcome = moved.outcome,
    phone = COALESCE(moved.phone, campaign_contacts.phone),
    timing = moved.timing,
    owner_id = COALESCE(campaign_contacts.owner_id, moved.keeper),
    callback_at_ms = CASE WHEN moved.is_kept THEN campaign_contacts.callback_at_ms ELSE moved.callback_at_ms END,
    callback_until_ms = CASE WHEN moved.is_kept THEN campaign_contacts.callback_until_ms ELSE moved.callback_until_ms END,
    callback_agent_id = CASE WHEN moved.is_kept THEN campaign_contacts.callback_agent_id ELSE moved.callback_agent_id END
FROM (
    SELECT ended.*,
        ended.status = 'pending' AND NOT ended.is_looked_at
            AND $is_barred(ended.number, ended.contact_id, ended.campaign_id) AS is_barred
    FROM json_to_recordset(CAST(:rows_json AS json)) AS ended(
        campaign_id bigint, contact_id bigint, number text, status text, due_at_ms bigint, attempts integer,
        faults integer, outcome integer, phone smallint, keeper bigint, is_kept boolean, is_looked_at boolean,
        callback_at_ms bigint, callback_until_ms bigint, callback_agent_id bigint, timing text
    )
) AS moved
WHERE campaign_contacts.campaign_id = moved.campaign_id
    AND campaign_contacts.contact_id = moved.contact_id
    AND campaign_contacts.status = 'in progress'
    AND NOT moved.is_barred
RETURNING campaign_contacts.campaign_id, campaign_contacts.contact_id, campaign_contacts.status;

-- name: raise_fix_tasks
-- Have the numbers of these attempts mended, which were closed just now; rows: [attempt id, now]. One that is open stays.
INSERT INTO fix_tasks (contact_id, campaign_id, attempt_id, number, outcome, disposition, who, created_at_ms)
SELECT attempts.contact_id, attempts.campaign_id, attempts.id, attempts.number, attempts.outcome,
    COALESCE(attempts.disposition, ''),
    CASE WHEN attempts.connected_at_ms IS NULL THEN '' ELSE COALESCE(users.name, '') END, asked.value ->> 1
FROM json_each(:rows_json) AS asked
CROSS JOIN attempts ON attempts.id = asked.value ->> 0
LEFT JOIN users ON users.id = attempts.agent_id
WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: raise_fix_tasks [postgresql]
INSERT INTO fix_tasks (contact_id, campaign_id, attempt_id, number, outcome, disposition, who, created_at_ms)
SELECT attempts.contact_id, attempts.campaign_id, attempts.id, attempts.number, attempts.outcome,
    COALESCE(attempts.disposition, ''),
    CASE WHEN attempts.connected_at_ms IS NULL THEN '' ELSE COALESCE(users.name, '') END, (asked.value ->> 1)::bigint
FROM json_array_elements(CAST(:rows_json AS json)) AS asked(value)
JOIN attempts ON attempts.id = asked.value ->> 0
LEFT JOIN users ON users.id = attempts.agent_id
ON CONFLICT DO NOTHING;

-- name: write_conversations
-- Write what talking with agents left, with the attempts it belongs to: just before these are closed.
UPDATE attempts
SET agent_id = talk.value ->> '$.agent_id',
    session_id = talk.value ->> '$.session_id',
    connected_at_ms = talk.value ->> '$.connected_at_ms',
    waited_ms = talk.value ->> '$.waited_ms',
    talk_ms = talk.value ->> '$.talk_ms',
    hold_ms = talk.value ->> '$.hold_ms',
    wrap_up_ms = talk.value ->> '$.wrap_up_ms',
    disposition = talk.value ->> '$.disposition',
    note = talk.value ->> '$.note',
    recordings = talk.value -> '$.recordings',
    transfers = talk.value -> '$.transfers',
    queue_member = talk.value ->> '$.queue_member'
FROM json_each(:rows_json) AS talk
WHERE attempts.id = talk.value ->> '$.id' AND +attempts.closed_at_ms IS NULL;

-- name: write_conversations [postgresql]
UPDATE attempts
SET agent_id = talk.agent_id,
    session_id = talk.session_id,
    connected_at_ms = talk.connected_at_ms,
    waited_ms = talk.waited_ms,
    talk_ms = talk.talk_ms,
    hold_ms = talk.hold_ms,
    wrap_up_ms = talk.wrap_up_ms,
    disposition = talk.disposition,
    note = talk.note,
    recordings = talk.recordings,
    transfers = talk.transfers,
    queue_member = talk.queue_member
FROM json_to_recordset(CAST(:rows_json AS json)) AS talk(
    id text, agent_id bigint, session_id text, connected_at_ms bigint, waited_ms bigint, talk_ms bigint, hold_ms bigint,
    wrap_up_ms bigint, disposition text, note text, recordings json, transfers json, queue_member text
)
WHERE attempts.id = talk.id AND attempts.closed_at_ms IS NULL;

-- name: mark_connected
-- Note that people are with agents now; rows: [attempt id, agent id, session id, answered at, connected at,
-- recordings, the one that runs, waited].
UPDATE attempts
SET agent_id = talk.value ->> 1,
    session_id = talk.value ->> 2,
    answered_at_ms = talk.value ->> 3,
    connected_at_ms = talk.value ->> 4,
    waited_ms = talk.value ->> 7,
    recordings = talk.value -> 5,
    recording = talk.value ->> 6
FROM json_each(:rows_json) AS talk
WHERE attempts.id = talk.value ->> 0 AND +attempts.closed_at_ms IS NULL;

-- name: mark_connected [postgresql]
UPDATE attempts
SET agent_id = (talk.value ->> 1)::bigint,
    session_id = talk.value ->> 2,
    answered_at_ms = (talk.value ->> 3)::bigint,
    connected_at_ms = (talk.value ->> 4)::bigint,
    waited_ms = (talk.value ->> 7)::bigint,
    recordings = talk.value -> 5,
    recording = talk.value ->> 6
FROM json_array_elements(CAST(:rows_json AS json)) AS talk(value)
WHERE attempts.id = talk.value ->> 0 AND attempts.closed_at_ms IS NULL;

-- name: add_stints
-- Add stretches of agents' time to the log. One that is there already was written before a failure, and stays.
INSERT INTO agent_stints (
    agent_id, from_ms, until_ms, state, session_id, reason, is_paid, campaign_id, attempt_id
)
SELECT value ->> '$.agent_id', value ->> '$.from_ms', value ->> '$.until_ms', value ->> '$.state',
    value ->> '$.session_id', value ->> '$.reason', value ->> '$.is_paid', value ->> '$.campaign_id',
    value ->> '$.attempt_id'
FROM json_each(:rows_json)
WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: add_stints [postgresql]
INSERT INTO agent_stints (
    agent_id, from_ms, until_ms, state, session_id, reason, is_paid, campaign_id, attempt_id
)
SELECT agent_id, from_ms, until_ms, state, session_id, reason, is_paid, campaign_id, attempt_id
FROM json_to_recordset(CAST(:rows_json AS json)) AS stint(
    agent_id bigint, from_ms bigint, until_ms bigint, state text, session_id text, reason text, is_paid boolean,
    campaign_id bigint, attempt_id text
)
ON CONFLICT DO NOTHING;

-- name: set_presence
-- Write what agents do now into their sessions, and which ended. One that is over stays so.
UPDATE agent_sessions
SET state = present.value ->> '$.state',
    since_ms = present.value ->> '$.since_ms',
    reason = present.value ->> '$.reason',
    is_paid = present.value ->> '$.is_paid',
    campaign_id = present.value ->> '$.campaign_id',
    attempt_id = present.value ->> '$.attempt_id',
    signed_out_at_ms = present.value ->> '$.signed_out_at_ms',
    pause_next = present.value ->> '$.pause_next',
    signs_out_next = present.value ->> '$.signs_out_next'
FROM json_each(:rows_json) AS present
WHERE agent_sessions.id = present.value ->> '$.id' AND +agent_sessions.signed_out_at_ms IS NULL;

-- name: set_presence [postgresql]
UPDATE agent_sessions
SET state = present.state,
    since_ms = present.since_ms,
    reason = present.reason,
    is_paid = present.is_paid,
    campaign_id = present.campaign_id,
    attempt_id = present.attempt_id,
    signed_out_at_ms = present.signed_out_at_ms,
    pause_next = present.pause_next,
    signs_out_next = present.signs_out_next
FROM json_to_recordset(CAST(:rows_json AS json)) AS present(
    id text, state text, since_ms bigint, reason text, is_paid boolean, campaign_id bigint, attempt_id text,
    signed_out_at_ms bigint, pause_next json, signs_out_next boolean
)
WHERE agent_sessions.id = present.id AND agent_sessions.signed_out_at_ms IS NULL;

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

-- name: add_caller_id_hours
-- Count calls by the number they showed and the hour; rows: [number, hour, placed, answered].
INSERT INTO caller_id_hours (number, hour, placed, answered)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3
FROM json_each(:rows_json)
WHERE TRUE
ON CONFLICT (number, hour) DO UPDATE
SET placed = caller_id_hours.placed + excluded.placed, answered = caller_id_hours.answered + excluded.answered;

-- name: add_caller_id_hours [postgresql]
INSERT INTO caller_id_hours (number, hour, placed, answered)
SELECT value ->> 0, (value ->> 1)::integer, (value ->> 2)::integer, (value ->> 3)::integer
FROM json_array_elements(CAST(:rows_json AS json))
ON CONFLICT (number, hour) DO UPDATE
SET placed = caller_id_hours.placed + excluded.placed, answered = caller_id_hours.answered + excluded.answered;

-- name: add_dnc
-- Put numbers on the do-not-call list, those on it already left as they are.
INSERT INTO dnc (
    number, project_id, campaign_id, contact_id, source, who, why, attempt_id, created_at_ms
)
SELECT value ->> '$.number', value ->> '$.project_id', value ->> '$.campaign_id', value ->> '$.contact_id',
    value ->> '$.source', value ->> '$.who', value ->> '$.why', value ->> '$.attempt_id', :now_ms
FROM json_each(:rows_json)
WHERE TRUE
ON CONFLICT DO NOTHING
RETURNING number, project_id, campaign_id;

-- name: add_dnc [postgresql]
INSERT INTO dnc (
    number, project_id, campaign_id, contact_id, source, who, why, attempt_id, created_at_ms
)
SELECT number, project_id, campaign_id, contact_id, source, who, why, attempt_id, :now_ms
FROM json_to_recordset(CAST(:rows_json AS json)) AS barred(
    number text, project_id bigint, campaign_id bigint, contact_id bigint, source text, who text, why text,
    attempt_id text
)
ON CONFLICT DO NOTHING
RETURNING number, project_id, campaign_id;

-- name: honoured_lists
-- The national lists that a campaign honours, how old they may be and how old they are.
SELECT national_lists.name, campaign_national_lists.max_age_days, national_editions.as_of_ms
FROM campaign_national_lists
JOIN national_lists ON national_lists.id = campaign_national_lists.national_list_id
LEFT JOIN national_editions ON national_editions.id = national_lists.edition_id
WHERE campaign_national_lists.campaign_id = :campaign_id
ORDER BY national_lists.name;

-- name: add_national_numbers
-- Put numbers into an edition of a national list; keys: edition × 10^15 + digits.
INSERT INTO national_numbers (key)
SELECT value FROM json_each(:keys_json)
WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: add_national_numbers [postgresql]
INSERT INTO national_numbers (key)
SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:keys_json AS json)) AS given(value)
ON CONFLICT DO NOTHING;

-- name: add_dnc_people
-- Put persons on the do-not-call list, whatever their phones are or will be.
INSERT INTO dnc_people (contact_id, project_id, campaign_id, source, who, why, attempt_id, created_at_ms)
SELECT value ->> '$.contact_id', value ->> '$.project_id', value ->> '$.campaign_id', value ->> '$.source',
    value ->> '$.who', value ->> '$.why', value ->> '$.attempt_id', :now_ms
FROM json_each(:rows_json)
WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: add_dnc_people [postgresql]
INSERT INTO dnc_people (contact_id, project_id, campaign_id, source, who, why, attempt_id, created_at_ms)
SELECT contact_id, project_id, campaign_id, source, who, why, attempt_id, :now_ms
FROM json_to_recordset(CAST(:rows_json AS json)) AS barred(
    contact_id bigint, project_id bigint, campaign_id bigint, source text, who text, why text, attempt_id text
)
ON CONFLICT DO NOTHING;

-- name: people_of_attempts
-- Who was called in attempts: their phones, and the agent who talked with them.
SELECT attempts.id, attempts.contact_id, contacts.phone1, contacts.phone2, contacts.phone3, contacts.phone4,
    contacts.phone5, users.name AS agent
FROM json_each(:attempts_json) AS asked
JOIN attempts ON attempts.id = asked.value
JOIN contacts ON contacts.id = attempts.contact_id
LEFT JOIN users ON users.id = attempts.agent_id;

-- name: people_of_attempts [postgresql]
SELECT attempts.id, attempts.contact_id, contacts.phone1, contacts.phone2, contacts.phone3, contacts.phone4,
    contacts.phone5, users.name AS agent
FROM json_array_elements_text(CAST(:attempts_json AS json)) AS asked(value)
JOIN attempts ON attempts.id = asked.value
JOIN contacts ON contacts.id = attempts.contact_id
LEFT JOIN users ON users.id = attempts.agent_id;

-- name: lock_claims
-- Claims of all processes may go on together, but not while a number is being barred. SQLite has one writer at a time.
SELECT 1;

-- name: lock_claims [postgresql]
SELECT pg_advisory_xact_lock_shared(7047001);

-- name: lock_opt_outs
-- No claim of any process is under way from here to the end of this transaction: those before are seen, those after see.
SELECT 1;

-- name: lock_opt_outs [postgresql]
SELECT pg_advisory_xact_lock(7047001);

-- ------------------------------------------------------------------------------------------------------------- duty

-- macro: clock_ms()
-- The database's own clock, in milliseconds since the epoch.
CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)

-- macro: server_clock_ms()
-- The same on PostgreSQL: the wall clock, not the transaction's beginning.
CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)

-- name: look_at_duty
-- Who is on duty, or was last.
SELECT epoch, holder, place, url, taken_at_ms, renewed_at_ms, lease_ms, $clock_ms() AS now_ms FROM duty WHERE id = 1;

-- name: look_at_duty [postgresql]
SELECT epoch, holder, place, url, taken_at_ms, renewed_at_ms, lease_ms, $server_clock_ms() AS now_ms
FROM duty WHERE id = 1;

-- name: take_duty
-- Go on duty when nobody is: nobody ever was, the last one left, its lease ran out (or lies in a future that a stepped
-- clock left behind), or it is the one known to be gone and has not renewed since it was looked at.
INSERT INTO duty (id, epoch, holder, place, url, taken_at_ms, renewed_at_ms, lease_ms)
VALUES (1, 1, :holder, :place, '', $clock_ms(), $clock_ms(), :lease_ms)
ON CONFLICT (id) DO UPDATE
SET epoch = duty.epoch + 1, holder = excluded.holder, place = excluded.place, url = '',
    taken_at_ms = excluded.taken_at_ms, renewed_at_ms = excluded.renewed_at_ms, lease_ms = excluded.lease_ms
WHERE duty.holder = ''
    OR excluded.renewed_at_ms NOT BETWEEN duty.renewed_at_ms - duty.lease_ms AND duty.renewed_at_ms + duty.lease_ms
    OR (duty.epoch = :silent_epoch AND duty.renewed_at_ms = :silent_renewed_at_ms)
RETURNING epoch;

-- name: take_duty [postgresql]
INSERT INTO duty (id, epoch, holder, place, url, taken_at_ms, renewed_at_ms, lease_ms)
VALUES (1, 1, :holder, :place, '', $server_clock_ms(), $server_clock_ms(), :lease_ms)
ON CONFLICT (id) DO UPDATE
SET epoch = duty.epoch + 1, holder = excluded.holder, place = excluded.place, url = '',
    taken_at_ms = excluded.taken_at_ms, renewed_at_ms = excluded.renewed_at_ms, lease_ms = excluded.lease_ms
WHERE duty.holder = ''
    OR excluded.renewed_at_ms NOT BETWEEN duty.renewed_at_ms - duty.lease_ms AND duty.renewed_at_ms + duty.lease_ms
    OR (duty.epoch = :silent_epoch AND duty.renewed_at_ms = :silent_renewed_at_ms)
RETURNING epoch;

-- name: renew_duty
-- Stay on duty for another lease; no row: another dialer has taken over.
UPDATE duty SET renewed_at_ms = $clock_ms() WHERE id = 1 AND epoch = :epoch AND holder <> '';

-- name: renew_duty [postgresql]
UPDATE duty SET renewed_at_ms = $server_clock_ms() WHERE id = 1 AND epoch = :epoch AND holder <> '';

-- name: tell_duty_url
-- Where the panel of who is on duty is.
UPDATE duty SET url = :url WHERE id = 1 AND epoch = :epoch;

-- name: try_writing
-- See whether the disk takes anything.
UPDATE duty SET scratch = CASE WHEN scratch LIKE '0%' THEN '1' ELSE '' END || :nothing WHERE id = 1;

-- name: leave_duty
-- Go off duty in order.
UPDATE duty SET holder = '', url = '' WHERE id = 1 AND epoch = :epoch;

-- name: check_epoch
-- Whether a dialer is still on duty; nobody takes over before this transaction ends. SQLite has one writer at a time.
SELECT 1 FROM duty WHERE id = 1 AND epoch = :epoch AND holder <> '';

-- name: check_epoch [postgresql]
SELECT set_config('idle_in_transaction_session_timeout', CAST(lease_ms AS text), TRUE)
FROM duty WHERE id = 1 AND epoch = :epoch AND holder <> '' FOR SHARE;

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
    contacts.is_typed,
    phone1 || ' ' || phone2 || ' ' || phone3 || ' ' || phone4 || ' ' || phone5 AS phones,
    contacts.time_zone, CAST(contacts.fields AS text) AS fields, campaign_contacts.attempts, campaign_contacts.faults,
    campaign_contacts.callback_at_ms, attempts.agent_id, attempts.session_id, attempts.is_manual,
    attempts.connected_at_ms, attempts.waited_ms, CAST(attempts.recordings AS text) AS recordings, attempts.recording
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
INSERT INTO campaign_lists (campaign_id, list_id) VALUES (:campaign_id, :list_id)
ON CONFLICT (campaign_id, list_id) DO UPDATE SET is_whole = TRUE;

-- name: link_some
-- Note that a campaign has some of a list.
INSERT INTO campaign_lists (campaign_id, list_id, is_whole) VALUES (:campaign_id, :list_id, FALSE) ON CONFLICT DO NOTHING;

-- name: campaigns_of_list
-- The campaigns that have all of a list.
SELECT campaign_id FROM campaign_lists WHERE list_id = :list_id AND is_whole ORDER BY campaign_id;

-- name: next_piece
-- The ids of the next :size contacts of a list, along the list's own index.
SELECT COUNT(*) AS seen, MIN(id) AS first_id, MAX(id) AS last_id
FROM (SELECT id FROM contacts WHERE list_id = :list_id AND id > :after_id ORDER BY id LIMIT :size) AS piece;

-- name: attach_waiting
-- Contacts with a number join the waiting line; those that are in the campaign already stay as they are. They are due
-- from a given time, or since they were made.
INSERT INTO campaign_contacts (campaign_id, contact_id, status, due_at_ms, attempts, faults, list_id)
SELECT CAST(:campaign_id AS BIGINT), contacts.id, 'pending', COALESCE(:from_at_ms, contacts.created_at_ms), 0, 0,
    contacts.list_id
FROM contacts
WHERE contacts.list_id = :list_id AND contacts.id BETWEEN :first_id AND :last_id AND contacts.phone1 <> ''
    AND contacts.deleted_at_ms IS NULL
ORDER BY contacts.id
ON CONFLICT DO NOTHING;

-- name: attach_invalid
-- Contacts without a valid number are settled as such at once (outcome 7).
INSERT INTO campaign_contacts (campaign_id, contact_id, status, due_at_ms, attempts, faults, last_outcome, list_id)
SELECT CAST(:campaign_id AS BIGINT), contacts.id, 'invalid number', NULL, 0, 0, 7, contacts.list_id
FROM contacts
WHERE contacts.list_id = :list_id AND contacts.id BETWEEN :first_id AND :last_id AND contacts.phone1 = ''
    AND contacts.deleted_at_ms IS NULL
ORDER BY contacts.id
ON CONFLICT DO NOTHING;

-- -------------------------------------------------------------------------------------------------------- requeueing

-- name: next_places
-- How far the next :size contacts of a campaign go, along its key.
SELECT COUNT(*) AS seen, MAX(contact_id) AS last_id
FROM (
    SELECT contact_id
    FROM campaign_contacts
    WHERE campaign_id = :campaign_id AND contact_id > :after_id
    ORDER BY contact_id
    LIMIT :size
) AS piece;

-- name: requeue_contacts
-- Put contacts of a status, from one id to another, back into the waiting line, their counts of tries kept. Who has no
-- number is left.
UPDATE campaign_contacts
SET status = 'pending', due_at_ms = :now_ms, reason = NULL
WHERE campaign_id = :campaign_id AND contact_id BETWEEN :first_id AND :last_id AND status = :status
    AND EXISTS (SELECT 1 FROM contacts WHERE contacts.id = campaign_contacts.contact_id AND contacts.phone1 <> '');

-- name: status_in_campaign
-- Where one contact stands in a campaign.
SELECT status FROM campaign_contacts WHERE campaign_id = :campaign_id AND contact_id = :contact_id;

-- name: renumber_result
-- A result was changed: it is told again, after all others.
UPDATE attempts SET result_no = $next_result_no(:now_ms) WHERE id = :attempt_id;

-- name: renumber_result [postgresql]
WITH numbering AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(7047003) AS lock)
UPDATE attempts SET result_no = nextval('result_numbers') FROM numbering
WHERE id = :attempt_id AND :now_ms > 0;

-- name: settle_result_numbers
-- Wait until every result that has a number is there to be read or will never be, so that none comes in before one that
-- was told. SQLite has one writer at a time.
SELECT COALESCE(MAX(result_no), 0) FROM attempts WHERE result_no IS NOT NULL;

-- name: settle_result_numbers [postgresql]
SELECT numbers.last_value, settled.lock
FROM result_numbers AS numbers, (SELECT pg_advisory_xact_lock(7047003) AS lock) AS settled;
