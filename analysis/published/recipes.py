"""The recipes behind the published tables, in the words of the runs' configs: what the papers state, and no more.

`experiments.recipes` builds its recipes from these and adds our choices where a paper is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, Any]

# He et al. 2015, section 4.2, and 2016, appendix.
HE_CIFAR: Settings = {
    "iterations": 64_000,
    "batch_size": 128,
    "learning_rate": 0.1,
    "milestones": [0.5, 0.75],
    "gamma": 0.1,
    "warmup": 400 / 64_000,
    "warmup_factor": 0.1,
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": 1e-4,
    "crop_padding": 4,
    "flip": True,
}
# He et al. 2015, section 3.4.
HE_IMAGENET: Settings = {
    "iterations": 600_000,
    "batch_size": 256,
    "learning_rate": 0.1,
    "gamma": 0.1,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "crop_size": 224,
    "flip": True,
    "pca_noise": 0.1,
    "test_crops": "ten",
}
# The comparison's logs: 200 epochs of 50,000 images.
SRIVASTAVA: Settings = {
    "iterations": 78_125,
    "batch_size": 128,
    "learning_rate": 0.1,
    "milestones": [0.5, 0.75],
    "weight_decay": 1e-4,
}
# Krizhevsky et al. 2012, sections 4 and 5.
ALEXNET: Settings = {
    "batch_size": 128,
    "learning_rate": 0.01,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "crop_size": 224,
    "flip": True,
    "pca_noise": 0.1,
    "test_crops": "ten",
}
# cuda-convnet's layers-conv-local-13pct.
CUDA_CONVNET: Settings = {
    "iterations": 62_500,
    "batch_size": 128,
    "learning_rate": 0.001,
    "momentum": 0.9,
    "crop_size": 24,
    "flip": True,
    "test_crops": "ten",
}
# Krizhevsky et al. 2012, Figure 1: no regularisation of any kind.
FIGURE_1: Settings = {"weight_decay": 0.0, "crop_padding": 0, "flip": False}
# Szegedy et al. 2014, section 6.
GOOGLENET: Settings = {"momentum": 0.9, "gamma": 0.96, "crop_size": 224, "crop_area": [0.08, 1.0]}
# Szegedy et al. 2015, section 8; 2016, section 4, has the same but for the clipping.
INCEPTION: Settings = {"learning_rate": 0.045, "gamma": 0.94, "rmsprop_decay": 0.9, "rmsprop_eps": 1.0}
# Huang et al. 2017, section 4.2: 300 epochs of 50,000 images.
DENSENET: Settings = {
    "iterations": 234_375,
    "batch_size": 64,
    "learning_rate": 0.1,
    "milestones": [0.5, 0.75],
    "gamma": 0.1,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 1e-4,
    "crop_padding": 4,
    "flip": True,
}
# Huang et al. 2017, section 4.2, on ImageNet: 90 epochs of 1,281,167 images, divided by 10 at epochs 30 and 60.
DENSENET_IMAGENET: Settings = {
    "iterations": 450_410,
    "batch_size": 256,
    "learning_rate": 0.1,
    "milestones": [1 / 3, 2 / 3],
    "gamma": 0.1,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 1e-4,
}
# Howard et al. 2017, section 3.2.
MOBILENET: Settings = {"optimiser": "rmsprop", "label_smoothing": 0.0}
# Liu Er, lectures 10 and 11: 10 epochs of 60,000 images.
LECTURES: Settings = {"iterations": 9_375, "batch_size": 64, "learning_rate": 0.01, "momentum": 0.5}

RECIPES: Mapping[str, Settings] = {
    "he2016_table1": HE_CIFAR,
    "he2016_table2": HE_CIFAR,
    "he2016_table3": HE_CIFAR,
    "he2015_table6": HE_CIFAR,
    "he2015_table3": HE_IMAGENET,
    "srivastava_highway": SRIVASTAVA,
    "krizhevsky2012_cifar": CUDA_CONVNET,
    "krizhevsky2012_parts": ALEXNET,
    "krizhevsky2012_figure1": FIGURE_1,
    "szegedy2014_module": GOOGLENET,
    "szegedy2014_aux": GOOGLENET,
    "szegedy2015_table3": INCEPTION,
    "szegedy2016_table2": INCEPTION,
    "huang2017_table2": DENSENET,
    "howard2017_tables4to7": MOBILENET,
    "mnist_lectures": LECTURES,
}
