"""What each figure shows, in words that need no paper at hand: captions, and what is seen.

Both the report of Snakemake and the page of a run take their captions from here.
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
    """The caption of a figure, and what somebody who does not see it is told of it."""

    text: str
    seen: str


COMPARED_CLASSES = Caption(
    "The classes with the largest parts of the difference of FID: how often both generators and "
    "the real images have each, and images that add most to the distance, with what FID looks at "
    "in them.",
    "For each class three bars of its frequency, and rows of images of both generators with "
    "their sensitivity maps.",
)
"""Of the figure of the classes of a comparison's model."""

_GRADCAM = (
    "What FID looks at in generated images of {title} (sensitivity), next to the parts on which "
    "the three most probable ImageNet classes rest (Grad-CAM), and the mean of that over all "
    "classes, weighted by their probabilities. If FID looks where a class is found, and not at "
    "the subject, it measures classes."
)
_WEIGHTED = (
    "Random images of {title} among those with the lowest and among those with the highest tenth "
    "of the weights that were optimized to make FID as low as possible (of weights of 0, those "
    "that FID wants least). If weights told good images from bad ones, the two halves would differ "
    "in quality."
)
_SWEPT = (
    "FID in {network} (solid) and the distance in the control network {control} (dashed) when the "
    "generated images are drawn so that the N most probable ImageNet classes of each are as "
    "frequent as in the real images, against N classes from the middle of the ranking. Both axes "
    "span the same relative range. If FID falls and the control does not, matching classes "
    "improves FID, but no image."
)
_GENERATORS = (
    "Images of two generators that imitate the same real images ({title}), not selected, under "
    "their FID ({network}), the distance in the control ({control}), precision and recall. Two "
    "generators may have the same FID although people, and the control, tell them apart."
)

_TABLES: Mapping[str, str] = {
    "1": "Distances of generated images to the real ones: drawn at random, and drawn with the "
    "frequencies of Top-1 classes that the real images have; in FID's network and in controls. "
    "What FID falls by, and the controls do not, is class histogram.",
    "2": "Distances of generated images to the real ones: drawn at random, and drawn with weights "
    "that were optimized for FID, in the features before the last layer (PL) or in the logits (L). "
    "What FID falls by, and the controls do not, is its perceptual null space.",
    "3": "Distances of other kinds in the same features, under the weights that were optimized for "
    "FID. A kernel distance that falls with FID has the same null space, although it is another "
    "formula.",
    "S2": "Other metrics of the same draws, in FID's network and in the controls. docs/metrics.md "
    "defines each of them. Higher values are better where an arrow points up, lower ones where it "
    "points down. A metric that falls or rises with FID although no image changed counts classes, "
    "too.",
}
"""Captions of tables by number: what a table says, besides what it holds, which stands over it."""

