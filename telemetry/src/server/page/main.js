// What happens each second, and at the beginning.

const base = document.querySelector('meta[name="base"]').content;
const PERIOD = 1000;
const TOKEN = "telemetry-token";

let paused = false;
let offered = null;
let failures = 0;

/// A place to keep what the reader chose; there may be none.
const kept = {
  get: (store, name) => { try { return store().getItem(name); } catch { return null; } },
  set: (store, name, value) => { try { store().setItem(name, value); } catch { /* it is forgotten with the page */ } },
};
const session = () => sessionStorage;
const local = () => localStorage;

function get(path) {
  const token = kept.get(session, TOKEN);
  const headers = token ? { authorization: "Bearer " + token } : {};
  return fetch(base + path, { headers, cache: "no-store", credentials: "same-origin" });
}

function offerQuery(query, name) {
  offered = query;
  show(byId("query-bar"), Boolean(query));
  if (!query) return;
  say(byId("query"), query);
  say(byId("query-name"), name);
}

async function copyQuery() {
  if (!offered) return;
  let done = false;
  try {
    await navigator.clipboard.writeText(offered);
    done = true;
  } catch {
    // Without permission, or where the connection is not trusted: then it is selected, to be copied by hand.
    getSelection().selectAllChildren(byId("query"));
  }
  say(byId("said"), done ? "Copied " + offered : "Selected; copy it with Ctrl+C");
}

async function tick() {
  const isWanted = !paused && !document.hidden;
  if (isWanted) {
    try {
      const answer = await get("api/live");
      if (answer.status === 401) return askForToken();
      if (!answer.ok) throw new Error(`the endpoint answered ${answer.status}`);
      const read = await answer.json();
      const begun = performance.now();
      take(read);
      showAll();
      document.documentElement.dataset.script = (performance.now() - begun).toFixed(1);
      failures = 0;
    } catch (error) {
      failures += 1;
      console.debug(error);
    }
    status();
  }
  setTimeout(tick, PERIOD);
}

function status() {
  const text = failures > 1 ? "not reachable, trying again" : paused ? "paused" : "live";
  const element = byId("status");
  set(element, "data-state", failures > 1 ? "lost" : paused ? "paused" : "live");
  say(element, text);
  if (state.now) say(byId("at"), new Date(state.now.taken_at * 1000).toLocaleTimeString());
}

function showAll() {
  const { service, started_at, taken_at } = state.now;
  if (document.title !== service) document.title = service;
  say(byId("service"), service);
  const tiles = [
    ["up", seconds(taken_at - started_at), "time() - process_start_time_seconds", null],
    tile("calls", "calls/s", number, "sum(rate(function_calls_total[1m]))"),
    tile("errors", "errors/s", number, 'sum(rate(function_calls_total{result=~"error|panic"}[1m]))'),
    tile("cpu", "CPU", (value) => share(value), "process_cpu_usage_ratio"),
    tile("memory", "memory", bytes, "process_resident_memory_bytes"),
  ].filter(Boolean);
  keyed(byId("tiles"), tiles, ([name]) => name,
    ([name]) => {
      const [text, canvas] = [el("strong"), el("canvas", { "aria-hidden": "true" })];
      const button = el("button", { type: "button", class: "tile" }, el("span", {}, name), text, canvas);
      button.addEventListener("click", () => offerQuery(button.query, name));
      return Object.assign(button, { text, canvas });
    },
    (button, [, text, query, values]) => {
      say(button.text, text);
      button.query = query;
      sparkline(button.canvas, values ?? [], 96, 20);
    });
  show(byId("waiting"), false);
  showJobs();
  showFunctions();
  showTree();
  showStatements();
  showFamilies();
}

function tile(key, name, format, query) {
  const total = state.totals[key];
  if (!total || total.last === null) return null;
  return [name, total.shown === null ? "–" : format(total.shown), query, total.values];
}

function askForToken() {
  const dialog = byId("ask");
  say(byId("ask-note"), kept.get(session, TOKEN) ? "The token was refused." : "This program asks for a token: TELEMETRY_TOKEN.");
  if (!dialog.open) dialog.showModal();
}

function beginToken() {
  byId("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    kept.set(session, TOKEN, byId("token").value);
    byId("token").value = "";
    byId("ask").close();
    tick();
  });
}

/// A document of the endpoint as a file, with the token where there is one.
async function download(path, name) {
  try {
    const answer = await get(path);
    if (!answer.ok) throw new Error(`the endpoint answered ${answer.status}`);
    const link = el("a", { href: URL.createObjectURL(await answer.blob()), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    say(byId("said"), "Saved " + name);
  } catch (error) {
    say(byId("said"), `${name} could not be had: ${error.message}`);
  }
}

function begin() {
  const theme = kept.get(local, "telemetry-theme");
  if (theme) document.documentElement.dataset.theme = theme;
  readPalette();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readPalette);
  byId("theme").addEventListener("click", () => {
    const isDark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
    document.documentElement.dataset.theme = isDark ? "light" : "dark";
    kept.set(local, "telemetry-theme", document.documentElement.dataset.theme);
    readPalette();
  });
  byId("pause").addEventListener("click", () => {
    paused = !paused;
    set(byId("pause"), "aria-pressed", String(paused));
    status();
  });
  for (const link of document.querySelectorAll("[data-path]")) {
    link.addEventListener("click", () => {
      const stamp = new Date().toISOString().replace(/[:.]/g, "-");
      download(link.dataset.path, `${state.now?.service ?? "telemetry"}-${stamp}.${link.dataset.kind}`.replace(/[^\w.-]/g, "_"));
    });
  }
  for (const [id, path] of [["exposition", "metrics"], ["plain", "report"]]) byId(id).href = base + path;
  byId("search").addEventListener("input", (event) => functionGrid?.search(event.target.value));
  byId("search-metrics").addEventListener("input", (event) => familyGrids.user.search(event.target.value));
  byId("copy").addEventListener("click", copyQuery);
  byId("query-close").addEventListener("click", () => offerQuery(null));
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input,dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      byId("search").focus();
    } else if (event.key === "Escape" && chosen && !event.defaultPrevented && event.target.closest("#chosen")) {
      closeChosen();
    }
  });
  beginToken();
  beginFunctions();
  beginTree();
  beginStatements();
  beginFamilies();
  tick();
}

begin();
