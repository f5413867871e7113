"""A district's single sign-on on this machine: discovery, keys, codes, signed tokens."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.journeys.servers import LOOPBACK

CLIENT, SECRET = "safetyd-maple", "a secret of the district"


class District:
    """Who comes is at once logged in there as `claims`; `spoil` changes what is signed."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "u-17", "name": "Pat Quill", "groups": ["maple-custodians"]}
        self.spoil: dict[str, Any] = {}
        self.key = RSAKey.generate_key(2048, parameters={"kid": "k1"}, private=True)
        self.signs_with = self.key
        self._asked: dict[str, dict[str, str]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                said = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if parts.path == "/.well-known/openid-configuration":
                    self._tell(outer._discovery())
                elif parts.path == "/keys":
                    self._tell({"keys": [outer.key.as_dict(private=False)]})
                elif parts.path == "/authorize":
                    assert said["client_id"] == CLIENT and said["code_challenge_method"] == "S256"
                    outer._asked["code-1"] = said
                    answer = urlencode({"code": "code-1", "state": said["state"]})
                    self.send_response(302)
                    self.send_header("Location", f"{said['redirect_uri']}?{answer}")
                    self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                said = {name: values[0] for name, values in parse_qs(body).items()}
                asked = outer._asked.pop(said["code"])
                digest = hashlib.sha256(said["code_verifier"].encode()).digest()
                assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
                basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
                assert self.headers["Authorization"] == f"Basic {basic}"
                self._tell({"access_token": "a", "token_type": "Bearer", "id_token": outer._signed(asked)})

            def _tell(self, what: dict[str, Any]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(what).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.issuer = f"http://{LOOPBACK}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _signed(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims | self.claims | self.spoil, self.signs_with)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def district() -> Iterator[District]:
    made = District()
    try:
        yield made
    finally:
        made.close()
