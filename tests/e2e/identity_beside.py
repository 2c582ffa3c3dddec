#!/usr/bin/env python3
"""The gateway looks up the roots that it trusts: hostile hosts are refused by name, and hold up nobody else's request.

Usage: identity_beside.py PROGRAMS_FOLDER SCRATCH_FOLDER
Prints one line for each check."""
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
import identity_sign as sign  # noqa: E402
from identity_server import ADDRESS, CANARY, DOMAIN  # noqa: E402
from identity_stage import Report, Stage  # noqa: E402

STAGE, report = Stage(sys.argv[1], sys.argv[2]), Report()
QUICK, PATIENT = 1.0 * STAGE.slower, 2 + 1.5 * STAGE.slower
AGENT = sign.Key("agent").did
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{}}}'


def web(label):
    return f"did:web:{label}.{DOMAIN}"


SLOW = [*(f"slow-first-{number}" for number in range(4)), "slow-trickle", "slow-fields", "slow-lookup", "tls-stalled"]
HOSTILE = {
    **{label: "fetch.timeout" for label in SLOW},
    "endless-length": "fetch.size", "endless-chunks": "fetch.size", "endless-fields": "fetch.size",
    "larger": "fetch.size", "bomb": "fetch.size", "bomb-twice": "fetch.coding", "coding": "fetch.coding",
    "redirect-302": "fetch.redirect", "redirect-307": "fetch.redirect", "status-500": "fetch.status",
    "status-404": "did.not_found", "refused": "fetch.unreachable", "tls-expired": "fetch.tls",
    "tls-other": "fetch.tls", "tls-self": "fetch.tls", "listening": "fetch.address", "to-0": "fetch.address",
    "wrong-id": "diddoc.invalid", "duplicate": "json.duplicate", "not-json": "json.syntax",
    "small-order": "did.key.invalid",
}
FRESH = [f"good-{number}" for number in range(6)]
LOGS = {"rotated": "ok", "compromised": "ok", "ended": "did.deactivated", "bad-signature": "log.signature",
        "uncommitted": "log.key"}


def token(issuer, key=None, kid=None, **changes):
    """A compact token of `issuer`, signed by `key`, else by the one of its document."""
    now = int(time.time())
    header = {"alg": "EdDSA", "typ": "aip+jwt", **({"kid": kid} if kid else {})}
    claims = {"iss": issuer, "sub": AGENT, "scope": ["tool:*"], "max_depth": 0, "iat": now, "exp": now + 600, **changes}
    signed = ".".join(sign.base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{signed}.{sign.base64url((key or sign.Key(issuer)).sign(signed.encode()))}"


class Gateway:
    """aip-gateway in front of an upstream that answers everything, both under `STAGE`."""

    def __init__(self):
        self.processes = []
        recorder = Path(__file__).with_name("recorder.py")
        upstream = self.start([sys.executable, recorder, STAGE.folder / "upstream"], None)
        trusted = [web(label) for label in [*HOSTILE, *FRESH, "warm", "shared", "other-key"]]
        trusted += [sign.log_key(name, 0).did for name in LOGS]
        options = [word for each in trusted for word in ("--trust", each)]
        options += ["--ca-file", STAGE.folder / "ca.crt", "--allow-address", f"{ADDRESS}/32", "--quiet",
                    "--key-source", f"https://logs.{DOMAIN}", "--audit", STAGE.folder / "audit", "--port", "0"]
        self.names = STAGE.folder / "gateway-names"
        self.url = self.start([STAGE.programs / "aip-gateway", "--upstream", upstream, *options],
                              STAGE.environment(self.names))

    def start(self, command, environment):
        """Gives the URL that the program says it listens on."""
        log = STAGE.folder / f"program-{len(self.processes)}.log"
        with open(log, "wb") as out:
            self.processes.append(subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out,
                                                   stderr=out, env=environment, cwd=STAGE.folder))
        deadline = time.monotonic() + 20
        while not (found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", log.read_text(errors="replace"))):
            if time.monotonic() > deadline or self.processes[-1].poll() is not None:
                text = log.read_text(errors="replace")
                self.close()
                sys.exit(f"{Path(str(command[0])).name} did not start: {text}")
            time.sleep(0.05)
        return found[1] + "/mcp"

    def ask(self, presented):
        """One call; gives (code, seconds), the code "ok" when it was answered."""
        fields = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                  "X-AIP-Token": presented}
        began = time.monotonic()
        try:
            with DIRECT.open(urllib.request.Request(self.url, CALL, fields), timeout=20) as reply:
                body, code = reply.read().decode(), "ok"
        except urllib.error.HTTPError as refusal:
            body = refusal.read().decode(errors="replace")
            code = (re.search(r'"code_name": *"([^"]*)"', body) or ["", f"HTTP {refusal.code}"])[1]
        except OSError as failure:
            body, code = "", f"no answer: {failure}"
        return ("repeats the host's text" if CANARY in body else code), time.monotonic() - began

    def reached(self, what):
        lines = self.names.read_text().splitlines() if self.names.exists() else []
        return [line.split()[1:] for line in lines if line.startswith(what + " ")]

    def close(self):
        """Ends what was started; gives the gateway's exit status."""
        for process in reversed(self.processes):
            process.terminate()
        return [process.wait(20) for process in reversed(self.processes)][0]


