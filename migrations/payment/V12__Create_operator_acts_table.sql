-- What operators have done to dead letters and queues: begun before the act, completed after it.
CREATE TABLE operator_acts (
    act_id     BINARY(16)   NOT NULL,
    act        VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'edit, replay, drop, pause, resume',
    queue      VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    message_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'empty: the queue as a whole',
    operator   VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reason     VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state      VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'begun, done, failed',
    result     VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    begun_at   DATETIME(6)  NOT NULL,
    ended_at   DATETIME(6)  NULL COMMENT 'NULL: the process that began it did not come to its end',
    PRIMARY KEY (act_id),
    KEY operator_acts_queue (queue, act_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
