-- How old the oldest entry is that nobody has published.
ALTER TABLE outbox ADD KEY outbox_created (created_at);

-- Meetings with members who wait or have not paid yet; few, so that these are found without an index on every member.
ALTER TABLE meetings
    ADD COLUMN unsettled TINYINT(1) GENERATED ALWAYS AS (held > 0 OR waiting > 0) VIRTUAL INVISIBLE,
    ADD KEY meetings_unsettled (unsettled, starts_at);
