"""Pictures of twins, ray-cast on the CPU."""
