"""Tables: the numbers in them, and what they say about themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eegemo import (
    MajorityClassifier,
    Results,
    Trials,
    compare_with_baselines,
    confidence_interval,
    evaluate,
    make_splitter,
    quadrants,
    zscore_subjects,
)
from eegemo.evaluation.baselines import BASELINES
from eegemo.reporting.statements import statement
from eegemo.reporting.tables import (
    baselines_of,
    class_table,
    control_table,
    formatted,
    interval_table,
    interval_text,
    leakage_table,
    score_table,
    write_table,
)
from tiny import tiny


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
    assert table["support"].sum() == len(result.table)


def test_the_leakage_table_has_a_row_for_each_protocol(result: Results) -> None:
    table = leakage_table([result, result])
    assert list(table["protocol"]) == ["trial"]
    assert table["test windows that share samples"].tolist() == [0.0]


def test_intervals_stand_beside_the_mean_over_people(result: Results) -> None:
    mine = replace(result, model="mine")
    table = interval_table([mine, *result.baselines])
    assert list(table["model"]) == ["mine", *(baseline.model for baseline in result.baselines)]
    row, people = table.iloc[0], result.of_subjects()
    for metric, name in (("accuracy", "accuracy"), ("macro_f1", "macro-F1"), ("kappa", "kappa")):
        assert row[name] == pytest.approx(people[metric].mean())
        interval = confidence_interval(mine, metric)
        assert (row[f"{name} low"], row[f"{name} high"]) == (interval.low, interval.high)
    assert (row["subjects"], row["over"]) == (3, "subjects and trials")
    text = interval_text(table, [("trial", "mine")])
    assert (
        text.loc[0, "macro-F1"] == f"**{row['macro-F1']:.3f} [{row['macro-F1 low']:.3f}, {row['macro-F1 high']:.3f}]**"
    )
    assert not text.loc[1:, "macro-F1"].str.contains("*", regex=False).any()


def test_baselines_stand_once_for_each_protocol(result: Results, small_trials: Trials) -> None:
    video = evaluate(MajorityClassifier(), small_trials.windows(), quadrants(), make_splitter("stimulus", n_splits=2))
    names = [(baseline.protocol, baseline.model) for baseline in baselines_of([result, result, video])]
    assert names == [(protocol, name) for protocol in ("trial", "stimulus") for name in BASELINES]


def test_controls_stand_beside_what_they_should_show(small_trials: Trials) -> None:
    windows = small_trials.windows()
    controls = [
        evaluate(MajorityClassifier(by), windows, quadrants(), "window-random", control=control)
        for by, control in (("subject", "who-is-it"), (None, "permuted-labels"))
    ]
    table = control_table(controls)
    assert list(table["control"]) == ["who-is-it", "permuted-labels"]
    assert table["classes"].tolist() == [3, 4]
    assert table.loc[0, "macro-F1"] == 1, "the majority of a subject's windows is that subject"
    assert table["kappa"].isna().tolist() == [True, False]
    assert table.loc[1, "kappa"] == pytest.approx(controls[1].of_subjects()["kappa"].mean())


def test_bold_in_markdown_is_bold_in_latex(tmp_path: Path) -> None:
    text = pd.DataFrame({"model": ["a"], "score": ["**0.5 [0.4, 0.6]**"]})
    write_table(text, text, tmp_path / "t", title="T", note="N")
    assert r"\textbf{0.5 [0.4, 0.6]}" in (tmp_path / "t.tex").read_text()


def test_transductive_stands_in_the_name_of_the_protocol(small_trials: Trials) -> None:
    windows = zscore_subjects(small_trials).windows()
    result = evaluate(MajorityClassifier(), windows, quadrants(), make_splitter("trial", n_splits=2))
    for table in (score_table([result]), interval_table([result]), leakage_table([result]), class_table([result])):
        assert set(table["protocol"]) == {"trial, transductive"}
    assert "fitted on test data: z-score of each subject" in statement([result])
    assert set(result.scores["protocol"]) == {"trial, transductive"}


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


def test_a_collapse_and_the_normalisation_stand_under_and_in_every_table(small_trials: Trials) -> None:
    splitter = make_splitter("trial", n_splits=2, random_state=0)
    network = tiny("cnn-gru", epochs=1, learning_rate=1e-9, random_state=0)
    with pytest.warns(UserWarning, match="has collapsed"):
        result = evaluate(network, small_trials.windows(), quadrants(), splitter, model="net")

    marked = "net (collapsed in 2 of 2 folds)"
    text = statement([result])
    assert f"{marked} under trial: there it learned nothing" in text
    assert "Normalisation of net: zscore-minmax over the training data, by quantiles." in text
    for table in (score_table([result]), class_table([result]), interval_table([result])):
        assert set(table["model"]) == {marked}
    assert compare_with_baselines([result])["model"].tolist() == [marked]
