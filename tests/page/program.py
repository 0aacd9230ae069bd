"""Programs whose page is opened: started on a free port, ended by pid."""

import os
import re
import subprocess
import time
import urllib.request


class Program:
    def __init__(self, command, port=0, **settings):
        environment = {**os.environ, "TELEMETRY_LISTEN": f"127.0.0.1:{port}", "TELEMETRY_REPORT": "off", **settings}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self._address()

    def _address(self):
        """The example says it; of another program it is found among the ports that it listens at."""
        deadline = time.time() + 30
        while time.time() < deadline:
            for port in listening(self.process.pid):
                url = f"http://127.0.0.1:{port}/"
                try:
                    with urllib.request.urlopen(url + "healthz", timeout=2) as answer:
                        if answer.read() == b"ok\n":
                            return url
                except OSError:
                    pass
            if self.process.poll() is not None:
                raise RuntimeError(f"the program ended with {self.process.returncode}: {self.process.stderr.read()}")
            time.sleep(0.05)
        raise RuntimeError("the program serves no endpoint")

    def metrics(self):
        """The exposition: name with labels -> value."""
        with urllib.request.urlopen(self.url + "metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = (re.fullmatch(r"(\S+?(?:\{.*\})?) (\S+)", line) for line in lines if not line.startswith("#"))
        return {match[1]: float(match[2]) for match in found if match}

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def listening(pid):
    """Ports of 127.0.0.1 at which a process listens."""
    try:
        sockets = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    except OSError:
        return []
    ports = []
    with open("/proc/net/tcp") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == "0A" and address == "0100007F" and f"socket:[{fields[9]}]" in sockets:
                ports.append(int(port, 16))
    return ports
