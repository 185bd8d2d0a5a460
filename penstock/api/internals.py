"""TensorFlow's internal modules (`tensorflow.python.ops.math_ops`, ...): programs import them, so they resolve here.

Each is a module whose attributes are public names: those that `internals.txt` says, else what the namespaces of its
family hold under that name, else what the penstock modules that do the same job define.
"""

from importlib import import_module
from os.path import dirname, exists, join
from types import ModuleType

from penstock.api import keras_internals
from penstock.api.estimator_root import PARTS as ESTIMATOR_PARTS
from penstock.api.inner import HERE
from penstock.api.lazy import FOLDER, INDEX, V1, resolve

TABLE = join(dirname(__file__), "internals.txt")
PROTOS = join(FOLDER, "base", "proto")

FAMILIES = {
    "python.client.session": ("",),
    "python.data": ("data.",),
    "python.data.experimental": ("data.experimental.",),
    "python.data.ops.dataset_ops": ("data.",),
    "python.data.ops.iterator_ops": ("data.",),
    "python.data.ops.readers": ("data.",),
    "python.data.util.nest": (),
    "python.eager.backprop": ("",),
    "python.eager.context": ("", "config.", "config.experimental."),
    "python.eager.def_function": ("",),
    "python.eager.forwardprop": ("autodiff.",),
    "python.eager.function": ("",),
    "python.eager.wrap_function": ("",),
    "python.framework.config": ("config.", "config.experimental.", "config.threading.", "config.optimizer."),
    "python.framework.constant_op": ("",),
    "python.framework.device": ("",),
    "python.framework.dtypes": ("dtypes.", ""),
    "python.framework.errors": ("errors.",),
    "python.framework.errors_impl": ("errors.",),
    "python.framework.function": ("",),
    "python.framework.graph_util": ("graph_util.",),
    "python.framework.graph_util_impl": ("graph_util.",),
    "python.framework.importer": ("graph_util.", ""),
    "python.framework.meta_graph": ("train.",),
    "python.framework.ops": ("",),
    "python.framework.random_seed": ("random.", ""),
    "python.framework.sparse_tensor": ("sparse.", ""),
    "python.framework.tensor": ("",),
    "python.framework.tensor_conversion": ("",),
    "python.framework.tensor_shape": ("",),
    "python.framework.tensor_spec": ("",),
    "python.framework.tensor_util": ("", "compat."),
    "python.framework.test_util": (),
    "python.framework.type_spec": ("",),
    "python.layers.base": ("layers.",),
    "python.layers.convolutional": ("layers.",),
    "python.layers.core": ("layers.",),
    "python.layers.layers": ("layers.",),
    "python.layers.normalization": ("layers.",),
    "python.layers.pooling": ("layers.",),
    "python.lib.io.file_io": ("io.gfile.", "gfile."),
    "python.lib.io.python_io": ("python_io.", "io."),
    "python.lib.io.tf_record": ("python_io.", "io."),
    "python.module.module": ("",),
    "python.ops.array_grad": (),
    "python.ops.array_ops": ("", "sparse.", "quantization."),
    "python.ops.array_ops_stack": ("",),
    "python.ops.bitwise_ops": ("bitwise.",),
    "python.ops.candidate_sampling_ops": ("nn.", "random."),
    "python.ops.check_ops": ("debugging.", ""),
    "python.ops.clip_ops": ("",),
    "python.ops.cond": ("",),
    "python.ops.confusion_matrix": ("math.",),
    "python.ops.control_flow_assert": ("debugging.", ""),
    "python.ops.control_flow_case": ("",),
    "python.ops.control_flow_ops": ("",),
    "python.ops.control_flow_switch_case": ("",),
    "python.ops.control_flow_util": (),
    "python.ops.ctc_ops": ("nn.",),
    "python.ops.custom_gradient": ("",),
    "python.ops.data_flow_ops": ("queue.", ""),
    "python.ops.embedding_ops": ("nn.",),
    "python.ops.functional_ops": ("",),
    "python.ops.gradients": ("",),
    "python.ops.gradients_impl": ("",),
    "python.ops.gradients_util": ("",),
    "python.ops.histogram_ops": ("",),
    "python.ops.image_ops": ("image.", "io."),
    "python.ops.image_ops_impl": ("image.", "io."),
    "python.ops.inplace_ops": (),
    "python.ops.init_ops": ("initializers.", ""),
    "python.ops.init_ops_v2": ("initializers.", ""),
    "python.ops.initializers_ns": ("initializers.",),
    "python.ops.io_ops": ("io.", ""),
    "python.ops.linalg.linalg": ("linalg.",),
    "python.ops.linalg.linalg_impl": ("linalg.",),
    "python.ops.linalg_ops": ("linalg.", ""),
    "python.ops.logging_ops": ("", "summary."),
    "python.ops.lookup_ops": ("lookup.", "lookup.experimental.", ""),
    "python.ops.losses.losses": ("losses.",),
    "python.ops.losses.losses_impl": ("losses.",),
    "python.ops.losses.util": ("losses.",),
    "python.ops.manip_ops": ("",),
    "python.ops.map_fn": ("",),
    "python.ops.math_ops": ("math.", "", "linalg.", "sparse."),
    "python.ops.metrics": ("metrics.",),
    "python.ops.metrics_impl": ("metrics.",),
    "python.ops.nn": ("nn.",),
    "python.ops.nn_impl": ("nn.",),
    "python.ops.nn_ops": ("nn.",),
    "python.ops.parallel_for.control_flow_ops": ("",),
    "python.ops.parallel_for.gradients": (),
    "python.ops.parsing_ops": ("io.", ""),
    "python.ops.partitioned_variables": ("",),
    "python.ops.ragged.ragged_array_ops": ("ragged.", ""),
    "python.ops.ragged.ragged_factory_ops": ("ragged.",),
    "python.ops.ragged.ragged_math_ops": ("ragged.", ""),
    "python.ops.ragged.ragged_string_ops": ("strings.", "ragged."),
    "python.ops.ragged.ragged_tensor": ("ragged.", ""),
    "python.ops.random_ops": ("random.", ""),
    "python.ops.resource_variable_ops": ("",),
    "python.ops.rnn": ("nn.",),
    "python.ops.rnn_cell": ("nn.rnn_cell.",),
    "python.ops.rnn_cell_impl": ("nn.rnn_cell.",),
    "python.ops.script_ops": ("",),
    "python.ops.session_ops": ("",),
    "python.ops.sets": ("sets.",),
    "python.ops.sets_impl": ("sets.",),
    "python.ops.signal.signal": ("signal.",),
    "python.ops.sort_ops": ("",),
    "python.ops.sparse_ops": ("sparse.", ""),
    "python.ops.special_math_ops": ("math.special.", "math.", "linalg.", ""),
    "python.ops.spectral_ops": ("signal.", "spectral."),
    "python.ops.standard_ops": ("",),
    "python.ops.state_ops": ("",),
    "python.ops.stateful_random_ops": ("random.", "random.experimental."),
    "python.ops.stateless_random_ops": ("random.",),
    "python.ops.string_ops": ("strings.", ""),
    "python.ops.summary_ops_v2": ("summary.",),
    "python.ops.template": ("",),
    "python.ops.tensor_array_ops": ("",),
    "python.ops.unconnected_gradients": ("",),
    "python.ops.variable_scope": ("",),
    "python.ops.variables": ("",),
    "python.ops.weights_broadcast_ops": ("",),
    "python.ops.while_loop": ("",),
    "python.platform.app": ("app.",),
    "python.platform.flags": ("flags.",),
    "python.platform.gfile": ("gfile.",),
    "python.platform.googletest": ("test.",),
    "python.platform.resource_loader": ("resource_loader.",),
    "python.platform.sysconfig": ("sysconfig.",),
    "python.platform.test": ("test.",),
    "python.platform.tf_logging": ("logging.",),
    "python.saved_model.builder": ("saved_model.builder.", "saved_model."),
    "python.saved_model.constants": ("saved_model.", "saved_model.constants."),
    "python.saved_model.loader": ("saved_model.loader.", "saved_model."),
    "python.saved_model.main_op": ("saved_model.main_op.",),
    "python.saved_model.save": ("saved_model.",),
    "python.saved_model.load": ("saved_model.",),
    "python.saved_model.saved_model": ("saved_model.",),
    "python.saved_model.signature_constants": ("saved_model.signature_constants.", "saved_model."),
    "python.saved_model.signature_def_utils": ("saved_model.signature_def_utils.", "saved_model."),
    "python.saved_model.tag_constants": ("saved_model.tag_constants.", "saved_model."),
    "python.saved_model.utils": ("saved_model.utils.", "saved_model."),
    "python.summary.summary": ("summary.",),
    "python.summary.summary_iterator": ("train.",),
    "python.summary.writer.writer": ("summary.",),
    "python.estimator.api.estimator": ("estimator.",),
    "python.estimator.canned": ("estimator.",),
    "python.estimator.estimator_lib": ("estimator.",),
    "python.estimator.inputs.inputs": ("estimator.inputs.",),
    "python.training.adadelta": ("train.",),
    "python.training.adagrad": ("train.",),
    "python.training.adam": ("train.",),
    "python.training.basic_session_run_hooks": ("train.",),
    "python.training.checkpoint_management": ("train.",),
    "python.training.checkpoint_utils": ("train.",),
    "python.training.coordinator": ("train.",),
    "python.training.ftrl": ("train.",),
    "python.training.gradient_descent": ("train.",),
    "python.training.input": ("train.",),
    "python.training.learning_rate_decay": ("train.",),
    "python.training.momentum": ("train.",),
    "python.training.monitored_session": ("train.",),
    "python.training.moving_averages": ("train.",),
    "python.training.optimizer": ("train.",),
    "python.training.queue_runner": ("train.",),
    "python.training.queue_runner_impl": ("train.",),
    "python.training.rmsprop": ("train.",),
    "python.training.saver": ("train.",),
    "python.training.server_lib": ("train.",),
    "python.training.session_manager": ("train.",),
    "python.training.session_run_hook": ("train.",),
    "python.training.slot_creator": (),
    "python.training.summary_io": ("train.", "summary."),
    "python.training.supervisor": ("train.",),
    "python.training.sync_replicas_optimizer": ("train.",),
    "python.training.training": ("train.",),
    "python.training.training_util": ("train.",),
    "python.util.compat": ("compat.",),
    "python.util.deprecation": ("",),
    "python.util.nest": ("nest.",),
    "python.util.tf_inspect": (),
    "python.autograph.core.config": (),
    "python.autograph.impl.conversion": (),
    "python.autograph.operators": (),
    "python.autograph.pyct": (),
    "python.checkpoint.util": (),
    "python.client.pywrap_tf_session": (),
    "python.data.ops.batch_op": ("data.",),
    "python.data.ops.map_op": ("data.",),
    "python.data.ops.structured_function": (),
    "python.data.util.sparse": (),
    "python.distribute.one_device_strategy": ("distribute.",),
    "python.eager.cancellation": (),
    "python.eager.core": (),
    "python.eager.execute": (),
    "python.eager.imperative_grad": (),
    "python.eager.polymorphic_function.polymorphic_function": ("",),
    "python.eager.record": (),
    "python.eager.tape": (),
    "python.framework.auto_control_deps": (),
    "python.framework.op_def_registry": (),
    "python.framework.tensor_conversion_registry": ("",),
    "python.framework.versions": ("version.", ""),
    "python.ops.collective_ops": (),
    "python.ops.cond_v2": ("",),
    "python.ops.control_flow_util_v2": (),
    "python.ops.cudnn_rnn_grad": (),
    "python.ops.default_gradient": (),
    "python.ops.handle_data_util": (),
    "python.ops.linalg.linear_operator_adjoint": ("linalg.",),
    "python.ops.linalg.linear_operator_block_diag": ("linalg.",),
    "python.ops.linalg.linear_operator_block_lower_triangular": ("linalg.",),
    "python.ops.linalg.linear_operator_circulant": ("linalg.",),
    "python.ops.linalg.linear_operator_composition": ("linalg.",),
    "python.ops.linalg.linear_operator_diag": ("linalg.",),
    "python.ops.linalg.linear_operator_full_matrix": ("linalg.",),
    "python.ops.linalg.linear_operator_householder": ("linalg.",),
    "python.ops.linalg.linear_operator_identity": ("linalg.",),
    "python.ops.linalg.linear_operator_inversion": ("linalg.",),
    "python.ops.linalg.linear_operator_kronecker": ("linalg.",),
    "python.ops.linalg.linear_operator_low_rank_update": ("linalg.",),
    "python.ops.linalg.linear_operator_lower_triangular": ("linalg.",),
    "python.ops.linalg.linear_operator_permutation": ("linalg.",),
    "python.ops.linalg.linear_operator_toeplitz": ("linalg.",),
    "python.ops.linalg.linear_operator_tridiag": ("linalg.",),
    "python.ops.linalg.linear_operator_util": ("linalg.",),
    "python.ops.linalg.linear_operator_zeros": ("linalg.",),
    "python.ops.list_ops": (),
    "python.ops.math_grad": (),
    "python.ops.nn_grad": (),
    "python.ops.numpy_ops": ("experimental.numpy.",),
    "python.ops.numpy_ops.np_array_ops": ("experimental.numpy.",),
    "python.ops.numpy_ops.np_arrays": ("experimental.numpy.",),
    "python.ops.numpy_ops.np_dtypes": ("experimental.numpy.",),
    "python.ops.numpy_ops.np_math_ops": ("experimental.numpy.",),
    "python.ops.numpy_ops.np_random": ("experimental.numpy.random.",),
    "python.ops.numpy_ops.np_utils": ("experimental.numpy.",),
    "python.ops.parallel_for.pfor": (),
    "python.ops.ragged.ragged_autograph": (),
    "python.ops.ragged.ragged_conversion_ops": ("ragged.", ""),
    "python.ops.ragged.ragged_dispatch": (),
    "python.ops.ragged.ragged_getitem": (),
    "python.ops.ragged.ragged_operators": (),
    "python.ops.ref_variable": ("",),
    "python.ops.signal.util_ops": ("signal.",),
    "python.platform.build_info": (),
    "python.platform.self_check": (),
    "python.saved_model.function_serialization": (),
    "python.saved_model.nested_structure_coder": (),
    "python.types.core": ("types.experimental.", ""),
    "python.types.distribute": ("types.experimental.distributed.",),
    "python.types.internal": ("types.experimental.", ""),
    "python.types.trace": ("types.experimental.",),
    "python.util.decorator_utils": (),
    "python.util.is_in_graph_mode": (),
    "python.util.keras_deps": (),
    "python.util.lock_util": (),
    "python.util.protobuf": (),
    "python.util.serialization": (),
    "python.util.traceback_utils": ("debugging.",),
    "python.util.type_annotations": (),
    "python.util.variable_utils": (),
}
"""Internal module -> prefixes of the namespaces that its names are looked up in when `internals.txt` has no row."""

