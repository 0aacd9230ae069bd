"""Runs Prometheus and Alertmanager with the stack's own files, and a program of which a run fails: the alert has to come from one to the other.

Only addresses and intervals are changed, since ports may be taken here and half a minute is long.
"""

import http.server
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PATIENCE = 90


class Program(http.server.BaseHTTPRequestHandler):
    """A job whose second run fails."""

    scrapes = 0

    def do_GET(self):
        Program.scrapes += 1
        failed = 0 if Program.scrapes < 4 else 1
        body = f'# TYPE backfill_runs_total counter\nbackfill_runs_total{{job_name="flights",result="ok"}} 1\nbackfill_runs_total{{job_name="flights",result="error"}} {failed}\n'
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def free():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def main():
    folder = pathlib.Path(sys.argv[1])
    program = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Program)
    threading.Thread(target=program.serve_forever, daemon=True).start()
    ports = {8000: program.server_port, 9093: free(), 8888: free()}
    prometheus = free()
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        shutil.copytree(folder.parent / "rules", place / "rules")
        for rules in (place / "rules").glob("*.yml"):
            rules.write_text(re.sub(r"interval: \S+", "interval: 1s", rules.read_text()))
        config = (folder / "prometheus.host.yml").read_text().replace("/etc/prometheus/rules", str(place / "rules"))
        config = re.sub(r"(scrape_interval|scrape_timeout|evaluation_interval): \S+", r"\1: 1s", config)
        # Debian's Prometheus is of a version without OTLP.
        config = re.sub(r"otlp:\n(  .*\n)+", "", config)
        for port, here in ports.items():
            config = config.replace(f"127.0.0.1:{port}", f"127.0.0.1:{here}")
        (place / "prometheus.yml").write_text(config)
        # As it is, but for the half minute that it waits for more.
        (place / "alertmanager.yml").write_text((folder / "alertmanager.yml").read_text().replace("group_wait: 30s", "group_wait: 1s"))
        commands = [
            ["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/data", f"--web.listen-address=127.0.0.1:{prometheus}"],
            ["prometheus-alertmanager", f"--config.file={place}/alertmanager.yml", f"--storage.path={place}/alerts", "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{ports[9093]}"],
        ]
        logs = [open(place / f"log{number}", "w+") for number in range(len(commands))]
        running = [subprocess.Popen(command, stdout=log, stderr=log) for command, log in zip(commands, logs)]
        try:
            end, alerts = time.monotonic() + PATIENCE, []
            while not alerts:
                if time.monotonic() > end or any(server.poll() is not None for server in running):
                    told = "\n".join((place / f"log{number}").read_text()[-2000:] for number in range(len(commands)))
                    sys.exit(f"ci/stack_run.py: no alert came within {PATIENCE} s\n{told}")
                time.sleep(0.5)
                try:
                    alerts = [alert for alert in ask(f"http://127.0.0.1:{ports[9093]}/api/v2/alerts") if alert["labels"]["alertname"] == "BackfillRunFailed"]
                except OSError:
                    continue
            rules = ask(f"http://127.0.0.1:{prometheus}/api/v1/rules")["data"]["groups"]
            unwell = [rule["name"] for group in rules for rule in group["rules"] if rule["health"] == "err"]
            if unwell:
                sys.exit(f"ci/stack_run.py: rules cannot be evaluated: {unwell}")
            labels = alerts[0]["labels"]
            if labels.get("job_name") != "flights" or alerts[0]["receivers"] != [{"name": "nobody"}]:
                sys.exit(f"ci/stack_run.py: another alert than expected: {alerts[0]}")
            count = sum(len(group["rules"]) for group in rules)
            print(f"dashboards/stack: of {count} rules that Prometheus evaluates, {labels['alertname']} came to Alertmanager: {alerts[0]['annotations']['summary']}")
        finally:
            for server in running:
                server.kill()
                server.wait()
            program.shutdown()


main()
