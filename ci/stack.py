"""What no schema sees in `dashboards/stack`: mounts and addresses that lead nowhere, keys that Grafana does not read, ports beyond this machine.

Before the files themselves, copies are judged that have one fault each: a check that finds nothing in them finds nothing anywhere.
"""

import copy
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema
from ruamel.yaml import YAML

# Servers whose image holds their one program: nothing in it could ask whether it is well.
ALONE = {"collector", "tempo"}
# Published ports of what a service listens on: name, port.
PORTS = {"prometheus": {9090}, "alertmanager": {9093, 9094}, "grafana": {3000}, "collector": {4317, 4318, 8888}, "tempo": {3200, 9095, 14317}, "program": {8000}}
DATASOURCE = {"name", "uid", "type", "access", "url", "isDefault", "editable", "jsonData", "secureJsonData", "orgId", "version", "basicAuth", "basicAuthUser", "user", "database", "withCredentials"}
PROVIDER = {"name", "orgId", "folder", "folderUid", "type", "disableDeletion", "allowUiUpdates", "updateIntervalSeconds", "options"}
OPTIONS = {"path", "foldersFromFilesStructure"}
# What compose itself sets, by name of the variable.
SUBSTITUTED = re.compile(r"\$\{?([A-Z_][A-Z0-9_]*)\}?")

COLLECTOR = jsonschema.Draft202012Validator(json.loads(pathlib.Path(__file__).with_name("collector.schema.json").read_text()))


def load(path):
    # Refuses a key that is given twice.
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def merged(base, over):
    """By compose's rules, as far as these files need them: maps are united, `command` is replaced, mounts of one target too."""
    result = copy.deepcopy(base)
    for name, service in over["services"].items():
        into = result["services"][name]
        for key, value in service.items():
            if key == "environment":
                into.setdefault(key, {}).update(value)
            elif key == "volumes":
                targets = {mount.split(":")[1] for mount in value}
                into[key] = [mount for mount in into.get(key, []) if mount.split(":")[1] not in targets] + value
            else:
                into[key] = value
    return result


def published(service):
    """Address, port on this machine, port in the container."""
    for port in service.get("ports", []):
        address, _, rest = str(port).rpartition(":")[0].rpartition(":")
        yield address, rest, str(port).rpartition(":")[2]


def on_host(compose):
    return any(service.get("network_mode") == "host" for service in compose["services"].values())


def of_services(folder, name, compose):
    taken = {}
    for service_name, service in compose["services"].items():
        where = f"{name}: {service_name}"
        image, _, version = service["image"].partition(":")
        if not re.fullmatch(r"v?\d+\.\d+\.\d+", version) and "build" not in service:
            yield f"{where}: the image {image} is not pinned to a version"
        for address, here, inside in published(service):
            if address != "127.0.0.1":
                yield f"{where}: port {here} is published on {address or 'every address'}"
            if here in taken:
                yield f"{where}: port {here} is taken by {taken[here]}"
            if int(inside) not in PORTS[service_name]:
                yield f"{where}: nothing in it listens on {inside}"
            taken[here] = service_name
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("."):
                if not (folder / source).exists():
                    yield f"{where}: there is no {source}"
                if not mount.endswith(":ro"):
                    yield f"{where}: {source} can be written to"
            elif source not in compose.get("volumes", {}):
                yield f"{where}: the volume {source} is not declared"
        inside = [mount.split(":")[1] for mount in service.get("volumes", [])]
        for argument in service.get("command", []):
            path = re.search(r"config(?:\.file)?=(\S+)", argument)
            if path and path[1] not in inside:
                yield f"{where}: is told to read {path[1]}, which is not mounted"
        if service_name not in ALONE and "healthcheck" not in service and not built_with_healthcheck(folder, service):
            yield f"{where}: has no health check"
        for other in service.get("depends_on", {}):
            if other not in compose["services"]:
                yield f"{where}: depends on {other}, which is no service"
            elif compose["services"][other].get("profiles") and not service.get("profiles"):
                yield f"{where}: depends on {other}, which is there with a profile only"
        for secret in service.get("secrets", []):
            if secret not in compose.get("secrets", {}):
                yield f"{where}: the secret {secret} is not declared"
        for variable, value in service.get("environment", {}).items():
            if re.search(r"(PASSWORD|TOKEN|SECRET)$", variable):
                yield f"{where}: {variable} is in the file; a secret is a file in the container"
            yield from of_address(f"{where}: {variable}", str(value), compose)
    grafana = compose["services"]["grafana"]["environment"]
    if grafana.get("GF_SECURITY_ADMIN_PASSWORD__FILE") != "/run/secrets/grafana_password":
        yield f"{name}: grafana: the password is Grafana's own default"
    if str(grafana.get("GF_AUTH_ANONYMOUS_ENABLED")).lower() != "false":
        yield f"{name}: grafana: is open without a name"


