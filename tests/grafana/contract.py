#!/usr/bin/env python3
"""Makes of Grafana's published OpenAPI document one that a mock server can be run with: `ci/long/grafana-contract` does.

    contract.py DOCUMENT > CORRECTED

The document is not part of this project. As it is published a mock of it refuses what Grafana takes and takes what Grafana refuses; each function
below mends one such thing and says which. What a document lacks that is to be mended is an error, so that a newer document is looked at again.
"""

import json
import re
import sys

PROMETHEUS_DURATION = r"^(0|([0-9]+(ms|[smhdwy]))+)$"
UID = r"^[A-Za-z0-9_-]{1,40}$"

# Members without which Grafana refuses a request, by schema; nothing else than what the document names may be in one.
NEEDED = {
    "AddDataSourceCommand": ["name", "type", "access"],
    "UpdateDataSourceCommand": ["name", "type", "access"],
    "CreateFolderCommand": ["title"],
    "UpdateFolderCommand": ["title"],
    "SaveDashboardCommand": ["dashboard", "folderUid"],
    "AlertRuleGroup": ["interval", "rules"],
    "ProvisionedAlertRule": ["title", "condition", "data", "folderUID", "ruleGroup"],
    "AlertQuery": ["refId", "datasourceUid", "model"],
    "RelativeTimeRange": ["from", "to"],
    "EmbeddedContactPoint": ["name", "type", "settings"],
    "PostAnnotationsCmd": ["text"],
    "PatchAnnotationsCmd": [],
}

# What members have to be besides what the document says, by schema.
STRICTER = {
    "AddDataSourceCommand": {"uid": {"pattern": UID}, "name": {"minLength": 1}, "type": {"minLength": 1}},
    "UpdateDataSourceCommand": {"uid": {"pattern": UID}, "name": {"minLength": 1}, "type": {"minLength": 1}},
    "CreateFolderCommand": {"uid": {"pattern": UID}, "title": {"minLength": 1}},
    "AlertRuleGroup": {"interval": {"minimum": 10, "multipleOf": 10}},
    "SaveDashboardCommand": {"message": {"maxLength": 500}},
}

# What the mock answers, by schema: what it makes up itself is no dashboard, and its numbers are the smallest there are.
ANSWERS = {
    "healthResponse": {"database": "ok", "version": "13.0.0"},
    "DataSource": {"uid": "prom", "type": "prometheus", "access": "proxy", "jsonData": {"httpMethod": "POST"}, "secureJsonFields": {}},
    "AlertRuleGroup": {"interval": 60, "title": "jobs / all", "folderUid": "f"},
    "ProvisionedAlertRule": {"uid": "other", "title": "Other", "for": "5m", "keep_firing_for": "0s", "provenance": "api"},
    "EmbeddedContactPoint": {"uid": "other", "type": "email", "settings": {"addresses": "a@example.org"}},
    "Hit": {"uid": "jobs", "type": "dash-db", "tags": ["telemetry"]},
}

# Words of refusals that tell two things of one code apart: the example's name, and what it holds.
WORDS = {
    "preconditionFailedError": {
        "version-mismatch": {"status": "version-mismatch", "message": "somebody else has changed it"},
        "name-exists": {"status": "name-exists", "message": "there is one of that uid"},
        "plugin-dashboard": {"status": "plugin-dashboard", "message": "a plugin has made it"},
    },
    "conflictError": {
        "old-version": {"message": "it has been updated by someone else meanwhile"},
        "name-taken": {"message": "data source with the same name already exists"},
    },
}

# Refusals that Grafana has and the document leaves out.
REFUSALS = [
    ("/datasources/uid/{uid}", "put", "404", "notFoundError"),
    ("/folders/{folder_uid}", "put", "412", "preconditionFailedError"),
    ("/v1/provisioning/folder/{FolderUID}/rule-groups/{Group}", "put", "404", "notFoundError"),
    ("/v1/provisioning/folder/{FolderUID}/rule-groups/{Group}", "put", "409", "conflictError"),
]


