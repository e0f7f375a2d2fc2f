"""NVIDIA's own validator, run through its Python API, quietly and fail closed."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from physicl_twin.model import CheckResult, ToolVersion
from physicl_twin.usd.physx_names import rules_of, stand_in
from physicl_twin.validate import simready_joints

#: The profile of assets that name none, or one that is not installed.
DEFAULT_PROFILE = "Robotics-Prop"
_PACKAGES = ("simready-validate", "simready-foundation-tier-core", "usd-validation-nvidia")
_INSTALL = "pip install simready-validate==2026.8.0 simready-foundation-tier-core==2026.8.0"
#: What NP.002 accepts in the name of a file or folder.
_PORTABLE = re.compile(r"[A-Za-z0-9._\-]+")
_LONGEST_PATH = 200
#: The validator keeps its rules in registries of the process and is not thread-safe.
_LOCK = threading.RLock()
_TITLE = "The profile {profile} is met"
#: Python frames that the validator may nest: one of its rules walks chains of links recursively.
_RECURSION = 20_000


def tool_versions() -> tuple[ToolVersion, ...]:
    """Versions of the validator's packages that are installed."""
    found = []
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(ToolVersion(name, metadata.version(name)))
    return tuple(found)


def check(usd: Path, profile: str, asset_dir: Path | None = None) -> tuple[tuple[CheckResult, ...], str]:
    """Check a USD file against a SimReady profile.

    Args:
        usd: The asset's root layer.
        profile: ``Robotics-Prop`` (its newest version), ``Robotics-Prop 4.0.0`` or ``Robotics-Prop@4.0.0``; empty for
            the one that the asset was written for, and then each feature about joints counts, too, when it has any.
        asset_dir: Folder that belongs to the asset (``<name>`` of ``<name>/simready/<name>.usda``); it alone is copied
            when a folder above it has characters that the profile refuses. None: two folders above the file.

    Returns:
        One result per mandatory requirement, one for the optional features together, one for each rule that could not
        be applied, one for each feature about joints; and the profile with its version.
    """
    chosen = not profile
    if chosen:
        from physicl_twin.usd.metadata import stated_profile

        profile = " ".join(stated_profile(usd)).strip()
    name, _, version = profile.replace("@", " ").partition(" ")
    label = profile.replace("@", " ").strip()
    with _LOCK, _quiet():
        try:
            api, registries = _load()
        except ImportError as error:
            text = f"NVIDIA's validator is not installed ({error})."
            result = CheckResult("simready.profile", _TITLE.format(profile=label), "not_checked", text, hint=_INSTALL)
            return (result,), label
        profiles = _profiles(registries)
        if not profiles:
            text = "NVIDIA's validator is installed without its profiles."
            result = CheckResult("simready.profile", _TITLE.format(profile=label), "not_checked", text, hint=_INSTALL)
            return (result,), label
        found = _find(profiles, name, version.strip())
        if found is None and chosen:
            found = _find(profiles, DEFAULT_PROFILE, "")
        if found is None:
            text = f"There is no profile {label}."
            hint = f"Known: {', '.join(sorted({f'{p.id} {p.version}' for p in profiles}))}."
            return (CheckResult("simready.profile", _TITLE.format(profile=label), "failed", text, hint=hint),), label
        label = f"{found.id} {found.version}"
        with _portable(usd, asset_dir or usd.parent.parent) as path:
            outcome = _validate(api, registries, path, found)
            results = _results(outcome, found, registries, label, str(path.parent.parent))
            if chosen and outcome is not None and outcome.features_summary:
                results += _joints(api, registries, path, found, outcome)
        return results, label


def _validate(api: Any, registries: Any, path: Path, profile: Any) -> Any:
    config = api.AssetValidationConfig(asset_path=str(path), profile_id=profile.id, profile_version=profile.version)
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(max(depth, _RECURSION))
    try:
        with stand_in(rules_of(registries, profile.id, profile.version)):
            return api.validate_asset(config)
    finally:
        sys.setrecursionlimit(depth)


def _joints(api: Any, registries: Any, path: Path, found: Any, outcome: Any) -> tuple[CheckResult, ...]:
    """The features about joints of a mechanism, judged by the profile that has them all."""
    if not simready_joints.moves(path):
        return ()
    whole = _find(_profiles(registries), simready_joints.PROFILE, simready_joints.VERSION)
    if whole is None:
        title = _TITLE.format(profile=f"{simready_joints.PROFILE} {simready_joints.VERSION}")
        text = "NVIDIA's validator is installed without the profile that has the features about joints."
        return (CheckResult("simready.joints", title, "not_checked", text, hint=_INSTALL),)
    told = outcome if found is whole else _validate(api, registries, path, whole)
    if told is None or not told.features_summary:
        title = _TITLE.format(profile=f"{whole.id} {whole.version}")
        return (CheckResult("simready.joints", title, "failed", "The validator gave no verdict on joints."),)
    broken = _without_requirement([*told.issues, *told.soft_issues], str(path.parent.parent))
    return tuple(simready_joints.judge(path, told, whole, broken, registries))


