"""Doors and windows of buildings: hinge, axis, direction and limits, against the standard's convention."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physicl_twin import ingest
from physicl_twin.ingest.ifc import read_ifc
from physicl_twin.ingest.raw import RawScene, ReadOptions
from tests.ingest.ifc_writer import House, turned

pytest.importorskip("ifcopenshell")

OPTIONS = ReadOptions()
#: The door of the writer: lining of 50 mm, leaf 40 mm thick with its face to +y at 0.04.
EDGE, FACE = 0.05, 0.04


def scene_of(tmp_path, house: House) -> RawScene:
    return read_ifc(house.write(tmp_path / "house.ifc"), OPTIONS)


def about(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rotation by Rodrigues' formula."""
    x, y, z = axis
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * k @ k


def moved(twin, joint, point, q: float) -> np.ndarray:
    """Where a point of the child, given in the twin's frame at rest, is at coordinate q."""
    parent = twin.body(joint.body0).pose if joint.body0 else None
    frame = joint.pose0.matrix() if parent is None else parent.matrix() @ joint.pose0.matrix()
    local = np.linalg.inv(frame) @ [*point, 1.0]
    motion = np.eye(4)
    if joint.type == "revolute":
        motion[:3, :3] = about(np.array([0.0, 0.0, 1.0]), q)
    else:
        motion[2, 3] = q
    return (frame @ motion @ local)[:3]


@pytest.fixture(scope="module", params=[("IFC2X3", 0.001), ("IFC4", 1.0), ("IFC4X3", 0.001)], ids=lambda p: p[0])
def doors(request, tmp_path_factory):
    """One door hung on the left and one on the right, in turned and moved placements: (twin, placement by name)."""
    house = House(*request.param, turned(40, (3, -2, 6)))
    places = {"LEFT": turned(25, (1, 2, 0)), "RIGHT": turned(-100, (4, 5, 0))}
    for side, at in places.items():
        house.door(f"Door {side}", at, f"SINGLE_SWING_{side}")
    twin = ingest.read(house.write(tmp_path_factory.mktemp("doors") / "doors.ifc"))
    return twin, {side: turned(40, (3, -2, 6)) @ at for side, at in places.items()}


@pytest.mark.parametrize("side", ["LEFT", "RIGHT"])
def test_a_swinging_door_turns_about_its_edge_to_plus_y(doors, side):
    """The hinge is at the named edge as seen along +y, and the free edge goes to +y."""
    twin, places = doors
    name, door = f"Door {side}", places[side]
    (joint,) = [j for j in twin.joints if j.name == name]
    frame, leaf = twin.body(f"{name} frame"), twin.body(f"{name} leaf")
    assert frame.static and not leaf.static
    assert (joint.body0, joint.body1, joint.type, joint.role) == (frame.name, leaf.name, "revolute", "door")
    assert (joint.lower, joint.upper) == pytest.approx((0.0, math.pi / 2))
    assert joint.position == 0.0 and joint.probability == 1.0
    x = EDGE if side == "LEFT" else 1.0 - EDGE
    hinge = frame.pose.matrix() @ joint.pose0.matrix()
    np.testing.assert_allclose((np.linalg.inv(door) @ hinge)[:2, 3], (x, FACE), atol=1e-9)
    np.testing.assert_allclose(np.abs(hinge[:3, 2]), (0, 0, 1), atol=1e-12)  # upright
    # Both frames agree at rest.
    np.testing.assert_allclose(hinge, leaf.pose.matrix() @ joint.pose1.matrix(), atol=1e-9)
    # The far edge, opened by a right angle, stands before the hinge on the +y side.
    far = (door @ [1.0 - x, FACE, 1.0, 1.0])[:3]
    opened = np.linalg.inv(door) @ [*moved(twin, joint, far, math.pi / 2), 1.0]
    np.testing.assert_allclose(opened[:3], (x, FACE + 1.0 - 2 * EDGE, 1.0), atol=1e-9)


