-- `ending` is set while the follows of a withdrawn member are being taken away in chunks.
CREATE TABLE user_follow (
    follower_id BIGINT      NOT NULL,
    followee_id BIGINT      NOT NULL,
    followed_at DATETIME(6) NOT NULL,
    ending      TINYINT(1)  NOT NULL DEFAULT 0,
    PRIMARY KEY (follower_id, followee_id),
    KEY user_follow_ending_followers (followee_id, ending, follower_id),
    KEY user_follow_ending_followings (follower_id, ending, followee_id),
    KEY user_follow_followers (followee_id, followed_at, follower_id),
    KEY user_follow_followings (follower_id, followed_at, followee_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