def built_with_healthcheck(folder, service):
    build = service.get("build")
    if not build:
        return False
    context = folder / build["context"]
    file = context / build["dockerfile"]
    return file.exists() and "\nHEALTHCHECK " in file.read_text()


def of_address(where, value, compose):
    """An address within the project, or on the machine's own network."""
    found = re.fullmatch(r"(?:https?://)?([a-z0-9.-]+):(\d+)(?:/.*)?", value)
    if not found or found[1] == "0.0.0.0":
        return
    host, port = found[1], int(found[2])
    if on_host(compose):
        if host not in ("127.0.0.1", "localhost"):
            yield f"{where}: {host} is no name on the machine's own network"
        elif not any(port in ports for service, ports in PORTS.items() if compose["services"][service].get("network_mode") == "host" or service == "program"):
            yield f"{where}: nothing listens on {port}"
    elif host not in compose["services"]:
        yield f"{where}: {host} is no service"
    elif port not in PORTS[host]:
        yield f"{where}: {host} does not listen on {port}"


def of_listening(name, compose):
    """On the machine's own network a service listens on loopback alone."""
    for service_name, service in compose["services"].items():
        if service.get("network_mode") != "host":
            if on_host(compose) and not service.get("profiles") and service_name != "program":
                yield f"{name}: {service_name}: is not on the machine's own network, where the others are"
            continue
        said = " ".join(service.get("command", [])) + " " + " ".join(f"{key}={value}" for key, value in service.get("environment", {}).items())
        if not re.search(r"(web\.listen-address=127\.0\.0\.1:\d+|\bLISTEN=127\.0\.0\.1|GF_SERVER_HTTP_ADDR=127\.0\.0\.1)", said):
            yield f"{name}: {service_name}: listens on every address of this machine"


def mounted(folder, compose, service, target):
    """The file of ours that a service has at this place."""
    for mount in compose["services"][service].get("volumes", []):
        parts = mount.split(":")
        if parts[1] == target and parts[0].startswith("."):
            return folder / parts[0]
    return None


def of_prometheus(folder, name, compose):
    file = mounted(folder, compose, "prometheus", "/etc/prometheus/prometheus.yml")
    if file is None or not file.exists():
        yield f"{name}: prometheus: has no configuration"
        return
    config = load(file)
    jobs = config["scrape_configs"]
    for pattern in config.get("rule_files", []):
        path = pathlib.PurePosixPath(pattern)
        rules = mounted(folder, compose, "prometheus", str(path.parent))
        if rules is None or not list(rules.glob(path.name)):
            yield f"{file.name}: no rules are mounted at {pattern}"
    targets = [(job["job_name"], target) for job in jobs for group in job.get("static_configs", []) for target in group["targets"]]
    targets += [("alertmanager", target) for manager in config["alerting"]["alertmanagers"] for group in manager["static_configs"] for target in group["targets"]]
    for job, target in targets:
        yield from of_address(f"{file.name}: {job}", target, compose)
    for job in jobs:
        for sd in job.get("dns_sd_configs", []):
            for host in sd["names"]:
                yield from of_address(f"{file.name}: {job['job_name']}", f"{host}:{sd['port']}", compose)
    if not any(job["job_name"] == "telemetry" for job in jobs):
        yield f"{file.name}: no job scrapes the program"
    checked = copy.deepcopy(config)
    checked["rule_files"] = []
    # Debian's promtool is of a version without OTLP.
    if checked.pop("otlp", None) != {"keep_identifying_resource_attributes": True}:
        yield f"{file.name}: what is pushed does not keep its service_name"
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as plain:
        YAML().dump(checked, plain)
        plain.flush()
        told = subprocess.run(["promtool", "check", "config", plain.name], capture_output=True, text=True)
    if told.returncode:
        yield f"{file.name}: promtool: {told.stderr.strip() or told.stdout.strip()}"


