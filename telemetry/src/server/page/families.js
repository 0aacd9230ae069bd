// Everything else by family: the program's own metrics, the process, what the library itself costs.

const groups = { user: "metrics", process: "process", own: "own", database: "databases", job: "job-families" };
const familyGrids = {};

function beginFamilies() {
  for (const [group, id] of Object.entries(groups)) {
    const of = (row) => row.series.labels;
    const isWhole = (row) => row.series.value !== undefined;
    const mean = (row) => (isWhole(row) || !row.series.count ? null : row.series.sum / row.series.count);
    const at = (q) => (row) => (row.series.buckets ? quantile(q, row.series) : row.series.quantiles?.find(([known]) => known === q)?.[1] ?? null);
    const inItsUnit = (value, row) => inUnit(row.family.unit, value);
    familyGrids[group] = new Grid({
      label: { user: "Metrics", process: "Process", own: "The library itself", database: "Databases", job: "Job metrics" }[group],
      rows: 14, sortBy: null, filterOf: (row) => row.name.toLowerCase(),
      columns: [
        { name: "series", text: true, wide: 48, title: "by name", value: (row) => row.name, query: (row) => (isWhole(row) ? selector(row.family.name, of(row)) : selector(row.family.name + "_count", of(row))) },
        { name: "value", wide: 22, value: (row) => row.series.value ?? null, show: inItsUnit, query: (row) => (isWhole(row) ? selector(row.family.name, of(row)) : null) },
        { name: "/s", title: "a second, of the last second", value: (row) => row.rate, optional: true, show: nothingIfZero((rate, row) => (isWhole(row) ? inItsUnit(rate, row) : number(rate))), query: (row) => rateOf(isWhole(row) ? row.family.name : row.family.name + "_count", of(row)) },
        { name: "observed", optional: true, value: (row) => row.series.count ?? null, show: number, query: (row) => selector(row.family.name + "_count", of(row)) },
        { name: "mean", optional: true, value: mean, show: inItsUnit, query: (row) => meanOf(row.family.name, of(row)) },
        { name: "p50", optional: true, value: at(0.5), show: inItsUnit, query: (row) => quantileOf(0.5, row.family.name, of(row)) },
        { name: "p95", optional: true, value: at(0.95), show: inItsUnit, query: (row) => quantileOf(0.95, row.family.name, of(row)) },
      ],
    });
    byId(id).append(familyGrids[group].element);
  }
}

let lastValues = new Map();

function showFamilies() {
  const rows = { user: [], process: [], own: [], database: [], job: [] };
  const values = new Map();
  let more = 0;
  for (const family of state.now.families) {
    more += family.count - family.series.length;
    for (const series of family.series) {
      const labels = Object.entries(series.labels).map(([name, value]) => `${name}=${quoted(value)}`).join(", ");
      const name = labels ? `${family.name}{${labels}}` : family.name;
      const isCounter = family.kind === "counter" || series.count !== undefined;
      const value = series.count ?? series.value;
      let rate = null;
      if (isCounter) {
        values.set(name, value);
        const last = lastValues.get(name);
        if (last !== undefined && state.interval > 0) rate = Math.max(0, value - last) / state.interval;
      }
      // An info has nothing but its labels.
      const shown = family.kind === "info" ? { ...series, value: null } : series;
      rows[family.group].push({ name, family, series: shown, rate });
    }
  }
  lastValues = values;
  for (const [group, id] of Object.entries(groups)) {
    familyGrids[group].update(rows[group]);
    show(byId(id), rows[group].length > 0);
  }
  show(byId("metrics-section"), rows.user.length > 0);
  show(byId("nav-metrics"), rows.user.length > 0);
  show(byId("process-section"), rows.process.length > 0);
  show(byId("nav-process"), rows.process.length > 0);
  show(byId("databases-heading"), rows.database.length > 0);
  show(byId("job-families-heading"), rows.job.length > 0);
  say(byId("metrics-note"), more > 0 ? `${grouped(String(more))} series of large families are not on this page; the exposition has them all.` : "");
}
