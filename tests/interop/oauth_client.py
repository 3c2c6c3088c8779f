"""A program with the OAuth client of Authlib, which nobody here wrote: registers, leads a learner to consent, reads.

`python -m tests.interop.oauth_client PORTAL HOST STEP`, with what earlier steps told on standard input as JSON; prints
what came of the step as JSON. It knows the portal by its published metadata alone.
"""

import json
import sys
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session

READ = "https://purl.imsglobal.org/spec/clr/v1p0/scope/readonly"
SCOPE = f"{READ} offline_access"


def _session(told: dict[str, Any], **more: Any) -> OAuth2Session:
    return OAuth2Session(
        told["client_id"],
        told["client_secret"],
        scope=SCOPE,
        redirect_uri=told["redirect_uri"],
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
        **more,
    )


def register(portal: str, host: str, known: dict[str, Any]) -> dict[str, Any]:
    """Finds the server by its metadata, registers, and begins an authorization with PKCE."""
    server = requests.get(f"{portal}/.well-known/oauth-authorization-server", timeout=10).json()
    sent = {
        "client_name": "Wallet with Authlib",
        "client_uri": f"{host}/",
        "logo_uri": f"{host}/logo.png",
        "tos_uri": f"{host}/terms",
        "policy_uri": f"{host}/privacy",
        "software_id": "authlib",
        "software_version": "1",
        "redirect_uris": [f"{host}/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": SCOPE,
    }
    answer = requests.post(server["registration_endpoint"], json=sent, timeout=10)
    answer.raise_for_status()
    client = answer.json()
    told = {
        "server": server,
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
        "redirect_uri": sent["redirect_uris"][0],
        "verifier": "authlib-" * 8,
    }
    address, state = _session(told).create_authorization_url(
        server["authorization_endpoint"], code_verifier=told["verifier"]
    )
    return {**told, "address": address, "state": state}


def exchange(portal: str, host: str, known: dict[str, Any]) -> dict[str, Any]:
    """Swaps the code of the answer for tokens, and reads with them."""
    session = _session(known, state=known["state"])
    token = session.fetch_token(
        known["server"]["token_endpoint"],
        authorization_response=known["answer"],
        code_verifier=known["verifier"],
    )
    return {**known, "token": token, "read": _read(session, portal)}


def refresh(portal: str, host: str, known: dict[str, Any]) -> dict[str, Any]:
    """Swaps the refresh token, and reads with what came."""
    session = _session(known, token=known["token"])
    token = session.refresh_token(known["server"]["token_endpoint"], refresh_token=known["token"]["refresh_token"])
    return {**known, "token": token, "read": _read(session, portal)}


def revoke(portal: str, host: str, known: dict[str, Any]) -> dict[str, Any]:
    """Gives the refresh token back, and tries to read once more."""
    session = _session(known, token=known["token"])
    answer = session.revoke_token(
        known["server"]["revocation_endpoint"], token=known["token"]["refresh_token"], token_type_hint="refresh_token"
    )
    return {"revoked": answer.status_code, "read": _read(session, portal)}


def _read(session: OAuth2Session, portal: str) -> dict[str, Any]:
    token = session.token["access_token"]
    answer = requests.get(f"{portal}/ims/clr/v1p0/clrs", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    document = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
    return {"status": answer.status_code, "signed": len(document.get("signedClrs", []))}


STEPS = {"register": register, "exchange": exchange, "refresh": refresh, "revoke": revoke}

if __name__ == "__main__":
    portal, host, step = sys.argv[1:]
    print(json.dumps(STEPS[step](portal, host, json.loads(sys.stdin.read() or "{}"))))
