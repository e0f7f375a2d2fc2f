"""Outside opinions about materials: a vision model, a language model or a company's own parts list, as a plug-in.

A package offers one as an entry point of the group ``physicl_twin.material_advisors``; it takes part when its name
stands in ``[materials] advisors`` of the configuration, and never otherwise. One comes with physicl_twin: ``words``, a
sentence embedding that runs on this machine. Whatever an advisor sends off this machine
is its own doing: physicl_twin sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Protocol

from physicl_twin.model import ConfigError, MaterialError, Part, Twin

GROUP = "physicl_twin.material_advisors"
#: Advisors that come with physicl_twin.
_SHIPPED = {"words": "physicl_twin.normalize.word_vectors:WordVectors"}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an advisor thinks that a part is made of.

    Attributes:
        material: Words or an id of the material base.
        probability: That it is right, 0..1.
        reason: One sentence for the evidence.
    """

    material: str
    probability: float
    reason: str


class MaterialAdvisor(Protocol):
    """What an entry point's object must be."""

    def advise(self, twin: Twin, part: Part) -> Sequence[Opinion]:
        """Opinions about one part; empty when it has none. The twin has meshes, appearances and textures."""


def advisors(names: Sequence[str]) -> tuple[tuple[str, MaterialAdvisor], ...]:
    """The advisors that the configuration names.

    Raises:
        ConfigError: ``advisor_unknown`` when no installed package offers one of that name.
    """
    shipped = {name: metadata.EntryPoint(name, place, GROUP) for name, place in _SHIPPED.items()}
    offered = shipped | {entry.name: entry for entry in metadata.entry_points(group=GROUP)}
    found: list[tuple[str, MaterialAdvisor]] = []
    for name in names:
        if name not in offered:
            known = ", ".join(sorted(offered)) or "none"
            raise ConfigError(
                "advisor_unknown", f"No installed package offers the material advisor {name!r}.", f"Offered: {known}."
            )
        made = offered[name].load()
        found.append((name, made() if isinstance(made, type) else made))
    return tuple(found)


def opinions(name: str, advisor: MaterialAdvisor, twin: Twin, part: Part) -> tuple[Opinion, ...]:
    """An advisor's opinions about a part, checked.

    Raises:
        MaterialError: ``advisor_failed`` with what went wrong; a build does not go on as if nobody had been asked.
    """
    try:
        found = tuple(advisor.advise(twin, part))
    except ConfigError:
        raise
    except Exception as error:
        raise _failed(name, part, f"it raised {type(error).__name__}: {error}") from error
    for opinion in found:
        if not isinstance(opinion, Opinion) or not 0 <= opinion.probability <= 1:
            raise _failed(name, part, f"it returned {opinion!r}")
    if sum(opinion.probability for opinion in found) > 1 + 1e-9:
        raise _failed(name, part, "its probabilities sum to more than 1")
    return found


def _failed(name: str, part: Part, problem: str) -> MaterialError:
    return MaterialError(
        "advisor_failed",
        f"The material advisor {name} failed on {part.name}: {problem}.",
        "Take it out of [materials] advisors, or repair it.",
    )
