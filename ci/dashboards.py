"""Dashboards against Grafana's published schemas, and against what these do not say: places, ids, variables, units, thresholds.

The schemas are generated and in some places narrower than Grafana is; `mended` says where. Before the dashboards themselves, copies of one are judged that
have one fault each: a check that finds nothing in them finds nothing anywhere.
"""

import copy
import json
import pathlib
import re
import sys

import jsonschema

# The schema of each type of panel.
PANELS = {"timeseries": "timeseries", "stat": "stat", "bargauge": "bargauge", "table": "table", "heatmap": "heatmap", "state-timeline": "statetimeline"}
# Grafana's own. <https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables>
GLOBAL = {"__rate_interval", "__range", "__interval", "__url_time_range", "__value", "__field", "__data", "__from", "__to", "__series", "__all"}
OWN_UNIT = re.compile(r"(suffix|prefix|time|si|count|currency|bool|locale):.+")
VARIABLE = re.compile(r"\$\{(\w+)(?:[.:][^}]*)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]")


def unions(node):
    """What is written as `oneOf` is not exclusive."""
    if isinstance(node, dict):
        return {("anyOf" if key == "oneOf" else key): unions(value) for key, value in node.items()}
    return [unions(value) for value in node] if isinstance(node, list) else node


def mended(schema):
    parts = schema["definitions"]
    for part, member in (("DynamicConfigValue", "value"), ("MatcherConfig", "options"), ("DataTransformerConfig", "options")):
        parts[part]["properties"][member] = {}
    parts["VariableModel"]["properties"]["query"] = {"type": ["string", "object"]}
    parts["Panel"]["properties"]["options"] = {"type": "object"}
    parts["VariableOption"]["required"] = []
    # The first step's value is null.
    parts["Threshold"]["properties"]["value"] = {"type": ["number", "null"]}
    parts["RowPanel"]["properties"]["targets"] = {}
    row = {"properties": {"type": {"const": "row"}}, "required": ["type"]}
    parts["Dashboard"]["properties"]["panels"]["items"] = {"if": row, "then": {"$ref": "#/definitions/RowPanel"}, "else": {"$ref": "#/definitions/Panel"}}
    return schema


