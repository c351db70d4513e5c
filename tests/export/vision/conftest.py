from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_models import IMAGE

from export.vision.part import VisionPart, export_vision
from models.processor import read_processor

Exported = Callable[..., tuple[Path, VisionPart]]


@pytest.fixture(scope="session")
def photo(demo_photo: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(demo_photo)), cv2.COLOR_BGR2RGB)


@pytest.fixture(scope="session")
def views(photo: np.ndarray) -> list[np.ndarray]:
    """uint8 [h, w, 3]: twelve parts of a photo, of different sizes."""
    height, width = photo.shape[:2]
    corners = [(y, x) for y in (0.0, 0.25, 0.5) for x in (0.0, 0.2, 0.35, 0.5)]
    return [
        photo[int(y * height) : int((y + 0.5) * height), int(x * width) : int((x + 0.3 + y / 3) * width)]
        for y, x in corners
    ]


@pytest.fixture(scope="session")
def squares(views: list[np.ndarray]) -> np.ndarray:
    """uint8 [12, 64, 64, 3]: the same as the tiny towers want them."""
    return np.stack([cv2.resize(view, (IMAGE, IMAGE), interpolation=cv2.INTER_AREA) for view in views])


@pytest.fixture(scope="session")
def exported(tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, views: list[np.ndarray]) -> Exported:
    """exported(kind, precision, size=None) -> the graph and what was reported; "static" is int8 with views 0 to 7."""
    made: dict[tuple[str, str, int | None], tuple[Path, VisionPart]] = {}

    def get(kind: str, precision: str, size: int | None = None) -> tuple[Path, VisionPart]:
        key = kind, precision, size
        if key not in made:
            path = tmp_path_factory.mktemp("vision") / "vision.onnx"
            processor = read_processor(tiny(kind), size)
            static = precision == "static"
            part = export_vision(
                tiny(kind),
                path,
                "int8" if static else precision,
                mean=processor.mean,
                std=processor.std,
                image_size=size,
                calibration=views[:8] if static else (),
            )
            made[key] = path, part
        return made[key]

    return get
