"""Builders of hostile configurations: a few lines that expand to more than fits in memory."""

__all__ = ["BOMBS", "JUST_RIGHT"]


def _laughs(first: str, following: str, levels: int = 15) -> str:
    """Return levels of anchors, each with ten aliases of the previous level."""
    lines = [f"a0: &a0 {first}"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} {following.replace('*', f'*a{level - 1}')}")
    return "\n".join(lines)


_TEN = ", ".join(["*"] * 10)
_KEYS = ", ".join(f"k{number}: *" for number in range(10))

MANY = "has more than 100,000 values"
DEEP = "levels of lists and mappings"
LONG = "with too many digits"

# Name -> the text, and a part of the message.
BOMBS = {
    "lists of aliases": (_laughs("[x]", f"[{_TEN}]"), MANY),
    "mappings of aliases": (_laughs("{x: 1}", f"{{{_KEYS}}}"), MANY),
    "merged mappings": (_laughs("{x: 1}", f"{{<<: [{_TEN}]}}"), MANY),
    "a chain of aliases": (_laughs("[x]", "[*]", 200), DEEP),
    "a list that holds itself": ("a: &a [*a]", DEEP),
    "a mapping that holds itself": ("a: &a {b: *a}", DEEP),
    "deep brackets": ("[" * 100_000, DEEP),
    "deep braces": ("{a: " * 5_000 + "}" * 5_000, DEEP),
    "deep lines": ("\n".join(" " * depth + "a:" for depth in range(400)), DEEP),
    "deep questions": ("? " * 100_000, DEEP),
    "deep JSON": ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", DEEP),
    "60 lists in JSON": ('{"a": ' + "[" * 60 + "]" * 60 + "}", DEEP),
    "a long number": (f"a: {'9' * 5_000}", LONG),
    "a long number in base 16": (f"a: 0x{'f' * 5_000}", LONG),
    "a long number in base 60": (f"a: 1{':59' * 5_000}", LONG),
    "a long number in JSON": (f'{{"a": {"9" * 4_000}}}', LONG),
    "a long number behind a point": (f"a: 1.{'9' * 5_000}", LONG),
    "more than a megabyte": (
        "a: " + "x" * (1 << 20),
        "a file of its kind has at most 1,048,576",
    ),
    "Python code for Snakemake": ("__use_yte__: true\nrun: ?1 / 0", "contains `__use_yte__`"),
    "no end": ("\0", "is not YAML"),
}

# Texts close to the limits, which are read, with their number of entries.
JUST_RIGHT = {
    "48 lists inside each other": ("a: " + "[" * 48 + "]" * 48, 48),
    "20,000 values by aliases": ("\n".join(["a: &a [1, 2, 3]", "b:", *["- *a"] * 5_000]), 20_005),
    "a long text": (f"a: {'x' * 100_000}", 1),
    "a text of digits": (f'a: "{"9" * 5_000}"', 1),
}
