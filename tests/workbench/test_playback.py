"""A drop is recorded at an even rate and played at the speed at which it happened."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from physicl_twin.model import ValidationError, silent
from physicl_twin.workbench.motion_recording import record as record_motion
from physicl_twin.workbench.playback import record
from physicl_twin.workbench.player import Player
from tests.augment.families import twin_folder
from tests.usd import twins


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def recording(frames: int = 31) -> dict[str, Any]:
    poses = [[[0.0, 0.0, 1.0 - 0.01 * number, 1.0, 0.0, 0.0, 0.0]] for number in range(frames)]
    return {"engine": "physx", "frames_per_s": 30.0, "frames": poses, "reach": [[-1, -1, 0], [1, 1, 1]]}


def chest():
    """``twins.hinged`` with a lid that opens outwards."""
    made = twins.hinged()
    lid = replace(made.joints[0], lower=-math.radians(110), upper=0.0)
    return replace(made, joints=(lid, *made.joints[1:]))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def player(clock: Clock) -> Player:
    made = Player(clock)
    made.load(recording())
    return made


def test_an_empty_player_does_nothing() -> None:
    player = Player()
    player.play()
    player.step(1)
    player.scrub(0.5)
    assert not player.loaded and not player.playing and player.moment is None
    assert (player.fraction, player.seconds, player.duration_s) == (0.0, 0.0, 0.0)


def test_it_plays_in_real_time_however_often_it_is_asked(player: Player, clock: Clock) -> None:
    player.play()
    assert not player.poll()
    clock.now += 0.5
    assert player.poll() and player.frame == 15 and player.seconds == pytest.approx(0.5)
    clock.now += 0.01
    assert not player.poll()
    moment = player.moment
    assert moment is not None and moment.poses[0][2] == pytest.approx(0.85) and moment.reach[1] == (1.0, 1.0, 1.0)
    clock.now += 10.0
    assert player.poll() and player.frame == 30 and not player.playing
    assert player.duration_s == pytest.approx(1.0) and player.fraction == 1.0


def test_at_its_end_it_begins_again(player: Player, clock: Clock) -> None:
    player.scrub(1.0)
    player.play()
    assert player.frame == 0 and player.playing


def test_pause_holds_and_toggle_goes_on_from_there(player: Player, clock: Clock) -> None:
    player.play()
    clock.now += 0.2
    player.poll()
    player.toggle()
    clock.now += 5.0
    assert not player.poll() and player.frame == 6
    player.toggle()
    clock.now += 0.1
    player.poll()
    assert player.frame == 9


def test_stepping_pauses_and_stops_at_the_ends(player: Player) -> None:
    player.play()
    player.step(1)
    assert player.frame == 1 and not player.playing
    player.step(-5)
    assert player.frame == 0
    player.step(99)
    assert player.frame == 30


def test_scrubbing_while_it_plays_goes_on_from_there(player: Player, clock: Clock) -> None:
    player.play()
    clock.now += 0.1
    player.scrub(0.5)
    assert player.frame == 15
    clock.now += 0.1
    player.poll()
    assert player.frame == 18
    player.scrub(-3.0)
    assert player.frame == 0


@pytest.mark.parametrize("engine", ["mujoco", "physx"])
def test_a_recorded_drop_falls_freely_lands_and_ends_in_rest(tmp_path: Path, engine: str) -> None:
    folder = twin_folder(tmp_path, twins.single())
    found = record(twin=str(folder), engine=engine, progress=silent)
    assert found["engine"] == engine and found["frames_per_s"] == pytest.approx(30.0, rel=0.02)
    poses = np.array(found["frames"])[:, 0]
    assert poses.shape[1] == 7 and np.allclose(np.linalg.norm(poses[:, 3:], axis=1), 1.0, atol=1e-4)
    t = 1.0 / found["frames_per_s"]
    assert poses[0, 2] - poses[1, 2] == pytest.approx(0.5 * 9.81 * t * t, rel=0.15)
    assert np.abs(poses[-5:] - poses[-1]).max() < 1e-3
    low, high = np.array(found["reach"])
    assert (low < high).all() and low[2] > -0.01
    Player().load(found)


@pytest.mark.parametrize("engine", ["mujoco", "physx"])
def test_a_recorded_motion_takes_every_joint_to_its_ends_and_back(tmp_path: Path, engine: str) -> None:
    made = chest()
    folder = twin_folder(tmp_path, made)
    found = record_motion(twin=str(folder), engine=engine, progress=silent)
    poses = np.array(found["frames"])
    assert poses.shape[1:] == (len(made.bodies), 7)
    named = {body.name: index for index, body in enumerate(made.bodies)}
    assert np.ptp(poses[:, named["box"]], axis=0).max() < 2e-3, "the base is held"
    turned = poses[:, named["lid"], 3:] @ poses[0, named["lid"], 3:]
    widest = 2 * np.degrees(np.arccos(np.clip(np.abs(turned).min(), 0.0, 1.0)))
    assert widest == pytest.approx(110.0, abs=4.0)
    out = np.linalg.norm(poses[:, named["drawer"], :3] - poses[0, named["drawer"], :3], axis=1)
    assert out.max() == pytest.approx(0.08, rel=0.05) and out[-1] < 3e-3
    low = np.array(found["reach"][0])
    assert (low < poses[:, :, :3].min(axis=(0, 1)) + 1e-6).all() and found["floor_m"] == pytest.approx(-0.035, abs=1e-3)
    player = Player()
    player.load(found)
    assert player.moment is not None and player.moment.floor_m == found["floor_m"]


def test_a_drop_of_several_bodies_is_refused_with_a_way_out(tmp_path: Path) -> None:
    folder = tmp_path / twins.hinged().name
    twins.write(twins.hinged(), tmp_path)
    with pytest.raises(ValidationError) as raised:
        record(twin=str(folder), engine="mujoco", progress=silent)
    assert raised.value.code == "playback_several_bodies" and "Isaac Sim" in raised.value.hint
