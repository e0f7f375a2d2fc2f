"""Other states and tracked poses given to a build."""

from __future__ import annotations

import json

import pytest

from physicl_twin import ingest, settings
from physicl_twin.ingest import ReadOptions
from physicl_twin.jobs import batch
from physicl_twin.jobs.observe import with_observations
from physicl_twin.jobs.request import BuildOptions, BuildRequest
from physicl_twin.model import PhysiclError, SourceError, from_json, to_json
from tests.articulated.files import write_glb
from tests.articulated.objects import MOVING
from tests.articulated.recording import record, write_csv
from tests.articulated.scoring import score

SILENT = lambda *_: None  # noqa: E731


def request(tmp_path, **given):
    stated = dict(
        source="a", path="", out=str(tmp_path), name="a", read=ReadOptions(), materials=(), mass=None, settings="{}",
        seed=0, fast=True, generated="", request_sha256="", location_sha256="", version=1,
    )  # fmt: skip
    return BuildRequest(**(stated | given))


@pytest.fixture
def crane(tmp_path):
    mechanism = MOVING["crane"](0)
    closed = write_glb(mechanism, tmp_path / "closed.glb", mechanism.spread(0.0))
    opened = write_glb(mechanism, tmp_path / "open.glb", mechanism.spread(0.5))
    tracks = write_csv(record(mechanism), tmp_path / "tracks.csv")
    return mechanism, closed, opened, tracks


def test_states_and_tracks_become_joints_with_their_files_named(tmp_path, crane):
    mechanism, closed, opened, tracks = crane
    twin = ingest.read(closed)
    for given, file in (({"states": (str(opened),)}, "open.glb"), ({"motion": str(tracks)}, "tracks.csv")):
        asked = from_json(BuildRequest, json.loads(json.dumps(to_json(request(tmp_path, **given)))))
        seen = with_observations(twin, asked, settings.pipeline(), SILENT)
        ((truth, joint),) = score(mechanism, seen).pairs
        assert joint.upper == pytest.approx(truth.upper - truth.shown[0], abs=5e-3)
        assert [source.name for source in seen.sources if source.role == "reference"] == [file]
    assert with_observations(twin, request(tmp_path), settings.pipeline(), SILENT) == twin


def test_a_file_of_poses_that_is_not_there_is_said(tmp_path, crane):
    twin = ingest.read(crane[1])
    with pytest.raises(SourceError) as refused:
        with_observations(twin, request(tmp_path, motion=str(tmp_path / "none.csv")), settings.pipeline(), SILENT)
    assert refused.value.code == "file_not_found"


def test_a_state_in_the_folder_is_no_source_of_its_own(tmp_path, crane):
    _, closed, opened, _ = crane
    told = []

    class Enough(Exception):
        pass

    def stop(paths):
        told.extend(paths)
        raise Enough

    options = BuildOptions(states=(opened,))
    with pytest.raises(Enough):
        next(batch.build([tmp_path], tmp_path / "out", options, on_sources=stop))
    assert [path.name for path in told] == ["closed.glb", "open.glb"]  # the source, then the state beside it
    other = write_glb(MOVING["gate"](0), tmp_path / "gate.glb")
    for sources, code in (([closed, other], "states_for_many"), ([opened], "state_is_source")):
        with pytest.raises(PhysiclError) as refused:
            next(batch.build(sources, tmp_path / "out", options))
        assert refused.value.code == code