def of_grafana(folder, name, compose):
    provisioning = mounted(folder, compose, "grafana", "/etc/grafana/provisioning")
    if provisioning is None or not provisioning.exists():
        yield f"{name}: grafana: nothing is provisioned"
        return
    environment = compose["services"]["grafana"]["environment"]
    uids, defaults, names = {}, 0, set()
    file = mounted(folder, compose, "prometheus", "/etc/prometheus/prometheus.yml")
    interval = load(file)["global"]["scrape_interval"] if file and file.exists() else None
    for path in sorted((provisioning / "datasources").glob("*.y*ml")):
        document = load(path)
        if document.get("apiVersion") != 1:
            yield f"{path.name}: apiVersion is not 1"
        for source in document["datasources"]:
            yield from (f"{path.name}: {source.get('name')}: Grafana reads no `{key}`" for key in sorted(set(source) - DATASOURCE))
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", source.get("uid", "")):
                yield f"{path.name}: {source['name']}: no uid that a dashboard could name"
            if source["name"] in names or source.get("uid") in uids:
                yield f"{path.name}: {source['name']}: name or uid is given twice"
            names.add(source["name"])
            uids[source.get("uid")] = source["type"]
            defaults += bool(source.get("isDefault"))
            if source.get("access") not in ("proxy", "direct"):
                yield f"{path.name}: {source['name']}: access is {source.get('access')!r}"
            if source["type"] == "prometheus" and source["jsonData"].get("timeInterval") != interval:
                yield f"{path.name}: {source['name']}: timeInterval is {source['jsonData'].get('timeInterval')}, scrapes come every {interval}"
            for variable in SUBSTITUTED.findall(source["url"]):
                if variable not in environment:
                    yield f"{path.name}: {source['name']}: {variable} is not in the container's environment"
        for source in document["datasources"]:
            for to in source.get("jsonData", {}).get("exemplarTraceIdDestinations", []):
                if to["datasourceUid"] not in uids:
                    yield f"{path.name}: {source['name']}: exemplars lead to {to['datasourceUid']}, which is not provisioned"
    if defaults != 1:
        yield f"datasources: {defaults} of them are the default"
    seen = {}
    for path in sorted((provisioning / "dashboards").glob("*.y*ml")):
        document = load(path)
        if document.get("apiVersion") != 1:
            yield f"{path.name}: apiVersion is not 1"
        for provider in document["providers"]:
            yield from (f"{path.name}: {provider.get('name')}: Grafana reads no `{key}`" for key in sorted(set(provider) - PROVIDER))
            yield from (f"{path.name}: {provider.get('name')}: Grafana reads no option `{key}`" for key in sorted(set(provider["options"]) - OPTIONS))
            where = mounted(folder, compose, "grafana", provider["options"]["path"])
            if where is None or not where.exists():
                yield f"{path.name}: {provider['name']}: {provider['options']['path']} is not mounted"
                continue
            files = [file for file in sorted(where.rglob("*.json")) if not any(part.startswith(".") for part in file.relative_to(where).parts)]
            if not files:
                yield f"{path.name}: {provider['name']}: no dashboard is there"
            for file in files:
                yield from of_dashboard(file, uids, seen)


def of_dashboard(file, uids, seen):
    try:
        dashboard = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        yield f"{file.name}: {error}"
        return
    if not isinstance(dashboard, dict) or "panels" not in dashboard:
        yield f"{file.name}: is no bare dashboard"
        return
    for key in ("uid", "title"):
        if not dashboard.get(key):
            yield f"{file.name}: has no {key}"
        elif (key, dashboard[key]) in seen:
            yield f"{file.name}: its {key} is that of {seen[key, dashboard[key]]}"
        else:
            seen[key, dashboard[key]] = file.name
    if "__inputs" in dashboard:
        yield f"{file.name}: is an export whose inputs nobody fills in"
    variables = {item["name"] for item in dashboard["templating"]["list"] if item["type"] == "datasource"}
    for uid in set(re.findall(r'"uid": "([^"]*)"', json.dumps([dashboard["panels"], dashboard["templating"], dashboard["annotations"]]))):
        variable = re.fullmatch(r"\$\{(\w+)\}", uid)
        if not (variable and variable[1] in variables) and uid not in uids and uid != "-- Grafana --":
            yield f"{file.name}: the data source {uid} is not provisioned"