def test_the_leaf_weighs_what_its_items_say_and_the_frame_the_rest(tmp_path):
    house = House("IFC4")
    house.door("Door", np.eye(4), "SINGLE_SWING_LEFT")
    twin = ingest.read(house.write(tmp_path / "door.ifc"))
    volumes = {}
    for body in twin.bodies:
        (part,) = body.parts
        mesh = twin.shape(part.shape).mesh
        a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
        volumes[body.name] = float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)
    assert volumes["Door leaf"] == pytest.approx(0.9 * 0.04 * 2.0, rel=1e-9)
    assert volumes["Door frame"] == pytest.approx(0.08 * (1.0 * 2.1 - 0.9 * 2.0), rel=1e-9)


#: Panels of each operation: (edge that it hangs at, or way that it slides to, limits in degrees or widths).
SWINGS = {
    "DOUBLE_DOOR_SINGLE_SWING": (2, [("left", 0.0, 90.0), ("right", 0.0, 90.0)]),
    "DOUBLE_DOOR_DOUBLE_SWING": (2, [("left", -90.0, 90.0), ("right", -90.0, 90.0)]),
    "DOUBLE_SWING_LEFT": (1, [("left", -90.0, 90.0)]),
    "DOUBLE_SWING_RIGHT": (1, [("right", -90.0, 90.0)]),
    "SWING_FIXED_LEFT": (2, [("left", 0.0, 90.0)]),
    "SWING_FIXED_RIGHT": (2, [("right", 0.0, 90.0)]),
}
SLIDES = {"SLIDING_TO_LEFT": (1, [-1]), "SLIDING_TO_RIGHT": (1, [1]), "DOUBLE_DOOR_SLIDING": (2, [-1, 1])}
NOT_MODELLED = ("FOLDING_TO_LEFT", "REVOLVING", "ROLLINGUP", "NOTDEFINED")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """A door of every operation, each turned by a right angle and a metre from the next."""
    house = House("IFC4")
    for number, (operation, (leaves, _)) in enumerate({**SWINGS, **SLIDES}.items()):
        house.door(operation, turned(90, (number, 0, 0)), operation, width=2.0, leaves=leaves)
    for number, operation in enumerate(NOT_MODELLED):
        house.door(operation, turned(90, (number, 9, 0)), operation)
    return ingest.read(house.write(tmp_path_factory.mktemp("gallery") / "gallery.ifc"))


@pytest.mark.parametrize("operation", SWINGS)
def test_every_swing(gallery, operation):
    joints = [j for j in gallery.joints if j.body1.startswith(operation)]
    for joint, (edge, lower, upper) in zip(joints, SWINGS[operation][1], strict=True):
        assert joint.type == "revolute"
        assert (math.degrees(joint.lower), math.degrees(joint.upper)) == pytest.approx((lower, upper))
        place = joint.pose0.matrix()  # the frame's body stands in the door's placement
        assert place[0, 3] == pytest.approx(EDGE if edge == "left" else 2.0 - EDGE)
        assert place[2, 2] == pytest.approx(1.0 if edge == "left" else -1.0)
        # What swings both ways turns about its own middle plane.
        assert place[1, 3] == pytest.approx(FACE / 2 if lower < 0 else FACE)


@pytest.mark.parametrize("operation", SLIDES)
def test_sliding_doors_go_their_own_width(gallery, operation):
    leaves, ways = SLIDES[operation]
    joints = [j for j in gallery.joints if j.body1.startswith(operation)]
    for joint, way in zip(joints, ways, strict=True):
        assert joint.type == "prismatic"
        assert (joint.lower, joint.upper) == pytest.approx((0.0, (2.0 - 2 * EDGE) / leaves))
        start = np.array([1.0, 1.0, 1.0])
        # The door's x is the building's y.
        np.testing.assert_allclose(moved(gallery, joint, start, 0.5) - start, (0, 0.5 * way, 0), atol=1e-9)


@pytest.mark.parametrize("operation", NOT_MODELLED)
def test_what_is_not_modelled_stays_shut_and_says_so(gallery, operation):
    assert gallery.body(operation).static
    assert not [j for j in gallery.joints if j.body1.startswith(operation)]
    assert [n for n in gallery.notes if n.code == "door_stays_shut" and operation in n.message]


