"""What no schema sees in `dashboards/collector`: files that are not there, ports that do not agree, images without a version, unused components.

Before the files themselves, copies are judged that have one fault each: a check that finds nothing in them finds nothing anywhere.
"""

import json
import pathlib
import re
import shutil
import sys
import tempfile

import jsonschema
from ruamel.yaml import YAML

RESTARTS = {"no", "always", "on-failure", "unless-stopped"}
MIB = {"m": 1, "g": 1024}
# Where each image reads its configuration.
CONFIGURATIONS = {"gateway": "gateway.yml", "sampler": "sampler.yml"}


SCHEMA = jsonschema.Draft202012Validator(json.loads(pathlib.Path(__file__).with_name("collector.schema.json").read_text()))


def load(path):
    # Refuses a key that is given twice.
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def published(service):
    """Address, port on this machine, port in the container."""
    for port in service.get("ports", []):
        address, _, rest = str(port).rpartition(":")[0].rpartition(":")
        yield address, rest, str(port).rpartition(":")[2]


def of_compose(folder, compose):
    taken = {}
    for name, service in compose["services"].items():
        image, _, version = service["image"].partition(":")
        if not re.fullmatch(r"v?\d+\.\d+\.\d+", version):
            yield f"compose.yml: {name}: the image {image} is not pinned to a version"
        if service.get("restart", "no") not in RESTARTS:
            yield f"compose.yml: {name}: restart is {service['restart']!r}"
        for address, here, _ in published(service):
            if address != "127.0.0.1":
                yield f"compose.yml: {name}: port {here} is published on {address or 'every address'}"
            if here in taken:
                yield f"compose.yml: {name}: port {here} is taken by {taken[here]}"
            taken[here] = name
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("."):
                if not (folder / source).exists():
                    yield f"compose.yml: {name}: there is no {source}"
                if not mount.endswith(":ro"):
                    yield f"compose.yml: {name}: {source} can be written to"
            elif source not in compose.get("volumes", {}):
                yield f"compose.yml: {name}: the volume {source} is not declared"
        for other in service.get("depends_on", []):
            if other not in compose["services"]:
                yield f"compose.yml: {name}: depends on {other}, which is no service"
        yield from of_mounts(name, service)


def of_mounts(name, service):
    inside = [mount.split(":")[1] for mount in service.get("volumes", [])]
    for argument in service.get("command", []):
        path = re.search(r"config(?:\.file)?=(\S+)", argument)
        if path and path[1] not in inside:
            yield f"compose.yml: {name}: is told to read {path[1]}, which is not mounted"


def of_collector(file, config):
    pipelines = config["service"]["pipelines"]
    for section in ("receivers", "processors", "exporters"):
        defined = set(config[section])
        used = {name for pipeline in pipelines.values() for name in pipeline[section]}
        yield from (f"{file}: {name} is used and not among the {section}" for name in sorted(used - defined))
        yield from (f"{file}: {name} is among the {section} and not used" for name in sorted(defined - used))
    for name, pipeline in pipelines.items():
        kinds = [processor.split("/")[0] for processor in pipeline["processors"]]
        if kinds[:1] != ["memory_limiter"]:
            yield f"{file}: {name}: memory_limiter does not come first"
        if "tail_sampling" in kinds and not name.startswith("traces"):
            yield f"{file}: {name}: tail_sampling is for traces"
        if "batch" in kinds and "tail_sampling" in kinds and kinds.index("batch") < kinds.index("tail_sampling"):
            yield f"{file}: {name}: batch comes before tail_sampling, which undoes it"
    for batch in (config["processors"][name] for name in config["processors"] if name.startswith("batch")):
        if batch.get("send_batch_max_size", 0) < batch.get("send_batch_size", 0):
            yield f"{file}: send_batch_max_size is below send_batch_size"


