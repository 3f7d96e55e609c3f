-- How old the oldest entry is that nobody has published.
ALTER TABLE outbox ADD KEY outbox_created (created_at);
