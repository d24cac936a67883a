"""Captions and alternative texts of figures, and captions of tables, readable without the paper.

Snakemake's report and the page of a run both use these captions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fringe.config import choices
from fringe.config.model import Config
from fringe.plan.exhibits import Exhibit, exhibits
from fringe.scores.titles import title_of
from fringe.texts import restructured

__all__ = ["COMPARED_CLASSES", "Caption", "captions", "figure_caption", "table_caption"]


class Caption(NamedTuple):
    """The caption of a figure, and a description for readers who cannot see the figure."""

    text: str
    seen: str


COMPARED_CLASSES = Caption(
    "The classes that contribute most to the difference in FID: their frequencies in the images of "
    "both generators and in the real images, and the images that contribute most to the distance, "
    "with the parts that FID depends on.",
    "For each class, three bars with its frequencies, and rows of images of both generators with "
    "their sensitivity maps.",
)
"""Caption of the figure of a comparison's classes."""

_GRADCAM = (
    "Parts of generated images of {title} on which FID depends (sensitivity), next to the parts on "
    "which the three most probable ImageNet classes depend (Grad-CAM), and the mean of Grad-CAM "
    "over all classes, weighted by their probabilities. If FID depends on the parts that determine "
    "a class, and not on the subject, FID measures classes."
)
_WEIGHTED = (
    "Random images of {title} from the tenth with the lowest sampling weights and from the tenth "
    "with the highest. The weights were optimized to make FID as low as possible. Among images "
    "with weight 0, the images that would increase FID most are shown. If the weights separated "
    "good images from bad images, the two halves would differ in quality."
)
_SWEPT = (
    "FID in {network} (solid) and the distance in the control network {control} (dashed), against "
    "N. The generated images are drawn so that the N most probable ImageNet classes of an image "
    "are as frequent as in the real images, or N classes from the middle of the ranking. Both "
    "axes span the same relative range. If FID falls and the control does not, matching classes "
    "improves FID, but does not improve any image."
)
_GENERATORS = (
    "Images, not selected, of two generators that imitate the same real images ({title}), with "
    "their FID ({network}), the distance in the control ({control}), precision and recall. Two "
    "generators may have the same FID although people, and the control, see a difference."
)

_TABLES: Mapping[str, str] = {
    "1": "Distances of generated images to real images in FID's network and in controls. The "
    "generated images are drawn at random, or with the Top-1 class frequencies of the real images. "
    "A fall of FID without a fall of the controls is due to the class histogram.",
    "2": "Distances of generated images to real images. The generated images are drawn at random, "
    "or with weights that were optimized for FID in the features before the last layer (PL) or in "
    "the logits (L). A fall of FID without a fall of the controls is FID's perceptual null space.",
    "3": "Distances of other kinds in the same features, with the weights that were optimized for "
    "FID. A kernel distance that falls with FID has the same null space, although its formula is "
    "different.",
    "S2": "Other metrics of the same draws, in FID's network and in the controls. docs/metrics.md "
    "defines each metric. Higher values are better where an arrow points up, lower values where it "
    "points down. A metric that changes with FID although no image changed also counts classes.",
}
"""Captions of tables by number. They state the meaning; the content is described above a table."""

