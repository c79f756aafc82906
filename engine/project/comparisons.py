"""The language of conditions: comparisons over `${...}` references and literals.

    or      := and ("or" and)*
    and     := not ("and" not)*
    not     := "not"* compared
    compared:= operand [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in") operand]
    operand := ${reference} | 'text' | number | true | false | null | [operand, ...] | ( or )

Nothing is handed to Python's own eval: there are no calls, no attributes of Python objects, no arithmetic. A condition
is true or false and nothing in between: `${load.count}` alone is a mistake where the count is a number.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from msgspec import Struct

from engine.project.references import (
    Lookup,
    Ref,
    ReferenceFailed,
    ReferenceSyntax,
    described,
    end_of,
    quoted,
    read_reference,
    value_of,
)

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]

MAX_COMPARISON: Final = 10_000
MAX_PARENTHESES: Final = 40


class Constant(Struct, frozen=True):
    """A literal of a comparison."""

    value: Any


class Several(Struct, frozen=True):
    """A list in a comparison: `[1, ${x}]`."""

    items: tuple[Comparison, ...]


class Compare(Struct, frozen=True):
    """Two operands and what is asked of them."""

    left: Comparison
    op: Operator
    right: Comparison


class Not(Struct, frozen=True):
    """True where its part is false."""

    part: Comparison


class All(Struct, frozen=True):
    """`and`: true where every part is; stops at the first that is not."""

    parts: tuple[Comparison, ...]


class Some(Struct, frozen=True):
    """`or`: true where one part is; stops at the first that is."""

    parts: tuple[Comparison, ...]


Comparison = Ref | Constant | Several | Compare | Not | All | Some


def references_of(comparison: Comparison) -> Iterator[Ref]:
    """Every reference in it, left to right."""
    if isinstance(comparison, Ref):
        yield comparison
    elif isinstance(comparison, Compare):
        yield from references_of(comparison.left)
        yield from references_of(comparison.right)
    elif isinstance(comparison, Not):
        yield from references_of(comparison.part)
    elif isinstance(comparison, All | Some):
        for part in comparison.parts:
            yield from references_of(part)
    elif isinstance(comparison, Several):
        for item in comparison.items:
            yield from references_of(item)


# -- reading comparisons ---------------------------------------------------------------------------------------------

_FUNCTION = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_TOKEN = re.compile(
    r"\s*(?:(?P<ref>\$\{)"
    r"|(?P<text>'(?:[^'\\]++|\\.)*+'|\"(?:[^\"\\]++|\\.)*+\")"
    r"|(?P<number>-?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?(?![\w.]))"
    r"|(?P<op>==|!=|<=|>=|<|>)"
    r"|(?P<sign>[()\[\],])"
    r"|(?P<word>[^\W\d]\w*(?:[.-]\w+)*))"
)
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def is_function(text: str) -> bool:
    """True if a condition, strategy or switch is `module:function` and not a comparison."""
    return _FUNCTION.fullmatch(text) is not None


def read_comparison(text: str) -> Comparison:
    """A condition in the language of this file's head. Raises ReferenceSyntax."""
    if len(text) > MAX_COMPARISON:
        raise ReferenceSyntax(
            f"a condition of more than {MAX_COMPARISON:,} characters", "write a function: module:function"
        )
    if not text.strip():
        raise ReferenceSyntax("the condition is empty", "write for example ${load.count} > 0")
    reader = _Reader(text)
    found = reader.some()
    reader.finish()
    return found