#: Window operations with a point of the hinge's line and the middle of the free edge, (x, z).
HUNG = {
    "SIDEHUNGLEFTHAND": ((EDGE, 0.5), (1.15, 0.5)),
    "SIDEHUNGRIGHTHAND": ((1.15, 0.5), (EDGE, 0.5)),
    "TOPHUNG": ((0.6, 0.95), (0.6, EDGE)),
    "BOTTOMHUNG": ((0.6, EDGE), (0.6, 0.95)),
    "TILTANDTURNLEFTHAND": ((EDGE, 0.5), (1.15, 0.5)),
}


@pytest.fixture(scope="module", params=["IFC2X3", "IFC4"])
def windows(request, tmp_path_factory):
    house = House(request.param)
    for operation in HUNG:
        house.window(operation, np.eye(4), [("MIDDLE", operation)])
    return ingest.read(house.write(tmp_path_factory.mktemp("windows") / "windows.ifc"))


@pytest.mark.parametrize("operation", HUNG)
def test_windows_open_about_the_named_edge(windows, operation):
    hinge, free = HUNG[operation]
    (joint,) = [j for j in windows.joints if j.name == operation]
    assert joint.role == "window"
    assert windows.body(f"{operation} frame").static and not windows.body(f"{operation} sash").static
    assert len(windows.body(f"{operation} sash").parts) == 1  # the sash with its pane
    axis = 0 if operation in ("TOPHUNG", "BOTTOMHUNG") else 2
    assert abs(joint.pose0.matrix()[axis, 2]) == pytest.approx(1.0)
    # A point of the hinge's line stays, the free edge goes to +y.
    on_line, far = (hinge[0], FACE, hinge[1]), (free[0], FACE, free[1])
    np.testing.assert_allclose(moved(windows, joint, on_line, 1.0), on_line, atol=1e-9)
    assert moved(windows, joint, far, 0.1)[1] > FACE + 0.05
    tilts = [n for n in windows.notes if n.code == "window_in_part" and operation in n.message]
    assert bool(tilts) == operation.startswith("TILT")


def test_panels_of_a_window_move_each_as_it_says(tmp_path):
    house = House("IFC4")
    panels = [("LEFT", "SIDEHUNGLEFTHAND"), ("RIGHT", "FIXEDCASEMENT")]
    house.window("Window", np.eye(4), panels, width=2.0)
    house.window("Slider", np.eye(4), [("LEFT", "SLIDINGHORIZONTAL"), ("RIGHT", "FIXEDCASEMENT")], width=2.0)
    house.window("Fixed", np.eye(4), [("MIDDLE", "FIXEDCASEMENT")])
    scene = scene_of(tmp_path, house)
    hinged, joint = scene.joints
    assert hinged.pose0.position_m[0] == pytest.approx(EDGE)
    assert not [n for n in scene.notes if n.code.startswith("window_")]
    assert joint.type == "prismatic" and joint.upper == pytest.approx(0.95)
    np.testing.assert_allclose(joint.pose0.matrix()[:3, 2], (1, 0, 0), atol=1e-12)


def test_what_cannot_be_told_apart_stays_shut(tmp_path):
    house = House("IFC4")
    ring = house.ring((0, -0.03, 0), (1, 0.05, 2.1), 0.05)
    drawn = {"Fused": [ring], "Open": [ring, house.box((0.05, 0.0, 0.05), (0.55, 0.9, 2.05))]}
    for name, items in drawn.items():
        door = house.element("IfcDoor", name, np.eye(4), items)
        house.typed(door, "IfcDoorType", "type", OperationType="SINGLE_SWING_LEFT", PredefinedType="DOOR")
    scene = scene_of(tmp_path, house)
    assert scene.joints == () and all(b.static for b in scene.bodies)
    told = [n.message for n in scene.notes if n.code == "door_stays_shut"]
    assert any("'Fused'" in m and "no piece of it is a leaf" in m for m in told)
    assert any("'Open'" in m and "drawn open" in m for m in told)


