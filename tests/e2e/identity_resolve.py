#!/usr/bin/env python3
"""aip-did against hosts of every kind: the hostile are refused by name, within bounds, and harm no other request.

Usage: identity_resolve.py PROGRAMS_FOLDER SCRATCH_FOLDER [ROW…]
Prints one line for each check. Each ROW (a part of its name) limits the run to what it names."""
import random
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.dont_write_bytecode = True
import identity_sign as sign  # noqa: E402
from identity_server import ADDRESS, CANARY, DOMAIN, FORBIDDEN  # noqa: E402
from identity_stage import FORBIDDEN_ADDRESSES, Report, Stage  # noqa: E402

STAGE = Stage(sys.argv[1], sys.argv[2])
WANTED = sys.argv[3:]
resolve, database, not_asked = STAGE.resolve, STAGE.database, STAGE.not_asked
QUICK = 1.5 * STAGE.slower  # a resolution that waits for nobody, on a busy machine
PATIENT = 2 + QUICK  # one fetch's two seconds, and the rest
MEMORY_KIB = 64 << 10
STATUSES = Path(__file__).resolve().parent / "../../include/aip/status.def"
CLASSES = dict(re.findall(r'AIP_STATUS\(\w+, "([a-z_.0-9]+)", (\w+)', STATUSES.read_text()))
EXITS = {"OK": 0, "INPUT": 1, "CREDENTIAL": 1, "FORBIDDEN": 1, "USAGE": 2, "UNAVAILABLE": 3}
SOURCE = ("--source", f"https://logs.{DOMAIN}")
report = Report()


def web(label):
    return f"did:web:{label}.{DOMAIN}"


def aip_web(label):
    return f"aip:web:{label}.{DOMAIN}/agents/one"


# --- what is wrong with an outcome ---------------------------------------------------------------------------------

def not_code(outcome, code):
    if outcome.code != code:
        return f"{outcome.code}, not {code}"
    wanted = EXITS[CLASSES.get(code, "OK")]
    return outcome.exit != wanted and f"{code} with exit status {outcome.exit}, not {wanted}"


def too_slow(outcome, seconds):
    return outcome.seconds > seconds and f"{outcome.seconds:.1f} s, more than {seconds:.1f}"


def too_large(outcome):
    return not STAGE.sanitizer and outcome.memory_kib > MEMORY_KIB and f"{outcome.memory_kib} KiB of memory"


def astray(outcome):
    """Connections to anything but the one address that was opened."""
    wrong = sorted({to[0] for to in outcome.noted("connect") if to[0] != ADDRESS})
    return wrong and f"connected to {wrong}"


def reflected(outcome):
    return CANARY in outcome.output and "repeats the host's text"


def not_looked_up(outcome, count):
    found = len(outcome.noted("lookup"))
    return found != count and f"{found} lookups, not {count}"


def not_silent(outcome):
    return outcome.reached and f"reached for {outcome.reached[:4]}"


def not_good(outcome):
    return not_code(outcome, "ok") or too_slow(outcome, QUICK)


def not_of_key(outcome, key):
    return (outcome.code != "ok" or key.text not in outcome.keys) and f"{outcome.code}: not the key of the name"


# --- the table ----------------------------------------------------------------------------------------------------

class Row(NamedTuple):
    name: str
    identifier: str
    code: str
    seconds: float = QUICK
    requests: int = 1  # that reach the host
    lookups: int = 1
    options: tuple = ()
    more: dict = {}  # for Stage.begin


def web_row(label, code, **more):
    return Row(label, web(label), code, **more)


def aip_row(label, code, **more):
    return Row(label, aip_web(label), code, **more)


def log_row(name, code, **more):
    return Row(f"log {name}", sign.log_key(name, 0).did, code, options=SOURCE, **more)


def sources_row(name, code, *labels, **more):
    """The log `rotated`, of several sources."""
    options = [word for label in labels for word in ("--source", f"https://{label}.{DOMAIN}")]
    return Row(name, sign.log_key("rotated", 0).did, code, options=tuple(options), **{"lookups": len(labels), **more})


