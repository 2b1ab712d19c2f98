"""tests/checks/databases/servers.py: real servers, private to one test.

A server has a temporary folder with its data and its socket. start() returns when it answers,
stop() when it is gone; freeze() and thaw() make it hang. remove() ends whatever runs and deletes
the folder. Should the tests be killed, the kernel kills the server.
"""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_LIMIT_S = 60
ANSWER_PAUSE_S = 0.02
ADMIN, PASSWORD = "admin", "known to the tests"


class Server:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="heeler-db-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self._process = None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self):
        with open(self.path("log"), "ab") as log:
            self._process = subprocess.Popen(_as_nobody(self._command()), cwd="/",
                                             env=self._environment(), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)
        end = time.monotonic() + START_LIMIT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the server did not start:\n{self.log()}")
            time.sleep(ANSWER_PAUSE_S)

    def start_again(self):
        if self._process is None:
            self.start()

    def stop(self):
        self._process.send_signal(self.stop_signal)
        self._process.wait(START_LIMIT_S)
        self._process = None

    def pid(self):
        return self._process.pid

    def freeze(self):
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def remove(self):
        if self._process is not None:
            self._signal_all(signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal_all(self, number):
        """Children first: a parent that still runs would notice that they ended."""
        for pid in [*_children(self._process.pid), self._process.pid]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def _environment(self):
        """A MariaDB that starts deletes the temporary tables of those beside it."""
        return {**os.environ, "TMPDIR": self.folder}

    def _prepare(self, *command):
        done = subprocess.run(_as_nobody(command), cwd="/", env=self._environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{command[0]}: {done.stdout.decode(errors='replace')}")


class PostgreSql(Server):
    """stop() is a fast shutdown: sessions are ended, nothing is lost."""

    stop_signal = signal.SIGINT
    port = 5432

    def __init__(self):
        super().__init__()
        self._programs = _folder_of("postgres", "/usr/lib/postgresql/*/bin", "postgresql-15")

    def create(self):
        with open(self.path("password"), "w", encoding="ascii") as stream:
            stream.write(PASSWORD)
        self._prepare(f"{self._programs}/initdb", "-D", self.path("data"), "-U", ADMIN, "-N",
                      "-A", "scram-sha-256", "--pwfile", self.path("password"))

    def create_standby_of(self, primary):
        self._prepare(f"{self._programs}/pg_basebackup", "-D", self.path("data"), "-R", "-N",
                      "-c", "fast", "-X", "fetch", "-d",
                      f"host={primary.folder} user={ADMIN} password='{PASSWORD}'")

    def session(self, dbname="postgres"):
        """The administrator's, each statement a transaction; the caller closes it."""
        import psycopg2
        session = psycopg2.connect(host=self.folder, port=self.port, user=ADMIN,
                                   password=PASSWORD, dbname=dbname)
        session.autocommit = True
        return session

    def _command(self):
        # Autovacuum would count in the databases that it cleans.
        settings = ("fsync=off", "autovacuum=off", "listen_addresses=", "shared_buffers=16MB",
                    "max_connections=20", f"unix_socket_directories={self.folder}",
                    f"port={self.port}")
        return [f"{self._programs}/postgres", "-D", self.path("data"),
                *(word for setting in settings for word in ("-c", setting))]

    def _answers(self):
        import psycopg2
        try:
            self.session().close()
            return True
        except psycopg2.OperationalError:
            return False


class MariaDb(Server):
    stop_signal = signal.SIGTERM

    def __init__(self, *settings):
        """settings: more words for the server's command line."""
        super().__init__()
        self._settings = settings
        self._program = os.path.join(_folder_of("mariadbd", "/usr/sbin", "mariadb-server"),
                                     "mariadbd")
        self.sock = self.path("sock")

    def create(self):
        self._prepare("mariadb-install-db", "--no-defaults", f"--datadir={self.path('data')}",
                      "--auth-root-authentication-method=normal", "--skip-test-db",
                      "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0")

    def session(self):
        """The administrator's, each statement a transaction; the caller closes it."""
        import pymysql
        return pymysql.connect(unix_socket=self.sock, user="root", autocommit=True)

    def _command(self):
        return [self._program, "--no-defaults", f"--datadir={self.path('data')}",
                f"--socket={self.sock}", f"--pid-file={self.path('pid')}",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
                *(self._settings or ["--skip-networking"])]

    def _answers(self):
        import pymysql
        try:
            self.session().close()
            return True
        except pymysql.OperationalError:
            return False


def until(question):
    """Asks again and again, for as long as a start may take."""
    end = time.monotonic() + START_LIMIT_S
    while not question():
        if time.monotonic() > end:
            raise AssertionError("it did not come true")
        time.sleep(ANSWER_PAUSE_S)


def own_place():
    """(address, port) of the loopback that nobody else is given meanwhile."""
    with socket.socket() as listener:
        listener.bind((f"127.{os.getpid() >> 16 & 127 | 128}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}", 0))
        return listener.getsockname()


def _as_nobody(command):
    """The kernel's signal at our death has to be asked for after the change of user."""
    user = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=KILL", "--", *command]


def _folder_of(program, pattern, package):
    found = sorted(glob.glob(os.path.join(pattern, program)))
    if not found:
        raise AssertionError(f"{program} is missing: apt-get install {package}")
    return os.path.dirname(found[-1])


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as stream:
        return [int(child) for child in stream.read().split()]
