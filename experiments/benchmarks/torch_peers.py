"""The networks of this package in plain PyTorch, as a peer would write them: the same layers and sizes."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

N_CHANNELS, N_CLASSES = 32, 4


class Recurrent(nn.Module):
    """Convolution, pooling, recurrent layer, dense layer and output, of CNN-GRU and CNN-LSTM."""

    def __init__(self, kind: type[nn.GRU] | type[nn.LSTM], n_times: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(N_CHANNELS, 64, 7, padding=3)
        self.pooling = nn.MaxPool1d(16)
        self.recurrent = kind(64, 64, batch_first=True)
        self.dense = nn.Linear(n_times // 16 * 64, 64)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(64, N_CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of windows, shape (batch, n_times, n_channels)."""
        x = self.pooling(torch.relu(self.convolution(x.transpose(1, 2))))
        x, _ = self.recurrent(x.transpose(1, 2))
        return self.output(self.dropout(torch.relu(self.dense(x.flatten(1)))))


class Block(nn.Module):
    """A residual block of two causal convolutions, with what it skips."""

    def __init__(self, n_inputs: int, filters: int, length: int, dilation: int) -> None:
        super().__init__()
        self.pad = (length - 1) * dilation
        self.convolutions = nn.ModuleList(nn.Conv1d(n, filters, length, dilation=dilation) for n in (n_inputs, filters))
        self.norms = nn.ModuleList(nn.LayerNorm(filters, eps=1e-3) for _ in range(2))
        self.dropout = nn.Dropout1d(0.05)
        self.match = nn.Conv1d(n_inputs, filters, 1) if n_inputs != filters else nn.Identity()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the block's output and what goes past the others, shape (batch, filters, n_times)."""
        y = x
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            y = convolution(nn.functional.pad(y, (self.pad, 0)))
            y = self.dropout(torch.relu(norm(y.transpose(1, 2)).transpose(1, 2)))
        y = torch.relu(y)
        return torch.relu(self.match(x) + y), y


class Temporal(nn.Module):
    """The TCN: blocks of dilation 1, 2 and 4, their skips added and averaged over time."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((N_CHANNELS, 1), (24, 2), (24, 4))
        self.blocks = nn.ModuleList(Block(n_inputs, 24, 11, dilation) for n_inputs, dilation in sizes)
        self.output = nn.Linear(24, N_CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of windows, shape (batch, n_times, n_channels)."""
        x, skips = x.transpose(1, 2), []
        for block in self.blocks:
            x, skip = block(x)
            skips.append(skip)
        return self.output(torch.stack(skips).sum(0).mean(-1))


def network(name: str, n_times: int) -> nn.Module:
    """Make a network by the name that it has in this package."""
    if name == "tcn":
        return Temporal()
    return Recurrent({"cnn-gru": nn.GRU, "cnn-lstm": nn.LSTM}[name], n_times)


def seconds_of_a_step(
    name: str, strip: np.ndarray, starts: np.ndarray, y: np.ndarray, *, n_times: int, batch_size: int, n_steps: int
) -> float:
    """Train one network, all samples on the device, and return the seconds of a step after the first ones.

    Parameters
    ----------
    name : str
        Of the network.
    strip : array, shape (n_samples, n_channels)
        What windows are gathered from.
    starts, y : array of int, shape (n_windows,)
        First samples of the windows, and their classes.
    n_times, batch_size, n_steps : int
        Samples of a window, windows of a batch, and batches that are timed.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = network(name, n_times).to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    samples = torch.from_numpy(strip).to(device)
    first, target = torch.from_numpy(starts).to(device), torch.from_numpy(y).to(device)
    shift, scale = samples[:500_000].median(0).values, 1 / samples[:500_000].std(0)
    within = torch.arange(n_times, device=device)

    def step() -> None:
        number = torch.randint(len(first), (batch_size,), device=device)
        x = (samples[first[number, None] + within] - shift) * scale
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x), target[number]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(max(5, n_steps // 10)):
        step()
    wait()
    started = time.perf_counter()
    for _ in range(n_steps):
        step()
    wait()
    return (time.perf_counter() - started) / n_steps


def n_parameters(name: str, n_times: int) -> int:
    """Count the weights of a network."""
    return sum(one.numel() for one in network(name, n_times).parameters())
