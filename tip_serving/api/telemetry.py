"""OpenTelemetry, where the environment names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`): one span per request.

Spans hold routes, numbers and ids, as the log does. The libraries are the extra `telemetry` and are loaded only then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tip_serving import settings

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from starlette.types import Scope

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class TelemetryError(RuntimeError):
    """A collector is configured, and the libraries that speak to it are not installed."""


class Tracing:
    """Spans on their way to the collector.

    Args:
        service: the name under which they appear where OTEL_SERVICE_NAME names none.

    Raises:
        TelemetryError: see there.
    """

    def __init__(self, service: str = "tip") -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import SERVICE_NAME, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError as error:
            raise TelemetryError(
                f"A collector is configured, but {error.name} is not installed. Install `tip[telemetry]`, or unset "
                f"{' and '.join(_ENDPOINTS)}."
            ) from None
        given = {} if settings.is_set("OTEL_SERVICE_NAME") else {SERVICE_NAME: service}
        self._provider = TracerProvider(resource=Resource.create(given))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("tip_serving.api")

    @contextmanager
    def span(self, scope: "Scope", route: str) -> Iterator["Span"]:
        """The span of one request, a child of the caller's where it sent one."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = TraceContextTextMapPropagator().extract(sent)
        attributes = {"http.request.method": scope["method"], "http.route": route}
        name = f"{scope['method']} {route}"
        with self._tracer.start_as_current_span(
            name, parent, SpanKind.SERVER, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def tracing() -> Tracing | None:
    """Spans for a collector, where one is configured. Raises TelemetryError."""
    return Tracing() if any(settings.is_set(name) for name in _ENDPOINTS) else None
