# SPDX-License-Identifier: MIT
"""A small order service over HTTP that has been at work for a while.

Prints "ready PORT" when it answers, and ends with its standard input.
"""
import ctypes
import http.server
import json
import sys
import threading

from app.cache import Cache
from app.models import Customer, Order, OrderLine

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)

orders = Cache()
customers = Cache()


def load_order(number):
    customer = customers.get(number % 20000, Customer)
    lines = [OrderLine("article %d" % (number + i), i + 1, 10 * i) for i in range(3)]
    order = Order(number, customer, lines)
    customer.orders.append(order)
    return order


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            order = orders.get(int(self.path.rpartition("/")[2]), load_order)
        except ValueError:
            self.send_error(404)
            return
        body = json.dumps({"order": order.number, "total": order.total()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def allow_tracing():
    """Lets a process that is not our parent trace us; fails, without harm, where that is allowed."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)


def main():
    allow_tracing()
    for number in range(100000):
        orders.get(number, load_order)
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", server.server_port, flush=True)
    sys.stdin.read()


main()
