"""`tf.estimator.MultiHead`: several heads on parts of the logits."""

from typing import Any

from penstock.estimator import model_fn
from penstock.estimator.export_output import PredictOutput
from penstock.estimator.heads import DEFAULT_SERVING_KEY, Head
from penstock.estimator.mode_keys import ModeKeys
from penstock.estimator.names import estimator_export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.arithmetic import add_n
from penstock.ops.summaries import scalar
from penstock.train import metrics


@estimator_export("MultiHead")
class MultiHead(Head):
    """Several objectives at once: the losses of the heads, weighted, are added; labels are a dict by head.

    >>> tf.estimator.MultiHead([tf.estimator.RegressionHead(name="price"), tf.estimator.BinaryClassHead(name="sold")]).name
    'price_sold'
    """

    def __init__(self, heads: Any, head_weights: Any = None):
        if not heads:
            raise ValueError(f"Must specify heads. Given: {heads}")
        if head_weights is not None and len(head_weights) != len(heads):
            raise ValueError(f"heads and head_weights must have the same size. Given len(heads): {len(heads)}. Given len(head_weights): {len(head_weights)}.")
        for head in heads:
            if not head.name:
                raise ValueError(f"All given heads must have name specified. Given: {head}")
        self._heads, self._head_weights = tuple(heads), tuple(head_weights or ())
        self.name = "_".join(h.name for h in heads)
        self.logits_dimension = sum(h.logits_dimension for h in heads)
        if len({h._reduction for h in heads}) > 1:
            raise ValueError(f"The loss_reduction must be the same for different heads. Given: {[h.loss_reduction for h in heads]}")
        self.loss_reduction, self._reduction = heads[0].loss_reduction, heads[0]._reduction

    def _split(self, logits: Any) -> dict[str, Any]:
        """The logits of each head."""
        if isinstance(logits, dict):
            return {h.name: logits[h.name] for h in self._heads}
        logits = convert_to_tensor(logits)
        if logits.shape.as_list()[-1] != self.logits_dimension:
            raise ValueError(f"logits of {logits.shape} do not split into those of the heads {self.name}: their last axis must be {self.logits_dimension} long")
        found, at = {}, 0
        for h in self._heads:
            found[h.name] = logits[..., at : at + h.logits_dimension]
            at += h.logits_dimension
        return found

    def predictions(self, logits: Any, keys: Any = None) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        parts = self._split(logits)
        for h in self._heads:
            with name_scope(h.name):
                found.update({(h.name, k): v for k, v in h.predictions(parts[h.name], keys).items()})
        return found

    def loss(self, labels: Any, logits: Any, features: Any = None, mode: Any = None, regularization_losses: Any = None) -> Any:
        """The weighted sum of the heads' losses, regularisation included: a scalar."""
        parts = self._split(logits)
        made = [h.loss(labels[h.name], parts[h.name], features, mode) for h in self._heads]
        return self._merged(made, regularization_losses)

    def _merged(self, losses: list[Any], regularization_losses: Any) -> Any:
        weighted = [find("Mul")(loss, w) for loss, w in zip(losses, self._head_weights)] if self._head_weights else losses
        whole = add_n(weighted) if len(weighted) > 1 else weighted[0]
        return whole if not regularization_losses else whole + add_n(list(regularization_losses))

    def create_estimator_spec(self, features: Any, mode: Any, logits: Any, labels: Any = None, optimizer: Any = None, trainable_variables: Any = None,
                              train_op_fn: Any = None, update_ops: Any = None, regularization_losses: Any = None) -> Any:  # fmt: skip
        """The EstimatorSpec of all heads: predictions are keyed by (head, key), metrics by key/head."""
        with name_scope(self.name or "multi_head"):
            parts = self._split(logits)
            predictions = self.predictions(parts)
            if mode == ModeKeys.PREDICT:
                return model_fn.EstimatorSpec(mode=mode, predictions=predictions, export_outputs=self._exports(parts, predictions))
            if labels is None or not isinstance(labels, dict):
                raise ValueError(f"labels of a MultiHead must be a dict with the keys {[h.name for h in self._heads]}. Given: {labels}")
            losses, kept = [], {}
            for h in self._heads:
                with name_scope(h.name):
                    kept[h.name] = h._losses(labels[h.name], parts[h.name], features)
                    losses.append(kept[h.name][3])
            whole = self._merged(losses, regularization_losses)
            if mode == ModeKeys.EVAL:
                ops: dict[str, Any] = {}
                for h, loss in zip(self._heads, losses):
                    fitted, unweighted, weights, _ = kept[h.name]
                    with name_scope(h.name):
                        ops.update(h._eval_ops(features, parts[h.name], fitted, weights, unweighted))
                        ops[f"loss/{h.name}"] = metrics.mean(loss)
                if regularization_losses:
                    ops["regularization_loss"] = metrics.mean(add_n(list(regularization_losses)))
                return model_fn.EstimatorSpec(mode=mode, predictions=predictions, loss=whole, eval_metric_ops=ops)
            if hasattr(optimizer, "get_updates"):  # in TensorFlow each head has taken a scope "training" before
                optimizer.scope = f"training_{len(self._heads)}"
            train_op = self._train_op(whole, optimizer, trainable_variables, train_op_fn, update_ops)
        with name_scope(None):
            tags = [("loss", whole), *((f"loss/{h.name}", loss) for h, loss in zip(self._heads, losses))]
            for tag, loss in tags if self._v2 else [*tags[1:], tags[0]]:
                scalar(tag, loss)
        return model_fn.EstimatorSpec(mode=mode, predictions=predictions, loss=whole, train_op=train_op)

    def _exports(self, parts: dict[str, Any], predictions: dict[Any, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for h in self._heads:
            own = {k: v for (name, k), v in predictions.items() if name == h.name}
            for key, value in h._export(own).items():
                if key == DEFAULT_SERVING_KEY:
                    found.setdefault(key, value)
                    found[h.name] = value
                else:
                    found[f"{h.name}/{key}"] = value
        found["predict"] = PredictOutput(predictions)
        return found
