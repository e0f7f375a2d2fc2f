"""MjSpec's own XML with the digits that it rounds away.

MuJoCo 3.12 writes six digits: a mass of 0.123456789 kg comes back 3e-6 off, which is more than our round trip allows.
The names and the structure stay its own; each number that an MjSpec element still holds in full is put back.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from physicl_twin.deploy.xml_text import number, numbers

#: Attributes of an element and the field of its spec that holds the value; quaternions are normalized by the writer.
_FIELDS = {
    "body": {"pos": "pos", "quat": "quat"},
    "geom": {"pos": "pos", "quat": "quat", "size": "size", "friction": "friction", "solref": "solref"},
    "joint": {
        "pos": "pos",
        "axis": "axis",
        "range": "range",
        "ref": "ref",
        "stiffness": "stiffness",
        "springref": "springref",
        "damping": "damping",
        "frictionloss": "frictionloss",
        "armature": "armature",
    },
    "site": {"pos": "pos", "quat": "quat"},
    "mesh": {"scale": "scale"},
    "pair": {"friction": "friction", "solref": "solref"},
    "camera": {"pos": "pos", "quat": "quat", "fovy": "fovy"},
    "light": {"pos": "pos", "dir": "dir"},
}
_INERTIAL = {"pos": "ipos", "quat": "iquat", "diaginertia": "inertia", "mass": "mass"}
#: What MuJoCo may round off an attribute, relative to its largest component.
_ROUNDED = 1e-4


def exact_xml(spec: Any) -> ET.Element:
    """The XML of a compiled MjSpec, whose elements are named, with exact numbers."""
    root = ET.fromstring(spec.to_xml())
    for tag, fields in _FIELDS.items():
        for element in root.iter(tag):
            name = element.get("name")
            if name:
                _restore(element, _lookup(spec, tag, name), fields)
    for element in root.iter("body"):
        inertial = element.find("inertial")
        if inertial is not None:
            _restore(inertial, spec.body(element.get("name")), _INERTIAL)
    _actuators(root, spec)
    for tag in ("joint", "connect", "weld"):
        for element in root.iterfind(f"equality/{tag}"):
            if element.get("polycoef"):
                _restore(element, spec.equality(element.get("name")), {"polycoef": "data"})
    option = root.find("option")
    if option is not None and option.get("timestep"):
        option.set("timestep", number(spec.option.timestep))
    return root


def _actuators(root: ET.Element, spec: Any) -> None:
    """Servos and motors under their own names, which say what their control is."""
    for element in root.iterfind("actuator/general"):
        held = spec.actuator(element.get("name"))
        _restore(element, held, {"forcerange": "forcerange", "ctrlrange": "ctrlrange"})
        gain, stiffness, damping = float(held.gainprm[0]), -float(held.biasprm[1]), -float(held.biasprm[2])
        for word in ("gainprm", "biasprm", "biastype", "gaintype"):
            element.attrib.pop(word, None)
        if stiffness > 0.0:
            element.tag = "position"
            element.set("kp", number(gain))
        elif damping > 0.0:
            element.tag = "velocity"
        else:
            element.tag = "motor"
        if damping > 0.0:
            element.set("kv", number(damping))


def _lookup(spec: Any, tag: str, name: str) -> Any:
    return getattr(spec, tag)(name)


def _restore(element: ET.Element, held: Any, fields: dict[str, str]) -> None:
    if held is None:
        return
    for attribute, field in fields.items():
        text = element.get(attribute)
        if text is None:
            continue
        written = [float(word) for word in text.split()]
        value = getattr(held, field)
        exact = [float(v) for v in value][: len(written)] if hasattr(value, "__len__") else [float(value)]
        if _same(written, exact):
            element.set(attribute, numbers(exact))


def _same(written: list[float], exact: list[float]) -> bool:
    """True when the text is the rounded value (and not one that the compiler has changed)."""
    size = max(map(abs, exact), default=0.0)
    return len(written) == len(exact) and all(
        abs(a - b) <= _ROUNDED * max(size, 1e-300) for a, b in zip(written, exact, strict=True)
    )
