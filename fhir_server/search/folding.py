"""Folds text for search: what differs only in accents, case or spacing becomes equal.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

import unicodedata

_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}  # noqa: RUF001
)
"""Letters with a stroke and ligatures, which no normalization form takes apart."""


def fold(text: str) -> str:
    """Return `text` without accents and case, each run of white space one space, none at the ends.

    NFKD, combining marks dropped, casefold, again NFKD for what folding made; hyphens and apostrophes stay.
    Then NFC, which puts the syllables of Hangul together again: they begin with another syllable only in parts.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    stripped = _without_marks(_without_marks(text).casefold().translate(_LETTERS))
    return " ".join(unicodedata.normalize("NFC", stripped).split())


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
