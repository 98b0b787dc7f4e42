#!/usr/bin/env python3
"""Ends the demo in the middle, on a server of one's own: nothing of it may stay there.

The server is a stand-in, which the demo takes for somebody's own since it is named by GRAFANA_URL. It is ended
as Ctrl-C in a terminal does it, once folders are there.
"""

import os
import signal
import subprocess
import sys
import time

import demo


def main():
    with demo.sandbox(sys.argv[1]) as environ:
        server = demo.Server(environ)
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.py")
        # A group of its own, since Ctrl-C goes to all in a terminal's group.
        process = subprocess.Popen([sys.executable, program], env=environ, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True, start_new_session=True)
        while process.poll() is None and not server.counts()["folders"]:
            time.sleep(0.02)
        if process.poll() is not None:
            sys.exit("the demo has ended before it made anything:\n%s" % process.stdout.read())
        os.killpg(process.pid, signal.SIGINT)
        told, _ = process.communicate(timeout=120)
        left = server.counts()
        if process.returncode == 0 or any(left.values()):
            sys.exit("interrupted, the demo ended with %d and left %s:\n%s" % (process.returncode, left, told))
    print("interrupted, the demo leaves nothing on a server of one's own")


if __name__ == "__main__":
    main()
