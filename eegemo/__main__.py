"""The command line: ``python -m eegemo simulate``, ``info``, ``prepare``, ``audit``, ``report``, ``export``, ..."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from eegemo import (
    DEAP_PREPROCESSING,
    ConfigError,
    DataFormatError,
    LabelScheme,
    Preprocessing,
    audit_split,
    load,
    load_deap,
    load_deap_raw,
    prepare_recordings,
    quadrants,
    read_bids_events,
    write_simulated,
    write_simulated_raw,
    write_simulated_release,
)
from eegemo._commands.exporting import Export
from eegemo._commands.live import Live
from eegemo._commands.predicting import Predict
from eegemo._paths import as_path
from eegemo.copies import in_words
from eegemo.datasets import dataset, recognise
from eegemo.datasets.deap_raw import deap_recordings, raw_subjects
from eegemo.datasets.recordings import listed_files, listed_recordings
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.errors import naming
from eegemo.evaluation.leakage import mean_leakage, verdict
from eegemo.evaluation.run_folder import find_runs, how_far, read_card, read_results
from eegemo.evaluation.split_files import read_split

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

C = TypeVar("C", bound="DataclassInstance")


@dataclass(frozen=True)
class Simulate:
    """Write simulated people as a published dataset: DEAP (100 MB each preprocessed, twice 250 MB raw), or another."""

    out: tyro.conf.Positional[Path]
    """Folder to write into."""
    subjects: int = 4
    """How many people."""
    format: Literal["python", "matlab", "raw", "dreamer", "seed", "seed-iv", "amigos", "gameemo", "faced"] = "python"
    """Of DEAP, s01.dat as Python 2 pickled it, s01.mat, or s01.bdf with artefacts beside its clean twin; or the files
    of another dataset."""
    effect: float = DEFAULT_EFFECT
    """Change of a rhythm's log-amplitude with a rating; 0 for none."""
    seed: int = DEFAULT_SEED
    """The same seed gives the same bytes."""

    def run(self, console: Console) -> None:
        """Write the files, with a progress bar."""
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("simulating", total=self.subjects)
            write: Callable[..., list[Path]] = write_simulated_raw
            if self.format in ("python", "matlab"):
                write = partial(write_simulated, format=self.format)
            elif self.format != "raw":
                write = partial(write_simulated_release, name=self.format)
            written = write(
                self.out,
                subjects=self.subjects,
                effect=self.effect,
                random_state=self.seed,
                on_written=lambda _: progress.update(bar, advance=1),
            )
        place = written[0].parent if self.format in ("python", "matlab", "raw") else self.out
        console.print(f"Wrote {self.subjects} simulated people to {place}")


@dataclass(frozen=True)
class Info:
    """Read a folder of a published dataset, and say what is in it."""

    folder: tyro.conf.Positional[Path]
    """As it was published, unpacked; of DEAP data_preprocessed_python, data_preprocessed_matlab or data_original."""
    dataset: str | None = None
    """Its name, where its files do not say."""
    cache: Path | None = None
    """Where the prepared recordings are kept."""

    def run(self, console: Console) -> None:
        """Load the recordings, with every check, and print trials and classes."""
        name = self.dataset or recognise(self.folder)
        with console.status("reading"):
            record, trials = dataset(name), load(self.folder, name, cache=self.cache)
        console.print(repr(trials))
        console.print(f"{record.name}: {record.labels}. {record.source}; {record.licence}.", soft_wrap=True)
        if record.caution:
            console.print(record.caution, soft_wrap=True)
        table = Table("rule", Column("trials of each class", overflow="fold"))
        first = record.schemes[0]
        tied: list[LabelScheme] = []
        if first.threshold is not None and first.columns == quadrants().columns:
            tied = [quadrants(first.threshold, "high"), quadrants(first.threshold, "drop")]
        for scheme in (first, *tied, *record.schemes[1:]):
            y = scheme(scheme.select(trials))
            counts = (f"{kind} {(y == number).sum()}" for number, kind in enumerate(scheme.classes))
            table.add_row(scheme.name, ", ".join(counts))
        console.print(table)
        if name.startswith("deap") and not trials.simulated and trials.table["subject"].nunique() == 32:
            console.print("All 32 people of DEAP give 439, 269, 298 and 274 by the first rule.")


