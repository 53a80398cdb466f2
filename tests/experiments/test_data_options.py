"""What experiments take with ``--data``: any published dataset, by its files or its name, with its own rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eegemo import ConfigError
from recordings import Recordings


@pytest.fixture
def dasps_like(tmp_path: Path) -> Path:
    (tmp_path / "S01.mat").touch()
    return tmp_path


def test_the_rules_are_those_of_the_dataset(dasps_like: Path) -> None:
    assert Recordings().scheme.name == "quadrants>5"
    assert Recordings(data=dasps_like).record.name == "DASPS"
    assert Recordings(data=dasps_like, labels="valence>2").scheme.classes == ("low", "high")
    assert Recordings(data=dasps_like, dataset="eegmat").scheme.classes == ("rest", "arithmetic")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": "valence>3"}, r"Unknown rule of DASPS 'valence>3'\. Did you mean 'valence>2'\?"),
        ({"dataset": "DASPS"}, r"Unknown dataset 'DASPS'\. Did you mean 'dasps'\?"),
        ({"data": None, "dataset": "dasps"}, "--dataset dasps needs --data"),
    ],
)
def test_a_rule_or_dataset_that_is_not_there_is_refused(
    settings: dict[str, Any], message: str, dasps_like: Path
) -> None:
    config = Recordings(**{"data": dasps_like, **settings})
    with pytest.raises(ConfigError, match=message):
        config.scheme  # noqa: B018
