"""The list of operations that a foreign graph may have."""

from tensorflow.python.framework import op_def_registry

from serving.safe_operations import SAFE_OPERATIONS
from tests.serving.test_graph_screening import UNSAFE

# Stateful in TensorFlow's words: random numbers, calls and loops, and arrays of a single run.
STATEFUL = {
    *("Assert", "CheckNumerics", "CheckNumericsV2", "GuaranteeConst", "_Arg", "_Retval"),
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
    *("RandomShuffle", "RandomGamma", "Multinomial", "StatelessRandomGetAlg"),
    *("Case", "If", "While", "StatefulPartitionedCall"),
}


def test_the_list_holds_operations_that_exist_and_keep_no_state():
    for name in SAFE_OPERATIONS:
        definition = op_def_registry.get(name)
        assert definition is not None, name
        is_listed = name in STATEFUL or name.startswith("TensorArray")
        assert not definition.is_stateful or is_listed, name
    assert not SAFE_OPERATIONS & set(UNSAFE)
