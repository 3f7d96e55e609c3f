"""HTML put together from parts: what is not markup already is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, TypeVar

T = TypeVar("T")

Part = str | Iterable[Any]
"""A text, markup, or a list of parts."""
VOID = {"link", "meta"}


class Html(str):
    """Markup."""

    __slots__ = ()


def element(name: str, /, *children: Part, **attributes: str) -> Html:
    """`<name …>` around `children`, texts or Html, alone or in lists. An attribute `class_` is `class`."""
    given = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{given}>")
    inside = "".join(map(_safe, children))
    return Html(f"<{name}{given}>{inside}</{name}>")


def anchor(name: str, text: str = "") -> Html:
    """A link to the part of the page that is called `name`."""
    return element("a", text or name, href=f"#{name}")


def separated(parts: Iterable[T], by: T) -> list[T]:
    """`parts` with `by` between each two."""
    return [each for part in parts for each in (by, part)][1:]


def code(text: str) -> list[Html]:
    """A docstring's text: what stands between backticks is code."""
    pieces = text.split("`")
    return [element("code", piece) if number % 2 else Html(escape(piece)) for number, piece in enumerate(pieces)]


def _safe(child: Part) -> str:
    if isinstance(child, Html):
        return child
    return escape(child) if isinstance(child, str) else "".join(map(_safe, child))
