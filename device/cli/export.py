"""`glint export`: makes a model of one's own choice ready for this runtime, and checks it against the original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.decoder_settings import FORMATS
from models.errors import GlintError

if TYPE_CHECKING:
    import numpy as np

    from export.job import ExportJob
    from models.bundle import Bundle

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_PACKAGES = ("torch", "transformers", "optimum", "huggingface_hub", "onnx_ir")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_DEMO_PHOTO = Path(__file__).parents[2] / "sim/demo/photo.jpg"


@click.command()
@click.argument("model")
@click.option("--out", type=_FOLDER, required=True, help="The folder to make; an exported model there is replaced.")
@click.option(
    "--decoder",
    type=click.Choice(FORMATS),
    default="int4",
    show_default=True,
    help="How the language model's matrices are stored.",
)
@click.option(
    "--head", type=click.Choice(FORMATS), help="The same of its head and word embeddings. [default: as those]"
)
@click.option(
    "--vision",
    type=click.Choice(("int8", "fp16", "fp32")),
    default="int8",
    show_default=True,
    help="How the picture encoder's are.",
)
@click.option("--image-size", type=click.IntRange(1), help="Side of the pictures in pixels. [default: the encoder's]")
@click.option(
    "--max-tokens",
    type=click.IntRange(16),
    default=2048,
    show_default=True,
    help="The longest conversation, pictures included; never more than the model was made for.",
)
@click.option("--calibrate", type=_FOLDER, help="Photos that the int8 picture encoder's ranges are fixed by.")
@click.option(
    "--rounding",
    type=click.Choice(("search", "gptq")),
    default="search",
    show_default=True,
    help="Of int4: per block, or GPTQ, which watches the model read (minutes, and the float32 model in memory).",
)
@click.option("--verify", "verifies", is_flag=True, help="Compare every part with the original in PyTorch.")
@click.option("--report", type=_FILE, help="Write all figures, layer by layer, into this .json or .md (and --verify).")
@click.option(
    "--study", "studies", is_flag=True, help="Also measure what each setting of the decoder costs; see below."
)
@click.option(
    "--data", type=_FOLDER, help="With --study: photos and captions, laid out as export/recipe/README.md says."
)
@click.option("--rows", default="", help="With --study: names of the settings to measure, separated by commas.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def export(model: str, out: Path, as_json: bool, **options: Any) -> None:
    """Make a language or vision-language model ready for this runtime.

    MODEL is one of

    \b
      a folder          as Hugging Face's transformers write it: config.json, tokenizer.json, *.safetensors
      owner/name        the same on the Hub (HF_ENDPOINT names another); owner/name@REVISION pins one
      a .gguf file      of a Llama-family language model; its chat template is in it, or in chat_template.jinja beside
      a weights folder  of Glint's own: config.json, adapter.safetensors, vision.onnx

    Supported: Llama, Mistral and Qwen2 language models; SmolVLM, SmolVLM2, Idefics3; LLaVA with a CLIP or SigLIP
    encoder. Needs PyTorch and transformers (pip install 'glint[export]'); what comes out needs neither:

    \b
      glint ask --model FOLDER --image photo.jpg --text "What is this?"

    Prompt, markers and the cutting of pictures come from the model's own chat template and processor settings; what is
    not there is worked out from its config.json, which the notes tell. Nothing is made of a model that lacks something.
    Ctrl-C keeps the parts that are finished, in .NAME.partial beside the folder; the same command goes on from there.

    --verify runs PyTorch (the original, in float32) and the exported model on the same inputs: largest and mean
    difference and cosine of each part, 64 greedy tokens, perplexity over a text, and the graph alone against PyTorch
    with the rounded values. What is beyond its limit ends with status 1 and names the layer at which the error comes
    in; the bundle stays, and its MODEL_CARD.md tells.

    --study makes the decoder in every setting there is (formats, block sizes, ways of rounding) and measures
    perplexity, size and speed of each; with --data, captions and other precisions of the picture encoder too. Hours;
    FOLDER-study keeps what is known, and the same command goes on (docs/quantisation.md).

    \b
    With --json:
      folder, name, version, bytes, files, notes
      verification   passed, failures, culprits, layers, and parts: vision, decoder and whole, each with max_abs_diff,
                     mean_abs_diff, cosine, relative; decoder and whole with greedy_equal_tokens (how many of 64 are
                     equal before the first that is not, not stopping at an end token); decoder with
                     perplexity_reference and perplexity; null without --verify
      study          rows, front and shipped, as docs/quantisation.md explains; only with --study

    \b
    Examples:
      glint export HuggingFaceTB/SmolVLM-256M-Instruct --out smolvlm --verify
      glint export ./llava --out llava --decoder int8 --vision fp16 --image-size 224
      glint export SmolLM2-360M-Instruct.gguf --out smollm2 --json

    docs/export.md has more.
    """
    try:
        record = _export(model, out, as_json, **options)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _PACKAGES:
            raise
        raise GlintError(f"Exporting needs {package}, which is not installed: pip install 'glint[export]'.") from None
    verification = record.get("verification")
    if verification is not None and not verification["passed"]:
        if as_json:
            click.echo(json.dumps(record | {"error": verification["failures"][0]}))
        click.echo(f"glint: {verification['failures'][0]}", err=True)
        raise SystemExit(1)
    if as_json:
        click.echo(json.dumps(record))


def _export(
    model: str,
    out: Path,
    as_json: bool,
    decoder: str,
    head: str | None,
    vision: str,
    image_size: int | None,
    max_tokens: int,
    calibrate: Path | None,
    rounding: str,
    verifies: bool,
    report: Path | None,
    studies: bool,
    data: Path | None,
    rows: str,
) -> dict[str, Any]:
    if rounding == "gptq" and decoder != "int4":
        raise GlintError(f"GPTQ rounds to 4 bits; leave out --rounding with --decoder {decoder}.")
    if report is not None and report.suffix not in (".json", ".md"):
        raise GlintError(f"A report is a .json or a .md file, and {report} is neither.")
    photos = _photos(calibrate) if calibrate is not None else {}
    if photos and vision != "int8":
        raise GlintError(f"Photos fix the ranges of an int8 picture encoder; leave out --calibrate with {vision}.")
    from device.cli.interrupts import Interrupts
    from export.card import write_card
    from export.checkpoint import open_checkpoint
    from export.job import ExportJob, ExportSettings
    from models.decoder_settings import DecoderSettings
    from models.progress import Bars

    settings = ExportSettings(
        decoder=DecoderSettings(projections=decoder, head=head or decoder),
        vision=vision,
        image_size=image_size,
        max_tokens=max_tokens,
        rounding=rounding,
        calibration=photos,
    )
    with Interrupts():
        try:
            with Bars(in_bytes=False) as bars:
                job = ExportJob(open_checkpoint(model, bars), out, settings, bars)
                bundle = job.run()
        except KeyboardInterrupt:
            raise GlintError(
                "The export was interrupted; the same command goes on from the parts that are finished, if any "
                f"({out.parent / f'.{out.name}.partial'})."
            ) from None
        record: dict[str, Any] = {
            "folder": str(out),
            "name": bundle.name,
            "version": bundle.version,
            "bytes": bundle.size,
            "files": {name: {"bytes": file.bytes, "sha256": file.sha256} for name, file in bundle.files.items()},
            "notes": bundle.config["export"]["notes"],
            "verification": None,
        }
        if not as_json:
            click.echo(f"{bundle.name} {bundle.version}: {out}, {bundle.size / 1e6:,.0f} MB")
            for note in record["notes"]:
                click.echo(f"  {note}")
        if verifies or report is not None:
            from export.verify.check import verify

            try:
                with Bars(in_bytes=False) as bars:
                    verification = verify(bundle, job, _picture(), bars, with_layers=report is not None).record
            except KeyboardInterrupt:
                raise GlintError(f"The verification was interrupted; {out} is complete and not verified.") from None
            record["verification"] = verification
            write_card(bundle, verification)
            if report is not None:
                _write_report(report, record)
            if not as_json:
                _print(verification)
        if studies:
            record["study"] = _study(job, bundle, data, [row for row in rows.split(",") if row], as_json)
    return record


def _study(job: ExportJob, bundle: Bundle, data: Path | None, rows: list[str], as_json: bool) -> dict[str, Any]:
    from export.study.pareto import plot
    from export.study.run import run_study
    from export.study.subject import Subject
    from export.study.table import markdown

    subject = Subject(job.weights, bundle, sees=bundle.sees, vision_source=job.checkpoint.picture_side)
    work = bundle.folder.with_name(f"{bundle.folder.name}-study")
    study = run_study(subject, work, data=data, rows=rows, log=lambda line: click.echo(line, err=True))
    (work / "study.md").write_text(markdown(study), encoding="utf-8")
    (work / "study.json").write_text(json.dumps(study, indent=1), encoding="utf-8")
    plot(study["rows"], study["shipped"], work / "pareto.svg")
    if not as_json:
        click.echo(markdown(study))
    return study


def _photos(folder: Path) -> dict[str, np.ndarray]:
    from device.seeing.photo import read_photo

    if not folder.is_dir():
        raise GlintError(f"There is no folder {folder} with photos.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)
    if not paths:
        raise GlintError(f"{folder} holds no photos ({', '.join(_PICTURES)}).")
    return {path.name: read_photo(path) for path in paths}


def _picture() -> np.ndarray:
    from device.seeing.photo import read_photo

    return read_photo(_DEMO_PHOTO)


def _write_report(path: Path, record: dict[str, Any]) -> None:
    if path.suffix == ".json":
        text = json.dumps(record, indent=1)
    else:
        from export.card import report_text

        text = report_text(record)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GlintError(f"{path} cannot be written ({error.strerror}).") from error


def _print(verification: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    heads = ("part", "cosine", "max diff", "mean diff", "greedy of 64", "perplexity", "original's")
    table = Table(*heads, box=None, header_style="bold")
    for name, part in verification["parts"].items():
        figures = (f"{part['cosine']:.6f}", f"{part['max_abs_diff']:.4g}", f"{part['mean_abs_diff']:.4g}")
        surprise = [f"{part[key]:.3f}" for key in ("perplexity", "perplexity_reference") if key in part]
        table.add_row(name, *figures, str(part.get("greedy_equal_tokens", "")), *surprise)
    Console().print(table)
    click.echo("Verified: every part is within its limits." if verification["passed"] else "Not within its limits.")
