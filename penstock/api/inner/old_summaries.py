"""`logging_ops.scalar_summary` and its like, as they were before `tf.summary`."""

from penstock.ir import door
from penstock.ir.op import find
from penstock.state.collections import add_to_collections


def _made(op, inputs, collections, name, **attrs):
    out = find(op)(*inputs, name=name, **attrs)
    for key in ("summaries",) if collections is None else collections:
        add_to_collections(key, out)
    return out


def scalar_summary(tags, values, collections=None, name=None):
    """A Summary with a value for each tag."""
    return _made("ScalarSummary", (door.convert(tags), door.convert(values)), collections, name)


def histogram_summary(tag, values, collections=None, name=None):
    """A Summary with a histogram of the values."""
    return _made("HistogramSummary", (door.convert(tag), door.convert(values)), collections, name)


def image_summary(tag, tensor, max_images=3, collections=None, name=None):
    """A Summary with up to `max_images` of a batch of images."""
    return _made("ImageSummary", (door.convert(tag), door.convert(tensor)), collections, name, max_images=max_images)


def audio_summary(tag, tensor, sample_rate, max_outputs=3, collections=None, name=None):
    """A Summary with up to `max_outputs` of a batch of sounds."""
    inputs = (door.convert(tag), door.convert(tensor), door.convert(float(sample_rate)))
    return _made("AudioSummaryV2", inputs, collections, name, max_outputs=max_outputs)


def merge_summary(inputs, collections=None, name=None):
    """One Summary of several."""
    return _made("MergeSummary", ([door.convert(i) for i in inputs],), collections or (), name)


def merge_all_summaries(key="summaries"):
    """One Summary of all that the collection holds; None when it holds none."""
    from penstock.state.collections import get_collection

    found = get_collection(key)
    return merge_summary(found) if found else None


def get_summary_op():
    """The op that merges all summaries, made once."""
    from penstock.state.collections import get_collection

    made = get_collection("summary_op")
    if made and made[0] is not None:
        return made[0]
    merged = merge_all_summaries()
    if merged is not None:
        add_to_collections("summary_op", merged)
    return merged
