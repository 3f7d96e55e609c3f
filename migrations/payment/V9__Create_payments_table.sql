-- One payment an order. Money is whole KRW: refunded_amount is asked of Toss, returned_amount has come back.
CREATE TABLE payments (
    order_id           VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    meeting_id         BIGINT       NOT NULL,
    member_id          BIGINT       NOT NULL,
    order_name         VARCHAR(100) NOT NULL,
    amount             BIGINT       NOT NULL,
    status             VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payment_key        VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    starts_at          DATETIME(6)  NOT NULL,
    expires_at         DATETIME(6)  NOT NULL,
    refund_policy      TEXT         NOT NULL COMMENT 'JSON: [{hoursBefore, percent}]',
    refunded_amount    BIGINT       NOT NULL,
    returned_amount    BIGINT       NOT NULL,
    refunds            TEXT         NOT NULL COMMENT 'JSON: [{number, amount, reason, askedAt}]',
    refund_owed        TINYINT(1)   NOT NULL,
    confirm_started_at DATETIME(6)  NULL,
    asked_at           DATETIME(6)  NULL,
    approved_at        DATETIME(6)  NULL,
    failure_code       VARCHAR(100) NOT NULL,
    failure_message    VARCHAR(500) NOT NULL,
    created_at         DATETIME(6)  NOT NULL,
    PRIMARY KEY (order_id),
    KEY payments_member (member_id, created_at, order_id),
    KEY payments_meeting (meeting_id, member_id),
    KEY payments_stuck (status, confirm_started_at),
    CONSTRAINT payments_money CHECK (
        0 <= returned_amount AND returned_amount <= refunded_amount AND refunded_amount <= amount
    )
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
