import json
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

VERSION = tomllib.loads(Path(__file__).with_name("pyproject.toml").read_text())["project"]["version"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"service": "ml-service", "version": VERSION}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("", 8000), Handler).serve_forever()
