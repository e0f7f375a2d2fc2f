"""Where the articulation's root stands, what the world holds, what is kept out of the tree."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pxr import Usd, UsdPhysics

from physicl_twin import usd
from physicl_twin.model import Articulation, Joint, Mimic, Pose, UsdError
from physicl_twin.usd.mechanism import Mechanism, plan_mechanism
from tests.usd.movers import arm, cabinet, doorway, four_bar, gripper, pendulum
from tests.usd.twins import hinged, write


def planned(twin) -> Mechanism:
    paths = {body.name: f"/{twin.name}/{body.name}" for body in twin.bodies}
    mechanism = plan_mechanism(twin, f"/{twin.name}", paths, lambda: f"/{twin.name}/world_anchor")
    assert mechanism is not None
    return mechanism


def joint(name: str, one: str, other: str, kind="revolute", **more) -> Joint:
    return Joint(name, kind, one, other, **more)


def of(*joints: Joint, static: tuple[str, ...] = (), **articulation):
    """A twin with those joints between the bodies that they name; only its mechanism is looked at."""
    names = list(dict.fromkeys(name for j in joints for name in (j.body0, j.body1) if name))
    body = cabinet().bodies[0]
    bodies = tuple(replace(body, name=name, static=name in static, pose=Pose((len(name), 0, 0))) for name in names)
    return replace(cabinet(), name="t", bodies=bodies, joints=joints, articulation=Articulation(**articulation))


def test_a_twin_without_joints_has_no_mechanism():
    assert plan_mechanism(replace(hinged(), joints=()), "/chest", {}, lambda: "") is None


def test_a_single_fixed_tree_has_its_root_on_the_joint_that_holds_it():
    for twin in (arm(), doorway(), four_bar(), pendulum()):
        mechanism = planned(twin)
        assert mechanism.root == f"/{twin.name}/joints/root_joint"
        assert [anchor.prim for anchor in mechanism.anchors] == [mechanism.root]


def test_a_single_free_tree_has_its_root_on_the_link_that_is_named_or_on_the_first():
    assert planned(gripper()).root == "/gripper/palm"
    assert planned(of(joint("a", "x", "y"), joint("b", "y", "z"), root="z")).root == "/t/z"
    assert planned(of(joint("a", "y", "z"), joint("b", "x", "y"))).root == "/t/x"


def test_several_trees_share_the_root_prim():
    both = planned(of(joint("a", "w", "x"), joint("b", "v", "y"), static=("w", "v")))
    assert both.root == "/t" and len(both.anchors) == 2 and both.held == {"w", "v"}
    assert planned(of(joint("a", "w", "x"), joint("b", "v", "y"))).root == "/t"


def test_a_fixed_joint_to_the_world_is_the_only_anchor():
    mechanism = planned(of(joint("foot", "", "x", "fixed"), joint("a", "x", "y"), root="x", fixed=True))
    assert mechanism.anchors == () and mechanism.root == "/t/joints/foot"
    assert mechanism.joints[0].body0 == "/t"


def test_a_static_root_that_no_joint_touches_is_not_anchored(tmp_path):
    """A building's root may be a wall without doors: it is no rigid body, so nothing can be tied to it."""
    twin = doorway()
    twin = replace(twin, articulation=replace(twin.articulation, root="sill"))
    mechanism = planned(twin)
    assert [anchor.body for anchor in mechanism.anchors] == ["/doorway/wall"]
    assert usd.read_twin(write(twin, tmp_path)) == twin


def test_a_movable_joint_to_the_world_starts_at_a_body_and_holds_the_tree():
    mechanism = planned(
        of(joint("rail", "", "cart", "prismatic"), joint("pin", "cart", "pole"), root="cart", fixed=True)
    )
    assert mechanism.base == "/t/world_anchor" and mechanism.joints[0].body0 == "/t/world_anchor"
    assert [anchor.body for anchor in mechanism.anchors] == ["/t/world_anchor"]


def test_the_later_of_two_ways_is_kept_out_of_the_tree():
    ring = planned(of(joint("a", "x", "y"), joint("b", "y", "z"), joint("c", "z", "x"), joint("d", "x", "y")))
    assert [plan.excluded for plan in ring.joints] == [False, False, True, True]
    # The world and what it holds are one: a leaf between two walls, and two feet.
    walls = planned(of(joint("a", "w", "x"), joint("b", "x", "v"), static=("w", "v")))
    assert [plan.excluded for plan in walls.joints] == [False, True]
    feet = planned(of(joint("a", "", "x", "fixed"), joint("b", "x", "y"), joint("c", "", "y", "fixed")))
    assert [plan.excluded for plan in feet.joints] == [False, False, True] and feet.root == "/t/joints/a"


def test_there_is_always_exactly_one_root(tmp_path):
    for index, twin in enumerate((hinged(), arm(), cabinet(), doorway(), pendulum(), four_bar(), gripper())):
        stage = Usd.Stage.Open(str(write(twin, tmp_path / str(index))))
        roots = [prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.ArticulationRootAPI)]
        assert len(roots) == 1, twin.name


def test_a_body_may_be_called_like_what_the_writer_adds(tmp_path):
    twin = pendulum()
    names = {"bar": "world_anchor"}
    bodies = tuple(replace(body, name=names[body.name]) for body in twin.bodies)
    joints = (replace(twin.joints[0], name="root_joint", body1="world_anchor"),)
    twin = replace(twin, bodies=bodies, joints=joints)
    path = write(twin, tmp_path)
    assert usd.read_twin(path) == twin
    stage = Usd.Stage.Open(str(path))
    assert len([prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.RigidBodyAPI)]) == 2


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda j: replace(j, body1="nobody"), "body 'nobody' of joint"),
        (lambda j: replace(j, mimic=Mimic("nobody")), "joint 'nobody' that"),
        (lambda j: replace(j, body1=j.body0), "a second body of joint"),
        (lambda j: replace(j, name="right slide"), "names of their own of 2 joints 'right slide'"),
    ],
)
def test_joints_that_name_what_is_not_there_are_refused(change, word, tmp_path):
    twin = gripper()
    with pytest.raises(UsdError) as refused:
        write(replace(twin, joints=(change(twin.joints[0]), *twin.joints[1:])), tmp_path)
    assert refused.value.code == "twin_not_normalized" and word in refused.value.message
