"""Public sets of identities: identifiers, documents, statements, trust figures and tokens of other systems."""
import base64
import hashlib
import json

from cases import OK, REFUSED, decode_key, load, sign, verdict, verify
from edwards import unbase58


def identities(path):
    for name, row in load(path).items():
        key = row["public_key_hex"]
        yield f"{name}/key", sign({"seed": row["seed_hex"], "msg": ""}), {"ok": True, "pk": key}
        yield f"{name}/did:key", {"op": "didkey.encode", "pk": key}, {"ok": True, "did": row["did_key"]}
        yield f"{name}/hash", decode_key(row["did_aip"]), {"ok": False, "error": "did.key.missing"}


def did_forms(path):
    for name, row in load(path).items():
        key = row["public_key_hex"]
        yield f"{name}/key", sign({"seed": row["seed_hex"], "msg": ""}), {"ok": True, "pk": key}
        for form in ("did_aip", "did_key"):
            yield f"{name}/{form}", decode_key(row[form]), {"ok": True, "pk": key}
        for form in ("did_aip_hash", "did_aip_namespaced_hash"):
            if row[form] is not None:
                yield f"{name}/{form}", decode_key(row[form]), {"ok": False, "error": "did.key.missing"}
        yield f"{name}/multibase", {"op": "multibase.decode", "s": row["public_key_multibase"]}, {"ok": True, "hex": "ed01" + key}
        yield f"{name}/jwk", {"op": "base64url.decode", "s": row["jwk_x"]}, {"ok": True, "hex": key}


def documents(path):
    key = load(path / "identities.json")["alice"]["public_key_hex"]
    expected = {
        "resolution_nexus_service": {"ok": True, "pk": key},
        "resolution_nexus_after_rotation": {"ok": False, "error": "did.key.mismatch"},
        "lookup_nexus_service": REFUSED,
        "document_nexus_sdk": REFUSED,
    }
    for name, answer in expected.items():
        document = load(path / (name + ".json"))
        document = document.get("didDocument", document)
        yield name, {"op": "diddoc.key", "did": document.get("id", document.get("did")), "document": document}, answer


def people(path):
    return {name: row["public_key_hex"] for name, row in load(path / "identities.json").items()}


def place_of(document, place):
    for part in place.split("."):
        document = document[part]
    return document


SIGNED = {  # file: (place of the signed text, place of the signature)
    "challenge_nexus_service": ("signed_bytes_utf8", "signature_b64"),
    "challenge_nexus_sdk": ("signed_bytes_utf8", "response.response.signature"),
    "challenge_opena2a": ("signed_utf8", "signature"),
    "vouch_nexus_rest": ("payload_utf8", "signature_b64"),
    "vouch_nexus_sdk": ("signable_utf8", "vouch.signature"),
    "revocation_nexus_rest": ("payload_utf8", "signature_b64"),
    "revocation_nexus_sdk": ("signable_utf8", "revocation.signature"),
    "skill_nexus_rest": ("payload_utf8", "signature_b64"),
    "rotation_nexus": ("payload_utf8", "signature_by_old_b64"),
    "sign_json_nexus": ("canonical", "signature_b64"),
    "message_nexus": ("payload_utf8", "signature_b64"),
    "http_headers_nexus": ("message_utf8", "headers.X-AIP-Signature"),
    "payloads_nexus": [(f"{name}.payload_utf8", f"{name}.signature_b64") for name in (
        "webhook_create", "webhook_delete", "webhook_deliveries", "wallet_bind", "message_delete_or_read")],
    "signatures_aim": [("headers_request.message_utf8", "headers_request.X-Signature"),
                       ("verification_body.message_utf8", "verification_body.signature_b64"),
                       ("mcp_attestation.message_utf8", "mcp_attestation.signature_b64")],
}


