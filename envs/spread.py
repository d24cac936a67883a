"""Make the conda environment and the Apptainer definition from the lock.

``python envs/spread.py`` writes both; a test keeps them equal to the lock.
"""

from pathlib import Path

HERE = Path(__file__).parent


def pins() -> list[str]:
    """Return the packages of the lock, each ``name==version``."""
    lines = (HERE / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def conda() -> str:
    """Return the environment of ``snakemake --sdm conda``."""
    listed = "".join(f"      - {pin}\n" for pin in pins())
    return (
        "# For snakemake --sdm conda; made from requirements.lock by spread.py.\n"
        "channels: [conda-forge, nodefaults]\n"
        "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n" + listed
    )


def apptainer() -> str:
    """Return the definition of an image that holds the same packages."""
    listed = " \\\n        ".join(pins())
    return (
        "# apptainer build envs/fringe.sif envs/fringe.def; from requirements.lock by spread.py.\n"
        "Bootstrap: docker\nFrom: python:3.11-slim\n\n%post\n"
        f"    pip install --no-cache-dir \\\n        {listed}\n"
    )


if __name__ == "__main__":
    (HERE / "fringe.yaml").write_text(conda())
    (HERE / "fringe.def").write_text(apptainer())
