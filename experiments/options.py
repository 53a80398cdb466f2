"""What every experiment shares: its options, how its work is carried out, and its command line."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import tyro
from rich.console import Console
from rich.progress import Progress
from sklearn.base import BaseEstimator

from eegemo import (
    ConfigError,
    DataFormatError,
    LabelScheme,
    Results,
    Windows,
    benchmark,
    cluster,
    make_model,
)
from eegemo.evaluation import Splitter
from eegemo.networks import NETWORKS

C = TypeVar("C")


@dataclass(frozen=True)
class Output:
    """Where an experiment writes, and how much."""

    out: Path = Path("results")
    """Where the page goes."""
    tables: bool = False
    """Write every table of the page as CSV, Markdown and LaTeX too, into the folder tables/."""


@dataclass(frozen=True)
class Options(Output):
    """What can be set in every experiment that evaluates models."""

    out: Path = Path("results")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""
    seed: int = 0
    """Of the splits and the models."""
    n_jobs: int = -1
    """Folds at a time, each on one thread; -1 is as many as there are cores."""
    cluster: str | None = None
    """Address of a Dask scheduler (tcp://host:8786) whose workers run the folds."""
    n_permutations: int | Literal["auto"] = "auto"
    """How often labels are permuted and every model is trained anew, for the p of tables; auto is 199 of networks on an
    accelerator, with KERAS_BACKEND=jax, and none elsewhere or in a quick run: there p is of predictions kept."""
    smoke: bool = False
    """A quick run of one epoch, to see that everything works; its numbers mean nothing."""

    def named(self, models: Iterable[str], **of_networks: Any) -> dict[str, BaseEstimator]:
        """Make models by their names; settings that only networks have, such as epochs, are not a classical one's."""
        of_networks = {name: value for name, value in of_networks.items() if value is not None}
        of_networks |= {"epochs": 1} if self.smoke else {}
        return {
            name: make_model(name, random_state=self.seed, **(of_networks if name in NETWORKS else {}))
            for name in models
        }

    def benchmark(
        self,
        models: dict[str, BaseEstimator],
        windows: Windows,
        scheme: LabelScheme,
        splitters: Sequence[Splitter],
        controls: Sequence[str] = (),
        *,
        controlled: Collection[str] | None = None,
        out: Path | None = None,
        console: Console | None = None,
    ) -> list[Results]:
        """Evaluate every model under every protocol, and controls, with a bar, on a cluster where there is one."""
        with cluster(self.cluster), Progress(console=console) as progress:
            return benchmark(
                models,
                windows,
                scheme,
                splitters,
                controls,
                controlled=controlled,
                n_permutations=0 if self.smoke and self.n_permutations == "auto" else self.n_permutations,
                n_jobs=self.n_jobs,
                runs=(out or self.out) / "runs",
                progress=progress,
                smoke=self.smoke,
            )


def real_data(given: Path | None, name: str, source: str) -> Path:
    """Return the folder of a real set: the one given, or the one of that name among the real recordings."""
    if given is not None:
        return given
    folder = os.environ.get("EEGEMO_REAL_DATA")
    if not folder:
        raise ConfigError(
            f"No recordings: give --data the folder of {source}, or set EEGEMO_REAL_DATA to the folder that holds "
            f"{name}/."
        )
    return Path(folder) / name


def real_sets_folder(given: Path | None) -> Path:
    """Return the folder of all real sets: the one given, or what the environment names."""
    folder = given or os.environ.get("EEGEMO_REAL_DATA")
    if not folder:
        raise ConfigError("No recordings: give --data, or set EEGEMO_REAL_DATA, to the folder with dasps/, eegmat12/.")
    return Path(folder)


def main(options: Callable[..., C], run: Callable[[C], object]) -> None:
    """Run an experiment from the command line; what cannot be used is said in one line."""
    try:
        run(tyro.cli(options, description=inspect.getmodule(run).__doc__))
    except (ConfigError, DataFormatError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the folds that were finished are kept, and the same command goes on with the others")