def signatures(path):
    keys = people(path)
    for name, places in SIGNED.items():
        document = load(path / (name + ".json"))
        for i, (text, signature) in enumerate(places if isinstance(places, list) else [places]):
            text, signature = place_of(document, text), place_of(document, signature)
            signature = base64.b64decode(signature + "=" * (-len(signature) % 4)).hex()
            row = {"pk": keys["alice"], "msg": text.encode().hex(), "sig": signature}
            yield f"{name}/{i}", verify(row), OK
            yield f"{name}/{i}/changed", verify(dict(row, msg=row["msg"] + "00")), REFUSED
            yield f"{name}/{i}/another", verify(dict(row, pk=keys["bob"])), REFUSED


def hash_forms(path):
    """The hash forms are accepted with their key, and refused with another one."""
    forms = load(path)
    for name, row in forms.items():
        others = [other["public_key_hex"] for other in forms.values() if other is not row]
        for form in ("did_aip_hash", "did_aip_namespaced_hash"):
            if row[form] is None:
                continue
            request = {"op": "did.resolve", "did": row[form]}
            method = f"{row[form]}#key-1"

            def document(reply, did=row[form], method=method, multikey=row["public_key_multibase"]):
                found = reply.get("result", {}).get("didDocument", {})
                keys = [(m["id"], m["publicKeyMultibase"]) for m in found.get("verificationMethod", [])]
                return None if found.get("id") == did and keys == [(method, multikey)] else f"got {reply}"

            yield f"{name}/{form}", dict(request, pk=row["public_key_hex"]), document
            for other in others:
                yield f"{name}/{form}/{other[:8]}", dict(request, pk=other), {"ok": False, "error": "did.key.mismatch"}


MEANT = 1767323045 + 60  # a minute after 2026-01-02T03:04:05Z, when most statements were made
INVALID, BAD = {"ok": False, "error": "evidence.invalid"}, {"ok": False, "error": "evidence.signature"}
EXPIRED, MISMATCH = {"ok": False, "error": "evidence.expired"}, {"ok": False, "error": "did.key.mismatch"}


def evidence(kind, statement, now=MEANT, **known):
    return dict({"op": "nexus.verify", "kind": kind, "object": statement, "now": now}, **known)


def each_changed(name, request, members, expected, place=None):
    """The same statement with each of the members changed."""
    for member in members:
        statement = json.loads(json.dumps(request["object"]))
        inside = statement if place is None else statement[place]
        value = inside[member]
        inside[member] = value + 1 if isinstance(value, int) else "2026-01-02T03:04:06Z" if value is None else value + "x"
        yield f"{name}/{member}", dict(request, object=statement), expected


def vouches(path):
    """Rest and certificate: four signed members, and no others are believed. SDK: eight."""
    keys, forms = people(path), load(path / "identities.json")
    alice, bob = forms["alice"]["did_aip"], forms["bob"]["did_aip"]
    rest = load(path / "vouch_nexus_rest.json")["request"]
    request = evidence("vouch.rest", rest, pk=keys["alice"])
    good = {"ok": True, "pk": keys["alice"], "signer": alice, "target": bob, "scope": "CODE_SIGNING", "expires": None,
            "level": -1, "vouch_id": ""}
    yield "rest", request, good
    yield "rest/no key", evidence("vouch.rest", rest), {"ok": False, "error": "did.key.missing"}
    yield "rest/another key", dict(request, pk=keys["bob"]), MISMATCH
    yield "rest/another signer", dict(request, signer=bob), INVALID
    yield "rest/statement", dict(request, object=dict(rest, statement="x")), BAD
    yield "rest/target", dict(request, object=dict(rest, target_did=alice)), BAD
    yield "rest/scope", dict(request, object=dict(rest, scope="FINANCIAL")), BAD
    yield "rest/unknown scope", dict(request, object=dict(rest, scope="ALL")), INVALID
    yield "rest/not padded", dict(request, object=dict(rest, signature=rest["signature"].rstrip("="))), INVALID
    certificate = load(path / "vouch_nexus_certificate.json")
    yield "certificate", evidence("vouch.certificate", certificate), good
    late = dict(certificate, expires_at="2099-01-01T00:00:00Z", vouch_id="x", created_at=None)
    yield "certificate/unsigned members are not believed", evidence("vouch.certificate", late), good
    stolen = dict(certificate, voucher_public_key=forms["bob"]["public_key_b64"])
    yield "certificate/another key", evidence("vouch.certificate", stolen), MISMATCH
    sdk = load(path / "vouch_nexus_sdk.json")
    request = evidence("vouch.sdk", sdk["vouch"])
    yield "sdk", request, dict(good, level=4, vouch_id=sdk["vouch_id"])
    yield "sdk/canonical", {"op": "nexus.canonical", "object": json.loads(sdk["signable_utf8"])}, {"ok": True, "text": sdk["signable_utf8"]}
    yield from each_changed("sdk", request, ("level", "statement", "expires_at"), BAD)
    yield "sdk/created_at", dict(request, object=dict(sdk["vouch"], created_at="2026-01-02T03:04:06+00:00")), BAD
    yield from each_changed("sdk", request, ("scope", "target_pubkey", "voucher_pubkey"), INVALID)
    for name in ("voucher", "target"):
        other = dict(sdk["vouch"], **{f"{name}_pubkey": forms["carol"]["public_key_b64"]})
        yield f"sdk/{name} key of another", dict(request, object=other), MISMATCH
        yield f"sdk/{name} of another", dict(request, object=dict(sdk["vouch"], **{f"{name}_did": forms["carol"]["did_aip"]})), MISMATCH
    yield "sdk/before it was made", dict(request, now=1767323045 - 60), EXPIRED


