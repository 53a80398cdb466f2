"""The HTML page about runs: what stands where, the numbers in it, and what it must not do."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from eegemo import ConfigError, MajorityClassifier, Results, Trials, evaluate, make_splitter, quadrants
from eegemo.evaluation.comparisons import compare_models
from eegemo.evaluation.controls import CONTROLS
from eegemo.evaluation.folds import Failure, Fold
from eegemo.evaluation.intervals import confidence_interval
from eegemo.evaluation.metrics import from_confusions
from eegemo.evaluation.permutation import label_permutation_test
from eegemo.reporting.evaluation_report import write_evaluation_report

METRICS = ("macro_f1", "balanced_accuracy", "accuracy", "kappa")
EMPTY_TAGS = {"meta", "img", "br", "link", "input"}


@dataclass
class Element:
    """A tag with what is in it; ``children`` are elements and strings."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str, class_: str | None = None) -> list[Element]:
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if child.tag == tag and (class_ is None or class_ in child.attributes.get("class", "").split()):
                    found.append(child)
                found += child.all(tag, class_)
        return found

    def one(self, tag: str, class_: str | None = None) -> Element:
        (found,) = self.all(tag, class_)
        return found

    @property
    def text(self) -> str:
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return re.sub(r"\s+", " ", " ".join(parts)).strip()

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table's body."""
        body = self.one("tbody")
        return [[c.text for c in row.children if isinstance(c, Element)] for row in body.all("tr")]


