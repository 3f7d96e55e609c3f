-- One rating a meeting, rater and rated member.
CREATE TABLE user_ratings (
    meeting_id BIGINT      NOT NULL,
    rater_id   BIGINT      NOT NULL,
    ratee_id   BIGINT      NOT NULL,
    score      TINYINT     NOT NULL,
    rated_at   DATETIME(6) NOT NULL,
    PRIMARY KEY (meeting_id, rater_id, ratee_id),
    KEY user_ratings_ratee (ratee_id, rated_at),
    CONSTRAINT user_ratings_score CHECK (score BETWEEN 1 AND 5)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