def revocations(path):
    keys, forms = people(path), load(path / "identities.json")
    alice, bob = forms["alice"]["did_aip"], forms["bob"]["did_aip"]
    rest = load(path / "revocation_nexus_rest.json")
    identifier = rest["payload_utf8"].removeprefix("revoke:")
    statement = {"vouch_id": identifier, "signature": rest["signature_b64"]}
    request = evidence("revocation.rest", statement, pk=keys["alice"], signer=alice, about=identifier)
    yield "rest", request, {"ok": True, "signer": alice}
    yield "rest/of another vouch", dict(request, about="550e8400-e29b-41d4-a716-446655440001"), INVALID
    yield "rest/of a vouch of another", dict(request, signer=bob), MISMATCH
    yield "rest/by another", dict(request, signer=bob, pk=keys["bob"]), BAD
    yield "rest/changed", dict(request, about="x", object=dict(statement, vouch_id="x")), BAD
    yield "rest/of whose vouch is not said", evidence("revocation.rest", statement, pk=keys["alice"], about=identifier), REFUSED
    sdk = load(path / "revocation_nexus_sdk.json")["revocation"]
    request = evidence("revocation.sdk", sdk, MEANT + 86400, signer=alice, about=sdk["vouch_id"])
    yield "sdk", request, {"ok": True, "signer": alice, "pk": keys["alice"]}
    yield "sdk/of a vouch of another", dict(request, signer=bob), INVALID
    yield "sdk/of another vouch", dict(request, about="0123456789abcdef"), INVALID
    yield "sdk/of whose vouch is not said", evidence("revocation.sdk", sdk, MEANT + 86400, about=sdk["vouch_id"]), INVALID
    yield "sdk/key of another", dict(request, object=dict(sdk, revoker_pubkey=forms["bob"]["public_key_b64"])), MISMATCH
    yield from each_changed("sdk", request, ("reason",), BAD)


