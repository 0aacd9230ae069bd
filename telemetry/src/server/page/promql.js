// The query that gives a number of the page in Prometheus.

const quoted = (text) => '"' + String(text).replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n") + '"';

// Names beyond letters, digits and underscores are quoted: Prometheus 3 takes them so.
const isPlain = (name) => /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);

function selector(name, labels) {
  const pairs = Object.entries(labels).map(([label, value]) => `${isPlain(label) ? label : quoted(label)}=${quoted(value)}`);
  if (!isPlain(name)) return `{${[quoted(name), ...pairs].join(",")}}`;
  return pairs.length ? `${name}{${pairs.join(",")}}` : name;
}

const sumOf = (name, labels) => `sum(${selector(name, labels)})`;
const rateOf = (name, labels) => `sum(rate(${selector(name, labels)}[1m]))`;
const meanOf = (name, labels) => `sum(${selector(name + "_sum", labels)}) / sum(${selector(name + "_count", labels)})`;
const quantileOf = (q, name, labels) => `histogram_quantile(${q}, sum by (le) (${selector(name + "_bucket", labels)}))`;
