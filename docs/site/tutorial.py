"""Run docs/tutorial.py as a notebook, and write the page docs/tutorial.md with its outputs.

Call this script in the repository after each change of the tutorial:
``python docs/site/tutorial.py``. It takes less than a minute on two cores.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jupytext
from nbclient import NotebookClient
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "docs" / "tutorial.py"
PAGE = REPOSITORY / "docs" / "tutorial.md"


def executed(timeout: float = 1200) -> Any:
    """Return the notebook with the outputs of its cells.

    Parameters
    ----------
    timeout : float
        Seconds that one cell may take.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = jupytext.read(SOURCE)
    client = NotebookClient(
        notebook, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": "."}}
    )
    client.execute()
    return notebook


def page_of(notebook: Any) -> tuple[str, list[bytes]]:
    """Return the page in Markdown, and its pictures as JPEG files, in their order."""
    blocks: list[str] = []
    pictures: list[bytes] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks.append(cell.source)
            continue
        blocks.append(f"```python\n{cell.source}\n```")
        if text := "".join(_texts(cell.outputs)).rstrip():
            blocks.append(f"```text\n{text}\n```")
        for data in _pictures(cell.outputs):
            pictures.append(data)
            blocks.append(f"![Output of the code above](tutorial/{len(pictures)}.jpg)")
    return "\n\n".join(blocks) + "\n", pictures


def code_of(page: str) -> list[str]:
    """Return the blocks of Python in a page."""
    return [part.partition("\n```")[0] for part in page.split("```python\n")[1:]]


def _texts(outputs: Iterable[Any]) -> Iterator[str]:
    for output in outputs:
        if output.output_type == "stream" and output.name == "stdout":
            yield output.text


def _pictures(outputs: Iterable[Any]) -> Iterator[bytes]:
    for output in outputs:
        if png := output.get("data", {}).get("image/png"):
            picture, data = Image.open(io.BytesIO(base64.b64decode(png))), io.BytesIO()
            picture.convert("RGB").save(data, "jpeg", quality=90)
            yield data.getvalue()


def main() -> None:
    """Write the page and its pictures."""
    text, pictures = page_of(executed())
    PAGE.write_text(text, encoding="utf-8")
    folder = PAGE.with_suffix("")
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(pictures, 1):
        (folder / f"{number}.jpg").write_bytes(data)
    print(f"{PAGE}: written, with {len(pictures)} pictures")


if __name__ == "__main__":
    main()
