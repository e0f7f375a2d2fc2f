"""The picture of the twin follows the hand, one at a time, and shows moments of a run."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from physicl_twin.workbench.restate import load_complete
from physicl_twin.workbench.shot import Shot
from physicl_twin.workbench.viewport import Moment, Viewport
from physicl_twin.workbench.viewport_scene import ViewportScene
from tests.augment.families import twin_folder
from tests.usd import twins
from tests.workbench.fakes import Desk, twin_on_disk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins")))
    return made


def shot_of(desk: Desk) -> Shot:
    return Shot.from_json(desk.live.asked[-1][1]["shot"])


def settled(view: Viewport) -> None:
    """Let the moment pass after which the good picture is asked for."""
    if view._fine_at_s is not None:
        view._fine_at_s = time.monotonic()
    view.poll()


def test_nothing_is_drawn_without_room_or_a_twin(tmp_path: Path, desk: Desk) -> None:
    assert desk.live.operations() == []
    empty = Desk(tmp_path / "other")
    empty.work.viewport.resize(300, 200)
    assert empty.live.operations() == []


def test_a_picture_is_asked_for_then_a_finer_one(desk: Desk) -> None:
    view = desk.work.viewport
    view.resize(300, 200)
    assert (shot_of(desk).width, shot_of(desk).height, shot_of(desk).samples) == (300, 200, 1)
    desk.live.answer(size=(300, 200))
    assert view.size == (300, 200) and view.frame >= 1 and view.moving
    settled(view)
    assert shot_of(desk).samples == 2
    desk.live.answer(size=(300, 200))
    settled(view)
    assert not view.moving and desk.live.operations() == []


def test_while_a_picture_is_drawn_only_the_last_wish_waits(desk: Desk) -> None:
    view = desk.work.viewport
    view.resize(300, 200)
    for _ in range(20):
        view.orbit(10.0, 1.0)
    assert len(desk.live.asked) == 1, "a quick hand must not starve the picture"
    desk.live.answer(size=(300, 200))
    assert view.pixels and len(desk.live.asked) == 1
    assert shot_of(desk).azimuth_deg == pytest.approx(view.azimuth_deg)


def test_turning_and_zooming_stay_within_bounds_and_are_remembered(desk: Desk, tmp_path: Path) -> None:
    view = desk.work.viewport
    view.orbit(1e5, 1e5)
    view.nearer(100)
    assert -180.0 <= view.azimuth_deg <= 180.0 and view.elevation_deg == 89.0 and view.zoom == 4.0
    view.toggle_colliders()
    desk.work.release()
    again = Desk(tmp_path).work.viewport
    assert (again.azimuth_deg, again.elevation_deg, again.zoom) == (view.azimuth_deg, 89.0, 4.0) and again.colliders
    again.reset()
    assert again.zoom == 1.0


def test_a_moment_of_a_run_is_shown_without_colliders_and_put_away(desk: Desk) -> None:
    view = desk.work.viewport
    view.resize(300, 200)
    desk.live.answer(size=(300, 200))
    view.toggle_colliders()
    desk.live.answer(size=(300, 200))
    moment = Moment(((0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0),), ((-1.0, -1.0, 0.0), (1.0, 1.0, 2.0)))
    view.show(moment)
    assert shot_of(desk).poses == moment.poses and shot_of(desk).reach == moment.reach and not shot_of(desk).colliders
    desk.live.answer(size=(300, 200))
    view.show(Moment(moment.poses, moment.reach))
    assert desk.live.operations() == [], "the same moment is drawn once"
    view.show(None)
    assert shot_of(desk).poses == () and shot_of(desk).colliders


def test_an_error_is_told_and_the_last_picture_stays(desk: Desk) -> None:
    view = desk.work.viewport
    view.resize(300, 200)
    desk.live.answer(size=(300, 200))
    settled(view)
    desk.live.answer(error={"code": "x", "message": "It could not be drawn.", "hint": ""})
    assert view.error == "It could not be drawn." and len(view.pixels) == 4 * 300 * 200
    view.refresh()
    desk.live.answer(size=(300, 200))
    assert view.error == ""


def test_a_picture_of_the_twin_before_is_not_shown(desk: Desk, tmp_path: Path) -> None:
    view = desk.work.viewport
    view.resize(300, 200)
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path / "others", twins.single())))
    desk.live.answer(size=(300, 200))
    assert view.pixels == b""
    assert desk.live.asked[-1][1]["twin"].endswith("others/" + twins.single().name)
    desk.live.answer(size=(300, 200))
    assert view.pixels


def test_a_shot_survives_json() -> None:
    shot = Shot(3, 4, 1.0, 2.0, 1.5, True, "lid", 2, ((0.0,) * 7,), ((0.0,) * 3, (1.0,) * 3))
    assert Shot.from_json(shot.to_json()) == shot


def test_the_drawn_twin_stands_out_is_marked_and_moves(tmp_path: Path) -> None:
    scene = ViewportScene(load_complete(twin_folder(tmp_path, twins.multi_part())))
    plain = scene.draw(Shot(96, 72)).astype(int)
    assert plain.shape == (72, 96, 4) and (plain[..., 3] == 255).all()
    away = scene.draw(Shot(96, 72, poses=((50.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0),), reach=tuple(map(tuple, scene.box))))
    covered = np.abs(plain - away)[..., :3].sum(axis=2) > 30
    assert 0.05 < covered.mean() < 0.95, "the twin covers a part of its picture"
    part = twins.multi_part().parts[0].name
    marked = scene.draw(Shot(96, 72, selected=part)).astype(int)
    assert (marked[..., 1] > plain[..., 1]).sum() > 20
    hulls = scene.draw(Shot(96, 72, colliders=True)).astype(int)
    assert (np.abs(hulls - plain)[..., :3].sum(axis=2) > 30).sum() > 100
    turned = scene.draw(Shot(96, 72, azimuth_deg=120.0, elevation_deg=10.0)).astype(int)
    assert (np.abs(turned - plain)[..., :3].sum(axis=2) > 30).sum() > 100
