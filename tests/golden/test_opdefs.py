"""Every registered op has TensorFlow's signature: the wire contract of GraphDef and SavedModel."""

from penstock.api import coverage, make


def test_signatures_equal_tensorflows():
    make.import_everything()
    report = coverage.ops()
    assert report.different == {}
    assert len(report.registered) > 100


def test_ops_of_our_own_are_few_and_not_public():
    from penstock.api.lazy import INDEX

    assert [name for name in coverage.ops().own if INDEX.get(f"raw_ops.{name}")] == []
