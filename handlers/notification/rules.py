"""How notices speak: amounts, and times as they read in Korea."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

SUBJECT_LIMIT = 190
CONTENT_LIMIT = 500
_KST = timezone(timedelta(hours=9), "KST")


def kst(at: datetime) -> str:
    """`at` as a Korean reader says it: 11월 22일 17:35."""
    local = at.astimezone(_KST)
    return f"{local.month}월 {local.day}일 {local:%H:%M}"


def won(amount: int) -> str:
    return f"{amount:,}원"


def moment(at: datetime) -> str:
    """`at` to the microsecond, for a subject: a second seat of the same member is another notice."""
    return str(round(at.timestamp() * 1_000_000))


def name(nickname: str) -> str:
    return f"{nickname}님" if nickname else "회원님 한 분"
