-- Actors of queues that hold back: whose turn it is among the dead letters of each, and what is held back behind that one.
-- An actor is the value of the field that keeps a queue's messages in order, as text in UTF-8.
CREATE TABLE held_actors (
    queue      VARCHAR(128)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    actor      VARBINARY(255) NOT NULL,
    message_id BINARY(16)     NOT NULL,
    since      DATETIME(6)    NOT NULL COMMENT 'when it died, or when its turn came',
    PRIMARY KEY (queue, actor),
    UNIQUE KEY held_actors_message (message_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE held_messages (
    place      BIGINT         NOT NULL AUTO_INCREMENT COMMENT 'their order',
    queue      VARCHAR(128)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    actor      VARBINARY(255) NOT NULL,
    message_id BINARY(16)     NOT NULL,
    held_at    DATETIME(6)    NOT NULL,
    PRIMARY KEY (place),
    UNIQUE KEY held_messages_message (message_id),
    KEY held_messages_actor (queue, actor, place)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
