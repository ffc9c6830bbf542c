"""Spans reach a collector where one is configured, and hold neither texts nor paths that somebody made up."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.released import ask
from support.serving import serving

pytest.importorskip("opentelemetry.sdk", reason="the extra `telemetry` is not installed")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(ThreadingHTTPServer):
    """Takes spans as an OTLP collector does."""

    def __init__(self) -> None:
        self.received: list[ExportTraceServiceRequest] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def spans(self) -> dict[str, dict[str, object]]:
        """Attributes by the span's name, with its ids."""
        found: dict[str, dict[str, object]] = {}
        for request in self.received:
            for span in (span for rs in request.resource_spans for ss in rs.scope_spans for span in ss.spans):
                attributes = {a.key: a.value.string_value or a.value.int_value for a in span.attributes}
                ids = {"trace": span.trace_id.hex(), "parent": span.parent_span_id.hex()}
                found[span.name] = {**attributes, **ids}
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def test_each_request_is_a_span_below_its_callers(collector: Collector, tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    compression = {"OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
    with serving(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **compression) as server:
        server.post("/score", ask(), traceparent=f"00-{TRACE}-{PARENT}-01", **{"X-Request-Id": "mine"})
        server.get("/made-up-zither")
        assert server.end() == 0
    spans = collector.spans
    assert spans["POST /score"] == {
        "http.request.method": "POST", "http.route": "/score", "http.response.status_code": 200,
        "tip.request_id": "mine", "trace": TRACE, "parent": PARENT,
    }  # fmt: skip
    assert spans["GET other"]["http.response.status_code"] == 404
    assert b"zither" not in b"".join(request.SerializeToString() for request in collector.received)


def test_a_collector_that_is_not_there_fails_no_request(tmp_path: Path) -> None:
    with serving(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1") as server:
        assert server.post("/score", ask()).status == 200
        assert server.end() == 0