def of_collector(folder, name, compose):
    file = mounted(folder, compose, "collector", "/etc/otelcol-contrib/config.yaml")
    if file is None or not file.exists():
        yield f"{name}: collector: has no configuration"
        return
    text, environment = file.read_text(), compose["services"]["collector"]["environment"]
    for variable in re.findall(r"\$\{env:(\w+)\}", text):
        if variable not in environment:
            yield f"{file.name}: {variable} is not in the container's environment"
    text = re.sub(r"\$\{env:(\w+)\}", lambda found: str(environment.get(found[1], "")), text)
    config = YAML(typ="safe").load(text)
    yield from (f"{file.name}: {'.'.join(map(str, error.absolute_path))}: {error.message}" for error in COLLECTOR.iter_errors(config))
    pipelines = config["service"]["pipelines"]
    for section in ("receivers", "processors", "exporters"):
        defined, used = set(config[section]), {item for pipeline in pipelines.values() for item in pipeline[section]}
        yield from (f"{file.name}: {item} is used and not among the {section}" for item in sorted(used - defined))
        yield from (f"{file.name}: {item} is among the {section} and not used" for item in sorted(defined - used))
    for pipeline, parts in pipelines.items():
        if parts["processors"][0] != "memory_limiter":
            yield f"{file.name}: {pipeline}: memory_limiter does not come first"


def of_tempo(folder, name, compose):
    file = mounted(folder, compose, "tempo", "/etc/tempo.yml")
    text, environment = file.read_text(), compose["services"]["tempo"]["environment"]
    for variable in re.findall(r"\$\{(\w+)\}", text):
        if variable not in environment:
            yield f"{file.name}: {variable} is not in the container's environment"
    listens = re.search(r"endpoint: \$\{LISTEN\}:(\d+)", text)
    asked = compose["services"]["collector"]["environment"]["TEMPO_OTLP"].rpartition(":")[2]
    if not listens or listens[1] != asked:
        yield f"{file.name}: takes spans on {listens and listens[1]}, and the collector sends them to {asked}"


def faults(folder):
    base = load(folder / "compose.yml")
    variants = {"compose.yml": base, "compose.host.yml": merged(base, load(folder / "compose.host.yml"))}
    found = []
    for name, compose in variants.items():
        for check in (of_services, of_prometheus, of_grafana, of_collector, of_tempo):
            found += check(folder, name, compose)
        found += of_listening(name, compose)
    return sorted(set(found))


