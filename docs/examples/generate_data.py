"""Images with labels of a set of variations, the exact variation beside each frame, without a window.

./python.sh docs/examples/generate_data.py sets/bin out 100
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout, for a Python that it is not installed in

from physicl_twin.kit.headless import simulation_app


async def generate(folder: Path, out: Path, frames: int) -> None:
    """Show a member, render it, write it, for each frame."""
    import omni.replicator.core as rep
    import omni.usd

    from physicl_twin.kit.replicator import writer
    from physicl_twin.kit.replicator.apply import execute
    from physicl_twin.kit.replicator.member import show
    from physicl_twin.kit.replicator.source import FinishedSet

    source = FinishedSet(folder, order="shuffled", seed=7)
    await omni.usd.get_context().open_stage_async(str(source.scene))
    stage = omni.usd.get_context().get_stage()
    rep.orchestrator.set_capture_on_play(False)
    product = rep.create.render_product("/World/camera", (640, 480))
    show(stage, source, source.number(0), execute=execute)
    images, variations = rep.writers.get("BasicWriter"), writer.make()
    backend = rep.backends.get("DiskBackend")
    backend.initialize(output_dir=str(out))
    images.initialize(backend=backend, rgb=True, instance_segmentation=True, bounding_box_2d_tight=True)
    variations.initialize(output_dir=str(out), source=source)
    for one in (images, variations):
        one.attach(product)
    for frame in range(frames):
        show(stage, source, source.number(frame), execute=execute)
        await rep.orchestrator.step_async(rt_subframes=16)
    await rep.orchestrator.wait_until_complete_async()
    for one in (images, variations):
        one.detach()
    product.destroy()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with simulation_app() as host:
        host.run(generate(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), int(sys.argv[3])))
