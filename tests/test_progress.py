"""Progress bars in a notebook."""

from __future__ import annotations

import importlib.util
import warnings

import pytest
import rich.console

from eegemo._progress import progress_bar


@pytest.mark.parametrize("widgets", [True, False])
def test_a_notebook_without_widgets_gets_a_bar_and_no_warning(monkeypatch: pytest.MonkeyPatch, widgets: bool) -> None:
    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: (object() if widgets else None) if name == "ipywidgets" else find(name),
    )

    bar = progress_bar()

    assert bar.console.is_jupyter == widgets
    if not widgets:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with bar, bar.console.capture() as written:
                bar.update(bar.add_task("training", total=2), completed=1)
                bar.refresh()
        assert "training" in written.get()
