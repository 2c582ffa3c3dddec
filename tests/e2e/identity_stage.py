"""The stage of the identity tests: a CA of its own, the identity server, the names, and aip-did under the shim."""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

sys.dont_write_bytecode = True
from identity_server import ADDRESS, DOMAIN, FORBIDDEN  # noqa: E402

HERE = Path(__file__).resolve().parent

# What the hosts to-0, to-1, … lead to. None of these may be connected to.
FORBIDDEN_ADDRESSES = """
169.254.169.254 169.254.1.1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.254
127.0.0.1 127.0.0.3 127.255.255.255 0.0.0.0 0.1.2.3 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1
[::] [::1] [fe80::1] [fec0::1] [fc00::1] [fd00::1] [fd00:ec2::254] [ff02::1] [2001:db8::1] [100::1] [3fff::1]
[::ffff:10.0.0.1] [::ffff:127.0.0.1] [::ffff:169.254.169.254] [::10.0.0.1] [64:ff9b::a00:1] [64:ff9b::7f00:1]
[64:ff9b:1::a00:1] [2002:a00:1::] [2002:a9fe:a9fe::1] [2001:0:a00:1::f5ff:fffe]
""".split()


class Outcome(NamedTuple):
    """How a resolution ended."""

    identifier: str
    exit: int
    code: str  # "ok", or the refusal
    seconds: float
    memory_kib: int
    result: dict
    output: str  # everything that was printed
    reached: list  # what the shim noted

    def noted(self, what):
        return [line.split()[1:] for line in self.reached if line.startswith(what + " ")]

    @property
    def version(self):
        return self.result.get("didDocumentMetadata", {}).get("versionId")

    @property
    def keys(self):
        methods = (self.result.get("didDocument") or {}).get("verificationMethod", [])
        return [method["publicKeyMultibase"] for method in methods]


