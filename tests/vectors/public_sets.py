"""The public sets: how each file's rows become requests to the driver and expected replies.

A case is (id, request, expected): expected is the members that the reply must have, or a function that says what is
wrong.
"""
import base64
import json
import re
import struct

import dlp_sets as dlp
import identity_sets as identity
import policy_sets as policies
import yaml_sets
from cases import ANY, OK, REFUSED, decode_key, load, rows, sign, table, verdict, verify
from edwards import did_key, is_acceptable_key, unbase58

# --- 01-ed25519


def sign_and_verify(path):
    for i, row in enumerate(load(path) if path.suffix == ".json" else rows(path)):
        yield f"{i}/sign", sign(row), {"ok": True, "sig": row["sig"], "pk": row["pk"]}
        yield f"{i}/verify", verify(row), OK
        if "did_key" in row:
            yield f"{i}/encode", {"op": "didkey.encode", "pk": row["pk"]}, {"ok": True, "did": row["did_key"]}
            yield f"{i}/decode", decode_key(row["did_key"]), {"ok": True, "pk": row["pk"]}
            yield f"{i}/public", {"op": "multibase.decode", "s": row["multikey_pub"]}, {"ok": True, "hex": "ed01" + row["pk"]}
            yield f"{i}/secret", {"op": "multibase.decode", "s": row["multikey_sec"]}, {"ok": True, "hex": "8026" + row["seed"]}
            yield f"{i}/jwk", {"op": "base64url.decode", "s": row["jwk_x"]}, {"ok": True, "hex": row["pk"]}
            yield f"{i}/hash", decode_key(row["did_aip_nexus_style"]), {"ok": False, "error": "did.key.missing"}


def bad_points(path):
    document = load(path)
    for row in document.get("encodings") or document["points"]:
        key = bytes.fromhex(row["encoding"])
        yield f"{row['encoding']}/name", decode_key(did_key(key)), {"ok": False, "error": "did.key.invalid"}
        signature = row["encoding"] + "00" * 32
        yield f"{row['encoding']}/key", {"op": "ed25519.verify", "pk": row["encoding"], "msg": "", "sig": signature}, REFUSED


def other_variants(path):
    for row in load(path)["vectors"]:
        yield row["id"], verify(row), REFUSED


def expected_validity(path):
    for row in rows(path):
        yield row["id"], verify(row), verdict(row["expected"] == "valid")


def edge_cases(path):
    """Ours is `strict_no_small_order` and, beyond it, refuses every key outside the prime-order subgroup."""
    for row in rows(path):
        good = row["ref"]["strict_no_small_order"] and is_acceptable_key(bytes.fromhex(row["pk"]))
        yield row["id"], verify(row), verdict(good)


# --- 02-multibase


def base58_pair(case_id, hexadecimal, text):
    yield f"{case_id}/decode", {"op": "multibase.decode", "s": "z" + text}, {"ok": True, "hex": hexadecimal.lower()}
    yield f"{case_id}/encode", {"op": "multibase.encode", "base": "base58btc", "hex": hexadecimal}, {"ok": True, "s": "z" + text}


def basex(path):
    document = load(path)
    for i, row in enumerate(document["valid"]):
        if row["alphabet"] == "base58":
            yield from base58_pair(f"valid/{i}", row["hex"], row["string"])
    for i, row in enumerate(document["invalid"]):
        if row["alphabet"] == "base58" and isinstance(row.get("string"), str):
            yield f"invalid/{i}", {"op": "multibase.decode", "s": "z" + row["string"]}, REFUSED


def bitcoin(path):
    for i, (hexadecimal, text) in enumerate(load(path)):
        yield from base58_pair(i, hexadecimal, text)


def multibase_csv(path):
    """The first line holds the bytes, written with escapes; the case-insensitive spellings are decoded only."""
    (first, original), *lines = table(path)
    data = original.encode().decode("unicode_escape").encode().hex()
    for i, (base, text) in enumerate(lines):
        yield f"{i}/{base}/decode", {"op": "multibase.decode", "s": text}, {"ok": True, "hex": data}
        if first == "encoding":
            yield f"{i}/{base}/encode", {"op": "multibase.encode", "base": base, "hex": data}, {"ok": True, "s": text}


