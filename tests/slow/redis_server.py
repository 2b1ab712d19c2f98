"""Real Redis servers on loopback for the slow tests: one alone, a cluster of three
masters and three replicas, and a proxy that cuts connections. No client library:
the protocol takes thirty lines."""

import atexit
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time


PATIENCE_S = 60
given_ports = set()
giving = threading.Lock()


def free_port():
    """One whose cluster bus port, 10000 above, is free as well, and that nobody here was given."""
    while True:
        with giving:
            port = random.randrange(20000, 32000)
            if port in given_ports:
                continue
            given_ports.add(port)
        try:
            for number in (port, port + 10000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
            return port
        except OSError:
            continue


class RedisError(Exception):
    pass


class Client:
    """One blocking connection."""

    def __init__(self, port, password=None):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.file = self.socket.makefile("rb")
        if password:
            self.call("AUTH", password)

    def call(self, *words):
        encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(encoded) +
                            b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if int(rest) < 0:
            return None
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2]
        return [self.answer() for _ in range(int(rest))]

    def close(self):
        self.file.close()
        self.socket.close()


class Redis:
    """One server in a folder of its own, which outlives a kill."""

    def __init__(self, *options, port=None):
        self.port = port or free_port()
        self.folder = tempfile.mkdtemp(prefix="heeler-redis-")
        self.options, self.password, self.process = options, None, None
        atexit.register(self.stop)     # none outlives a test that failed
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder,
             "--save", "", "--daemonize", "no", *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_up()
        return self

    def wait_up(self):
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            try:
                self.call("PING")
                return
            except RedisError as error:
                if "LOADING" not in str(error):
                    return
            except OSError:
                pass
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        raise RuntimeError("redis-server does not answer")

    def call(self, *words):
        client = Client(self.port, self.password)
        try:
            return client.call(*words)
        finally:
            client.close()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.resume()
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self):
        return f"redis://127.0.0.1:{self.port}"


class Cluster:
    """Three masters with a replica each."""

    def __init__(self, *options):
        self.nodes = [Redis("--cluster-enabled", "yes", "--cluster-node-timeout", "5000",
                            "--cluster-replica-validity-factor", "0",
                            "--cluster-config-file", "nodes.conf", *options) for _ in range(6)]
        subprocess.run(["redis-cli", "--cluster", "create",
                        *[f"127.0.0.1:{node.port}" for node in self.nodes],
                        "--cluster-replicas", "1", "--cluster-yes"],
                       check=True, stdout=subprocess.DEVNULL, timeout=2 * PATIENCE_S)
        self.wait_ok()

    def wait_ok(self):
        """Every living node sees a whole cluster in which masters have replicas."""
        deadline = time.monotonic() + PATIENCE_S
        while not all(self.sees_ok(node) for node in self.living()):
            if time.monotonic() > deadline:
                raise RuntimeError("the cluster does not come up")
            time.sleep(0.1)

    @staticmethod
    def sees_ok(node):
        role = node.call("ROLE")
        return b"cluster_state:ok" in node.call("CLUSTER", "INFO") and (
            role[0] == b"master" or role[3] == b"connected")

    def living(self):
        return [node for node in self.nodes if node.process.poll() is None]

    def masters(self):
        return [node for node in self.living() if node.call("ROLE")[0] == b"master"]

    def master_of(self, key):
        slot = self.living()[0].call("CLUSTER", "KEYSLOT", key)
        for first, last, master, *_ in self.living()[0].call("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == master[1])
        raise RuntimeError("nobody has that slot")

    def stop(self):
        for node in self.nodes:
            node.stop()

    def url(self):
        return self.living()[0].url() if self.living() else "redis://127.0.0.1:1"


class Proxy:
    """Between a client and a server; cut() ends what goes through, in the midst."""

    def __init__(self, to_port):
        self.to_port, self.pairs, self.lock = to_port, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to_port), 5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far, time.monotonic()))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def copy(one, other):
        """In odd pieces: a cut falls anywhere in a command or an answer."""
        try:
            while data := one.recv(random.choice((100, 1000, 65536))):
                other.sendall(data)
        except OSError:
            pass

    def pass_on(self, one, other):
        self.copy(one, other)
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            self.pairs = [pair for pair in self.pairs if one not in pair]

    def cut(self, at_least_s=1.2):
        """Ends the oldest connection; whether there was one that had served a while."""
        with self.lock:
            old = self.pairs and time.monotonic() - self.pairs[0][2] > at_least_s
            pair = self.pairs.pop(0)[:2] if old else ()
        for end in pair:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        return len(pair)

    def close(self):
        self.listener.close()
        while self.cut(0):
            pass

    def url(self):
        return f"redis://127.0.0.1:{self.port}"


class Garbage:
    """Answers anything but the protocol, until it is closed."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                near.recv(1000)
                near.sendall(os.urandom(20) + b"\r\nHTTP/1.1 400 Bad Request\r\n\r\n")
                time.sleep(0.05)
            except OSError:
                pass
            near.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
