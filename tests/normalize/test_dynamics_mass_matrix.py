"""The joint-space mass matrix: known answers, MuJoCo's, and where gravity pulls."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from physicl_twin.model import Articulation
from physicl_twin.normalize.dynamics.mass_matrix import mass_matrix
from physicl_twin.normalize.dynamics.tree import NO_PARENT, tree_of
from tests.normalize.mechanisms import arm, box_body, cabinet, hinge, mjcf, pose, twin_of


def _random_tree(seed: int, joints: int):
    """Boxes on hinges and slides at random places and turns; each hangs on a random earlier one."""
    rng = np.random.default_rng(seed)
    made = [box_body("b0", rng.uniform(0.05, 0.3, 3), 1.0)]
    listed = []
    for k in range(1, joints + 1):
        at = pose(rng.uniform(-1, 1, 3), rng.normal(size=3), rng.uniform(0, 3))
        here = box_body(f"b{k}", rng.uniform(0.05, 0.3, 3), rng.uniform(0.1, 5), at, rng.uniform(-0.1, 0.1, 3))
        parent = made[rng.integers(len(made))][0]
        kind = "prismatic" if rng.random() < 0.3 else "revolute"
        joint = hinge(f"j{k}", parent, here[0], rng.uniform(-1, 1, 3), "xyz"[rng.integers(3)], type=kind)
        turn = pose((0, 0, 0), rng.normal(size=3), rng.uniform(0, 3)).matrix()
        frames = [type(joint.pose0).from_matrix(p.matrix() @ turn) for p in (joint.pose0, joint.pose1)]
        if rng.random() < 0.3:  # stated the other way round: its second body is the parent
            joint = replace(joint, body0=joint.body1, body1=joint.body0, pose0=frames[1], pose1=frames[0])
        else:
            joint = replace(joint, pose0=frames[0], pose1=frames[1])
        listed.append(joint)
        made.append(here)
    return replace(twin_of(made, listed), articulation=Articulation(root="b0"))


def _mujoco(twin, positions):
    model = mujoco.MjModel.from_xml_string(mjcf(twin))
    data = mujoco.MjData(model)
    for name, value in positions.items():
        data.joint(name).qpos[0] = value
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    order = {model.joint(i).name: model.joint(i).dofadr[0] for i in range(model.njnt)}
    return full, data.qfrc_bias.copy(), order


@pytest.mark.parametrize("seed", range(6))
def test_the_mass_matrix_is_that_of_mujoco(seed):
    twin = _random_tree(seed, 9)
    rng = np.random.default_rng(seed)
    positions = {joint.name: float(rng.uniform(-1.5, 1.5)) for joint in twin.joints}
    ours = mass_matrix(twin, positions)
    theirs, bias, order = _mujoco(twin, positions)
    rows = [order[name] for name in ours.joints]
    np.testing.assert_allclose(ours.matrix, theirs[np.ix_(rows, rows)], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.gravity * 9.81, bias[rows], rtol=1e-9, atol=1e-9)


def test_a_door_has_the_inertia_of_a_plate_about_its_edge():
    twin = cabinet()
    found = mass_matrix(twin)
    i = found.joints.index("hinge")
    assert found.matrix[i, i] == pytest.approx(3.0 * (0.38**2 / 12 + 0.02**2 / 12 + 0.19**2))
    j = found.joints.index("slide")
    assert found.matrix[j, j] == pytest.approx(2.0)
    assert found.matrix[i, j] == 0.0


def test_gravity_is_largest_when_an_arm_is_stretched_out():
    twin = arm(1)
    assert mass_matrix(twin).gravity[0] == pytest.approx(0.0, abs=1e-12)
    out = mass_matrix(twin, {"joint_1": np.pi / 2})
    assert abs(out.gravity[0]) == pytest.approx(2.0 * 0.15)


def test_the_tree_starts_at_the_world_then_at_what_never_moves():
    wall, door = box_body("wall", static=True), box_body("door", at=pose((1, 0, 0)))
    twin = twin_of([door, wall], [hinge("h", wall[0], door[0], (0.5, 0, 0))])
    tree = tree_of(twin)
    assert [link.body for link in tree.links] == [1, 0] and tree.roots == (1,)
    held = twin_of([door], [hinge("h", None, door[0], (0.5, 0, 0))])
    assert tree_of(held).links[0].parent == NO_PARENT and tree_of(held).links[0].joint is not None


def test_a_joint_that_closes_a_circle_is_found():
    a, b, c = (box_body(n, at=pose((k, 0, 0))) for k, n in enumerate("abc"))
    joints = [
        hinge("ab", a[0], b[0], (0, 0, 0)),
        hinge("bc", b[0], c[0], (1, 0, 0)),
        hinge("ca", c[0], a[0], (2, 0, 0)),
    ]
    tree = tree_of(twin_of([a, b, c], joints))
    assert len(tree.loops) == 1 and len(tree.links) == 3 and len(tree.roots) == 1
