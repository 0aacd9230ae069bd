// Backfill jobs: a card for each run, the running ones first.

const MOST_JOBS = 12;

const done = (tally) => tally.processed + tally.failed + tally.skipped + tally.dead_lettered;

function showJobs() {
  const jobs = state.now.jobs.slice().sort((a, b) => (a.result === null ? 0 : 1) - (b.result === null ? 0 : 1) || b.started_at - a.started_at);
  show(byId("jobs-section"), jobs.length > 0);
  show(byId("nav-jobs"), jobs.length > 0);
  keyed(byId("jobs"), jobs.slice(0, MOST_JOBS), (job) => String(job.run_id), makeJob, fillJob);
  const more = jobs.length - MOST_JOBS;
  say(byId("jobs-note"), more > 0 ? `and ${more} earlier runs` : "");
}

function makeJob() {
  const parts = {
    name: el("h3"), badge: el("span", { class: "badge" }), bar: el("progress", { max: "1" }), line: el("p", { class: "line" }),
    notes: el("p", { class: "alarm" }), workers: el("p", { class: "note" }), figures: el("dl", { class: "figures" }), tables: el("div", { class: "halves" }),
  };
  const card = el("article", { class: "card" }, el("div", { class: "row" }, parts.name, parts.badge), parts.bar, parts.line, parts.notes, parts.workers, parts.figures, parts.tables);
  const queries = (column, family, more = {}) => (row) => sumOf(family, { ...row.labels, ...more });
  parts.requests = new Grid({
    label: "Requests", rows: 6, sortBy: 2, empty: "",
    columns: [
      { name: "requests to", text: true, wide: 18, value: (row) => row.labels.endpoint_name ?? "" },
      { name: "code", text: true, width: 9, value: (row) => row.labels.code ?? "" },
      { name: "answers", value: (row) => row.value, show: number, query: queries("", "backfill_requests_total") },
      { name: "/s", width: 8, value: (row) => row.rate, show: nothingIfZero(number), query: (row) => rateOf("backfill_requests_total", row.labels) },
    ],
  });
  parts.queues = new Grid({
    label: "Queues", rows: 6, sortBy: 1, empty: "",
    columns: [
      { name: "queue", text: true, wide: 18, value: (row) => row.labels.queue ?? "" },
      { name: "records", value: (row) => row.value, show: number, query: queries("", "backfill_queue_records") },
      { name: "capacity", value: (row) => row.capacity, show: number, query: queries("", "backfill_queue_capacity_records") },
      { name: "oldest", value: (row) => row.oldest, show: seconds, query: queries("", "backfill_queue_oldest_age_seconds") },
    ],
  });
  parts.tables.append(parts.requests.element, parts.queues.element);
  return Object.assign(card, { parts, last: new Map() });
}

/// Series of a family that are a job's.
const seriesOf = (name, job) => (family(name)?.series ?? []).filter((series) => series.labels.job_name === job.name);
const sumOfSeries = (name, job) => seriesOf(name, job).reduce((sum, series) => sum + series.value, 0);

