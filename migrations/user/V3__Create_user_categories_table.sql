-- Which categories a member is interested in.
CREATE TABLE user_categories (
    user_id     BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    PRIMARY KEY (user_id, category_id),
    KEY user_categories_category (category_id, user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
