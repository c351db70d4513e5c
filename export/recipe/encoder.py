"""Picture encoder to int8 ONNX: exported from PyTorch, calibrated on training photos, checked against float32."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from export.recipe.efficientnet_lite import EfficientNetLite

SIDE = 224
OUTPUTS = ["grid", "middle", "class_logits"]


def read_rgb(path: Path) -> np.ndarray:
    """Photo as uint8 RGB [height, width, 3]. ValueError when it is not one."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is not a readable picture")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def squash(photo: np.ndarray) -> np.ndarray:
    """uint8 RGB [height, width, 3] -> [224, 224, 3]; the aspect ratio is not kept, as in the training sets."""
    interpolation = cv2.INTER_AREA if min(photo.shape[:2]) > SIDE else cv2.INTER_LINEAR
    return cv2.resize(photo, (SIDE, SIDE), interpolation=interpolation)


class _Photos(CalibrationDataReader):
    def __init__(self, photos: Iterable[np.ndarray]):
        self._photos: Iterator[np.ndarray] = iter(photos)

    def get_next(self) -> dict[str, np.ndarray] | None:
        photo = next(self._photos, None)
        return None if photo is None else {"pixels": photo[None]}


def export_encoder(checkpoint: Path, calibration: list[np.ndarray], out: Path) -> None:
    """Writes the int8 encoder: pixels uint8 [b, 224, 224, 3] -> grid, middle, class_logits (EfficientNetLite).

    Static quantisation, calibrated on photos uint8 [224, 224, 3]; weights in 7 bits a channel, since the 8-bit products
    of processors with AVX2 but without VNNI saturate in pairs and would see another picture than all others do (top-1
    agreement with float32 there: 0.76 instead of 0.81).
    """
    model = EfficientNetLite.load(checkpoint)
    with tempfile.TemporaryDirectory() as scratch:
        exact = Path(scratch, "exact.onnx")
        torch.onnx.export(
            model,
            (torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8),),
            str(exact),
            input_names=["pixels"],
            output_names=OUTPUTS,
            dynamic_axes={name: {0: "batch"} for name in ["pixels", *OUTPUTS]},
            opset_version=17,
            dynamo=False,
        )
        quantize_encoder(exact, calibration, out)
        exact.replace(out.with_suffix(".exact.onnx"))


def quantize_encoder(exact: Path, calibration: list[np.ndarray], out: Path) -> None:
    """Rounds a float32 encoder of pixels uint8 [b, height, width, 3] to int8, as export_encoder says."""
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch, "prepared.onnx")
        quant_pre_process(str(exact), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        quantize_static(
            str(prepared),
            str(out),
            _Photos(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=["Conv", "Clip", "Gemm", "MatMul", "Pad"],
            nodes_to_exclude=[n.name for n in graph.node if n.op_type in ("Sub", "Div")],
        )


def open_session(path: Path, threads: int = 2) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def agreement(exact: Path, quantised: Path, photos: list[np.ndarray]) -> dict[str, float]:
    """How close int8 stays to float32: top-1 agreement over the class scores and mean cosine of each grid."""
    a, b = open_session(exact), open_session(quantised)
    same: list[bool] = []
    cosines: dict[str, list[float]] = {"grid": [], "middle": []}
    for photo in photos:
        x, y = a.run(None, {"pixels": photo[None]}), b.run(None, {"pixels": photo[None]})
        same.append(bool(x[2].argmax() == y[2].argmax()))
        for i, name in enumerate(("grid", "middle")):
            u, v = x[i].ravel(), y[i].ravel()
            cosines[name].append(float(u @ v / (np.linalg.norm(u) * np.linalg.norm(v))))
    return {"top1_agreement": float(np.mean(same))} | {f"cosine_{k}": float(np.mean(v)) for k, v in cosines.items()}