HOSTILE = [
    *(web_row(f"redirect-{kind}", "fetch.redirect") for kind in (301, 302, 303, 307, 308, "file", "bare")),
    web_row("refresh", "fetch.redirect"),
    web_row("not-modified", "fetch.redirect"),
    # A reply that ends with its connection could be cut by anybody.
    *(web_row(label, "fetch.status") for label in ("large-open", "larger-open", "endless-open")),
    web_row("status-404", "did.not_found"),
    web_row("status-410", "did.not_found"),
    *(web_row(f"status-{http}", "fetch.status") for http in (401, 403, 429, 500, 503, 204, 206)),
    *(web_row(label, "fetch.timeout", seconds=PATIENT) for label in ("slow-first", "slow-trickle", "slow-fields")),
    web_row("slow-lookup", "fetch.timeout", seconds=PATIENT, requests=0),
    web_row("tls-stalled", "fetch.timeout", seconds=PATIENT, requests=0),
    *(web_row(label, "fetch.size", seconds=PATIENT) for label in
      ("endless-length", "endless-chunks", "endless-fields", "endless-field")),
    web_row("endless-informational", "fetch.size", seconds=PATIENT),
    web_row("endless-trailers", "fetch.size", seconds=PATIENT),
    web_row("endless-extension", "fetch.timeout", seconds=PATIENT),
    *(web_row(label, "fetch.size") for label in
      ("larger", "larger-chunks", "larger-gzip", "larger-deflate", "bomb")),
    *(web_row(label, "fetch.coding") for label in
      ("gzip-broken", "gzip-plain", "bomb-twice", "coding", "coding-brotli")),
    *(web_row(label, "fetch.unreachable") for label in ("truncated-length", "truncated-chunks", "closed")),
    web_row("no-status-line", "fetch.status"),
    web_row("refused", "fetch.unreachable", requests=0),
    Row("no such name", "did:web:nowhere.example", "fetch.unreachable", requests=0),
    *(web_row(f"tls-{kind}", "fetch.tls", requests=0) for kind in ("expired", "other", "self", "old", "plain")),
    web_row("wrong-id", "diddoc.invalid"),
    web_row("without-id", "diddoc.invalid"),
    web_row("wrong-controller", "diddoc.invalid"),
    web_row("foreign-method", "diddoc.invalid"),
    web_row("same-method-twice", "diddoc.invalid"),
    web_row("small-order", "did.key.invalid"),
    web_row("not-a-key", "diddoc.invalid"),
    web_row("duplicate", "json.duplicate"),
    web_row("duplicate-escaped", "json.duplicate"),
    *(web_row(label, "json.syntax") for label in ("not-json", "empty", "gzip-cut")),
    web_row("array", "diddoc.invalid"),
    web_row("byte-order-mark", "json.utf8"),
    web_row("bad-utf8", "json.utf8"),
    web_row("trailing", "json.trailing"),
    web_row("deep", "json.depth"),
    aip_row("aip-other-id", "aipdoc.invalid"),
    aip_row("aip-version", "aipdoc.version"),
    aip_row("aip-expired", "aipdoc.expired"),
    *(aip_row(label, "aipdoc.signature") for label in ("aip-other-signer", "aip-changed")),
    aip_row("aip-unsigned", "aipdoc.invalid"),
    aip_row("aip-duplicate", "json.duplicate"),
    log_row("bad-signature", "log.signature"),
    log_row("bad-first", "log.signature"),
    log_row("short-signature", "log.malformed"),
    log_row("bad-prev", "log.prev"),
    log_row("missing-prev", "log.prev"),
    log_row("skipping", "log.prev"),
    log_row("uncommitted", "log.key"),
    log_row("reused", "log.key"),
    log_row("wrong-first-key", "log.key"),
    log_row("sealed", "log.ended"),
    log_row("after-end", "log.ended"),
    log_row("future", "log.time"),
    log_row("not-rising", "log.time"),
    *(log_row(name, "log.malformed") for name in
      ("of-another", "unknown-member", "two-keys", "blank-line", "carriage-return", "not-a-log",
       "nothing")),
    log_row("too-large", "fetch.size"),
    sources_row("the only source is down", "fetch.unreachable", "refused"),
    sources_row("the only source is slow", "fetch.timeout", "slow-first-2", seconds=PATIENT),
    sources_row("the only source redirects", "fetch.redirect", "redirect-302-2"),
    sources_row("the only source leads inside", "fetch.address", "listening"),
    sources_row("the only source was tampered with", "log.signature", "logs-broken"),
    Row("a certificate of nobody the system knows", web("good-unknown-ca"), "fetch.tls", requests=0,
        more={"trusting": False}),
    Row("a private address that nobody opened", web("good-closed"), "fetch.address", requests=0,
        more={"admitting": False}),
    *(Row(f"a name that leads to {address}", web(f"to-{number}"), "fetch.address", requests=0)
      for number, address in enumerate(FORBIDDEN_ADDRESSES)),
    web_row("listening", "fetch.address", requests=0),
    web_row("listening6", "fetch.address", requests=0),
    web_row("forbidden-both", "fetch.address", requests=0),
]

