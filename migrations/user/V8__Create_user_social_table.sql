-- Accounts at other providers (google, naver) that log a member in.
CREATE TABLE user_social (
    provider   VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject    VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    user_id    BIGINT       NOT NULL,
    linked_at  DATETIME(6)  NOT NULL,
    PRIMARY KEY (provider, subject),
    UNIQUE KEY user_social_user (user_id, provider)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