COUNTERPARTS = {
    "python.eager.context": ("penstock.platform.eager_context", "penstock.fronts.eager"),
    "python.framework.config": ("penstock.platform.config",),
    "python.framework.dtypes": ("penstock.base.dtypes",),
    "python.framework.errors": ("penstock.base.errors",),
    "python.framework.errors_impl": ("penstock.base.errors",),
    "python.framework.common_shapes": ("penstock.platform.framework_ops",),
    "python.framework.test_util": ("penstock.platform.test_modes", "penstock.platform.test_conditions", "penstock.platform.testing"),
    "python.framework.test_combinations": ("penstock.platform.test_combinations",),
    "python.framework.combinations": ("penstock.platform.mode_combinations",),
    "python.framework.ops": (
        "penstock.platform.framework_ops",
        "penstock.state.collection_protos",
        "penstock.ir.graph",
        "penstock.ir.convert",
        "penstock.ir.tensor",
        "penstock.ir.device",
    ),
    "python.framework.tensor_shape": ("penstock.base.shape",),
    "python.data.experimental.ops.cardinality": ("penstock.data.experimental",),
    "python.data.experimental.ops.distribute": ("penstock.data.batch_size",),
    "python.data.experimental.ops.iterator_ops": ("penstock.train.dataset_state",),
    "python.data.ops.dataset_ops": ("penstock.data.dataset_bases", "penstock.data.dataset_v1"),
    "python.data.ops.iterator_ops": ("penstock.data.iterator", "penstock.data.iterator_v1"),
    "python.data.ops.from_generator_op": ("penstock.data.dataset_kinds",),
    "python.data.ops.from_sparse_tensor_slices_op": ("penstock.data.dataset_kinds",),
    "python.data.ops.from_tensor_slices_op": ("penstock.data.dataset_kinds",),
    "python.data.ops.from_tensors_op": ("penstock.data.dataset_kinds",),
    "python.data.ops.range_op": ("penstock.data.dataset_kinds",),
    "python.data.ops.optional_ops": ("penstock.data.optional",),
    "python.data.ops.options": ("penstock.data.options",),
    "python.data.ops.readers": ("penstock.data.readers",),
    "python.data.util.nest": ("penstock.data.structure_nest",),
    "python.data.util.options": ("penstock.data.options",),
    "python.data.util.structure": ("penstock.data.structure",),
    "python.feature_column.feature_column_v2": ("penstock.api.inner.feature_columns",),
    "python.feature_column.feature_column": ("penstock.api.inner.feature_columns",),
    "python.framework.tensor_util": ("penstock.platform.known_shapes",),
    "python.client.session": ("penstock.fronts.fetches", "penstock.fronts.session"),
    "python.util.nest": ("penstock.base.nest",),
    "python.framework.type_spec": ("penstock.ir.type_spec",),
    "python.framework.tensor_spec": ("penstock.ir.type_spec",),
    "python.framework.type_spec_registry": ("penstock.ir.spec_registry",),
    "python.util.all_util": ("penstock.platform.documented",),
    "python.autograph.pyct.transformer": ("penstock.platform.source_transformer",),
    "python.util.dispatch": ("penstock.api.dispatch",),
    "python.layers.convolutional": ("penstock.layers.convolution",),
    "python.layers.normalization": ("penstock.layers.normalization",),
    "python.layers.pooling": ("penstock.layers.pooling",),
    "python.layers.base": ("penstock.layers.base",),
    "python.layers.core": ("penstock.layers.core",),
    "python.ops.confusion_matrix": ("penstock.train.internal_ops",),
    "python.ops.control_flow_ops": ("penstock.train.internal_ops", "penstock.platform.control_context"),
    "python.ops.variable_scope": ("penstock.state.scopes", "penstock.state.variable_store"),
    "python.ops.control_flow_util": ("penstock.platform.control_context",),
    "python.ops.data_flow_ops": ("penstock.ops.staging_areas",),
    "python.ops.lookup_ops": ("penstock.contrib.lookup.vocabularies", "penstock.contrib.lookup.lookup"),
    "python.ops.metrics_impl": ("penstock.train.internal_ops",),
    "python.ops.control_flow_case": ("penstock.platform.cases",),
    "python.ops.parallel_for.control_flow_ops": ("penstock.fronts.parallel_for",),
    "python.ops.random_ops": ("penstock.train.internal_ops",),
    "python.ops.resource_variable_ops": ("penstock.state.resource_variable", "penstock.state.variable_spec"),
    "python.ops.variables": ("penstock.state.partitioned",),
    "python.training.moving_averages": ("penstock.train.moving_averages",),
    "python.training.slot_creator": ("penstock.train.slots",),
    "python.training.basic_session_run_hooks": ("penstock.train.basic_session_run_hooks", "penstock.train.saving_hooks"),
    "python.training.evaluation": ("penstock.train.evaluation",),
    "python.training.monitored_session": ("penstock.train.monitored_session", "penstock.train.scaffold"),
    "python.training.session_run_hook": ("penstock.train.session_run_hook",),
    "python.training.session_manager": ("penstock.train.session_manager",),
    "python.training.supervisor": ("penstock.train.supervisor",),
    "python.training.server_lib": ("penstock.train.server",),
    "python.training.device_setter": ("penstock.train.device_setter",),
    "python.training.sync_replicas_optimizer": ("penstock.train.sync_replicas",),
    "python.training.training_util": ("penstock.train.global_step",),
    "python.training.warm_starting_util": ("penstock.train.warm_starting",),
    "python.training.experimental.loss_scale": ("penstock.train.loss_scale",),
    "python.training.experimental.loss_scale_optimizer": ("penstock.train.loss_scale",),
    "python.training.experimental.mixed_precision": ("penstock.train.loss_scale",),
    "python.estimator.early_stopping": ("penstock.estimator.early_stopping",),
    "python.estimator.estimator": ("penstock.estimator.estimator", "penstock.estimator.warm_start_settings"),
    "python.estimator.export.export": ("penstock.estimator.export_receivers", "penstock.estimator.exporting"),
    "python.estimator.export.export_output": ("penstock.estimator.export_output",),
    "python.estimator.exporter": ("penstock.estimator.exporter",),
    "python.estimator.inputs.numpy_io": ("penstock.estimator.inputs",),
    "python.estimator.inputs.pandas_io": ("penstock.estimator.inputs",),
    "python.estimator.mode_keys": ("penstock.estimator.mode_keys",),
    "python.estimator.model_fn": ("penstock.estimator.model_fn", "penstock.estimator.mode_keys"),
    "python.estimator.run_config": ("penstock.estimator.run_config",),
    "python.estimator.training": ("penstock.estimator.training",),
    "python.estimator.util": ("penstock.estimator.input_results", "penstock.estimator.arguments"),
    "python.ops.summary_ops_v2": ("penstock.summary.writers", "penstock.summary.trace", "penstock.ops.summary_writer"),
    "python.summary.writer.event_file_writer": ("penstock.base.events",),
    "python.summary.writer.writer_cache": ("penstock.summary.file_writer",),
    "python.profiler.model_analyzer": ("penstock.profiler.analyzer",),
    "python.profiler.option_builder": ("penstock.profiler.options",),
    "python.profiler.profiler": ("penstock.profiler.analyzer",),
    "python.profiler.profiler_v2": ("penstock.platform.recording",),
    "python.profiler.trace": ("penstock.platform.recording",),
    "python.trackable.autotrackable": ("penstock.state.auto_trackable",),
    "python.checkpoint.checkpoint": ("penstock.state.checkpoint", "penstock.state.checkpoint_status", "penstock.state.checkpoint_restore"),
    "python.checkpoint.checkpoint_management": ("penstock.state.checkpoint_manager", "penstock.state.checkpoints"),
    "python.checkpoint.checkpoint_options": ("penstock.state.checkpoint",),
    "python.checkpoint.graph_view": ("penstock.state.object_graph",),
    "python.training.checkpoint_management": ("penstock.state.checkpoint_manager", "penstock.state.checkpoints"),
    "python.training.checkpoint_utils": ("penstock.state.checkpoints",),
    "python.training.saving.saveable_object": ("penstock.state.saveable",),
    "python.training.saver": ("penstock.state.saver",),
    "python.training.tracking.util": ("penstock.state.checkpoint", "penstock.state.checkpoint_status"),
    "python.trackable.base": ("penstock.base.trackable",),
    "python.trackable.data_structures": ("penstock.state.trackable_data", "penstock.state.auto_trackable"),
    "python.trackable.resource": ("penstock.state.trackable_resource", "penstock.state.saved_model.restored_objects"),
    "python.trackable.base_delegate": ("penstock.state.delegation",),
    "python.training.saving.saveable_object_util": ("penstock.state.delegation",),
    "python.distribute.values": ("penstock.distribute.values", "penstock.distribute.variables"),
    "python.distribute.distribute_utils": ("penstock.distribute.sharding", "penstock.distribute.values", "penstock.distribute.strategy"),
    "python.distribute.input_lib": ("penstock.distribute.sharding", "penstock.distribute.datasets"),
    "python.distribute.input_ops": ("penstock.distribute.sharding",),
    "python.ops.ragged.ragged_util": ("penstock.ops.ragged_checks",),
    "python.pywrap_tfe": ("penstock.platform.eager_runtime",),
    "python.training.tracking.base": ("penstock.base.trackable",),
    "python.training.tracking.data_structures": ("penstock.state.trackable_data", "penstock.state.auto_trackable"),
    "python.training.tracking.tracking": ("penstock.state.auto_trackable", "penstock.state.trackable_resource"),
    "python.saved_model.builder_impl": ("penstock.state.saved_model.builder",),
    "python.saved_model.constants": ("penstock.state.saved_model.constants",),
    "python.saved_model.fingerprinting": ("penstock.state.saved_model.fingerprint",),
    "python.saved_model.load": ("penstock.state.saved_model.load",),
    "python.saved_model.load_options": ("penstock.state.saved_model.options",),
    "python.saved_model.load_v1_in_v2": ("penstock.state.saved_model.load_v1",),
    "python.saved_model.loader": ("penstock.state.saved_model.loader", "penstock.state.saved_model.files"),
    "python.saved_model.loader_impl": ("penstock.state.saved_model.loader", "penstock.state.saved_model.files"),
    "python.saved_model.model_utils.mode_keys": ("penstock.platform.mode_keys",),
    "python.ops.weights_broadcast_ops": ("penstock.train.weights_broadcast",),
    "tools.docs.doc_controls": ("penstock.platform.doc_marks",),
    "python.saved_model.revived_types": ("penstock.state.saved_model.restored_objects",),
    "python.saved_model.save": ("penstock.state.saved_model.save",),
    "python.saved_model.save_options": ("penstock.state.saved_model.options",),
    "python.saved_model.signature_constants": ("penstock.state.saved_model.constants",),
    "python.saved_model.signature_def_utils": ("penstock.state.saved_model.signature_defs",),
    "python.saved_model.signature_def_utils_impl": ("penstock.state.saved_model.signature_defs",),
    "python.saved_model.signature_serialization": ("penstock.state.saved_model.signatures",),
    "python.saved_model.tag_constants": ("penstock.state.saved_model.constants",),
    "python.saved_model.utils_impl": ("penstock.state.saved_model.signature_defs",),
    "python.trackable.asset": ("penstock.state.saved_model.asset",),
    "python.framework.convert_to_constants": ("penstock.state.graph_tools.convert_to_constants",),
    "python.tools.freeze_graph": ("penstock.state.graph_tools.freeze_graph",),
    "python.tools.inspect_checkpoint": ("penstock.state.graph_tools.inspect_checkpoint",),
    "python.tools.optimize_for_inference": ("penstock.state.graph_tools.optimize_for_inference",),
    "python.tools.optimize_for_inference_lib": ("penstock.state.graph_tools.optimize_for_inference",),
    "python.tools.saved_model_cli": ("penstock.cli.saved_model",),
    "python.tools.saved_model_utils": ("penstock.cli.saved_model", "penstock.state.saved_model.files"),
    "python.tools.strip_unused": ("penstock.state.graph_tools.strip_unused",),
    "python.tools.strip_unused_lib": ("penstock.state.graph_tools.strip_unused",),
    "python.distribute.summary_op_util": ("penstock.summary.scopes",),
    "python.ops.summary_op_util": ("penstock.summary.scopes",),
    "python.ops.resources": ("penstock.state.resources",),
    "python.ops.array_ops": ("penstock.ops.shapes", "penstock.ops.arrays"),
    "python.ops.linalg.linear_operator": ("penstock.state.linear_operator",),
    "python.ops.linalg.linear_operator_addition": ("penstock.state.linear_operator_sums",),
    "python.tpu.device_assignment": ("penstock.distribute.tpu_topology",),
    "python.tpu.topology": ("penstock.distribute.tpu_topology",),
    "python.tpu.tpu_function": ("penstock.contrib.tpu.shards",),
    "python.tpu.tpu_config": ("penstock.contrib.tpu.tpu",),
    "python.tpu.tpu_estimator": ("penstock.contrib.tpu.tpu",),
    "python.tpu.ops.tpu_ops": ("penstock.contrib.tpu.tpu",),
    "python.util.variable_utils": ("penstock.state.variable_spec",),
    "python.util.tf_inspect": ("penstock.platform.inspection", "inspect"),
    "python.util.function_utils": ("penstock.platform.callables",),
    "python.util.lazy_loader": ("penstock.platform.callables",),
    "python.util.tf_stack": ("penstock.platform.callables",),
    "python.framework.immutable_dict": ("penstock.ops.extension_fields",),
    "python.util.tf_decorator": ("penstock.platform.decoration",),
    "python.util.tf_export": ("penstock.api.canonical",),
    "python.util.tf_contextlib": ("contextlib",),
    "python.util.deprecation": ("penstock.platform.decorators",),
    "python.client.timeline": ("penstock.platform.timeline",),
    "python.util.object_identity": ("penstock.platform.object_identity",),
    "python.client.device_lib": ("penstock.platform.device_lib",),
    "python.lib.io.file_io": ("penstock.platform.gfile",),
    "python.platform.flags": ("penstock.platform.flags",),
    "python.platform.gfile": ("penstock.platform.gfile",),
    "python.platform.tf_logging": ("penstock.platform.messages",),
}
"""Internal module -> modules that define what it defined, for names that never were public."""
for _part, _modules in ESTIMATOR_PARTS.items():
    COUNTERPARTS.setdefault(f"python.estimator.{_part}", tuple(f"penstock.estimator.{m}" for m in _modules.split()))