GOOD = [
    *(web_row(label, "ok") for label in ("good", "large", "large-gzip", "gzip", "cookie", "age-absurd",
                                         "age-negative")),
    # Of several addresses only the one that was opened is connected to.
    web_row("forbidden-first", "ok"),
    web_row("forbidden-last", "ok"),
    Row("a path", f"did:web:good-path.{DOMAIN}:a:b", "ok"),
    Row("a port", f"did:web:good-port.{DOMAIN}%3A8443", "ok"),
    aip_row("aip-good", "ok"),
    aip_row("aip-hex", "ok"),
    log_row("rotated", "ok"),
    log_row("first", "ok"),
    log_row("compromised", "ok"),
    log_row("long", "ok"),
    sources_row("a log, although another source is down", "ok", "refused", "logs"),
    sources_row("a log, although another source is slow", "ok", "slow-first-3", "logs", seconds=PATIENT),
    sources_row("a log, although another source was tampered with", "ok", "logs-broken", "logs"),
    sources_row("a log, although another source is behind", "ok", "logs-short", "logs"),
    sources_row("a name alone, when the source knows no log of it", "ok", "status-404-2"),
]

# Refused by their text alone: nothing is looked up.
LITERALS = f"""
did:web:127.0.0.1 did:web:127.0.0.2 did:web:127.0.0.1%3A8443 did:web:%31%32%37.0.0.1 did:web:%3127.0.0.1
did:web:127.1 did:web:[::1] did:web:%5B%3A%3A1%5D did:web:::1 did:web:%5B::1%5D did:web:2130706433
did:web:0x7f000001 did:web:0x7f.0.0.1 did:web:0177.0.0.1 did:web:example.0x7f did:web:1.2.3.4.5
did:web:169.254.169.254 did:web:10.0.0.1:a did:web:localhost did:web:a.localhost did:web:printer.local
did:web:metadata.google.internal did:web:router.home.arpa did:web:good did:web:good.{DOMAIN}. did:web:Good.{DOMAIN}
did:web:GOOD.{DOMAIN.upper()} did:web:user@good.{DOMAIN} did:web:user%40good.{DOMAIN}
did:web:user%3Apw@good.{DOMAIN} did:web:good.{DOMAIN}%3A0 did:web:good.{DOMAIN}%3A65536
did:web:good.{DOMAIN}%3A99999999999 did:web:good.{DOMAIN}%3A08443 did:web:good.{DOMAIN}%3A
did:web:good.{DOMAIN}%3A-1 did:web:good.{DOMAIN}%3A+443 did:web:good.{DOMAIN}%3A8443%3A1
did:web:good.{DOMAIN}%253A8443 did:web:good.{DOMAIN}%2Fa did:web:good.{DOMAIN}:.. did:web:good.{DOMAIN}:.
did:web:good.{DOMAIN}:%2e%2e did:web:good.{DOMAIN}:%2E%2e:a did:web:good.{DOMAIN}:a%2Fb did:web:good.{DOMAIN}:a%5Cb
did:web:good.{DOMAIN}:a%00 did:web:good.{DOMAIN}:a%0d%0ab did:web:good.{DOMAIN}:a%3Fb did:web:good.{DOMAIN}:a%23b
did:web:good.{DOMAIN}:a%25b did:web:good.{DOMAIN}: did:web:good.{DOMAIN}::a did:web:good.{DOMAIN}/a
did:web:good.{DOMAIN}:%zz did:web:good..{DOMAIN} did:web:.{DOMAIN} did:web:-good.{DOMAIN} did:web:good-.{DOMAIN}
did:web:go_od.{DOMAIN} did:web:%67ood.{DOMAIN} did:web: did:web did:web:xn--.{DOMAIN}. did:web:{'a' * 64}.{DOMAIN}
did:web:{'a.' * 127}example did:web:bücher.example did:web:①②⑦.⓪.⓪.① did:web:good.{DOMAIN}:{'a' * 512}
did:WEB:good.{DOMAIN} DID:web:good.{DOMAIN} aip:web:127.0.0.1/a aip:web:[::1]/a aip:web:good.{DOMAIN}
aip:web:good.{DOMAIN}/ aip:web:good.{DOMAIN}:8443/a aip:web:u@good.{DOMAIN}/a aip:web:good.{DOMAIN}/../a
aip:web:good.{DOMAIN}/%2e aip:web:good.{DOMAIN}/a?b aip:web:Good.{DOMAIN}/a aip:web:good/a aip:web:/a
AIP:web:good.{DOMAIN}/a
""".split()


