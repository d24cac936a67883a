"""Types of the fields of a configuration: texts, numbers and lists with rules.

Pydantic reports a value that breaks a rule as a fault with its place. `fringe.config.messages`
writes the messages of these faults.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

__all__ = [
    "ALL_IMAGES",
    "FOLDER_WORDS",
    "SUPPLIED",
    "Contains",
    "Count",
    "CountOrAll",
    "DigestText",
    "Distinct",
    "Fits",
    "Flag",
    "FolderText",
    "Given",
    "Inherits",
    "Keys",
    "LargeSeed",
    "List",
    "Marked",
    "NameText",
    "NetworkText",
    "Number",
    "Numeral",
    "OrText",
    "PathText",
    "Positive",
    "ProseText",
    "Section",
    "Seed",
    "Text",
    "TitleText",
    "WrittenAs",
    "shortened",
]

SUPPLIED = "supplied"
"""Marks a required key in the JSON Schema that another key can set; its value is that key."""

ALL_IMAGES = 10**12
"""The value of `all` as a number of images, until its source is opened."""

LONGEST = 400  # maximum number of characters of a value in a message

Value = TypeVar("Value")


class Section(BaseModel):
    """A section of a configuration. Unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def plain(self) -> dict[str, Any]:
        """Return the section as plain values, without keys that have no value.

        Keys keep the order in which they were written, because Snakemake compares the params of
        jobs by their `repr`.
        """
        return self.model_dump(exclude_none=True)

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the key and the message of each fault that depends on several keys.

        The key "" means the section itself.
        """
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _keep_order(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        section = validate(value)
        if isinstance(value, dict):
            fields = section.__dict__
            written = {key: fields[key] for key in value}
            object.__setattr__(section, "__dict__", {**written, **fields})
        return section

    @model_validator(mode="after")
    def _refuse_faults(self) -> Self:
        errors = [
            InitErrorDetails(
                type=PydanticCustomError("fault", "{message}", {"message": message}),
                loc=tuple(filter(None, key.split("/"))),
                input=None,
            )
            for key, message in self.faults()
        ]
        if errors:
            raise ValidationError.from_exception_data(type(self).__name__, errors)
        return self


@dataclass(frozen=True)
class Marked:
    """Adds a key to the JSON Schema of a field, such as ``format: path``."""

    key: str
    value: Any

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the JSON Schema of the field with the key."""
        return {**handler(schema), self.key: self.value}


@dataclass(frozen=True)
class OrText:
    """Allows a text in place of a section, in the JSON Schema for editors.

    `fringe.config.published` replaces the text by the section before the section is checked.
    """

    pattern: str
    words: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the JSON Schema of the section or the text."""
        text = {
            "type": "string",
            "pattern": f"^{self.pattern}$",
            "patternErrorMessage": self.words,
        }
        return {"anyOf": [handler(schema), text]}


class Inherits(Marked):
    """Marks a field whose default is the value of another key.

    ``key`` is a path of keys, separated by ``/``. "" means the name of the section.
    """

    def __init__(self, key: str) -> None:
        super().__init__("inherits", key)


@dataclass(frozen=True)
class Fits:
    """A rule for texts: ``pattern`` matches the whole text; ``words`` describe the pattern."""

    pattern: str
    words: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the rules of the text, followed by this rule."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the JSON Schema of the text with this rule."""
        rule = {"pattern": f"^{self.pattern}$", "patternErrorMessage": self.words}
        return {**handler(schema), **rule}

    def check(self, text: str) -> str:
        """Return the text if it matches."""
        # `search` with `$` would accept a line break at the end.
        if re.fullmatch(self.pattern, text):
            return text
        message = f"{shortened(repr(text))} is not valid: {self.words}{self._example_like(text)}"
        raise PydanticCustomError("fault", "{message}", {"message": message})

    def _example_like(self, text: str) -> str:
        """Return a similar text that matches, as an example; "" if there is none."""
        plain = re.sub("[^A-Za-z0-9_.-]+", "-", text).strip("-_.")[:100]
        for example in (plain, plain.lower(), re.sub("[^a-z0-9_-]+", "-", plain.lower())):
            if plain and re.fullmatch(self.pattern, example):
                return f"; for example {example}"
        return ""


@dataclass(frozen=True)
class Contains:
    """A rule for lists: the list contains a value."""

    value: Any

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the rules of the list, followed by this rule."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the JSON Schema of the list with this rule."""
        return {**handler(schema), "contains": {"const": self.value}}

    def check(self, values: list[Value]) -> list[Value]:
        """Return the list if it contains the value."""
        if self.value in values:
            return values
        message = f"{shortened(repr(values))} does not contain {self.value}; add it"
        raise PydanticCustomError("fault", "{message}", {"message": message})


def shortened(text: str) -> str:
    """Return a text without its middle if it is long."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


def _refuse_nothing(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("nothing", "has no value")
    return value


def _refuse_repeated(values: list[Value]) -> list[Value]:
    if any(value in values[:number] for number, value in enumerate(values)):
        message = f"{shortened(repr(values))} has a duplicate; drop one of the two"
        raise PydanticCustomError("fault", "{message}", {"message": message})
    return values


def _keep_type(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    validate(value)
    return value


def _tag_of(value: Any) -> str:
    """Return the tag of a value's form; see `WrittenAs`."""
    if isinstance(value, bool):
        return "<true or false>"
    if isinstance(value, int | float):
        return "<number>"
    if isinstance(value, str):
        return "<text>"
    if isinstance(value, list):
        return "<list>"
    return "<keys>" if isinstance(value, dict | Section) else "<another type>"


#: A value with several forms, which its type distinguishes: `Text`, `List`, `Keys` ...
WrittenAs = Discriminator(_tag_of)
Text = Tag("<text>")
List = Tag("<list>")
Keys = Tag("<keys>")
Numeral = Tag("<number>")
Flag = Tag("<true or false>")

#: A value that may be missing, but not empty.
Given = Annotated[Value | None, BeforeValidator(_refuse_nothing)]

#: A list without duplicates.
Distinct = Annotated[list[Value], AfterValidator(_refuse_repeated), Marked("uniqueItems", True)]

#: A number that keeps its type: 1 stays an int, because params of jobs depend on the type.
Number = Annotated[float, WrapValidator(_keep_type)]

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=2)]
CountOrAll = Annotated[
    Count,
    BeforeValidator(lambda value: ALL_IMAGES if value == "all" else value),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 2}, {"const": "all"}]}),
]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
LargeSeed = Annotated[int, Field(ge=0, le=2**63 - 1)]

FOLDER_WORDS = (
    "Snakemake would read braces as a wildcard, its report would read < and > as HTML, and "
    "commands would read a leading - as an option; name a folder without them"
)

PathText = Annotated[str, Field(min_length=1), Marked("format", "path")]
FolderText = Annotated[PathText, Fits("[^-{}<>][^{}<>]*", FOLDER_WORDS)]
ProseText = Annotated[str, Field(min_length=1), Marked("format", "prose")]
NetworkText = Annotated[str, Field(min_length=1)]
NameText = Annotated[
    str,
    Field(max_length=100),
    Fits(
        "[a-z0-9][a-z0-9_-]*",
        "lower-case letters, digits, - and _, beginning with a letter or digit",
    ),
]
TitleText = Annotated[
    str,
    Field(max_length=200),
    Fits(
        r"[^\s=+@-](.*\S)?",
        "it must not begin with =, +, - or @, which spreadsheets read as a formula, and must not "
        "begin or end with a space",
    ),
]
DigestText = Annotated[str, Fits("[0-9a-fA-F]{64}", "64 hexadecimal digits")]