def varints(path):
    for row in table(path)[1:]:
        code, encoded = int(row[2], 16), b""
        rest = code
        while rest >= 0x80:
            encoded, rest = encoded + bytes([rest & 0x7F | 0x80]), rest >> 7
        encoded += bytes([rest])
        yield row[0].strip(), {"op": "varint.decode", "hex": encoded.hex()}, {"ok": True, "value": code, "len": len(encoded)}


def did_key_rows(path):
    for i, row in enumerate(rows(path)):
        expected = dict(verdict(row["expected"] == "valid"))
        if "pk" in row:
            expected["pk"] = row["pk"]
        yield f"{i}", decode_key(row["did"]), expected


def did_key_documents(path):
    """Documents by did:key; only Ed25519 ones are ours, and a document of another kind of key is refused as well."""
    known = load(path)
    for did, entry in known.get("didDocument", known).items():
        if not did.startswith("did:key:"):
            continue
        ours = did.startswith("did:key:z6Mk")
        document = entry.get("didDocument", entry)
        yield did[:60], decode_key(did), OK if ours else {"ok": False, "error": "did.invalid"}
        yield did[:60] + "/resolve", {"op": "did.resolve", "did": did}, verdict(ours)
        if document.get("id") == did:
            yield did[:60] + "/document", {"op": "diddoc.identity", "did": did, "document": document}, keys_expected(document, did)


def multibase_table(path):
    """Every base of the registry is written under its character, but for the reserved ones and two that are not read."""
    data = "00ff10c3a9"
    for code, character, name, *_ in table(path)[1:]:
        if name in ("none", "proquint", "base45"):
            text = chr(int(code[2:], 16)) + "00"
            yield f"{code}/{name}", {"op": "multibase.decode", "s": text}, {"ok": False, "error": "multibase.invalid"}
            continue

        def first(reply, character=chr(int(code[2:], 16))):
            return None if reply.get("ok") and reply["s"].startswith(character) else f"got {reply}"

        yield name, {"op": "multibase.encode", "base": name, "hex": data}, first


def multikeys(path):
    document = load(path)
    for row in document["keys"]:
        yield row["v"][:60], decode_key("did:key:" + row["v"]), verdict(row["kind"] == "Ed25519 pub")
        yield row["v"][:60] + "/multibase", {"op": "multibase.decode", "s": row["v"]}, OK
    for name, pair in [("keyPair", document["keyPair"]), *document["multiKeyPairs"].items()]:
        yield f"{name}/public", decode_key("did:key:" + pair["publicKeyMultibase"]), OK
        yield f"{name}/private", decode_key("did:key:" + pair["privateKeyMultibase"]), REFUSED


# --- 03-json


def json_suite(path):
    """`transform` files are legal JSON that readers read differently: what could be read two ways is refused."""
    for row in table(path)[1:]:
        kind, name, expected = row[:3]
        data = (path.parent / kind / name).read_bytes()
        ambiguous = name.startswith("object_same_key") or "invalid_codepoint" in name
        answer = {"accept": OK, "reject": REFUSED, "either": ANY, "transform": verdict(not ambiguous)}[expected]
        yield f"{kind}/{name}", {"op": "json.check", "hex": data.hex()}, answer


def jcs_files(path):
    for source in sorted((path / "input").glob("*.json")):
        wanted = "".join((path / "outhex" / (source.stem + ".txt")).read_text().split())
        assert bytes.fromhex(wanted) == (path / "output" / source.name).read_bytes().rstrip(b"\n"), source.name
        yield source.stem, {"op": "jcs", "hex": source.read_bytes().hex()}, {"ok": True, "hex": wanted}


def jcs_numbers(path):
    for bits, wanted in table(path)[1:]:
        number = repr(struct.unpack(">d", bytes.fromhex(bits))[0])
        expected = REFUSED if wanted == "ERROR" else {"ok": True, "hex": f"[{wanted}]".encode().hex()}
        yield bits, {"op": "jcs", "hex": f"[{number}]".encode().hex()}, expected


def jcs_objects(path):
    for row in rows(path):
        yield row["id"], {"op": "jcs", "hex": row["input_hex"]}, {"ok": True, "hex": row["canonical_hex"]}


# --- 04-jose