def judge(row, outcome):
    label = row.identifier.split(":")[2].split(".")[0]
    asked = None if row.options else not_asked(label, row.requests)
    document = outcome.result.get("didDocument")
    if row.code != "ok":
        shown = document and "a document is shown all the same"
    else:
        shown = row.identifier.startswith("did:web:") and not_of_key(outcome, sign.Key(row.identifier))
    return [not_code(outcome, row.code), too_slow(outcome, row.seconds), asked, not_looked_up(outcome, row.lookups),
            too_large(outcome), astray(outcome), reflected(outcome), shown]


def hostile(row):
    """Beside a hostile host, in the same database, a good one is asked."""
    number = STAGE.number()
    db = database(f"row-{number}")
    subject = STAGE.begin(row.identifier, *row.options, "--trace", db=db, **row.more)
    beside = STAGE.begin(web(f"good-{number}"), db=db).end()
    report(f"{row.name}: {row.code}", *judge(row, subject.end()), not_good(beside) and f"beside it: {not_good(beside)}")


def good(row):
    outcome = resolve(row.identifier, *row.options, db=database(f"row-{STAGE.number()}"), **row.more)
    report(f"{row.name} is resolved", *judge(row, outcome))


def literal(text):
    outcome = resolve(text)
    wanted = "did.url.invalid" if text == f"did:web:good.{DOMAIN}/a" else "did.invalid"  # a name, and then a path
    report(f"{text[:60]} is refused unasked", not_code(outcome, wanted), not_silent(outcome),
           too_slow(outcome, QUICK))


# --- what one run leaves for the next -------------------------------------------------------------------------------

def remembered():
    db = database("remembered")
    first = resolve(web("age-60"), db=db)
    second = resolve(web("age-60"), db=db)
    report("an answer is remembered: no lookup, no socket", not_good(first), not_good(second), not_silent(second),
           not_asked("age-60", 1), first.result.get("didDocument") != second.result.get("didDocument") and "differ")
    later = resolve(web("age-60"), db=db, clock=61)
    report("and asked for again after its max-age", not_good(later), not_asked("age-60", 2))
    report("a database is for its owner alone", db.stat().st_mode & 0o077 and "others can read it")


def remembered_for_five_minutes():
    db = database("five-minutes")
    first = resolve(web("age-86400"), db=db)
    second = resolve(web("age-86400"), db=db, clock=295)
    report("a day's max-age counts for five minutes", not_good(first), not_good(second), not_silent(second))
    later = resolve(web("age-86400"), db=db, clock=301)
    report("and no longer", not_good(later), not_asked("age-86400", 2))