def every(node):
    """All objects in a document."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from every(child)
    elif isinstance(node, list):
        for child in node:
            yield from every(child)


def durations(document):
    """`format: duration` is ISO 8601 to a validator, so that `5m` would be refused."""
    found = [node for node in every(document["components"]["schemas"]) if node.get("format") == "duration"]
    if not found:
        raise SystemExit("no member is of the format `duration` any more")
    for node in found:
        del node["format"]
        node["pattern"] = PROMETHEUS_DURATION


def seconds(document):
    """A query's range is in seconds and never before now, whatever is said of its type."""
    for member in ("from", "to"):
        document["components"]["schemas"]["RelativeTimeRange"]["properties"][member] = {"type": "integer", "minimum": 0, "example": 0}


def patterns(document):
    """A class such as `[a-z\\-\\_]` is no expression in Unicode mode, and one that is none switches the check of the whole body off."""
    for node in every(document["components"]["schemas"]):
        pattern = node.get("pattern")
        if isinstance(pattern, str) and re.search(r"\\[-_]|9-_", pattern):
            node["pattern"] = UID


def words(document):
    """Values that the server takes and the document does not list."""
    schemas = document["components"]["schemas"]
    for member in ("noDataState", "execErrState"):
        schemas["ProvisionedAlertRule"]["properties"][member]["enum"].append("KeepLast")
    kinds = schemas["EmbeddedContactPoint"]["properties"]["type"]["enum"]
    kinds.extend(sorted({"prometheus-alertmanager", "jira", "oncall", "sns", "webex"} - set(kinds)))


def requests(document):
    """Misspelt members, and missing ones that the server needs, are to be seen."""
    schemas = document["components"]["schemas"]
    for name, needed in NEEDED.items():
        schema = schemas[name]
        unknown = set(needed) - set(schema["properties"])
        if unknown:
            raise SystemExit(f"{name} has no {', '.join(sorted(unknown))} any more")
        schema["additionalProperties"] = False
        required = sorted(set(schema.get("required", [])) | set(needed))
        if required:
            schema["required"] = required
        for member, rules in STRICTER.get(name, {}).items():
            schema["properties"][member].update(rules)
    schemas["AddDataSourceCommand"]["properties"]["access"] = {"type": "string", "enum": ["proxy", "direct"]}
    schemas["UpdateDataSourceCommand"]["properties"]["access"] = {"type": "string", "enum": ["proxy", "direct"]}
    schemas["SaveDashboardCommand"]["properties"]["dashboard"] = {
        "type": "object",
        "required": ["uid", "title", "id"],
        "properties": {
            "id": {"type": "integer", "nullable": True, "enum": [None]},
            "uid": {"type": "string", "pattern": UID},
            "title": {"type": "string", "minLength": 1},
            "version": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "requestBody" in operation:
                operation["requestBody"]["required"] = True


def refusals(document):
    for path, method, code, name in REFUSALS:
        document["paths"][path][method]["responses"].setdefault(code, {"$ref": f"#/components/responses/{name}"})
    for name, examples in WORDS.items():
        media = document["components"]["responses"][name]["content"]["application/json"]
        media["examples"] = {example: {"value": value} for example, value in examples.items()}


def answers(document):
    """Numbers that nobody chose are 1, and what may be false is."""
    schemas = document["components"]["schemas"]
    for node in every(document["components"]):
        if node.get("type") in ("integer", "number", "boolean") and "example" not in node and "enum" not in node:
            node["example"] = False if node["type"] == "boolean" else 1
    for name, members in ANSWERS.items():
        for member, value in members.items():
            # What is beside a reference does not count.
            schema = schemas[name]["properties"][member]
            schemas[name]["properties"][member] = {**({"type": "object"} if "$ref" in schema and isinstance(value, dict) else schema), "example": value}
            if "$ref" in schema and not isinstance(value, dict):
                schemas[name]["properties"][member] = {"type": "string", "example": value}
    dashboard = {"id": 7, "uid": "jobs", "title": "Jobs", "version": 3, "tags": ["telemetry"], "panels": []}
    schemas["DashboardFullWithMeta"]["properties"]["dashboard"] = {"type": "object", "example": dashboard}


def base(document):
    """The mock does not look at the base path of `servers`."""
    [server] = document["servers"]
    document["paths"] = {server["url"].rstrip("/") + path: item for path, item in document["paths"].items()}
    document["servers"] = [{"url": "/"}]
    # Grafana answers this one to everybody.
    document["paths"]["/api/health"]["get"]["security"] = []


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    for mend in (durations, seconds, patterns, words, requests, refusals, answers, base):
        mend(document)
    json.dump(document, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
