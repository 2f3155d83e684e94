#!/usr/bin/env python3
"""A Comprehend for the tests: verifies every signature as server.py does, answers by simple rules,
fails on demand. Prints its port; ends when its standard input is closed.

A note that holds "busy-N" is answered with a throttling error the first N times; "odd" gets an
answer that is none. Every question that is answered is written to standard error: "ACTION".
"""
import json, os, sys, threading
from http.server import ThreadingHTTPServer

import server

tries, lock = {}, threading.Lock()


class Handler(server.Handler):
    def problem(self, status, name):
        self.answer(
            status,
            json.dumps({
                "__type": "com.amazonaws.comprehend#" + name,
                "Message": "no"
            }).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if server.verify(self, body):
            return self.problem(400, "InvalidSignatureException")
        if self.headers.get(
                "Content-Type"
        ) != "application/x-amz-json-1.1" or "/comprehend/aws4_request" not in self.headers[
                "Authorization"]:
            return self.problem(400, "SerializationException")
        action, question = self.headers["X-Amz-Target"].removeprefix(
            "Comprehend_20171127."), json.loads(body)
        text = question["Text"]
        if len(text.encode()) > 5000:
            return self.problem(400, "TextSizeLimitExceededException")
        if "busy-" in text:
            with lock:
                tries[text] = tries.get(text, 0) + 1
                if tries[text] <= int(text.split("busy-")[1].split()[0]):
                    return self.problem(400, "ThrottlingException")
        print(action, file=sys.stderr, flush=True)
        if "odd" in text:
            return self.answer(200, b'{"Languages": 5}')
        if action == "DetectDominantLanguage":
            spanish = "piel" in text
            return self.answer(
                200,
                json.dumps({
                    "Languages": [{
                        "LanguageCode": "de",
                        "Score": 0.01
                    }, {
                        "LanguageCode": "es" if spanish else "en",
                        "Score": 0.98
                    }]
                }).encode())
        if action == "DetectSentiment" and question["LanguageCode"] == "en":
            good = "better" in text
            scores = {
                "Positive": 0.9 if good else 0.05,
                "Negative": 0.05 if good else 0.9,
                "Neutral": 0.03,
                "Mixed": 0.02
            }
            return self.answer(
                200,
                json.dumps({
                    "Sentiment": "POSITIVE" if good else "NEGATIVE",
                    "SentimentScore": scores
                }).encode())
        return self.problem(400, "InvalidRequestException")


service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
service.daemon_threads = True
print(service.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
service.serve_forever()