def _load() -> tuple[Any, Any]:
    """The validator with its tiers loaded; loaded again when somebody emptied the registries."""
    import simready.validate as api
    import usd_validation_nvidia as registries  # type: ignore[import-untyped, unused-ignore]

    if not _profiles(registries):
        _register_tiers(api)
    return api, registries


def _register_tiers(api: Any) -> None:
    """Register the installed tiers; ``initialize`` first clears what is empty here, which takes seconds."""
    try:
        from simready.validate.impl.loader import load_installed_tiers
    except ImportError:
        api.initialize([], [], [])
    else:
        load_installed_tiers()


def _profiles(registries: Any) -> list[Any]:
    registry = registries.ProfileRegistry()
    return [p for p in registry if not str(getattr(p, "id", "")).startswith("com.nvidia.usd")]


def _find(profiles: list[Any], name: str, version: str) -> Any:
    """The profile of that name and version, the newest when no version is given; None when there is none."""
    fitting = [p for p in profiles if p.id == name and version in ("", p.version)]
    return max(fitting, key=lambda p: [int(n) if n.isdigit() else -1 for n in p.version.split(".")], default=None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the validator's prints, log handlers and USD's diagnostics out of the process's output; undo its changes."""
    from pxr import UsdUtils

    root = logging.getLogger()
    handlers, level, disabled = list(root.handlers), root.level, logging.root.manager.disable
    delegate = UsdUtils.CoalescingDiagnosticDelegate()
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers
        root.setLevel(level)
        delegate.TakeUncoalescedDiagnostics()
        delegate.TakeCoalescedDiagnostics()


@contextlib.contextmanager
def _portable(usd: Path, asset_dir: Path) -> Iterator[Path]:
    """The file itself, or a copy of the asset at a path whose folders the profile does not refuse.

    The profile judges every folder up to the root of the disk: ``/home/Jane Doe/twins`` is not the asset's fault. The
    asset's own names are kept, so that theirs are still judged. What the stage needs is copied, with what the profile
    looks for beside it (other USD files, thumbnail, sidecar), never a whole disk around a loose file.
    """
    usd, asset_dir = usd.resolve(), asset_dir.resolve()
    above = asset_dir.parent
    fine = all(_PORTABLE.fullmatch(part) for part in above.parts if part != above.anchor)
    if fine and len(str(usd)) <= _LONGEST_PATH:
        yield usd
        return
    with tempfile.TemporaryDirectory(prefix="physicl-simready-") as folder:
        copy = Path(folder).resolve() / (asset_dir.name or "asset")
        for path in _needed(usd, asset_dir):
            target = copy / path.relative_to(asset_dir)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        yield copy / usd.relative_to(asset_dir)


def _needed(usd: Path, asset_dir: Path) -> list[Path]:
    """The files inside ``asset_dir`` that the verdict on ``usd`` depends on."""
    from pxr import Sdf, UsdUtils

    layers, assets, _ = UsdUtils.ComputeAllDependencies(Sdf.AssetPath(str(usd)))
    named = [Path(layer.realPath) for layer in layers if layer.realPath] + [Path(str(a).split("[")[0]) for a in assets]
    beside = [p for p in usd.parent.iterdir() if p.suffix.lower() in (".usd", ".usda", ".usdc", ".usdz")]
    extra = [usd.with_suffix(".json"), usd.parent / ".thumbs" / "256x256" / f"{usd.name}.png"]
    files = {path.resolve() for path in [usd, *named, *beside, *extra] if path.is_file()}
    return sorted(path for path in files if path.is_relative_to(asset_dir))


def _short(code: str) -> str:
    return code.removeprefix("com.nvidia.simready.").removeprefix("com.nvidia.")


def _id(code: str) -> str:
    return f"simready.{_short(code)}"


def _results(outcome: Any, profile: Any, registries: Any, label: str, folder: str) -> tuple[CheckResult, ...]:
    title = _TITLE.format(profile=label)
    if outcome is None:
        text = "The validator opened nothing and gave no verdict."
        return (CheckResult("simready.profile", title, "failed", text, hint="Open the file in usdview."),)
    if not outcome.features_summary:
        text = "The validator evaluated no feature, so the profile was not applied."
        return (CheckResult("simready.profile", title, "failed", text, hint=_INSTALL),)
    mandatory = set(profile.mandatory_requirements)
    requirements = {r.code: r for feature in profile.capabilities for r in feature.requirements}
    blocking = _by_code(outcome.issues, folder)
    broken = _without_requirement([*outcome.issues, *outcome.soft_issues], folder)
    results = []
    for code in sorted(mandatory, key=_short):
        requirement = requirements.get(code)
        statement = _statement(requirement, code)
        rule = registries.RequirementsRegistry().get_validator(requirement) if requirement is not None else None
        if code in blocking:
            for target, message in blocking[code][:20]:
                results.append(CheckResult(_id(code), statement, "failed", message, target, _advice(requirement)))
        elif rule is None:
            text = "The validator has no rule for it."
            results.append(CheckResult(_id(code), statement, "not_checked", text, hint=_INSTALL))
        elif rule.__name__ in broken:
            text = f"Its rule broke: {broken[rule.__name__]}"
            results.append(CheckResult(_id(code), statement, "not_checked", text))
        else:
            results.append(CheckResult(_id(code), statement, "passed", "No issue."))
    codes = {c for feature in profile.capabilities for c in (r.code for r in feature.requirements)}
    unknown = [(c, issues) for c, issues in blocking.items() if c not in mandatory]
    for code, issues in unknown:
        results.append(CheckResult(_id(code), _statement(requirements.get(code), code), "failed", issues[0][1]))
    for rule_name, text in sorted(broken.items()):
        if not any(r.message.endswith(text) for r in results):
            told = CheckResult(
                f"simready.rule.{rule_name}", f"The rule {rule_name} can be applied", "not_checked", text
            )
            results.append(told)
    results.append(_optional(outcome, profile, mandatory, codes))
    return tuple(results)


def _optional(outcome: Any, profile: Any, mandatory: set[str], codes: set[str]) -> CheckResult:
    """One line about the features that may be left out: which are met, which are not and why (that does not block)."""
    soft = _by_code(outcome.soft_issues, "")
    names = {f.id: str((f.custom_data or {}).get("display_name", f.id)) for f in profile.capabilities}
    optional = {f.id for f in profile.capabilities if not {r.code for r in f.requirements} <= mandatory}
    unmet = []
    for feature in sorted(optional):
        entry = outcome.features_summary.get(feature, {})
        if entry.get("passed", False):
            continue
        own = {r.code for f in profile.capabilities if f.id == feature for r in f.requirements}
        why = sorted(_short(c) for c in soft if c in own) or sorted(
            _short(c) for c in soft if c in str(entry.get("optional requirements", ""))
        )
        unmet.append(f"{names[feature]} [{feature}] ({', '.join(why) or 'no reason given'})")
    met = len(optional) - len(unmet)
    text = f"{met} of {len(optional)} optional features are met."
    if unmet:
        text += f" Not met, which does not block: {'; '.join(unmet)}."
    return CheckResult("simready.optional", "Optional features are reported", "passed", text)


def _statement(requirement: Any, code: str) -> str:
    text = str(getattr(requirement, "message", "") or "").strip().split("\n")[0]
    return f"{_short(code)}: {text}" if text else _short(code)


def _advice(requirement: Any) -> str:
    path = str(getattr(requirement, "path", "") or "")
    return f"See {path.split('/')[-1]} of the SimReady specification." if path else "See the SimReady specification."


def _by_code(issues: Any, folder: str) -> dict[str, list[tuple[str, str]]]:
    result: dict[str, list[tuple[str, str]]] = {}
    for issue in issues:
        if issue.requirement is not None:
            result.setdefault(issue.requirement.code, []).append((_target(issue), _message(issue, folder)))
    return result


def _without_requirement(issues: Any, folder: str) -> dict[str, str]:
    """rule name → message of issues that no requirement stands behind: a rule that broke and so checked nothing."""
    result: dict[str, str] = {}
    for issue in issues:
        if issue.requirement is None:
            name = getattr(issue.rule, "__name__", str(issue.rule or "unknown"))
            result.setdefault(name, _message(issue, folder))
    return result


def _message(issue: Any, folder: str) -> str:
    text = " ".join(str(issue.message).split())
    return (text.replace(f"{folder}/", "") if folder else text)[:400]


def _target(issue: Any) -> str:
    path = getattr(issue.at, "path", None)
    return str(path) if path is not None else ""
