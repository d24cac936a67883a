# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Tutorial: how much of an FID is class histogram?
#
# This page goes through the method of Fringe step by step, with few images. All images and
# networks come with Fringe or from the package registry. `fringe run` does the same with more
# images, stores each intermediate result, and draws the tables and figures.
#
# The page is a notebook: `docs/tutorial.py` in the repository, in the percent format of jupytext.
# `jupytext --to ipynb docs/tutorial.py` converts it.

# %% [markdown]
# ## 1. Images
#
# The real images are 250 crops of nine photographs. The generated images come from a *simulated*
# generator: crops of the same photographs with typical errors of a generator, such as blur, warps
# and rare scenes. There are 600 generated images. They are the *candidates*: each experiment
# draws some of them.
#
# Images are arrays of uint8 of shape (N, height, width, 3).

# %%
import matplotlib.pyplot as plt
import numpy as np

from fringe.sources import ImitationSource, PhotoSource

real_source = PhotoSource(250, 64, seed=1, framing="aligned")
candidate_source = ImitationSource(600, 64, seed=2, severity=0.8, framing="aligned")
real_images = real_source.read(range(250))
candidate_images = candidate_source.read(range(600))

figure, axes = plt.subplots(2, 8, figsize=(8, 2.2))
for row, images in zip(axes, (real_images, candidate_images), strict=True):
    for axis, image in zip(row, images, strict=False):
        axis.imshow(image)
        axis.axis("off")
axes[0, 0].set_title("real", loc="left")
axes[1, 0].set_title("generated", loc="left")
plt.show()

# %% [markdown]
# ## 2. Features
#
# A network turns images into feature vectors. FID is measured in the features of an ImageNet
# classifier. Here, it is EfficientNet-Lite0 with 1,280 features; the paper uses Inception-V3. The
# *control* is a network that was never trained on ImageNet: wavelet scattering with 64 features.
# It has no classes.
#
# Networks take uint8 images of shape (N, 3, height, width).

# %%
import torch

from fringe.networks import load_network

torch.set_num_threads(2)


def activations(network, images):
    """Return features and logits (None without a classifier) as float64 arrays."""
    batches = torch.from_numpy(images).permute(0, 3, 1, 2).split(50)
    outputs = [network(batch) for batch in batches]
    features = torch.cat([output.features for output in outputs]).double().numpy()
    if outputs[0].logits is None:
        return features, None
    return features, torch.cat([output.logits for output in outputs]).double().numpy()


classifier = load_network("efficientnet-lite0")
control = load_network("scattering-aligned")
real, real_logits = activations(classifier, real_images)
candidates, candidate_logits = activations(classifier, candidate_images)
real_control, _ = activations(control, real_images)
candidates_control, _ = activations(control, candidate_images)
print(real.shape, candidates.shape, real_control.shape)

# %% [markdown]
# ## 3. FID with its error
#
# FID is the Fréchet distance between two Gaussians. One is fitted to the real features, the other
# one to the generated features. `frechet_influence` returns FID and the influence of each image
# on it. The standard error follows from the influences. It covers the luck of the images. It does
# not cover another training of the generator.
#
# An image that is drawn several times counts as one image with a larger weight, not as several
# independent images. So `report` passes how often each candidate was drawn.

# %%
from fringe.metrics import frechet_influence

n = 200
rng = np.random.default_rng(0)


def report(name, drawn):
    """Print and return the distances of drawn candidates to the real images, with errors."""
    counts = np.bincount(drawn, minlength=len(candidates))
    found = []
    for ours, theirs in ((candidates, real), (candidates_control, real_control)):
        influence = frechet_influence(theirs, ours, counts)
        found += [influence.distance, influence.standard_error(counts)]
    print("{:<26} FID {:4.0f} ± {:2.0f}   control {:4.0f} ± {:2.0f}".format(name, *found))
    return found


at_random = report("at random", rng.choice(600, n, replace=False))

# %% [markdown]
# With so few images, FID is far too high: it falls as the number of images grows. So compare only
# FIDs of equal numbers of images.

# %% [markdown]
# ## 4. The same class histogram
#
# The classifier gives each image a most probable class (Top-1). `match_histogram` draws
# candidates so that each class is as frequent as among the real images. No image changes. If
# there are too few candidates of a class, some places stay empty. The fair comparison is with the
# same number of images drawn at random.

# %%
from fringe.resampling import match_histogram

match = match_histogram(real_logits.argmax(1), candidate_logits.argmax(1), n, seed=0)
filled = len(match.indices)
print(f"{filled} of {n} places are filled")
same_number = report("at random, the same number", rng.choice(600, filled, replace=False))
matched = report("Top-1 histogram matched", match.indices)
# %% [markdown]
# The fall of FID is about twice its error: 200 images are too few to measure this effect well. The
# demo draws 2,000 images and measures a fall of 10.5 % ([The demo](demo.md)).

# %% [markdown]
# ## 5. Optimized weights
#
# `optimize_weights` finds the probabilities of the candidates that make FID as low as possible.
# It also proves a lower bound: no other probabilities give a smaller value. Then `draw` draws
# images with these probabilities. The *effective sample size* is the number of equally weighted
# images that would vary as much.

# %%
from fringe.resampling import draw, optimize_weights

weights = optimize_weights(real, candidates, max_evaluations=60)
print(f"FID of the weighted candidates {weights.objective:.1f}, bound {weights.lower_bound:.1f}")
print(f"effective sample size {weights.effective_sample_size:.0f} of {len(candidates)}")

# %% [markdown]
# ## 6. Ask the control
#
# Both networks see the same drawn images.

# %%
weighted = report("optimized weights", draw(weights.probabilities, n, rng))

# %% [markdown]
# ## 7. The verdict
#
# By how much did each distance change, relative to the distance at random? `ratio_error` returns
# the standard error of a ratio of two numbers. It takes them as independent. Here they share the
# real images, so the error is approximate.
#
# The rule of Fringe is that a control *follows* FID if it falls by at least half as much.

# %%
from fringe.metrics import ratio_error


def change(before, before_error, after, after_error):
    """Return the relative change of a distance, and its standard error, in percent."""
    ratio = after / before
    return 100 * (ratio - 1), 100 * ratio_error(ratio, after_error, before, before_error)


fid_change, fid_error = change(*at_random[:2], *weighted[:2])
control_change, control_error = change(*at_random[2:], *weighted[2:])
print(f"FID      {fid_change:+.0f} ± {fid_error:.0f} %")
print(f"control  {control_change:+.0f} ± {control_error:.0f} %")
if control_change - 1.96 * control_error > fid_change / 2:
    print("The control does not follow: most of this gain in FID is seen by FID's network only.")
elif control_change + 1.96 * control_error < fid_change / 2:
    print("The control follows FID.")
else:
    print("The error of the control is too large for a verdict: draw more images.")

# %% [markdown]
# The images are the same in all three experiments; only the frequency of each image differs. So
# the fall of FID cannot come from better images.
#
# ## Next
#
# * [Is my gain real?](guide/is-my-gain-real.md) asks the same question with one command.
# * [What each number means](guide/numbers.md) explains the errors and their limits.
# * [Metrics](reference/metrics.md) and [Resampling](reference/resampling.md) document the
#   functions of this page.
