"""Images that a function makes: its arguments, its results, and its fingerprint."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.networks import only_installed
from fringe.plan import images
from fringe.running.opening import check
from fringe.sources import ImageSource, render_shard, source_from_spec
from fringe.sources.class_labels import class_labels, known_labels
from fringe.sources.function import BATCH, FunctionSource, require_same
from fringe.sources.rendered import RenderedShard

CODE = '''
import numpy as np

CALLS = []

def images(indices, seed=0, size=8, device="none", text="", on=False):
    """Noise from a separate stream for each image."""
    CALLS.append((indices.tolist(), device))
    return np.stack([
        np.random.default_rng([seed, int(i), on]).integers(0, 256, (size, size, 3), np.uint8)
        for i in indices
    ])

def plain(indices):
    return np.repeat(indices.astype(np.uint8), 48).reshape(-1, 4, 4, 3)

def gray(indices):
    return plain(indices)[..., :1]

def batch(indices):
    return np.random.default_rng(0).integers(0, 256, (len(indices), 4, 4, 3), np.uint8)

def growing(indices):
    return np.zeros((len(indices), 4 + (5 in indices), 4, 3), np.uint8)

def fails(indices):
    raise ValueError(f"no image {indices[0]}")

def floats(indices):
    return plain(indices).astype(np.float32)

def channels_first(indices):
    return plain(indices).transpose(0, 3, 1, 2)

def one_less(indices):
    return plain(indices)[1:]

def lists(indices):
    return plain(indices).tolist()

def _classes(indices, **_):
    return indices % 3

def labelled(indices):
    return plain(indices)
labelled.classes, labelled.class_names = _classes, ["ant", "bee", "cat"]

number = 3
'''


Make = Callable[[str], str]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Write a module that was not imported before, and return its name."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(code: str) -> str:
        sys.modules.pop("made_here", None)
        (tmp_path / "made_here.py").write_text(code)
        return "made_here"

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] in ("made_here", "kept")]:
        del sys.modules[name]


@pytest.fixture
def source(make: Make) -> Callable[..., FunctionSource]:
    module = make(CODE)

    def opened(name: str = "plain", count: int = 9, **options: Any) -> FunctionSource:
        return FunctionSource(f"{module}:{name}", count, **options)

    return opened


def test_images_equal_those_of_the_function(source: Callable[..., FunctionSource]) -> None:
    made = source("images", 120, seed=3, settings={"size": 16, "on": True})
    assert isinstance(made, ImageSource)
    assert (len(made), made.resolution, made.simulated) == (120, (16, 16), False)
    expected = np.stack(
        [
            np.random.default_rng([3, i, 1]).integers(0, 256, (16, 16, 3), np.uint8)
            for i in range(120)
        ]
    )
    assert np.array_equal(made.read(range(120)), expected)
    assert np.array_equal(made.read([119, 0, 60, 60]), expected[[119, 0, 60, 60]])
    assert made.read([]).shape == (0, 16, 16, 3)
    calls = sys.modules["made_here"].CALLS
    assert max(len(rows) for rows, _ in calls) == BATCH
    assert {device for _, device in calls} == {"cpu"}
    assert np.array_equal(pickle.loads(pickle.dumps(made)).read([7]), expected[[7]])


def test_a_specification_and_a_shard(make: Make, tmp_path: Path) -> None:
    spec = {"kind": "python", "function": f"{make(CODE)}:images", "count": 60, "seed": 1,
            "settings": {"size": 8}}  # fmt: skip
    made = source_from_spec(spec, None, "cuda")
    render_shard(made, 20, 60, tmp_path / "a.h5", {"images": made.fingerprint_of(20, 60)})
    shard = RenderedShard(tmp_path / "a.h5")
    assert np.array_equal(shard.read([20, 59]), made.read([20, 59]))
    assert sys.modules["made_here"].CALLS[-1][1] == "cuda"


def test_grey_images_become_three_channels(source: Callable[..., FunctionSource]) -> None:
    assert np.array_equal(source("gray").read(range(9)), source("plain").read(range(9)))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fails", {}, r"made_here:fails: fails for images 0 \(ValueError: no image 0\)"),
        ("floats", {}, r"returns an array of type float32 and shape \(1, 4, 4, 3\) for 1 images"),
        ("channels_first", {}, r"uint8 and shape \(1, 3, 4, 4\) .* return uint8 images \(1, H, W"),
        ("one_less", {}, r"shape \(0, 4, 4, 3\) for 1 images"),
        ("lists", {}, "returns list instead of a NumPy array"),
        ("growing", {}, r"images 5 are 4 x 5 pixels, not 4 x 4"),
        ("plain", {"resolution": 8}, r"images 5 are 4 x 4 pixels, not 8 x 8"),
        ("number", {}, "is of type int and cannot be called"),
        ("missing", {}, "cannot be imported"),
        ("plain", {"seed": 2}, "has no parameter `seed`, but the seed is 2"),
        ("plain", {"settings": {"size": 4}}, "no parameter 'size', which `settings` contain"),
        ("images", {"settings": {"seed": 4}}, "contain 'seed', which has its own key"),
    ],
)
def test_wrong_functions_and_options_are_refused(
    source: Callable[..., FunctionSource], name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(FringeError, match=message):
        source(name, **options).read([5])


@pytest.mark.parametrize("function", ["images", "__main__:images", "a b:c", "os:path:join"])
def test_invalid_names_are_refused(function: str) -> None:
    with pytest.raises(FringeError, match="is not of the form module:function"):
        FunctionSource(function, 9)


def test_images_that_depend_on_their_batch_are_refused(
    source: Callable[..., FunctionSource],
) -> None:
    made = source("batch")
    with pytest.raises(FringeError, match="image 0 changes when it is made together with image 1"):
        require_same(made.read, made.name)
    for name in ("images", "plain"):
        other = source(name)
        assert require_same(other.read, other.name) == other.resolution


def test_the_fingerprint_depends_on_code_settings_and_the_attribute(
    make: Make, tmp_path: Path
) -> None:
    def found(code: str = CODE, **options: Any) -> str:
        return FunctionSource(f"{make(code)}:images", 9, **options).fingerprint

    first = found()
    assert found() == first, "no change"
    others = [
        found(CODE + "\nother = 1\n"),
        found(seed=1),
        found(settings={"size": 16}),
        found(settings={"text": "a"}),
        found(CODE + "\nimages.fingerprint = 'weights 1'\n"),
        found(CODE + "\nimages.fingerprint = lambda seed, size=8: f'weights {size}'\n"),
    ]
    assert len({first, *others}) == 1 + len(others)
    with pytest.raises(FringeError, match="`fingerprint` is of type int"):
        found(CODE + "\nimages.fingerprint = 3\n")


def test_all_source_files_of_a_package_are_tracked(tmp_path: Path, make: Make) -> None:
    (tmp_path / "kept" / "deep").mkdir(parents=True)
    (tmp_path / "kept" / "__init__.py").touch()
    (tmp_path / "kept" / "deep" / "__init__.py").touch()
    (tmp_path / "kept" / "deep" / "a.py").write_text(CODE)
    (tmp_path / "kept" / "other.py").write_text("x = 1\n")
    made = FunctionSource("kept.deep.a:plain", 9)
    names = {path.relative_to(tmp_path).as_posix() for path in made.files}
    assert names == {
        "kept/__init__.py", "kept/deep/__init__.py", "kept/deep/a.py", "kept/other.py"
    }  # fmt: skip
    before = made.fingerprint
    (tmp_path / "kept" / "other.py").write_text("x = 2\n")
    assert FunctionSource("kept.deep.a:plain", 9).fingerprint != before


def test_classes(source: Callable[..., FunctionSource]) -> None:
    found = class_labels(source("labelled"))
    assert found is not None
    assert (found.values.tolist(), found.names) == ([0, 1, 2] * 3, ("ant", "bee", "cat"))
    known = known_labels(source("labelled", 2))
    assert known is not None
    assert known.names == {"ant", "bee"}
    assert class_labels(source("plain")) is None


@pytest.mark.parametrize("classes", ["[0.5] * 9", "[0] * 8", "[-1] * 9", "[1 << 40] * 9"])
def test_invalid_classes_are_refused(make: Make, classes: str) -> None:
    module = make(CODE + f"\nplain.classes = lambda indices: {classes}\n")
    with pytest.raises(FringeError, match="return an integer of at least 0 for each"):
        class_labels(FunctionSource(f"{module}:plain", 9))


def test_code_that_is_not_allowed_does_not_run(tmp_path: Path, make: Make) -> None:
    """Not even code of an installed package, because any function could be named."""
    module = make(f"open({str(tmp_path / 'ran')!r}, 'w')\n{CODE}")
    with only_installed():
        for function in (f"{module}:plain", "numpy:zeros", "os:system"):
            with pytest.raises(FringeError, match="set `allow_code: true`"):
                FunctionSource(function, 9)
    assert not (tmp_path / "ran").exists()
    with only_installed(False):
        assert len(FunctionSource(f"{module}:plain", 9)) == 9
    assert (tmp_path / "ran").exists()


def test_a_run_is_planned_with_a_function(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    module = make(CODE)
    config: dict[str, Any] = {
        "run": "run",
        "network": "efficientnet-lite0",
        "controls": ["untrained"],
        "sources": {
            "real": {"kind": "photos", "count": 60, "resolution": 16},
            "fake": {"kind": "python", "function": f"{module}:images", "count": 60,
                     "settings": {"size": 16, "on": True, "text": "a"}},
        },
        "datasets": {"a": {"real": "real", "generated": "fake", "resample": False}},
        "comparisons": {"c": {"generators": {"A": "a"}}},
        "evaluation": {"n_real": 60, "n_generated": 60},
    }  # fmt: skip
    with pytest.raises(FringeError, match=r"sources/fake: function .*set `allow_code: true`"):
        check(config)
    config["allow_code"] = True
    completed, sources = check(config)
    assert sources["fake"]["resolution"] == (16, 16)
    (warning,) = (one for one in caplog.messages if "fingerprint" in one)
    assert warning.startswith(f"{module}:images: has no attribute `fingerprint`")
    opened = images.open_configured(completed, "fake")
    assert isinstance(opened, FunctionSource)
    assert opened.settings == {"size": 16, "on": True, "text": "a"}
    config["sources"]["fake"]["function"] = f"{module}:batch"
    del config["sources"]["fake"]["settings"]
    with pytest.raises(FringeError, match=r"sources/fake: .*image 0 changes"):
        check(config)
    config["sources"]["fake"] |= {"function": f"{module}:plain", "settings": {"size": [8]}}
    with pytest.raises(FringeError, match="sources/fake/settings/size: "):
        check(config)
