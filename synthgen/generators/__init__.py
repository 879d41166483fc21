"""A generator on disk and in memory: bundles, latents, the bundled zoo."""
