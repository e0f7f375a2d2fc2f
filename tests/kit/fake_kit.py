"""Kit's modules as far as our adapters use them, with ovphysx for PhysX; what they are called with is the contract's business."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import numpy as np
import pxr
from pxr import UsdUtils


class Settings:
    def __init__(self, **values):
        self.values = {
            "/physics/updateToUsd": True,
            "/physics/updateVelocitiesToUsd": None,
            "/physics/fabricEnabled": True,
        }

    def get(self, key):
        return self.values[key]

    def set(self, key, value):
        self.values[key] = value


class View:
    """The tensor view of ovphysx's bodies, in an order of its own."""

    def __init__(self, kit):
        self.kit, paths = kit, list(kit.port.scene.bodies)
        self.order = list(range(len(paths)))[::-1]
        self.prim_paths = [paths[row] for row in self.order]
        self.count = len(paths)

    def __getattr__(self, name):
        kind, _, what = name.partition("_")
        source = getattr(self.kit.port, {"get": what, "set": name}[kind] if kind == "set" else what)
        if kind == "get":
            values = {"coms": lambda: np.pad(source(), ((0, 0), (0, 4)))}.get(what, source)()
            return lambda: np.asarray(values, np.float32).reshape(self.count, -1)[self.order]
        return lambda data, indices: source(np.asarray(data, float)[np.argsort(self.order)])


class ArticulationView:
    """The tensor view of ovphysx's articulation: joints in an order of its own, a number of a ball joint among them."""

    def __init__(self, kit):
        self.kit, self.count = kit, 1
        self.known = list(kit.port.dofs())[::-1]
        self.dof_paths = [[*self.known[:1], "/World/joints/ball:0", *self.known[1:]]]
        self.max_dofs = len(self.dof_paths[0])

    def _there(self):
        return np.zeros((1, self.max_dofs), np.float32)

    get_dof_positions = get_dof_velocities = get_dof_position_targets = _there

    def _set(self, what, data):
        row = dict(zip(self.dof_paths[0], np.asarray(data, float)[0], strict=True))
        getattr(self.kit.port, f"set_dof_{what}")(np.array([row[path] for path in self.kit.port.dofs()]))

    def set_dof_positions(self, data, indices):
        self._set("positions", data)

    def set_dof_velocities(self, data, indices):
        self._set("velocities", data)

    def set_dof_position_targets(self, data, indices):
        self._set("targets", data)


class Kit:
    """State of the pretended Kit."""

    def __init__(self, port):
        self.port, self.settings, self.gpu, self.attached, self.log = port, Settings(), -1, 0, []
        self.stopped, self.tracking, self.listeners, self.valid = True, True, [], False

    # omni.physx
    def get_overwrite_gpu_setting(self):
        return self.gpu

    def overwrite_gpu_setting(self, value):
        self.gpu = value

    def get_error_event_stream(self):
        return self

    def create_subscription_to_pop(self, listener):
        self.listeners.append(listener)
        return SimpleNamespace(unsubscribe=lambda: self.listeners.remove(listener))

    def complain(self, text):
        for listener in self.listeners:
            listener(SimpleNamespace(payload={"errorString": text}))

    def attach_stage(self, identity):
        from pxr import Usd

        stage = UsdUtils.StageCache.Get().Find(Usd.StageCache.Id.FromLongInt(identity))
        self.attached = identity
        self.port.attach(stage, ())
        return True

    def detach_stage(self):
        assert not self.valid, "the view must go before the simulation"
        self.attached = 0
        self.port.detach()

    def get_attached_stage(self):
        return self.attached

    def pause_change_tracking(self, pause):
        self.tracking = not pause

    def simulate(self, dt_s, now_s):
        self.log.append(now_s)
        self.port.simulate(dt_s)

    def fetch_results(self):
        pass

    def get_contact_report(self):
        contacts = self.port.contacts()
        paths = self.paths = sorted({path for one in contacts for path in (one.actor0, one.actor1)})
        headers = [
            SimpleNamespace(
                actor0=paths.index(one.actor0),
                actor1=paths.index(one.actor1),
                contact_data_offset=number,
                num_contact_data=1,
            )
            for number, one in enumerate(contacts)
        ]
        return headers, contacts, []

    def raycast_closest(self, origin, direction, distance):
        hit = self.port.raycast(origin, direction, distance)
        if hit is None:
            return {"hit": False}
        return {
            "hit": True,
            "rigidBody": hit.body,
            "collision": "",
            "distance": hit.distance,
            "position": hit.position,
            "normal": hit.normal,
        }

    def overlap_sphere(self, radius, centre, on_hit, any_hit):
        for path in self.port.overlap_sphere(centre, radius):
            assert on_hit(SimpleNamespace(rigid_body=path, collision=""))

    # omni.physics.tensors
    def create_simulation_view(self, frontend, stage_id, backend):
        assert (frontend, stage_id, backend) == ("numpy", self.attached, "physx")
        self.valid = True
        return self

    def invalidate(self):
        self.valid = False

    def create_rigid_body_view(self, paths):
        return View(self)

    def create_articulation_view(self, paths):
        assert paths == ["/World"]
        return ArticulationView(self)

    def update_articulations_kinematic(self):
        pass


def install(monkeypatch, kit):
    """Put the modules where imports find them."""
    same = lambda: kit  # noqa: E731
    parts = {
        "carb": {"Float3": lambda *values: values},
        "carb.settings": {"get_settings": lambda: kit.settings},
        "omni": {},
        "omni.kit": {},
        "omni.kit.app": {
            "get_app": lambda: SimpleNamespace(
                get_extension_manager=lambda: SimpleNamespace(get_enabled_extension_id=lambda name: f"{name}-1.2.3")
            )
        },
        "omni.physics": {},
        "omni.physics.tensors": {"create_simulation_view": kit.create_simulation_view},
        "omni.timeline": {
            "get_timeline_interface": lambda: SimpleNamespace(is_stopped=lambda: kit.stopped),
        },
        "omni.physx": {
            "get_physx_interface": same,
            "get_physx_simulation_interface": same,
            "get_physx_scene_query_interface": same,
        },
    }
    modules(monkeypatch, parts)
    tools = SimpleNamespace(intToSdfPath=lambda number: kit.paths[number])
    monkeypatch.setattr(pxr, "PhysicsSchemaTools", tools, raising=False)


def modules(monkeypatch, parts):
    """Modules with those contents; parents hold their children."""
    for name, content in parts.items():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
        parent, _, child = name.rpartition(".")
        if parent:
            monkeypatch.setattr(sys.modules[parent], child, module, raising=False)
