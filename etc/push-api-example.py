"""
An application that decides about pushes: push-api-example.py PORT SECRET-FILE

It answers what the server asks over GitLab's internal API ([gitlab] in gitaly.toml), with nothing but Python:
- POST /api/v4/internal/allowed: may this push happen? It is told the repository (relative_path, and gl_repository where whoever
  pushes names it), the user (username, key_id or user_id) and the changes, one line "OLD NEW REF" for each ref.
- POST .../pre_receive: the hooks have let it pass, and it is about to be written. POST .../post_receive: it was written.
- GET .../check: is somebody there? Asked once, when the server starts.
"""

import base64
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def decide(push):
    for line in push["changes"].splitlines():
        _, new, ref = line.split(" ", 2)
        if ref == "refs/heads/main" and not new.strip("0"):
            return "the main branch is here to stay"
    return ""


class Application(BaseHTTPRequestHandler):
    def do_POST(self):
        if not self.knows_secret():
            return self.answer({"message": "who are you?"}, 401)
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        match self.path.rpartition("/internal/")[2]:
            case "allowed":
                refused = decide(asked)
                self.answer({"status": not refused, "message": refused})
            case "pre_receive":
                self.answer({"reference_counter_increased": True})
            case "post_receive":
                thanks = {"type": "basic", "message": f"thank you, {asked['identifier']}"}
                self.answer({"reference_counter_decreased": True, "messages": [thanks]})
            case "check":
                self.answer({"api_version": "v4", "gitlab_version": "example", "gitlab_rev": "", "redis": True})
            case _:
                self.answer({"message": "there is no such thing"}, 404)

    do_GET = do_POST

    def knows_secret(self):
        message, _, signature = self.headers.get("Gitlab-Shell-Api-Request", "").rpartition(".")
        right = base64.urlsafe_b64encode(hmac.digest(SECRET, message.encode(), "sha256")).decode().rstrip("=")
        if not hmac.compare_digest(signature, right):
            return False
        claims = message.partition(".")[2]
        return json.loads(base64.urlsafe_b64decode(claims + "==="))["exp"] > time.time()

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    with open(sys.argv[2], "rb") as file:
        SECRET = file.read().strip()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Application).serve_forever()
