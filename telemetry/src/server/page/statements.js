// What DuckDB ran: statements, and the slow ones with their plans.

let statementGrid = null;

const ofStatement = (row) => ({ database: row.database, statement: row.statement });

function beginStatements() {
  const figure = (name, title, value, format, query, more = {}) => ({ name, title, value, show: format, query, ...more });
  statementGrid = new Grid({
    label: "Statements", rows: 12, sortBy: 4, open: openStatement, filterOf: (row) => row.text.toLowerCase(),
    columns: [
      { name: "statement", text: true, wide: 40, value: (row) => row.text, query: (row) => sumOf("duckdb_queries_total", ofStatement(row)) },
      { name: "database", text: true, width: 13, value: (row) => row.database },
      figure("runs", "runs, failed ones included", (row) => row.calls + row.errors, number, (row) => sumOf("duckdb_queries_total", ofStatement(row))),
      figure("errors", "runs that failed", (row) => row.errors, nothingIfZero(number), (row) => sumOf("duckdb_queries_total", { ...ofStatement(row), result: "error" }), { alarming: true, width: 8 }),
      figure("total", "time of all runs", (row) => row.total_seconds, seconds, (row) => sumOf("duckdb_query_duration_seconds_sum", ofStatement(row)), { share: (row) => row.total_seconds / statementTotal }),
      figure("mean", "time of a run", (row) => row.mean_seconds, seconds, (row) => meanOf("duckdb_query_duration_seconds", ofStatement(row))),
      figure("p95", "95 of 100 runs took no longer", (row) => row.p95_seconds, seconds, (row) => quantileOf(0.95, "duckdb_query_duration_seconds", ofStatement(row))),
      figure("longest", "the longest run", (row) => row.max_seconds, seconds, (row) => quantileOf(1, "duckdb_query_duration_seconds", ofStatement(row))),
      figure("rows", "rows returned or changed", (row) => row.rows, number, (row) => sumOf("duckdb_query_rows_returned_total", ofStatement(row))),
      figure("scanned", "rows read from tables, estimated where not every run is profiled", (row) => row.rows_scanned, number, (row) => sumOf("duckdb_query_rows_scanned_total", ofStatement(row))),
      figure("memory", "the most of one run", (row) => row.peak_memory_bytes, bytes, (row) => `max(${selector("duckdb_query_peak_memory_bytes", ofStatement(row))})`),
    ],
  });
  byId("statement-table").append(statementGrid.element);
}

let statementTotal = 1;
let openedStatement = null;

function openStatement(row) {
  openedStatement = row.database + "\u0000" + row.statement;
  showOpenedStatement();
  byId("statement-title").focus();
}

function showOpenedStatement() {
  const row = state.now.statements.find((row) => row.database + "\u0000" + row.statement === openedStatement);
  show(byId("statement"), Boolean(row));
  if (!row) return;
  say(byId("statement-title"), row.statement);
  say(byId("statement-text"), row.text);
  say(byId("statement-plan"), row.plan ?? "No run of it was profiled yet.");
}

function showStatements() {
  const { statements, slow } = state.now;
  const databases = state.now.families.filter((family) => family.group === "database");
  const has = statements.length + slow.length + databases.length > 0;
  show(byId("statements-section"), has);
  show(byId("nav-statements"), has);
  if (!has) return;
  statementTotal = statements.reduce((sum, row) => sum + row.total_seconds, 0) || 1;
  statementGrid.update(statements);
  showOpenedStatement();
  show(byId("slow-heading"), slow.length > 0);
  keyed(byId("slow"), slow, (run) => `${run.at} ${run.statement}`,
    () => {
      const parts = { head: el("summary"), text: el("pre", { tabindex: "0" }), plan: el("pre", { tabindex: "0" }) };
      return Object.assign(el("details", {}, parts.head, parts.text, parts.plan), { parts });
    },
    (element, run) => {
      const ago = Math.max(0, state.now.taken_at - run.at);
      say(element.parts.head, [run.statement, seconds(run.seconds), `${seconds(ago)} ago`, run.rows === null ? null : `${number(run.rows)} rows`, run.error_type].filter(Boolean).join(" · "));
      say(element.parts.text, run.text);
      say(element.parts.plan, run.plan === null ? "It was not profiled." : (run.plan_is_earlier ? "The plan of an earlier run:\n" : "") + run.plan);
    });
}
