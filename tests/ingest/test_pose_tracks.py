"""Files of tracked poses in every documented variant, and damaged ones."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from physicl_twin.ingest.pose_tracks import read_pose_tracks
from physicl_twin.model import SourceError

TIMES = np.array([0.0, 0.1, 0.2, 0.3])
DOOR = np.array([[1.0, 2.0, 3.0 + k, math.cos(k / 8), 0.0, 0.0, math.sin(k / 8)] for k in range(4)])
FRAME = np.tile([0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], (4, 1))


WIDE = ("x", "y", "z", "qx", "qy", "qz", "qw")


def long_csv(units="m", scale=1.0):
    rows = [f"# units: {units}", "time,body,x,y,z,qw,qx,qy,qz"]
    for k, time in enumerate(TIMES):
        for name, poses in (("frame", FRAME), ("door", DOOR)):
            numbers = [*(scale * poses[k, :3]), *poses[k, 3:]]
            rows.append(f"{time},{name}," + ",".join(f"{v:.17g}" for v in numbers))
    return "\n".join(rows)


def wide(separator=".", comma=","):
    head = ["timestamp"] + [f"{b}{separator}{f}" for b in ("frame", "door") for f in WIDE]
    rows = [comma.join(head)]
    for k, time in enumerate(TIMES):
        numbers = [time]
        for poses in (FRAME, DOOR):
            numbers += [*poses[k, :3], *poses[k, 4:], poses[k, 3]]
        rows.append(comma.join(f"{v:.17g}" for v in numbers))
    return "\n".join(rows)


def as_json():
    return json.dumps({"time": TIMES.tolist(), "bodies": {"frame": FRAME.tolist(), "door": DOOR.tolist()}})


def as_records():
    return json.dumps(
        [
            {
                "time": t,
                "body": name,
                "position": poses[k, :3].tolist(),
                "orientation_xyzw": [*poses[k, 4:], poses[k, 3]],
            }
            for k, t in enumerate(TIMES)
            for name, poses in (("frame", FRAME), ("door", DOOR))
        ]
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", long_csv()),
        ("millimetres.csv", long_csv("mm", 1000.0)),
        ("wide.csv", wide()),
        ("ros.csv", wide("/", ";")),
        ("tabs.txt", wide("_", "\t")),
        ("a.json", as_json()),
        ("records.json", as_records()),
    ],
)
def test_every_variant_says_the_same(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    tracks = read_pose_tracks(path)
    assert np.allclose(tracks.times_s, TIMES)
    bodies = dict(tracks.bodies)
    assert np.allclose(bodies["door"], DOOR) and np.allclose(bodies["frame"], FRAME)
    assert tracks.source.name == name and tracks.source.role == "reference"


def test_arrays_of_numpy_and_columns_of_parquet(tmp_path):
    np.savez(tmp_path / "a.npz", time=TIMES, door=DOOR, frame=FRAME, units="m")
    assert np.allclose(dict(read_pose_tracks(tmp_path / "a.npz").bodies)["door"], DOOR)
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    fields = ("x", "y", "z", "qw", "qx", "qy", "qz")
    columns = {"time_ms": 1000 * TIMES, "link": ["door"] * 4} | {f: DOOR[:, k] for k, f in enumerate(fields)}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    tracks = read_pose_tracks(tmp_path / "a.parquet")
    assert np.allclose(tracks.times_s, TIMES) and np.allclose(dict(tracks.bodies)["door"], DOOR)


def test_tum_files_name_their_body_by_the_file(tmp_path):
    rows = [" ".join(f"{v:.17g}" for v in [t, *DOOR[k, :3], *DOOR[k, 4:], DOOR[k, 3]]) for k, t in enumerate(TIMES)]
    path = tmp_path / "door.tum"
    path.write_text("# timestamp tx ty tz qx qy qz qw\n" + "\n".join(rows), encoding="utf-8")
    assert np.allclose(dict(read_pose_tracks(path).bodies)["door"], DOOR)


def test_statements_gaps_and_order(tmp_path):
    path = tmp_path / "a.csv"
    lines = long_csv().splitlines()
    lines[3] = lines[3].rsplit(",", 7)[0] + ",nan,nan,nan,,,,"  # the door at 0.0 was not seen
    lines[5] = lines[5].rsplit(",", 4)[0] + ",0,0,0,0"  # and at 0.1 written as zeros
    body = lines[2:]
    text = ["# frame: displacements", "# position_std: 0.5", "# orientation_std_deg: 0.2", "# units: m"]
    path.write_text("\n".join([*text, lines[1], *reversed(body)]), encoding="utf-8")
    tracks = read_pose_tracks(path)
    assert tracks.frame == "displacements"
    assert tracks.position_std_m == 0.5
    assert tracks.orientation_std_rad == pytest.approx(math.radians(0.2))
    door = dict(tracks.bodies)["door"]
    assert np.isnan(door[:2]).all() and np.allclose(door[2:], DOOR[2:])
    assert any(note.code == "tracks_gaps" and "2 of 4" in note.message for note in tracks.notes)


def test_bodies_seen_at_other_times_are_brought_to_common_ones(tmp_path):
    fine = np.linspace(0, 1, 41)
    coarse = np.linspace(0.013, 0.95, 12)

    def rows(name, times):
        angle = times / 2
        return [f"{t},{name},{t},0,0,{math.cos(a)},0,0,{math.sin(a)}" for t, a in zip(times, angle, strict=True)]

    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,body,x,y,z,qw,qx,qy,qz", *rows("a", fine), *rows("b", coarse)]), encoding="utf-8")
    tracks = read_pose_tracks(path)
    assert any(note.code == "tracks_interpolated" for note in tracks.notes)
    assert np.allclose(tracks.times_s, coarse)
    assert np.allclose(dict(tracks.bodies)["a"], dict(tracks.bodies)["b"], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.csv", "", "tracks_empty"),
        ("a.csv", "time,body,x,y,z,qw,qx,qy,qz\n", "tracks_empty"),
        ("a.csv", "x,y,z,qw,qx,qy,qz\n0,0,0,1,0,0,0", "tracks_columns_missing"),
        ("a.csv", "time,body,x,y,z\n0,a,0,0,0", "tracks_columns_missing"),
        ("a.csv", "time,body,x,y,z,qw,qx,qy,qz\n0,a,left,0,0,1,0,0,0", "tracks_number_invalid"),
        ("a.csv", "time,body,x,y,z,qw,qx,qy,qz\n0,a,0,0,0,1,0,0", "tracks_damaged"),
        ("a.csv", "time,body,x,y,z,qw,qx,qy,qz\n0,a,nan,0,0,1,0,0,0", "tracks_empty"),
        ("a.csv", "# units: furlong\ntime,body,x,y,z,qw,qx,qy,qz\n0,a,0,0,0,1,0,0,0", "tracks_unit_unknown"),
        ("a.csv", "# frame: mine\ntime,body,x,y,z,qw,qx,qy,qz\n0,a,0,0,0,1,0,0,0", "tracks_frame_unknown"),
        ("a.csv", "# position_std: -1\ntime,body,x,y,z,qw,qx,qy,qz\n0,a,0,0,0,1,0,0,0", "tracks_number_invalid"),
        ("a.txt", "0 1 2 3 4 5 6", "tracks_columns_missing"),
        ("a.json", "{", "tracks_damaged"),
        ("a.json", "7", "tracks_damaged"),
        ("a.json", '{"time": [0, 1], "bodies": {"a": [[0, 0, 0, 1, 0, 0, 0]]}}', "tracks_columns_missing"),
        ("a.npz", "no archive", "tracks_damaged"),
        ("a.bag", "x", "tracks_format_unknown"),
    ],
)
def test_damage_is_refused_by_name(tmp_path, name, text, code):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as refused:
        read_pose_tracks(path)
    assert refused.value.code == code
    assert str(tmp_path) not in refused.value.message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError) as refused:
        read_pose_tracks(tmp_path / "none.csv")
    assert refused.value.code == "file_not_found"
