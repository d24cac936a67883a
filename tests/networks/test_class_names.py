"""The two orders of the ImageNet classes."""

import re
import subprocess
import sys

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.networks import network_classes
from fringe.networks.class_names import (
    DEVKIT_ORDER,
    find_class,
    tensorflow_classes,
    tensorflow_to_torchvision,
    torchvision_classes,
    torchvision_to_tensorflow,
)

# Lines of the label list of TensorFlow's models of 2015, by number. The list has only names, so it
# is independent of the WordNet ids in which the order is stored.
LABELS = {
    **{1: "kit fox", 2: "English setter", 3: "Siberian husky", 4: "Australian terrier"},
    **{24: "African elephant", 50: "Cardigan", 77: "Irish wolfhound", 100: "proboscis monkey"},
    **{149: "Eskimo dog", 174: "tabby", 199: "Madagascar cat", 218: "wombat", 219: "revolver"},
    **{249: "half track", 298: "crib", 318: "Granny Smith", 332: "buckeye", 354: "oboe"},
    **{382: "chain saw", 383: "cock", 400: "great grey owl", 426: "American egret"},
    **{427: "little blue heron", 438: "European gallinule", 449: "tench", 450: "goldfish"},
    **{474: "triceratops", 501: "tailed frog", 502: "whistle", 532: "magnetic compass"},
    **{545: "crane", 573: "hard disc", 589: "seat belt", 600: "spider web", 612: "isopod"},
    **{646: "lycaenid", 658: "sea cucumber", 683: "barn", 700: "totem pole", 733: "beacon"},
    **{746: "mushroom", 782: "maillot", 817: "bow tie", 836: "cardigan", 848: "groom"},
    **{854: "mortarboard", 867: "lipstick", 889: "toilet tissue", 906: "washbasin"},
    **{930: "comic book", 954: "ballplayer", 982: "scuba diver", 999: "carbonara"},
    1000: "dumbbell",
}


def test_order_has_1000_different_wordnet_ids() -> None:
    ids = DEVKIT_ORDER.split()
    assert len(ids) == len(set(ids)) == 1000
    assert all(re.fullmatch(r"n\d{8}", identifier) for identifier in ids)


def test_columns_are_those_of_tensorflows_label_list() -> None:
    names = tensorflow_classes()
    assert len(names) == 1008
    assert {column: names[column] for column in LABELS} == LABELS


def test_empty_columns() -> None:
    names, indices = tensorflow_classes(), tensorflow_to_torchvision()
    empty = [0, *range(1001, 1008)]
    assert np.flatnonzero(indices < 0).tolist() == empty
    assert [names[column] for column in empty] == [f"(empty {column})" for column in empty]


@pytest.mark.parametrize(
    ("column", "index", "name"),
    [
        (429, 134, "crane bird"),
        (545, 517, "crane"),
        (50, 264, "Cardigan"),
        (836, 474, "cardigan"),
        (782, 638, "maillot"),
        (977, 639, "maillot tank suit"),
    ],
)
def test_classes_with_similar_names(column: int, index: int, name: str) -> None:
    assert tensorflow_to_torchvision()[column] == index
    assert tensorflow_classes()[column] == torchvision_classes()[index] == name


def test_the_two_orders_are_inverse_permutations() -> None:
    there, back = torchvision_to_tensorflow(), tensorflow_to_torchvision()
    assert there.shape == (1000,)
    assert back.shape == (1008,)
    np.testing.assert_array_equal(back[there], np.arange(1000))


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        *(("bow tie", 817), ("seat belt", 589), ("mortarboard", 854), ("lipstick", 867)),
        *(("Bow-Tie", 817), ("SEAT_BELT", 589), ("crane bird", 429), (545, 545), (0, 0)),
    ],
)
def test_classes_of_the_paper_are_found_by_name_or_number(wanted: str | int, number: int) -> None:
    assert find_class(wanted, tensorflow_classes()) == number


def test_a_class_is_found_by_any_synonym() -> None:
    names = ("tench, Tinca tinca", "bow tie, bow-tie, bowtie", "sea_lion")
    for wanted in ("bowtie", "Bow Tie", "bow tie, bow-tie, bowtie"):
        assert find_class(wanted, names) == 1
    assert find_class("sea lion", names) == 2
    assert find_class("tinca tinca", names) == 0


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("crane", r"'crane' may be 429 \(crane bird\), 545 \(crane\); give the number"),
        ("Cardigan", r"'Cardigan' may be 50 \(Cardigan\), 836 \(cardigan\)"),
        ("maillot", r"'maillot' may be 782 \(maillot\), 977 \(maillot tank suit\)"),
        ("bowtie", r"no class is called 'bowtie'; similar names are .*817 \(bow tie\)"),
        ("retriever", r"no class is called 'retriever'; .*\(golden retriever\)"),
        ("qqqq", "no class is called 'qqqq'; no name is similar"),
        (1008, "there is no class 1008; the classes are 0 to 1007"),
        (-1, "there is no class -1"),
    ],
)
def test_unknown_and_ambiguous_names_are_refused(wanted: str | int, message: str) -> None:
    with pytest.raises(FringeError, match=message):
        find_class(wanted, tensorflow_classes())


def test_names_are_those_of_torchvision_and_need_no_pytorch() -> None:
    from torchvision.models import ResNet50_Weights

    assert torchvision_classes() == tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"])
    assert network_classes("inception") == tensorflow_classes()
    assert network_classes("resnet50") == torchvision_classes()
    assert network_classes("clip") is None
    code = (
        "import sys; from fringe.networks import network_classes; "
        "assert network_classes('inception')[817] == 'bow tie'; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torchvision_is_imported_if_it_has_no_file_of_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = torchvision_classes()
    monkeypatch.setattr("fringe.networks.class_names._read_categories", lambda: ())
    assert torchvision_classes() == names
