"""Takes OTLP over HTTP and gRPC with other people's code, and writes each request as a line of JSON.

Decoded by Google's protobuf from OpenTelemetry's own definitions. The first line has the two endpoints. The program ends with its standard input.
Over gRPC Python cannot see whether a message was compressed, so only HTTP says so.
"""

import gzip
import http.server
import json
import math
import sys
import threading
from concurrent import futures

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

KINDS = ["gauge", "sum", "histogram", "exponential_histogram", "summary"]
TEMPORALITIES = {0: "unspecified", 1: "delta", 2: "cumulative"}
lock = threading.Lock()


def write(line):
    with lock:
        print(json.dumps(line, allow_nan=False), flush=True)


def double(value):
    # As text where JSON has no number for it.
    return value if math.isfinite(value) else {"nan": "NaN", "inf": "inf", "-inf": "-inf"}[str(value)]


def in_json(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    inner = getattr(value, kind)
    if kind == "array_value":
        return [in_json(item) for item in inner.values]
    if kind == "kvlist_value":
        return {pair.key: in_json(pair.value) for pair in inner.values}
    if kind == "bytes_value":
        return inner.hex()
    return double(inner) if kind == "double_value" else inner


def attributes(pairs):
    return {pair.key: in_json(pair.value) for pair in pairs}


def optional(message, field):
    return double(getattr(message, field)) if message.HasField(field) else None


def number(message):
    kind = message.WhichOneof("value")
    return None if kind is None else {kind.removeprefix("as_"): double(getattr(message, kind))}


def exemplar(message):
    return {
        "value": number(message),
        "time": message.time_unix_nano,
        "trace": message.trace_id.hex(),
        "span": message.span_id.hex(),
        "attributes": attributes(message.filtered_attributes),
    }


def side(buckets):
    return [buckets.offset, list(buckets.bucket_counts)]


def value_of(kind, data, point):
    said = {"kind": kind}
    if kind in ("sum", "histogram", "exponential_histogram"):
        said["temporality"] = TEMPORALITIES[data.aggregation_temporality]
    if kind in ("gauge", "sum"):
        said["value"] = number(point)
    if kind == "sum":
        said["monotonic"] = data.is_monotonic
    if kind in ("histogram", "exponential_histogram"):
        said |= {"count": point.count} | {name: optional(point, name) for name in ("sum", "min", "max")}
    if kind == "histogram":
        said |= {"bounds": list(point.explicit_bounds), "buckets": list(point.bucket_counts)}
    if kind == "exponential_histogram":
        said |= {"scale": point.scale, "zero": point.zero_count, "zero_threshold": point.zero_threshold}
        said |= {"positive": side(point.positive), "negative": side(point.negative)}
    if kind == "summary":
        quantiles = [[quantile.quantile, double(quantile.value)] for quantile in point.quantile_values]
        said |= {"count": point.count, "sum": double(point.sum), "quantiles": quantiles}
    return said


def scope_of(scope):
    return {"name": scope.name, "version": scope.version, "attributes": attributes(scope.attributes)}


def points(request):
    for group in request.resource_metrics:
        for scoped in group.scope_metrics:
            for metric in scoped.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind) if kind else None
                for point in data.data_points if data else []:
                    yield {
                        "resource": attributes(group.resource.attributes),
                        "scope": scope_of(scoped.scope),
                        "name": metric.name,
                        "description": metric.description,
                        "unit": metric.unit,
                        "attributes": attributes(point.attributes),
                        "start": point.start_time_unix_nano,
                        "time": point.time_unix_nano,
                        "flags": point.flags,
                        "value": value_of(kind, data, point),
                        "exemplars": [exemplar(each) for each in getattr(point, "exemplars", [])],
                    }


def spans(request):
    for group in request.resource_spans:
        for scoped in group.scope_spans:
            for span in scoped.spans:
                yield {
                    "resource": attributes(group.resource.attributes),
                    "scope": scope_of(scoped.scope),
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "trace_state": span.trace_state,
                    "name": span.name,
                    "kind": span.kind,
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "attributes": attributes(span.attributes),
                    "events": [[event.name, event.time_unix_nano, attributes(event.attributes)] for event in span.events],
                    "links": [[link.trace_id.hex(), link.span_id.hex(), attributes(link.attributes)] for link in span.links],
                    "status": span.status.code,
                    "message": span.status.message,
                    "flags": span.flags,
                }


def tell(request, protocol, encoding, size):
    metrics = isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest)
    what = {"points": list(points(request))} if metrics else {"spans": list(spans(request))}
    write({"protocol": protocol, "encoding": encoding, "size": size} | what)


class Http(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    messages = {
        "/v1/metrics": (metrics_service_pb2.ExportMetricsServiceRequest, metrics_service_pb2.ExportMetricsServiceResponse),
        "/v1/traces": (trace_service_pb2.ExportTraceServiceRequest, trace_service_pb2.ExportTraceServiceResponse),
    }

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path not in self.messages:
            return self.answer(404)
        if self.headers.get("Content-Type") != "application/x-protobuf":
            return self.answer(415)
        request, response = self.messages[self.path]
        encoding = self.headers.get("Content-Encoding")
        try:
            message = request.FromString(gzip.decompress(body) if encoding == "gzip" else body)
        except Exception as error:  # whatever the decoders say
            write({"error": f"{type(error).__name__}: {error}"})
            return self.answer(400)
        tell(message, "http/protobuf", encoding, len(body))
        return self.answer(200, response().SerializeToString())

    def log_message(self, *_):
        """Says nothing: standard error is for errors."""


class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def Export(self, request, context):
        tell(request, "grpc", None, request.ByteSize())
        return metrics_service_pb2.ExportMetricsServiceResponse()


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        tell(request, "grpc", None, request.ByteSize())
        return trace_service_pb2.ExportTraceServiceResponse()


over_http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Http)
over_http.daemon_threads = True
threading.Thread(target=over_http.serve_forever, daemon=True).start()
over_grpc = grpc.server(futures.ThreadPoolExecutor(4))
metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(), over_grpc)
trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), over_grpc)
grpc_port = over_grpc.add_insecure_port("127.0.0.1:0")
over_grpc.start()
write({"http": f"http://127.0.0.1:{over_http.server_port}", "grpc": f"http://127.0.0.1:{grpc_port}"})
sys.stdin.read()
over_grpc.stop(None)
