"""The loop that most public code trains with: torchvision transforms in a DataLoader, eager fp32, SGD."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from experiments.data.split import Images, Split

CHANNEL_MEAN, CHANNEL_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of CIFAR-10's training images


class PillowImages(Dataset):
    """As torchvision's CIFAR10: an image is made a Pillow image, transformed, and returned with its label."""

    def __init__(self, data: Split, crop_padding: int = 4) -> None:
        self.images = data.images.permute(0, 2, 3, 1).numpy()
        self.labels = data.labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(self.images.shape[1], padding=crop_padding),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(CHANNEL_MEAN, CHANNEL_STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


class UsualLoop:
    """`block(steps)` trains `steps` steps and returns the seconds they took."""

    def __init__(self, net: nn.Module, data: Images, device: str, batch: int, workers: int) -> None:
        self.net, self.device = net.to(device).train(), device
        self.optimiser = torch.optim.SGD(self.net.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
        self.criterion = nn.CrossEntropyLoss()
        self.loader = DataLoader(
            PillowImages(data.first(len(data.labels))),
            batch,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            pin_memory=device == "cuda",
            persistent_workers=workers > 0,
        )
        self.batches = self._endless()

    def _endless(self) -> Iterator[Sequence[torch.Tensor]]:
        while True:
            yield from self.loader

    def block(self, steps: int) -> float:
        # PyTorch's defaults, which ours changes and such loops do not
        torch.use_deterministic_algorithms(False)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True
        started = time.perf_counter()
        running_loss = 0.0
        for images, labels in itertools.islice(self.batches, steps):
            images, labels = images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)
            self.optimiser.zero_grad()
            loss = self.criterion(self.net(images), labels)
            loss.backward()
            self.optimiser.step()
            running_loss += loss.item()  # waits for the device, as such loops do
        return time.perf_counter() - started