def jwt(row, context):
    request = {"op": "jwt.verify", "pk": context["pk_hex"]}
    request.update({name: context[name] for name in ("now", "aud", "typ", "leeway")})
    request.update({name: row[name] for name in ("token", "token_hex") if name in row})
    return request


def eddsa_jwt(path):
    context = load(path.with_name("eddsa_jwt_public.context.json"))
    for row in rows(path):
        yield row["id"], jwt(row, context), {"accept": OK, "reject": REFUSED, "either": ANY}[row["expected"]]


def foreign_algorithms(path):
    context = load(path.with_name("eddsa_jwt_public.context.json"))
    for row in load(path) if path.suffix == ".json" else rows(path):
        yield row["id"], jwt(row, context), REFUSED
        yield row["id"] + "/signature", {"op": "jwt.verify", "pk": context["pk_hex"], "token": row["token"]}, REFUSED


def rfc8037(path):
    document = load(path)
    key = base64.urlsafe_b64decode(document["A2_public_jwk"]["x"] + "=").hex()
    seed = base64.urlsafe_b64decode(document["A1_private_jwk"]["d"] + "=").hex()
    token = document["A4_jws"]["compact"]
    signed, signature = token.rsplit(".", 1)
    signature = base64.urlsafe_b64decode(signature + "==").hex()
    request = {"op": "jwt.verify", "pk": key, "token": token}
    yield "A4", sign({"seed": seed, "msg": signed.encode().hex()}), {"ok": True, "pk": key, "sig": signature}
    yield "A5", request, OK
    yield "A5 as aip+jwt", dict(request, typ="aip+jwt", now=1, aud="x"), {"ok": False, "error": "token.header"}


def cookbook(path):
    key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    for file in sorted(path.glob("*.json")):
        token = load(file).get("output", {}).get("compact")
        if token is not None:
            expected = verdict(file.name == "curve25519_jws.json")
            yield file.stem, {"op": "jwt.verify", "pk": key, "token": token}, expected


# --- 05-did


def did_syntax(path):
    for i, row in enumerate(rows(path)):
        expected = {"is_did": row["is_did"], "is_did_url": row["is_did_url"]}
        yield row.get("id", f"{i}"), {"op": "did.parse", "s": row["input"]}, expected


def did_examples(path):
    """Texts of the resolution specification: DID URLs, and documents as JSON."""
    for i, row in enumerate(load(path)):
        text = row["text"]
        if text.startswith("did:") and "\n" not in text:
            yield f"{i}", {"op": "did.parse", "s": text}, {"is_did_url": True}
            whole = "/" not in text and "?" not in text
            error = "did.method.unsupported" if whole else "did.url.invalid"
            yield f"{i}/split", {"op": "didurl.split", "s": text}, {"ok": False, "error": error}
        elif '"id": "did:example:' in text:
            did = re.search('"(did:example:[0-9a-z]*)"', text).group(1)
            error = {"ok": False, "error": "did.method.unsupported"}
            yield f"{i}", {"op": "diddoc.identity", "did": did, "raw": text}, error


def did_web_examples(path):
    """Two documents with commas too many, as the specification prints them, are no JSON; repaired, the first key is read."""
    for i, row in enumerate(load(path)):
        text = row["text"]
        if not text.lstrip().startswith("{"):
            for did, url in re.findall(r"(did:web:\S+)\s+->\s+(https:\S+)", text):
                yield f"{i}/{did}", {"op": "didweb.url", "did": did}, {"ok": True, "url": url}
            for did in text.split():
                if did.startswith("did:"):
                    yield f"{i}/{did}/name", {"op": "did.parse", "s": did}, {"is_did": True}
            continue
        try:
            document, error = json.loads(text), None
        except ValueError:
            document, error = json.loads(re.sub(r",(\s*[\]}])", r"\1", text)), "json.syntax"
        if error:
            yield f"{i}", {"op": "diddoc.identity", "did": document["id"], "raw": text}, {"ok": False, "error": error}
        request = {"op": "diddoc.identity", "did": document["id"], "document": document}
        yield f"{i}/repaired" if error else f"{i}", request, keys_expected(document, document["id"])


RELATIONSHIPS = ("authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation")


