"""Changing how meshes collide."""

from __future__ import annotations

from collections.abc import Sequence

from pxr import Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.in_stage.author import APPROXIMATION, PHYSX_API, Author, Types, carry_out
from physicl_twin.in_stage.operations import triangles_refused
from physicl_twin.in_stage.report import Approximation, InStageReport, ReadyBody, Skip
from physicl_twin.in_stage.selection import body_of, is_kinematic, prim_at
from physicl_twin.model import UsdError


def set_collider(stage: Usd.Stage, paths: Sequence[str], approximation: Approximation) -> InStageReport:
    """Change how meshes collide.

    Args:
        stage: The stage.
        paths: Bodies, colliders, or prims above them.
        approximation: Any but ``auto``.

    Raises:
        UsdError: As ``make_sim_ready``; ``approximation_unknown``, ``triangle_mesh_on_body``.
    """
    if approximation not in (*PHYSX_API, "boundingCube", "boundingSphere"):
        raise UsdError("approximation_unknown", f"There is no approximation {approximation!r}.", "Take convexHull.")
    author = Author(stage)
    skipped: list[Skip] = []
    chosen: dict[Sdf.Path, Usd.Prim] = {}
    for path in dict.fromkeys(paths):
        prim = prim_at(stage, path)
        meshes = [
            p
            for p in (Usd.PrimRange(prim, Usd.TraverseInstanceProxies()) if prim else ())
            if p.IsA(UsdGeom.Mesh) and p.HasAPI(UsdPhysics.CollisionAPI)
        ]
        own = [p for p in meshes if not p.IsInstanceProxy()]
        if not own:
            words = "is shared by instances" if meshes else "holds no mesh that collides"
            skipped.append(Skip(path, "no_mesh_collider", f"{path} {words}.", "Make it sim-ready first."))
        chosen |= {p.GetPath(): p for p in own}
    if approximation == "none" and (moving := next(filter(_is_moving, chosen.values()), None)):
        raise triangles_refused(moving.GetName())

    def write() -> list[ReadyBody]:
        done = []
        for prim in chosen.values():
            before = author.journal.steps
            if str(prim.GetAttribute(APPROXIMATION).Get()) != approximation:
                apis = ["PhysicsMeshCollisionAPI", *filter(None, [PHYSX_API.get(approximation)])]
                author.replace(prim, APPROXIMATION, Types.Token, approximation, apis)
            done.append(ReadyBody(str(prim.GetPath()), None, (), 1, author.journal.steps > before))
        return done

    return carry_out(author, skipped, write)


def _is_moving(prim: Usd.Prim) -> bool:
    body = body_of(prim)
    return body is not None and not is_kinematic(body)