class _Reader:
    """A recursive-descent reader, one method per line of the grammar; parentheses are counted, so the stack is safe."""

    __slots__ = ("depth", "position", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0
        self.tokens = self._split()

    def _split(self) -> list[tuple[str, Any]]:
        tokens: list[tuple[str, Any]] = []
        position, end = 0, len(self.text.rstrip())
        while position < end:
            found = _TOKEN.match(self.text, position)
            if found is None:
                raise _unreadable(self.text, self.text[position:].strip())
            kind = found.lastgroup or ""
            position = found.end()
            if kind == "ref":
                close = end_of(self.text, position)
                tokens.append(("ref", read_reference(self.text[position:close])))
                position = close + 1
            else:
                tokens.append((kind, found[kind]))
        return tokens

    def _next_is(self, *wanted: str) -> bool:
        return self.position < len(self.tokens) and self.tokens[self.position] in [
            (kind, word) for word in wanted for kind in ("word", "op", "sign")
        ]

    def _accept(self, word: str) -> bool:
        if self._next_is(word):
            self.position += 1
            return True
        return False

    def finish(self) -> None:
        if self.position < len(self.tokens):
            kind, word = self.tokens[self.position]
            if kind == "op":
                raise ReferenceSyntax(f"{quoted(self.text)} compares twice in a row", "write a < b and b < c")
            raise _unreadable(self.text, f"${{{word}}}" if kind == "ref" else str(word))

    def some(self) -> Comparison:
        parts = [self.all()]
        while self._accept("or"):
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def all(self) -> Comparison:
        parts = [self.negated()]
        while self._accept("and"):
            parts.append(self.negated())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def negated(self) -> Comparison:
        negations = 0
        while self._accept("not"):
            negations += 1
        part = self.compared()
        return Not(part) if negations % 2 else part

    def compared(self) -> Comparison:
        left = self.operand()
        op = self._operator()
        return left if op is None else Compare(left, op, self.operand())

    def _operator(self) -> Operator | None:
        if self.position >= len(self.tokens):
            return None
        kind, word = self.tokens[self.position]
        if kind == "op":
            self.position += 1
            return word  # type: ignore[no-any-return]
        if self._accept("in"):
            return "in"
        if self._next_is("not") and self.tokens[self.position + 1 : self.position + 2] == [("word", "in")]:
            self.position += 2
            return "not in"
        return None

    def operand(self) -> Comparison:
        if self.position >= len(self.tokens):
            raise ReferenceSyntax(f"{quoted(self.text)} ends too early", "write for example ${load.count} > 0")
        kind, word = self.tokens[self.position]
        self.position += 1
        if kind == "ref":
            return word  # type: ignore[no-any-return]
        if kind == "text":
            if "${" in word:
                remedy = "write the reference without quotes: ${load.name} == 'text'"
                raise ReferenceSyntax(f"{quoted(word)} is plain text inside of a condition", remedy)
            return Constant(re.sub(r"\\(.)", r"\1", word[1:-1]))
        if kind == "number":
            return Constant(_number(word))
        if kind == "word" and word in _WORDS:
            return Constant(_WORDS[word])
        if word == "(":
            inner = self._inside(self.some)
            self._expect(")")
            return inner
        if word == "[":
            return self._inside(self._list)
        if kind == "word":
            remedy = f"write ${{{word}}} for a reference, or '{word}' for text"
            raise ReferenceSyntax(f"{quoted(self.text)} has a bare word, {quoted(word)}", remedy)
        raise _unreadable(self.text, str(word))

    def _list(self) -> Comparison:
        items = []
        while not self._accept("]"):
            items.append(self.operand())
            if not self._accept(","):
                self._expect("]")
                break
        return Several(tuple(items))

    def _inside(self, read: Callable[[], Comparison]) -> Comparison:
        self.depth += 1
        if self.depth > MAX_PARENTHESES:
            raise ReferenceSyntax(
                f"more than {MAX_PARENTHESES} parentheses inside each other", "write a function: module:function"
            )
        found = read()
        self.depth -= 1
        return found

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise ReferenceSyntax(f"{quoted(self.text)} lacks a {sign}", f"add the {sign}")


def _number(word: str) -> int | float:
    word = word.replace("_", "")
    return int(word) if word.lstrip("-").isdigit() else float(word)


def _unreadable(text: str, rest: str) -> ReferenceSyntax:
    remedy = "references, literals, == != < <= > >= in and or not and ( ) are known; or write a function"
    if re.match(r"[-+*/%]", rest):
        remedy = "there is no arithmetic here: let a task compute it, or write a function: module:function"
    elif re.match(r"=(?!=)", rest):
        remedy = "write == to compare"
    elif rest[:2] in ("&&", "||") or rest[:1] == "!":
        remedy = "write and, or, not"
    return ReferenceSyntax(f"{quoted(text)} cannot be read at {quoted(rest)}", remedy)


# -- deciding --------------------------------------------------------------------------------------------------------


def decide(comparison: Comparison, lookup: Lookup) -> bool:
    """Whether the condition holds. Raises ReferenceFailed for a missing value and for one neither true nor false."""
    return _truth(evaluate(comparison, lookup), comparison)


def evaluate(comparison: Comparison, lookup: Lookup) -> Any:
    """The value of a comparison or of one of its operands. Raises ReferenceFailed."""
    if isinstance(comparison, Ref):
        return value_of(comparison, lookup)
    if isinstance(comparison, Constant):
        return comparison.value
    if isinstance(comparison, Compare):
        return _compared(evaluate(comparison.left, lookup), comparison.op, evaluate(comparison.right, lookup))
    if isinstance(comparison, Not):
        return not decide(comparison.part, lookup)
    if isinstance(comparison, All):
        return all(decide(part, lookup) for part in comparison.parts)
    if isinstance(comparison, Some):
        return any(decide(part, lookup) for part in comparison.parts)
    return [evaluate(item, lookup) for item in comparison.items]


def _compared(left: Any, op: Operator, right: Any) -> bool:
    try:
        if op == "==":
            return bool(left == right)
        if op == "!=":
            return bool(left != right)
        if op in ("in", "not in"):
            return bool(left in right) is (op == "in")
        return bool(_ORDER[op](left, right))
    except TypeError:
        message = f"{described(left)} and {described(right)} cannot be compared by {op}"
        raise ReferenceFailed(message) from None


def _truth(value: Any, comparison: Comparison) -> bool:
    if isinstance(value, bool):
        return value
    what = f"${{{comparison}}}" if isinstance(comparison, Ref) else "the condition"
    raise ReferenceFailed(f"{what} is {described(value)}, neither true nor false; compare it with something")