_FIGURES: Mapping[str, tuple[str, str]] = {
    "1": (
        "Outputs of FID's network, {network}, for images of {title}: the features before its last "
        "layer (pre-logits), the logits, and the class probabilities of a real image and of a "
        "generated image; and both sets of images in each of these spaces. FID is the Fréchet "
        "distance between the two sets in pre-logits.",
        "A diagram: at the top a real image, below it a generated image, each followed by squares "
        "for its pre-logits and logits and by bars of its three most probable classes. Between "
        "them two ellipses for each space, one for the real and one for the generated images, and "
        "bars of the most frequent classes of both.",
    ),
    "2": (
        "How the parts of an image on which FID depends are found, for one generated image of "
        "{title}. Forward: the image's features are added to the mean and covariance of the other "
        "generated images, and FID is measured. Backward: the gradient of FID weights the last "
        "maps of {network}; their sum is resized to the image's size and overlaid on the image.",
        "A diagram with two rows. Forward: an image, its last maps, its features as bars, and two "
        "ellipses with FID. Backward: the gradient as bars, weights as bars, a coarse map, and the "
        "image under the sensitivity map, violet where FID depends little on the image and yellow "
        "where FID depends much on it.",
    ),
    "3": (
        "Generated images of {title}, and the parts of each on which FID depends: a change of a "
        "yellow part would change FID most. Below each image, the three most probable ImageNet "
        "classes of {classifier}, which the maps do not use. If FID measured quality, the maps "
        "would show the subject.",
        "Generated images. Below each, the same image under its sensitivity map from violet to "
        "yellow, and bars of its three most probable classes.",
    ),
    "4a": (
        "How often each ImageNet class is the most probable class ({classifier}) of the real and "
        "of the generated images of {title}, for the 25 most frequent classes of the real images. "
        "A class that a generator makes too often or too rarely increases its FID.",
        "Pairs of bars, one pair for each of 25 classes: the share of the real images and the "
        "share of the generated images.",
    ),
    "4b": (
        "Mean of generated images of {title} and mean of their sensitivity maps, for all images "
        "and for the most frequent Top-1 classes, each with a typical image, whose map is most "
        "similar to the other maps. Yellow: FID depends most on this part. Where images are not "
        "aligned, their mean is grey.",
        "A row of blurred mean images, each with a typical image and the mean sensitivity map from "
        "violet to yellow.",
    ),
    "5": (_WEIGHTED, "Grids of generated images: low weights next to high weights."),
    "6": (
        _SWEPT,
        "Curves that fall as N grows: FID solid, the control dashed, for the most probable and "
        "for middle classes, with horizontal lines for random images and for all features "
        "matched.",
    ),
    "7": (_GENERATORS, "Two grids of images side by side, one for each generator."),
    "8a": (
        "FID of the same generators, measured with few and with many real and generated images: "
        "mean and standard deviation over repeated draws, and the standard error (SE) of one "
        "evaluation. FID falls as the number of images grows, so only FIDs with equal numbers of "
        "images are comparable. The last point is extrapolated to infinitely many generated images "
        "(Chong and Forsyth, 2020).",
        "Points with error bars, one for each number of images, that fall from left to right. The "
        "last point is extrapolated.",
    ),
    "8b": (
        "FID of the same randomly drawn images in several trainings of FID's network: mean and "
        "standard deviation over repeated draws, and the standard error (SE) of one evaluation. "
        "The value of FID depends on the weight file of the network.",
        "Points with error bars on a horizontal axis of FID, one row for each training of the "
        "network.",
    ),
    "9": (
        "FID in the features before the classifier's last layer (pre-logits) against FID in its "
        "class scores (logits), with a point for each snapshot of a training; bars are standard "
        "errors. If the points are on a line, a low FID means similar classes.",
        "Points of snapshots near a straight line, with one colour for each data set.",
    ),
    "10a": (
        "FID of generated images of {title} when Gaussian noise is added to the half of each image "
        "that is important according to its sensitivity map, to the other half, and everywhere. If "
        "the maps are right, noise in the important half increases FID more.",
        "Three curves that rise with the standard deviation of the noise: noise in the important "
        "half, in the other half, and everywhere.",
    ),
    "10b": (
        "Generated images of {title} with noise in the half that is important for FID, in the "
        "other half, and everywhere, to show how visible this noise is.",
        "Rows of an image without noise, its sensitivity map, and the image with noise in the "
        "important half, in the other half, and everywhere.",
    ),
    "11": (
        "Generated images of {title}{shown}, each under its sensitivity map, which shows the parts "
        "on which FID depends, and with the Top-1 ImageNet class of {classifier} in the corner.",
        "A grid of generated images under sensitivity maps from violet to yellow, each with the "
        "name of a class.",
    ),
    "12": (
        "Mean of generated images of {title} and mean of their sensitivity maps, for all images "
        "and for several Top-1 classes, each with a typical image, whose map is most similar to "
        "the other maps. If the mean map of a class shows the object that gives the class its "
        "name, FID depends on the class. Where images are not aligned, their mean is grey.",
        "Blurred mean images of classes, each with a typical image and the mean sensitivity map "
        "from violet to yellow.",
    ),
    "13": (
        _GRADCAM,
        "Rows of a generated image, its sensitivity map, Grad-CAM maps of its three most probable "
        "classes, and their mean.",
    ),
    "15": (
        "Mean of generated images of {title}, for all images and for several Top-1 classes, with "
        "their mean sensitivity map and the mean Grad-CAM of their Top-1 class. If both maps are "
        "similar, FID depends on the parts that determine the class.",
        "Rows of blurred mean images of classes, typical images, mean sensitivity maps, and mean "
        "Grad-CAM maps.",
    ),
    "16": (
        "Generated images of {title}, not selected, drawn in three ways: at random; with the Top-1 "
        "class frequencies of the real images; and with weights that match all fringe features. "
        "All three use the same images and differ only in how often each image is drawn, and FID "
        "falls. If FID measured quality, the images on the right would look best.",
        "Three grids of images side by side: drawn at random, with Top-1 classes matched, and with "
        "all features matched.",
    ),
    "17": (_WEIGHTED, "Large grids of generated images: low weights, then high weights."),
    "18": (
        f"{_SWEPT} A panel for each data set.",
        "For each data set a panel of curves that fall as N grows: FID solid, the control dashed.",
    ),
    "19": (_GENERATORS, "Two large grids of images side by side, one for each generator."),
    "S1": (
        "Optimization of weights for generated images of {title}: loss against time for the first "
        "steps of the released algorithm, and for Fringe's algorithm, with the proven lower bound "
        "of FID over all weights. The paper has no such figure.",
        "Two falling curves of loss against time, and a rising curve of the proven bound that "
        "meets the curve of Fringe's algorithm.",
    ),
    "S2": (
        "Parts of the same generated images of {title} on which the Fréchet distance of each "
        "network depends, and the mean over images. A control that depends on other parts than FID "
        "is independent evidence. The paper has no such figure.",
        "Columns of sensitivity maps of the same images, one row for each network, and their "
        "means.",
    ),
}
"""Caption and description by the figure's number; `_values` returns the values in braces."""