class Resolution:
    """A running `aip-did resolve`. Appends what it reached for to `names_log`, else to a file of its own."""

    def __init__(self, stage, arguments, clock, names_log):
        number = stage.number()
        self.log = names_log or stage.folder / f"reached-{number}"
        self.log_begins = self.log.stat().st_size if self.log.exists() else 0
        self.errors = open(stage.folder / f"errors-{number}", "w+", encoding="utf-8", errors="replace")
        self.identifier, self.started = arguments[0], time.monotonic()
        self.process = subprocess.Popen([str(stage.program), "resolve", *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.errors, cwd=stage.folder,
                                        env=stage.environment(self.log, clock))
        self.watch = threading.Timer(30, self.kill)
        self.watch.start()

    def kill(self):
        """Not Popen's own, which would also wait for it and lose what it used."""
        os.kill(self.process.pid, signal.SIGKILL)

    def reached(self):
        if not self.log.exists():
            return []
        with open(self.log, encoding="utf-8") as lines:
            lines.seek(self.log_begins)
            return lines.read().splitlines()

    def end(self):
        with self.process.stdout as out:
            text = out.read().decode("utf-8", "replace")
        _, status, usage = os.wait4(self.process.pid, 0)
        self.watch.cancel()
        seconds = time.monotonic() - self.started
        self.process.returncode = os.waitstatus_to_exitcode(status)
        with self.errors as file:
            file.seek(0)
            errors = file.read()
        try:
            result = json.loads(text)
            code = (result["didResolutionMetadata"].get("error") or {"code": "ok"})["code"]
        except (ValueError, KeyError, TypeError):
            said = (text + errors).strip()[-300:]
            result, code = {}, f"no result, exit status {self.process.returncode}: {said}"
        if "Sanitizer" in errors or "runtime error" in errors:
            code = f"sanitizer: {errors[-2000:]}"
        return Outcome(self.identifier, self.process.returncode, code, seconds, usage.ru_maxrss, result, text + errors,
                       self.reached())


class Report:
    """One line for each check."""

    def __init__(self):
        self.failed, self.lock = 0, threading.Lock()

    def __call__(self, name, *problems):
        """`problems` that are false are none."""
        found = "; ".join(str(problem) for problem in problems if problem)
        with self.lock:
            self.failed += bool(found)
            print(f"FAIL {name}: {found}" if found else f"ok   {name}", flush=True)


class Stage:
    """Everything that the tests share, in `folder`; close() stops the server."""

    def __init__(self, programs, folder):
        self.programs, self.folder = Path(programs), Path(folder)
        self.program = self.programs / "aip-did"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.count, self.lock = 0, threading.Lock()
        code = self.program.read_bytes()
        self.sanitizer = next((kind for kind in ("asan", "tsan") if f"__{kind}_init".encode() in code), None)
        self.slower = {"asan": 3, "tsan": 6}.get(self.sanitizer, 1)
        self._build_shim()
        self._make_certificates()
        self._write_home()
        self._start_server()

    def number(self):
        with self.lock:
            self.count += 1
            return self.count

    def database(self, name):
        return self.folder / f"{name}.db"

    def begin(self, identifier, *options, db=None, clock=0, names_log=None, trusting=True, admitting=True):
        """Starts `aip-did resolve`; `clock` seconds are added to the time of day."""
        arguments = [identifier, "--json", *options]
        arguments += ["--ca-file", self.folder / "ca.crt"] if trusting else []
        arguments += ["--allow-address", f"{ADDRESS}/32"] if admitting else []
        arguments += ["--cache", db] if db else []
        return Resolution(self, arguments, clock, names_log)

    def resolve(self, *arguments, **more):
        return self.begin(*arguments, **more).end()

    def readmit(self, identifier, key, db):
        subprocess.run([str(self.program), "readmit", identifier, key, "--cache", str(db)], check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)

    def recorded(self):
        """What the server noted: connections, and requests."""
        return [json.loads(line) for line in (self.folder / "requests").read_text().splitlines()]

    def requests(self, label):
        return [line for line in self.recorded() if line.get("label") == label]

    def not_asked(self, label, count):
        found = len(self.requests(label))
        return found != count and f"{found} requests to {label}, not {count}"

    def environment(self, names_log, clock=0):
        """With proxies that a careless client would use, at an address that it must not reach."""
        proxies = ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY")
        return {
            **{name: f"http://{FORBIDDEN}:{self.port}" for name in proxies},
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LD_PRELOAD": str(self.folder / "names.so"),
            "AIP_NAMES_TABLE": str(self.folder / "names"),
            "AIP_NAMES_LOG": str(names_log),
            "AIP_NAMES_CLOCK": str(clock),
            "ASAN_OPTIONS": "verify_asan_link_order=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }

    def close(self):
        self.server.terminate()
        self.server.wait()

    def _build_shim(self):
        subprocess.run([*os.environ.get("CC", "cc").split(), "-std=c17", "-D_GNU_SOURCE", "-fPIC", "-shared", "-O1",
                        str(HERE / "names_shim.c"), "-o", str(self.folder / "names.so")], check=True)

    def _openssl(self, *arguments):
        made = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            sys.exit(f"openssl {arguments[0]}: {made.stderr}")

    def _make_leaf(self, name, host, *times, self_signed=False):
        """NAME.pem: certificate and key for HOST, by the CA or by itself."""
        (self.folder / f"{name}.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nrand_serial=yes\nunique_subject=no\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[req]\ndistinguished_name=n\n[n]\n"
            f"[leaf]\nsubjectAltName=DNS:{host}\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n")
        request = ("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={host}", "-config", f"{name}.cnf")
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        if self_signed:
            self._openssl(*request, "-x509", "-extensions", "leaf", "-days", "2", "-out", f"{name}.crt")
        else:
            self._openssl(*request, "-out", f"{name}.csr")
            self._openssl("ca", "-batch", "-notext", "-config", f"{name}.cnf", "-extensions", "leaf", "-cert", "ca.crt",
                          "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.crt", *(times or ("-days", "2")))
        parts = [(self.folder / f"{name}.{kind}").read_bytes() for kind in ("crt", "key")]
        (self.folder / f"{name}.pem").write_bytes(b"".join(parts))

    def _make_certificates(self):
        (self.folder / "index").touch()
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                      "ca.key", "-out", "ca.crt", "-subj", "/CN=AIP test authority", "-days", "2", "-addext",
                      "keyUsage=critical,keyCertSign")
        self._make_leaf("good", f"*.{DOMAIN}")
        self._make_leaf("expired", f"*.{DOMAIN}", "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
        self._make_leaf("other", "other.example")
        self._make_leaf("self", f"*.{DOMAIN}", self_signed=True)

    def _write_home(self):
        """Credentials and options that no program of ours may take up."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        (home / ".netrc").write_text("default login operator password secret\n")
        (home / ".netrc").chmod(0o600)
        (home / ".curlrc").write_text("location\ninsecure\n")

    def _start_server(self):
        with open(self.folder / "server.log", "w", encoding="utf-8") as log:
            self.server = subprocess.Popen([sys.executable, str(HERE / "identity_server.py"), str(self.folder)],
                                           stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.server.stdout.readline()
        found = re.match(r"listening on https://127\.0\.0\.2:(\d+) stalled (\d+) plain (\d+) old (\d+)$", line)
        if not found:
            self.close()
            sys.exit(f"the identity server did not start: {(self.folder / 'server.log').read_text()}")
        self.port, *others = found.groups()
        self._write_names(*others)

    def _write_names(self, stalled, plain, old):
        good, forbidden = f"{ADDRESS}:{self.port}", f"{FORBIDDEN}:{self.port}"
        table = {f"to-{number}": f"all {address}" for number, address in enumerate(FORBIDDEN_ADDRESSES)}
        table |= {
            "tls-stalled": f"all {ADDRESS}:{stalled}",
            "tls-plain": f"all {ADDRESS}:{plain}",
            "tls-old": f"all {ADDRESS}:{old}",
            "refused": f"all {ADDRESS}:1",
            "listening": f"all {forbidden}",
            "listening6": f"all [::1]:{self.port}",
            "rebinding": f"rebind {good} {forbidden} 169.254.169.254",
            "forbidden-first": f"all {forbidden} 10.0.0.1 {good}",
            "forbidden-last": f"all {good} {forbidden} 10.0.0.1",
            "forbidden-both": f"all {forbidden} [::1]:{self.port}",
            "slow-lookup": f"slow {good}",
            "*": f"all {good}",
        }
        (self.folder / "names").write_text("".join(f"{name}.{DOMAIN} {to}\n" for name, to in table.items()))