# A file, what is replaced by what in it, and what is then to be said.
BROKEN = [
    ("compose.yml", "127.0.0.1:9090:9090", "9090:9090", "published on every address"),
    ("compose.yml", "prom/prometheus:v3.5.0", "prom/prometheus:latest", "not pinned"),
    ("compose.yml", "./prometheus.yml:/etc", "./prometheus.yaml:/etc", "there is no ./prometheus.yaml"),
    ("compose.yml", "../rules:/etc/prometheus/rules:ro", "../rules:/etc/prometheus/rules", "can be written to"),
    ("compose.yml", "../rules:/etc/prometheus/rules:ro", "../rules:/etc/prometheus/alerts:ro", "no rules are mounted"),
    ("compose.yml", "      GF_SECURITY_ADMIN_PASSWORD__FILE: /run/secrets/grafana_password\n", "", "Grafana's own default"),
    ("compose.yml", "      GF_SECURITY_ADMIN_PASSWORD__FILE: /run/secrets/grafana_password\n", "      GF_SECURITY_ADMIN_PASSWORD: admin\n", "is in the file"),
    ("compose.yml", 'GF_AUTH_ANONYMOUS_ENABLED: "false"', 'GF_AUTH_ANONYMOUS_ENABLED: "true"', "open without a name"),
    ("compose.yml", "PROMETHEUS_URL: http://prometheus:9090\n      ALERT", "PROMETHEUS_URL: http://prometheus:9091\n      ALERT", "does not listen on 9091"),
    ("compose.yml", "PROMETHEUS_URL: http://prometheus:9090\n      ALERT", "PROMETHEUS: http://prometheus:9090\n      ALERT", "PROMETHEUS_URL is not in"),
    ("compose.yml", "TEMPO_URL: http://tempo:3200", "TEMPO_URL: http://traces:3200", "traces is no service"),
    ("compose.yml", "  grafana:\n  tempo:\n  program:", "  tempo:\n  program:", "volume grafana is not declared"),
    ("compose.yml", '    healthcheck:\n      test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:9093/-/healthy"]\n      interval: 10s\n      timeout: 5s\n      retries: 6\n', "", "alertmanager: has no health check"),
    ("compose.yml", "..:/var/lib/grafana/dashboards:ro", "..:/var/lib/grafana/boards:ro", "dashboards is not mounted"),
    ("compose.host.yml", "      - --web.listen-address=127.0.0.1:9090\n", "", "listens on every address"),
    ("compose.host.yml", "GF_SERVER_HTTP_ADDR: 127.0.0.1", "GF_SERVER_HTTP_ADDR: 0.0.0.0", "listens on every address"),
    ("compose.host.yml", "PROMETHEUS_URL: http://127.0.0.1:9090\n      ALERT", "PROMETHEUS_URL: http://prometheus:9090\n      ALERT", "no name on the machine's own network"),
    ("compose.host.yml", "TEMPO_OTLP: 127.0.0.1:14317", "TEMPO_OTLP: 127.0.0.1:4317", "takes spans on 14317"),
    ("prometheus.yml", 'targets: ["alertmanager:9093"]', 'targets: ["alerts:9093"]', "alerts is no service"),
    ("prometheus.yml", "names: [program]", "names: [app]", "app is no service"),
    ("prometheus.yml", "scrape_interval: 5s", "scrape_interval: 15s", "scrapes come every 15s"),
    ("prometheus.yml", "keep_identifying_resource_attributes: true", "translation_strategy: NoTranslation", "does not keep its service_name"),
    ("prometheus.yml", "refresh_interval: 10s", "refresh: 10s", "promtool"),
    ("prometheus.host.yml", "127.0.0.1:8000", "host.docker.internal:8000", "no name on the machine's own network"),
    ("provisioning/datasources/telemetry.yml", "    uid: prometheus\n", "", "no uid"),
    ("provisioning/datasources/telemetry.yml", "datasourceUid: tempo", "datasourceUid: traces", "exemplars lead to traces"),
    ("provisioning/datasources/telemetry.yml", "    isDefault: true\n", "", "0 of them are the default"),
    ("provisioning/dashboards/telemetry.yml", "    allowUiUpdates: false", "    editable: true", "Grafana reads no `editable`"),
    ("collector.yml", "processors: [memory_limiter, batch]", "processors: [batch, memory_limiter]", "does not come first"),
    ("collector.yml", "exporters: [otlp/tempo]", "exporters: [otlphttp/prometheus]", "otlp/tempo is among"),
    ("collector.yml", "${env:PROMETHEUS_URL}", "${env:PROMETHEUS}", "PROMETHEUS is not in"),
    ("tempo.yml", ":14317", ":4317", "takes spans on 4317"),
    ("../duckdb.json", '"uid": "telemetry-duckdb"', '"uid": "telemetry-backfill"', "its uid is that of"),
    ("../duckdb.json", '"uid": "${datasource}"', '"uid": "P1809F7CD0C75ACF3"', "the data source P1809F7CD0C75ACF3"),
    ("Dockerfile", "HEALTHCHECK ", "# ", "program: has no health check"),
]


def main():
    folder = pathlib.Path(sys.argv[1])
    for file, old, new, expected in BROKEN:
        with tempfile.TemporaryDirectory() as place:
            copied = pathlib.Path(place) / "dashboards"
            shutil.copytree(folder.parent, copied)
            path = copied / folder.name / file
            text = path.read_text()
            if old not in text:
                sys.exit(f"ci/stack.py: {file} has no {old!r}")
            path.write_text(text.replace(old, new))
            said = faults(copied / folder.name)
            if not any(expected in fault for fault in said):
                sys.exit(f"ci/stack.py: {file} with {new!r} for {old!r} is not found: {said}")
    found = faults(folder)
    for fault in found:
        print(f"dashboards/stack: {fault}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"dashboards/stack: nothing found, and each of {len(BROKEN)} faults in copies was")


main()
