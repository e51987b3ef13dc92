"""Reads FHIRPath text into its syntax tree, by precedence climbing.

http://hl7.org/fhirpath/N1/grammar.html
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.lexer import FhirPathSyntaxError, Token, tokenise

__all__ = ["FhirPathSyntaxError", "parse"]

DEEPEST_NESTING = 100
"""Parentheses, arguments and operators inside each other: far more than any real expression has."""

_PRECEDENCE = MappingProxyType(
    {
        "implies": 1,
        "or": 2,
        "xor": 2,
        "and": 3,
        "in": 4,
        "contains": 4,
        "=": 5,
        "~": 5,
        "!=": 5,
        "!~": 5,
        "<=": 6,
        "<": 6,
        ">": 6,
        ">=": 6,
        "|": 7,
        "is": 8,
        "as": 8,
        "+": 9,
        "-": 9,
        "&": 9,
        "*": 10,
        "/": 10,
        "div": 10,
        "mod": 10,
    }
)
_UNION = _PRECEDENCE["|"]
_OPERATOR_WORDS = frozenset(word for word in _PRECEDENCE if word.isalpha())
_NAMES_TOO = frozenset({"as", "contains", "in", "is"})
CALENDAR_UNITS = MappingProxyType(
    {
        word + plural: word
        for word in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
        for plural in ("", "s")
    }
)


def parse(text: str) -> ast.Expression:
    """The tree of `text`, or FhirPathSyntaxError."""
    reader = _Reader(tokenise(text))
    tree = reader.expression(0)
    if reader.token.kind != "end":
        raise reader.unexpected()
    return tree


class _Reader:
    """One pass over the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self.token = tokens[0]

    def unexpected(self) -> FhirPathSyntaxError:
        found = self.token.text if self.token.kind != "end" else "the end"
        return FhirPathSyntaxError(f"Unexpected {found!r} at position {self.token.position + 1}")

    def _advance(self) -> Token:
        token = self.token
        self._next += 1
        self.token = self._tokens[self._next]
        return token

    def _at(self, *symbols: str) -> bool:
        return self.token.kind == "symbol" and self.token.text in symbols

    def _expect(self, symbol: str) -> None:
        if not self._at(symbol):
            raise self.unexpected()
        self._advance()

    def expression(self, minimum: int) -> ast.Expression:
        """Everything that binds tighter than `minimum`."""
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise FhirPathSyntaxError(f"Nested deeper than {DEEPEST_NESTING} at position {self.token.position + 1}")
        left = self._polarity()
        height = 0
        while (precedence := self._operator_precedence()) > minimum:
            height += 1
            if height > DEEPEST_NESTING:
                raise FhirPathSyntaxError(f"More than {DEEPEST_NESTING} operators in a row")
            left = self._operation(left, precedence)
        self._depth -= 1
        return left

    def _operator_precedence(self) -> int:
        if self.token.kind in ("symbol", "word"):
            return _PRECEDENCE.get(self.token.text, 0)
        return 0

    def _operation(self, left: ast.Expression, precedence: int) -> ast.Expression:
        if precedence == _UNION:
            return self._union(left)
        operator = self._advance().text
        if operator in ("is", "as"):
            return ast.TypeOperation(operator, left, self._type_specifier())
        return ast.Binary(operator, left, self.expression(precedence))

    def _union(self, first: ast.Expression) -> ast.Expression:
        parts = [first]
        while self._at("|"):
            self._advance()
            parts.append(self.expression(_UNION))
        return ast.Union(tuple(parts))

    def _type_specifier(self) -> str:
        names = [self._identifier()]
        while self._at("."):
            self._advance()
            names.append(self._identifier())
        return ".".join(names)

    def _identifier(self) -> str:
        if self.token.kind not in ("word", "quoted"):
            raise self.unexpected()
        return self._advance().text

    def _polarity(self) -> ast.Expression:
        if self._at("+", "-"):
            operator = self._advance().text
            self._depth += 1
            if self._depth > DEEPEST_NESTING:
                raise FhirPathSyntaxError(f"Nested deeper than {DEEPEST_NESTING}")
            operand = self._polarity()
            self._depth -= 1
            return ast.Polarity(operator, operand)
        return self._invocations()

    def _invocations(self) -> ast.Expression:
        target = self._term()
        steps = 0
        while self._at(".", "["):
            steps += 1
            if steps > DEEPEST_NESTING:
                raise FhirPathSyntaxError(f"More than {DEEPEST_NESTING} steps in a row")
            if self._advance().text == ".":
                target = ast.Invocation(target, self._step())
            else:
                target = ast.Indexer(target, self.expression(0))
                self._expect("]")
        return target

    def _step(self) -> ast.Name | ast.Call | ast.Special:
        """A member or function. After a dot every word is a name: FHIR has elements called `div` and `contains`."""
        if self.token.kind == "special":
            return ast.Special(self._advance().text)
        name = self._identifier()
        return self._call(name) if self._at("(") else ast.Name(name)

    def _call(self, name: str) -> ast.Call:
        self._expect("(")
        arguments = []
        if not self._at(")"):
            arguments.append(self.expression(0))
            while self._at(","):
                self._advance()
                arguments.append(self.expression(0))
        self._expect(")")
        return ast.Call(name, tuple(arguments))

    def _term(self) -> ast.Expression:
        kind, text, _ = self.token
        if kind == "number":
            return self._number()
        if kind == "string":
            self._advance()
            return ast.Literal("System.String", text)
        if kind in _TEMPORAL_TYPES:
            self._advance()
            return ast.Literal(_TEMPORAL_TYPES[kind], text)
        if kind == "symbol":
            return self._symbol_term()
        if kind == "word":
            return self._word_term()
        if kind in ("quoted", "special"):
            return self._step()
        raise self.unexpected()

    def _number(self) -> ast.Expression:
        text = self._advance().text
        value: int | Decimal = Decimal(text) if "." in text else int(text)
        if self.token.kind == "string":
            return ast.QuantityLiteral(value, self._advance().text, is_calendar=False)
        if self.token.kind == "word" and self.token.text in CALENDAR_UNITS:
            return ast.QuantityLiteral(value, CALENDAR_UNITS[self._advance().text], is_calendar=True)
        return ast.Literal("System.Decimal" if isinstance(value, Decimal) else "System.Integer", value)

    def _symbol_term(self) -> ast.Expression:
        if self._at("("):
            self._advance()
            inner = self.expression(0)
            self._expect(")")
            return inner
        if self._at("{"):
            self._advance()
            self._expect("}")
            return ast.Empty()
        if self._at("%"):
            self._advance()
            if self.token.kind not in ("word", "quoted", "string"):
                raise self.unexpected()
            return ast.External(self._advance().text)
        raise self.unexpected()

    def _word_term(self) -> ast.Expression:
        text = self.token.text
        if text in ("true", "false"):
            self._advance()
            return ast.Literal("System.Boolean", text == "true")
        if text in _OPERATOR_WORDS and text not in _NAMES_TOO and self._tokens[self._next + 1].text != "(":
            raise self.unexpected()
        return self._step()


_TEMPORAL_TYPES = MappingProxyType({"date": "System.Date", "datetime": "System.DateTime", "time": "System.Time"})