@dataclass(frozen=True)
class Prepare:
    """Prepare recordings once, for everything that follows, and say what was done to them.

    SOURCE is DEAP's data_original (s01.bdf ...), its preprocessed release, a table of trials (.csv or .tsv with the
    columns file, subject, onset, duration), or BIDS events (a file, or the folder of a study).
    """

    source: tyro.conf.Positional[Path]
    """Folder or table."""
    report: Path | None = None
    """Also write an HTML page that shows what was done to each recording."""
    subjects: tuple[int, ...] | None = None
    """People of DEAP to take; all by default."""
    ratings: Path | None = None
    """DEAP's participant_ratings.csv, where it does not lie beside the raw recordings."""
    settings: tyro.conf.OmitArgPrefixes[Preprocessing] = field(default_factory=Preprocessing)
    """For DEAP's raw recordings the defaults are as DEAP describes it: 3 s of baseline, bipolar EOG."""
    trial_types: tuple[str, ...] = ()
    """Of BIDS events, those that are trials, by their trial_type; all that last by default."""
    n_jobs: int = 1
    """Recordings at a time."""
    cache: Path | None = None
    """Where the prepared recordings are kept."""

    def run(self, console: Console) -> None:
        """Prepare, print a row for each recording, and write the page."""
        source = self.source
        changed = [f.name for f in fields(self.settings) if getattr(self.settings, f.name) != f.default]
        numbers = raw_subjects(source)
        bids = source.name.endswith("_events.tsv") or any(source.rglob("*_events.tsv"))
        if self.ratings and not numbers:
            raise ConfigError("--ratings goes with DEAP's raw recordings alone (s01.bdf ...); leave it out.")
        if self.trial_types and (numbers or not bids):
            raise ConfigError("--trial-types chooses BIDS events; leave it out, or take rows out of the table.")
        if numbers:
            channels = self.settings.channels or "eeg"
            settings = replace(self.settings, channels=DEAP_PREPROCESSING.channels)
            which: dict[str, Any] = {"subjects": self.subjects, "ratings": self.ratings, "preprocessing": settings}
            recordings = partial(deap_recordings, source, **which)
            load = partial(load_deap_raw, source, channels=channels, **which)
            total = len(self.subjects or numbers)
        elif source.is_dir() and not bids:
            if changed or self.report:
                raise ConfigError(
                    "DEAP's preprocessed release is filtered, referenced and EOG-corrected already, so "
                    f"{', '.join(changed) or 'report'} cannot be had; give the folder of the raw recordings (s01.bdf "
                    "...)."
                )
            with console.status("reading"):
                console.print(repr(load_deap(source, subjects=self.subjects, cache=self.cache)))
            return
        else:
            if self.subjects:
                raise ConfigError("--subjects chooses people of DEAP; take rows out of the table instead.")
            table = read_bids_events(source, trial_types=self.trial_types) if bids else source
            recordings = partial(listed_recordings, table, self.settings)
            load = partial(prepare_recordings, table, self.settings)
            total = len(listed_files(table))
        with Progress(console=console, transient=True) as progress, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # they are in the table below
            bar = progress.add_task("preparing", total=total)
            trials = load(cache=self.cache, n_jobs=self.n_jobs, on_prepared=lambda _: progress.update(bar, advance=1))
            if self.report:
                from eegemo.reporting.preprocessing_report import write_preprocessing_report

                bar = progress.add_task("report", total=total)
                write_preprocessing_report(
                    recordings(),
                    self.report,
                    simulated=trials.simulated,
                    on_recording=lambda _: progress.update(bar, advance=1),
                )
        columns = ("trials", "bad channels", "largest |r| with EOG", "after, in the final band")
        shown = Table(Column("recording", overflow="fold"), *columns)
        console.print(repr(trials))
        for record in trials.provenance["recordings"]:
            shown.add_row(*recording_row(record))
            for message in record["messages"]:
                console.print(f"{record['file']}: {message}", soft_wrap=True, highlight=False)
        console.print(shown)
        if "copies" in trials.provenance:
            console.print(in_words(trials.provenance["copies"]), soft_wrap=True, highlight=False)
        if self.report:
            console.print(f"Report: {self.report}")


@dataclass(frozen=True)
class Audit:
    """Say what the two sides of a split share, and what a score under it can mean.

    WINDOWS is a table of text (.csv, .tsv) with a row a window and the columns subject, trial, stimulus, start (its
    first sample) and n_times (its samples), as far as they are known, session and run where trials are numbered anew in
    each, and unit where trials share a rating. What is train and what is test stands in its column part (train,
    validation, test), with a column fold for several splits, or in files of row numbers or identifiers; with a column
    fold alone each fold is tested on in turn. A table shows no signals: that a recording is there twice is found when
    recordings are prepared (prepare, info), or by eegemo.find_copies.
    """

    windows: tyro.conf.Positional[Path]
    """Table of windows."""
    train: Path | None = None
    """Row numbers counted from 0 or a mask (.npy, .npz, or .txt with one a line), or identifiers (.csv, .tsv)."""
    test: Path | None = None
    """Likewise."""
    validation: Path | None = None
    """Likewise."""
    n_times: int | None = None
    """Samples in a window, where the table has no such column."""
    duration: float | None = None
    """Seconds in a window, where starts are in seconds; instead of n_times."""
    sfreq: float | None = None
    """Sampling rate in Hz, where starts are in seconds and n_times in samples."""

    def run(self, console: Console) -> None:
        """Print the verdict on the split, or on all folds together."""
        splits = read_split(self.windows, self.train, self.test, self.validation)
        lengths: dict[str, Any] = {"n_times": self.n_times, "duration": self.duration, "sfreq": self.sfreq}
        with naming(Path(self.windows).name):
            audits = [audit_split(*split, **lengths) for split in splits]
        if len(audits) == 1:
            console.print(str(audits[0]), soft_wrap=True, highlight=False, markup=False)
            return
        table = Table("fold", "train", "validation", "test", "test windows share with training", title="Every fold")
        for number, audit in enumerate(audits):
            counts = (audit.n_train, audit.n_validation, audit.n_test)
            table.add_row(str(number), *map(str, counts), audit.leakage.in_percent)
        console.print(table)
        said = [verdict(mean_leakage(audit.leakage for audit in audits))]
        leaking = sum(audit.verdict.startswith("LEAKS") for audit in audits)
        if said[0].startswith("NOT KNOWN") and leaking:
            said.insert(0, f"LEAKS in {leaking} of {len(audits)}, in others")
        said += dict.fromkeys(note for audit in audits for note in audit.notes)
        console.print(f"All folds: {' '.join(said)}", soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True)