function fillJob(card, job) {
  const { parts } = card;
  const runs = job.result === null;
  say(parts.name, job.name);
  say(parts.badge, job.stalled ? "stalled" : runs ? (job.resumed ? "running, resumed" : "running") : job.result);
  set(parts.badge, "data-state", job.stalled ? "stalled" : runs ? "running" : job.result);
  set(parts.bar, "aria-label", "Progress of " + job.name);
  if (job.progress === null && runs) parts.bar.removeAttribute("value");
  else set(parts.bar, "value", String(job.progress ?? (job.result === "ok" ? 1 : 0)));
  const units = grouped(String(done(job.units)));
  const rate = runs ? job.units_per_second : job.elapsed_seconds > 0 ? done(job.units) / job.elapsed_seconds : null;
  const line = [
    job.progress === null ? null : share(job.progress),
    job.total === null ? `${units} ${job.unit}` : `${units} of ${grouped(String(job.total))} ${job.unit}`,
    rate === null ? null : `${number(rate)} ${job.unit}/s`,
    runs && job.eta_seconds !== null ? `${seconds(job.eta_seconds)} left${job.eta_low_seconds === null ? "" : ` (${seconds(job.eta_low_seconds)} to ${seconds(job.eta_high_seconds)})`}` : null,
    `${seconds(job.elapsed_seconds)} so far`,
    job.deadline === null ? null : `due ${moment(job.deadline)}`,
  ];
  say(parts.line, line.filter(Boolean).join(" · "));
  const notes = [
    ...["failed", "skipped", "dead_lettered"].filter((key) => job.units[key]).map((key) => `${number(job.units[key])} ${job.unit} ${key.replace("_", "-")}`),
    ...["failed", "skipped", "dead_lettered"].filter((key) => job.records[key]).map((key) => `${number(job.records[key])} records ${key.replace("_", "-")}`),
    job.stalled ? `no sign of life for ${seconds(job.quiet_seconds)}` : null,
  ];
  say(parts.notes, notes.filter(Boolean).join(", "));
  const worker = ({ name, quiet_seconds, idle, stalled }) => `${name}: ${stalled ? `stalled, quiet for ${seconds(quiet_seconds)}` : idle ? "idle" : "at work"}`;
  say(parts.workers, job.workers.length ? "Workers: " + job.workers.slice(0, 20).map(worker).join("; ") : "");
  const of = { job_name: job.name };
  const distribution = (name) => {
    const all = seriesOf(name, job).filter((series) => series.count > 0);
    if (!all.length) return null;
    const sum = { count: 0, sum: 0, bounds: all[0].bounds, buckets: all[0].buckets.map(() => 0) };
    for (const series of all) {
      sum.count += series.count;
      sum.sum += series.sum;
      series.buckets.forEach((count, place) => (sum.buckets[place] += count));
    }
    return sum;
  };
  const [requests, batches, processing] = ["backfill_request_duration_seconds", "backfill_batch_records", "backfill_processing_duration_seconds"].map(distribution);
  const records = done(job.records);
  const figures = [
    ["records", records ? number(records) : null, sumOf("backfill_records_total", of)],
    ["in flight", family("backfill_requests_in_flight") && seriesOf("backfill_requests_in_flight", job).length ? number(sumOfSeries("backfill_requests_in_flight", job)) : null, sumOf("backfill_requests_in_flight", of)],
    ["request p50", requests && seconds(quantile(0.5, requests)), quantileOf(0.5, "backfill_request_duration_seconds", of)],
    ["request p95", requests && seconds(quantile(0.95, requests)), quantileOf(0.95, "backfill_request_duration_seconds", of)],
    ["retries", sumOfSeries("backfill_retries_total", job) ? number(sumOfSeries("backfill_retries_total", job)) : null, sumOf("backfill_retries_total", of)],
    ["rate limited", sumOfSeries("backfill_rate_limit_hits_total", job) ? number(sumOfSeries("backfill_rate_limit_hits_total", job)) : null, sumOf("backfill_rate_limit_hits_total", of)],
    ["waited for limits", sumOfSeries("backfill_rate_limit_wait_seconds_total", job) ? seconds(sumOfSeries("backfill_rate_limit_wait_seconds_total", job)) : null, sumOf("backfill_rate_limit_wait_seconds_total", of)],
    ["batches", batches && number(batches.count), sumOf("backfill_batch_records_count", of)],
    ["batch mean", batches && `${number(batches.sum / batches.count)} records`, meanOf("backfill_batch_records", of)],
    ["step p95", processing && seconds(quantile(0.95, processing)), quantileOf(0.95, "backfill_processing_duration_seconds", of)],
  ].filter(([, text]) => text);
  showFigures(parts.figures, figures);
  // Counts of a name go on from one run to the next, so they stand at the latest run alone.
  const isLatest = !state.now.jobs.some((other) => other.name === job.name && other.run_id > job.run_id);
  const answers = isLatest ? seriesOf("backfill_requests_total", job) : [];
  const rows = answers.map((series) => {
    const key = JSON.stringify(series.labels);
    const last = card.last.get(key) ?? (state.interval > 0 ? 0 : null);
    card.last.set(key, series.value);
    return { ...series, rate: last === null || !(state.interval > 0) ? null : (series.value - last) / state.interval };
  });
  show(parts.requests.element, rows.length > 0);
  parts.requests.update(rows);
  const beside = (name, series) => seriesOf(name, job).find((other) => other.labels.queue === series.labels.queue)?.value ?? null;
  const queues = (isLatest ? seriesOf("backfill_queue_records", job) : []).map((series) => ({
    ...series, capacity: beside("backfill_queue_capacity_records", series), oldest: beside("backfill_queue_oldest_age_seconds", series),
  }));
  show(parts.queues.element, queues.length > 0);
  parts.queues.update(queues);
}

/// Names with their figures, each of which is a button that offers its query.
function showFigures(list, figures) {
  keyed(list, figures, ([name]) => name,
    ([name]) => {
      const button = el("button", { type: "button", class: "number", title: "its PromQL" });
      const entry = el("div", {}, el("dt", {}, name), el("dd", {}, button));
      button.addEventListener("click", () => offerQuery(entry.query, name));
      return Object.assign(entry, { button });
    },
    (entry, [, text, query]) => {
      say(entry.button, text);
      entry.query = query;
    });
  show(list, figures.length > 0);
}
