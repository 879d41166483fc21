"""From a plan to accepted images: the planner and the shard sampler."""
