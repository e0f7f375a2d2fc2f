from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from physicl_twin.model import (
    SCHEMA_VERSION,
    Appearance,
    Body,
    Certificate,
    Collider,
    Collision,
    CollisionFit,
    Decision,
    Estimate,
    Evidence,
    Frame,
    GeometrySummary,
    Joint,
    MassProperties,
    Material,
    Mesh,
    Note,
    Part,
    PartHints,
    PhysiclError,
    Pose,
    Semantics,
    Shape,
    SolidProperties,
    Source,
    Texture,
    Twin,
    dumps,
    json_schema,
    loads_twin,
)

SCHEMAS = Path(__file__).parents[2] / "data" / "schemas"


def full_twin() -> Twin:
    """A twin with every field in use."""
    why = (Evidence("table", "Because of 0.1 + 0.2.", "table row", "density"),)
    number = Estimate.lognormal(0.1 + 0.2, 0.3, "kg", "test", why, ("flagged",))
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]], dtype=np.int32))
    summary = GeometrySummary(mesh.sha256(), 3, 1, 0.5, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), False, 1, ("welded",))
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    solid = SolidProperties(number, (1e-17, 0.0, 0.0), identity, why)
    collider = Collider("c", "box", Pose((1.0, 2.0, 3.0)), (0.1, 0.2, 0.3))
    collision = Collision("primitive", (collider,), CollisionFit(1e-4, 2e-4, 3e-4, 1.0, None, 1), (), why)
    part = Part(
        "Griff ✋", "shape", Pose(), PartHints("Eiche", density=number, path=("a", "b")), "oak", number, collision
    )
    properties = MassProperties(number, (0.0, 0.0, 0.0), (0.1, 0.1, 0.1), identity, identity, why)
    texture = Texture("base_color", "a.png", "00", b"png")
    return Twin(
        name="t",
        title="T ü 木",
        sources=(Source("a.step", "step", "ff", 12, licence="MIT"),),
        frame=Frame(Decision("mm", 0.99, (("m", 0.01),), why, ("ambiguous",)), 0.001, Decision("z", 1.0)),
        shapes=(Shape("shape", ("look",), summary, solid, solid, mesh),),
        bodies=(Body("body", (part,), Pose(), properties),),
        appearances=(Appearance("look", (0.1, 0.2, 0.3), textures=(texture,)),),
        joints=(Joint("j", "revolute", "", "body", lower=-1.0, upper=None),),
        materials=(Material("oak", "Oak", "oak", "wood", number, number, number, number),),
        semantics=Semantics("hammer", "Q1", "universe", why),
        licence="MIT",
        notes=(Note("n", "warning", "Look.", "There."),),
    )


def test_what_is_saved_is_what_is_loaded() -> None:
    twin = full_twin()
    loaded = loads_twin(dumps(twin))
    assert loaded == twin
    assert dumps(loaded) == dumps(twin)
    assert loaded.shapes[0].mesh is None  # triangles live in the USD payload


def test_the_shipped_schemas_are_current_and_accept_a_twin() -> None:
    for kind, name in ((Twin, "twin"), (Certificate, "certificate")):
        shipped = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        assert shipped == json_schema(kind), f"run data/schemas/make.py: {name}.schema.json is out of date"
    jsonschema.validate(json.loads(dumps(full_twin())), json_schema(Twin))


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    data = json.loads(dumps(full_twin()))
    data["bodies"][0]["parts"][0]["mass"]["value"] = "heavy"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json_schema(Twin))
    with pytest.raises(PhysiclError, match=r"bodies\[0\]\.parts\[0\]\.mass\.value"):
        loads_twin(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d.pop("name"), "record_invalid"),
        (lambda d: d.update(surprise=1), "record_invalid"),
        (lambda d: d.update(version=True), "record_invalid"),
        (lambda d: d.update(schema_version=SCHEMA_VERSION + 1), "record_too_new"),
        (lambda d: d["frame"]["units"].update(probability=None), "record_invalid"),
        (lambda d: d["joints"][0].update(type="wobbly"), "record_invalid"),
    ],
)
def test_a_damaged_record_says_where(change, code: str) -> None:
    data = json.loads(dumps(full_twin()))
    change(data)
    with pytest.raises(PhysiclError) as caught:
        loads_twin(json.dumps(data))
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "12", '{"schema_version": "1"}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(PhysiclError):
        loads_twin(text)


def test_not_a_number_never_reaches_a_file() -> None:
    twin = full_twin()
    broken = replace(twin, frame=replace(twin.frame, metres_per_unit=float("nan")))
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps(broken)
