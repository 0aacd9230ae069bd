// A table of any length: only the rows that are seen are elements. It sorts by its heads, is walked through by arrow keys as the ARIA grid pattern says,
// and offers the query of each number.

const ROW = 30;

class Grid {
  /// Columns: name, title, wide or width in characters, value(row), show(value, row), query(row), draw(canvas, row), alarming, and optional: gone while nothing
  /// stands in it. Rows are anything.
  constructor({ label, columns, sortBy, rows = 14, open, filterOf, empty }) {
    Object.assign(this, { columns, open, filterOf, most: rows });
    this.all = [];
    this.order = [];
    this.filter = "";
    this.sorted = sortBy ?? null;
    this.descending = true;
    this.active = { place: 0, column: 0 };
    this.body = el("tbody");
    this.heads = columns.map((column, index) => this.head(column, index));
    this.table = el("table", { role: "grid", "aria-label": label }, el("thead", {}, el("tr", {}, ...this.heads)), this.body);
    this.sizer = el("div", { class: "sizer" }, this.table);
    this.scroller = el("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": label + ", scrolls" }, this.sizer);
    this.nothing = el("p", { class: "note", hidden: true }, empty ?? "Nothing yet.");
    this.element = el("div", { class: "grid" }, this.scroller, this.nothing);
    this.scroller.addEventListener("scroll", () => this.paint(), { passive: true });
    this.table.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => this.click(event));
    this.body.addEventListener("focusin", (event) => this.focused(event));
    this.gone = columns.map(() => false);
    this.width();
  }

  head(column, index) {
    const button = el("button", { type: "button", title: column.title, onclick: () => this.sortBy(index) }, column.name);
    const head = el("th", { scope: "col", class: column.text ? "text" : null }, column.value ? button : column.name);
    head.style.width = (column.wide ?? column.width ?? 10) * 0.56 + "rem";
    return head;
  }

  width() {
    const shown = this.columns.filter((_, index) => !this.gone[index]);
    this.table.style.minWidth = shown.reduce((sum, column) => sum + (column.wide ?? column.width ?? 10), 0) * 0.56 + "rem";
  }

  /// Whether a column came or went.
  judge() {
    const has = (column) => this.all.some((row) => { const value = column.value(row); return value !== null && value !== undefined && value !== 0; });
    const gone = this.columns.map((column) => Boolean(column.optional && !has(column)));
    if (gone.every((is, index) => is === this.gone[index])) return;
    this.gone = gone;
    for (const row of [{ children: this.heads }, ...this.body.children]) {
      gone.forEach((is, index) => (row.children[index].hidden = is));
    }
    this.width();
  }

  sortBy(index) {
    if (this.sorted === index) this.descending = !this.descending;
    else [this.sorted, this.descending] = [index, !this.columns[index].text];
    this.arrange();
    this.paint();
  }

  search(text) {
    this.filter = text.trim().toLowerCase();
    this.scroller.scrollTop = 0;
    this.arrange();
    this.paint();
  }

  /// New figures. Who is in the table with pointer or focus keeps the order before his eyes.
  update(rows) {
    const isHeld = this.order.length > 0 && rows.length === this.all.length && this.element.matches(":hover, :focus-within");
    this.all = rows;
    this.judge();
    if (!isHeld) this.arrange();
    this.paint();
  }

  arrange() {
    let rows = this.all;
    if (this.filter) rows = rows.filter((row) => this.filterOf(row).includes(this.filter));
    const column = this.columns[this.sorted];
    if (column) {
      const sign = this.descending ? -1 : 1;
      const keys = rows.map((row, place) => ({ place, row, key: column.value(row) ?? (column.text ? "" : -Infinity) }));
      const compare = column.text ? (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) : (a, b) => a.key - b.key || 0;
      keys.sort((a, b) => sign * compare(a, b) || a.place - b.place);
      rows = keys.map(({ row }) => row);
    }
    this.order = rows;
    this.heads.forEach((head, index) => {
      const direction = index === this.sorted ? (this.descending ? "descending" : "ascending") : "none";
      if (this.columns[index].value) set(head, "aria-sort", direction);
    });
  }

  paint() {
    const count = this.order.length;
    show(this.nothing, count === 0);
    show(this.scroller, count > 0);
    // Room for a bar below, where it scrolls sideways.
    const bar = this.scroller.offsetHeight - this.scroller.clientHeight;
    const height = Math.min(count + 1, this.most) * ROW + Math.max(bar, 2);
    this.scroller.style.height = height + "px";
    this.sizer.style.height = (count + 1) * ROW + "px";
    const first = Math.max(0, Math.min(Math.floor(this.scroller.scrollTop / ROW) - 3, count - 1));
    const last = Math.min(count, first + this.most + 8);
    this.table.style.top = first * ROW + "px";
    this.first = first;
    set(this.table, "aria-rowcount", String(count + 1));
    while (this.body.children.length > Math.max(0, last - first)) this.body.lastChild.remove();
    while (this.body.children.length < last - first) this.body.append(this.row());
    for (let place = first; place < last; place++) this.fill(this.body.children[place - first], place);
    this.rove();
  }

  row() {
    const cells = this.columns.map((column, index) => {
      const tag = index === 0 ? "th" : "td";
      const cell = el(tag, { role: index === 0 ? "rowheader" : "gridcell", tabindex: "-1", class: column.text ? "text" : null, hidden: this.gone[index] });
      if (column.draw) cell.append((cell.canvas = el("canvas", { "aria-hidden": "true" })));
      return cell;
    });
    return el("tr", {}, ...cells);
  }

  fill(element, place) {
    const row = this.order[place];
    element.row = row;
    set(element, "aria-rowindex", String(place + 2));
    this.columns.forEach((column, index) => {
      if (this.gone[index]) return;
      const cell = element.children[index];
      if (column.draw) return column.draw(cell.canvas, row, cell);
      const value = column.value(row);
      const text = value === null || value === undefined ? "" : column.show ? column.show(value, row) : String(value);
      if (cell.shown !== text) {
        say(cell, text);
        if (column.text) cell.title = text;
        cell.classList.toggle("alarm", Boolean(column.alarming && text));
      }
      if (column.share) {
        const part = column.share(row);
        cell.style.backgroundSize = `${Math.round(Math.min(1, part || 0) * 100)}% 100%`;
        if (!cell.classList.contains("bar")) cell.classList.add("bar");
      }
    });
  }

  cell({ place, column }) {
    return this.body.children[place - this.first]?.children[column] ?? null;
  }

  /// One cell is a stop of the tab key.
  rove() {
    const stop = this.cell(this.active) ?? this.body.children[0]?.children[0] ?? null;
    if (this.stop !== stop) {
      if (this.stop) this.stop.tabIndex = -1;
      if (stop) stop.tabIndex = 0;
      this.stop = stop;
    }
  }

  placeOf(cell) {
    return { place: this.first + [...this.body.children].indexOf(cell.parentElement), column: [...cell.parentElement.children].indexOf(cell) };
  }

  focused(event) {
    const cell = event.target.closest("th,td");
    if (!cell) return;
    this.active = this.placeOf(cell);
    this.rove();
    this.offer(this.active);
  }

  offer({ place, column }) {
    const row = this.order[place];
    const query = row === undefined ? null : this.columns[column].query?.(row);
    offerQuery(query ?? null, this.columns[column].name);
  }

  click(event) {
    const cell = event.target.closest("th,td");
    if (!cell) return;
    cell.focus();
    if (this.active.column === 0) this.open?.(this.order[this.active.place]);
  }

  key(event) {
    const { place, column } = this.active;
    if (!event.target.closest("tbody") || event.altKey || event.metaKey) return;
    const [end, right] = [this.order.length - 1, this.gone.lastIndexOf(false)];
    const all = event.ctrlKey;
    // Past columns that are not there.
    const beside = (step) => {
      let next = column + step;
      while (this.gone[next]) next += step;
      return next < 0 || next > right ? column : next;
    };
    const moves = {
      ArrowDown: { place: place + 1 }, ArrowUp: { place: place - 1 }, ArrowRight: { column: beside(1) }, ArrowLeft: { column: beside(-1) },
      PageDown: { place: place + this.most - 1 }, PageUp: { place: place - this.most + 1 },
      Home: all ? { place: 0, column: 0 } : { column: 0 }, End: all ? { place: end, column: right } : { column: right },
    };
    if (moves[event.key]) {
      event.preventDefault();
      const next = { place, column, ...moves[event.key] };
      this.go({ place: Math.max(0, Math.min(end, next.place)), column: Math.max(0, Math.min(right, next.column)) });
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.open?.(this.order[place]);
    } else if (event.key === "c" && !event.ctrlKey) {
      event.preventDefault();
      copyQuery();
    }
  }

  go(active) {
    this.active = active;
    const [top, view] = [active.place * ROW, this.scroller.clientHeight - 2 * ROW];
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top > this.scroller.scrollTop + view) this.scroller.scrollTop = top - view;
    this.paint();
    this.cell(active)?.focus({ preventScroll: false });
  }
}