def not_remembered():
    for label in ("no-store", "no-cache"):
        db = database(label)
        outcomes = [resolve(web(label), db=db) for _ in range(2)]
        report(f"{label}: asked each time", *map(not_good, outcomes), not_asked(label, 2))


def offline():
    db = database("offline")
    nothing = resolve(web("good-offline"), "--offline", db=db)
    report("offline, nothing is known: did.not_found", not_code(nothing, "did.not_found"), not_silent(nothing))
    without = resolve(web("good-offline"), "--offline")
    report("the same without a database", not_code(without, "did.not_found"), not_silent(without))
    logged = resolve(sign.log_key("beside", 0).did, "--offline", *SOURCE, db=db)
    report("offline, no source is asked", not_silent(logged))
    known, after = resolve(web("good-offline"), db=db), resolve(web("good-offline"), "--offline", db=db)
    report("offline, what is remembered serves", not_good(known), not_good(after), not_silent(after))
    old = resolve(web("good-offline"), "--offline", db=db, clock=301)
    report("but not when it is old", not_code(old, "did.not_found"), not_silent(old))


def refusals_are_remembered():
    db = database("negative")
    first = resolve(web("status-500-1"), db=db)
    second = resolve(web("status-500-1"), db=db, clock=25)
    report("a host that fails is left alone for 30 seconds", not_code(first, "fetch.status"),
           not_code(second, "fetch.status"), not_silent(second), not_asked("status-500-1", 1))
    other = resolve(f"did:web:status-500-1.{DOMAIN}:a", db=db)
    report("that goes for one identifier", not_code(other, "fetch.status"), not_asked("status-500-1", 2))
    later = resolve(web("status-500-1"), db=db, clock=31)
    report("and then it is asked again", not_code(later, "fetch.status"), not_asked("status-500-1", 3))


def failure_erases_nothing():
    for label, code in (("failing-later", "fetch.status"), ("garbled-later", "json.syntax")):
        db = database(label)
        first = resolve(web(label), db=db)
        failing = resolve(web(label), db=db, clock=61)
        report(f"{label}: an old answer is no answer", not_good(first), not_code(failing, code), not_asked(label, 2))
        still = resolve(web(label), "--offline", db=db, clock=10)
        report(f"{label}: a failure erases nothing", not_good(still), not_silent(still))
        stale = resolve(web(label), "--max-staleness", "1h", db=db, clock=95)
        report(f"{label}: an old answer serves within --max-staleness", not_good(stale), not_asked(label, 3))
        older = resolve(web(label), "--max-staleness", "1h", db=db, clock=3600 + 130)
        report(f"{label}: and not beyond", not_code(older, code))


def bad_sources():
    for source in ("https://127.0.0.2", "https://[::1]", "https://2130706433", "https://0x7f000001", "file:///etc",
                   f"http://logs.{DOMAIN}", f"https://logs.{DOMAIN}/a", f"https://user@logs.{DOMAIN}",
                   f"https://logs.{DOMAIN}:0"):
        outcome = resolve(sign.log_key("rotated", 0).did, "--source", source)
        refused = outcome.exit == 2 or outcome.code == "fetch.address"
        report(f"--source {source} is refused", not refused and outcome.code, not_silent(outcome))


def self_forms_need_nobody():
    key = sign.Key("self")
    raw = "aip:key:ed25519:z" + sign.base58(key.public)
    for identifier in (key.did, "did:key:" + key.text, raw):
        outcome = resolve(identifier, db=database("self"))
        report(f"{identifier[:16]}… resolves without a socket", not_good(outcome), not_silent(outcome))
    for identifier in (key.hash_form(), key.hash_form("personal")):
        missing = resolve(identifier)
        report(f"{identifier[:16]}…: no key is known", not_code(missing, "did.key.missing"), not_silent(missing))
        given = resolve(identifier, "--public-key", key.text)
        report(f"{identifier[:16]}… with its key", not_good(given), not_silent(given), not_of_key(given, key))
        wrong = resolve(identifier, "--public-key", sign.Key("another").text)
        report(f"{identifier[:16]}… with another key", not_code(wrong, "did.key.mismatch"), not_silent(wrong))


