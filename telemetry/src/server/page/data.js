// What was read last, and what follows from the readings before it. Of each function the last minute is kept, and no more.

const KEPT = 60;

const state = {
  now: null, // the document that was read last
  interval: 0, // seconds between the last two readings
  slots: new Map(), // a function's place in what is kept
  slotOf: new Int32Array(0), // by its place in the document
  calls: new Float64Array(0), // at the last reading, by slot
  self: new Float64Array(0),
  callRate: new Float64Array(0), // by slot
  selfRate: new Float64Array(0),
  history: new Float32Array(0), // KEPT call rates for each slot, a ring
  at: 0, // where in the ring the next one goes
  names: [], // lower-case, by place in the document, for the search
  totals: {}, // rings of the tiles
};

function restart() {
  state.slots.clear();
  state.names = [];
  for (const list of ["calls", "self", "callRate", "selfRate"]) state[list] = new Float64Array(0);
  state.history = new Float32Array(0);
  state.slotOf = new Int32Array(0);
  state.totals = {};
}

const keyOf = (functions, place) => functions.module[place] + "::" + functions.function[place];

function makeRoom(count) {
  if (count <= state.calls.length) return;
  const room = Math.max(256, 2 * count);
  for (const list of ["calls", "self", "callRate", "selfRate"]) {
    const larger = new Float64Array(room).fill(NaN);
    larger.set(state[list]);
    state[list] = larger;
  }
  const larger = new Float32Array(room * KEPT).fill(NaN);
  larger.set(state.history);
  state.history = larger;
}

function sameNames(before, now) {
  if (!before || before.function.length !== now.function.length) return false;
  for (let place = 0; place < now.function.length; place++) {
    if (before.function[place] !== now.function[place] || before.module[place] !== now.module[place]) return false;
  }
  return true;
}

/// Takes a new reading in.
function take(document) {
  const before = state.now;
  if (before && before.started_at !== document.started_at) restart();
  const is = before && before.started_at === document.started_at;
  state.interval = is ? document.taken_at - before.taken_at : 0;
  const functions = document.functions;
  const count = functions.function.length;
  if (!is || !sameNames(before.functions, functions)) {
    state.slotOf = new Int32Array(count);
    state.names = [];
    for (let place = 0; place < count; place++) {
      const key = keyOf(functions, place);
      let slot = state.slots.get(key);
      if (slot === undefined) {
        slot = state.slots.size;
        state.slots.set(key, slot);
      }
      state.slotOf[place] = slot;
      state.names.push(key.toLowerCase());
    }
    makeRoom(state.slots.size);
  } else {
    // One copy of the names is enough.
    functions.function = before.functions.function;
    functions.module = before.functions.module;
  }
  state.now = document;
  let [calls, errors] = [0, 0];
  const interval = state.interval;
  for (let place = 0; place < count; place++) {
    const slot = state.slotOf[place];
    const own = functions.self ? functions.self[place] ?? 0 : 0;
    // One that is new was called since the last reading.
    const since = (now, last) => (interval > 0 ? Math.max(0, now - (Number.isNaN(last) ? 0 : last)) / interval : NaN);
    state.callRate[slot] = since(functions.calls[place], state.calls[slot]);
    state.selfRate[slot] = since(own, state.self[slot]);
    state.calls[slot] = functions.calls[place];
    state.self[slot] = own;
    state.history[slot * KEPT + state.at] = state.callRate[slot];
    calls += functions.calls[place];
    errors += functions.errors[place] + functions.panics[place];
  }
  state.at = (state.at + 1) % KEPT;
  addTotal("calls", calls, true);
  addTotal("errors", errors, true);
  addTotal("cpu", valueOf("process_cpu_usage_ratio"), false);
  addTotal("memory", valueOf("process_resident_memory_bytes") ?? valueOf("allocator_live_bytes"), false);
}

/// The ring of a function, the oldest first.
const line = new Float32Array(KEPT);
function historyOf(slot) {
  for (let step = 0; step < KEPT; step++) line[step] = state.history[slot * KEPT + ((state.at + step) % KEPT)];
  return line;
}

function addTotal(name, value, isCounter) {
  const total = (state.totals[name] ??= { last: null, values: [], shown: null });
  if (value === null || value === undefined) return void (total.shown = null);
  const rate = total.last !== null && state.interval > 0 ? Math.max(0, value - total.last) / state.interval : null;
  total.shown = isCounter ? rate : value;
  total.last = value;
  if (total.shown !== null) total.values.push(total.shown);
  if (total.values.length > KEPT) total.values.shift();
}

const family = (name) => state.now.families.find((family) => family.name === name);

/// The value of a family with one series.
const valueOf = (name) => family(name)?.series[0]?.value ?? null;

/// A quantile of counts over bounds, interpolated as Prometheus does it; null where there is none.
function quantile(q, { bounds, buckets, count }) {
  let rank = q * count;
  for (let place = 0; place < buckets.length; place++) {
    if (buckets[place] > 0 && rank <= buckets[place]) {
      if (place >= bounds.length) return bounds.at(-1) ?? null;
      const lower = place > 0 ? bounds[place - 1] : Math.min(0, bounds[0]);
      return lower + ((bounds[place] - lower) * rank) / buckets[place];
    }
    rank -= buckets[place];
  }
  return null;
}
