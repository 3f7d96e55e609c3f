-- A member's place in a meeting. `active` is true while seated, held or waiting; `withdrawing` while a member who left
-- MOMO is being taken out of meetings in chunks.
CREATE TABLE meeting_participants (
    meeting_id      BIGINT      NOT NULL,
    member_id       BIGINT      NOT NULL,
    nickname        VARCHAR(50) NOT NULL,
    host            TINYINT(1)  NOT NULL,
    status          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    active          TINYINT(1)  NOT NULL,
    withdrawing     TINYINT(1)  NOT NULL,
    hold_no         INT         NOT NULL,
    order_id        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hold_expires_at DATETIME(6) NULL,
    waitlist_no     INT         NOT NULL,
    paid_amount     BIGINT      NOT NULL,
    paid_holds      TEXT        NOT NULL COMMENT 'JSON: numbers of the holds whose money has come in',
    joined_at       DATETIME(6) NOT NULL,
    changed_at      DATETIME(6) NOT NULL,
    PRIMARY KEY (meeting_id, member_id),
    KEY meeting_participants_waitlist (meeting_id, status, waitlist_no),
    KEY meeting_participants_active (meeting_id, active, member_id),
    KEY meeting_participants_member (member_id, active, withdrawing, meeting_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