def of_memory(file, service, config):
    said = str(service.get("mem_limit", ""))
    if not re.fullmatch(r"\d+[mg]", said):
        yield f"compose.yml: no mem_limit for {file}"
        return
    room = int(said[:-1]) * MIB[said[-1]]
    limiter = config["processors"]["memory_limiter"]
    # The limit is one of the heap; what else the process takes is about 50 MiB, and it is to be checked in time.
    if limiter["limit_mib"] + 50 > room:
        yield f"{file}: limit_mib {limiter['limit_mib']} leaves no room in {said}"
    if limiter["spike_limit_mib"] >= limiter["limit_mib"]:
        yield f"{file}: spike_limit_mib is not below limit_mib"
    go = service.get("environment", {}).get("GOMEMLIMIT", "")
    if not re.fullmatch(r"\d+MiB", go) or not limiter["limit_mib"] <= int(go[:-3]) < room:
        yield f"compose.yml: GOMEMLIMIT {go!r} is not between limit_mib of {file} and mem_limit"


def listens(config, protocol):
    return config["receivers"]["otlp"]["protocols"].get(protocol, {}).get("endpoint", ":").rpartition(":")[2]


def of_ports(compose, configs, prometheus, tempo):
    services, gateway, sampler = compose["services"], configs["gateway.yml"], configs["sampler.yml"]
    inside = {port for _, _, port in published(services["gateway"])}
    wanted = {listens(gateway, "grpc"), listens(gateway, "http")}
    if inside != wanted:
        yield f"gateway.yml listens on {sorted(wanted)}, compose.yml publishes {sorted(inside)}"
    resolver = gateway["exporters"]["loadbalancing"]["resolver"]["dns"]
    if resolver["hostname"] not in services or resolver["port"] != listens(sampler, "grpc"):
        yield f"gateway.yml sends traces to {resolver['hostname']}:{resolver['port']}, where no sampler listens"
    host, _, port = sampler["exporters"]["otlp/tempo"]["endpoint"].partition(":")
    takes = tempo["distributor"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].rpartition(":")[2]
    if host not in services or port != takes:
        yield f"sampler.yml sends to {host}:{port}, Tempo takes OTLP on {takes}"
    target = re.fullmatch(r"http://([a-z]+):(\d+)/api/v1/otlp", gateway["exporters"]["otlphttp/prometheus"]["endpoint"])
    served = {port for _, _, port in published(services["prometheus"])}
    if not target or target[1] not in services or target[2] not in served:
        yield "gateway.yml does not send metrics to Prometheus' port and path for OTLP"
    if "--web.enable-otlp-receiver" not in services["prometheus"]["command"]:
        yield "compose.yml: prometheus does not take OTLP"
    if str(tempo["server"]["http_listen_port"]) not in {port for _, _, port in published(services["tempo"])}:
        yield "tempo.yml listens on a port that compose.yml does not publish"
    for job in prometheus["scrape_configs"]:
        for discovery in job["dns_sd_configs"]:
            file = CONFIGURATIONS.get(discovery["names"][0])
            own = file and configs[file]["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]["port"]
            if own != discovery["port"]:
                yield f"prometheus.yml scrapes {discovery['names'][0]} on {discovery['port']}, which is {own}"


def of_schema(file, config):
    for error in SCHEMA.iter_errors(config):
        yield f"{file}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def judge(folder):
    compose = load(folder / "compose.yml")
    configs = {file: load(folder / file) for file in CONFIGURATIONS.values()}
    shapeless = [fault for file, config in configs.items() for fault in of_schema(file, config)]
    if shapeless:
        # The other checks look for things where the schema says that they are.
        return shapeless
    wrong = list(of_compose(folder, compose))
    for service, file in CONFIGURATIONS.items():
        wrong += of_collector(file, configs[file])
        wrong += of_memory(file, compose["services"][service], configs[file])
    wrong += of_ports(compose, configs, load(folder / "prometheus.yml"), load(folder / "tempo.yml"))
    return wrong


# File, what stands there, what is put in its place, what is to be found.
BROKEN = [
    ("compose.yml", "tempo:2.8.2", "tempo:latest", "the image grafana/tempo is not pinned"),
    ("compose.yml", "tempo:2.8.2", "tempo", "the image grafana/tempo is not pinned"),
    ("compose.yml", '"127.0.0.1:3200:3200"', '"3200:3200"', "port 3200 is published on every address"),
    ("compose.yml", '"127.0.0.1:3200:3200"', '"0.0.0.0:3200:3200"', "port 3200 is published on 0.0.0.0"),
    ("compose.yml", '"127.0.0.1:3200:3200"', '"127.0.0.1:9090:3200"', "port 9090 is taken by prometheus"),
    ("compose.yml", "./tempo.yml:", "./tempos.yml:", "there is no ./tempos.yml"),
    ("compose.yml", "../rules:/etc/prometheus/rules:ro", "../rules:/etc/prometheus/rules", "../rules can be written to"),
    ("compose.yml", "- tempo:/var/tempo", "- traces:/var/tempo", "the volume traces is not declared"),
    ("compose.yml", "restart: unless-stopped", "restart: sometimes", "restart is 'sometimes'"),
    ("compose.yml", "[tempo]", "[temp]", "depends on temp, which is no service"),
    ("compose.yml", "config.file=/etc/tempo.yml", "config.file=/etc/tempo.yaml", "is told to read /etc/tempo.yaml"),
    ("compose.yml", "mem_limit: 1g", "mem_limit: 800m", "limit_mib 768 leaves no room in 800m"),
    ("compose.yml", "GOMEMLIMIT: 819MiB", "GOMEMLIMIT: 2000MiB", "GOMEMLIMIT '2000MiB' is not between"),
    ("compose.yml", '"127.0.0.1:4318:4318"', '"127.0.0.1:4318:4319"', "gateway.yml listens on ['4317', '4318']"),
    ("compose.yml", "      - --web.enable-otlp-receiver\n", "", "prometheus does not take OTLP"),
    ("gateway.yml", "exporters: [loadbalancing]", "exporters: [otlp]", "otlp is used and not among the exporters"),
    ("gateway.yml", "exporters: [loadbalancing]", "exporters: [otlphttp/prometheus]", "loadbalancing is among the exporters and not used"),
    ("gateway.yml", "[memory_limiter, batch]", "[batch, memory_limiter]", "memory_limiter does not come first"),
    ("gateway.yml", "exporters:\n  # Prom", "exporters:\n  logging: {}\n  # Prom", "'logging' does not match any of the regexes"),
    ("gateway.yml", "hostname: sampler", "hostname: samplers", "where no sampler listens"),
    ("gateway.yml", "/api/v1/otlp", "/api/v1/write", "Prometheus' port and path for OTLP"),
    ("gateway.yml", "spike_limit_mib: 192", "spike_limit_mib: 768", "spike_limit_mib is not below limit_mib"),
    ("gateway.yml", "send_batch_max_size: 16384", "send_batch_max_size: 100", "send_batch_max_size is below send_batch_size"),
    ("sampler.yml", "[memory_limiter, tail_sampling, batch]", "[memory_limiter, batch, tail_sampling]", "batch comes before tail_sampling"),
    ("sampler.yml", "tempo:4317", "tempo:4316", "Tempo takes OTLP on 4317"),
    ("sampler.yml", "port: 8888", "port: 8889", "scrapes sampler on 8888, which is 8889"),
    ("sampler.yml", "check_interval: 1s", "check_intervall: 1s", "'check_intervall' was unexpected"),
    ("sampler.yml", "sampling_percentage: 5", "sampling_percentage: 500", "is not valid under any of the given schemas"),
    ("gateway.yml", "routing_key: traceID", "routing_key: service", "'traceID' was expected"),
    ("gateway.yml", "readers:", "address:", "'readers' is a required property"),
    ("tempo.yml", "http_listen_port: 3200", "http_listen_port: 80", "a port that compose.yml does not publish"),
]


def prove(folder):
    """That each fault is found, and nothing beside it in a copy without one."""
    for file, sound, broken, expected in BROKEN:
        with tempfile.TemporaryDirectory() as scratch:
            copy = pathlib.Path(scratch) / "dashboards"
            shutil.copytree(folder.parent, copy)
            path = copy / folder.name / file
            text = path.read_text(encoding="utf-8")
            if sound not in text:
                sys.exit(f"ci/collector.py: {sound!r} is not in {file} any more")
            path.write_text(text.replace(sound, broken, 1), encoding="utf-8")
            found = judge(path.parent)
            if not any(expected in fault for fault in found):
                sys.exit(f"ci/collector.py does not find {expected!r} when {file} has {broken!r}; it finds {found}")


folder = pathlib.Path(sys.argv[1])
wrong = judge(folder)
print("\n".join(wrong), end="\n" if wrong else "")
if wrong:
    sys.exit(1)
prove(folder)
print(f"{folder}: nothing wrong; {len(BROKEN)} broken copies were found out")