_CLASSIFIED = ("1", "4b", "6", "9", "12", "13", "15", "16", "18")
"""Figures with classes, logits or Grad-CAM whose captions do not name the classifier."""


def captions(config: Config) -> dict[str, str]:
    """Return captions in reStructuredText, by the stem of the figure, such as "figure4a-photos"."""
    return {
        one.stem: restructured(figure_caption(config, one).text)
        for one in exhibits(config)
        if one.kind == "Figure"
    }


def table_caption(config: Config, number: str) -> str:
    """Return the caption of a table."""
    classifier = choices.own_classifier(config)
    if classifier is None:
        return _TABLES[number]
    return f"{_TABLES[number]} Classes and logits are from {title_of({}, classifier)}."


def figure_caption(config: Config, figure: Exhibit) -> Caption:
    """Return the caption and description of a figure.

    Raises
    ------
    KeyError
        If a figure has no caption here.
    """
    text, seen = _FIGURES[figure.number]
    values = _values(config, figure)
    return Caption(" ".join([text.format(**values), *_added(config, figure.number)]), seen)


def _values(config: Config, figure: Exhibit) -> dict[str, str]:
    """Return the values in braces of captions: titles, and which images are shown."""
    shown = ""
    if figure.number == "11":
        asked = choices.shown_images(config, figure.of, "grid")
        if "seeds" in asked:
            shown = ", one for each of several consecutive seeds"
        elif asked["images"][:2] == [0, 1]:
            shown = ", the first images"
    control = title_of({}, choices.shown_control(config)) if config.controls else ""
    return {
        "title": figure.title,
        "network": title_of({}, config.network),
        "classifier": title_of({}, choices.class_network(config)),
        "control": control,
        "shown": shown,
    }


def _added(config: Config, number: str) -> list[str]:
    """Return the sentences that some settings add to a caption."""
    return [*_about_weights(config, number), *_about_classes(config, number)]


def _about_classes(config: Config, number: str) -> list[str]:
    """Return a sentence that names the network of a figure's classes, unless it is FID's."""
    classifier = choices.own_classifier(config)
    if classifier is None or number not in _CLASSIFIED:
        return []
    return [f"Classes are from {title_of({}, classifier)}."]


def _about_weights(config: Config, number: str) -> list[str]:
    """Return a sentence about the optimizer of a figure's weights, if it is not the usual one."""
    ours = config.optimization.method == "auto"
    released = config.optimization.released.steps > 0
    if number in ("5", "17") and released:
        return ["Also shown with the weights of the released algorithm."]
    if number in ("6", "16", "18") and ours:
        return [
            "The weights are from Fringe's certified optimizer, not from the released algorithm, "
            "which stops before the optimum. So FID falls further than with the paper's steps."
        ]
    return []
