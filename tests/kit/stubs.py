"""Stand-ins for the extensions that PyPI lacks, as extensions of their own: real Kit solves, loads and unloads them.

Each holds the few names that physicl_twin calls, with the signatures of the originals, and remembers what it was told.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

#: Source of the module of each extension; empty for those of which only the name is needed.
MODULES: dict[str, str] = {
    "omni.graph": "",
    "omni.graph.action": "",
    "omni.graph.action_core": """
        INTERFACE = None  # the graph of a test

        def get_interface():
            return INTERFACE
        """,
    "omni.graph.core": """
        class Controller:
            class Keys:
                CREATE_NODES, SET_VALUES, CONNECT = "CREATE_NODES", "SET_VALUES", "CONNECT"

            graphs = []

            @classmethod
            def edit(cls, graph_id, edit_commands):
                assert graph_id["evaluator_name"] == "execution"
                cls.graphs.append((graph_id["graph_path"], edit_commands))
        """,
    "omni.kit.actions.core": """
        class _Registry:
            def __init__(self):
                self.actions = {}

            def register_action(self, extension_id, action_id, python_object, display_name="", description="", icon_url="", tag=""):
                assert (extension_id, action_id) not in self.actions, action_id
                self.actions[extension_id, action_id] = python_object

            def deregister_action(self, extension_id, action_id, invalidate=True):
                del self.actions[extension_id, action_id]

            def execute_action(self, extension_id, action_id, *args, **kwargs):
                return self.actions[extension_id, action_id](*args, **kwargs)

        _REGISTRY = _Registry()

        def get_action_registry():
            return _REGISTRY
        """,
    "omni.kit.commands": """
        COMMANDS = {}

        class Command:
            def do(self): ...
            def undo(self): ...
            def modify_callback_info(self, cb_type, cmd_args): ...

        def register(command_class):
            COMMANDS[command_class.__name__.removesuffix("Command")] = command_class

        def unregister(command_class):
            COMMANDS.pop(command_class.__name__.removesuffix("Command"), None)

        def register_all_commands_in_module(module):
            import sys, types
            module = sys.modules[module] if isinstance(module, str) else module
            found = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Command) and c is not Command]
            for one in found:
                register(one)
            return found

        def unregister_module_commands(command_interface):
            for one in command_interface or ():
                unregister(one)

        def execute(name, **kwargs):
            command = COMMANDS[name](**kwargs)
            return True, command.do()
        """,
    "omni.kit.menu.utils": """
        MENUS = {}

        class MenuItemDescription:
            def __init__(self, name="", sub_menu=None, onclick_action=None, onclick_fn=None, ticked=False, enabled=True, **_):
                self.name, self.sub_menu, self.onclick_action = name, sub_menu, onclick_action

        def add_menu_items(menu, name, menu_index=0, can_rebuild_menus=True, delegate=None):
            MENUS.setdefault(name, []).extend(menu)
            return menu

        def remove_menu_items(menu, name, can_rebuild_menus=True):
            for item in menu:
                MENUS[name].remove(item)

        def leaves(items=None, above=()):
            for item in MENUS.get("Tools", []) if items is None else items:
                if item.sub_menu:
                    yield from leaves(item.sub_menu, (*above, item.name))
                else:
                    yield " > ".join((*above, item.name)), item.onclick_action
        """,
    "omni.kit.notification_manager": "",
    "omni.kit.pip_archive": "",
    "omni.kit.tool.asset_importer": """
        IMPORTERS = []

        class AbstractImporterDelegate:
            def __init__(self): ...

        def register_importer(importer_delegate):
            assert isinstance(importer_delegate, AbstractImporterDelegate)
            IMPORTERS.append(importer_delegate)

        def remove_importer(importer_delegate):
            IMPORTERS.remove(importer_delegate)
        """,
    "omni.kit.uiapp": "",
    "omni.kit.window.content_browser": """
        class _Window:
            def __init__(self):
                self.entries = {}

            def add_context_menu(self, name, glyph, click_fn, show_fn, index=0, separator_name="_add_on_end_separator_"):
                assert name not in self.entries
                self.entries[name] = (click_fn, show_fn)
                return name

            def delete_context_menu(self, name):
                del self.entries[name]

        _WINDOW = _Window()

        def get_content_window():
            return _WINDOW
        """,
    "omni.physics": "",
    "omni.physics.tensors": "",
    "omni.physx": "",
    "omni.replicator.core": """
        class Writer: ...

        class randomizer:
            known = {}

            @classmethod
            def register(cls, fn, override=True, fn_name=None):
                cls.known[fn_name or fn.__name__] = fn
                setattr(cls, fn_name or fn.__name__, fn)

        class WriterRegistry:
            known = {}

            @classmethod
            def get_writers(cls, category=None):
                return cls.known

        class writers:
            @staticmethod
            def register_writer(writer, category=None):
                assert writer.__name__ not in WriterRegistry.known, writer
                WriterRegistry.known[writer.__name__] = writer

            @staticmethod
            def unregister_writer(writer_name):
                del WriterRegistry.known[writer_name]
        """,
    "omni.timeline": """
        GLOBAL_EVENT_STOP = "omni.timeline:stop"
        """,
    "omni.ui": "",
    "omni.usd": """
        from pxr import Usd

        class _Context:
            def __init__(self):
                self.stage = Usd.Stage.CreateInMemory()

            def get_stage(self):
                return self.stage

        _CONTEXT = _Context()

        def get_context(name=""):
            return _CONTEXT
        """,
}
#: Modules below those of an extension.
SUBMODULES: dict[str, dict[str, str]] = {
    "omni.replicator.core": {
        "utils": """
            class ReplicatorWrapper:
                def __init__(self, fn):
                    self.fn = fn
                    self.__name__ = fn.__name__

                def __call__(self, *args, **kwargs):
                    return self.fn(*args, **kwargs)

            def create_node(node_type_id, graph=None, node_name=None, **kwargs):
                return node_type_id, kwargs
            """,
    },
}
#: What Isaac Sim's Python brings along and the bare kernel lacks.
BUNDLED = ("numpy", "numpy.libs", "psutil")


def write(folder: Path, names: list[str], packages: Path) -> None:
    """Write extensions.

    Args:
        folder: Where they go, one folder each.
        names: Which.
        packages: site-packages that holds BUNDLED for the kernel's Python.
    """
    for name in names:
        root = folder / name
        root.mkdir(parents=True)
        lines = ["[package]", 'version = "1.0.0"', f'title = "{name}"']
        source = MODULES.get(name, "")
        if name == "omni.graph.action":
            lines += ["[dependencies]", '"omni.graph.action_core" = {}']
        if name == "omni.kit.pip_archive":
            (root / "pip_prebundle").mkdir()
            for package in BUNDLED:
                (root / "pip_prebundle" / package).symlink_to(packages / package)
            lines += ["[[python.module]]", 'path = "pip_prebundle"']
        if source:
            module = root.joinpath(*name.split("."))
            module.mkdir(parents=True)
            (module / "__init__.py").write_text(dedent(source), encoding="utf-8")
            for below, text in SUBMODULES.get(name, {}).items():
                (module / f"{below}.py").write_text(dedent(text), encoding="utf-8")
            lines += ["[[python.module]]", f'name = "{name}"']
        (root / "extension.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
