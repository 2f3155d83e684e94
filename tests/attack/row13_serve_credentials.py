"""SIGHUP with new certificates, tokens and models, good and bad ones.   row13_serve_credentials.py
BIN"""
import hashlib, http.client, os, shutil, signal, ssl, subprocess, time
from serve_attack import DEMO, LONG, Server, check, finish

TOKENS = ("the first of two tokens", "the second of two tokens")


def certificate(name):
    subprocess.run([
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
        f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"
    ], check=True, capture_output=True)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(f"{name}.pem").read())).hexdigest()


def put(text, name):
    open("next", "w").write(text)
    os.rename("next", name)


def ask(s, token, path="/metrics"):
    """Status, body, and the certificate that was shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    c = http.client.HTTPSConnection("127.0.0.1", s.port, context=context, timeout=30)
    c.connect()
    shown = hashlib.sha256(c.sock.getpeercert(True)).hexdigest()
    c.request("GET", path, headers={"Authorization": "Bearer " + token, "Connection": "close"})
    r = c.getresponse()
    return r.status, r.read().decode(), shown


def reload(s, counter, value):
    s.process.send_signal(signal.SIGHUP)
    begin = time.time()
    while time.time() - begin < 20:
        if any(f"\nskin_model_{counter}_total {value}\n" in ask(s, t)[1] for t in TOKENS):
            return
        time.sleep(0.05)
    check(False, f"no reload was counted in {counter}")


prints = [certificate("one"), certificate("two")]
shutil.copy(DEMO, "model.safetensors")
put(TOKENS[0], "token")
put(open("one.pem").read(), "cert.pem")
put(open("one.key").read(), "key.pem")
s = Server("--no-detect", "--token-file", "token", "--tls-cert", "cert.pem", "--tls-key", "key.pem",
           model="model.safetensors")
check(ask(s, TOKENS[0])[0::2] == (200, prints[0]), "the first token and certificate")
check(ask(s, TOKENS[1])[0] == 401, "the second token is not known yet")
for i in range(20 if LONG else 3):
    new, old = (i + 1) % 2, i % 2
    name = ("one", "two")[new]
    put(TOKENS[new], "token")
    put(open(f"{name}.pem").read(), "cert.pem")
    # the key is still the old one: nothing of it may be put into service
    reload(s, "reload_failures", 3 * i + 1)
    check(
        ask(s, TOKENS[old])[0::2] == (200, prints[old]) and ask(s, TOKENS[new])[0] == 401,
        f"{i}: a key of another certificate changes nothing")
    put(open(f"{name}.key").read(), "key.pem")
    put("short", "token")
    reload(s, "reload_failures", 3 * i + 2)
    check(ask(s, TOKENS[old])[0::2] == (200, prints[old]), f"{i}: a short token changes nothing")
    put(TOKENS[new], "token")
    put(open(DEMO, "rb").read(1000).decode("latin-1"), "model.safetensors")
    reload(s, "reload_failures", 3 * i + 3)
    check(ask(s, TOKENS[old])[0::2] == (200, prints[old]), f"{i}: a broken model changes nothing")
    shutil.copy(DEMO, "next")
    os.rename("next", "model.safetensors")
    reload(s, "reloads", i + 1)
    check(
        ask(s, TOKENS[new])[0::2] == (200, prints[new]) and ask(s, TOKENS[old])[0] == 401,
        f"{i}: the new token and certificate")
s.end(40)
finish()
