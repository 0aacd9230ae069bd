// Who called whom, as an icicle: below each function those that it called, as wide as what they took with all their callees.

const LEAST = 0.002; // of the width: what is narrower is left out
const DEEPEST = 40;

const tree = { weight: "self", root: -1, children: null, of: null, active: -1 };

const weights = {
  self: { name: "Time", key: "self", show: seconds, unit: "of busy time" },
  cpu: { name: "CPU", key: "cpu", show: seconds, unit: "of CPU time" },
  bytes: { name: "Bytes", key: "bytes", show: bytes, unit: "allocated" },
};

/// What each node has with all its callees.
function totals(weight) {
  const now = state.now.tree;
  const all = Float64Array.from(now[weights[weight].key] ?? [], (value) => value ?? 0);
  // CPU time is read of a call as a whole, so it has its callees already; what they are said to have beyond that is believed.
  const callees = new Float64Array(all.length);
  for (let node = all.length - 1; node >= 0; node--) {
    all[node] = weight === "cpu" ? Math.max(all[node], callees[node]) : all[node] + callees[node];
    if (now.caller[node] >= 0) callees[now.caller[node]] += all[node];
  }
  return all;
}

function childrenOf(node) {
  if (tree.of !== state.now) {
    tree.of = state.now;
    tree.children = new Map();
    state.now.tree.caller.forEach((caller, callee) => {
      if (!tree.children.has(caller)) tree.children.set(caller, []);
      tree.children.get(caller).push(callee);
    });
  }
  return tree.children.get(node) ?? [];
}

const wayOf = (node) => {
  const way = [];
  for (let at = node; at >= 0; at = state.now.tree.caller[at]) way.unshift(F().function[state.now.tree.function[at]] ?? "?");
  return way.join("\u0000");
};

function showTree() {
  const now = state.now.tree;
  const has = now.function.length > 0;
  show(byId("tree-section"), has);
  show(byId("nav-tree"), has);
  if (!has) return;
  for (const [key, { key: column }] of Object.entries(weights)) byId("weight-" + key).disabled = !now[column];
  const all = totals(tree.weight);
  // A restart makes another tree.
  if (tree.root >= now.function.length) tree.root = -1;
  const tops = tree.root >= 0 ? [tree.root] : childrenOf(-1);
  const total = tops.reduce((sum, node) => sum + all[node], 0);
  const shown = [];
  let deepest = 0;
  const place = (nodes, left, level, parent) => {
    const ordered = nodes.slice().sort((a, b) => all[b] - all[a] || a - b);
    ordered.forEach((node, rank) => {
      const width = total > 0 ? all[node] / total : 0;
      if (width < LEAST || level >= DEEPEST) return;
      deepest = Math.max(deepest, level);
      const name = F().function[now.function[node]] ?? "?";
      shown.push({ node, key: wayOf(node), name, left, width, level, parent, rank, value: all[node], own: now[weights[tree.weight].key]?.[node] ?? 0 });
      place(childrenOf(node), left, level + 1, node);
      left += width;
    });
  };
  place(tops, 0, 0, -1);
  tree.shown = shown;
  const box = byId("icicle");
  box.style.height = (deepest + 1) * 26 + "px";
  const format = weights[tree.weight].show;
  keyed(box, shown, ({ key }) => key,
    () => el("div", { class: "node", role: "treeitem", tabindex: "-1" }),
    (element, item) => {
      const text = `${item.name}  ${format(item.value)}`;
      say(element, text);
      const percent = share(total > 0 ? item.value / total : 0);
      const visits = number(now.visits[item.node]);
      set(element, "title", `${item.name}: ${format(item.value)} ${weights[tree.weight].unit}, ${percent}; ${visits} calls`);
      set(element, "aria-label", `${item.name}, ${format(item.value)}, ${percent}`);
      set(element, "aria-level", String(item.level + 1));
      set(element, "data-hue", String(hueOf(item.name)));
      element.item = item;
      const style = element.style;
      style.left = item.left * 100 + "%";
      style.width = item.width * 100 + "%";
      style.top = item.level * 26 + "px";
    });
  if (!shown.some(({ key }) => key === tree.active)) tree.active = shown[0]?.key;
  for (const element of box.children) element.tabIndex = element.item.key === tree.active ? 0 : -1;
  show(byId("tree-out"), tree.root >= 0);
  const left = now.function.length - shown.length;
  say(byId("tree-note"), `${format(total)} ${weights[tree.weight].unit}${left > 0 && tree.root < 0 ? `; ${grouped(String(left))} ways narrower than ${share(LEAST)} are left out` : ""}. How a function's time is shared among its callers is estimated.`);
}

/// One of a few hues, the same for a name each time.
function hueOf(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
  return hash % 6;
}

function zoom(node) {
  tree.root = node;
  showTree();
  byId("icicle").querySelector('[tabindex="0"]')?.focus();
}

function treeKey(event) {
  const here = event.target.item;
  if (!here || event.altKey || event.ctrlKey || event.metaKey) return;
  const siblings = tree.shown.filter((item) => item.parent === here.parent && item.level === here.level);
  const at = siblings.findIndex((item) => item.node === here.node);
  const next = {
    ArrowDown: () => tree.shown.find((item) => item.parent === here.node),
    ArrowUp: () => tree.shown.find((item) => item.node === here.parent),
    ArrowRight: () => siblings[at + 1],
    ArrowLeft: () => siblings[at - 1],
    Home: () => tree.shown[0],
  }[event.key]?.();
  if (next) {
    event.preventDefault();
    focusNode(next.key);
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    zoom(here.node === tree.root ? state.now.tree.caller[here.node] : here.node);
  } else if (event.key === "Escape" && tree.root >= 0) {
    zoom(state.now.tree.caller[tree.root]);
  }
}

function focusNode(key) {
  tree.active = key;
  for (const element of byId("icicle").children) {
    element.tabIndex = element.item.key === key ? 0 : -1;
    if (element.item.key === key) element.focus();
  }
}

function beginTree() {
  const box = byId("icicle");
  box.addEventListener("keydown", treeKey);
  box.addEventListener("click", (event) => { if (event.target.item) zoom(event.target.item.node === tree.root ? state.now.tree.caller[tree.root] : event.target.item.node); });
  box.addEventListener("focusin", (event) => {
    if (!event.target.item) return;
    tree.active = event.target.item.key;
    const of = labelsOf(state.now.tree.function[event.target.item.node]);
    const family = { self: "function_busy_seconds_total", cpu: "function_cpu_seconds_total", bytes: "function_allocated_bytes_total" }[tree.weight];
    offerQuery(sumOf(family, of), event.target.item.name + ", by all ways");
  });
  byId("tree-out").addEventListener("click", () => zoom(-1));
  for (const key of Object.keys(weights)) {
    byId("weight-" + key).addEventListener("change", () => { tree.weight = key; showTree(); });
  }
}