_FIGURES: Mapping[str, tuple[str, str]] = {
    "1": (
        "What the network of FID, {network}, makes of images of {title}: the features before its "
        "last layer (pre-logits), logits, and probabilities of classes, of a real and of a "
        "generated image; and both sets of images in each of these spaces. FID is the Fréchet "
        "distance between both sets in pre-logits.",
        "A diagram: on top a real image, below it a generated image, each followed by squares for "
        "its pre-logits and logits and by bars of its three most probable classes. Between them "
        "two ellipses for each space, one of the real and one of the generated images, and bars "
        "of the most frequent classes of both.",
    ),
    "2": (
        "How it is found out what FID looks at in an image, on one generated image of {title}. "
        "Forward: the image's features join mean and covariance of the other generated images, "
        "and FID is measured. Backward: the gradient of FID weights the last maps of {network}; "
        "their sum is brought to the image's size and laid over the image.",
        "A diagram of two rows. Forward: an image, its last maps, its features as bars, and two "
        "ellipses with FID. Backward: the gradient as bars, weights as bars, a coarse map, and the "
        "image under the sensitivity map, violet where little and yellow where much depends on "
        "the image.",
    ),
    "3": (
        "Generated images of {title}, and what FID looks at in each: to change a yellow part would "
        "change FID most. Below, the three most probable ImageNet classes of {classifier}, which "
        "took no part in the maps. If FID judged quality, the maps would lie on the subject.",
        "Generated images, below each the same image under its sensitivity map from violet to "
        "yellow, and bars of its three most probable classes.",
    ),
    "4a": (
        "How often each ImageNet class is the most probable one in the real and in the generated "
        "images of {title}, as {classifier} sees them: the 25 most frequent classes of the real "
        "images. A generator that makes a class too often or too rarely pays for that in FID.",
        "Pairs of bars, one pair for each of 25 classes: the share of the real images and that of "
        "the generated images.",
    ),
    "4b": (
        "The mean of generated images of {title} and the mean of what FID looks at in them: of all "
        "images, and of those of the most frequent Top-1 classes, each with a typical image: the "
        "one whose map is most like the others. Yellow: FID depends most on this part. Where "
        "images do not align, their mean is grey.",
        "A row of blurred mean images, with each a typical image and the mean sensitivity map from "
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
        "FID of the same generators measured with few and with many real and generated images: "
        "mean and standard deviation over repeated draws, and the standard error (SE) of one "
        "evaluation. FID falls as the number of images grows, so only FIDs of equal numbers "
        "compare. The last point is extrapolated to infinitely many generated images (Chong and "
        "Forsyth, 2020).",
        "Points with error bars, one for each number of images, that fall from left to right; the "
        "last one is extrapolated.",
    ),
    "8b": (
        "FID of the same randomly drawn images in several trainings of FID's network: mean and "
        "standard deviation over repeated draws, and the standard error (SE) of one evaluation. "
        "Which file of weights measures FID changes the number.",
        "Points with error bars on a horizontal axis of FID, one row for each training of the "
        "network.",
    ),
    "9": (
        "FID in the features before the classifier's last layer (pre-logits) against FID in its "
        "class scores (logits), a point for each snapshot of a training; bars are standard errors. "
        "Points on a line: to be near in FID is to be near in classes.",
        "Points of snapshots near a straight line, for each data set one colour.",
    ),
    "10a": (
        "FID of generated images of {title} when Gaussian noise is added to the half of each image "
        "that its sensitivity map calls important, to the other half, and everywhere. If the maps "
        "are right, noise in the important half raises FID more.",
        "Three curves that rise with the standard deviation of the noise: noise in the important "
        "half, in the other half, and everywhere.",
    ),
    "10b": (
        "Generated images of {title} with noise where FID looks, where it does not, and "
        "everywhere: how much of that noise people see.",
        "Rows of an image without noise, its sensitivity map, and the image with noise in the "
        "important half, in the other half, and everywhere.",
    ),
    "11": (
        "Generated images of {title}{shown}, under what FID looks at in each, with the Top-1 "
        "ImageNet class of {classifier} in the corner.",
        "A grid of generated images under sensitivity maps from violet to yellow, each with the "
        "name of a class.",
    ),
    "12": (
        "The mean of generated images of {title} and the mean of what FID looks at in them, of all "
        "images and of those of each of several Top-1 classes, each with a typical image: the one "
        "whose map is most like the others. Where the mean map of a class lies on the object that "
        "gives the class its name, FID looks at the class. Where images do not align, their mean "
        "is grey.",
        "Blurred mean images of classes, with each a typical image and the mean sensitivity map "
        "from violet to yellow.",
    ),
    "13": (
        _GRADCAM,
        "Rows of a generated image, its sensitivity map, Grad-CAM maps of its three most probable "
        "classes, and their mean.",
    ),
    "15": (
        "The mean of generated images of {title}, of all and of those of several Top-1 classes, "
        "the mean of what FID looks at in them, and the mean Grad-CAM of their Top-1 class. Where "
        "both maps are alike, FID looks at what makes the class.",
        "Rows of blurred mean images of classes, typical images, mean sensitivity maps, and mean "
        "Grad-CAM maps.",
    ),
    "16": (
        "Generated images of {title}, not selected, drawn in three ways: at random; with the same "
        "frequencies of Top-1 classes as the real images; and with weights that match all fringe "
        "features. No image differs between the three, only how often each is drawn, and FID "
        "falls. If FID measured quality, the right one would look best.",
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
        "How the optimization of weights for generated images of {title} goes: loss against time "
        "of the first steps of the released algorithm, and of ours, with the proven bound below "
        "which no weights can bring FID. The paper has no such figure.",
        "Two falling curves of loss against time, and a rising curve of the proven bound that "
        "meets ours.",
    ),
    "S2": (
        "What the Fréchet distance of each network looks at in the same generated images of "
        "{title}, and on average. A control that looks at other parts than FID is a witness of its "
        "own. The paper has no such figure.",
        "Columns of sensitivity maps of the same images, one row for each network, and their "
        "means.",
    ),
}
"""Caption and what is seen, by the figure's number; see `_values` for what is filled in."""


