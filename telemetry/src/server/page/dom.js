// Elements, made of tags, properties and texts: nothing here reads markup.

function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const byId = (id) => document.getElementById(id);

/// Sets a text where it is another one: what does not change is not laid out again.
function say(element, text) {
  if (element.shown !== text) {
    element.shown = text;
    element.textContent = text;
  }
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function show(element, is) {
  if (element.hidden === is) element.hidden = !is;
}

/// Children for items, made once for each key and kept in this order.
function keyed(parent, items, key, make, update) {
  const known = (parent.known ??= new Map());
  const wanted = new Set(items.map(key));
  for (const [name, element] of known) {
    if (!wanted.has(name)) {
      element.remove();
      known.delete(name);
    }
  }
  items.forEach((item, place) => {
    let element = known.get(key(item));
    if (!element) {
      element = make(item);
      known.set(key(item), element);
    }
    if (parent.children[place] !== element) parent.insertBefore(element, parent.children[place] ?? null);
    update(element, item);
  });
}

/// Colours of the theme, for what is drawn.
let palette = {};
function readPalette() {
  const style = getComputedStyle(document.documentElement);
  palette = Object.fromEntries(["accent", "muted", "text", "line", "alarm"].map((name) => [name, style.getPropertyValue("--" + name).trim()]));
}

/// A canvas's context, sharp on any screen.
function context2d(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/// A line of the last values, the newest on the right.
function sparkline(canvas, values, width, height) {
  const context = context2d(canvas, width, height);
  let top = 0;
  for (const value of values) if (value > top) top = value;
  if (!(top > 0)) return;
  const step = width / Math.max(values.length - 1, 1);
  context.beginPath();
  let drawing = false;
  values.forEach((value, place) => {
    if (Number.isNaN(value)) return;
    const [x, y] = [place * step, height - 1.5 - (value / top) * (height - 3)];
    if (drawing) context.lineTo(x, y);
    else context.moveTo(x, y);
    drawing = true;
  });
  context.strokeStyle = palette.accent;
  context.lineWidth = 1.25;
  context.stroke();
}
