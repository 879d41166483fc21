"""``python -m pipelines.demo``: server, pools, deployments, workers, a dataset; then all stops."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from pipelines.local_cluster import local_cluster
from synthgen.dataset.verify import verify


def main() -> None:
    """Build cats and dogs with one coordinating and two sampling workers."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.demo", description=__doc__)
    parser.add_argument("--n", type=int, default=2000, help="Number of images.")
    parser.add_argument("--out", default="out/prefect-demo", help="Output folder.")
    parser.add_argument("--children", type=int, default=2, help="Child runs.")
    arguments = parser.parse_args()
    out = Path(arguments.out).resolve()
    with tempfile.TemporaryDirectory() as folder, local_cluster(Path(folder)) as cluster:
        print(f"server: http://127.0.0.1:{cluster.port}")
        cluster.start_worker("cpu-0", "cpu")
        for number in range(2):
            # On a machine with GPUs the number is that of the worker's own device.
            cluster.start_worker(
                f"gpu-{number}", "gpu",
                {"CUDA_VISIBLE_DEVICES": str(number), "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        run = cluster.run_deployment(
            "build-dataset/adhoc",
            {
                "classes": ["cat", "dog"], "n": arguments.n, "out": str(out),
                "images_per_shard": max(1, arguments.n // 4), "children": arguments.children,
            },
        )  # fmt: skip
        state = cluster.wait(run, 900)
        print(f"build-dataset/adhoc: {state}")
        if state != "COMPLETED":
            print(cluster.prefect("flow-run", "logs", run))
            sys.exit(1)
    found = verify(out)
    for problem in found.problems:
        print(problem)
    print(f"{found.rows:,} images in {found.shards} shards of {out}")
    sys.exit(1 if found.problems else 0)


if __name__ == "__main__":
    main()
