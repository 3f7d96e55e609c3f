CREATE TABLE categories (
    category_id BIGINT      NOT NULL,
    name        VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    sort_order  INT         NOT NULL,
    PRIMARY KEY (category_id),
    UNIQUE KEY categories_name (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT INTO categories (category_id, name, sort_order) VALUES
    (1, '운동', 1),
    (2, '등산', 2),
    (3, '러닝', 3),
    (4, '자전거', 4),
    (5, '축구·풋살', 5),
    (6, '여행', 6),
    (7, '캠핑', 7),
    (8, '맛집', 8),
    (9, '요리', 9),
    (10, '커피·차', 10),
    (11, '독서', 11),
    (12, '영화', 12),
    (13, '음악', 13),
    (14, '공연·전시', 14),
    (15, '사진', 15),
    (16, '게임', 16),
    (17, '언어 교환', 17),
    (18, '개발·IT', 18),
    (19, '반려동물', 19),
    (20, '봉사', 20);
