"""The report pictures what else could have been the colliders, straight from normalize and never from the record."""

from __future__ import annotations

from physicl_twin import settings
from physicl_twin.model import Part, Twin, dumps, loads_twin
from physicl_twin.normalize.collision import choose_collision
from physicl_twin.validate.report.candidates import candidates_section
from tests.normalize.collision_shapes import bowl, shape_of, twin_of


def made() -> Twin:
    twin = twin_of([shape_of(bowl(), "bowl")], [Part("bowl", "bowl")])
    return choose_collision(twin, settings.pipeline(), True, lambda *_: None)


def test_every_way_that_was_tried_is_pictured_and_the_chosen_one_marked() -> None:
    twin = made()
    collision = twin.parts[0].collision
    assert collision is not None and len(collision.candidates) > 1
    (block,) = candidates_section(twin, settings.pipeline())
    assert block.count("<img") == len(collision.candidates)
    assert block.count(", chosen</b>") == 1
    assert block.count(", not taken</b>") == len(collision.candidates) - 1
    assert "cavities closed" in block, "the hull of a bowl closes it"


def test_the_record_holds_no_shapes_of_the_rejected() -> None:
    again = loads_twin(dumps(made()))
    assert again.parts[0].collision is not None
    assert all(not candidate.colliders for candidate in again.parts[0].collision.candidates)
    assert candidates_section(again, settings.pipeline()) == ()
    assert candidates_section(None, settings.pipeline()) == ()
