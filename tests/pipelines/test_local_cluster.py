"""How a call of the server's REST API takes the server's answers."""

import json
import threading
import time
import urllib.error
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines import local_cluster
from pipelines.local_cluster import LocalCluster

SILENT = 0


@pytest.fixture
def answering(tmp_path):
    """A function: statuses that a server gives one after another, in; a cluster of it, out."""
    servers = []

    def serve(*statuses):
        left = list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status = left.pop(0) if len(left) > 1 else left[0]
                if status == SILENT:
                    time.sleep(0.5)
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps({"status": status}).encode())

            do_POST = do_GET

            def log_message(self, *_):
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return LocalCluster(tmp_path, servers[-1].server_port), left

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_busy_server_is_asked_again(answering):
    cluster, left = answering(503, 503, 200)
    assert cluster.api("GET", "health") == {"status": 200} and left == [200]


def test_one_that_stays_busy_is_given_up(answering, monkeypatch):
    monkeypatch.setattr(local_cluster, "BUSY_SECONDS", 0.6)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        answering(503)[0].api("GET", "health")


def test_a_refusal_is_not_asked_again(answering):
    cluster, left = answering(404, 200)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        cluster.api("GET", "nothing")
    assert left == [200]


def test_a_silent_server_is_asked_again_what_changes_nothing(answering, monkeypatch):
    monkeypatch.setattr(local_cluster, "ANSWER_SECONDS", 0.2)
    cluster, left = answering(SILENT, 200)
    assert cluster.api("GET", "health") == {"status": 200} and left == [200]
    cluster, left = answering(SILENT, 200)
    assert cluster.api("POST", "flow_runs/filter", {}) == {"status": 200} and left == [200]
    cluster, left = answering(SILENT, 200)
    with pytest.raises(TimeoutError):
        cluster.api("POST", "deployments/x/create_flow_run", {})
    monkeypatch.setattr(local_cluster, "BUSY_SECONDS", 0.6)
    with pytest.raises(TimeoutError):
        answering(SILENT)[0].api("GET", "health")
