"""The docstrings under the fields of a struct, for the JSON schema and for the comments of `config init`."""

import ast
import inspect
from itertools import pairwise

import msgspec


def field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return the docstring under each field of `struct` and of the structs that it extends, on one line each."""
    docs: dict[str, str] = {}
    for owner in reversed(struct.__mro__):
        if owner.__module__.startswith("perftui.") and issubclass(owner, msgspec.Struct):
            docs |= _docs_of(owner)
    return docs


def _docs_of(struct: type[msgspec.Struct]) -> dict[str, str]:
    try:
        (tree,) = ast.parse(inspect.getsource(struct)).body
    except (OSError, TypeError):
        return {}  # made at run time, or installed without its source: it works, only unexplained
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
