"""Memory of jobs in megabytes (2^20 bytes): parts that the formulas of several rules share."""

from __future__ import annotations

from pathlib import Path

from fringe.config import choices
from fringe.config.sources import DiffusersSource, GeneratorSource, PythonSource
from fringe.costs.context import JobContext
from fringe.generators.pipeline_folder import read_pipeline_folder
from fringe.networks import network_info

__all__ = [
    "draws_memory",
    "explanation_memory",
    "generator_memory",
    "looking_memory",
    "moments_memory",
    "optimization_memory",
    "pairs_memory",
    "rank_memory",
    "released_memory",
    "rendered_and_kept",
]


FUNCTION = 4000  # for a function that makes images, enough for a network of a billion weights


def rendered_and_kept(about: JobContext, source: str) -> bool:
    """Return whether the images of a source are made by the run and kept in files."""
    kept = about.config.extraction.keep_images
    return choices.is_rendered(about.config, source) and kept


def generator_memory(about: JobContext, source: str) -> int:
    """Return the memory of a generator; 0 for a source without a generator.

    A checkpoint is read completely, and the network is built while the content of the file is in
    memory. The memory of a function is unknown, so a constant is used.
    """
    generator = about.config.sources[source]
    if isinstance(generator, PythonSource):
        return FUNCTION
    if isinstance(generator, DiffusersSource):
        # The weights, a second copy while they are loaded, and the activations.
        return 2000 + (3 * read_pipeline_folder(generator.path).size >> 20)
    if not isinstance(generator, GeneratorSource):
        return 0
    return 3 * Path(generator.path).stat().st_size >> 20


def looking_memory(about: JobContext, source: str, *, makes_images: bool) -> int:
    """Return the memory of the job's network, of a batch, and of the workers that read images.

    With ``makes_images``, the job and each worker have a generator in memory.
    """
    weight_file = Path(about.weight_files.get(about.network, {}).get("path", ""))
    size = weight_file.stat().st_size >> 20 if weight_file.is_file() else 0
    extraction = about.config.extraction
    workers = extraction.workers
    makers = (1 + workers) * generator_memory(about, source) if makes_images else 0
    return int(1500 + 3 * size + 20 * extraction.batch_size + 400 * workers + makers)


def moments_memory(network: str, covariances: int = 1) -> int:
    """Return the memory of a distance: features read in blocks, and covariances.

    ``covariances`` is the number of additional covariances in memory.
    """
    dim = max(filter(None, network_info(network)[:2]))
    return 1200 + (8 * dim * ((10 + 2 * covariances) * dim + 5 * 8192) >> 20)


def pairs_memory(about: JobContext, network: str) -> int:
    """Return the memory of all real and drawn features, in float32 and in float64."""
    dim = network_info(network).feature_dim
    images = about.dataset.n_real + about.dataset.n_generated
    return int(1500 + (12 * dim * images >> 20))


def draws_memory(about: JobContext) -> int:
    """Return the memory of the features of all draws, of one draw, and of the real images."""
    drawn = about.dataset.n_generated
    repeats = about.config.evaluation.repeats.table3
    all_draws = min(about.candidates, repeats * drawn)
    return int(1500 + (4 * about.dim * (about.dataset.n_real + drawn + all_draws) >> 20))


def optimization_memory(about: JobContext) -> int:
    """Return the memory of the candidates, once for the optimization and once for its judge, and
    of vectors over all candidates.
    """
    count, dim = about.candidates, about.dim
    if choices.own_classifier(about.config) is not None:
        dim = max(dim, about.classes)
    candidates = 2 * min(8 * count * dim, 2 << 30)  # larger features are read in blocks
    if about.config.optimization.method == "reference":
        candidates += 6 * 8 * count * dim
    return 1500 + (candidates + 8 * dim * (12 * dim + 5 * 8192) + 8 * 200 * count >> 20)


def rank_memory(about: JobContext) -> int:
    """Return the memory of the ranks of all classes, of real and generated images."""
    return int(8 * 1008 * (about.candidates + about.dataset.n_real) >> 20)


def released_memory(about: JobContext) -> int:
    """Return the memory of autograd: about six copies of the candidates in float64."""
    dim = network_info(about.config.network).feature_dim
    return 2000 + (6 * 8 * about.candidates * dim >> 20)


def explanation_memory(about: JobContext, makers: int = 1) -> int:
    """Return the memory of a network with its maps, of covariances, and of small maps.

    ``makers`` is the number of processes that make images, including the job itself.
    """
    made = makers * generator_memory(about, about.generated)
    if about.config.sources[about.generated].is_trained:
        made += 1500 * max(0, makers - 1)  # PyTorch in each process
    n = choices.explained_images(about.config, about.dataset_name)
    return 3000 + made + (8 * about.dim * about.dim * 8 + 4 * 256 * 2 * n >> 20)
