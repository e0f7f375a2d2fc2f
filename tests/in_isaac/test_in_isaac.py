"""What only a real Isaac Sim can show. Run by run.py beside it; the classes are omni.kit.test's."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import omni.graph.core as og
import omni.kit.app
import omni.kit.commands
import omni.kit.test
import omni.kit.undo
import omni.replicator.core as rep
import omni.timeline
import omni.usd
from pxr import Sdf, Usd, UsdGeom

from physicl_twin.kit.engine import KitEngine
from physicl_twin.kit.engine_async import roll_out
from physicl_twin.kit.replicator import randomizer, writer
from physicl_twin.kit.replicator.apply import execute
from physicl_twin.kit.replicator.calls import differences
from physicl_twin.kit.replicator.member import show, shown
from physicl_twin.kit.replicator.source import FinishedSet
from physicl_twin.model import EngineError
from physicl_twin.validate import rollouts

KIT = Path(__file__).resolve().parents[2] / "physicl_twin" / "kit"


def layers_of(stage: Any) -> dict[str, str]:
    """Every layer of a stage as text."""
    return {layer.identifier: layer.ExportToString() for layer in stage.GetLayerStack()}


class Case(omni.kit.test.AsyncTestCase):
    """A fresh stage before, drained updates after."""

    things: ClassVar[dict[str, str]] = {}

    async def setUp(self) -> None:
        """An empty stage in metres."""
        await omni.usd.get_context().new_stage_async()
        await self.frames(2)

    async def tearDown(self) -> None:
        """Let the cooking of colliders end."""
        omni.timeline.get_timeline_interface().stop()
        await self.frames(5)

    async def frames(self, count: int) -> None:
        """Wait for that many updates."""
        for _ in range(count):
            await omni.kit.app.get_app().next_update_async()

    @property
    def stage(self) -> Any:
        """The stage that is open."""
        return omni.usd.get_context().get_stage()

    async def open_scene(self) -> FinishedSet:
        """The set's scene."""
        source = FinishedSet(Path(self.things["set"]))
        await omni.usd.get_context().open_stage_async(str(source.scene))
        await self.frames(2)
        return source


class TestExtension(Case):
    """Loading, nodes, graphs, commands."""

    async def test_the_extension_is_enabled(self) -> None:
        manager = omni.kit.app.get_app().get_extension_manager()
        self.assertTrue(manager.is_extension_enabled("physicl_twin"))

    async def test_every_node_type_can_be_put_into_a_graph(self) -> None:
        types = [name for file in sorted(KIT.rglob("*.ogn")) for name in json.loads(file.read_text())]
        self.assertGreater(len(types), 4)
        keys = og.Controller.Keys
        nodes = [(name, f"physicl_twin.{name}") for name in types]
        plan = {keys.CREATE_NODES: nodes}
        _, made, _, _ = og.Controller.edit({"graph_path": "/Graph", "evaluator_name": "execution"}, plan)
        self.assertEqual([node.get_node_type().get_node_type() for node in made], [kind for _, kind in nodes])

    async def test_a_graph_reads_a_twins_mass(self) -> None:
        keys = og.Controller.Keys
        plan = {
            keys.CREATE_NODES: [
                ("Impulse", "omni.graph.action.OnImpulseEvent"),
                ("Mass", "physicl_twin.ReadTwinEstimate"),
            ],
            keys.SET_VALUES: [("Impulse.inputs:onlyPlayback", False), ("Mass.inputs:twin", self.things["twin"])],
            keys.CONNECT: [("Impulse.outputs:execOut", "Mass.inputs:execIn")],
        }
        og.Controller.edit({"graph_path": "/Graph", "evaluator_name": "execution"}, plan)
        og.Controller.attribute("/Graph/Impulse.state:enableImpulse").set(True)
        await self.frames(10)
        value = og.Controller.attribute("/Graph/Mass.outputs:value").get()
        self.assertAlmostEqual(value, json.loads(self.things["mass"])["value"], places=6)

    async def test_make_sim_ready_and_undo(self) -> None:
        box = UsdGeom.Cube.Define(self.stage, "/World/box").GetPrim()
        before = layers_of(self.stage)
        done, _ = omni.kit.commands.execute("PhysiclMakeSimReady", paths=["/World/box"])
        self.assertTrue(done)
        self.assertIn("PhysicsRigidBodyAPI", box.GetAppliedSchemas())
        omni.kit.undo.undo()
        self.assertEqual(layers_of(self.stage), before)
        omni.kit.undo.redo()
        self.assertIn("PhysicsRigidBodyAPI", box.GetAppliedSchemas())