class Reader(HTMLParser):
    """Builds the tree, and fails where a tag is closed that was not opened last."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open = [Element("document")]
        self.feed(page)
        assert len(self.open) == 1, f"{self.open[-1].tag} is never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in EMPTY_TAGS:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> inside <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def page_of(results: Sequence[Results], tmp_path: Path) -> Element:
    write_evaluation_report(results, tmp_path / "report.html")
    return Reader((tmp_path / "report.html").read_text(encoding="utf-8")).open[0]


def section(page: Element, name: str) -> Element:
    return next(element for element in page.all("section") if element.attributes["id"] == name)


def knowing(result: Results, share: float, model: str, seed: int = 0) -> Results:
    """The same folds with predictions that are right for about this share of the windows, and guesses otherwise."""
    rng = np.random.default_rng(seed)
    n_classes = len(result.scheme.classes)

    def predicted(fold: Fold) -> Fold:
        n_windows = len(fold.y)
        called = np.where(rng.random(n_windows) < share, fold.y, rng.integers(n_classes, size=n_windows))
        return replace(fold, proba=np.eye(n_classes, dtype=np.float32)[called])

    return replace(result, model=model, folds=tuple(predicted(fold) for fold in result.folds))


def split_differently(result: Results) -> Results:
    """As if another splitter had drawn the folds."""
    return replace(result, provenance={**result.provenance, "split_hash": "f" * 64})


@pytest.fixture(scope="module")
def eight_people() -> Trials:
    n_people, n_trials, n_times = 8, 8, 48
    trial = np.tile(np.arange(1, n_trials + 1), n_people)
    table = pd.DataFrame(
        {
            "subject": np.repeat([f"s{number}" for number in range(1, n_people + 1)], n_trials),
            "trial": trial,
            "stimulus": trial,
            "start": np.arange(n_people * n_trials) * n_times,
            "n_times": n_times,
            "n_baseline": 0,
            "valence": np.tile([8.0, 7, 3, 2], n_people * n_trials // 4),
            "arousal": np.tile([8.0, 2, 7, 3], n_people * n_trials // 4),
        }
    )
    signals = np.random.default_rng(0).standard_normal((len(table) * n_times, 1)).astype(np.float32)
    return Trials(signals, table, ("Cz",), 16.0, dataset="noise", simulated=False)


@pytest.fixture(scope="module")
def trial(eight_people: Trials) -> Results:
    splitter = make_splitter("trial", n_splits=2, random_state=0)
    return evaluate(MajorityClassifier(), eight_people.windows(), quadrants(), splitter, model="base")


@pytest.fixture(scope="module")
def random(eight_people: Trials) -> Results:
    splitter = make_splitter("window-random", n_splits=2, random_state=0)
    return evaluate(MajorityClassifier(), eight_people.windows(), quadrants(), splitter, model="base")


@pytest.fixture(scope="module")
def control(eight_people: Trials) -> Results:
    splitter = make_splitter("trial", n_splits=2, random_state=0)
    classifier, windows = MajorityClassifier("subject"), eight_people.windows()
    return evaluate(classifier, windows, quadrants(), splitter, model="probe", control="permuted-labels")


@pytest.fixture(scope="module")
def models(trial: Results) -> list[Results]:
    return [knowing(trial, 0.9, "knows"), knowing(trial, 0.5, "half"), knowing(trial, 0.0, "guesses", seed=3)]


@pytest.fixture(scope="module")
def page(models: list[Results], random: Results, control: Results, tmp_path_factory: pytest.TempPathFactory) -> Element:
    return page_of([*models, random, control], tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def alone(small_trials: Trials) -> Results:
    """One person, which is the fastest to score."""
    windows = small_trials.select(small_trials.table["subject"] == 1).windows()
    splitter = make_splitter("trial", n_splits=2, validation_size=0)
    return evaluate(MajorityClassifier(), windows, quadrants(), splitter, model="one")


def score_tables(page: Element) -> list[Element]:
    return section(page, "scores").all("table", "scores")


def test_the_verdict_comes_first_and_the_configuration_last(page: Element) -> None:
    names = [element.attributes["id"] for element in page.all("section")]
    assert names == ["verdicts", "scores", "people", "confusion", "curves", "leakage", "controls", "configuration"]
    links = [link.attributes["href"] for link in page.one("nav").all("a")]
    assert links == [f"#{name}" for name in names]


def test_each_protocol_has_its_verdict_and_its_mark(page: Element, models: list[Results], random: Results) -> None:
    leaky, honest = section(page, "verdicts").all("article")
    assert leaky.one("h3").text == "window-random leaks"
    assert "leaks" in leaky.attributes["class"]
    assert random.verdict in leaky.text
    assert honest.one("h3").text == "trial honest"
    assert models[0].verdict in honest.text
    assert "2 folds, one model for all people, 10% held out for validation, seed 0" in honest.text


def test_what_was_fitted_on_test_data_is_marked_transductive(alone: Results, tmp_path: Path) -> None:
    def fitted(result: Results, shared: float = 0.0) -> Results:
        leaks = [replace(fold.leakage, trial=shared, fitted_on_test=("z-score",)) for fold in result.folds]
        folds = [replace(fold, leakage=leak) for fold, leak in zip(result.folds, leaks, strict=True)]
        return replace(result, folds=tuple(folds))

    leaky = split_differently(fitted(alone, shared=0.5))
    honest, leaking = section(page_of([fitted(alone), leaky], tmp_path), "verdicts").all("article")
    assert [mark.text for mark in honest.all("span", "mark")] == ["transductive"]
    assert [mark.text for mark in leaking.all("span", "mark")] == ["leaks", "transductive"]
    assert honest.one("h3").text.startswith("trial, transductive")
    assert "z-score was fitted on test data" in honest.text


@pytest.mark.parametrize("level", ["window", "trial"])
def test_scores_intervals_and_p_are_those_of_the_evaluation(page: Element, models: list[Results], level: str) -> None:
    table = score_tables(page)[2 + ("window", "trial").index(level)]  # window-random has the first two
    results = [*models, *models[0].baselines]
    assert len(table.rows) == len(results) == 7
    for (name, *cells), result in zip(table.rows, results, strict=True):
        assert name.removeprefix("no EEG: ") == result.model
        assert name.startswith("no EEG: ") == (result not in models)
        intervals = [confidence_interval(result, metric, level) for metric in METRICS]
        assert cells[:-1] == list(map(str, intervals))
        assert cells[-1] == f"{label_permutation_test(result, level=level, n_permutations=1999).p:.4f}"


def test_the_baselines_of_each_protocol_are_under_its_own_folds(page: Element, random: Results) -> None:
    rows = {name: cells for name, *cells in score_tables(page)[0].rows}
    for baseline in random.baselines:
        assert rows[f"no EEG: {baseline.model}"][0] == str(confidence_interval(baseline))


def test_only_what_is_significantly_best_is_bold(page: Element, models: list[Results]) -> None:
    # "knows" is ahead of both in all 8 people: p = 2 / 2**8, times 3 pairs is 0.023.
    pairs = compare_models(models)
    assert pairs[(pairs["model"] == "knows")]["significant"].all()
    bold = [[strong.text for strong in table.all("strong")] for table in score_tables(page)]
    assert bold[0] == bold[1] == []  # one model alone
    assert bold[2] == [f"{confidence_interval(models[0]).estimate:.3f}"]


def test_nothing_is_bold_where_no_model_is_significantly_best(trial: Results, tmp_path: Path) -> None:
    results = [knowing(trial, 0.5, "one", seed=1), knowing(trial, 0.5, "other", seed=2)]
    assert not compare_models(results)["significant"].any()
    assert section(page_of(results, tmp_path), "scores").all("strong") == []


def test_every_pair_of_models_is_compared(page: Element, models: list[Results]) -> None:
    windows, trials = section(page, "scores").all("table", "comparisons")
    for table, level in ((windows, "window"), (trials, "trial")):
        expected = compare_models(models, level=level).itertuples()
        assert table.rows == [
            [
                *(row.model, row.other, "8", f"{row.difference:+.3f}", f"{row.p:.4f}", f"{row.p_holm:.4f}"),
                *(f"{row.effect:+.2f}", "yes" if row.significant else "no"),
            ]
            for row in expected
        ]


def test_what_the_intervals_take_to_vary_is_said_once(page: Element) -> None:
    assert section(page, "scores").text.count("stimuli that training knew are taken as fixed") == 1


def test_the_interval_of_one_person_is_over_trials_and_says_so(alone: Results, tmp_path: Path) -> None:
    shown = page_of([alone], tmp_path)
    assert "One person was tested: the intervals are over that person's trials" in shown.text
    assert score_tables(shown)[0].rows[0][1] == str(confidence_interval(alone))


def test_one_trial_gives_scores_without_interval_and_the_reason(small_trials: Trials, tmp_path: Path) -> None:
    windows = small_trials.select(small_trials.table["subject"] == 1).windows()
    splitter = make_splitter("trial", n_splits=None)
    alone = evaluate(MajorityClassifier(), windows, quadrants(), splitter, model="one")
    probed = evaluate(MajorityClassifier(), windows, quadrants(), splitter, control="permuted-labels")
    shown = page_of([alone, probed], tmp_path)
    score = alone.of_subjects().iloc[0]
    assert score_tables(shown)[0].rows[0] == ["one", *(f"{score[metric]:.3f}" for metric in METRICS), ""]
    for name, words in (("scores", "No interval, no p"), ("people", "No figure"), ("controls", "permuted-labels")):
        assert words in section(shown, name).text
        assert "An interval needs several trials, got one." in section(shown, name).text


def test_a_person_is_a_dot_whose_range_is_in_the_words(page: Element, models: list[Results]) -> None:
    strips = section(page, "people").all("img")
    assert len(strips) == 2
    for result in models:
        people = result.of_subjects()["macro_f1"]
        words = f"{result.model} from {people.min():.3f} to {people.max():.3f}, mean {people.mean():.3f}"
        assert words in strips[1].attributes["alt"]


def test_confusion_matrices_count_the_predictions(page: Element, models: list[Results]) -> None:
    images = section(page, "confusion").all("img")
    assert len(images) == 1 + len(models)
    predictions = models[0].predictions
    columns = [f"p_{name}" for name in models[0].scheme.classes]
    counted = confusion_matrix(predictions["y"], predictions[columns].to_numpy().argmax(axis=1), labels=range(4))
    first = ", ".join(map(str, counted[0]))
    assert f"Confusion matrix of knows under trial: true HVHA as {first};" in images[1].attributes["alt"]


def test_learning_curves_are_drawn_of_what_keeps_them(page: Element, alone: Results, tmp_path: Path) -> None:
    history = {"loss": [2.0, 1.0], "val_loss": [2.0, 3.0], "accuracy": [0.2, 0.4], "val_accuracy": [0.3, 0.2]}
    trained = replace(alone, folds=tuple(replace(f, history=history, best_epoch=1) for f in alone.folds), model="net")
    (image,) = section(page_of([trained, split_differently(alone)], tmp_path), "curves").all("img")
    assert image.attributes["alt"].startswith("Loss and accuracy of net under trial")
    assert "None of these classifiers keeps learning curves" in section(page, "curves").text


def test_the_leakage_record_is_there_for_each_protocol_and_fold(page: Element, random: Results) -> None:
    leakage = section(page, "leakage")
    rows = leakage.one("table", "leakage").rows
    assert rows[0][:2] + rows[1][:2] == ["window-random leaks", "0%", "trial honest", "0%"]
    assert rows[1][1:] == ["0%", "0%", "100%", "100%", "nothing fitted on test data or chosen by them"]
    assert rows[0][2] not in ("0%", "unknown")
    folded = leakage.all("details")
    assert len(folded) == 2  # three models on the same folds have one record
    sizes = [[str(fold.number), *(str(len(part)) for part in fold.split)] for fold in random.folds]
    assert [row[:4] for row in folded[0].one("table").rows] == sizes


def test_controls_stand_beside_what_they_should_show(page: Element, control: Results) -> None:
    controls = section(page, "controls")
    assert [heading.text for heading in controls.all("h3")] == ["permuted-labels"]
    assert "labels permuted over the trials of each person: an honest protocol must fall to chance" in (
        controls.text.replace("Labels permuted", "labels permuted")
    )
    own = float(from_confusions(control.confusion(), "macro_f1"))
    best = max(float(from_confusions(baseline.confusion(), "macro_f1")) for baseline in control.baselines)
    kappa = confidence_interval(control, "kappa")
    (row,) = controls.one("table").rows
    assert row == ["trial honest", "probe", "4", f"{own:.3f}", f"{best:.3f}", str(kappa)]
    assert "probe" not in section(page, "scores").text


def test_without_controls_the_page_says_how_to_run_one(alone: Results, tmp_path: Path) -> None:
    controls = section(page_of([alone], tmp_path), "controls")
    assert 'evaluate(..., control="permuted-labels")' in controls.text
    assert [item.one("code").text for item in controls.all("li")] == list(CONTROLS)


def test_controls_alone_make_a_page(control: Results, tmp_path: Path) -> None:
    shown = page_of([control], tmp_path)
    assert "None of these runs is of the real task" in section(shown, "verdicts").text
    assert len(section(shown, "controls").one("table").rows) == 1


def test_data_without_stimuli_lack_the_baseline_of_the_video(small_trials: Trials, tmp_path: Path) -> None:
    nameless = small_trials._replaced(table=small_trials.table.assign(stimulus=None))
    result = evaluate(MajorityClassifier(), nameless.windows(), quadrants(), make_splitter("trial", n_splits=2))
    shown = page_of([result], tmp_path)
    names = [row[0] for row in score_tables(shown)[0].rows]
    assert names[1:] == ["no EEG: uniform guess", "no EEG: majority", "no EEG: majority of the subject"]
    assert section(shown, "leakage").one("table", "leakage").rows[0][4] == "unknown"


def test_the_configuration_of_every_run_is_there(page: Element, control: Results) -> None:
    configuration = section(page, "configuration")
    runs = configuration.all("details")
    assert len(runs) == len(configuration.one("table", "runs").rows) == 5
    assert runs[-1].one("summary").text == f"probe under trial, permuted-labels {control.provenance['fingerprint'][:8]}"
    listed = {name: value for table in runs[-1].all("table") for name, value in table.rows}
    made = control.provenance
    assert listed["fingerprint"] == made["fingerprint"]
    assert listed["seconds"] == str(made["seconds"])
    assert listed["commit"] == (made["commit"] or "none")
    assert listed["packages.numpy"] == np.__version__
    assert listed["parameters.by"] == "subject"
    assert listed["control.name"] == "permuted-labels"
    assert listed["classes"] == "HVHA, HVLA, LVHA, LVLA"


def test_no_entry_of_the_provenance_is_lost(alone: Results, tmp_path: Path) -> None:
    data = {"recordings": [{"file": "s01.bdf", "steps": [1, 2]}], "filter": None}
    noted = replace(alone, provenance={**alone.provenance, "data": data, "weather": {"rain": True}})
    tables = section(page_of([noted], tmp_path), "configuration").one("details").all("table")
    listed = {name: value for table in tables for name, value in table.rows}
    assert '"file": "s01.bdf"' in listed["data.recordings"]
    assert listed["data.filter"] == "none"
    assert listed["weather.rain"] == "yes"


def test_banners_say_simulated_and_smoke_run(page: Element, alone: Results, tmp_path: Path) -> None:
    def marked(simulated: bool, smoke: bool) -> Results:
        return replace(alone, provenance={**alone.provenance, "simulated": simulated, "smoke": smoke})

    assert page.all("p", "banner") == []
    both = page_of([marked(True, True)], tmp_path)
    first, second = both.all("p", "banner")
    assert first.text.startswith("SIMULATED DATA: nobody was recorded")
    assert second.text.startswith("SMOKE RUN: it shows that everything works")
    assert both.one("title").text.startswith("SIMULATED · SMOKE RUN · ")
    other = replace(split_differently(marked(False, True)), model="another")
    mixed = [banner.text for banner in page_of([marked(True, True), other], tmp_path).all("p", "banner")]
    assert mixed[0].startswith("SIMULATED DATA in one under trial: nobody")
    assert mixed[1] == second.text


def test_names_cannot_bring_markup_or_formulas_into_the_page(alone: Results, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script> & $\\frac{$"
    table = alone.table.assign(subject=alone.table["subject"].replace(1, "<img src=x>"))
    made = {**alone.provenance, "dataset": "<b>d</b>", "parameters": {"<i>": '"><script>'}}
    failure = Failure(7, "ValueError: <script>")
    bad = replace(alone, model=evil, table=table, provenance=made, failures=(failure,))
    shown = page_of([bad], tmp_path)
    assert shown.all("script") == shown.all("b") == shown.all("i", "")
    assert all(image.attributes["src"].startswith("data:") for image in shown.all("img"))
    assert score_tables(shown)[0].rows[0][0] == evil
    assert "<b>d</b>" in shown.one("h1").text
    assert "Fold 7 failed, and its windows are in no score: ValueError: <script>" in shown.text
    assert 'parameters.<i> "><script>' in shown.text


def test_the_page_loads_nothing_from_anywhere(page: Element) -> None:
    policies = [meta.attributes.get("content", "") for meta in page.all("meta")]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in policies
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    assert "url(" not in page.one("style").text
    assert "@import" not in page.one("style").text
    assert all(link.attributes["href"].startswith("#") for link in page.all("a"))
    images = page.all("img")
    assert len(images) == 1 + 2 + 4  # overview, strips, confusion matrices
    for image in images:
        assert len(image.attributes["alt"]) > 40
        kind, data = image.attributes["src"].split(",", 1)
        assert kind == "data:image/svg+xml;base64"
        for element in ElementTree.fromstring(base64.b64decode(data)).iter():
            assert not element.tag.endswith("script")
            links = [value for name, value in element.attrib.items() if name.endswith(("href", "src"))]
            assert all(link.startswith(("#", "data:")) for link in links)


def test_what_is_wide_scrolls_in_a_box_that_keys_can_reach(page: Element) -> None:
    def inside(element: Element, boxed: bool = False) -> list[bool]:
        found = []
        for child in element.children:
            if isinstance(child, Element):
                own = boxed or "scroll" in child.attributes.get("class", "").split()
                found += [own] if child.tag in ("table", "img") else inside(child, own)
        return found

    assert len(inside(page)) > 10
    assert all(inside(page))
    assert {(box.attributes["tabindex"], box.attributes["role"]) for box in page.all("div", "scroll")} == {
        ("0", "region")
    }


def test_the_same_results_give_the_same_bytes(alone: Results, tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        write_evaluation_report([alone], tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_models_on_different_folds_are_not_compared(alone: Results, tmp_path: Path) -> None:
    other = split_differently(knowing(alone, 0.9, "knows"))
    shown = page_of([alone, other], tmp_path)
    headings = [article.one("h3").text for article in section(shown, "verdicts").all("article")]
    assert headings == ["trial (1) honest", "trial (2) honest"]
    assert section(shown, "scores").all("table", "comparisons") == []
    assert len(section(shown, "scores").all("img")) == 0  # an overview would put them beside each other


def test_runs_of_one_name_are_told_apart_by_their_fingerprints(trial: Results, tmp_path: Path) -> None:
    results = [
        replace(knowing(trial, share, "net"), provenance={**trial.provenance, "fingerprint": letter * 64})
        for share, letter in ((0.9, "a"), (0.1, "b"))
    ]
    table = score_tables(page_of(results, tmp_path))[0]
    assert [row[0] for row in table.rows[:2]] == ["net · aaaaaaaa", "net · bbbbbbbb"]
    assert [strong.text for strong in table.all("strong")] == [f"{confidence_interval(results[0]).estimate:.3f}"]


def test_models_of_different_people_are_shown_with_the_reason(small_trials: Trials, tmp_path: Path) -> None:
    splitter = make_splitter("subject", n_splits=3, validation_size=0)
    whole = evaluate(MajorityClassifier(), small_trials.windows(), quadrants(), splitter, model="whole")
    part = replace(whole, model="part", folds=whole.folds[1:], failures=(Failure(0, "MemoryError: too much"),))
    shown = page_of([part, whole], tmp_path)
    assert "part and whole under subject are not of the same people" in section(shown, "scores").text
    assert "part: Fold 0 failed, and its windows are in no score: MemoryError: too much" in shown.text
    rows = score_tables(shown)[0].rows
    assert [row[0] for row in rows[:2]] == ["part", "whole"]
    # The baselines are those of all people, not of the two that the first model has.
    p = [label_permutation_test(r.baselines[0], n_permutations=1999).p for r in (whole, part)]
    assert p[0] != p[1]
    assert rows[2][-1] == f"{p[0]:.4f}"


def test_no_results_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There are no results to report"):
        write_evaluation_report([], tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []
