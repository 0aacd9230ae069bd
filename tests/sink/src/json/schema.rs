//! OTLP's messages as `opentelemetry/proto/**.proto` have them, under the names that JSON gives their fields.

/// What a field holds.
pub(crate) enum Kind {
    Text,
    Bool,
    Double,
    Fixed64,
    Fixed32,
    SFixed64,
    Int64,
    Uint64,
    Uint32,
    Sint32,
    /// The last of its values.
    Enum(u64),
    /// So many bytes, or none.
    Hex(usize),
    Base64,
    Message(&'static Shape),
}

/// A field of a message.
pub(crate) struct Field {
    pub name: &'static str,
    pub number: u32,
    pub kind: Kind,
    pub repeated: bool,
    /// It excludes the others of which this is said. No message has two such groups.
    pub choice: bool,
}

/// A message.
pub(crate) struct Shape {
    pub name: &'static str,
    pub fields: &'static [Field],
}

const fn one(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, repeated: false, choice: false }
}

const fn many(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, repeated: true, choice: false }
}

const fn either(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, repeated: false, choice: true }
}

const fn text(name: &'static str, number: u32) -> Field {
    one(name, number, Kind::Text)
}

const fn attributes(number: u32) -> Field {
    many("attributes", number, Kind::Message(&KEY_VALUE))
}

const fn dropped(name: &'static str, number: u32) -> Field {
    one(name, number, Kind::Uint32)
}

const fn start(number: u32) -> Field {
    one("startTimeUnixNano", number, Kind::Fixed64)
}

const fn time(number: u32) -> Field {
    one("timeUnixNano", number, Kind::Fixed64)
}

const fn exemplars(number: u32) -> Field {
    many("exemplars", number, Kind::Message(&EXEMPLAR))
}

const fn temporality() -> Field {
    one("aggregationTemporality", 2, Kind::Enum(2))
}

const fn double(name: &'static str, number: u32) -> Field {
    one(name, number, Kind::Double)
}

/// `ExportMetricsServiceRequest`.
pub(crate) static METRICS: Shape = Shape {
    name: "ExportMetricsServiceRequest",
    fields: &[many("resourceMetrics", 1, Kind::Message(&RESOURCE_METRICS))],
};

/// `ExportTraceServiceRequest`.
pub(crate) static TRACES: Shape =
    Shape { name: "ExportTraceServiceRequest", fields: &[many("resourceSpans", 1, Kind::Message(&RESOURCE_SPANS))] };

static RESOURCE: Shape = Shape {
    name: "Resource",
    fields: &[attributes(1), dropped("droppedAttributesCount", 2), many("entityRefs", 3, Kind::Message(&ENTITY_REF))],
};

static ENTITY_REF: Shape = Shape {
    name: "EntityRef",
    fields: &[
        text("schemaUrl", 1),
        text("type", 2),
        many("idKeys", 3, Kind::Text),
        many("descriptionKeys", 4, Kind::Text),
    ],
};

static SCOPE: Shape = Shape {
    name: "InstrumentationScope",
    fields: &[text("name", 1), text("version", 2), attributes(3), dropped("droppedAttributesCount", 4)],
};

static KEY_VALUE: Shape =
    Shape { name: "KeyValue", fields: &[text("key", 1), one("value", 2, Kind::Message(&ANY_VALUE))] };

static ANY_VALUE: Shape = Shape {
    name: "AnyValue",
    fields: &[
        either("stringValue", 1, Kind::Text),
        either("boolValue", 2, Kind::Bool),
        either("intValue", 3, Kind::Int64),
        either("doubleValue", 4, Kind::Double),
        either("arrayValue", 5, Kind::Message(&ARRAY)),
        either("kvlistValue", 6, Kind::Message(&KEY_VALUE_LIST)),
        either("bytesValue", 7, Kind::Base64),
    ],
};

static ARRAY: Shape = Shape { name: "ArrayValue", fields: &[many("values", 1, Kind::Message(&ANY_VALUE))] };

static KEY_VALUE_LIST: Shape = Shape { name: "KeyValueList", fields: &[many("values", 1, Kind::Message(&KEY_VALUE))] };

static RESOURCE_METRICS: Shape = Shape {
    name: "ResourceMetrics",
    fields: &[
        one("resource", 1, Kind::Message(&RESOURCE)),
        many("scopeMetrics", 2, Kind::Message(&SCOPE_METRICS)),
        text("schemaUrl", 3),
    ],
};

static SCOPE_METRICS: Shape = Shape {
    name: "ScopeMetrics",
    fields: &[one("scope", 1, Kind::Message(&SCOPE)), many("metrics", 2, Kind::Message(&METRIC)), text("schemaUrl", 3)],
};

static METRIC: Shape = Shape {
    name: "Metric",
    fields: &[
        text("name", 1),
        text("description", 2),
        text("unit", 3),
        either("gauge", 5, Kind::Message(&GAUGE)),
        either("sum", 7, Kind::Message(&SUM)),
        either("histogram", 9, Kind::Message(&HISTOGRAM)),
        either("exponentialHistogram", 10, Kind::Message(&EXPONENTIAL_HISTOGRAM)),
        either("summary", 11, Kind::Message(&SUMMARY)),
        many("metadata", 12, Kind::Message(&KEY_VALUE)),
    ],
};

