# SPDX-License-Identifier: MIT
"""A debuginfod server for tests: what lies in a directory, at an address of this machine alone.

    debuginfod.py DIRECTORY REQUESTS

Prints its port, and adds a line to the file REQUESTS for each request before it answers.
"""
import functools
import http.server
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    def send_head(self):
        with open(sys.argv[2], "a") as requests:
            print(self.command, self.path, file=requests)
        return super().send_head()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
