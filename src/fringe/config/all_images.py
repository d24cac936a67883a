"""Replacement of `all` in a configuration by numbers of images, after sources are opened."""

from collections.abc import Iterable

from fringe.config.choices import Sources
from fringe.config.fields import ALL_IMAGES
from fringe.config.model import RunConfig

__all__ = ["differing_counts", "with_counts"]


def with_counts(config: RunConfig, sources: Sources) -> RunConfig:
    """Return a configuration with numbers in place of `all`.

    If a source could not be opened, which is a separate fault, `all` stays.

    Parameters
    ----------
    config : RunConfig
    sources : mapping
        Facts on each source by name, including its ``count``.
    """

    def counted(count: int, source: str) -> int:
        known = sources.get(source, {}).get("count", count)
        return int(known) if count == ALL_IMAGES else count

    datasets = {
        name: one.model_copy(
            update={
                "n_real": counted(one.n_real, one.real),
                "n_generated": counted(one.n_generated, one.generated),
            }
        )
        if ALL_IMAGES in (one.n_real, one.n_generated)
        else one
        for name, one in config.datasets.items()
    }
    least = {name: counted(count, name) for name, count in config.least.items()}
    return config.model_copy(update={"datasets": datasets, "least": least})


def differing_counts(written: RunConfig, counted: RunConfig) -> Iterable[str]:
    """Yield the comparisons whose models have different counts because of `all`.

    Counts that are written as numbers are compared before sources are opened.
    """
    for name, comparison in written.comparisons.items():
        known = [one for one in comparison.datasets if one in written.datasets]
        for key in ("n_real", "n_generated"):
            if ALL_IMAGES not in {getattr(written.datasets[one], key) for one in known}:
                continue
            values = [getattr(counted.datasets[one], key) for one in known]
            if len(set(values)) > 1:
                yield (
                    f"comparisons/{name}/generators: `{key}: all` means "
                    f"{', '.join(map(str, values))} images of their data sets, so their distances "
                    f"cannot be compared; write a number that all data sets have"
                )