def test_a_leaf_without_a_frame_hangs_on_its_wall(tmp_path):
    house = House("IFC4")
    at = turned(30, (1, 2, 0))
    door = house.door("Door", at, "SINGLE_SWING_RIGHT", frame=False)  # written before its wall
    wall = house.element("IfcWall", "Wall", turned(30, (0, 0, 0)), [house.box((-2, 1, 0), (4, 1.3, 2.5))])
    opening = house.element("IfcOpeningElement", "Opening", at, [house.box((0, -0.5, 0), (1, 0.5, 2.1))], contain=False)
    house.rooted("IfcRelVoidsElement", "", RelatingBuildingElement=wall, RelatedOpeningElement=opening)
    house.rooted("IfcRelFillsElement", "", RelatingOpeningElement=opening, RelatedBuildingElement=door)
    twin = ingest.read(house.write(tmp_path / "door.ifc"))
    (joint,) = twin.joints
    assert joint.body0 == "Wall"
    here = twin.body("Wall").pose.matrix() @ joint.pose0.matrix()
    there = twin.body("Door leaf").pose.matrix() @ joint.pose1.matrix()
    np.testing.assert_allclose(here, there, atol=1e-9)
    np.testing.assert_allclose((np.linalg.inv(at) @ here)[:2, 3], (1.0, FACE), atol=1e-9)


def test_a_building_with_doors_is_fixed_and_its_leaves_do_not_touch_their_frames(tmp_path):
    house = House("IFC4")
    house.element("IfcWall", "Wall", np.eye(4), [house.box((0, 1, 0), (4, 1.3, 2.5))])
    for number in range(2):
        house.door("Door", turned(0, (2 * number, 0, 0)), "SINGLE_SWING_LEFT")
    scene = scene_of(tmp_path, house)
    assert scene.articulation.kind == "building" and scene.articulation.fixed
    assert scene.articulation.root == "Wall"
    assert [(f.body0, f.body1) for f in scene.articulation.filters] == [
        ("Door frame", "Door leaf"),
        ("Door frame 2", "Door leaf 2"),
    ]
    assert [j.name for j in scene.joints] == ["Door", "Door 2"]


def test_constituents_tell_frame_leaf_and_glass(tmp_path):
    house = House("IFC4")
    window = house.window("Window", np.eye(4), [("MIDDLE", "SIDEHUNGLEFTHAND")])
    sash = window.Representation.Representations[0].Items
    style = house.make("IfcSurfaceStyle", Name="Clear", Side="BOTH", Styles=[
        house.make("IfcSurfaceStyleShading", SurfaceColour=house.make("IfcColourRgb", Red=0.8, Green=0.9, Blue=0.9),
                   Transparency=0.7)])  # fmt: skip
    house.make("IfcStyledItem", Item=sash[2], Styles=[style])
    made = [house.make("IfcMaterialConstituent", Name=role, Material=house.material(name, density))
            for role, name, density in (("Lining", "Oak", 700.0), ("Framing", "Pine", 500.0), ("Glazing", "Float glass", 2500.0))]  # fmt: skip
    house.associate([window], house.make("IfcMaterialConstituentSet", Name="Window", MaterialConstituents=made))
    scene = scene_of(tmp_path, house)
    told = {(p.body, p.hints.material): p.hints.density.value for p in scene.parts}
    assert told == {
        ("Window frame", "Oak"): 700.0,
        ("Window sash", "Pine"): 500.0,
        ("Window sash", "Float glass"): 2500.0,
    }


def test_an_unnamed_make_is_looked_up_as_a_door(tmp_path):
    house = House("IFC4")
    house.door("Eingang", np.eye(4), "SINGLE_SWING_LEFT")
    scene = scene_of(tmp_path, house)
    assert {p.name for p in scene.parts} == {"Eingang frame (door)", "Eingang leaf (door)"}
    assert all(p.hints.layer == "door" for p in scene.parts)


def test_the_users_unit_moves_the_hinge_with_the_door(tmp_path):
    house = House("IFC4", 0.001)
    house.door("Door", turned(0, (1, 0, 0)), "SINGLE_SWING_RIGHT")
    path = house.write(tmp_path / "door.ifc")
    stated = ingest.read(path, ReadOptions(units="m"))  # a thousand times larger, hinge and all
    assert stated.joints[0].pose0.position_m[0] == pytest.approx(950.0)
    assert stated.joints[0].upper == pytest.approx(math.pi / 2)
