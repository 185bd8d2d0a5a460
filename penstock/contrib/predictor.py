"""`tf.contrib.predictor`: exported models and Estimators as functions of dicts of arrays."""

from typing import Any

from penstock.contrib.names import contrib
from penstock.fronts.session import Session
from penstock.ir.graph import Graph
from penstock.state.saved_model.loader import load

_DEFAULT = "serving_default"


class Predictor:
    """A function of a dict of arrays: it runs the fetched tensors in a session of its own."""

    def __init__(self, graph: Any, session: Any, feed_tensors: dict[str, Any], fetch_tensors: dict[str, Any]):
        self._graph, self._session, self._feed_tensors, self._fetch_tensors = graph, session, feed_tensors, fetch_tensors

    graph = property(lambda s: s._graph)
    session = property(lambda s: s._session)
    feed_tensors = property(lambda s: s._feed_tensors)
    fetch_tensors = property(lambda s: s._fetch_tensors)

    def __repr__(self) -> str:
        return f"{type(self).__name__} with feed tensors {self._feed_tensors} and fetch_tensors {self._fetch_tensors}"

    def __call__(self, input_dict: dict[str, Any]) -> dict[str, Any]:
        """The values of the fetched tensors for these inputs."""
        expected, given = set(self.feed_tensors), set(input_dict)
        if given - expected:
            raise ValueError(f"Got unexpected keys in input_dict: {given - expected}\nexpected: {expected}")
        feed = {self.feed_tensors[k]: v for k, v in input_dict.items()}
        return self._session.run(fetches=self.fetch_tensors, feed_dict=feed)


class SavedModelPredictor(Predictor):
    """The function of a signature of a SavedModel."""

    def __init__(self, export_dir: Any, signature_def_key: str | None = None, signature_def: Any = None, input_names: Any = None, output_names: Any = None,
                 tags: Any = None, graph: Any = None, config: Any = None):  # fmt: skip
        if bool(input_names) != bool(output_names):
            raise ValueError(f"input_names and output_names must both be specified or both be unspecified. Got input_names: {input_names}, output_names: {output_names}")
        if signature_def_key is not None and (signature_def is not None or input_names) or signature_def is not None and input_names:
            raise ValueError("You can specify only one of signature_def_key, signature_def, and the pair input_names, output_names. "
                             f"Got signature_def_key: {signature_def_key}, signature_def: {signature_def}, input_names: {input_names}")  # fmt: skip
        graph = Graph() if graph is None else graph
        with graph.as_default():
            session = Session(config=config)
            meta = load(session, (tags or "serve").split(","), export_dir.decode() if isinstance(export_dir, bytes) else export_dir)
        if input_names is None:
            if signature_def is None:
                key = signature_def_key or _DEFAULT
                if key not in meta.signature_def:
                    raise ValueError(f"Got signature_def_key {key!r}. Available signatures are {sorted(meta.signature_def)}.\nSpecify one of them.")
                signature_def = meta.signature_def[key]
            input_names = {k: v.name for k, v in signature_def.inputs.items()}
            output_names = {k: v.name for k, v in signature_def.outputs.items()}
        tensors = lambda names: {k: graph.get_tensor_by_name(name) for k, name in names.items()}
        super().__init__(graph, session, tensors(input_names), tensors(output_names))


class CoreEstimatorPredictor(Predictor):
    """The function of a trained Estimator."""

    def __init__(self, estimator: Any, serving_input_receiver_fn: Any, output_key: str | None = None, graph: Any = None, config: Any = None):
        from penstock.estimator.mode_keys import ModeKeys
        from penstock.train.monitored_session import ChiefSessionCreator, MonitoredSession

        graph = Graph() if graph is None else graph
        with graph.as_default():
            receiver = serving_input_receiver_fn()
            spec = estimator._call_model_fn(receiver.features, None, ModeKeys.PREDICT, estimator.config)
            key = output_key or _DEFAULT
            if key not in spec.export_outputs:
                raise ValueError(f"Got output_key {key!r}. Available output_keys are {sorted(spec.export_outputs)}.")
            signature = spec.export_outputs[key].as_signature_def(receiver.receiver_tensors)
            creator = ChiefSessionCreator(config=config, checkpoint_filename_with_path=estimator.latest_checkpoint(), scaffold=spec.scaffold)
            session = MonitoredSession(session_creator=creator)
        fetch = {k: graph.get_tensor_by_name(v.name) for k, v in signature.outputs.items()}
        feed = {k: graph.get_tensor_by_name(v.name) for k, v in signature.inputs.items()}
        super().__init__(graph, session, feed, fetch)


@contrib("predictor.from_saved_model")
def from_saved_model(
    export_dir: Any, signature_def_key: str | None = None, signature_def: Any = None, input_names: Any = None, output_names: Any = None, tags: Any = None,
    graph: Any = None, config: Any = None,
) -> Any:  # fmt: skip
    """A Predictor of a signature of a SavedModel."""
    return SavedModelPredictor(export_dir, signature_def_key, signature_def, input_names, output_names, tags, graph, config)


@contrib("predictor.from_estimator")
def from_estimator(estimator: Any, serving_input_receiver_fn: Any, output_key: str | None = None, graph: Any = None, config: Any = None) -> Any:
    """A Predictor of a trained Estimator."""
    return CoreEstimatorPredictor(estimator, serving_input_receiver_fn, output_key, graph, config)