def not_answered(answer, code, seconds):
    if answer[0] != code:
        return f"{answer[0]}, not {code}"
    return answer[1] > seconds and f"{answer[1]:.1f} s, more than {seconds:.1f}"


def warm(gateway):
    first = gateway.ask(token(web("warm")))
    report("a did:web root is looked up", not_answered(first, "ok", QUICK), STAGE.not_asked("warm", 1))
    again = [gateway.ask(token(web("warm"))) for _ in range(5)]
    report("once", *(not_answered(each, "ok", QUICK) for each in again), STAGE.not_asked("warm", 1))


def one_flight(gateway):
    presented = [token(web("shared"), jti=sign.base64url(bytes([number] * 16))) for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(gateway.ask, presented))
    report("sixteen requests that need one document share its fetch", STAGE.not_asked("shared", 1),
           *(not_answered(each, "ok", QUICK) for each in answers))


def not_admitted(gateway):
    before = len(gateway.reached("lookup"))
    for issuer in (web("stranger"), f"did:web:warm.{DOMAIN}:a", "did:web:127.0.0.1"):
        code = gateway.ask(token(issuer))[0]
        looked_up = len(gateway.reached("lookup")) - before
        report(f"nothing is fetched for {issuer}", code == "ok" and code, looked_up and f"{looked_up} lookups")
    answer = gateway.ask(token(web("other-key"), sign.Key("somebody else")))
    report("another key's token: token.signature", not_answered(answer, "token.signature", QUICK))


def side_by_side(gateway):
    """All hostile hosts at once; meanwhile a root that is known already, and roots that are not."""
    with ThreadPoolExecutor(len(HOSTILE) + len(FRESH)) as pool:
        known, fresh_tokens = token(web("warm")), [token(web(label)) for label in FRESH]
        hostile_tokens = {label: token(web(label)) for label in HOSTILE}
        hostile = {label: pool.submit(gateway.ask, presented) for label, presented in hostile_tokens.items()}
        fresh = [pool.submit(gateway.ask, presented) for presented in fresh_tokens]
        beside = []
        while not all(each.done() for each in hostile.values()):
            beside.append(gateway.ask(known))
        for label, code in HOSTILE.items():
            answer = hostile[label].result()
            report(f"{label}: {code}", not_answered(answer, code, 5 + QUICK))
    slowest = max(seconds for _, seconds in beside)
    report("a root that is known is answered all the while", *{code for code, _ in beside if code != "ok"},
           slowest > QUICK and f"up to {slowest:.1f} s", len(beside) < 20 and f"only {len(beside)} answers")
    report("and roots that are not, within the time of one fetch more",
           *(not_answered(each.result(), "ok", PATIENT + 2) for each in fresh))
    again = {label: gateway.ask(presented) for label, presented in hostile_tokens.items()}
    report("refusals are remembered", *(f"{label}: {not_answered(again[label], code, QUICK)}"
                                        for label, code in HOSTILE.items() if not_answered(again[label], code, QUICK)))
    wrong = {to[0] for to in gateway.reached("connect") if to[0] not in (ADDRESS, "127.0.0.1")}
    report("nobody was connected to but the address that was opened", wrong)


def key_logs(gateway):
    for name, code in LOGS.items():
        latest = sign.log_key(name, 2 if code == "ok" else 0)
        did = sign.log_key(name, 0).did
        answer = gateway.ask(token(did, latest, kid=f"{did}#key-3" if code == "ok" else None))
        report(f"log {name}: {code}", not_answered(answer, code, QUICK))
    for name, number, code in (("rotated", 0, "did.key.retired"), ("rotated", 1, "did.key.retired"),
                               ("compromised", 1, "did.key.compromised")):
        did = sign.log_key(name, 0).did
        answer = gateway.ask(token(did, sign.log_key(name, number), kid=f"{did}#key-{number + 1}"))
        report(f"log {name}, key {number + 1}, now: {code}", not_answered(answer, code, QUICK))
    did, time_of_first = sign.log_key("rotated", 0).did, sign.LOG_BEGINS + 50
    for kid in (None, f"{did}#key-1"):
        answer = gateway.ask(token(did, sign.log_key("rotated", 0), kid=kid, iat=time_of_first))
        report(f"log rotated, key 1, of its own time, kid {kid and '#key-1'}", not_answered(answer, "ok", QUICK))


def main():
    gateway = Gateway()
    try:
        for each in (warm, one_flight, not_admitted, key_logs, side_by_side):
            each(gateway)
    finally:
        status = gateway.close()
    report("the gateway ends with 0", status)
    report("no redirect was followed", *(line["path"] for line in STAGE.recorded() if line.get("label") == "target"))


try:
    main()
finally:
    STAGE.close()
sys.exit(report.failed != 0)