_CLASSIFIED = ("1", "4b", "6", "9", "12", "13", "15", "16", "18")
"""Figures with classes, logits or Grad-CAM, whose captions name no classifier by themselves."""


def captions(config: Config) -> dict[str, str]:
    """Return captions in reStructuredText by the stems of figures, such as "figure4a-photos"."""
    return {
        one.stem: restructured(figure_caption(config, one).text)
        for one in exhibits(config)
        if one.kind == "Figure"
    }


def table_caption(config: Config, number: str) -> str:
    """Return what a table says."""
    classifier = choices.own_classifier(config)
    if classifier is None:
        return _TABLES[number]
    return f"{_TABLES[number]} Classes and logits are those of {title_of({}, classifier)}."


def figure_caption(config: Config, figure: Exhibit) -> Caption:
    """Return the caption of a figure, and what is seen in it.

    Raises
    ------
    KeyError
        If a figure has no caption here.
    """
    text, seen = _FIGURES[figure.number]
    values = _values(config, figure)
    return Caption(" ".join([text.format(**values), *_added(config, figure.number)]), seen)


def _values(config: Config, figure: Exhibit) -> dict[str, str]:
    """Return what captions name: titles, and which images are shown."""
    shown = ""
    if figure.number == "11":
        asked = choices.shown_images(config, figure.of, "grid")
        if "seeds" in asked:
            shown = ", one of each of successive seeds"
        elif asked["images"][:2] == [0, 1]:
            shown = ", the first ones"
    control = title_of({}, choices.shown_control(config)) if config.controls else ""
    return {
        "title": figure.title,
        "network": title_of({}, config.network),
        "classifier": title_of({}, choices.class_network(config)),
        "control": control,
        "shown": shown,
    }


def _added(config: Config, number: str) -> list[str]:
    """Return what some settings add to a caption."""
    return [*_of_weights(config, number), *_of_classes(config, number)]


def _of_classes(config: Config, number: str) -> list[str]:
    """Return which network counts the classes of a figure, if it is not that of FID."""
    classifier = choices.own_classifier(config)
    if classifier is None or number not in _CLASSIFIED:
        return []
    return [f"Classes are those of {title_of({}, classifier)}."]


def _of_weights(config: Config, number: str) -> list[str]:
    """Return how the weights of a figure were found, if not only by the released algorithm."""
    ours = config.optimization.method == "auto"
    released = config.optimization.released.steps > 0
    if number in ("5", "17") and released:
        return ["Likewise for the weights of the released algorithm."]
    if number in ("6", "16", "18") and ours:
        return [
            "The weights are those of our certified optimizer, not of the released algorithm, "
            "which stops before the optimum: FID falls further than by the paper's own steps."
        ]
    return []
