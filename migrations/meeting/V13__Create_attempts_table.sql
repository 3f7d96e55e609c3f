-- What a message's story is told from: when it was published and committed, at which attempt, and what it sent.
-- Nothing is indexed for it: all messages of a story share the first six bytes of their ids, and so lie side by side.
ALTER TABLE inbox
    ADD COLUMN published_ms BIGINT      NULL COMMENT 'Unix time in ms of the first publish',
    ADD COLUMN attempt      SMALLINT    NULL,
    ADD COLUMN sent         MEDIUMTEXT  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'as momo.actors.sent writes it',
    ADD COLUMN committed_at DATETIME(6) NULL;

-- apart: what was handled before has no such time
ALTER TABLE inbox MODIFY COLUMN committed_at DATETIME(6) NULL DEFAULT CURRENT_TIMESTAMP(6);

-- What the inbox does not keep: attempts that failed, calls to the world, letters nobody could read, timers that fired.
CREATE TABLE attempts (
    message_id     BINARY(16)   NOT NULL,
    taken_at       DATETIME(6)  NOT NULL COMMENT 'of a timer: when it was due',
    ended_at       DATETIME(6)  NOT NULL,
    attempt        SMALLINT     NOT NULL COMMENT '0: a timer',
    queue          VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'of a timer: empty',
    state          VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'done, failed, dead, fired',
    error          VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    sender         VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    correlation_id VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    causation_id   VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    published_ms   BIGINT       NOT NULL COMMENT 'Unix time in ms of the first publish',
    sent           MEDIUMTEXT   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'as momo.actors.sent writes it',
    PRIMARY KEY (message_id, taken_at),
    KEY attempts_ended (ended_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