class TestReplicator(Case):
    """Members by Replicator's calls."""

    async def test_replicator_gives_the_stage_that_the_layer_gives(self) -> None:
        source = await self.open_scene()
        for member in source.shared.members:
            calls = show(self.stage, source, member, execute=execute)
            self.assertEqual(differences(self.stage, calls), ())
            alone = Usd.Stage.Open(str(source.layer_path(member)))
            for prim in Usd.PrimRange.Stage(alone):
                for attribute in prim.GetAttributes():
                    mine = self.stage.GetAttributeAtPath(attribute.GetPath())
                    self.assertEqual(mine.Get(), attribute.Get(), str(attribute.GetPath()))
        self.assertFalse(self.stage.GetRootLayer().dirty)

    async def test_a_trigger_shows_member_after_member(self) -> None:
        source = await self.open_scene()
        randomizer.register()
        with rep.trigger.on_custom_event(event_name="physicl_test"):
            rep.randomizer.physicl_variation(folder=self.things["set"], order="shuffled", seed=5)
        wanted = FinishedSet(source.folder, "shuffled", 5)
        rep.orchestrator.set_capture_on_play(False)
        for turn in range(4):
            rep.utils.send_og_event(event_name="physicl_test")
            await rep.orchestrator.step_async()
            self.assertEqual(shown(self.stage), wanted.number(turn))

    async def test_frames_and_records_agree(self) -> None:
        source = await self.open_scene()
        with tempfile.TemporaryDirectory() as folder:
            show(self.stage, source, source.number(0), execute=execute)
            product = rep.create.render_product("/World/camera", (64, 64))
            images, variations = rep.writers.get("BasicWriter"), writer.make()
            images.initialize(output_dir=folder, rgb=True)
            variations.initialize(output_dir=folder, source=source)
            for one in (images, variations):
                one.attach(product)
            for frame in range(3):
                show(self.stage, source, source.number(frame), execute=execute)
                await rep.orchestrator.step_async(rt_subframes=4)
            await rep.orchestrator.wait_until_complete_async()
            for one in (images, variations):
                one.detach()
            product.destroy()
            records = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("variation_*.json"))]
            pictures = sorted(Path(folder).rglob("rgb_*.png"))
            self.assertEqual([one["variation"] for one in records], [source.number(frame) for frame in range(3)])
            self.assertEqual([path.stem.split("_")[1] for path in pictures], [one["frame"] for one in records])


class TestEngine(Case):
    """PhysX in the editor."""

    async def test_the_drop_rollout_passes_and_nothing_stays(self) -> None:
        UsdGeom.Cube.Define(self.stage, "/World/mine")
        before, where = layers_of(self.stage), omni.timeline.get_timeline_interface().get_current_time()
        usd = Path(self.things["usd"])
        result = await roll_out(
            lambda engine: rollouts.run("drop_and_settle", usd, engine),
            KitEngine(),
            omni.kit.app.get_app().next_update_async,
        )
        self.assertEqual(result.status, "passed", result.message)
        self.assertEqual(layers_of(self.stage), before)
        self.assertTrue(omni.timeline.get_timeline_interface().is_stopped())
        self.assertEqual(omni.timeline.get_timeline_interface().get_current_time(), where)

    async def test_the_editor_weighs_what_the_twin_says(self) -> None:
        with KitEngine().open(Path(self.things["usd"])) as scene:
            total = sum(body.mass_kg for body in scene.mass_properties())
        self.assertAlmostEqual(total, json.loads(self.things["mass"])["value"], delta=1e-4 * total)

    async def test_the_open_stage_falls_and_is_then_as_it_was(self) -> None:
        source = await self.open_scene()
        show(self.stage, source, source.number(0), execute=execute)
        before = layers_of(self.stage)
        with KitEngine().open_stage(self.stage) as scene:
            scene.step(1 / 60, 30)
            poses = scene.poses()
            poses[:, 2] += 0.5
            scene.set_poses(poses)
            high = scene.poses()[:, 2]
            scene.step(1 / 60, 10)
            self.assertTrue(np.all(scene.poses()[:, 2] < high - 0.05))
            self.assertTrue(scene.bodies and isinstance(scene.contacts(), tuple))
            path = Sdf.Path(scene.bodies[0])
            moved = UsdGeom.Xformable(self.stage.GetPrimAtPath(path)).ComputeLocalToWorldTransform(0)
            self.assertAlmostEqual(moved.ExtractTranslation()[2], scene.poses()[0, 2], places=4)
        self.assertEqual(layers_of(self.stage), before)

    async def test_contacts_rays_and_spheres_find_the_floor(self) -> None:
        source = await self.open_scene()
        show(self.stage, source, source.number(0), execute=execute)
        with KitEngine().open_stage(self.stage, visible=False) as scene:
            scene.step(1 / 60, 2)
            self.assertGreater(len(scene.contacts()), 0)
            hit = scene.raycast((0.0, 0.0, 5.0), (0.0, 0.0, -1.0), 10.0)
            self.assertIsNotNone(hit)
            self.assertIn(scene.bodies[0], scene.overlaps(tuple(scene.poses()[0, :3]), 1.0))

    async def test_a_playing_timeline_is_left_alone(self) -> None:
        await self.open_scene()
        omni.timeline.get_timeline_interface().play()
        await self.frames(3)
        with self.assertRaises(EngineError) as caught:
            KitEngine().open_stage(self.stage)
        self.assertEqual(caught.exception.code, "engine_busy")
        self.assertTrue(omni.timeline.get_timeline_interface().is_playing())


CASES = (TestExtension, TestReplicator, TestEngine)
