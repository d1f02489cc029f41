"""How a net is trained, as data: the fields of a recipe, and the papers' recipes.

What a paper states is in `analysis.published.recipes`; here our choices are added where it is silent, and comments
list what the fields cannot express. `with_epochs` shortens a recipe; milestones and warm-up keep their shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from analysis.published import recipes as published

CIFAR, IMAGENET = 50_000, 1_281_167  # training images


@dataclass(frozen=True)
class Recipe:
    """How a net is trained; the defaults are He et al.'s recipe for CIFAR (2015, section 4.2; 2016, appendix).

    iterations: optimiser steps. Batches cross epoch boundaries, so all of them are full.
    milestones: shares of the iterations after which gamma multiplies the learning rate (32k and 48k of 64k).
    schedule: a row of `experiments.training.schedule.SCHEDULES`: milestones, cosine, linear, one_cycle. The last
        three end at learning_rate * final_factor.
    warmup, warmup_factor, warmup_shape: share of the iterations at learning_rate * warmup_factor (400 of 64k), or,
        "linear", rising from there to learning_rate.
    optimiser: a row of `experiments.training.optimisers.OPTIMISERS`: sgd; rmsprop (TensorFlow's) with rmsprop_decay
        and rmsprop_eps; adam, adamw, nadam, radam with adam_beta2 and adam_eps. `momentum` is also Adam's beta1.
    decay: a row of `experiments.training.optimisers.DECAYED`, what weight decay reaches: "conv" weights (He et al., by
        fb.resnet.torch's notes), "weights" of convolutions and linear layers, those "not_depthwise" (Howard et al.
        2017), or "all" parameters.
    clip_norm: largest norm of the gradient of all parameters together; larger gradients are scaled down to it.
    ema: decay of the exponential moving average of the weights; it is evaluated in place of the weights.
    mixup, cutmix: alpha of the Beta(alpha, alpha) that images and labels of a batch are mixed by (Zhang et al. 2018,
        Yun et al. 2019); with both, each batch takes one of them.
    rand_augment, rand_augment_magnitude: operations per image (0: none) and their strength from 0 to 30 (Cubuk et al.
        2020). They come before crop, flip and normalisation.
    random_erasing: probability that a rectangle of an image is set to the mean (Zhong et al. 2020).
    label_smoothing: share of a label that is spread evenly over all classes (Szegedy et al. 2015, section 7).
    aux_weight: weight of each auxiliary head's loss, in a net that has such heads (Szegedy et al. 2014: 0.3).
    crop_padding, flip: zero padding before a random crop, and random mirroring, of normalised images.
    crop_size: side in pixels of a random training crop and of the tested centre crop; None: the whole image's.
    crop_area: smallest and largest share of the image's area that a training crop has, at an aspect ratio of 3/4 to
        4/3, resized to crop_size (Szegedy et al. 2014, section 6); such crops are not padded.
    pca_noise: standard deviation of AlexNet's PCA colour noise (Krizhevsky et al. 2012: 0.1).
    test_crops: what is tested of an image: a "single" crop, or "ten": the corners and the centre, and their mirror
        images.
    bn_groups: equal parts of each batch, as on so many devices: every part has its own BN statistics, and those of the
        first go into the running statistics. None: statistics of the whole batch, on any number of devices.
    init: rule of the initial weights; None: the one of the net's paper (`net.init`).
    """

    iterations: int = 64_000
    batch_size: int = 128
    learning_rate: float = 0.1
    milestones: tuple[float, ...] = (0.5, 0.75)
    gamma: float = 0.1
    warmup: float = 400 / 64_000
    warmup_factor: float = 0.1
    schedule: str = "milestones"
    final_factor: float = 0.0
    warmup_shape: Literal["constant", "linear"] = "constant"
    optimiser: str = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    rmsprop_decay: float = 0.9
    rmsprop_eps: float = 1.0
    adam_beta2: float = 0.999
    adam_eps: float = 1e-8
    weight_decay: float = 1e-4
    decay: str = "conv"
    clip_norm: float | None = None
    ema: float | None = None
    label_smoothing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    rand_augment: int = 0
    rand_augment_magnitude: int = 9
    random_erasing: float = 0.0
    aux_weight: float = 0.3
    crop_padding: int = 4
    flip: bool = True
    crop_size: int | None = None
    crop_area: tuple[float, float] | None = None
    pca_noise: float = 0.0
    test_crops: Literal["single", "ten"] = "single"
    bn_groups: int | None = None
    init: str | None = None
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"


def with_choices(stated: published.Settings, **chosen: Any) -> Recipe:
    """What a paper states, and our choices where it is silent. A field in both is a TypeError."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()
    }
    return Recipe(**fields, **chosen)


def iterations_of(images: int, epochs: float, batch_size: int) -> int:
    """Iterations in a number of passes over a number of images."""
    return round(epochs * images / batch_size)


