"""Puts the workflow into the package when a wheel is built; pyproject.toml says everything else.

The Snakefile, the rules and the scripts lie next to the library in the repository. A wheel carries
them inside the package, in the folder ``fringe/shipped``. An installation in place
(``pip install -e``) uses the files of the repository.
"""

from collections.abc import Iterator
from pathlib import Path

from setuptools import Command, setup
from setuptools.command.build import build
from setuptools.errors import FileError

# Files that a run reads, and files that messages name. Patterns are relative to the repository.
SHIPPED = (
    "Snakefile",
    "rules/*.smk",
    "workflow/scripts/*.py",
    "workflow/report/*.rst",
    "profiles/*/config.yaml",
    "envs/fringe.yaml",
    "envs/fringe.def",
    "config/config.yaml",
    "config/cifar10.yaml",
    "config/demo.yaml",
    "config/schema.json",
)
TARGET = Path("fringe", "shipped")  # fringe/running/workflow.py looks there


class BuildWorkflow(Command):
    """A step of setuptools' command ``build``: copy the workflow to the package."""

    description = "copy the workflow to the package"
    user_options = ()
    build_lib: str | None = None
    editable_mode = False

    def initialize_options(self) -> None:
        """Set nothing: the attributes above have their first values."""

    def finalize_options(self) -> None:
        """Take the folder that the package is built in from ``build_py``."""
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self) -> None:
        """Copy the files, unless the package is installed in place."""
        for target, source in self.get_output_mapping().items():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target, preserve_mode=False)

    def get_source_files(self) -> list[str]:
        """Return the files, which a source distribution has too."""
        return list(_shipped())

    def get_outputs(self) -> list[str]:
        """Return the paths of the copies."""
        return list(self.get_output_mapping())

    def get_output_mapping(self) -> dict[str, str]:
        """Return the file that each copy is made from."""
        if self.editable_mode or self.build_lib is None:
            return {}
        return {str(Path(self.build_lib, TARGET, path)): path for path in _shipped()}


def _shipped() -> Iterator[str]:
    """Yield the path of each file, relative to the repository."""
    for pattern in SHIPPED:
        found = sorted(map(str, Path().glob(pattern)))
        if not found:
            raise FileError(f"{pattern}: no such file; a package without it cannot start a run")
        yield from found


build.sub_commands.append(("build_workflow", None))
setup(cmdclass={"build_workflow": BuildWorkflow})