static GAUGE: Shape = Shape { name: "Gauge", fields: &[many("dataPoints", 1, Kind::Message(&NUMBER))] };

static SUM: Shape = Shape {
    name: "Sum",
    fields: &[many("dataPoints", 1, Kind::Message(&NUMBER)), temporality(), one("isMonotonic", 3, Kind::Bool)],
};

static HISTOGRAM: Shape =
    Shape { name: "Histogram", fields: &[many("dataPoints", 1, Kind::Message(&HISTOGRAM_POINT)), temporality()] };

static EXPONENTIAL_HISTOGRAM: Shape = Shape {
    name: "ExponentialHistogram",
    fields: &[many("dataPoints", 1, Kind::Message(&EXPONENTIAL_POINT)), temporality()],
};

static SUMMARY: Shape = Shape { name: "Summary", fields: &[many("dataPoints", 1, Kind::Message(&SUMMARY_POINT))] };

static NUMBER: Shape = Shape {
    name: "NumberDataPoint",
    fields: &[
        attributes(7),
        start(2),
        time(3),
        either("asDouble", 4, Kind::Double),
        either("asInt", 6, Kind::SFixed64),
        exemplars(5),
        dropped("flags", 8),
    ],
};

static HISTOGRAM_POINT: Shape = Shape {
    name: "HistogramDataPoint",
    fields: &[
        attributes(9),
        start(2),
        time(3),
        one("count", 4, Kind::Fixed64),
        double("sum", 5),
        many("bucketCounts", 6, Kind::Fixed64),
        many("explicitBounds", 7, Kind::Double),
        exemplars(8),
        dropped("flags", 10),
        double("min", 11),
        double("max", 12),
    ],
};

static EXPONENTIAL_POINT: Shape = Shape {
    name: "ExponentialHistogramDataPoint",
    fields: &[
        attributes(1),
        start(2),
        time(3),
        one("count", 4, Kind::Fixed64),
        double("sum", 5),
        one("scale", 6, Kind::Sint32),
        one("zeroCount", 7, Kind::Fixed64),
        one("positive", 8, Kind::Message(&BUCKETS)),
        one("negative", 9, Kind::Message(&BUCKETS)),
        dropped("flags", 10),
        exemplars(11),
        double("min", 12),
        double("max", 13),
        double("zeroThreshold", 14),
    ],
};

static BUCKETS: Shape =
    Shape { name: "Buckets", fields: &[one("offset", 1, Kind::Sint32), many("bucketCounts", 2, Kind::Uint64)] };

static SUMMARY_POINT: Shape = Shape {
    name: "SummaryDataPoint",
    fields: &[
        attributes(7),
        start(2),
        time(3),
        one("count", 4, Kind::Fixed64),
        double("sum", 5),
        many("quantileValues", 6, Kind::Message(&QUANTILE)),
        dropped("flags", 8),
    ],
};

static QUANTILE: Shape = Shape { name: "ValueAtQuantile", fields: &[double("quantile", 1), double("value", 2)] };

static EXEMPLAR: Shape = Shape {
    name: "Exemplar",
    fields: &[
        many("filteredAttributes", 7, Kind::Message(&KEY_VALUE)),
        time(2),
        either("asDouble", 3, Kind::Double),
        either("asInt", 6, Kind::SFixed64),
        one("spanId", 4, Kind::Hex(8)),
        one("traceId", 5, Kind::Hex(16)),
    ],
};

static RESOURCE_SPANS: Shape = Shape {
    name: "ResourceSpans",
    fields: &[
        one("resource", 1, Kind::Message(&RESOURCE)),
        many("scopeSpans", 2, Kind::Message(&SCOPE_SPANS)),
        text("schemaUrl", 3),
    ],
};

static SCOPE_SPANS: Shape = Shape {
    name: "ScopeSpans",
    fields: &[one("scope", 1, Kind::Message(&SCOPE)), many("spans", 2, Kind::Message(&SPAN)), text("schemaUrl", 3)],
};

static SPAN: Shape = Shape {
    name: "Span",
    fields: &[
        one("traceId", 1, Kind::Hex(16)),
        one("spanId", 2, Kind::Hex(8)),
        text("traceState", 3),
        one("parentSpanId", 4, Kind::Hex(8)),
        one("flags", 16, Kind::Fixed32),
        text("name", 5),
        one("kind", 6, Kind::Enum(5)),
        start(7),
        one("endTimeUnixNano", 8, Kind::Fixed64),
        attributes(9),
        dropped("droppedAttributesCount", 10),
        many("events", 11, Kind::Message(&EVENT)),
        dropped("droppedEventsCount", 12),
        many("links", 13, Kind::Message(&LINK)),
        dropped("droppedLinksCount", 14),
        one("status", 15, Kind::Message(&STATUS)),
    ],
};

static EVENT: Shape =
    Shape { name: "Event", fields: &[time(1), text("name", 2), attributes(3), dropped("droppedAttributesCount", 4)] };

static LINK: Shape = Shape {
    name: "Link",
    fields: &[
        one("traceId", 1, Kind::Hex(16)),
        one("spanId", 2, Kind::Hex(8)),
        text("traceState", 3),
        attributes(4),
        dropped("droppedAttributesCount", 5),
        one("flags", 6, Kind::Fixed32),
    ],
};

static STATUS: Shape = Shape { name: "Status", fields: &[text("message", 2), one("code", 3, Kind::Enum(2))] };
