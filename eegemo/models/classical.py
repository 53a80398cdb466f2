"""Classical models as scikit-learn pipelines: differential entropy or covariances, then a classifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.validation import check_is_fitted

from eegemo.features.bands import DifferentialEntropy
from eegemo.features.base import WindowFeatures


class SoftmaxDecision(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Give a classifier that only decides, a support vector machine, probabilities in the order of its decisions.

    Parameters
    ----------
    estimator : classifier
        With ``decision_function``.

    Notes
    -----
    The softmax of the decisions, so the most probable class is the one decided for; of two classes the logistic
    function. They are not calibrated: read no cross-entropy off them.

    Attributes
    ----------
    estimator_ : classifier
        The fitted one.
    classes_ : array, shape (n_classes,)
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator = estimator

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit the classifier.

        Parameters
        ----------
        X : array, shape (n, n_features)
            Features, scaled.
        y : array, shape (n,)
            Their classes.

        Returns
        -------
        self : SoftmaxDecision
        """
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.classes_ = self.estimator_.classes_
        self.n_features_in_ = self.estimator_.n_features_in_
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Decide for a class.

        Parameters
        ----------
        X : array, shape (n, n_features)
            As it was fitted on.

        Returns
        -------
        y : array, shape (n,)
        """
        most_probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_probable]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Turn decisions into numbers from 0 to 1 that add up to 1.

        Parameters
        ----------
        X : array, shape (n, n_features)
            As it was fitted on.

        Returns
        -------
        proba : array, shape (n, n_classes)
        """
        check_is_fitted(self, "estimator_")
        decision = self.estimator_.decision_function(X)
        if decision.ndim == 1:
            decision = np.column_stack([np.zeros(len(decision)), decision])
        return softmax(decision, axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def on_features(features: WindowFeatures, classifier: BaseEstimator) -> Pipeline:
    """Put a classifier on scaled features of windows.

    Parameters
    ----------
    features : WindowFeatures
        The transformer in front.
    classifier : classifier
        What decides.

    Returns
    -------
    pipeline : Pipeline
        ``features``, ``scale`` (zero mean and unit variance over the training windows), ``classifier``.
    """
    return Pipeline([("features", features), ("scale", StandardScaler()), ("classifier", classifier)])


def logistic_regression(*, random_state: int | None = None) -> Pipeline:
    """Logistic regression on differential entropy, with an L2 penalty of scikit-learn's default strength.

    Parameters
    ----------
    random_state : int | None
        Seeds what is random in it.

    Returns
    -------
    pipeline : Pipeline
    """
    return on_features(DifferentialEntropy(), LogisticRegression(max_iter=1000, random_state=random_state))


def linear_svm(*, random_state: int | None = None) -> Pipeline:
    """Linear support vector machine on differential entropy, one class against the others, C = 1.

    Parameters
    ----------
    random_state : int | None
        Seeds what is random in it.

    Returns
    -------
    pipeline : Pipeline

    References
    ----------
    Fan et al. 2008, LIBLINEAR (JMLR 9:1871-1874).
    """
    machine = LinearSVC(dual=False, random_state=random_state)
    return on_features(DifferentialEntropy(), SoftmaxDecision(machine))


def rbf_svm(*, random_state: int | None = None) -> Pipeline:
    """Support vector machine with a Gaussian kernel on differential entropy, C = 1, the kernel's width by scale.

    Its cost grows with the square of the number of windows.

    Parameters
    ----------
    random_state : int | None
        Not needed: nothing in it is random.

    Returns
    -------
    pipeline : Pipeline

    References
    ----------
    Chang & Lin 2011, LIBSVM, doi:10.1145/1961189.1961199.
    """
    return on_features(DifferentialEntropy(), SoftmaxDecision(SVC(cache_size=1000)))


def random_forest(*, random_state: int | None = None) -> Pipeline:
    """Random forest of 300 trees on differential entropy.

    Parameters
    ----------
    random_state : int | None
        Seeds what is random in it.

    Returns
    -------
    pipeline : Pipeline

    References
    ----------
    Breiman 2001, doi:10.1023/A:1010933404324.
    """
    return on_features(DifferentialEntropy(), RandomForestClassifier(300, random_state=random_state))


def extra_trees(*, random_state: int | None = None) -> Pipeline:
    """Extremely randomised trees, 300, on differential entropy.

    Parameters
    ----------
    random_state : int | None
        Seeds what is random in it.

    Returns
    -------
    pipeline : Pipeline

    References
    ----------
    Geurts et al. 2006, doi:10.1007/s10994-006-6226-1.
    """
    return on_features(DifferentialEntropy(), ExtraTreesClassifier(300, random_state=random_state))


def nearest_neighbor(*, random_state: int | None = None) -> Pipeline:
    """Nearest neighbour by differential entropy: the class of the training window that is most alike.

    What it scores under a split that leaks is what remembering the training windows is worth.

    Parameters
    ----------
    random_state : int | None
        Not needed: nothing in it is random.

    Returns
    -------
    pipeline : Pipeline

    References
    ----------
    Cover & Hart 1967, doi:10.1109/TIT.1967.1053964.
    """
    return on_features(DifferentialEntropy(), KNeighborsClassifier(1))


def riemann(*, random_state: int | None = None) -> Pipeline:
    """Logistic regression in the tangent space at the mean covariance matrix of the windows.

    Covariances are shrunk (OAS), since an average reference leaves them singular.

    Parameters
    ----------
    random_state : int | None
        Seeds what is random in it.

    Returns
    -------
    pipeline : Pipeline

    References
    ----------
    Barachant et al. 2012, doi:10.1109/TBME.2011.2172210; Chen et al. 2010, doi:10.1109/TSP.2010.2053029 (OAS).
    """
    from pyriemann.estimation import Covariances
    from pyriemann.tangentspace import TangentSpace

    return Pipeline(
        [
            ("samples", FunctionTransformer(samples)),
            ("covariance", Covariances("oas")),
            ("tangent", TangentSpace()),
            ("scale", StandardScaler()),
            ("classifier", LogisticRegression(max_iter=1000, random_state=random_state)),
        ]
    )


def samples(windows: Any) -> np.ndarray:
    """Copy the samples of windows into an array.

    Parameters
    ----------
    windows : Windows | array, shape (n, n_channels, n_times)
        In microvolts.

    Returns
    -------
    X : array, shape (n, n_channels, n_times), float64
    """
    return np.asarray(windows).astype(np.float64)
