"""Images that a Python function makes, for everything without another kind of source."""

from __future__ import annotations

import inspect
import json
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.networks.installed import import_module, refuse_code
from fringe.sources.base import Fingerprinted, Images, Indices, check_indices, digest
from fringe.sources.digests import file_digests

__all__ = ["FUNCTION", "FunctionSource", "require_same"]

#: Pattern of the name of a function.
FUNCTION = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"

# Part of the fingerprint: increase it when the same function would be called differently.
REVISION = 1
BATCH = 50  # images per call, at most
LARGEST_CLASS = 1 << 20  # more than in any data set: counts of classes must fit into memory

# Largest mean difference, in grey levels, of an image that is made together with others: on a GPU,
# the last bits depend on the size of the batch. Different noise differs by tens.
CLOSE = 1.0


class FunctionSource(Fingerprinted):
    """The images that a function makes from their numbers.

    The function takes an int64 array (n,) of image numbers, from 0, and returns uint8 images
    (n, H, W, 3), or (n, H, W, 1) for grey images. All images have the same size, and image i does
    not depend on other images in the same call. If the function has a parameter ``seed`` or
    ``device``, it gets that as a keyword argument, and each of ``settings``, too. A call requests
    at most `BATCH` images, and only one thread of a process calls the function.

    Optional attributes of the function:

    * ``fingerprint``: a string, or a function of the same keyword arguments (without ``device``)
      that returns a string. It must change when images change for a reason that the source code
      does not show, such as other weights;
    * ``classes``: a function of the same arguments (without ``device``) that returns the class of
      each image, int (n,) from 0;
    * ``class_names``: the names of these classes, by number.

    Parameters
    ----------
    function : str
        "module:function".
    count : int
        Number of images.
    resolution : int, optional
        Height and width that images must have; by default those of the first image.
    seed : int
        Passed to the function. Must be 0 if the function has no parameter ``seed``.
    settings : mapping of str to bool, int, float or str
        Passed to the function.
    device : str
        Passed to the function if it has a parameter ``device``.
    cache : Path, optional
        Folder that stores hashes of source files.

    Raises
    ------
    FringeError
        If code may not be run (`fringe.networks.only_installed`), or the function cannot be
        imported, has other parameters, fails, or returns anything other than such images.
    """

    simulated = False

    def __init__(
        self,
        function: str,
        count: int,
        resolution: int | None = None,
        seed: int = 0,
        settings: Mapping[str, Any] | None = None,
        *,
        device: str = "cpu",
        cache: Path | None = None,
    ) -> None:
        """Import the function, and check that its parameters match its arguments."""
        self.function, self.count, self.size = function, count, resolution
        self.seed, self.settings = seed, dict(settings or {})
        self.device, self.cache = device, cache
        self.name = f"{function} (seed {seed})" if seed else function
        if re.fullmatch(FUNCTION, function, re.ASCII) is None or function.startswith("__main__:"):
            raise FringeError(
                f"function {function!r}: is not of the form module:function with a module that can "
                "be imported; correct it"
            )
        refuse_code(f"function {function!r}")
        self._lock = threading.RLock()
        self._check_parameters()

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def __getstate__(self) -> dict[str, object]:
        """Pickle without the function and the lock, which each process creates."""
        state = {key: value for key, value in self.__dict__.items() if key != "_called"}
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        """Unpickle with a new lock."""
        self.__dict__.update(state, _lock=threading.RLock())

    @cached_property
    def _called(self) -> Callable[..., Any]:
        module, _, name = self.function.partition(":")
        try:
            found = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise FringeError(
                f"function {self.function!r} cannot be imported ({error}); install its "
                "package, put its file into the working folder, or add its folder to PYTHONPATH"
            ) from error
        if not callable(found):
            raise FringeError(
                f"function {self.function!r}: is of type {type(found).__name__} and cannot be "
                "called; name a function"
            )
        return found  # type: ignore[no-any-return]

    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        called = self._called
        try:
            return inspect.signature(called).parameters
        except (TypeError, ValueError) as error:
            raise FringeError(
                f"function {self.function!r}: has no known parameters ({error}); give a function "
                "written in Python"
            ) from error

    def _check_parameters(self) -> None:
        parameters = self._parameters()
        takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
        for key in self.settings:
            if key in ("seed", "device"):
                raise FringeError(
                    f"function {self.function!r}: `settings` contain {key!r}, which has its own "
                    "key in a configuration; remove it from `settings`"
                )
            if not (takes_all or key in parameters):
                raise FringeError(
                    f"function {self.function!r}: has no parameter {key!r}, which `settings` "
                    f"contain; its parameters are {', '.join(parameters) or 'none'}"
                )
        if self.seed and "seed" not in parameters:
            raise FringeError(
                f"function {self.function!r}: has no parameter `seed`, but the seed is "
                f"{self.seed}; add the parameter, or remove `seed`"
            )

    def _arguments(self, with_device: bool = True) -> dict[str, Any]:
        parameters = self._parameters()
        found = dict(self.settings)
        if "seed" in parameters:
            found["seed"] = self.seed
        if with_device and "device" in parameters:
            found["device"] = self.device
        return found

    @cached_property
    def files(self) -> list[Path]:
        """The source files that the fingerprint covers.

        These are all ``.py`` files of the package that contains the function's module, or the file
        of a module outside any package.
        """
        found: set[Path] = set()
        for name in (self.function.partition(":")[0], getattr(self._called, "__module__", "")):
            for key in {name, name.partition(".")[0]} & sys.modules.keys():
                module = sys.modules[key]
                if (file := getattr(module, "__file__", None)) is not None:
                    found.add(Path(file))
                for place in getattr(module, "__path__", ()):
                    found.update(Path(place).rglob("*.py"))
        if not found:
            raise FringeError(
                f"function {self.function!r}: its module has no file in which a change could be "
                "detected; put the function into a file"
            )
        return sorted(found)

    @cached_property
    def stated(self) -> str | None:
        """The function's attribute ``fingerprint``, or its result; None if there is none."""
        found = getattr(self._called, "fingerprint", None)
        if callable(found):
            found = self._asked("fingerprint", found, **self._arguments(with_device=False))
        if found is not None and not isinstance(found, str):
            raise FringeError(
                f"function {self.function!r}: its `fingerprint` is of type "
                f"{type(found).__name__}; make it a string, or a function that returns a string"
            )
        return found

    @cached_property
    def _code(self) -> str:
        return digest(sorted(set(file_digests(self.files, self.cache))))

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the function's name, source files, `fingerprint` and arguments.

        The arguments are the seed and ``settings``.
        """
        asked = json.dumps(self.settings, sort_keys=True)
        known = (self.function, self._code, self.stated, self.seed, asked)
        return digest(["python", REVISION, *known, first, last])

    @cached_property
    def resolution(self) -> tuple[int, int]:
        """Height and width. If they are not given, the first image is made to find them."""
        if self.size is not None:
            return self.size, self.size
        height, width = self._made(np.zeros(1, np.int64)).shape[1:3]
        return height, width

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            If the function fails, or returns anything other than such images.
        """
        wanted = np.asarray(check_indices(indices, self.count, self.name), np.int64)
        with self._lock:
            images = np.empty((len(wanted), *self.resolution, 3), np.uint8)
            for start in range(0, len(wanted), BATCH):
                rows = wanted[start : start + BATCH]
                made = self._made(rows)
                if made.shape[1:3] != self.resolution:
                    (height, width), shape = self.resolution, made.shape
                    raise FringeError(
                        f"{self.name}: images {_range(rows)} are {shape[2]} x {shape[1]} pixels, "
                        f"not {width} x {height}; make all images the same size"
                    )
                images[start : start + len(rows)] = made  # a single channel becomes three
        return images

    def _made(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        made = self._asked(f"images {_range(rows)}", self._called, rows.copy(), **self._arguments())
        if not isinstance(made, np.ndarray):
            raise FringeError(
                f"{self.name}: returns {type(made).__name__} instead of a NumPy array; return "
                "uint8 images (n, H, W, 3)"
            )
        right = made.ndim == 4 and len(made) == len(rows) and made.shape[3] in (1, 3)
        if made.dtype != np.uint8 or not right or 0 in made.shape:
            raise FringeError(
                f"{self.name}: returns an array of type {made.dtype} and shape {made.shape} for "
                f"{len(rows)} images; return uint8 images ({len(rows)}, H, W, 3)"
            )
        return made

    def classes(self) -> npt.NDArray[np.int64] | None:
        """Return the class of each image, int64 (n,), from the function's ``classes``, or None.

        Raises
        ------
        FringeError
            If ``classes`` fails, or returns anything else.
        """
        stated = getattr(self._called, "classes", None)
        if stated is None:
            return None
        rows = np.arange(self.count, dtype=np.int64)
        found = np.asarray(
            self._asked("classes", stated, rows, **self._arguments(with_device=False))
        )
        right = found.shape == (self.count,) and np.issubdtype(found.dtype, np.integer)
        if not right or found.min() < 0 or found.max() > LARGEST_CLASS:
            raise FringeError(
                f"{self.name}: its `classes` return an array of type {found.dtype} and shape "
                f"{found.shape} for {self.count} images; return an integer of at least 0 for each"
            )
        return found.astype(np.int64)

    def class_names(self) -> tuple[str, ...] | None:
        """Return the names of classes, by number, from the function's ``class_names``, or None.

        Raises
        ------
        FringeError
            If they are not distinct strings.
        """
        found = getattr(self._called, "class_names", None)
        if found is None:
            return None
        names = tuple(found)
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise FringeError(
                f"{self.name}: its `class_names` are not distinct strings; correct them"
            )
        return names

    def _asked(self, what: str, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except FringeError:
            raise
        except Exception as error:
            raise FringeError(
                f"{self.name}: fails for {what} ({type(error).__name__}: {error}); correct the "
                "function"
            ) from error


def require_same(
    read: Callable[[Sequence[int]], Images], name: str, close: float = CLOSE
) -> tuple[int, int]:
    """Return height and width of images that do not depend on the other images of a call.

    Image 0 is made on its own, and after image 1. The two results must differ by at most ``close``
    grey levels on average.

    Parameters
    ----------
    read : callable
        Makes the images of a list of numbers.
    name : str
        Name of the source in messages.
    close : float
        Largest mean difference, in grey levels.

    Raises
    ------
    FringeError
        If they differ, or images cannot be made.

    Examples
    --------
    >>> import numpy as np
    >>> def by_number(numbers):
    ...     return np.stack([np.full((2, 4, 3), 9 * n, np.uint8) for n in numbers])
    >>> require_same(by_number, "mine")
    (2, 4)
    >>> require_same(lambda numbers: by_number(range(len(numbers))), "mine")
    Traceback (most recent call last):
        ...
    fringe.errors.FringeError: mine: image 0 changes when it is made together with image 1 ...
    """
    (first,), (_, again) = read([0]), read([1, 0])
    difference = float(np.abs(first.astype(np.int64) - again).mean())
    if difference > close:
        raise FringeError(
            f"{name}: image 0 changes when it is made together with image 1 (by {difference:.2g} "
            "grey levels on average); image i must depend only on i: seed the noise of each "
            "image by its number"
        )
    height, width = first.shape[:2]
    return height, width


def _range(rows: npt.NDArray[np.int64]) -> str:
    return str(rows[0]) if len(rows) == 1 else f"{rows.min()} to {rows.max()}"
