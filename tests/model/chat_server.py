"""A small OpenAI-compatible server, run as a process of its own: `python chat_server.py FOLDER` prints its port.

Model `tiny` is the folder's model behind its own chat template; `script` always writes the text of $SCRIPT. Paths
other than /v1 show what goes wrong elsewhere: /slow, /html, /odd, /two, /none; with $EXPECTED_KEY the key is demanded.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FOLDER = sys.argv[1] if len(sys.argv) > 1 else ""
MODEL: Any = None
LOCK = threading.Lock()
MODELS = {"v1": ["tiny"], "two": ["tiny", "script"], "none": []}


def reply(name: str, messages: list[dict[str, str]], most: int) -> tuple[str, str]:
    """The text and why it ended."""
    if name == "script":
        return os.environ["SCRIPT"], "stop"
    from cypher_magic.model.prompt import Encoded

    ids = MODEL.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    done = MODEL.complete_many([Encoded((), tuple(ids))], max_tokens=most)[0]
    return done.text, "stop" if done.ended else "length"


class Handler(BaseHTTPRequestHandler):
    """Answers GET models and POST chat/completions."""

    def do_GET(self) -> None:
        place = self.path.split("/")[1]
        if place not in MODELS:
            return self.send(404, {"error": {"message": "no such place"}})
        return self.send(200, {"object": "list", "data": [{"id": name} for name in MODELS[place]]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with LOCK:  # requests come at the same time
            print(json.dumps({"body": body, "key": self.headers.get("Authorization")}), flush=True)
        place = self.path.split("/")[1]
        key = os.environ.get("EXPECTED_KEY")
        if key and self.headers.get("Authorization") != f"Bearer {key}":
            return self.send(401, {"error": {"message": f"wrong key {self.headers.get('Authorization')}"}})
        if place == "slow":
            time.sleep(2)
        if place == "html":
            return self.send(200, "<html>welcome</html>")
        if place == "odd":
            return self.send(200, {"choices": [{"text": "RETURN 1"}]})
        if place == "moved":
            self.send_response(302)
            self.send_header("Location", "http://example.invalid/v1/chat/completions")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if body["model"] not in ("tiny", "script"):
            return self.send(404, {"error": {"message": f"The model {body['model']}\n does not exist.\x1b[2J"}})
        text, why = reply(body["model"], body["messages"], body["max_tokens"])
        if body["stream"]:
            return self.stream(text, why)
        return self.send(200, {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": why}]})

    def send(self, status: int, answer: Any) -> None:
        data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, text: str, why: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        pieces = [{"delta": {"role": "assistant"}, "finish_reason": None}]
        pieces += [{"delta": {"content": text[i : i + 5]}, "finish_reason": None} for i in range(0, len(text), 5)]
        pieces += [{"delta": {}, "finish_reason": why}]
        for piece in pieces:
            self.wfile.write(f"data: {json.dumps({'choices': [piece]})}\n\n".encode())
        self.wfile.write(b'data: {"choices": [], "usage": {}}\n\ndata: [DONE]\n\n')

    def log_message(self, *args: Any) -> None:
        return None


if __name__ == "__main__":
    if FOLDER:
        from cypher_magic.model.generate import CypherModel
        from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
        from cypher_magic.model.prompt import Prompt

        tokenizer = load_tokenizer(FOLDER)
        MODEL = CypherModel(load_backbone(FOLDER, choose_device("cpu", "fp32")), tokenizer, Prompt(tokenizer))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
