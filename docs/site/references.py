"""An extension of Griffe: numbered references in docstrings, and signatures of named tuples.

The docstrings are in the format numpydoc. Griffe makes a box of a section References, but it leaves
numbered references (``.. [1] text``, cited as ``[1]_``) as they are.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

REFERENCE = re.compile(r"^\.\. \[(\d+)\] (.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
HIDDEN = ("__post_init__", "__repr__", "__str__", "__eq__", "__hash__")
CITATION = re.compile(r"\[(\d+)\]_")


class References(griffe.Extension):
    """Rewrites docstrings before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value, obj.path)

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Leave out methods that nobody calls by name, and give a named tuple its signature."""
        for name in HIDDEN:
            cls.members.pop(name, None)
        if not any(str(base).endswith("NamedTuple") for base in cls.bases):
            return
        fields = [one for one in cls.attributes.values() if one.annotation is not None]
        parameters = [
            griffe.Parameter(
                field.name,
                annotation=field.annotation,
                kind=griffe.ParameterKind.positional_or_keyword,
                default=field.value,
            )
            for field in fields
        ]
        receiver = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
        made = griffe.Function(
            "__init__", parameters=griffe.Parameters(receiver, *parameters), lineno=cls.lineno
        )
        cls.set_member("__init__", made)


def to_markdown(docstring: str, path: str) -> str:
    """Return a docstring with citations as links to its numbered references.

    Parameters
    ----------
    docstring : str
        The text, without the indentation of the code.
    path : str
        The path of the documented object, which makes anchors unique on a page.
    """

    def reference(found: re.Match[str]) -> str:
        text = " ".join(found[2].split())
        return f'<span id="{path}-reference-{found[1]}">[{found[1]}]</span> {text}\n'

    def citation(found: re.Match[str]) -> str:
        return f'<a href="#{path}-reference-{found[1]}">[{found[1]}]</a>'

    return CITATION.sub(citation, REFERENCE.sub(reference, docstring))
