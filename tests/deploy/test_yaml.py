"""Our YAML says what was meant, and says it in lines that people read."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from momo.deploy.yaml import WIDTH, document, documents

WORDS = st.sampled_from(
    [
        "",
        "yes",
        "No",
        "null",
        "~",
        "on",
        "1e3",
        "0x1",
        "012",
        "1:30",
        "-",
        "a: b",
        "a #b",
        "2026-11-23",
        "=",
        "<<",
        "*a",
    ]
)
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=40)
LINES = st.lists(st.text(" abc:-#{\\'\"", max_size=12), max_size=5).map("\n".join)
SCALARS = WORDS | TEXTS | LINES | LINES.map("{}\n".format) | st.integers() | st.booleans()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS | WORDS, inner, max_size=5)
)


@given(st.dictionaries(TEXTS | WORDS, VALUES, min_size=1, max_size=5))
def test_what_is_read_is_what_was_written(value: dict[str, Any]) -> None:
    assert yaml.safe_load(document(value)) == value


def test_several_documents_stay_apart() -> None:
    values: list[dict[str, Any]] = [{"a": 1}, {"b": [2, {"c": "d\n"}]}]
    assert list(yaml.safe_load_all(documents(values))) == values


def test_what_fits_on_a_line_is_on_one() -> None:
    short = {"port": {"name": "http", "number": 80}, "words": ["work", "meeting"]}
    assert document(short) == "port: {name: http, number: 80}\nwords: [work, meeting]\n"


def test_what_does_not_fit_is_broken_into_lines() -> None:
    long = {"items": [{"name": "a" * 70, "other": "b" * 70}, "c"]}
    assert document(long) == f"items:\n  - name: {'a' * 70}\n    other: {'b' * 70}\n  - c\n"
    assert max(map(len, document(long).splitlines())) < WIDTH


def test_a_text_of_several_lines_keeps_them() -> None:
    assert document({"config": "a:\n  b: 1\n"}) == "config: |\n  a:\n    b: 1\n"