def rebinding():
    db, log = database("rebinding"), STAGE.folder / "rebinding.names"
    outcomes = [resolve(f"did:web:rebinding.{DOMAIN}:{path}", db=db, names_log=log) for path in "abc"]
    report("a name that leads to a good address is fetched", not_good(outcomes[0]), not_looked_up(outcomes[0], 1))
    for outcome, where in zip(outcomes[1:], (FORBIDDEN, "169.254.169.254")):
        report(f"the same name, rebound to {where}: fetch.address", not_code(outcome, "fetch.address"), astray(outcome),
               not_looked_up(outcome, 1), not_asked("rebinding", 1))


def logs_are_kept():
    for name, code in (("rolled-back", "log.rollback"), ("forked", "log.fork"), ("forked-longer", "log.fork")):
        db, did = database(name), sign.log_key(name, 0).did
        first = resolve(did, *SOURCE, db=db)
        second = resolve(did, *SOURCE, db=db)
        report(f"{name}: {code}", not_good(first), not_code(second, code))
        third = resolve(did, *SOURCE, db=db, clock=600)
        report(f"{name}: and for ever", not_code(third, code))
        kept = resolve(did, "--offline", db=db)
        report(f"{name}: what was seen first stays", not_good(kept), not_silent(kept),
               kept.version != first.version and f"version {kept.version}, not {first.version}")


def sources_that_contradict():
    db, did = database("contradict"), sign.log_key("rotated", 0).did
    sources = [word for label in ("logs", "logs-forked") for word in ("--source", f"https://{label}.{DOMAIN}")]
    first = resolve(did, *sources, db=db)
    report("of two logs that contradict each other one is taken, and the other reported", not_good(first),
           "log.fork" not in first.output and "nothing was reported")
    for label, code in (("logs", "ok"), ("logs-forked", "log.fork")):
        alone = resolve(did, "--source", f"https://{label}.{DOMAIN}", db=db, clock=301)
        report(f"the one that was taken stays: {label}: {code}", not_code(alone, code))


def logs_grow():
    db, did = database("growing"), sign.log_key("growing", 0).did
    outcomes = [resolve(did, *SOURCE, db=db) for _ in range(4)]
    versions = [outcome.version for outcome in outcomes]
    report("a log that grows is followed", *map(not_good, outcomes), versions != list("0123") and f"got {versions}")
    report("the newest key is in the document", not_of_key(outcomes[3], sign.log_key("growing", 3)))
    report("and the first one is not", sign.log_key("growing", 0).text in outcomes[3].keys and "it is")


def log_that_is_gone():
    db, did = database("gone"), sign.log_key("gone", 0).did
    first = resolve(did, *SOURCE, db=db)
    second = resolve(did, *SOURCE, db=db)
    report("a source that lost a log takes nothing back", not_good(first),
           second.code == "ok" and second.version != "1" and f"version {second.version}")


def deactivated():
    def not_ended(outcome):
        metadata = outcome.result.get("didDocumentMetadata", {})
        alive = outcome.result.get("didDocument") or metadata.get("deactivated") is not True
        return (alive or outcome.exit != 1) and f"not deactivated, exit status {outcome.exit}"

    for name in ("ended", "ended-later"):
        db, did = database(name), sign.log_key(name, 0).did
        outcomes = [resolve(did, *SOURCE, db=db) for _ in range(2)]
        report(f"{name}: deactivated, and no document", not_ended(outcomes[1]))
        later = resolve(did, "--offline", db=db, clock=86400 * 400)
        report(f"{name}: for ever, and offline", not_ended(later), not_silent(later))
    db, did = database("revived"), sign.log_key("revived", 0).did
    outcomes = [resolve(did, *SOURCE, db=db) for _ in range(2)]
    report("nothing revives a deactivated identity", not_ended(outcomes[0]),
           outcomes[1].result.get("didDocument") and "it lives")


