"""SQL laid out for people: one clause a line, what is inside indented. The statement that is sent stays compact."""

from __future__ import annotations

import re
from collections.abc import Iterator

STEP = "  "
SHORT = 72
"""A query in brackets that is no longer than this stays on one line."""
LONG = 160
"""Arguments that are longer than this have a line each."""
TOKEN = re.compile(r"""\s*([eE]?'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|[()]|,|[^\s()'",]+)""")
CLAUSES = frozenset({"select", "from", "where", "having", "limit", "group by", "order by", "union all"})
Token = str
"""A word, a literal or a sign, with a space before it where there was one."""
Tree = list["Token | Tree"]


def laid_out(sql: str) -> str:
    """`sql` over several lines; nothing but its white space is changed."""
    return "\n".join(_query(_tree(iter(_tokens(sql))), ""))


def _tokens(sql: str) -> list[Token]:
    """The words and signs of a statement; GROUP BY, ORDER BY and UNION ALL are one each."""
    found: list[Token] = []
    for match in TOKEN.finditer(sql):
        token = f" {match[1]}" if match.start(1) > match.start() else match[1]
        if found and f"{found[-1]}{token}".strip().lower() in CLAUSES:
            token = found.pop() + token
        found.append(token)
    return found


def _tree(tokens: Iterator[Token]) -> Tree:
    """What stands in brackets, as a tree of its own after the opening one."""
    tree: Tree = []
    for token in tokens:
        if token.strip() == ")":
            break
        tree.append(token)
        if token.strip() == "(":
            tree.append(_tree(tokens))
    return tree


def _query(tree: Tree, indent: str) -> list[str]:
    """A query's lines: each clause begins one."""
    lines: list[str] = []
    for clause in _clauses(tree):
        name, rest = str(clause[0]).strip(), clause[1:]
        parts = _split(rest, "," if name.lower() == "select" else "and")
        if len(parts) > 1 and name.lower() == "select":
            parts.insert(0, [])
        lines.append(f"{indent}{name}{_inline(parts[0], indent)}")
        lines += [f"{indent}{STEP}{_inline(part, indent + STEP).strip()}" for part in parts[1:]]
    return lines


def _clauses(tree: Tree) -> list[Tree]:
    """The clauses of a query, each with its keyword first; a SELECT of nothing goes with its FROM."""
    clauses: list[Tree] = []
    for token in tree:
        begins = isinstance(token, str) and token.strip().lower() in CLAUSES
        bare = bool(clauses) and len(clauses[-1]) == 1 and str(clauses[-1][0]).strip().lower() == "select"
        if (begins and not bare) or not clauses:
            clauses.append([])
        clauses[-1].append(token)
    return clauses


def _split(tree: Tree, separator: str) -> list[Tree]:
    """The parts of a clause between its separators; a comma ends its part, an AND begins one."""
    parts: list[Tree] = [[]]
    for token in tree:
        found = isinstance(token, str) and token.strip().lower() == separator
        if found and separator == "and":
            parts.append([])
        parts[-1].append(token)
        if found and separator == ",":
            parts.append([])
    return parts


def _inline(tree: Tree, indent: str) -> str:
    """Text that goes on in its line, but for long queries in brackets, which are blocks."""
    told = ""
    for token in tree:
        told += token if isinstance(token, str) else f"{_inside(token, indent)})"
    return told


def _inside(tree: Tree, indent: str) -> str:
    """What stands in brackets."""
    flat = _flat(tree)
    is_query = bool(tree) and isinstance(tree[0], str) and tree[0].strip().lower() == "select"
    if is_query and len(flat) > SHORT:
        return "\n".join(["", *_query(tree, indent + STEP), indent])
    parts = _split(tree, ",")
    if len(flat) <= LONG or len(parts) < 2:
        return _inline(tree, indent)
    return "\n".join(["", *(f"{indent}{STEP}{_inline(part, indent + STEP).strip()}" for part in parts), indent])


def _flat(tree: Tree) -> str:
    return "".join(token if isinstance(token, str) else f"{_flat(token)})" for token in tree)
