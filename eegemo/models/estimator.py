"""What the estimators around a Keras network share."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from eegemo._json import as_json
from eegemo._validation import check_windows
from eegemo.errors import CollapseWarning, ConfigError, suggest_settings
from eegemo.models.checks import check_settings, fair_sample, warn_of_volts
from eegemo.models.saving import save
from eegemo.models.training_data import BegunFit, as_source, training_data
from eegemo.networks.registry import OWN, name_of
from eegemo.windows import Windows, batch_numbers

if TYPE_CHECKING:
    import keras

    from eegemo.models.card import ModelCard
    from eegemo.networks.base import Network
    from eegemo.networks.function import NetworkFunction
    from eegemo.training.batches import Source
    from eegemo.training.loop import History
    from eegemo.training.losses import Loss


@suggest_settings
class NetworkEstimator(BaseEstimator):
    """What classifier and regressor share: checking windows, training a fresh network, running it, saving it.

    Attributes
    ----------
    network_ : Network
        What was trained, with its sizes.
    model_ : keras.Model
        The trained network, its normalisation first: (batch, n_times, n_channels) in microvolts to its outputs.
    history_ : dict of str -> list of float
        Learning curves, one value an epoch; see :class:`eegemo.training.History`.
    best_epoch_ : int
        The epoch, counted from 1, whose weights ``model_`` has.
    collapse_ : str | None
        How the network has learned nothing, not even of its training data; None where it has.
    n_features_in_ : int
        Channels (of a two-dimensional ``X``: samples).
    n_channels_, n_times_ : int
        Of a window.
    ch_names_, sfreq_ : tuple of str, float | None
        Of the Windows it was fitted on, so that others are refused; None after arrays, which do not say.
    card_ : ModelCard | None
        How it was evaluated, where it is a final model (:func:`eegemo.fit_final`).
    """

    _activation: str
    #: Said beside an unknown parameter.
    _keyword_hint = " Sizes are the network's: EEGClassifier(CNNGRU(units=32)), or network__units in set_params."
    network_: Network
    model_: Any
    card_: ModelCard | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            suggest_settings(cls)

    def __init__(
        self,
        network: str | Network | NetworkFunction = "cnn-gru",
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        patience: int | None = None,
        normalization: str | None = "auto",
        normalize_over: str = "training",
        augment: bool = False,
        validation_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.normalization = normalization
        self.normalize_over = normalize_over
        self.augment = augment
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``network__units`` and the like are sizes of the network, given by name or as an object.

        Parameters
        ----------
        **params : object
            By name.

        Returns
        -------
        self : estimator
        """
        network = params.get("network", self.network)
        sizes = [name for name in params if name.startswith("network__")]
        if sizes and not isinstance(network, BaseEstimator):
            from eegemo.networks.function import FunctionNetwork, as_network

            network = params["network"] = as_network(network)
            if isinstance(network, FunctionNetwork):
                raise ConfigError(f"{network.name} is a function and has no sizes, got {', '.join(sizes)}.")
        return super().set_params(**params)

    def resolved_params(self) -> dict[str, Any]:
        """Return every parameter with the value it has in training, the network's sizes and defaults filled in.

        Returns
        -------
        params : dict
            As ``get_params`` has them; ``network`` is the network's class, or its function. ``epochs`` and ``patience``
            are None where they go with the number of windows.
        """
        from eegemo.networks.function import FunctionNetwork, as_network

        network = as_network(self.network)
        params = self.get_params(deep=False) | {f"network__{k}": v for k, v in network.get_params().items()}
        params["network"] = network.function if isinstance(network, FunctionNetwork) else type(network)
        for name in ("epochs", "batch_size", "learning_rate", "patience"):
            value = getattr(self, name)  # a subclass need not have all of them as parameters
            params[name] = getattr(network.defaults, name) if value is None else value
        params["augment"] = self.augment
        auto = self.normalization == "auto"
        params["normalization"] = network.defaults.normalization if auto else self.normalization
        return params

    @property
    def network_name(self) -> str:
        """What the network is known by: its name, or that of its class or function."""
        network = self.network
        if isinstance(network, str):
            return network
        if isinstance(network, BaseEstimator):
            return name_of(type(network)) or type(network).__name__
        return str(getattr(network, "__name__", type(network).__name__))

    def _forget(self) -> None:
        """Begin a fit: one that fails is to leave nothing fitted, least of all old weights under new classes."""
        for name in ("model_", "card_"):
            vars(self).pop(name, None)  # type: ignore[attr-defined]

    def summary(self) -> None:
        """Print the layers of the trained network, their output shapes and parameters."""
        check_is_fitted(self, "model_")
        self.model_.summary()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the trained estimator as one ``.keras`` file.

        Parameters
        ----------
        path : path-like
            Its name must end in ``.keras``. :func:`eegemo.read_classifier` reads the whole estimator, and after
            ``import eegemo`` plain ``keras.models.load_model`` the network in it.

        Raises
        ------
        ConfigError
            If the name ends otherwise, or the network could not be read again.

        See Also
        --------
        eegemo.read_classifier : Reads it.
        """
        check_is_fitted(self, "model_")
        save(self, path)

    def _train(
        self,
        X: Windows | np.ndarray,
        y: np.ndarray,
        validation_data: tuple[Windows | np.ndarray, np.ndarray] | None,
        *,
        callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.Callback | None,
        **options: Any,
    ) -> None:
        """Train a fresh network on windows that were checked, and targets as the loss takes them."""
        from eegemo import _keras
        from eegemo.training.batches import take
        from eegemo.training.callbacks import EpochListener, as_callbacks, epoch_bar
        from eegemo.training.compiled import traced_twin
        from eegemo.training.loop import train

        begun = self._begin(X, y, validation_data, **options)
        data, loss, fair = begun.data, begun.loss, begun.fair
        listeners = as_callbacks(callbacks)
        alike = self._key() if all(isinstance(one, EpochListener) for one in listeners) else None
        bar = epoch_bar(begun.how["epochs"], type(self.network_).__name__, enabled=bool(self.verbose))
        with _keras.standard_settings(), _keras.seeded(begun.seed), bar as shown:
            model = self._build()
            self._fit_normalization(model, data.source, fair)
            self._set_out(model, data.target[fair])
            with traced_twin(model, self._build, alike) as twin:
                history = train(
                    twin,
                    data.seen,
                    data.target,
                    data.held_out,
                    loss=loss,
                    rng=begun.rng,
                    sample_weight=data.weight,
                    callbacks=[*listeners, *shown],
                    **begun.how,
                )
        self.model_ = model
        self._note(history, stacklevel=5)  # whoever called fit, which is behind a decorator
        self._judge(loss, take(data.source, fair), data.target[fair])

    def _begin(
        self,
        X: Windows | np.ndarray,
        y: np.ndarray,
        validation_data: tuple[Windows | np.ndarray, np.ndarray] | None,
        *,
        n_outputs: int,
        loss: Loss,
        groups: np.ndarray | None,
        sample_weight: np.ndarray | None,
    ) -> BegunFit:
        """Do all of a fit that comes before its network is made."""
        from eegemo.networks.function import as_network
        from eegemo.training.recipe import RECIPE

        self.network_ = clone(as_network(self.network))
        settings = self.resolved_params()
        check_settings(settings)
        self._normalization = settings["normalization"], self.normalize_over
        self._n_outputs = n_outputs
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        rng = np.random.default_rng(seed)
        data = training_data(
            X,
            y,
            validation_data=validation_data,
            validation_fraction=self.validation_fraction,
            groups=groups,
            sample_weight=sample_weight,
            augment=self.augment,
            rng=rng,
        )
        how = {name: settings[name] for name in ("batch_size", "learning_rate")}
        how["epochs"] = settings["epochs"] or RECIPE.epochs(data.n_windows, settings["batch_size"])
        how["patience"] = settings["patience"] or RECIPE.patience(how["epochs"])
        fair = fair_sample(len(data.source), self.n_times_, data.weight, rng)
        return BegunFit(data, fair, loss, how, seed, rng)

    def _note(self, history: History, *, stacklevel: int) -> None:
        """Keep what training went through, and warn where it diverged."""
        self.history_, self.best_epoch_ = history.curves, history.best_epoch
        if not np.isfinite(history.curves["loss"]).all():
            warnings.warn(
                f"Training diverged: the loss of {type(self).__name__} is not finite. Lower the learning rate, or look "
                "for extreme values in the recordings.",
                UserWarning,
                stacklevel=stacklevel,
            )

    def _set_out(self, model: keras.Model, target: np.ndarray) -> None:
        """Let a fresh network begin where the targets are."""

    def _judge(self, loss: Loss, source: Source, y: np.ndarray) -> None:
        """Say whether the network has learned anything of its training data."""
        self.collapse_ = loss.collapse(self._run(source), y)
        if self.collapse_ is not None:
            message = f"{type(self.network_).__name__} has collapsed: {self.collapse_}."
            warnings.warn(message, CollapseWarning, stacklevel=5)  # whoever called fit, which is behind a decorator

    def _build(self) -> keras.Model:
        """Make a fresh network of the fitted sizes and shape."""
        from eegemo.networks.normalization import ChannelNormalization

        method, over = self._normalization
        first = None if method is None else ChannelNormalization(method, over, name="normalization")
        return self.network_.build(
            self.n_times_, self.n_channels_, self._n_outputs, activation=self._activation, normalization=first
        )

    def _key(self) -> tuple[object, ...] | None:
        """Return what makes networks alike; None where somebody's own code may make others each time."""
        if name_of(type(self.network_)) not in OWN:
            return None
        sizes = json.dumps(as_json(self.network_.get_params()), sort_keys=True)
        shape = self.n_times_, self.n_channels_, self._n_outputs
        return type(self.network_), sizes, shape, self._activation, self._normalization

    def _fit_normalization(self, model: keras.Model, source: Source, fair: np.ndarray) -> None:
        from eegemo.training.loop import PREDICTION_BATCH

        method, over = self._normalization
        if method is not None and over == "training":
            batches = (source.gather(fair[batch]) for batch in batch_numbers(len(fair), PREDICTION_BATCH))
            model.get_layer("normalization").adapt(batches)

    def _outputs(self, X: Windows | np.ndarray) -> np.ndarray:
        check_is_fitted(self, "model_")
        X = check_windows(self, X, reset=False)
        warn_of_volts(X, stacklevel=3)  # whoever called predict_proba
        return self._run(as_source(X))

    def _run(self, source: Source) -> np.ndarray:
        from eegemo import _keras
        from eegemo.training.loop import predict

        with _keras.standard_settings():
            return predict(self.model_, source).astype(np.float32, copy=False)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = state["model_"].get_weights()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            from eegemo import _keras

            with _keras.standard_settings(), _keras.seeded(0):  # the seeds matter to nothing, and are nobody else's
                self.model_ = self._build()
            self.model_.set_weights(state["model_"])
