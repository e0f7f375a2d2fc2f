"""The randomization spec: what it may say, and how it is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physicl_twin.augment.distributions import Choice, LogUniform, Normal, Posterior, Uniform, parse
from physicl_twin.augment.spec import Spec, read_spec
from physicl_twin.model import ConfigError, Estimate
from tests.augment.families import spec_file

U = (np.arange(4000) + 0.5) / 4000


def test_the_shipped_spec_reads_and_physics_follows_the_estimates():
    spec = read_spec()
    for name in ("density", "friction", "restitution"):
        assert spec.value("object", name) == Posterior()


def test_a_spec_survives_its_record(tmp_path):
    text = "[scene]\nobjects = 4\n[twin.mug.object]\nscale = { uniform = [0.9, 1.1] }\nweight = 2\n"
    spec = read_spec(spec_file(tmp_path, text))
    again = Spec.from_raw(spec.raw)
    assert again == spec
    assert spec.value("object", "scale", "mug") == Uniform(0.9, 1.1)
    assert spec.weights["mug"] == 2.0


@pytest.mark.parametrize(("text", "code", "told", "hint"), [
    ("[camera]\ndistanc = 1\n", "spec_unknown_property", "line 2: camera.distanc", "distance"),
    ("\n\n[object]\nscale = { uniform = [2, 1] }\n", "spec_distribution", "line 4: object.scale", ""),
    ("[settle]\nretries = -1\n", "spec_wrong_value", "line 2: settle.retries", "0 to 1000"),
    ("[twin.mug.object]\nscal = 1\n", "spec_unknown_property", "line 2: twin.mug.object.scal", "scale"),
    ("[light]\ndome_kelvin = { normal = [5000, 100] }\n", "spec_wrong_value", "line 2: light.dome_kelvin", "low ="),
    ("[light]\ndome_kelvin = 'posterior'\n", "spec_distribution", "line 2", "density, friction"),
    ("[lights]\nx = 1\n", "spec_unknown_property", "line 1: lights", "light"),
    ("schema_version = 9\n", "spec_version", "line 1: schema_version", ""),
    ("[object]\nscale = { choice = [1, 2], weights = [1] }\n", "spec_distribution", "line 2", ""),
    ("[scene]\nsize_m = [1.0, 0.0, 0.0]\n", "spec_wrong_value", "line 2: scene.size_m", "length and width"),
    ("[scene]\nobjects = \n", "config_unreadable", "line 2", ""),
])  # fmt: skip
def test_a_wrong_spec_is_told_with_its_line(tmp_path, text, code, told, hint):
    with pytest.raises(ConfigError) as refused:
        read_spec(spec_file(tmp_path, text))
    assert refused.value.code == code
    assert told in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize(("value", "mean"), [
    ({"uniform": [2, 4]}, 3.0),
    ({"log_uniform": [1, math.e]}, math.e - 1),
    ({"normal": [5, 2]}, 5.0),
    ({"choice": [1, 5], "weights": [3, 1]}, 2.0),
    (4, 4.0),
])  # fmt: skip
def test_distributions_have_their_means(value, mean):
    found = parse(value)
    assert np.mean([float(found.quantile(u)) for u in U]) == pytest.approx(mean, rel=2e-3)


def test_a_cut_normal_stays_inside():
    drawn = [Normal(0.0, 1.0, -0.5, 0.2).quantile(u) for u in U]
    assert min(drawn) >= -0.5
    assert max(drawn) <= 0.2
    assert isinstance(parse({"log_uniform": [1, 2]}), LogUniform)
    assert isinstance(parse({"choice": ["a"]}), Choice)


def test_a_posterior_is_the_estimate():
    mass = Estimate.lognormal(0.3, 0.5, "kg", "test")
    drawn = np.array([Posterior().of(mass, u) for u in U])
    assert np.mean((drawn > mass.low) & (drawn < mass.high)) == pytest.approx(0.9, abs=2e-3)
    narrow = np.array([Posterior(0.5).of(mass, u) for u in U])
    assert np.std(np.log(narrow)) == pytest.approx(0.5 * np.std(np.log(drawn)), rel=1e-6)
