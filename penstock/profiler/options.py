"""`tf.compat.v1.profiler.ProfileOptionBuilder`: what a profile counts and shows."""

import copy

from penstock.base.export import export

_COUNTS = dict(max_depth=10000, min_bytes=0, min_micros=0, min_params=0, min_float_ops=0, min_occurrence=0)
_SHOWN = dict(start_name_regexes=[".*"], trim_name_regexes=[], show_name_regexes=[".*"], hide_name_regexes=[], account_displayed_op_only=True)
DEFAULT = dict(
    dict(_COUNTS, max_depth=100), order_by="name", account_type_regexes=[".*"], **dict(_SHOWN, account_displayed_op_only=False), select=["micros"],
    step=-1, output="stdout",
)  # fmt: skip


@export(v1=("profiler.ProfileOptionBuilder",))
class ProfileOptionBuilder:
    """Puts together the options of `tf.compat.v1.profiler.profile`.

    >>> options = ProfileOptionBuilder(ProfileOptionBuilder.time_and_memory()).with_max_depth(3).order_by("micros").build()
    """

    def __init__(self, options=None):
        if options is not None:
            self._options = copy.deepcopy(options)
        else:
            self._options = copy.deepcopy(DEFAULT)

    @staticmethod
    def trainable_variables_parameter():
        """Options that count the parameters of trainable variables."""
        return copy.deepcopy(dict(_COUNTS, order_by="name", account_type_regexes=["_trainable_variables"], **_SHOWN, select=["params"], step=-1, output="stdout"))

    @staticmethod
    def float_operation():
        """Options that count floating point operations."""
        return copy.deepcopy(dict(_COUNTS, min_float_ops=1, order_by="float_ops", account_type_regexes=[".*"], **_SHOWN, select=["float_ops"], step=-1, output="stdout"))

    @staticmethod
    def time_and_memory(min_micros=1, min_bytes=1, min_accelerator_micros=0, min_cpu_micros=0, min_peak_bytes=0, min_residual_bytes=0, min_output_bytes=0):
        """Options that show the time and memory of nodes."""
        return copy.deepcopy(dict(
            max_depth=10000, min_bytes=min_bytes, min_peak_bytes=min_peak_bytes, min_residual_bytes=min_residual_bytes, min_output_bytes=min_output_bytes,
            min_micros=min_micros, min_accelerator_micros=min_accelerator_micros, min_cpu_micros=min_cpu_micros, min_params=0, min_float_ops=0,
            min_occurrence=0, order_by="micros", account_type_regexes=[".*"], **_SHOWN, select=["micros", "bytes"], step=-1, output="stdout",
        ))  # fmt: skip

    def build(self):
        """The options as a dictionary."""
        return copy.deepcopy(self._options)

    def _set(self, **values):
        self._options.update(values)
        return self

    def with_max_depth(self, max_depth):
        """Show so many levels."""
        return self._set(max_depth=max_depth)

    def with_min_memory(self, min_bytes=0, min_peak_bytes=0, min_residual_bytes=0, min_output_bytes=0):
        """Show nodes that take at least so many bytes."""
        return self._set(min_bytes=min_bytes, min_peak_bytes=min_peak_bytes, min_residual_bytes=min_residual_bytes, min_output_bytes=min_output_bytes)

    def with_min_execution_time(self, min_micros=0, min_accelerator_micros=0, min_cpu_micros=0):
        """Show nodes that take at least so many microseconds."""
        return self._set(min_micros=min_micros, min_accelerator_micros=min_accelerator_micros, min_cpu_micros=min_cpu_micros)

    def with_min_parameters(self, min_params):
        """Show nodes with at least so many parameters."""
        return self._set(min_params=min_params)

    def with_min_occurrence(self, min_occurrence):
        """Show ops that occur at least so often."""
        return self._set(min_occurrence=min_occurrence)

    def with_min_float_operations(self, min_float_ops):
        """Show nodes of at least so many operations."""
        return self._set(min_float_ops=min_float_ops)

    def with_accounted_types(self, account_type_regexes):
        """Count nodes of these types only."""
        return self._set(account_type_regexes=copy.copy(account_type_regexes))

    def with_node_names(self, start_name_regexes=None, show_name_regexes=None, hide_name_regexes=None, trim_name_regexes=None):
        """Begin at, show, hide, or cut off below nodes whose names match."""
        given = dict(start_name_regexes=start_name_regexes, show_name_regexes=show_name_regexes, hide_name_regexes=hide_name_regexes,
                     trim_name_regexes=trim_name_regexes)  # fmt: skip
        return self._set(**{k: copy.copy(v) for k, v in given.items() if v is not None})

    def account_displayed_op_only(self, is_true):
        """Count only what is shown?"""
        return self._set(account_displayed_op_only=is_true)

    def with_empty_output(self):
        """Print nothing."""
        return self._set(output="none")

    def with_stdout_output(self):
        """Print the result."""
        return self._set(output="stdout")

    def with_file_output(self, outfile):
        """Write the result to a file."""
        return self._set(output=f"file:outfile={outfile}")

    def with_timeline_output(self, timeline_file):
        """Write a timeline for Chrome's trace viewer."""
        return self._set(output=f"timeline:outfile={timeline_file}")

    def with_pprof_output(self, pprof_file):
        """Write a profile for pprof (views by code)."""
        return self._set(output=f"pprof:outfile={pprof_file}")

    def order_by(self, attribute):
        """Sort by this attribute."""
        return self._set(order_by=attribute)

    def select(self, attributes):
        """Show these attributes."""
        return self._set(select=copy.copy(attributes))

    def with_step(self, step):
        """Show this step; -1 is the mean of all."""
        return self._set(step=step)
