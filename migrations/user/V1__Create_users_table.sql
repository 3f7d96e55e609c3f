-- Accounts. E-mail and nickname are compared byte by byte: the contract brings them to one spelling.
CREATE TABLE users (
    user_id         BIGINT       NOT NULL,
    email           VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    nickname        VARCHAR(50)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    password_hash   VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    role            VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    location        VARCHAR(100) NOT NULL,
    follower_count  INT          NOT NULL,
    following_count INT          NOT NULL,
    trust_score     INT          NOT NULL,
    created_at      DATETIME(6)  NOT NULL,
    withdrawn_at    DATETIME(6)  NULL,
    PRIMARY KEY (user_id),
    UNIQUE KEY users_email (email),
    UNIQUE KEY users_nickname (nickname),
    CONSTRAINT users_counts CHECK (follower_count >= 0 AND following_count >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