def challenges(path):
    keys, forms = people(path), load(path / "identities.json")
    document = load(path / "challenge_nexus_service.json")
    statement = {"did": document["signer"], "challenge": document["challenge"], "public_key": document["public_key_b64"],
                 "signature": document["signature_b64"]}
    request = evidence("challenge.rest", statement, about=document["challenge"])
    yield "service", request, {"ok": True, "signer": document["signer"], "pk": keys["alice"]}
    yield "service/not ours", evidence("challenge.rest", statement), INVALID
    yield "service/another of ours", dict(request, about="00" * 32), INVALID
    yield "service/key of another", dict(request, object=dict(statement, public_key=forms["bob"]["public_key_b64"])), MISMATCH
    yield "service/did of another", dict(request, object=dict(statement, did=forms["bob"]["did_aip"])), MISMATCH
    yield "service/no hex", dict(request, about="x", object=dict(statement, challenge="x")), INVALID

    response = load(path / "challenge_nexus_sdk.json")["response"]
    nonce = response["challenge"]["nonce"]
    request = evidence("challenge.sdk", response, about=nonce)
    text = load(path / "challenge_nexus_sdk.json")["signed_bytes_utf8"]
    yield "sdk", request, {"ok": True, "pk": keys["alice"], "expires": 1767323045 + 300}
    yield "sdk/canonical", {"op": "nexus.canonical", "spaced": True, "object": response["challenge"]}, {"ok": True, "text": text}
    yield "sdk/last second", dict(request, now=1767323045 + 299), OK
    yield "sdk/expired", dict(request, now=1767323045 + 300), EXPIRED
    yield "sdk/before it was made", dict(request, now=1767323045 - 60), EXPIRED
    yield "sdk/not ours", dict(request, about="00" * 32), INVALID
    for name, member, value, answer in (
        ("lasts longer", "expires_in_seconds", 299, BAD), ("lasts too long", "expires_in_seconds", 301, INVALID),
        ("another time", "timestamp", "2026-01-02T03:04:06+00:00", BAD), ("another type", "type", "aip-challenge-v2", INVALID),
        ("another member", "more", 1, INVALID),
    ):
        changed = dict(response, challenge=dict(response["challenge"], **{member: value}))
        yield f"sdk/{name}", dict(request, object=changed), answer
    other = dict(response, response=dict(response["response"], public_key=forms["bob"]["public_key_b64"]))
    yield "sdk/key of another", dict(request, object=other), MISMATCH

    own = load(path / "challenge_opena2a.json")
    issued = 1779926280
    request = evidence("challenge.opena2a", own, issued + 60, pk=keys["alice"], about=own["challenge"], nonce=own["nonce"])
    yield "opena2a", request, {"ok": True, "signer": own["agentDid"], "expires": issued + 300}
    yield "opena2a/its name", decode_key(own["agentDid"]), {"ok": False, "error": "did.foreign.provider"}
    unknown = {name: value for name, value in request.items() if name != "pk"}
    yield "opena2a/no key that is known", unknown, {"ok": False, "error": "did.foreign.provider"}
    yield "opena2a/key of another", dict(request, pk=keys["bob"]), INVALID
    yield "opena2a/expired", dict(request, now=issued + 300), EXPIRED
    yield "opena2a/before it was made", dict(request, now=issued - 60), EXPIRED
    yield "opena2a/not ours", dict(request, about="x"), INVALID
    yield "opena2a/another nonce", dict(request, nonce="x"), INVALID
    yield "opena2a/longer", dict(request, object=dict(own, expiresAt="2026-05-28T00:03:01Z")), INVALID
    yield "opena2a/shorter", dict(request, object=dict(own, expiresAt="2026-05-28T00:02:59Z")), BAD
    yield "opena2a/padded", dict(request, object=dict(own, signature=own["signature"] + "==")), INVALID

    bad = load(path / "challenge_nexus_malformed_time.json")["expires_at"]
    yield "malformed time", {"op": "time.read", "s": bad}, REFUSED
    yield "malformed time/mended", {"op": "time.read", "s": bad.removesuffix("Z")}, OK
    changed = dict(own, expiresAt=bad)
    yield "malformed time/in a challenge", dict(request, object=changed), INVALID