def every(epochs: float, total: float) -> tuple[float, ...]:
    """Milestones every `epochs` epochs of a training of `total` epochs."""
    return tuple(epochs * k / total for k in range(1, round(total / epochs)))


HE2016_CIFAR = with_choices(published.HE_CIFAR)

# "Divided by 10 when the error plateaus": here at epochs 30 and 60, as in He et al. 2016. Images are kept at one size
# (256 on the short side), not at random ones in [256, 480], so crops need no padding.
HE2015_IMAGENET = with_choices(published.HE_IMAGENET, milestones=(0.25, 0.5), warmup=0.0, crop_padding=0)

# "Roughly 90 cycles"; "divided by 10 when the validation error stopped improving", three times: here after each
# quarter. Which parameters decay is not said: here the weights of convolutions and linear layers.
ALEXNET_2012 = with_choices(
    published.ALEXNET,
    iterations=iterations_of(IMAGENET, 90, batch_size=128),
    milestones=(0.25, 0.5, 0.75),
    warmup=0.0,
    decay="weights",
    crop_padding=0,
)

# 140 epochs, 10 at a tenth and 10 at a hundredth of the rate (of which the first 100 without the fifth batch).
# cuda-convnet has rate 0.002 for biases, decay 0.004 in the layers after conv2 (0.01 in the last one of the 11 % net)
# and none in conv1 and conv2, and pixels of 0 to 255 with initial weights to match: here one rate, one decay on all
# weights, and pixels of 0 to 1.
CUDA_CONVNET = with_choices(
    published.CUDA_CONVNET,
    milestones=(140 / 160, 150 / 160),
    warmup=0.0,
    weight_decay=0.004,
    decay="weights",
    crop_padding=0,
)

# The paper states the rate's decay (4 % every 8 epochs), the crops, and averaged weights without their decay. Batch
# and rate are those of the "Inception" of Ioffe & Szegedy 2015, section 4.2; length and weight decay (that of
# INCEPTION_V3) are our choices. One device, not asynchronous replicas; no photometric distortions; a single crop, not
# 144.
GOOGLENET = with_choices(
    published.GOOGLENET,
    iterations=iterations_of(IMAGENET, 96, batch_size=32),
    batch_size=32,
    learning_rate=0.0015,
    milestones=every(8, total=96),
    warmup=0.0,
    weight_decay=4e-5,
    decay="weights",
    ema=0.9999,
    crop_padding=0,
)

# Also in the paper, but not in every table's recipe: RMSProp, 100 epochs with the rate falling every two, gradients
# clipped at 2, averaged weights, label smoothing 0.1, 50 replicas of batch 32 (here one device). Not in the paper:
# RMSProp's momentum, the decay of the EMA and the weight of the auxiliary loss (those of TensorFlow's code), the
# weight decay (4e-5 by Chollet 2017).
INCEPTION_V3 = with_choices(
    published.INCEPTION,
    iterations=iterations_of(IMAGENET, 100, batch_size=32),
    batch_size=32,
    milestones=every(2, total=100),
    warmup=0.0,
    optimiser="rmsprop",
    weight_decay=4e-5,
    decay="weights",
    clip_norm=2.0,
    ema=0.9999,
    label_smoothing=0.1,
    aux_weight=0.4,
    crop_padding=0,
    crop_size=299,
    crop_area=(0.08, 1.0),
)

# Weight decay reaches all parameters, as in the authors' Torch code.
DENSENET_CIFAR = with_choices(published.DENSENET, warmup=0.0, decay="all")

# Crops and colours of fb.resnet.torch (whose jitter of brightness, contrast and saturation is left out); a single
# crop is tested.
DENSENET_IMAGENET = with_choices(
    published.DENSENET_IMAGENET,
    warmup=0.0,
    decay="all",
    crop_padding=0,
    crop_size=224,
    crop_area=(0.08, 1.0),
    pca_noise=0.1,
)

# "RMSprop with asynchronous gradient descent similar to Inception V3", no label smoothing, fewer small crops, little
# or no decay on depthwise filters. Rate, batch and epochs are not given: those of INCEPTION_V3; the smallest crop is
# our choice.
MOBILENET = with_choices(
    published.MOBILENET,
    iterations=INCEPTION_V3.iterations,
    batch_size=INCEPTION_V3.batch_size,
    learning_rate=INCEPTION_V3.learning_rate,
    milestones=INCEPTION_V3.milestones,
    gamma=INCEPTION_V3.gamma,
    warmup=INCEPTION_V3.warmup,
    weight_decay=INCEPTION_V3.weight_decay,
    decay="not_depthwise",
    clip_norm=INCEPTION_V3.clip_norm,
    ema=INCEPTION_V3.ema,
    crop_padding=0,
    crop_size=224,
    crop_area=(0.35, 1.0),
)

# Images as they are, a constant rate, no weight decay.
LECTURE_MNIST = with_choices(
    published.LECTURES, milestones=(), warmup=0.0, weight_decay=0.0, crop_padding=0, flip=False
)
