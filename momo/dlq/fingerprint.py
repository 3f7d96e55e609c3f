"""The fingerprint of an error: the same for all that died of the same, whatever numbers and ids it names."""

from __future__ import annotations

import hashlib
import re

_IDS = re.compile(
    r"""\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b     # UUIDs
      | \b0x[0-9a-f]+\b                                     # addresses
      | \b(?=[a-f]*\d)[0-9a-f]{8,}\b                        # digests, and long numbers
      | \d+(?:[.,:]\d+)*                                    # numbers and times
    """,
    re.VERBOSE | re.IGNORECASE,
)


def blanked(error: str) -> str:
    """`error` with a `#` for each number and id."""
    return _IDS.sub("#", error)


def fingerprint(reason: str, error: str) -> str:
    """12 hexadecimal digits of the reason, the exception's type and its blanked message."""
    kind, _, text = error.partition(": ")
    return hashlib.blake2b(repr((reason, kind, blanked(text))).encode(), digest_size=6).hexdigest()
