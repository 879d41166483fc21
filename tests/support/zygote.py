"""The other side of ``commands.py``: a process with everything imported, which forks commands.

Reads one JSON request a line: ``{"start": [...], ...}`` is answered by the new process's number,
``{"poll": pid}`` by its exit code, negative for a signal, or null while it runs.
"""

import json
import os
import signal
import sys
import time


def inject(faults: dict[str, int], marker: str) -> None:
    """Count the calls that change names or flush files, and signal this process at some of them.

    ``faults`` maps points to signals: an even point is before call ``point / 2``, an odd one right
    after it. The count is written to ``marker`` when the command has ended, beside it the time of
    the first signal when it is sent.
    """
    calls = 0

    def counted(real):
        def call(*arguments, **options):
            nonlocal calls
            fault(2 * calls)
            made = real(*arguments, **options)
            calls += 1
            fault(2 * calls - 1)
            return made

        return call

    def fault(point: int) -> None:
        if (number := faults.get(str(point))) is not None:
            if not os.path.exists(f"{marker}.signalled"):
                with open(f"{marker}.signalled", "w") as file:
                    file.write(str(time.monotonic()))
            os.kill(os.getpid(), number)

    for name in ("replace", "rename", "fsync", "unlink", "mkdir", "rmdir", "link"):
        setattr(os, name, counted(getattr(os, name)))

    def count() -> None:
        with open(marker, "w") as file:
            file.write(str(calls))

    AT_END.append(count)


AT_END = []


def child(request: dict) -> None:
    os.setsid()
    for number, path in ((1, request["log"]), (2, request["errors"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["cwd"])
    os.environ.update(request["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # It was imported before it could read these.
    from huggingface_hub import constants

    constants.ENDPOINT = os.environ.get("HF_ENDPOINT", constants.ENDPOINT)
    constants.HF_HUB_DISABLE_XET = bool(os.environ.get("HF_HUB_DISABLE_XET"))
    sys.argv = ["synthgen", *request["start"]]
    if request["fault"] is not None:
        inject(*request["fault"])
    from synthgen.cli.main import main

    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    for last in AT_END:
        last()
    sys.stdout.flush()
    sys.stderr.flush()
    # As an interpreter at its end: it waits for threads that are no daemons.
    import threading

    threading._shutdown()
    os._exit(code)


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            number = os.fork()
            if number == 0:
                try:
                    child(request)
                finally:
                    os._exit(99)
            answer = number
        else:
            done, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if done else None
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    from importlib import import_module

    for room in ("evaluate", "publish", "sample", "train"):
        import_module(f"synthgen.stages.{room}.stage")
    for page in ("finished.export", "finished.merge", "sample.filter"):
        import_module(f"synthgen.stages.{page}")
    # The first step of an optimiser imports torch._dynamo.
    for library in ("datasets", "huggingface_hub", "scipy.linalg", "matplotlib.figure",
                    "matplotlib.backends.backend_agg", "torch._dynamo"):  # fmt: skip
        import_module(library)
    serve()
