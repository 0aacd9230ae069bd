"""Reads expositions with other people's parsers: one JSON request a line in, one answer a line out.

A request has the format's name and the body, each of whose bytes is one character. An answer has samples and help texts, or an error.
"""

import io
import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from prometheus_client.openmetrics.parser import text_fd_to_metric_families as openmetrics
from prometheus_client.parser import text_fd_to_metric_families as text

# Prometheus' client model by the numbers of its fields: name, number, type, whether it repeats.
FIELDS = {
    "LabelPair": [("name", 1, "string"), ("value", 2, "string")],
    "Gauge": [("value", 1, "double")],
    "Counter": [("value", 1, "double"), ("exemplar", 2, "Exemplar"), ("created_timestamp", 3, "Timestamp")],
    "Quantile": [("quantile", 1, "double"), ("value", 2, "double")],
    "Summary": [("sample_count", 1, "uint64"), ("sample_sum", 2, "double"), ("quantile", 3, "Quantile*")],
    "Untyped": [("value", 1, "double")],
    "Histogram": [
        ("sample_count", 1, "uint64"),
        ("sample_sum", 2, "double"),
        ("bucket", 3, "Bucket*"),
        ("created_timestamp", 15, "Timestamp"),
        ("schema", 5, "sint32"),
        ("zero_threshold", 6, "double"),
        ("zero_count", 7, "uint64"),
        ("positive_span", 12, "BucketSpan*"),
        ("positive_delta", 13, "sint64*"),
        ("exemplars", 16, "Exemplar*"),
    ],
    "Bucket": [("cumulative_count", 1, "uint64"), ("upper_bound", 2, "double"), ("exemplar", 3, "Exemplar")],
    "BucketSpan": [("offset", 1, "sint32"), ("length", 2, "uint32")],
    "Exemplar": [("label", 1, "LabelPair*"), ("value", 2, "double"), ("timestamp", 3, "Timestamp")],
    "Timestamp": [("seconds", 1, "int64"), ("nanos", 2, "int32")],
    "Metric": [
        ("label", 1, "LabelPair*"),
        ("gauge", 2, "Gauge"),
        ("counter", 3, "Counter"),
        ("summary", 4, "Summary"),
        ("untyped", 5, "Untyped"),
        ("histogram", 7, "Histogram"),
    ],
    "MetricFamily": [
        ("name", 1, "string"),
        ("help", 2, "string"),
        ("type", 3, "int32"),
        ("metric", 4, "Metric*"),
        ("unit", 5, "string"),
    ],
}


def client_model():
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package="client", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    for message, fields in FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
            field = described.field.add(name=name, number=number, label=label)
            kind = kind.rstrip("*")
            if kind in FIELDS:
                field.type, field.type_name = kinds.TYPE_MESSAGE, ".client." + kind
            else:
                field.type = getattr(kinds, "TYPE_" + kind.upper())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("client.MetricFamily"))


MetricFamily = client_model()
KINDS = ["counter", "gauge", "summary", "untyped", "histogram"]


def delimited(body):
    at = 0
    while at < len(body):
        length = shift = 0
        while True:
            byte = body[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield MetricFamily.FromString(body[at : at + length])
        at += length


def number(value):
    # As text, which no reader of JSON rounds.
    return repr(float(value))


def sample(name, labels, value, exemplar=None):
    return {"name": name, "labels": dict(labels), "value": number(value), "exemplar": exemplar}


def seconds(timestamp):
    return timestamp.seconds + timestamp.nanos / 1e9


def exemplar_of(message):
    return {
        "labels": {pair.name: pair.value for pair in message.label},
        "value": number(message.value),
        "at": number(seconds(message.timestamp)) if message.HasField("timestamp") else None,
    }


def of_protobuf(family):
    kind, name = KINDS[family.type], family.name
    for metric in family.metric:
        labels = {pair.name: pair.value for pair in metric.label}
        value = getattr(metric, kind)
        if not metric.HasField(kind):
            raise ValueError(name + " has no " + kind)
        if kind == "summary":
            for quantile in value.quantile:
                yield sample(name, labels | {"quantile": repr(quantile.quantile)}, quantile.value)
            yield sample(name + "_sum", labels, value.sample_sum)
            yield sample(name + "_count", labels, value.sample_count)
        elif kind == "histogram":
            for bucket in value.bucket:
                exemplar = exemplar_of(bucket.exemplar) if bucket.HasField("exemplar") else None
                le = labels | {"le": repr(bucket.upper_bound)}
                yield sample(name + "_bucket", le, bucket.cumulative_count, exemplar)
            yield sample(name + "_sum", labels, value.sample_sum)
            yield sample(name + "_count", labels, value.sample_count)
            if value.zero_threshold > 0 or value.positive_span:
                yield from of_native(name, labels, value)
        else:
            yield sample(name, labels, value.value)
        if kind in ("counter", "histogram") and value.HasField("created_timestamp"):
            yield sample(name.removesuffix("_total") + "_created", labels, seconds(value.created_timestamp))


def of_native(name, labels, value):
    yield sample(name + ":zero", labels | {"threshold": repr(value.zero_threshold)}, value.zero_count)
    index = count = 0
    deltas = iter(value.positive_delta)
    for span in value.positive_span:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            if count:
                yield sample(name + ":native", labels | {"index": str(index), "schema": str(value.schema)}, count)
            index += 1


def of_text(family):
    for read in family.samples:
        exemplar = read.exemplar and {
            "labels": dict(read.exemplar.labels),
            "value": number(read.exemplar.value),
            "at": None if read.exemplar.timestamp is None else number(read.exemplar.timestamp),
        }
        yield sample(read.name, read.labels, read.value, exemplar)


def answer(request):
    body = request["body"].encode("latin-1")
    if request["format"] == "protobuf":
        families = list(delimited(body))
        samples = [sample for family in families for sample in of_protobuf(family)]
        helps = [family.help for family in families]
    else:
        parse = {"text": text, "openmetrics": openmetrics}[request["format"]]
        families = list(parse(io.StringIO(body.decode("utf-8"), newline="\n")))
        samples = [sample for family in families for sample in of_text(family)]
        helps = [family.documentation for family in families]
    return {"samples": samples, "helps": helps}


for line in sys.stdin:
    try:
        answered = answer(json.loads(line))
    except Exception as error:  # whatever a parser says
        answered = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answered), flush=True)