class Report:
    """Write one HTML page about a run, or about all runs in a folder, that opens without network."""

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN", name="run")]
    """Folder that evaluate wrote, or one that holds several, such as results/paper_tables/runs."""
    out: Path | None = None
    """The page; report.html in the folder by default."""

    def run(self, console: Console) -> None:
        """Load the results and write the page."""
        folders = find_runs(self.run_folder)
        if not folders:
            raise ConfigError(
                f"{self.run_folder}: holds no run (no run.json in it or below); give the folder of evaluate(..., "
                "folder=) or an experiment's folder runs."
            )
        unfinished = [folder for folder in folders if not read_card(folder)["finished"]]
        finished = [folder for folder in folders if folder not in unfinished]
        left_out = [f"{folder.relative_to(self.run_folder)}: {how_far(folder)}" for folder in unfinished]
        if not finished:
            read_results(unfinished[0])  # which says how to finish it
        from eegemo.reporting.evaluation_report import write_evaluation_report

        out = self.out or self.run_folder / "report.html"
        with console.status(f"{len(folders)} runs"):
            newest = {}
            for folder in sorted(finished, key=lambda folder: (folder / "run.json").stat().st_mtime):
                results = read_results(folder)
                seed, scheme = results.splitter.random_state, results.scheme.name
                newest[results.protocol_label, results.model, results.control, scheme, seed] = results
            write_evaluation_report(list(newest.values()), out, unfinished=left_out)
        older = f"; {len(finished) - len(newest)} older ones of the same names are left out" * (
            len(newest) < len(finished)
        )
        console.print(f"Report of {len(newest)} runs{older}: {out}", soft_wrap=True, highlight=False)
        for each in left_out:
            console.print(f"Not finished, and left out: {each}", soft_wrap=True, highlight=False, markup=False)


def recording_row(record: dict[str, Any]) -> tuple[str, ...]:
    """Sum up what was done to one recording."""
    steps = {step["step"]: step for step in record["steps"]}
    eog = steps.get("remove_eog")
    left = steps["preprocess"]["eog_correlation"]
    return (
        record["file"],
        str(record["trials"]),
        ", ".join(steps.get("interpolate_bad_channels", {}).get("bads", {})) or "none",
        f"{max(eog['r_before']):.2f}" if eog else "not removed",
        f"{max(left.values()):.2f}" if left else "",
    )


def _at_home(command: C) -> C:
    """Return the command with ``~`` for the user's home in its paths: a shell leaves that in ``--cache=~/prepared``."""
    given = {option.name: getattr(command, option.name) for option in fields(command)}
    return replace(command, **{name: as_path(path, name) for name, path in given.items() if isinstance(path, Path)})


def main() -> None:
    """Run the command that was asked for."""
    commands = (
        Annotated[Simulate, tyro.conf.subcommand("simulate", prefix_name=False)]
        | Annotated[Prepare, tyro.conf.subcommand("prepare", prefix_name=False)]
        | Annotated[Info, tyro.conf.subcommand("info", prefix_name=False)]
        | Annotated[Audit, tyro.conf.subcommand("audit", prefix_name=False)]
        | Annotated[Report, tyro.conf.subcommand("report", prefix_name=False)]
        | Annotated[Export, tyro.conf.subcommand("export", prefix_name=False)]
        | Annotated[Predict, tyro.conf.subcommand("predict", prefix_name=False)]
        | Annotated[Live, tyro.conf.subcommand("live", prefix_name=False)]
    )
    try:
        command = _at_home(tyro.cli(commands, prog="python -m eegemo", description=__doc__))
        if isinstance(command, Prepare) and raw_subjects(command.source):
            deap = tyro.cli(Prepare, args=sys.argv[2:], default=replace(command, settings=DEAP_PREPROCESSING))
            command = _at_home(deap)
        command.run(Console(markup=False, emoji=False))  # names of files hold brackets and colons
    except (ConfigError, DataFormatError) as error:
        # A setting or a file that cannot be used: the message says what to do.
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; what was prepared or written before is kept, and nothing is left half-written")


if __name__ == "__main__":
    main()
