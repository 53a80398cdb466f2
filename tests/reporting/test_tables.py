"""Tables: the numbers in them, and what they say about themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eegemo import MajorityClassifier, Results, Trials, evaluate, make_splitter, quadrants
from eegemo.reporting.tables import class_table, formatted, leakage_table, score_table, statement, write_table


@pytest.fixture(scope="module")
def result(small_trials: Trials) -> Results:
    splitter = make_splitter("trial", n_splits=2, random_state=0)
    return evaluate(MajorityClassifier(), small_trials.windows(), quadrants(), splitter, model="majority")


def test_scores_are_means_over_folds_with_their_spread(result: Results) -> None:
    row = score_table([result]).iloc[0]
    folds = [float((fold.proba.argmax(axis=1) == fold.y).mean()) for fold in result.folds]
    assert row["test accuracy"] == pytest.approx(np.mean(folds))
    assert row["test accuracy sd"] == pytest.approx(np.std(folds, ddof=1))
    assert (row["folds"], row["shared trial"], row["shared subject"]) == (2, 0.0, 1.0)


def test_each_class_has_a_row_in_the_order_of_the_scheme(result: Results) -> None:
    table = class_table([result])
    assert list(table["class"]) == ["HVHA", "HVLA", "LVHA", "LVLA"]
    assert table["support"].sum() == len(result.windows)


def test_the_leakage_table_has_a_row_for_each_protocol(result: Results) -> None:
    table = leakage_table([result, result])
    assert list(table["protocol"]) == ["trial"]
    assert table["test windows that share samples"].tolist() == [0.0]


def test_the_statement_says_simulated_protocol_labels_and_leakage(result: Results) -> None:
    text = statement([result])
    for words in ("SIMULATED", "24 trials", "quadrants>5", "under trial", "trial 0%", "subject 100%"):
        assert words in text


def test_formatting_joins_mean_and_spread() -> None:
    table = pd.DataFrame({"x": [0.5, 0.25], "x sd": [0.125, np.nan], "share": [0.5, 1.0], "n": [1, 2]})
    text = formatted(table, percent=["share"])
    assert text.to_dict("list") == {"x": ["0.500 ± 0.125", "0.250"], "share": ["50%", "100%"], "n": ["1", "2"]}


def test_a_table_is_written_three_ways_and_reads_back(tmp_path: Path) -> None:
    table = pd.DataFrame({"model": ["a_b"], "score": [1 / 3]})
    markdown = write_table(table, formatted(table), tmp_path / "t", title="Title", note="100 % & more, x>5.")
    assert (tmp_path / "t.md").read_text() == markdown
    assert "| a_b     | 0.333   |" in markdown
    read = pd.read_csv(tmp_path / "t.csv", comment="#")
    assert read["score"][0] == pytest.approx(1 / 3, abs=1e-6)
    latex = (tmp_path / "t.tex").read_text()
    assert r"\caption{Title. 100 \% \& more, x$>$5.}" in latex
    assert r"a\_b" in latex