class Table:
    """`internals.txt`, read at first use: module -> {name: public name}, and every package on the way."""

    def __init__(self):
        self._modules = None
        self._packages = None
        self._leaves = None

    def _load(self):
        self._modules = dict.fromkeys((*FAMILIES, *COUNTERPARTS), "")
        with open(TABLE, encoding="utf-8") as file:
            for line in file:
                module, _, rows = line.strip().partition(" ")
                self._modules[module] = rows
        self._packages = set()
        for module in self._modules:
            while module:
                self._packages.add(module)
                module = module.rpartition(".")[0]
        self._leaves = {m.rpartition(".")[2]: m for m in reversed(list(self._modules))}

    def knows(self, module):
        """Is this (without `tensorflow.`) a module or package that programs import?"""
        if self._modules is None:
            self._load()
        if is_keras(module):
            return keras_internals.knows(module)
        return module in self._packages or is_generated(module) or (is_proto(module) and has_proto(module))

    def rows(self, module):
        """{name: public name} of one module."""
        return dict(row.split("=") for row in self._modules.get(module, "").split())

    def with_leaf(self, leaf):
        """The module whose last part is `leaf`: internal modules see each other as attributes."""
        return self._leaves.get(leaf)


TABLE_OF_MODULES = Table()


def is_generated(module):
    """`python.ops.gen_math_ops`: one function for each op, in snake case."""
    return module.startswith("python.ops.gen_") and module.endswith("_ops")