def skills(path):
    keys, forms = people(path), load(path / "identities.json")
    alice, bob = forms["alice"]["did_aip"], forms["bob"]["did_aip"]
    rest = load(path / "skill_nexus_rest.json")
    digest = hashlib.sha256(rest["content"].encode()).hexdigest()
    statement = {"author_did": alice, "timestamp": rest["payload_utf8"].split("|")[2], "signature": rest["signature_b64"]}
    request = evidence("skill.rest", statement, pk=keys["alice"], files={"skill.md": digest})
    yield "rest", request, {"ok": True, "signer": alice}
    yield "rest/changed content", dict(request, files={"skill.md": "00" * 32}), BAD
    yield "rest/two files", dict(request, files={"skill.md": digest, "more.md": digest}), INVALID
    yield "rest/another time", dict(request, object=dict(statement, timestamp="2026-01-02T03:04:06Z")), BAD
    yield "rest/time of another form", dict(request, object=dict(statement, timestamp="2026-01-02T03:04:05+00:00")), INVALID
    yield "rest/another author", dict(request, object=dict(statement, author_did=bob)), MISMATCH

    document = load(path / "skill_nexus_manifest.json")
    manifest = dict(json.loads(document["canonical"]), signature=document["signature_hex"])
    request = evidence("skill.manifest", manifest, files={"skill.md": digest})
    yield "manifest", request, {"ok": True, "signer": alice, "pk": keys["alice"]}
    yield "manifest/changed content", dict(request, files={"skill.md": "00" * 32}), INVALID
    yield "manifest/a file more", dict(request, files={"skill.md": digest, "more.md": digest}), INVALID
    yield "manifest/a file less", dict(request, files={}), INVALID
    yield "manifest/another name", dict(request, files={"Skill.md": digest}), INVALID
    yield "manifest/upper-case signature", dict(request, object=dict(manifest, signature=manifest["signature"].upper())), INVALID
    yield "manifest/a member more", dict(request, object=dict(manifest, more=1)), INVALID
    yield "manifest/another time", dict(request, object=dict(manifest, timestamp=manifest["timestamp"] + 1)), BAD
    yield "manifest/another DID", dict(request, object=dict(manifest, did=bob)), MISMATCH
    yield "manifest/another key", dict(request, object=dict(manifest, public_key=forms["bob"]["public_key_b64"])), MISMATCH
    for name in ("../skill.md", "/skill.md", "a//b", "a/./b", "a\\b", ".."):
        files = {name: digest}
        yield f"manifest/{name}", dict(request, files=files, object=dict(manifest, files=files)), INVALID


def never_accepted(path):
    """Signed well, and of formats that prove too little."""
    keys = people(path)
    unsupported = {"ok": False, "error": "evidence.unsupported"}
    handshake = load(path / "handshake_nexus_v1.json")
    for who, step, message in (("bob", "respond", "msg2"), ("alice", "confirm", "msg3")):
        text = handshake[f"{step}_signed_utf8"].encode().hex()
        yield f"handshake/{step}", verify({"pk": keys[who], "msg": text, "sig": handshake[message]["signature"]}), OK
    token = hashlib.sha256((handshake["msg1"]["challenge"] + ":" + handshake["msg2"]["counter_challenge"]).encode()).hexdigest()
    assert token == handshake["session_token"], "the session token is public"
    for message in ("msg1", "msg2", "msg3"):
        yield f"handshake/{message}", evidence("handshake.v1", handshake[message]), unsupported
    yield "rotation", evidence("rotation", load(path / "rotation_nexus.json")), unsupported
    yield "vc.export", evidence("vc.export", {}), unsupported
    signed = load(path / "sign_json_nexus.json")
    text = json.dumps(signed["data"])
    yield "sign_json/canonical", {"op": "nexus.canonical", "raw": text}, {"ok": True, "text": signed["canonical"]}

    def other(reply, wanted=signed["canonical"].encode().hex()):
        return None if reply.get("ok") and reply["hex"] != wanted else "the same bytes as RFC 8785"

    yield "sign_json/not RFC 8785", {"op": "jcs", "hex": text.encode().hex()}, other
    yield "sign_json/a fraction", {"op": "nexus.canonical", "raw": "[1.5]"}, {"ok": False, "error": "json.number"}


def trust_path(path):
    document = load(path)
    edges = [[link["voucher_did"], link["target_did"], 5] for link in document["trust_chain"]]
    source, target = document["source_did"], document["target_did"]
    request = {"op": "trust.path", "edges": edges, "source": source, "target": target, "decay": document["decay"]}
    good = {"ok": True, "exists": document["path_exists"], "hops": document["path_length"], "path": document["path"],
            "score": document["trust_score"]}
    yield "path", request, good
    yield "back", dict(request, source=target, target=source), {"ok": True, "exists": False, "score": 0}
    yield "self", dict(request, target=source), {"ok": True, "exists": True, "hops": 0, "score": 1}
    yield "shorter", dict(request, edges=edges + [[source, target, 2]]), {"ok": True, "hops": 1, "score": 0.8, "level": 2}
    yield "decay above 1", dict(request, decay=1.5), {"ok": False, "error": "config.invalid"}
    yield "decay 0", dict(request, decay=0), {"ok": False, "error": "config.invalid"}


