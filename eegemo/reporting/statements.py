"""What the numbers of a table or figure are, in words: whose data, which protocols, what leaks."""

from __future__ import annotations

from collections.abc import Sequence

from eegemo.evaluation.results import REFITS, Results

_INTERVALS = (
    "Intervals are of other people, and of other stimuli where the protocol tests new ones (column *over*); stimuli "
    "that training knew are taken as fixed. They are approximate: with four people, and for accuracy and macro-F1, "
    "they hold the true mean less often than they say (results/interval_coverage). p: how often predictions score as "
    "high in macro-F1 when labels are dealt anew over stimuli, for all people alike."
)
_REFITS = (
    " Where it says refits, p is how often a model that was trained anew with labels permuted in that way scored as "
    "high in the mean macro-F1 of the people."
)

_OVER = {"training": "the training data, by quantiles", "window": "each window"}


def data_statement(results: Sequence[Results]) -> str:
    """Say in words whose data the numbers are from.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    text : str
        A sentence or two.
    """
    first = results[0]
    n_trials = len(first.table[["subject", "trial"]].drop_duplicates())
    n_subjects = len(first.subjects)
    data = f"{first.provenance['dataset']}: {n_subjects} subjects, {n_trials} trials, {len(first.table)} windows"
    if first.simulated:
        data = f"SIMULATED data ({data}); nobody was recorded, and no number here is a result about people"
    smoke = "SMOKE RUN: shows that everything works; its numbers mean nothing. "
    return f"{smoke if any(r.provenance['smoke'] for r in results) else ''}{data}. Labels {first.scheme.name}."


def intervals_statement(results: Sequence[Results]) -> str:
    """Say in words what intervals and p are, and how far they can be trusted.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    text : str
        A few sentences.
    """
    return _INTERVALS + (_REFITS if any(REFITS in result.provenance for result in results) else "")


def statement(results: Sequence[Results]) -> str:
    """Say in words what the numbers are: whose data, which protocols, and what leaks.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    text : str
        A few sentences, to stand under a table or a figure.
    """
    sentences = [data_statement(results)]
    leaks = {result.protocol_label: result.leakage for result in results}
    sentences += [f"Test windows under {name} share with training: {leak.in_percent}." for name, leak in leaks.items()]
    for used in dict.fromkeys(leak.use_of_test_data for leak in leaks.values()):
        where = ", ".join(name for name, leak in leaks.items() if leak.use_of_test_data == used)
        sentences.append(f"Under {where}: {used}.")
    sentences += _normalisations(results)
    sentences += [f"{result.model} under {result.protocol_label}: {f}" for result in results for f in failed(result)]
    sentences += [
        f"{result.model_label} under {result.protocol_label}: there it learned nothing, not even of its training data."
        for result in results
        if result.model_label != result.model
    ]
    return " ".join(sentences)


def _normalisations(results: Sequence[Results]) -> list[str]:
    """Say how the networks normalise what they are given, and over what."""
    models: dict[str, list[str]] = {}
    for result in results:
        parameters = result.provenance.get("parameters", {})
        if "normalize_over" in parameters:
            method, over = parameters["normalization"], parameters["normalize_over"]
            text = "not normalised" if method is None else f"{method} over {_OVER[over]}"
            models.setdefault(text, []).append(result.model)
    return [f"Normalisation of {', '.join(dict.fromkeys(own))}: {text}." for text, own in models.items()]


def failed(result: Results) -> list[str]:
    """Return the notes on folds that failed."""
    return [note for note in result.notes if note.startswith("Fold") and "failed" in note]