class Judge:
    def __init__(self, folder):
        read = lambda name: unions(json.loads((folder / f"{name}.jsonschema.json").read_text(encoding="utf-8")))
        self.dashboard = jsonschema.Draft7Validator(mended(read("dashboard")))
        self.query = jsonschema.Draft7Validator(read("prometheus"))
        self.units = {part["const"] for part in read("units")["definitions"].values()}
        self.parts = {}
        for kind, stem in PANELS.items():
            schema = read(stem)
            for part in ("Options", "FieldConfig"):
                if part in schema["definitions"]:
                    self.parts[kind, part] = jsonschema.Draft7Validator({**schema, "$ref": f"#/definitions/{part}"})

    def faults(self, board):
        for error in self.dashboard.iter_errors(board):
            yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", str(board.get("uid"))):
            yield f"uid {board.get('uid')!r}"
        if board.get("schemaVersion") != 42 or board.get("id") is not None:
            yield "schemaVersion is not 42, or it has an id of some installation"
        if "telemetry" not in board.get("tags", []):
            yield "it does not have the tag `telemetry`"
        variables = {item["name"]: item for item in board["templating"]["list"]}
        rows = [panel for panel in board["panels"] if panel["type"] == "row"]
        for panels in [board["panels"]] + [row.get("panels", []) for row in rows]:
            yield from self.places(panels)
        everything = board["panels"] + [panel for row in rows for panel in row.get("panels", [])]
        ids = [panel.get("id") for panel in everything]
        if len(set(ids)) != len(ids) or not all(isinstance(one, int) and 0 < one < 2**31 for one in ids):
            yield "ids of panels are missing, double or too large"
        for panel in everything:
            yield from (f"{panel.get('title')}: {fault}" for fault in self.of_panel(panel, variables))
        # The title of what is shown, the address of a link: all that Grafana fills in.
        for found in VARIABLE.finditer(json.dumps([board["panels"], board["templating"], board["annotations"], board.get("links")], ensure_ascii=False)):
            name = found[1] or found[2] or found[3]
            if name not in variables and name not in GLOBAL:
                yield f"nobody defines the variable {name}"

    def places(self, panels):
        taken = {}
        for panel in panels:
            place = panel["gridPos"]
            if place["x"] + place["w"] > 24 or place["w"] < 1 or place["h"] < 1:
                yield f"{panel.get('title')}: lies outside of the 24 columns"
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    if (x, y) in taken:
                        yield f"{panel.get('title')}: lies on {taken[x, y]}"
                        return
                    taken[x, y] = panel.get("title")

    def of_panel(self, panel, variables):
        kind = panel["type"]
        if panel.get("repeat") and not variables.get(panel["repeat"], {}).get("multi"):
            yield f"repeats by {panel['repeat']}, of which several cannot be chosen"
        if kind == "row":
            return
        if kind not in PANELS:
            yield f"a panel of the type {kind}"
            return
        if not panel.get("title") or not panel.get("description"):
            yield "no title or no description"
        if panel.get("datasource") != {"type": "prometheus", "uid": "${datasource}"}:
            yield f"asks {panel.get('datasource')}"
        for part, value in (("Options", panel.get("options")), ("FieldConfig", panel["fieldConfig"]["defaults"].get("custom"))):
            if (kind, part) in self.parts and value is not None:
                yield from (f"{part}/{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in self.parts[kind, part].iter_errors(value))
        defaults = panel["fieldConfig"]["defaults"]
        if not defaults.get("unit") or (defaults["unit"] not in self.units and not OWN_UNIT.fullmatch(defaults["unit"])):
            yield f"Grafana knows no unit {defaults.get('unit')!r}"
        steps = [step.get("value") for step in defaults["thresholds"]["steps"]]
        if steps[0] is not None or None in steps[1:] or steps[1:] != sorted(steps[1:]):
            yield f"thresholds do not ascend from null: {steps}"
        references = [target.get("refId") for target in panel["targets"]]
        if not references or len(set(references)) != len(references):
            yield "no query, or two with one refId"
        for target in panel["targets"]:
            yield from (f"query {target.get('refId')}: {error.message[:300]}" for error in self.query.iter_errors(target))
            if not target.get("expr") or not target.get("legendFormat"):
                yield f"query {target.get('refId')}: no expr or no legendFormat"
            if re.search(r"\[\d+(?:ms|[smhdwy])", target.get("expr", "")):
                yield f"query {target['refId']}: a fixed range"


def first(board, kind):
    everything = board["panels"] + [panel for row in board["panels"] for panel in row.get("panels", [])]
    return next(panel for panel in everything if panel["type"] == kind)


def change(of, *path):
    """Sets what is at the path's end to its last part; `None` takes it away."""
    *steps, key, value = path

    def apply(board):
        at = first(board, of) if of else board
        for step in steps:
            at = at[step]
        if value is None:
            del at[key]
        else:
            at[key] = value

    return apply


BROKEN = [
    ("is not of type", change(None, "title", 7)),
    ("uid 'Upper'", change(None, "uid", "Upper")),
    ("schemaVersion", change(None, "schemaVersion", 36)),
    ("id of some installation", change(None, "id", 3)),
    ("tag `telemetry`", change(None, "tags", [])),
    ("'templating' is a required property", lambda board: board.pop("templating")),
    ("a panel of the type graph", change("timeseries", "type", "graph")),
    ("Grafana knows no unit 'seconds'", change("timeseries", "fieldConfig", "defaults", "unit", "seconds")),
    ("Grafana knows no unit None", change("timeseries", "fieldConfig", "defaults", "unit", None)),
    ("thresholds do not ascend", change("timeseries", "fieldConfig", "defaults", "thresholds", "steps", [{"color": "red", "value": 3}])),
    ("thresholds do not ascend", change("stat", "fieldConfig", "defaults", "thresholds", "steps", [{"color": "red", "value": None}, {"color": "red", "value": 3}, {"color": "red", "value": 2}])),
    ("Additional properties", change("timeseries", "colour", "red")),
    ("Options", change("stat", "options", "graphMode", "lines")),
    ("Options", change("heatmap", "options", "tooltip", "mode", "all")),
    ("FieldConfig", change("timeseries", "fieldConfig", "defaults", "custom", "lineWidth", "thick")),
    ("query A", change("timeseries", "targets", 0, "exemplar", "yes")),
    ("no expr", change("timeseries", "targets", 0, "expr", "")),
    ("a fixed range", change("timeseries", "targets", 0, "expr", "rate(x_total[5m])")),
    ("two with one refId", lambda board: first(board, "timeseries")["targets"].append(copy.deepcopy(first(board, "timeseries")["targets"][0]))),
    ("no title or no description", change("table", "description", "")),
    ("asks", change("timeseries", "datasource", "Prometheus")),
    ("outside of the 24 columns", change("timeseries", "gridPos", "x", 20)),
    ("lies on", lambda board: [panel["gridPos"].update(x=0, y=1) for panel in board["panels"]]),
    ("double", lambda board: [panel.update(id=1) for panel in board["panels"]]),
    ("nobody defines the variable jobs", change("timeseries", "targets", 0, "expr", "x{job=~\"$jobs\"}")),
    ("repeats by", change("row", "repeat", "datasource")),
]


def main():
    folder, *files = map(pathlib.Path, sys.argv[1:])
    judge = Judge(folder)
    boards = {file: json.loads(file.read_text(encoding="utf-8")) for file in files}
    # The one that has all that is generated.
    whole = boards[files[-1]]
    for expected, apply in BROKEN:
        board = copy.deepcopy(whole)
        apply(board)
        try:
            said = list(judge.faults(board))
        except (KeyError, TypeError) as error:
            # What the schema refused first may not be there to be looked at.
            said = [fault.message for fault in judge.dashboard.iter_errors(board)] or [repr(error)]
        if not any(expected in fault for fault in said):
            sys.exit(f"ci/dashboards.py: a copy in which there should be {expected!r} is judged so: {said}")
    failed = False
    for file, board in boards.items():
        for fault in judge.faults(board):
            print(f"{file}: {fault}", file=sys.stderr)
            failed = True
    if failed:
        sys.exit(1)
    panels = sum(len(board["panels"]) + sum(len(row.get("panels", [])) for row in board["panels"]) for board in boards.values())
    print(f"{len(boards)} dashboards with {panels} panels and rows: nothing found, and each of {len(BROKEN)} faults in copies was")


main()
