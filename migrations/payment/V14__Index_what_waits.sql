-- How old the oldest entry is that nobody has published.
ALTER TABLE outbox ADD KEY outbox_created (created_at);

-- Payments of which money was asked back that Toss has not returned yet.
ALTER TABLE payments
    ADD COLUMN unreturned TINYINT(1) GENERATED ALWAYS AS (returned_amount < refunded_amount) VIRTUAL INVISIBLE,
    ADD KEY payments_unreturned (unreturned);
