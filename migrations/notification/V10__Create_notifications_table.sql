-- A member's mailbox counts the notices from 1; a notice is stored once for a type and subject.
CREATE TABLE mailboxes (
    member_id     BIGINT      NOT NULL,
    last_sequence BIGINT      NOT NULL,
    unread        INT         NOT NULL,
    opened_at     DATETIME(6) NOT NULL,
    closed_at     DATETIME(6) NULL,
    PRIMARY KEY (member_id),
    CONSTRAINT mailboxes_unread CHECK (unread >= 0 AND unread <= last_sequence)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE notifications (
    member_id  BIGINT       NOT NULL,
    sequence   BIGINT       NOT NULL,
    type       VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject    VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    content    VARCHAR(500) NOT NULL,
    meeting_id BIGINT       NULL,
    created_at DATETIME(6)  NOT NULL,
    read_at    DATETIME(6)  NULL,
    PRIMARY KEY (member_id, sequence),
    UNIQUE KEY notifications_subject (member_id, type, subject)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