def has_generated(module):
    """`python.ops.array_ops`: the functions of `gen_array_ops` are in it too."""
    return module.startswith("python.ops.") and module.endswith("_ops") and module.count(".") == 2


def has_operations(module):
    """`python.ops.math_ops`: `MatMul` in it is the op itself."""
    return module.startswith("python.ops.") and (module.endswith("_ops") or module == "python.ops.nn")


def nearer(module, key):
    """What the modules of `penstock.api.inner` or Keras's namespaces have for `key`; None where they have nothing."""
    if module in HERE:
        value = getattr(import_module(f"penstock.api.inner.{HERE[module]}"), key, None)
        if value is not None and not isinstance(value, ModuleType):
            return value
    return keras_internals.find(module, key) if is_keras(module) else None


def is_keras(module):
    """`python.keras.layers`: Keras as TensorFlow carried it."""
    return f"{module}.".startswith("python.keras.")


def is_proto(module):
    """`core.framework.graph_pb2`: a module of protocol buffer messages."""
    return module.startswith(("core.", "tsl.")) and module.endswith("_pb2")


def has_proto(module):
    """Does penstock have the messages of this module?"""
    return exists(join(PROTOS, module.rpartition(".")[2] + ".py"))


class InternalModule(ModuleType):
    """One of TensorFlow's internal modules, its names found when they are used."""

    def __init__(self, name, tf1):
        super().__init__(name)
        self.__dict__.update(__path__=[], _inside=name.partition(".")[2], _tf1=tf1, _rows=None)

    def __getattr__(self, key):
        if key.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {key!r}", name=key)
        value = self._find(key)
        self.__dict__[key] = value
        return value

    def _find(self, key):
        inside = self._inside
        near = nearer(inside, key)
        if near is not None:
            return near
        for name in self._candidates(key):
            target = INDEX.get(name)
            if target:
                if name.startswith("raw_ops."):
                    from penstock.api.raw import named

                    return named(name.removeprefix("raw_ops."), positional=True)
                return resolve(target)
        proto = (f"penstock.base.proto.{inside.rpartition('.')[2]}",) if is_proto(inside) else ()
        for name in proto or COUNTERPARTS.get(inside, ()):
            try:
                module = import_module(name)
            except ModuleNotFoundError:
                continue
            value = getattr(module, key, None)
            if value is not None and not isinstance(value, ModuleType):
                return value
        if has_generated(inside) and key.islower():
            name = camel_case(key)
            if INDEX.get(f"raw_ops.{name}"):
                from penstock.api.raw import named

                return named(name, positional=True)
        if has_operations(inside) and INDEX.get(f"raw_ops.{key}"):
            from penstock.api.raw import named

            return named(key, positional=True)
        other = TABLE_OF_MODULES.with_leaf(key)
        if other and TABLE_OF_MODULES.knows(f"{inside}.{key}"):
            return import_module(f"{self.__name__}.{key}")
        if other:
            return import_module(f"{self.__name__.partition('.')[0]}.{other}")
        raise AttributeError(f"module {self.__name__!r} has no attribute {key!r}", name=key)

    def _candidates(self, key):
        """Public names that `key` may stand for, the likeliest first."""
        if self._rows is None:
            self.__dict__["_rows"] = TABLE_OF_MODULES.rows(self._inside)
        listed = self._rows.get(key)
        if listed:
            if self._tf1 and not listed.startswith((V1, "raw_ops.")):
                yield V1 + listed  # in TensorFlow 1.x the internal function had the 1.x parameters
            yield listed
            yield V1 + listed
            if not listed.startswith(V1):
                return
        if is_generated(self._inside):
            yield "raw_ops." + camel_case(key.lstrip("_"))
        for home in FAMILIES.get(self._inside, ()):
            for suffix, order in (("_v2", ("", V1)), ("_v1", (V1, "")), ("V2", ("", V1)), ("V1", (V1, ""))):
                if key.endswith(suffix):
                    yield from (api + home + key[: -len(suffix)] for api in order)
            yield from (V1 + home + key, home + key)

    def __dir__(self):
        names = set(TABLE_OF_MODULES.rows(self._inside))
        for home in FAMILIES.get(self._inside, ()):
            names.update(n for n in INDEX.under(V1 + home) if "." not in n)
        return sorted(names | set(super().__dir__()))


def camel_case(name):
    """`mat_mul` -> `MatMul`, `fused_batch_norm_v3` -> `FusedBatchNormV3`, `fft2d` -> `FFT2D` as the registry has it."""
    plain = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    if INDEX.get(f"raw_ops.{plain}"):
        return plain
    lower = name.replace("_", "").lower()
    return next((op for op in INDEX.under("raw_ops.") if op.lower() == lower), plain)
