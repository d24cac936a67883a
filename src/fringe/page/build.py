"""Writer of the page of a run: one file that can be opened from disk or from an e-mail.

The file contains styles, scripts, pictures and data. The page requests nothing, and its
Content-Security-Policy forbids requests. Modules of JavaScript stay modules: an import map resolves
their names, such as "fringe/grid", to data: URLs of their files.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import itertools
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.page.content import Content, Curve, Link, Picture
from fringe.page.embedded import curve_data, embedded_json, explorer_data
from fringe.texts import escaped

__all__ = ["LARGEST", "render_index", "write_index"]

LARGEST = 30_000_000
"""Largest size of a page in bytes: most e-mail servers reject larger files."""

_KINDS = {"dataset": "Data set", "comparison": "Comparison"}
_FOLDER = Path(__file__).parent
_WORDS = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")
_TAKEN = re.compile("[^-]*|(?:about|data|deviation)-.*|.*-title")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_VENDORED = {
    "vega": "vendor/vega.min.js",
    "vega-lite": "vendor/vega-lite.min.js",
    "vega-interpreter": "vendor/vega-interpreter.js",
    "vega-util": "static/vega-util.js",
}


def write_index(path: str | os.PathLike[str], content: Content) -> None:
    """Write the page of a run; equal content gives equal bytes.

    Raises
    ------
    FringeError
        If the page would be larger than 30 MB, or the file cannot be written.
    ValueError
        If a key is not an anchor or occurs twice, a link leads out of the run, or an explorer or an
        exhibit names an answer or a deviation that does not exist.
    """
    page = render_index(content).encode()
    if len(page) > LARGEST:
        raise FringeError(_too_large(path, len(page), content))
    with atomic_path(path) as partial:
        partial.write_bytes(page)


def render_index(content: Content) -> str:
    """Return the HTML of the page of a run.

    Raises
    ------
    ValueError
        If a key is not an anchor or occurs twice, a link leads out of the run, or an explorer or an
        exhibit names an answer or a deviation that does not exist.
    """
    _check_keys(content)
    _check_links(content)
    environment = _environment()
    anchors = {one.topic: f"deviation-{n}" for n, one in enumerate(content.deviations, 1)}
    body = environment.get_template("body.html").render(
        content=content,
        anchors=anchors,
        kinds={one.key: _KINDS[one.kind] for one in content.answers},
        explorer_data=explorer_data,
        curve_data=curve_data,
        curve_rows=_curve_rows,
        curve_url=_curve_url,
    )
    style = _read("static/page.css")
    modules = embedded_json({"imports": _modules(with_plots=bool(content.curves))})
    # The page's own scripts and styles have this number. The author of a title in the page cannot
    # guess the number.
    nonce = hashlib.sha256("\0".join((body, style, modules)).encode()).hexdigest()
    return environment.get_template("page.html").render(
        run=content.run,
        body=Markup(body),
        style=Markup(style),
        modules=Markup(modules),
        nonce=nonce,
    )


def _environment() -> Environment:
    """Return Jinja's environment; it checks names and escapes values."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    numbers = itertools.count(1)
    environment.globals["next_number"] = lambda: next(numbers)
    environment.filters["data_url"] = _data_url
    environment.filters["code"] = _with_code
    return environment


def _printable(value: Any) -> Any:
    """Return a value; in a text from outside, control characters are escaped."""
    return escaped(value) if type(value) is str else value


def _with_code(text: str) -> Markup:
    """Return a text as HTML; parts in backticks become code.

    >>> print(_with_code("the first `n_real` of <all>"))
    the first <code>n_real</code> of &lt;all&gt;
    """
    parts = escaped(text).split("`")
    if len(parts) % 2 == 0:  # a backtick without a partner
        return Markup.escape(escaped(text))
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(one) if n % 2 else one for n, one in enumerate(parts))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _modules(*, with_plots: bool) -> dict[str, str]:
    """Return the address of each module of JavaScript by its name."""
    files = {f"fringe/{path.stem}": f"static/{path.name}" for path in _scripts()}
    if with_plots:
        files |= _VENDORED
    return {name: _module_url(name, file) for name, file in files.items()}


def _scripts() -> list[Path]:
    return [p for p in sorted((_FOLDER / "static").glob("*.js")) if p.stem not in _VENDORED]


def _module_url(name: str, file: str) -> str:
    """Return the address of a module; browsers show its name in messages."""
    return _url("text/javascript", f"{_read(file)}\n//# sourceURL={name}.js\n".encode())


def _url(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _data_url(picture: Picture) -> str:
    return _url(picture.mime, picture.data)


def _curve_url(curve: Curve) -> str:
    return _url("text/csv;charset=utf-8", curve.csv.encode())


def _curve_rows(curve: Curve) -> list[list[str]]:
    """Return the rows of a curve's data, the head first."""
    return list(csv.reader(io.StringIO(curve.csv)))


def _check_keys(content: Content) -> None:
    """Refuse keys that are not valid anchors or occur twice.

    The names that `_TAKEN` matches belong to other elements of the page.
    """
    keys = [answer.key for answer in content.answers]
    keys += [view.key for view in content.explorers]
    keys += [curve.key for curve in content.curves]
    keys += [exhibit.key for exhibit in content.exhibits]
    for key in keys:
        if not _WORDS.fullmatch(key) or _TAKEN.fullmatch(key):
            raise ValueError(f"the key {key!r} is not an anchor, such as 'curve-sweep'")
    if len(set(keys)) < len(keys):
        raise ValueError(f"a key occurs twice: {', '.join(keys)}")
    known = {answer.key for answer in content.answers}
    for view in content.explorers:
        if view.answer not in known:
            raise ValueError(f"explorer {view.key}: the answer {view.answer!r} is missing")
    topics = {one.topic for one in content.deviations}
    for exhibit in content.exhibits:
        for topic in exhibit.differs:
            if topic not in topics:
                raise ValueError(f"exhibit {exhibit.key}: the deviation {topic!r} is missing")


def _check_links(content: Content) -> None:
    """Refuse links that lead out of the run."""
    for link in _found(content, Link):
        if _SCHEME.match(link.href.strip()):
            raise ValueError(f"{link.href}: a link of the page must lead to a file of the run")


def _found(value: Any, kind: type[Any]) -> Iterable[Any]:
    """Yield all values of a type inside a value, in order."""
    if isinstance(value, kind):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _found(getattr(value, field.name), kind)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _found(one, kind)


def _too_large(path: str | os.PathLike[str], size: int, content: Content) -> str:
    """Return the message on a page that is too large: its largest parts, and keys to change."""
    parts: Mapping[str, int] = {
        "thumbnails": sum(
            len(picture) for view in content.explorers for picture in view.explorer.sprites.pictures
        ),
        "sensitivity maps": sum(
            view.explorer.maps.nbytes
            for view in content.explorers
            if view.explorer.maps is not None
        ),
        "figures": sum(len(picture.data) for picture in _found(content, Picture)),
        "data of plots": sum(len(curve.csv) for curve in content.curves),
    }
    # In base64, three bytes are four letters.
    listed = ", ".join(f"{name} {4 / 3 * part / 1e6:.1f} MB" for name, part in parts.items())
    return (
        f"{path}: would be {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f} MB ({listed}); set "
        "page: images or page: thumbnail to a smaller number, or page: exhibits to false"
    )
