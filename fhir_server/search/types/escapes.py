r"""Search values are split at `,` `|` and `$`; a backslash takes those characters literally: `\,` `\|` `\$` `\\`.

https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\([,|$\\])")


def split(text: str, separator: str) -> list[str]:
    """Return the parts of `text` between separators that are not escaped; escapes stay in the parts."""
    if "\\" not in text:
        return text.split(separator)
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def unescape(text: str) -> str:
    """Return `text` with the escapes taken out."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text
