// Measured functions: a row for each, and all about one on demand.

const F = () => state.now.functions;
const labelsOf = (place) => ({ function: F().function[place], module: F().module[place] });
const slotAt = (place) => state.slotOf[place];

/// A column of a figure that the document has for each function.
function figure(key, name, title, format, query, more = {}) {
  return { key, name, title, optional: key !== "calls", value: (place) => F()[key]?.[place] ?? null, show: format, query: (place) => query(labelsOf(place)), ...more };
}

const functionColumns = [
  {
    key: "function", name: "function", title: "by name", wide: 34, text: true,
    value: (place) => F().function[place],
    query: (place) => sumOf("function_calls_total", labelsOf(place)),
  },
  figure("calls", "calls", "calls that ended", number, (of) => sumOf("function_calls_total", of)),
  {
    key: "rate", name: "calls/s", title: "calls a second, of the last second", width: 9,
    value: (place) => { const rate = state.callRate[slotAt(place)]; return Number.isNaN(rate) ? null : rate; },
    show: nothingIfZero(number),
    query: (place) => rateOf("function_calls_total", labelsOf(place)),
  },
  { key: "trend", name: "last minute", width: 12, draw: (canvas, place) => sparkline(canvas, historyOf(slotAt(place)), 84, 22), query: (place) => rateOf("function_calls_total", labelsOf(place)) },
  figure("errors", "errors", "calls that returned an error", nothingIfZero(number), (of) => sumOf("function_calls_total", { ...of, result: "error" }), { alarming: true, width: 8 }),
  figure("panics", "panics", "calls that panicked", nothingIfZero(number), (of) => sumOf("function_calls_total", { ...of, result: "panic" }), { alarming: true, width: 8 }),
  figure("cancelled", "cancelled", "futures that were dropped before their end", nothingIfZero(number), (of) => sumOf("function_calls_total", { ...of, result: "cancelled" }), { width: 10 }),
  figure("running", "in flight", "calls that run now, and the age of the oldest", (value, place) => (value ? number(value) + (F().oldest[place] ? ` (${seconds(F().oldest[place])})` : "") : ""),
    (of) => sumOf("function_calls_concurrent", of), { width: 14 }),
  figure("self", "self", "time of its own: without measured callees", seconds, (of) => sumOf("function_self_seconds_total", of), { share: (place) => (F().self?.[place] ?? 0) / selfTotal }),
  figure("busy", "busy", "time on a thread, callees included", seconds, (of) => sumOf("function_busy_seconds_total", of)),
  figure("idle", "idle", "time that futures waited at .await", seconds, (of) => `${sumOf("function_calls_duration_seconds_sum", of)} - ${sumOf("function_busy_seconds_total", of)}`, {}),
  figure("cpu", "cpu", "time on a processor, callees included", (value, place) => estimated(seconds(value), F().cpu_error?.[place]), (of) => sumOf("function_cpu_seconds_total", of), { width: 16 }),
  figure("mean", "mean", "from start to end, waiting included", seconds, (of) => meanOf("function_calls_duration_seconds", of)),
  ...[["p50", 0.5], ["p95", 0.95], ["p99", 0.99]].map(([key, q]) =>
    figure(key, key, `of the calls so far ${q * 100} % took no longer, to 19 %`, seconds, (of) => quantileOf(q, "function_calls_duration_seconds", of))),
  figure("allocated", "allocated", "bytes, callees included", bytes, (of) => sumOf("function_allocated_bytes_total", of)),
  figure("self_allocated", "self alloc.", "bytes of its own", bytes, (of) => sumOf("function_self_allocated_bytes_total", of)),
  figure("allocations", "allocations", "how often, callees included", number, (of) => sumOf("function_allocations_total", of)),
  figure("peak", "peak", "the most bytes that a call had at once", bytes, (of) => `max(${selector("function_peak_allocated_bytes", of)})`),
  figure("read", "read", "bytes of files, pipes and terminals", (value, place) => estimated(nothingIfZero(bytes)(value), F().io_error?.[place]), (of) => sumOf("function_io_read_bytes_total", of), { width: 16 }),
  figure("written", "written", "bytes of files, pipes and terminals", (value, place) => estimated(nothingIfZero(bytes)(value), F().io_error?.[place]), (of) => sumOf("function_io_written_bytes_total", of), { width: 16 }),
];