def key_that_left():
    db, did = database("key-leaves"), web("key-leaves")
    first, second = resolve(did, db=db), resolve(did, db=db)
    report("a did:web key may change", not_good(first), not_good(second), not_of_key(second, sign.Key(did + " second")))
    third = resolve(did, db=db)
    report("one that left and is back: did.key.returned", not_code(third, "did.key.returned"))
    STAGE.readmit(did, sign.Key(did).text, db)
    fourth = resolve(did, db=db, clock=31)
    report("until the operator readmits it", not_good(fourth), not_of_key(fourth, sign.Key(did)))


def many_at_once():
    db = database("many")
    running = [STAGE.begin(web(f"good-{1000 + number}"), db=db) for number in range(8)]
    outcomes = [each.end() for each in running]
    report("eight programs share a database", *(not_code(outcome, "ok") for outcome in outcomes))


def killed():
    """SIGKILL at random moments of a resolution leaves a database that works."""
    db, did = database("killed"), sign.log_key("killed", 0).did
    chance = random.Random(20260401)
    usual = resolve(did, *SOURCE, db=db)
    problems = [not_good(usual)]
    for number in range(12):
        identifier, options = (did, SOURCE) if number % 2 else (web(f"age-60-{2000 + number}"), ())
        victim = STAGE.begin(identifier, *options, db=db)
        time.sleep(chance.uniform(0.2, 1.1) * usual.seconds)
        victim.kill()
        victim.end()
        after = resolve(web(f"good-{2100 + number}"), db=db)
        problems.append(not_code(after, "ok"))
    report("SIGKILL in the middle leaves a database that works", *problems)
    try:
        import sqlite3
        with sqlite3.connect(db) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        report("SQLite finds nothing wrong with it", verdict != "ok" and verdict)
    except ImportError:
        print("skip SQLite finds nothing wrong with it: python3 lacks sqlite3", flush=True)
    last = resolve(did, "--source", f"https://logs-short.{DOMAIN}", db=db)
    report("and what it knew of logs it still knows", not_code(last, "log.rollback"))


SEQUENCES = [
    remembered, remembered_for_five_minutes, not_remembered, offline, refusals_are_remembered, failure_erases_nothing,
    bad_sources, self_forms_need_nobody, rebinding, logs_are_kept, sources_that_contradict, logs_grow, log_that_is_gone,
    deactivated, key_that_left, many_at_once, killed,
]


# --- what the server saw of all of it -------------------------------------------------------------------------------

def server_view():
    lines = STAGE.recorded()
    seen = [line for line in lines if "path" in line]
    reached = sorted({line["connection"] for line in lines if "connection" in line and line["connection"] != ADDRESS})
    report("nobody connected to an address that was not opened", reached and f"connections to {reached}")
    report("no redirect was followed", *(f"asked for {line['host']}{line['path']}" for line in seen
                                         if "elsewhere" in line["path"] or line["label"] == "target"))
    report("all that is sent is a GET", *{line["method"] for line in seen if line["method"] != "GET"})
    usual = {"host", "user-agent", "accept", "accept-encoding", "connection"}
    report("without cookies, credentials or anything else", *{name for line in seen for name in line["fields"]} - usual)
    report("the server was asked at all", len(seen) < 20 and not WANTED and f"{len(seen)} requests")


def wanted(name):
    return not WANTED or any(each in name for each in WANTED)


def main():
    tasks = [(hostile, row) for row in sorted(HOSTILE, key=lambda row: -row.seconds) if wanted(row.name)]
    tasks += [(good, row) for row in sorted(GOOD, key=lambda row: -row.seconds) if wanted(row.name)]
    tasks += [(literal, text) for text in LITERALS if wanted(text)]
    # Those that wait come first and together; what then needs the processor runs a few at a time.
    waiting = [task for task in tasks if task[0] is not literal and task[1].seconds > QUICK]
    working = [task for task in tasks if task not in waiting]
    with ThreadPoolExecutor(len(waiting) or 1) as waiters, ThreadPoolExecutor(4) as workers:
        started = [waiters.submit(act, row) for act, row in waiting]
        started += [workers.submit(each) for each in SEQUENCES if wanted(each.__name__)]
        started += [workers.submit(act, row) for act, row in working]
        for each in started:
            each.result()
    server_view()


try:
    main()
finally:
    STAGE.close()
sys.exit(report.failed != 0)
