# SPDX-License-Identifier: MIT
"""A Prometheus that scrapes a node exporter, which reads the metrics of a directory.

    monitoring.py DIRECTORY

For each line on standard input, which is a query, prints the value of the first series that it
gives, waiting for one if need be; "none" where there is none within PATIENCE. All is on the
loopback, on ports that are free, with its data below DIRECTORY, and ends with standard input.
"""
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 45  # seconds
PR_SET_PDEATHSIG = 1

CONFIGURATION = """
global:
  scrape_interval: 500ms
  scrape_timeout: 500ms
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ["%s"]
"""


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def find_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % free.getsockname()[1]


def get(url):
    """None where nobody answers, or not well."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, None, 5) as got:
            return got.read().decode()
    except (urllib.error.URLError, OSError):
        return None


def start(log, make_command, path):
    """A child that answers at `path`, and its address. Somebody may take its port before it does:
    then another one is tried."""
    for _ in range(5):
        address = find_address()
        child = subprocess.Popen(make_command(address), stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, preexec_fn=die_with_parent)
        until = time.monotonic() + PATIENCE
        while child.poll() is None and time.monotonic() < until:
            if get("http://%s%s" % (address, path)) is not None:
                return child, address
            time.sleep(0.05)
        end(child)
    raise SystemExit("%s does not start" % make_command(address)[0])


def end(child):
    if child.poll() is None:
        child.kill()
        child.wait()


def ask(address, query):
    url = "http://%s/api/v1/query?%s" % (address, urllib.parse.urlencode({"query": query}))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = get(url)
        result = json.loads(answer)["data"]["result"] if answer else []
        if result:
            return result[0]["value"][1]
        time.sleep(0.1)
    return "none"


def main(directory):
    with open(os.path.join(directory, "log"), "w") as log:
        exporter, node = start(log, lambda address: [
            "prometheus-node-exporter", "--web.listen-address=" + address,
            "--collector.disable-defaults", "--collector.textfile",
            "--collector.textfile.directory=" + directory], "/metrics")
        configuration = os.path.join(directory, "prometheus.yml")
        with open(configuration, "w") as file:
            file.write(CONFIGURATION % node)
        prometheus, address = start(log, lambda address: [
            "prometheus", "--config.file=" + configuration, "--web.listen-address=" + address,
            "--storage.tsdb.path=" + os.path.join(directory, "data")], "/-/ready")
        for query in iter(sys.stdin.readline, ""):
            print(ask(address, query.strip()), flush=True)
        end(prometheus)
        end(exporter)


main(*sys.argv[1:])