def behaviour(path):
    document = load(path)
    request = {"op": "pdr.score", "observations": document["observations"], "social": document["social_trust"]}
    figures = {name: document[name] for name in ("confidence", "behavioural", "composite", "provisional", "label")}
    yield "all", request, dict(document["scores"], ok=True, measured=True, **figures)
    yield "windowed", dict(request, last=document["window_of_last"]), dict(document["windowed"], ok=True, measured=True)
    yield "too few", dict(request, last=4), {"ok": True, "measured": False}
    backwards = document["observations"][::-1]
    yield "out of order", dict(request, observations=backwards), {"ok": False, "error": "usage"}
    changed = [dict(document["observations"][0], delivered=["b"])] + document["observations"][1:]

    def other(reply):
        return None if reply.get("ok") and reply["chain_hash"] != document["scores"]["chain_hash"] else "the same hash"

    yield "a changed observation", dict(request, observations=changed), other


def singla_revocation(path):
    """Judged as bytes only: the draft's statements are a later stage."""
    document = load(path)
    emptied = json.dumps(dict(document["object"], signature=""))
    message = document["signing_input_utf8"].encode().hex()
    row = {"pk": people(path.parent)["alice"], "msg": message, "sig": unbase64(document["object"]["signature"])}
    yield "RFC 8785", {"op": "jcs", "hex": emptied.encode().hex()}, {"ok": True, "hex": message}
    yield "signature", verify(row), OK
    yield "another key", verify(dict(row, pk=people(path.parent)["bob"])), REFUSED
    removed = {name: value for name, value in document["object"].items() if name != "signature"}
    canonical = json.dumps(removed, sort_keys=True, separators=(",", ":"))
    yield "without the member", verify(dict(row, msg=canonical.encode().hex())), REFUSED


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()


def singla_tokens(path):
    """Tokens of draft-singla-03, whose own verification is a later stage. Checked here is what this version says of them:
    the signatures are good or forged as the set says, and none of them passes as a token of ours."""
    document = load(path)
    keys = {kid.split("#")[0]: unbase64(x) for kid, x in document["registry_keys"].items()}
    keys.update({row["did_key"]: unbase58(row["public_key_multibase"][1:])[2:].hex() for row in document["keys"].values()})
    for row in document["vectors"]:
        outer = row["token"]
        inner = json.loads(bytes.fromhex(unbase64(outer.split(".")[1]))).get("aip_chain", [])
        forged = 0
        for i, jws in enumerate([outer, *inner]):
            signed, signature = jws.rsplit(".", 1)
            header = json.loads(bytes.fromhex(unbase64(signed.split(".")[0])))
            name = header["kid"].split("#")[0].lower() if i == 0 else header["kid"].split("#")[0]
            key = keys[next(known for known in keys if known.lower() == name.lower())]
            request = verify({"pk": key, "msg": signed.encode().hex(), "sig": unbase64(signature)})
            bad = row["name"].startswith("forged_signature") and "orchestrator" in name and i > 0
            forged += bad
            yield f"{row['name']}/{i}", request, verdict(not bad)
            yield f"{row['name']}/{i}/jwt", {"op": "jwt.verify", "token": jws, "pk": key}, verdict(not bad and header["alg"] == "EdDSA")
        assert forged == row["name"].startswith("forged_signature"), row["name"]
        trust = [*keys.values(), *keys]
        trust = [name for name in trust if not name.startswith("did:aip:")]
        request = {"op": "token.verify", "token": outer, "trust": trust, "now": document["now"], "audience": document["audience"]}
        yield f"{row['name']}/as a token", request, REFUSED
        for i, jws in enumerate(inner):
            yield f"{row['name']}/element {i} as a token", dict(request, token=jws), REFUSED
        yield f"{row['name']}/as a chain", dict(request, token="~".join([*inner, outer])), REFUSED
