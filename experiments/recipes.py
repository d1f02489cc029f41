"""How a net is trained, as data: the fields of a recipe, and the papers' recipes.

Lengths are in the papers' own unit, passes over ImageNet's or CIFAR's training images; `with_epochs` shortens them,
and drops and warm-up keep their shares. What a recipe cannot say, or a paper does not, stands above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nets.layers import Init

CIFAR, IMAGENET, MNIST = 50_000, 1_281_167, 60_000  # training images


@dataclass(frozen=True)
class Recipe:
    """How a net is trained; the defaults are He et al.'s recipe for CIFAR (2015, section 4.2; 2016, appendix).

    iterations: optimiser steps; batches run on over the ends of epochs, so all are full.
    milestones: shares of the iterations after which gamma multiplies the learning rate (32k, 48k of 64k).
    warmup: share of the iterations at learning_rate * warmup_factor (400 of 64k).
    optimiser: SGD, or RMSProp as TensorFlow has it, with rmsprop_decay and rmsprop_eps; both take `momentum`.
    decay: what weight decay reaches: "conv" weights (the paper's authors, by fb.resnet.torch's notes), "weights"
        of convolutions and linear layers, those "not_depthwise" (Howard et al. 2017), or "all" parameters.
    clip_norm: largest norm of the gradient of all parameters together; larger ones are scaled down to it.
    ema: decay of the exponential moving average of the weights that is evaluated in their place.
    label_smoothing: share of a label that goes to all classes alike (Szegedy et al. 2015, section 7).
    aux_weight: of each auxiliary head's loss, in a net that has heads (Szegedy et al. 2014: 0.3).
    crop_padding, flip: zero padding ahead of a random crop, and random mirroring, of normalised images.
    crop_size: side of a random training crop in pixels, and of the centre that is tested; None: the image's.
    crop_area: smallest and largest share of the image's area that a training crop has, at an aspect of 3/4 to 4/3,
        resized to crop_size (Szegedy et al. 2014, section 6); such crops are not padded.
    pca_noise: standard deviation of the draws of AlexNet's colour noise (Krizhevsky et al. 2012: 0.1).
    test_crops: of a test image: the "single" one, or "ten": corners and centre of crop_size, and their mirror images.
    init: None: the rule of the net's paper (`net.init`).
    """

    iterations: int = 64_000
    batch_size: int = 128
    learning_rate: float = 0.1
    milestones: tuple[float, ...] = (0.5, 0.75)
    gamma: float = 0.1
    warmup: float = 400 / 64_000
    warmup_factor: float = 0.1
    optimiser: Literal["sgd", "rmsprop"] = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    rmsprop_decay: float = 0.9
    rmsprop_eps: float = 1.0
    weight_decay: float = 1e-4
    decay: Literal["conv", "weights", "not_depthwise", "all"] = "conv"
    clip_norm: float | None = None
    ema: float | None = None
    label_smoothing: float = 0.0
    aux_weight: float = 0.3
    crop_padding: int = 4
    flip: bool = True
    crop_size: int | None = None
    crop_area: tuple[float, float] | None = None
    pca_noise: float = 0.0
    test_crops: Literal["single", "ten"] = "single"
    init: Init | None = None
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"


def epochs_of(images: int, epochs: float, batch_size: int) -> int:
    """Iterations in so many passes over so many images."""
    return round(epochs * images / batch_size)


def every(epochs: float, of: float) -> tuple[float, ...]:
    """The drops of a rate that falls every so many epochs of a training of `of` epochs."""
    return tuple(epochs * k / of for k in range(1, round(of / epochs)))


# He et al. 2015, section 4.2, and 2016, appendix: SGD with momentum 0.9, batch 128, learning rate 0.1 divided by
# 10 at 32k and 48k of 64k iterations, 0.01 for the first 400, decay 1e-4, pad-4 crops and flips.
HE2016_CIFAR = Recipe()

# He et al. 2015, section 3.4: batch 256, up to 60 x 10^4 iterations, AlexNet's colours, ten views (Tables 2 and 3).
# "Divided by 10 when the error plateaus": here at epochs 30 and 60, as in He et al. 2016. Images are kept at one
# size (256 on the short side), not at random ones in [256, 480].
HE2015_IMAGENET = Recipe(
    iterations=600_000,
    batch_size=256,
    milestones=(0.25, 0.5),
    warmup=0.0,
    crop_padding=0,
    crop_size=224,
    pca_noise=0.1,
    test_crops="ten",
)

# Krizhevsky et al. 2012, sections 4 and 5: about 90 epochs, 224 of 256 pixels, ten views. "Divided by 10 when the
# validation error stopped improving", three times: here after each quarter.
ALEXNET_2012 = Recipe(
    iterations=epochs_of(IMAGENET, 90, batch_size=128),
    batch_size=128,
    learning_rate=0.01,
    milestones=(0.25, 0.5, 0.75),
    warmup=0.0,
    weight_decay=5e-4,
    decay="weights",
    crop_padding=0,
    crop_size=224,
    pca_noise=0.1,
    test_crops="ten",
)

# cuda-convnet, layers-conv-local-13pct: 140 epochs, 10 at a tenth and 10 at a hundredth of the rate (of which the
# first 100 without the fifth batch). It has rate 0.002 for biases, decay 0.004 in the layers behind conv2 (0.01 in
# the last one of the 11 % net) and none in conv1 and conv2, and pixels of 0 to 255 with initial weights to suit:
# here one rate, one decay on all weights, and pixels of 0 to 1.
CUDA_CONVNET = Recipe(
    iterations=epochs_of(CIFAR, 160, batch_size=128),
    batch_size=128,
    learning_rate=0.001,
    milestones=(140 / 160, 150 / 160),
    warmup=0.0,
    weight_decay=0.004,
    decay="weights",
    crop_padding=0,
    crop_size=24,
    test_crops="ten",
)

# Szegedy et al. 2014, section 6: momentum 0.9, rate - 4 % every 8 epochs, averaged weights, crops of 8 to 100 % of the
# area. Batch and rate are those of the "Inception" of Ioffe & Szegedy 2015, section 4.2; length and weight decay
# (that of INCEPTION_V3) are our choices. One device, not asynchronous replicas; no photometric distortions; one
# view, not 144.
GOOGLENET = Recipe(
    iterations=epochs_of(IMAGENET, 96, batch_size=32),
    batch_size=32,
    learning_rate=0.0015,
    milestones=every(8, of=96),
    gamma=0.96,
    warmup=0.0,
    weight_decay=4e-5,
    decay="weights",
    ema=0.9999,
    crop_padding=0,
    crop_size=224,
    crop_area=(0.08, 1.0),
)

# Szegedy et al. 2015, section 8: RMSProp, rate 0.045 falling to 0.94 of itself every two of 100 epochs, gradients
# clipped at 2, averaged weights, label smoothing 0.1. One device, not 50 replicas of batch 32. Not in the paper:
# RMSProp's momentum, the decay of the average and the weight of the auxiliary loss (those of TensorFlow's code), the
# weight decay (4e-5 by Chollet 2017).
INCEPTION_V3 = Recipe(
    iterations=epochs_of(IMAGENET, 100, batch_size=32),
    batch_size=32,
    learning_rate=0.045,
    milestones=every(2, of=100),
    gamma=0.94,
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

# Huang et al. 2017, section 4.2: batch 64, 300 epochs, rate 0.1 divided by 10 at 50 % and 75 %, Nesterov. Decay
# reaches all parameters, as in the authors' Torch code.
DENSENET_CIFAR = Recipe(
    iterations=epochs_of(CIFAR, 300, batch_size=64),
    batch_size=64,
    warmup=0.0,
    nesterov=True,
    decay="all",
)

# Huang et al. 2017, section 4.2: batch 256, 90 epochs, rate divided by 10 at 30 and 60; crops and colours of
# fb.resnet.torch (whose jitter of brightness, contrast and saturation is left out); one view.
DENSENET_IMAGENET = Recipe(
    iterations=epochs_of(IMAGENET, 90, batch_size=256),
    batch_size=256,
    milestones=(1 / 3, 2 / 3),
    warmup=0.0,
    nesterov=True,
    decay="all",
    crop_padding=0,
    crop_size=224,
    crop_area=(0.08, 1.0),
    pca_noise=0.1,
)

# Howard et al. 2017, section 3.2: "RMSprop with asynchronous gradient descent similar to Inception V3", no label
# smoothing, fewer small crops, little or no decay on depthwise filters. Rate, batch and epochs are not given: those of
# INCEPTION_V3; the smallest crop is our choice.
MOBILENET = Recipe(
    iterations=epochs_of(IMAGENET, 100, batch_size=32),
    batch_size=32,
    learning_rate=0.045,
    milestones=every(2, of=100),
    gamma=0.94,
    warmup=0.0,
    optimiser="rmsprop",
    weight_decay=4e-5,
    decay="not_depthwise",
    clip_norm=2.0,
    ema=0.9999,
    crop_padding=0,
    crop_size=224,
    crop_area=(0.35, 1.0),
)

# The lectures on MNIST: batch 64, SGD at 0.01 with momentum 0.5, 10 epochs, images as they are.
LECTURE_MNIST = Recipe(
    iterations=epochs_of(MNIST, 10, batch_size=64),
    batch_size=64,
    learning_rate=0.01,
    milestones=(),
    warmup=0.0,
    momentum=0.5,
    weight_decay=0.0,
    crop_padding=0,
    flip=False,
)