let selfTotal = 0;
let functionGrid = null;
let functionRows = [];

function beginFunctions() {
  functionGrid = new Grid({
    label: "Functions", columns: functionColumns, rows: 16, sortBy: functionColumns.findIndex(({ key }) => key === "self"), open: openFunction,
    filterOf: (place) => state.names[place], empty: "No measured function has been called yet, or none is called so.",
  });
  byId("function-table").append(functionGrid.element);
}

function showFunctions() {
  const count = F().function.length;
  selfTotal = 0;
  if (F().self) for (const own of F().self) selfTotal += own ?? 0;
  if (functionRows.length !== count) functionRows = Array.from({ length: count }, (_, place) => place);
  functionGrid.update(functionRows);
  say(byId("function-count"), count ? grouped(String(count)) : "");
  if (chosen) showChosen();
}


// One function, chosen.

let chosen = null;

/// Bounds of the buckets: quarter octaves, see `function_calls_duration_seconds`.
const upper = (index) => 2 ** ((index + 1) / 4);

function openFunction(place) {
  chosen = { key: keyOf(F(), place), last: null, heat: [], from: 0 };
  const panel = byId("chosen");
  panel.hidden = false;
  panel.replaceChildren();
  chosen.parts = {
    title: el("h3", { id: "chosen-title", tabindex: "-1" }),
    module: el("p", { class: "note" }),
    figures: el("dl", { class: "figures" }),
    errors: el("p", { class: "alarm" }),
    bars: el("table", { class: "bars", "aria-label": "How long calls took, since the start" }, el("tbody")),
    heat: el("canvas", { class: "heat", role: "img" }),
    heatNote: el("p", { class: "note" }),
    callers: el("ul", { class: "ways" }),
    callees: el("ul", { class: "ways" }),
  };
  const { title, module, figures, errors, bars, heat, heatNote, callers, callees } = chosen.parts;
  const close = el("button", { type: "button", class: "quiet", onclick: closeChosen }, "Close");
  panel.append(
    el("div", { class: "row" }, title, close), module, figures, errors,
    el("div", { class: "halves" },
      el("div", {}, el("h4", {}, "Durations since the start"), bars),
      el("div", {}, el("h4", {}, "Durations by second"), heat, heatNote)),
    el("div", { class: "halves" },
      el("div", {}, el("h4", {}, "Called by"), callers),
      el("div", {}, el("h4", {}, "Calls"), callees)));
  showChosen();
  title.focus();
  panel.scrollIntoView({ block: "nearest" });
}

function closeChosen() {
  chosen = null;
  byId("chosen").hidden = true;
  functionGrid?.cell(functionGrid.active)?.focus();
}

function showChosen() {
  const place = state.slotOf.length ? F().function.findIndex((_, place) => keyOf(F(), place) === chosen.key) : -1;
  if (place < 0) return closeChosen();
  const { title, module, figures, errors, bars, callers, callees } = chosen.parts;
  say(title, F().function[place]);
  say(module, "in " + F().module[place]);
  const columns = functionColumns.filter((column, index) => column.value && column.key !== "function" && !functionGrid.gone[index]);
  keyed(figures, columns, (column) => column.key,
    (column) => {
      const number = el("output");
      const copy = el("button", { type: "button", class: "quiet", "aria-label": `Copy the PromQL of ${column.name}` }, "PromQL");
      const entry = el("div", {}, el("dt", { title: column.title }, column.name), el("dd", {}, number, copy));
      Object.assign(entry, { number, copy });
      copy.addEventListener("click", () => { offerQuery(entry.query, column.name); copyQuery(); });
      return entry;
    },
    (entry, column) => {
      const value = column.value(place);
      say(entry.number, value === null ? "–" : column.show(value, place) || "0");
      entry.query = column.query(place);
    });
  const types = F().error_types[place];
  say(errors, types ? "Errors: " + Object.entries(types).sort((a, b) => b[1] - a[1]).slice(0, 8).map(([name, count]) => `${number(count)} ${name}`).join(", ") : "");
  showBars(bars.tBodies[0], F().buckets[place]);
  showHeat(F().buckets[place]);
  showWays(callers, callees, place);
}