def key_of_method(method):
    """The Ed25519 key of a verification method in hex; None for types that are not read; ValueError when it is broken."""
    if method.get("type") in ("Multikey", "Ed25519VerificationKey2020"):
        text = method.get("publicKeyMultibase")
        if not isinstance(text, str) or "publicKeyJwk" in method:
            raise ValueError("no key")
        return unbase58(text[1:])[2:].hex() if text.startswith("z6Mk") else None
    if method.get("type") == "JsonWebKey2020":
        jwk = method.get("publicKeyJwk")
        if not isinstance(jwk, dict) or "d" in jwk or "publicKeyMultibase" in method:
            raise ValueError("no key")
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519":
            return base64.urlsafe_b64decode(jwk["x"] + "==").hex()
    return None


def keys_expected(document, did):
    """What a document of `did` offers by spec/identity.md: its Ed25519 keys, or a refusal."""
    try:
        methods = list(document.get("verificationMethod", []))
        for name in RELATIONSHIPS:
            entries = document.get(name, [])
            if not isinstance(entries, list):
                raise ValueError("no list")
            methods += [entry for entry in entries if not isinstance(entry, str)]
        ids = [method["id"].removeprefix(did) for method in methods]
        if document.get("id") != did or len(set(ids)) < len(ids):
            raise ValueError("not its own")
        if any(not i.startswith("#") for i in ids) or any(method.get("controller") != did for method in methods):
            raise ValueError("of others")
        keys = [key for key in map(key_of_method, methods) if key is not None]
    except (ValueError, KeyError, AttributeError):
        return REFUSED
    if not keys or not (did.startswith("did:web:") or did == did_key(bytes.fromhex(keys[0]))):
        return REFUSED

    def same(reply):
        got = [key["pk"] for key in reply.get("keys", [])]
        return None if reply.get("ok") and got == keys else f"wanted {keys}, got {reply}"

    return same


