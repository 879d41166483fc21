"""Prefect flows over ``synthgen.stages``: when, where, how many at once; nothing of substance.

No call home, and the library's log lines in the flow run's log, unless the environment says
otherwise. This must be set before Prefect is imported.
"""

import os

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "synthgen")
os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