function showBars(body, sparse) {
  const counts = sparse ? sparse.slice(1) : [];
  const most = Math.max(1, ...counts);
  const rows = counts.map((count, step) => ({ index: sparse[0] + step, count })).filter(({ count }) => count > 0);
  keyed(body, rows, ({ index }) => index,
    ({ index }) => {
      const bar = el("span", { class: "fill" });
      const number = el("td");
      const row = el("tr", {}, el("th", { scope: "row" }, `to ${seconds(upper(index))}`), el("td", { class: "track" }, bar), number);
      return Object.assign(row, { bar, number });
    },
    (row, { count }) => {
      row.bar.style.width = Math.max(1, Math.round((count / most) * 100)) + "%";
      say(row.number, number(count));
    });
}

const HEAT_COLUMNS = 120;

/// Seconds from left to right, durations from below to above, and how many calls there were by how dark it is.
function showHeat(sparse) {
  const { heat, heatNote } = chosen.parts;
  const now = new Map((sparse ?? []).slice(1).map((count, step) => [sparse[0] + step, count]));
  if (chosen.last && state.interval > 0) {
    chosen.heat.push([...now].map(([index, count]) => [index, count - (chosen.last.get(index) ?? 0)]).filter(([, count]) => count > 0));
    if (chosen.heat.length > HEAT_COLUMNS) chosen.heat.shift();
  }
  chosen.last = now;
  const width = heat.clientWidth || 320;
  const height = 150;
  const context = context2d(heat, width, height);
  const indexes = chosen.heat.flat().map(([index]) => index);
  if (!indexes.length) return say(heatNote, "No call has ended since this was opened.");
  const [low, high] = [indexes.reduce((a, b) => Math.min(a, b)), indexes.reduce((a, b) => Math.max(a, b))];
  const most = chosen.heat.flat().reduce((most, [, count]) => Math.max(most, count), 1);
  const [w, h] = [width / HEAT_COLUMNS, height / (high - low + 1)];
  context.fillStyle = palette.accent;
  chosen.heat.forEach((column, place) => {
    for (const [index, count] of column) {
      context.globalAlpha = 0.15 + 0.85 * (Math.log1p(count) / Math.log1p(most));
      context.fillRect(width - (chosen.heat.length - place) * w, height - (index - low + 1) * h, Math.max(1, w - 0.5), Math.max(1, h - 0.5));
    }
  });
  context.globalAlpha = 1;
  const text = `From ${seconds(upper(low - 1))} (below) to ${seconds(upper(high))} (above), the last ${chosen.heat.length} readings from left to right; at most ${number(most)} calls in a field.`;
  say(heatNote, text);
  set(heat, "aria-label", "Durations by second. " + text);
}

/// Who called it and whom it called, by inclusive time.
function showWays(callers, callees, place) {
  const tree = totals("self");
  const mine = [];
  state.now.tree.function.forEach((function_, node) => { if (function_ === place) mine.push(node); });
  const sums = (nodes, name) => {
    const by = new Map();
    for (const [node, value] of nodes) by.set(name(node), (by.get(name(node)) ?? 0) + value);
    return [...by].sort((a, b) => b[1] - a[1]).slice(0, 12);
  };
  const nameOf = (node) => (node < 0 ? "nothing that is measured" : F().function[state.now.tree.function[node]] ?? "?");
  const above = sums(mine.map((node) => [state.now.tree.caller[node], tree[node]]), nameOf);
  const below = sums(mine.flatMap((node) => childrenOf(node).map((callee) => [callee, tree[callee]])), nameOf);
  for (const [list, entries, none] of [[callers, above, "It was not read by which way."], [callees, below, "Nothing that is measured."]]) {
    keyed(list, entries.length ? entries : [[none, null]], ([name]) => name, () => el("li"), (item, [name, value]) => say(item, value === null ? name : `${name}: ${seconds(value)}`));
  }
}