def fixture_documents(value):
    """All DID documents in a fixture, whole or as text, each once."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, dict):
        if isinstance(value.get("id"), str) and ("verificationMethod" in value or "authentication" in value):
            yield value
            return
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from fixture_documents(item)


def resolution_expected(did):
    if len(did) > 512:
        return {"ok": False, "error": "did.invalid"}
    if did.startswith("did:key:z6Mk"):
        return OK
    if not did.startswith(("did:key:", "did:web:")):
        return {"ok": False, "error": "did.method.unsupported"}
    return REFUSED


def fixtures(path):
    """Reports of other resolvers: every DID and DID URL that they were asked, and every document that they gave."""
    for file in sorted(path.glob("*.json")):
        report = load(file)
        dids = list(report.get("dids", []))
        for did in dids:
            yield f"{file.stem}/{did[:60]}", {"op": "did.parse", "s": did}, {"is_did": True, "is_did_url": True}
        outcomes = {i: name for name, places in report.get("expectedOutcomes", {}).items() for i in places}
        for i, execution in enumerate(report.get("executions", [])):
            asked = execution["input"]
            bad = outcomes.get(i, "").startswith("invalid")
            if "did" in asked:
                expected = {"is_did": not bad}
                dids += [] if bad else [asked["did"]]
            else:
                expected = {"is_did_url": not bad}
            text = asked.get("did", asked.get("didUrl"))
            yield f"{file.stem}/{i}", {"op": "did.parse", "s": text}, expected
            if bad:
                yield f"{file.stem}/{i}/resolve", {"op": "did.resolve", "did": text}, {"ok": False, "error": "did.invalid"}
        for did in sorted(set(dids)):
            yield f"{file.stem}/{did}/resolve", {"op": "did.resolve", "did": did}, resolution_expected(did)
        known = {json.dumps(document, sort_keys=True): document for document in fixture_documents(report)}
        for i, document in enumerate(known.values()):
            request = {"op": "diddoc.identity", "did": document["id"], "document": document}
            yield f"{file.stem}/document {i}", request, keys_expected(document, document["id"])


def did_web(path):
    for row in rows(path):
        good = {"ok": True, "url": row["url"]}

        def profile(reply, good=good):
            return None if reply.get("ok") is False or reply.get("url") == good["url"] else "another URL"

        expected = {"ok": good, "profile": profile}.get(row["expected"], REFUSED)
        yield row["id"], {"op": "didweb.url", "did": row["did"]}, expected


def documents(path):
    for row in rows(path):
        request = {"op": "diddoc.key", "did": row["did"], "document": row["document"], "raw": row["raw"]}
        yield row["id"], request, verdict(row["expected"] == "ok")


# --- tokens


def compact_tokens(path):
    for row in load(path):
        if row["mode"] != "compact":
            continue
        request = {"op": "token.verify", "token": row["token"], "trust": [row["root_public_key_hex"]], "now": 1800000000,
                   "tool": row["tool"]}
        required = row["required"].split()
        expected = OK if required[0] == "ACCEPT" else {"ok": False, "peer": required[1]}
        yield row["id"], request, expected


# --- 10-attack


def traversal(path):
    """What the decoders behind a gateway may make of a text is a touch at any depth, so only `either` has no verdict."""
    context = load(path.with_name("traversal.context.json"))
    for row in rows(path):
        touches = row["expected"].endswith("_block")
        expected = OK if row["expected"] == "either" else {"ok": True, "touches": touches}
        yield row["id"], {"op": "path.check", "arg": row["arg"], "home": context["HOME"], "cwd": context["CWD"],
                          "protected": context["protected_paths"]}, expected


SETS = [
    ("01-ed25519/djb_sign_input_1024", "01-ed25519/djb_sign_input_1024.jsonl", sign_and_verify),
    ("01-ed25519/keys_sign_public", "01-ed25519/keys_sign_public.jsonl", sign_and_verify),
    ("01-ed25519/rfc8032_section7_1", "01-ed25519/rfc8032_section7_1.json", sign_and_verify),
    ("01-ed25519/rfc8032_section7_2_7_3_ctx_ph", "01-ed25519/rfc8032_section7_2_7_3_ctx_ph.json", other_variants),
    ("01-ed25519/noncanonical_y_encodings", "01-ed25519/noncanonical_y_encodings.json", bad_points),
    ("01-ed25519/small_order_points", "01-ed25519/small_order_points.json", bad_points),
    ("01-ed25519/synth_public", "01-ed25519/synth_public.jsonl", expected_validity),
    ("01-ed25519/verify_all", "01-ed25519/verify_all.jsonl", edge_cases),
    ("02-multibase/basex_fixtures", "02-multibase/basex_fixtures.json", basex),
    ("02-multibase/bitcoin_base58", "02-multibase/bitcoin_base58_encode_decode.json", bitcoin),
    ("02-multibase/basic", "02-multibase/multibase_tests_basic.csv", multibase_csv),
    ("02-multibase/case_insensitivity", "02-multibase/multibase_tests_case_insensitivity.csv", multibase_csv),
    ("02-multibase/leading_zero", "02-multibase/multibase_tests_leading_zero.csv", multibase_csv),
    ("02-multibase/two_leading_zeros", "02-multibase/multibase_tests_two_leading_zeros.csv", multibase_csv),
    ("02-multibase/multicodec_varints", "02-multibase/multicodec_table.csv", varints),
    ("02-multibase/didkey_all_w3c", "02-multibase/didkey_all_w3c.jsonl", did_key_rows),
    ("02-multibase/didkey_positive", "02-multibase/didkey_positive_public.jsonl", did_key_rows),
    ("02-multibase/didkey_negative", "02-multibase/didkey_negative_public.jsonl", did_key_rows),
    *[(f"02-multibase/did-method-key_{kind}", f"02-multibase/did-method-key_{kind}.json", did_key_documents)
      for kind in ("bls12381", "ed25519-x25519", "nist-curves", "rsa", "secp256k1", "x25519")],
    ("02-multibase/multibase_table", "02-multibase/multibase_table.csv", multibase_table),
    ("02-multibase/w3c_multikey_examples", "02-multibase/w3c_multikey_examples.json", multikeys),
    ("03-json/JSONTestSuite", "03-json/JSONTestSuite/index.csv", json_suite),
    ("03-json/jcs", "03-json/jcs", jcs_files),
    ("03-json/jcs_numbers", "03-json/jcs_numbers_rfc8785_appB.csv", jcs_numbers),
    ("03-json/jcs_objects", "03-json/jcs_objects_public.jsonl", jcs_objects),
    ("04-jose/eddsa_jwt_public", "04-jose/eddsa_jwt_public.jsonl", eddsa_jwt),
    ("04-jose/wycheproof_jws", "04-jose/wycheproof_jws_flat.jsonl", foreign_algorithms),
    ("04-jose/rfc7515_examples", "04-jose/rfc7515_examples.json", foreign_algorithms),
    ("04-jose/rfc8037_appendixA", "04-jose/rfc8037_appendixA.json", rfc8037),
    ("04-jose/ietf-cookbook", "04-jose/ietf-cookbook", cookbook),
    ("05-did/did_syntax_public", "05-did/did_syntax_public.jsonl", did_syntax),
    ("05-did/did_syntax_w3c_testsuite", "05-did/did_syntax_w3c_testsuite_dids.jsonl", did_syntax),
    ("05-did/did_resolution_spec_examples", "05-did/did_resolution_spec_examples.json", did_examples),
    ("05-did/did_web_spec_examples", "05-did/did_web_spec_examples.json", did_web_examples),
    ("05-did/w3c-did-test-suite", "05-did/w3c-did-test-suite", fixtures),
    ("05-did/didweb_url_public", "05-did/didweb_url_public.jsonl", did_web),
    ("05-did/diddoc_public", "05-did/diddoc_public.jsonl", documents),
    ("identity/identities", "identity/identities.json", identity.identities),
    ("identity/did_forms", "identity/did_forms.json", identity.did_forms),
    ("identity/documents", "identity", identity.documents),
    ("identity/hash_forms", "identity/did_forms.json", identity.hash_forms),
    ("identity/signatures", "identity", identity.signatures),
    ("identity/vouches", "identity", identity.vouches),
    ("identity/revocations", "identity", identity.revocations),
    ("identity/challenges", "identity", identity.challenges),
    ("identity/skills", "identity", identity.skills),
    ("identity/never_accepted", "identity", identity.never_accepted),
    ("identity/trust_path_nexus", "identity/trust_path_nexus.json", identity.trust_path),
    ("identity/pdr_nexus", "identity/pdr_nexus.json", identity.behaviour),
    ("identity/revocation_singla", "identity/revocation_singla.json", identity.singla_revocation),
    ("identity/singla_chain", "identity/singla_chain.json", identity.singla_tokens),
    ("10-attack/traversal_public", "10-attack/traversal_public.jsonl", traversal),
    ("11-fuzz/yaml_test_suite", "11-fuzz/yaml_test_suite.jsonl", yaml_sets.suite),
    ("08-oaip/basic/authorization", "08-oaip/basic/authorization.yaml", policies.suite),
    ("08-oaip/basic/errors", "08-oaip/basic/errors.yaml", policies.suite),
    ("08-oaip/basic/methods", "08-oaip/basic/methods.yaml", policies.suite),
    ("08-oaip/full/arguments", "08-oaip/full/arguments.yaml", policies.suite),
    ("08-oaip/full/dlp", "08-oaip/full/dlp.yaml", policies.data_loss),
    ("08-oaip/full/normalization", "08-oaip/full/normalization.yaml", policies.suite),
    ("08-oaip/example_policies", "08-oaip/example_policies", policies.examples),
    ("08-oaip/policy_eval_public", "08-oaip/policy_eval_public.jsonl", policies.evaluations),
    ("09-dlp/dlp_positive_public", "09-dlp/dlp_positive_public.jsonl", dlp.positives),
    ("09-dlp/dlp_negative_public", "09-dlp/dlp_negative_public.jsonl", dlp.negatives),
    ("aip-compact", "aip-compact-and-chained.json", compact_tokens),
]

# Sets that wait for a later stage: name, file, the operation that they need.
LATER = [
    ("08-oaip/identity/tokens", "08-oaip/identity/tokens.yaml", "identity.check"),
    ("08-oaip/identity/validation", "08-oaip/identity/validation.yaml", "identity.check"),
    ("08-oaip/server/authentication", "08-oaip/server/authentication.yaml", "server.ask"),
    ("08-oaip/server/endpoints", "08-oaip/server/endpoints.yaml", "server.ask"),
    ("aip-chained", "aip-compact-and-chained.json", "chain.verify"),
    ("10-attack/jsonrpc_smuggling_public", "10-attack/jsonrpc_smuggling_public.jsonl", "rpc.check"),
    ("12-chain/chain_biscuit_public", "12-chain/chain_biscuit_public.jsonl", "chain.verify"),
]
