"""A fixed part of the hostile calls and of the damaged files; `make hostile` makes all of them."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPS = """Fill Range Tile Pad OneHot LinSpace Split SplitV Unpack Reshape BroadcastTo Gather GatherNd ScatterNd StridedSlice Slice Where UniqueV2 TopKV2
 SparseReshape SparseTensorDenseMatMul SparseSplit RaggedRange RaggedGather RaggedTensorToTensor StringSplitV2 Substr RegexReplace DecodeCSV DecodeRaw
 ParseTensor ParseSingleExample DeserializeSparse MergeSummary Conv2D MaxPool ResizeBilinear CropAndResize NonMaxSuppressionV3 CTCBeamSearchDecoder
 RandomUniform StatelessRandomUniform SampleDistortedBoundingBoxV2 LookupTableFindV2 QueueEnqueueV2 TensorListReserve TensorArrayV3 TensorArrayReadV2
 Placeholder PartitionedCall RestoreV2 Cumsum Bincount UnsortedSegmentSum FractionalMaxPool AudioSpectrogram Mfcc BlockLSTM SparseMatrixMatMul""".split()


def child(*arguments):
    """What a process prints; it must find nothing wrong."""
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=280, env={**os.environ, "PENSTOCK_CACHE": "off"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_hostile_calls_end_in_errors_of_tensorflow():
    assert f"{len(OPS)} ops, 6 calls each: 0 with something wrong" in child("tests.hostile.calls", "--calls", "6", *OPS)


def test_damaged_files_end_in_errors_of_tensorflow():
    assert "300 mutated files and 10 bombs: 0 with something wrong" in child("tests.hostile.media", "--files", "300")
