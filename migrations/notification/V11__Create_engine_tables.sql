-- What every service's workers need: who was handled, what is to be sent, what is due, and blocks of ids.
CREATE TABLE inbox (
    message_id     BINARY(16)   NOT NULL,
    fingerprint    BINARY(16)   NULL,
    sender         VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    correlation_id VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    causation_id   VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    queue          VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    outcome        MEDIUMBLOB   NULL COMMENT 'JSON: contracts.outcome.Outcome',
    handled_at     DATETIME(6)  NOT NULL,
    PRIMARY KEY (message_id),
    KEY inbox_handled (handled_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE outbox (
    outbox_id   BINARY(16)  NOT NULL,
    created_at  DATETIME(6) NOT NULL,
    lease_until DATETIME(6) NOT NULL,
    messages    MEDIUMBLOB  NOT NULL COMMENT 'msgpack: the messages of one flush',
    PRIMARY KEY (outbox_id),
    KEY outbox_lease (lease_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE scheduled (
    timer_key   VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    due_at      DATETIME(6)  NOT NULL,
    lease_until DATETIME(6)  NOT NULL DEFAULT '1970-01-01 00:00:00.000000',
    message     MEDIUMBLOB   NOT NULL COMMENT 'msgpack: the message that is sent when due',
    PRIMARY KEY (timer_key),
    KEY scheduled_due (due_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE id_blocks (
    name       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    next_block BIGINT      NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT INTO id_blocks (name, next_block) VALUES ('records', 1);
