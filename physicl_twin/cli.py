"""The command line: parse, call, print."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physicl_twin import __version__
from physicl_twin.model.errors import ConfigError, PhysiclError

if TYPE_CHECKING:
    from physicl_twin.jobs.request import BuildOptions

#: Exit statuses of the contract.
DONE, FAILED, WRONG_USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit status: 0 all done and passed, 1 something failed, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["test"]:
        given = ["test", "--", *given[1:]]  # everything after the verb is pytest's, options too
    options = _parser().parse_args(given)
    try:
        status: int = options.run(options)
    except PhysiclError as error:
        _print_error(error, as_json=getattr(options, "json", False))
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        print("Cancelled.", file=sys.stderr)
        return FAILED
    return status


def _print_error(error: PhysiclError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"status": "failed", "error": error.to_json()}, ensure_ascii=False))
    print(f"✗ {error.message} [{error.code}]", file=sys.stderr)
    if error.hint:
        print(f"  → {error.hint}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="physicl.sh", description="Source material in, a SimReady OpenUSD twin out.")
    parser.add_argument("--version", action="version", version=f"physicl_twin {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_build(verbs)
    _add_inspect(verbs)
    _add_validate(verbs)
    _add_augment(verbs)
    _add_deploy(verbs)
    _add_panel(verbs)
    doctor = verbs.add_parser("doctor", help="what is installed, what each missing thing would add")
    doctor.add_argument("--json", action="store_true", help="one JSON object")
    doctor.set_defaults(run=_doctor)
    test = verbs.add_parser("test", help="run the tests (arguments go to pytest)", add_help=False)
    test.add_argument("pytest", nargs="*")
    test.set_defaults(run=_test)
    return parser


def _add_build(verbs: Any) -> None:
    build = verbs.add_parser("build", help="make twins of files, folders and archives")
    build.add_argument("sources", nargs="+", metavar="SOURCE", help="file, folder or zip")
    build.add_argument("--out", required=True, type=Path, help="folder of twins")
    build.add_argument("--name", help="name of the twin (one source only)")
    build.add_argument(
        "--units", choices=("m", "cm", "mm", "in"), help="length unit of the source, overruling inference"
    )
    build.add_argument("--up", choices=("z", "y"), help="up axis of the source, overruling inference")
    build.add_argument(
        "--material",
        action="append",
        default=[],
        metavar='"PART=MATERIAL"',
        help="material of a part (name, glob or *); may be repeated",
    )
    build.add_argument("--mass", metavar='"0.60±0.02 kg"', help="weighed or stated total mass")
    build.add_argument(
        "--part-labels",
        metavar="FILE",
        type=Path,
        help="labelled point cloud or mesh: one part a label, named as the label (one source only)",
    )
    build.add_argument(
        "--state",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="the same thing with its parts moved (a door open): shows its joints (one source only); may be repeated",
    )
    build.add_argument(
        "--motion",
        metavar="FILE",
        type=Path,
        help="tracked poses of its parts (CSV, JSON, NPZ, Parquet): show its joints (one source only)",
    )
    build.add_argument("--thickness", metavar='"5 mm"', help="thickness of a flat profile (DXF)")
    build.add_argument("--licence", default="", metavar="SPDX", help="licence of the source")
    build.add_argument("--config", type=Path, help="settings on top of config/pipeline.toml")
    build.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    build.add_argument(
        "--jobs",
        type=_positive,
        default=max(1, (os.cpu_count() or 1) // 2),
        help="worker processes; fewer sources than that use several each (default: half of the processors)",
    )
    effort = build.add_mutually_exclusive_group()
    effort.add_argument(
        "--fast", action="store_true", help="leave out the slow collision methods and rollout repetitions"
    )
    effort.add_argument(
        "--precise", action="store_true", help="nearer collision geometry, of more pieces, in more time"
    )
    build.add_argument("--json", action="store_true", help="one JSON object a source on standard output")
    build.add_argument("--verbose", action="store_true", help="show the workers' logs")
    build.set_defaults(run=_build)


def _add_panel(verbs: Any) -> None:
    panel = verbs.add_parser("panel", help="open the panel without Isaac Sim")
    panel.add_argument("sources", nargs="*", metavar="SOURCE", help="files and folders to begin with")
    panel.add_argument("--out", metavar="DIR", help="folder of twins, sets and exports (default: the remembered one)")
    panel.set_defaults(run=_panel)


def _add_inspect(verbs: Any) -> None:
    inspect = verbs.add_parser("inspect", help="every estimate of a twin with its interval and evidence")
    inspect.add_argument("twin", type=Path, metavar="TWIN")
    inspect.add_argument("--json", action="store_true", help="one JSON object")
    inspect.set_defaults(run=_inspect)


def _add_validate(verbs: Any) -> None:
    validate = verbs.add_parser("validate", help="check a twin or a USD file and run its rollouts")
    validate.add_argument("twin", type=Path, metavar="TWIN|USD")
    validate.add_argument(
        "--engine", action="append", choices=("physx", "mujoco"), help="may be repeated; default both"
    )
    validate.add_argument("--rollout", action="append", metavar="NAME", help="may be repeated; default all")
    validate.add_argument("--profile", default="", help="SimReady profile (default: that of the asset)")
    validate.add_argument("--config", type=Path, help="settings on top of config/pipeline.toml")
    validate.add_argument("--json", action="store_true", help="one JSON object")
    validate.set_defaults(run=_validate)


def _add_augment(verbs: Any) -> None:
    augment = verbs.add_parser("augment", help="make settled variations of scenes of twins")
    augment.add_argument("twins", nargs="+", metavar="TWIN", help="folder of a twin")
    augment.add_argument("--out", required=True, type=Path, help="folder of the set")
    augment.add_argument("--spec", type=Path, help="what differs (default config/randomization/default.toml)")
    augment.add_argument("--count", type=int, default=100, help="number of variations (default 100)")
    augment.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    augment.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="worker processes (default: all)")
    augment.add_argument("--config", type=Path, help="settings on top of config/pipeline.toml")
    augment.add_argument("--force", action="store_true", help="take twins that failed their validation, too")
    augment.add_argument("--no-report", action="store_true", help="leave out the coverage report and its pictures")
    augment.add_argument("--variants", action="store_true", help="write variants.usda: all members in one variant set")
    augment.add_argument("--json", action="store_true", help="one JSON object")
    augment.set_defaults(run=_augment)


def _add_deploy(verbs: Any) -> None:
    from physicl_twin.deploy import TARGETS

    deploy = verbs.add_parser("deploy", help="write a twin or a set of variations for another tool, and check it there")
    deploy.add_argument("twin", type=Path, metavar="TWIN|SCENE")
    deploy.add_argument("--target", action="append", choices=TARGETS, required=True, help="may be repeated")
    deploy.add_argument("--out", required=True, type=Path, help="the export becomes OUT/TARGET/NAME")
    deploy.add_argument("--members", metavar="0-9,42", help="of a set of variations, which (default all)")
    deploy.add_argument("--force", action="store_true", help="export also a twin that failed its validation")
    deploy.add_argument("--no-check", action="store_true", help="leave out the round trip and the drop")
    deploy.add_argument("--config", type=Path, help="settings on top of config/pipeline.toml")
    deploy.add_argument("--json", action="store_true", help="one JSON object a target on standard output")
    deploy.set_defaults(run=_deploy)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _build(options: argparse.Namespace) -> int:
    from physicl_twin.console import reporter
    from physicl_twin.jobs import batch

    cancel = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: cancel.set())
    signal.signal(signal.SIGTERM, lambda *_: cancel.set())
    clean = True
    with reporter(as_json=options.json, verbose=options.verbose) as show:
        records = batch.build(
            options.sources,
            options.out,
            _build_options(options),
            on_sources=_fetch_extras,
            on_progress=show.progress,
            on_skip=show.skipped,
            cancel=cancel,
        )
        for record in records:
            show.record(record)
            clean &= record["error"] is None and record["checks"]["failed"] == 0
    return DONE if clean else FAILED


def _fetch_extras(paths: Sequence[Path]) -> None:
    """Get the optional readers that these files need; a file whose reader cannot be had fails with its own error."""
    from physicl_twin import extras

    for extra in extras.needed_for(paths):
        print(f"physicl: reading {extra.adds} needs the '{extra.name}' packages", file=sys.stderr)
        extras.fetch(extra)


def _build_options(options: argparse.Namespace) -> BuildOptions:
    from physicl_twin.ingest.raw import ReadOptions
    from physicl_twin.jobs.request import BuildOptions
    from physicl_twin.normalize.options import parse_length, parse_mass

    return BuildOptions(
        read=ReadOptions(
            units=options.units,
            up_axis=options.up,
            name=options.name,
            licence=options.licence,
            thickness_m=parse_length(options.thickness) if options.thickness is not None else None,
            part_labels=str(options.part_labels.resolve()) if options.part_labels is not None else "",
        ),
        materials=tuple(_material_statement(text) for text in options.material),
        mass=parse_mass(options.mass) if options.mass is not None else None,
        config=options.config,
        seed=options.seed,
        jobs=options.jobs,
        fast=options.fast,
        precise=options.precise,
        states=tuple(options.state),
        motion=options.motion,
    )


def _material_statement(text: str) -> tuple[str, str]:
    part, equals, material = text.rpartition("=")
    if not equals or not material.strip():
        raise ConfigError("material_statement", f"--material {text!r} has no PART=MATERIAL.", 'Example: "Handle=Oak".')
    return part.strip() or "*", material.strip()


def _inspect(options: argparse.Namespace) -> int:
    from physicl_twin.api import load_record
    from physicl_twin.inspect import as_json, as_text

    twin = load_record(options.twin)
    print(json.dumps(as_json(twin), ensure_ascii=False) if options.json else as_text(twin))
    return DONE


def _validate(options: argparse.Namespace) -> int:
    from physicl_twin.jobs import check

    record = check.validate_in_worker(
        options.twin, options.engine or ["physx", "mujoco"], options.rollout, options.profile, options.config
    )
    if options.json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        print("\n".join(check.summary(record)))
    return DONE if record["passed"] else FAILED


def _augment(options: argparse.Namespace) -> int:
    from physicl_twin import extras
    from physicl_twin.console import augment_summary, chunk_progress
    from physicl_twin.jobs.augment import AugmentOptions, augment

    extras.require("augment")
    cancel = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: cancel.set())
    signal.signal(signal.SIGTERM, lambda *_: cancel.set())
    made = AugmentOptions(
        options.spec,
        options.count,
        options.seed,
        options.jobs,
        options.force,
        options.config,
        not options.no_report,
        options.variants,
    )
    with chunk_progress(options.count) as progress:
        record = augment(options.twins, options.out, made, on_progress=progress, cancel=cancel)
    if options.json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        print("\n".join(augment_summary(record)))
    return FAILED if record["error"] else DONE


def _deploy(options: argparse.Namespace) -> int:
    from physicl_twin.api import deploy
    from physicl_twin.deploy.report import as_json, as_text

    clean = True
    for target in dict.fromkeys(options.target):
        try:
            result = deploy(
                options.twin,
                target,
                options.out,
                check=not options.no_check,
                force=options.force,
                members=options.members,
                config=options.config,
            )
        except PhysiclError as error:
            _print_error(error, as_json=options.json)
            clean = False
            continue
        print(json.dumps(as_json(result), ensure_ascii=False) if options.json else as_text(result))
        clean &= result.passed
    return DONE if clean else FAILED


def _panel(options: argparse.Namespace) -> int:
    from physicl_twin.kit.panel import standalone

    standalone.run(options.sources, options.out)
    return DONE


def _doctor(options: argparse.Namespace) -> int:
    from physicl_twin import doctor

    findings = doctor.examine()
    print(json.dumps(doctor.as_json(findings)) if options.json else doctor.as_text(findings))
    return DONE if all(finding.present for finding in findings if finding.required) else FAILED


def _test(options: argparse.Namespace) -> int:
    import subprocess

    from physicl_twin.settings import PACKAGE_ROOT

    tests = PACKAGE_ROOT.parent
    if not (tests / "tests").is_dir():
        raise ConfigError("no_tests", "The tests are not part of an installed package.", "Run this in a checkout.")
    return subprocess.call([sys.executable, "-m", "pytest", *options.pytest], cwd=tests)


if __name__ == "__main__":
    sys.exit(main())
