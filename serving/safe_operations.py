"""The operations of TensorFlow that image networks consist of, for `serving.graph_screening`.

They are those of our exports, of research/deeplab's of both years, and of what converters and graph
tools make of these. None reads or writes anything but tensors.
"""

from collections.abc import Mapping

from common.texts import first_few, printable

_MAX_NAME = 60

_BY_KIND = {
    "inputs, constants and what passes them on": (
        "Const Placeholder PlaceholderV2 PlaceholderWithDefault Identity IdentityN NoOp "
        "Snapshot StopGradient PreventGradient CheckNumerics EnsureShape Assert GuaranteeConst "
        "CheckNumericsV2"
    ),
    "functions and control flow; what they run is checked as well": (
        "PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile Case "
        "StatelessCase Switch RefSwitch Merge RefMerge Enter RefEnter Exit RefExit "
        "NextIteration RefNextIteration LoopCond ControlTrigger FakeParam _Arg _Retval "
        "TensorArrayV3 TensorArrayReadV3 TensorArrayWriteV3 TensorArrayGatherV3 "
        "TensorArrayScatterV3 TensorArrayConcatV3 TensorArraySplitV3 TensorArraySizeV3 "
        "TensorArrayCloseV3 EmptyTensorList TensorListConcatV2 TensorListElementShape "
        "TensorListFromTensor TensorListGather TensorListGetItem TensorListLength "
        "TensorListPushBack TensorListPopBack TensorListReserve TensorListResize "
        "TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack"
    ),
    "shapes and parts of tensors": (
        "Shape ShapeN Size Rank Reshape Squeeze ExpandDims Transpose ConjugateTranspose Concat "
        "ConcatV2 ConcatOffset ParallelConcat Pack Unpack Split SplitV Slice StridedSlice "
        "Gather GatherV2 GatherNd Tile Pad PadV2 MirrorPad BroadcastTo BroadcastArgs Fill "
        "ZerosLike OnesLike Range LinSpace OneHot Reverse ReverseV2 ReverseSequence Roll Diag "
        "DiagPart MatrixBandPart MatrixDiag MatrixDiagV2 MatrixDiagV3 MatrixDiagPart "
        "MatrixDiagPartV2 MatrixDiagPartV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 Where "
        "Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 ListDiff InvertPermutation "
        "DynamicPartition DynamicStitch ParallelDynamicStitch ScatterNd ScatterNdNonAliasingAdd "
        "TensorScatterUpdate TensorScatterAdd TensorScatterSub TensorScatterMax "
        "TensorScatterMin TensorStridedSliceUpdate SpaceToBatch SpaceToBatchND BatchToSpace "
        "BatchToSpaceND SpaceToDepth DepthToSpace ExtractImagePatches Cast Bitcast UnravelIndex "
        "DataFormatDimMap DataFormatVecPermute"
    ),
    "arithmetic": (
        "Add AddV2 AddN AccumulateNV2 Sub Mul MulNoNan Div DivNoNan RealDiv TruncateDiv "
        "FloorDiv Mod FloorMod TruncateMod Maximum Minimum SquaredDifference Pow Abs Neg Sign "
        "Square Sqrt Rsqrt Inv Invert Reciprocal Exp Expm1 Log Log1p Floor Ceil Round Rint Sin "
        "Cos Tan Asin Acos Atan Atan2 Sinh Cosh Tanh Asinh Acosh Atanh Erf Erfc Erfinv Lgamma "
        "Digamma Xdivy Xlogy Xlog1py ClipByValue IsNan IsInf IsFinite NextAfter Equal NotEqual "
        "Less LessEqual Greater GreaterEqual ApproximateEqual LogicalAnd LogicalOr LogicalNot "
        "Select SelectV2 BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift MatMul "
        "BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum Cross MatrixInverse MatrixDeterminant "
        "Cholesky Sum Mean Prod Max Min All Any EuclideanNorm ArgMax ArgMin Cumsum Cumprod "
        "CumulativeLogsumexp SegmentSum SegmentMean SegmentMax SegmentMin SegmentProd "
        "UnsortedSegmentSum UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd Bincount "
        "DenseBincount HistogramFixedWidth Bucketize TopK TopKV2 NthElement InTopK InTopKV2 "
        "LowerBound UpperBound MatrixSolve MatrixTriangularSolve Svd Qr Lu Complex ComplexAbs "
        "Real Imag Conj Angle FFT FFT2D FFT3D IFFT IFFT2D IFFT3D RFFT RFFT2D RFFT3D IRFFT "
        "IRFFT2D IRFFT3D"
    ),
    "layers": (
        "Conv2D Conv2DBackpropInput Conv3D DepthwiseConv2dNative "
        "DepthwiseConv2dNativeBackpropInput Dilation2D BiasAdd BiasAddV1 FusedBatchNorm "
        "FusedBatchNormV2 FusedBatchNormV3 BatchNormWithGlobalNormalization FusedPadConv2D "
        "FusedResizeAndPadConv2D _FusedConv2D _FusedDepthwiseConv2dNative _FusedMatMul "
        "_FusedBatchNormEx AvgPool AvgPool3D MaxPool MaxPoolV2 MaxPool3D MaxPoolWithArgmax LRN "
        "L2Loss Relu Relu6 LeakyRelu Elu Selu Softplus Softsign Sigmoid Softmax LogSoftmax "
        "RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal "
        "StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomNormal "
        "StatelessRandomNormalV2 FractionalAvgPool FractionalMaxPool RandomShuffle RandomGamma "
        "Multinomial StatelessRandomUniformInt StatelessRandomUniformIntV2 "
        "StatelessTruncatedNormal StatelessTruncatedNormalV2 StatelessRandomGetAlg "
        "StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg"
    ),
    "images": (
        "ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor CropAndResize "
        "ScaleAndTranslate ImageProjectiveTransformV2 ImageProjectiveTransformV3 "
        "AdjustContrastv2 AdjustHue AdjustSaturation RGBToHSV HSVToRGB ExtractGlimpse "
        "ExtractGlimpseV2 NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 "
        "NonMaxSuppressionV4 NonMaxSuppressionV5 CombinedNonMaxSuppression"
    ),
    "8 bits": (
        "FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel "
        "QuantizeV2 Dequantize QuantizeAndDequantize QuantizeAndDequantizeV2 "
        "QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeDownAndShrinkRange Requantize "
        "RequantizationRange RequantizePerChannel RequantizationRangePerChannel QuantizedAdd "
        "QuantizedMul QuantizedBiasAdd QuantizedConcat QuantizedConv2D QuantizedDepthwiseConv2D "
        "QuantizedMatMul QuantizedAvgPool QuantizedMaxPool QuantizedRelu QuantizedRelu6 "
        "QuantizedReluX QuantizedReshape QuantizedResizeBilinear QuantizedInstanceNorm "
        "QuantizedConcatV2 QuantizedBatchNormWithGlobalNormalization QuantizedConv2DPerChannel "
        "QuantizedConv2DAndRelu QuantizedConv2DAndRequantize "
        "QuantizedConv2DAndReluAndRequantize QuantizedConv2DWithBias "
        "QuantizedConv2DWithBiasAndRelu QuantizedConv2DWithBiasAndRequantize "
        "QuantizedConv2DWithBiasAndReluAndRequantize QuantizedConv2DWithBiasSumAndRelu "
        "QuantizedConv2DWithBiasSumAndReluAndRequantize "
        "QuantizedConv2DWithBiasSignedSumAndReluAndRequantize QuantizedDepthwiseConv2DWithBias "
        "QuantizedDepthwiseConv2DWithBiasAndRelu "
        "QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize QuantizedMatMulWithBias "
        "QuantizedMatMulWithBiasAndRelu QuantizedMatMulWithBiasAndRequantize "
        "QuantizedMatMulWithBiasAndReluAndRequantize QuantizedMatMulWithBiasAndDequantize "
        "UniformQuantize UniformDequantize UniformRequantize UniformQuantizedAdd "
        "UniformQuantizedClipByValue UniformQuantizedConvolution "
        "UniformQuantizedConvolutionHybrid UniformQuantizedDot UniformQuantizedDotHybrid"
    ),
    "text, as in captions and the messages of assertions": (
        "AsString StringFormat StringJoin ReduceJoin StringStrip"
    ),
}

SAFE_OPERATIONS = frozenset(" ".join(_BY_KIND.values()).split())


def refuse(path: str, unsafe: Mapping[str, str]) -> None:
    """Raises ValueError, where a graph has operations that are not among them.

    Args:
      path: its file.
      unsafe: a node of each such operation.
    """
    if unsafe:
        named = first_few(f"{cut(name)} (node {cut(node)})" for name, node in unsafe.items())
        raise ValueError(
            f"{path} has operations that image networks do not need: {named}. They may read and "
            "write files or run programs. If you trust where the file comes from, load it with "
            "--trust, or trust=True in Python."
        )


def cut(name: str) -> str:
    """Returns a graph's name for something, as an error shows it."""
    name = printable(name)
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…"
