"""What must not get in: wrong keys, wrong certificates, wrong files, wrong peers, wrong rights. Each is refused with a
clear error, and whoever else is served goes on being served."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
import unittest
import zlib

from harness import BINARY_FRAME, CLOSE, TEXT, E2ETest, RawLink, make_items, rows_of, sqlite, trusting, vmc, wait_until, workflow


def with_checksum(text):
    return f"{text}_{zlib.crc32(text.encode()):08x}"


def openssl(*words, cwd):
    done = subprocess.run(["openssl", *words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Certificates:
    """An authority of our own, and certificates for 127.0.0.1 with the dates a test wants."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndir=.\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
            "unique_subject=no\n[p]\ncommonName=supplied\n[v3]\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
            "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("01\n")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=test authority",
                "-keyout", "ca.key", "-out", "ca.pem", cwd=folder)

    @property
    def authority(self):
        return self.folder / "ca.pem"

    def issue(self, name, start="20200101000000Z", end="20990101000000Z"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", cwd=self.folder)
        openssl("ca", "-batch", "-config", "ca.cnf", "-extensions", "v3", "-cert", "ca.pem", "-keyfile", "ca.key", "-startdate", start,
                "-enddate", end, "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext", cwd=self.folder)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


class Keys(E2ETest):
    def test_a_key_that_is_not_complete_is_refused_before_anything_is_stored(self):
        cloud = self.world()
        for key in ("", "vmc_default", "vmc_default_" + "0" * 34 + "_00000000", with_checksum("vmc_default_" + "u" * 34),
                    with_checksum("vmc_Default_" + "0" * 34), with_checksum("vmc_default_" + "0" * 34)[:-1], "x" * 5000):
            with self.subTest(key[:40]):
                agent = cloud.bare_agent("HQ")
                done = agent.configure(key, authority="/etc/passwd")
                self.assertEqual(done.code, 2, done)
                self.assertEqual(done.error["code"], "INVALID_REQUEST")
                self.assertFalse(agent.config.exists())
                if key:
                    self.assertNotIn(key, done.err)

    def test_a_key_the_gateway_does_not_know(self):
        cloud = self.world().start(worker=False)
        cloud.ok("key", "create", "--name", "HQ")
        for key in (with_checksum("vmc_default_" + "0" * 34), with_checksum("vmc_nobody_" + "0" * 34)):
            with self.subTest(key):
                agent = cloud.agent("HQ", key=key, start=False)
                agent.start()
                agent.wait_log(r"the gateway refuses this agent.*AUTH_FAILED")
                self.assertTrue(agent.alive(), "it keeps trying: the owner may mend the key")
                self.assertNotIn(key, agent.text(0))
                agent.stop()
        self.assertFalse(cloud.ok("connector", "list")["items"][0]["online"])

    def test_a_wrong_secret_behind_a_right_id(self):
        cloud = self.world().start(worker=False)
        made = cloud.ok("key", "create", "--name", "HQ")
        head = made["key"].rsplit("_", 1)[0]
        other = with_checksum(head[:-2] + ("00" if head[-2:] != "00" else "11"))
        agent = cloud.agent("HQ", key=other, start=False)
        agent.start()
        agent.wait_log(r"AUTH_FAILED")
        self.assertIsNone(cloud.ok("key", "list")["items"][0]["usedAt"])

    def test_a_revoked_key_is_cut_at_once_and_a_new_one_lets_the_agent_back_in(self):
        cloud = self.world().start(worker=False)
        make_items(self.folder / "a.db", 3)
        agent = cloud.agent("HQ", start=False).add_sqlite("a", self.folder / "a.db").publish("a").start()
        agent.connected().wait_published("a")
        here = agent.here()
        self.assertIsNotNone(cloud.ok("key", "revoke", agent.key_id)["revokedAt"])
        agent.wait_log(r"AUTH_FAILED", since=here)
        wait_until("the connector to be offline", lambda: not cloud.ok("connector", "list")["items"][0]["online"])
        done = cloud.cli("connector", "query", "HQ", "a", "--table", "items", "--columns", "id")
        self.assertEqual((done.code, done.error["code"]), (7, "CONNECTOR_OFFLINE"), done)
        self.assertIn("revoked", cloud.gateway.text())

        agent.stop()
        agent.start()
        agent.wait_log(r"the gateway refuses this agent.*AUTH_FAILED")
        agent.stop()
        done = agent.configure(cloud.ok("key", "create", "--name", "HQ")["key"], force=True)
        self.assertEqual(done.code, 0, done)
        agent.start()
        agent.connected()
        done = cloud.cli("connector", "query", "HQ", "a", "--table", "items", "--columns", "id", "--limit", 2)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.json["rowCount"], 2)

    def test_a_second_installation_with_the_same_key(self):
        cloud = self.world().start(worker=False)
        first = cloud.agent("HQ")
        second = cloud.agent("HQ", key=first.key, start=False)
        second.start()
        second.wait_log(r"the gateway refuses this agent.*DUPLICATE_CONNECTION")
        status, _, body = cloud.http("GET", "/api/v1/notices", token=cloud.token())
        self.assertEqual(status, 200, body)
        self.assertEqual([n["code"] for n in body["items"]][:1], ["DUPLICATE_CONNECTION"], body)
        self.assertIn("HQ", body["items"][0]["message"])
        self.assertTrue(cloud.ok("connector", "list")["items"][0]["online"])
        self.assertTrue(first.alive())
        self.assertNotIn("DUPLICATE_CONNECTION", first.text())

    def test_a_stolen_home_does_not_open_elsewhere_but_a_restarted_agent_fences_its_older_self(self):
        cloud = self.world().start(worker=False)
        agent = cloud.agent("HQ")
        agent.freeze()  # a half-open connection: the gateway still counts it
        twin = cloud.bare_agent("HQ")
        shutil.copytree(agent.home, twin.home, ignore=shutil.ignore_patterns("bus"))
        shutil.copytree(agent.config.parent, twin.config.parent, dirs_exist_ok=True)
        twin.start()
        twin.connected()
        here = agent.here()
        agent.thaw()
        agent.wait_log(r"not connected|newer session", since=here)
        # The vault of a copied home needs the key file that lies beside it.
        twin.stop()
        (twin.home / "vault.key").unlink()
        twin.start()
        twin.wait_log(r"VAULT_DECRYPT_ERROR")


class Tls(E2ETest):
    def test_an_agent_does_not_speak_to_a_gateway_of_another_authority(self):
        cloud = self.world().start(worker=False)
        other = Certificates(self.folder / "ca")
        key = cloud.ok("key", "create", "--name", "HQ")["key"]
        agent = cloud.bare_agent("HQ")
        agent.configure(key, authority=other.authority)
        agent.start()
        agent.wait_log(r"not connected.*(certificate|authority)")
        self.assertIsNone(cloud.ok("key", "list")["items"][0]["usedAt"])
        done = vmc("--gateway", cloud.url, "--token-file", self.file("token", cloud.token()), "--ca", other.authority, "--json", "key", "list")
        self.assertEqual((done.code, done.error["code"]), (7, "UNAVAILABLE"), done)
        self.assertIn("certificate", done.error["message"])

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_an_agent_does_not_speak_to_a_gateway_whose_certificate_has_expired(self):
        certificates = Certificates(self.folder / "ca")
        certificate, key = certificates.issue("old", end="20210101000000Z")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        read = []

        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(peer, server_side=True) as secured:
                        read.append(secured.recv(100))
                except (ssl.SSLError, OSError):
                    pass

        threading.Thread(target=serve, daemon=True).start()
        cloud = self.world()
        agent = cloud.bare_agent("HQ")
        done = agent.configure(with_checksum("vmc_default_" + "0" * 34), authority=certificates.authority,
                               url=f"wss://127.0.0.1:{listener.getsockname()[1]}/ws")
        self.assertEqual(done.code, 0, done)
        agent.start()
        agent.wait_log(r"not connected.*expired")
        self.assertEqual([r for r in read if r], [], "nothing was sent to it")

    def test_a_gateway_does_not_start_with_an_expired_or_foreign_certificate(self):
        certificates = Certificates(self.folder / "ca")
        old, old_key = certificates.issue("old", end="20210101000000Z")
        good, good_key = certificates.issue("good")
        for certificate, key, word in ((old, old_key, "expired"), (good, old_key, "does not fit"), (old_key, old_key, "certificate")):
            with self.subTest(word):
                cloud = self.world(gateway_extra=f'certificate_file = "{certificate}"\nprivate_key_file = "{key}"\n')
                self.assertEqual(cloud.gateway.start().wait_end(), 2)
                self.assertIn(word, cloud.gateway.text())

    def test_certificates_of_ones_own_and_a_pin(self):
        certificates = Certificates(self.folder / "ca")
        certificate, key = certificates.issue("good")
        cloud = self.world(gateway_extra=f'certificate_file = "{certificate}"\nprivate_key_file = "{key}"\n').start(worker=False)
        made = cloud.ok("key", "create", "--name", "HQ")
        agent = cloud.bare_agent("HQ")
        self.assertEqual(agent.configure(made["key"], authority=certificates.authority).code, 0)
        agent.start()
        agent.connected()
        agent.stop()
        public = subprocess.run(f"openssl x509 -in {certificate} -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary "
                                "| base64", shell=True, capture_output=True, text=True).stdout.strip()
        text = agent.config.read_text()
        pinned = "\n".join(line for line in text.splitlines() if not line.startswith("ca_file"))
        agent.config.write_text(pinned.replace("[agent]", f'[agent]\npin_sha256 = "{public}"', 1))
        agent.start()
        agent.connected()
        agent.stop()
        agent.config.write_text(pinned.replace("[agent]", '[agent]\npin_sha256 = "' + "A" * 43 + '="', 1))
        agent.start()
        agent.wait_log(r"not connected")
        self.assertNotIn("agent     connected", agent.text())


class Configuration(E2ETest):
    def check(self, text, code, *words):
        file = self.folder / "check.toml"
        file.write_text(text)
        done = vmc("--json", "config", "check", file)
        self.assertEqual(done.code, code, done)
        for word in words:
            self.assertIn(word, done.err + done.out)
        return done

    def test_unknown_keys_are_refused_with_line_and_nearest_name(self):
        self.check('[gateway]\nlisten = "127.0.0.1:1"\nheartbeat_timout = "5s"\n\n[log]\nlevel = "info"\n', 2,
                   "check.toml:3:", "'gateway.heartbeat_timout'", "did you mean 'heartbeat_timeout'?")
        self.check('[wroker]\ntier = "free"\n', 2, "check.toml:1:", "'wroker'")
        self.check('[[connections]]\nid = "a"\ntype = "sqlite"\nfile = "x"\nwriteable_tables = ["t"]\n[agent]\ncloud_url = "wss://x/ws"\n', 2,
                   "check.toml:5:", "writable_tables")

    def test_all_complaints_come_at_once(self):
        self.check('[gateway]\nsweep = 5\ngrace = "soon"\nstate = "postgres://x"\nbus = "redis"\ncertificate_file = "x"\n', 2,
                   "check.toml:2:", "check.toml:3:", "check.toml:4:", "check.toml:5:", "private_key_file")

    def test_broken_toml_names_its_line(self):
        self.check('[gateway]\nlisten = "127.0.0.1:1\n', 2, "check.toml:2:")
        self.check("[gateway\n", 2, "check.toml:1:")

    def test_secrets_in_the_file_are_refused_and_not_repeated(self):
        done = self.check('[agent]\ncloud_url = "wss://x/ws"\napi_key = "vmc_default_secretsecret"\n', 2, "check.toml:3:", "reference")
        self.assertNotIn("secretsecret", done.err + done.out)

    def test_a_file_that_is_right_and_one_that_is_not_there(self):
        self.assertTrue(self.check('[worker]\ntier = "free"\n[tiers.free]\nworkers = 3\n', 0).json["ok"])
        self.assertEqual(vmc("--json", "config", "check", self.folder / "none.toml").code, 2)

    def test_no_role_starts_with_a_wrong_file(self):
        file = self.folder / "wrong.toml"
        file.write_text("[gateway]\nlissen = 1\n[worker]\nleese = 1\n[agent]\nnaem = 1\n")
        for role in ("gateway", "worker", "agent", "all-in-one"):
            with self.subTest(role):
                done = vmc("--config", file, "--state", self.folder / "s", role)
                self.assertEqual(done.code, 2, done)
                self.assertIn("wrong.toml:", done.err)

    def test_usage(self):
        for words in ((), ("nothing",), ("key",), ("key", "create"), ("--wrong", "version"), ("key", "create", "--name")):
            with self.subTest(words):
                self.assertEqual(vmc(*words).code, 2)
        self.assertEqual(vmc("--help").code, 0)
        self.assertEqual(vmc("version").code, 0)
        self.assertRegex(vmc("--json", "version").json["version"], r"^\d+\.\d+")


class HostilePeers(E2ETest):
    """An honest agent is connected throughout; whatever the others do, it is served at the end."""

    def setUp(self):
        super().setUp()
        make_items(self.folder / "a.db", 5)
        self.cloud = self.world().start(worker=False)
        honest = self.cloud.agent("Honest", start=False).add_sqlite("a", self.folder / "a.db").publish("a").start()
        honest.connected().wait_published("a")
        self.honest = honest

    def tearDown(self):
        done = self.cloud.cli("connector", "query", "Honest", "a", "--table", "items", "--columns", "id,name")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.json["rowCount"], 5)
        self.assertEqual(self.honest.text().count("agent     connected"), 1, "it was thrown out meanwhile")
        self.assertEqual(self.cloud.http("GET", "/healthz")[0], 200)

    def hostile(self):
        link = RawLink(self.cloud)
        self.addCleanup(link.close)
        self.assertEqual(link.status, 101, link.head)
        return link

    def inside(self):
        """A link that has logged in with a key of its own."""
        link = self.hostile()
        self._made = getattr(self, "_made", 0) + 1
        got = link.enrol(self.cloud.ok("key", "create", "--name", f"Hostile {self._made}")["key"])
        self.assertEqual(got[1]["type"], "connected", got)
        link.connected = got[1]
        return link

    def test_what_is_no_login_is_answered_with_an_error_and_the_end(self):
        for text, code in ((b"", "COMMAND_MALFORMED"), (b"hello", "COMMAND_MALFORMED"), (b"[]", "COMMAND_MALFORMED"), (b"null", "COMMAND_MALFORMED"),
                           (b'{"type":"nonsense"}', "COMMAND_MALFORMED"), (b'{"type":7}', "COMMAND_MALFORMED"),
                           (b'{"type":"auth"}', "COMMAND_MALFORMED"), (b"[" * 4000, "COMMAND_MALFORMED"),
                           (b'{"type":"heartbeat","timestamp":1,"status":"ready","activeCommands":0}', "AUTH_FAILED"),
                           (b'{"type":"ready","free":5}', "AUTH_FAILED"),
                           (b'{"type":"command_ack","commandId":"cmd_1"}', "AUTH_FAILED")):
            with self.subTest(text[:60]):
                link = self.hostile()
                link.message("challenge")
                link.text(text)
                messages, closed = link.until_closed()
                self.assertEqual([m["code"] for m in messages], [code], messages)
                self.assertIsNotNone(closed)

    def test_logins_that_are_none(self):
        made = self.cloud.ok("key", "create", "--name", "Hostile")
        good = {"type": "auth", "installationId": "ins_1", "lastEpoch": 0, "agentVersion": "1", "name": "x"}
        public = "A" * 43 + "="
        signature = "A" * 86 + "=="
        key_id = self.cloud.ok("key", "list")["items"][-1]["keyId"]
        for fields in ({"apiKey": "vmc_default_x"}, {"apiKey": made["key"]}, {"apiKey": made["key"][:-1] + ("1" if made["key"][-1] == "0" else "0"), "publicKey": public},
                       {"keyId": "default_" + key_id, "signature": signature}, {"keyId": "default_nobody", "signature": signature},
                       {"keyId": "nobody", "signature": signature}, {"keyId": "_", "signature": signature}, {"keyId": "' OR 1=1", "signature": signature}):
            with self.subTest(sorted(fields)):
                link = self.hostile()
                link.message("challenge")
                link.send(**good, **fields)
                messages, closed = link.until_closed()
                self.assertIn(messages[0]["code"], ("AUTH_FAILED", "COMMAND_MALFORMED"), messages)
                self.assertNotIn(made["key"], json.dumps(messages))
        self.assertNotIn(made["key"], self.cloud.gateway.text())

    def test_a_login_that_never_comes_is_cut_off(self):
        link = self.hostile()
        link.message("challenge")
        link.until_closed()  # the test's ceiling is the socket's own timeout

    def test_frames_against_the_rules(self):
        for what, act in (("binary", lambda l: l.frame(BINARY_FRAME, b"\x00\x01")),
                          ("too long before the login", lambda l: l.frame(TEXT, b"x" * 5000)),
                          ("unmasked", lambda l: l.frame(TEXT, b"{}", masked=False)),
                          ("reserved opcode", lambda l: l.frame(5, b"x")),
                          ("a length of 2^62 bytes", lambda l: l.frame(TEXT, b"x", claim=1 << 62)),
                          ("no UTF-8", lambda l: l.frame(TEXT, b"\xff\xfe\xfd")),
                          ("a close frame of one byte", lambda l: l.frame(CLOSE, b"x"))):
            with self.subTest(what):
                link = self.hostile()
                link.message("challenge")
                act(link)
                link.until_closed()

    def test_upgrades_that_are_none(self):
        for path, protocol, status in (("/ws", "other", 400), ("/ws", None, 400), ("/elsewhere", "vmc.v1", 404)):
            with self.subTest((path, protocol)):
                link = RawLink(self.cloud, path, protocol)
                self.addCleanup(link.close)
                self.assertEqual(link.status, status, link.head)
        self.assertEqual(self.cloud.http("GET", "/ws")[0], 426)

    def test_after_the_login_nonsense_is_answered_and_the_session_lives_on(self):
        link = self.inside()
        for text in (b"nonsense", b'{"type":"unknown_type"}', b'{"type":"heartbeat"}', b'{"type":"execution_result","commandId":"../../etc"}',
                     b'{"type":"ready","free":-1}', b'{"type":"ready","free":1e999}', b'{"type":"auth"}'):
            link.text(text)
            self.assertEqual(link.message("error")["code"], "COMMAND_MALFORMED", text)
        link.send(type="heartbeat", timestamp=1, status="ready", activeCommands=0, unknown="fields are ignored")
        link.send(type="ready", free=0)
        link.send(type="status", status="busy", reason="x")
        link.send(type="error", code="INTERNAL", message="\x1b[31mred\x07")
        link.text(b"nonsense")
        self.assertEqual(link.message("error")["code"], "COMMAND_MALFORMED")
        self.assertNotIn("\x1b", self.cloud.gateway.text())

    def test_too_much_nonsense_ends_the_session(self):
        link = self.inside()
        for _ in range(20):
            try:
                link.text(b"nonsense")
            except OSError:
                break
        messages, closed = link.until_closed()
        self.assertEqual({m["code"] for m in messages if m["type"] == "error"}, {"COMMAND_MALFORMED"})

    def test_messages_about_commands_of_others_change_nothing(self):
        self.honest.freeze()
        try:
            execution = self.cloud.submit(workflow("Copy", ("Honest", "a", "items"), ("Honest", "a", "items")))
            self.cloud.start_worker()
            issued = self.cloud.wait_event(execution, "command_issued")
            command = issued[0]["commandId"]
            link = self.inside()
            link.send(type="ready", free=16)
            link.send(type="command_ack", commandId=command)
            link.send(type="command_waiting", commandId=command, waitingOn="forged", since=1)
            link.send(type="execution_error", commandId=command, attemptEpoch=1, error={"code": "INTERNAL", "message": "forged", "retryable": False})
            link.send(type="execution_result", commandId=command, executionId=execution, activityId="read", attemptEpoch=1, rowCount=0, durationMs=1,
                      result={"inline": {"parts": [], "rows": 0}})
            link.text(b"nonsense")  # its answer comes after all of these were handled
            link.message("error")
            shown = self.cloud.show(execution)
            self.assertIsNone(shown["finishedAt"], shown)
            self.assertNotIn("forged", json.dumps([shown, self.cloud.events(execution)]))
            self.cloud.ok("execution", "cancel", execution)
            self.cloud.wait_status(execution, "cancelled")
        finally:
            self.honest.thaw()
            self.cloud.worker.stop()

    def test_a_schema_that_is_none(self):
        link = self.inside()
        for schema in ({}, {"tables": 7}, {"tables": [{"name": "t"}]}, {"tables": [{"name": "", "columns": []}]}):
            link.send(type="schema_discovery", connection="x", schema=schema, timestamp=1)
            self.assertEqual(link.message("error")["type"], "error", schema)
        self.assertEqual(self.cloud.cli("schema", "show", "Hostile 1", "x").code, 5)

    def test_a_message_of_more_than_4_mib(self):
        link = self.inside()
        try:
            link.frame(TEXT, b'{"type":"status","status":"busy","reason":"' + b"x" * (5 << 20) + b'"}')
        except OSError:
            pass  # cut off while it was still talking
        link.until_closed()

    def test_chunks_without_the_right_mac_are_not_stored(self):
        link = self.inside()
        headers = {"X-Vmc-Connector": link.connected["connectorId"], "X-Vmc-Session": str(link.connected["epoch"]), "X-Vmc-Last": "1",
                   "X-Vmc-Mac": "00" * 32}
        for change, status in (({}, 422), ({"X-Vmc-Mac": "zz"}, 400), ({"X-Vmc-Mac": ""}, 400), ({"X-Vmc-Session": "x"}, 400),
                               ({"X-Vmc-Connector": "../x"}, 400)):
            with self.subTest(change):
                execution, command = "exe_1", "cmd_1"
                got = self.cloud.http("PUT", f"/buffer/v1/default/{execution}/{command}/{1}/{0}", body=b"rows", headers=headers | change)
                self.assertEqual(got[0], status, got)
                got = self.cloud.http("GET", f"/buffer/v1/default/{execution}/{command}/{1}/{0}",
                                      headers=headers | change | {"X-Vmc-Command": "cmd_2"})
                self.assertEqual(got[0], status, got)
        self.assertEqual(self.cloud.http("PUT", "/buffer/v1/default/a/b/1/0", body=b"x" * ((4 << 20) + 1), headers=headers)[0], 413)
        self.assertEqual(self.cloud.http("GET", "/buffer/v1/default/..%2f..%2fetc/b/1/0", headers=headers | {"X-Vmc-Command": "c"})[0], 400)
        self.assertEqual(self.cloud.chunk_files(), [])

    def test_http_that_is_none(self):
        for raw in (b"NONSENSE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
                    b"POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
            with self.subTest(raw[:20]):
                with socket.create_connection(("127.0.0.1", self.cloud.port), timeout=30) as plain:
                    with trusting(self.cloud.authority).wrap_socket(plain, server_hostname="127.0.0.1") as link:
                        try:
                            link.sendall(raw)
                            answer = link.recv(100)
                        except OSError:
                            answer = b""
                        self.assertRegex(answer.decode() or "HTTP/1.1 4", r"^HTTP/1\.1 [45]")
        with socket.create_connection(("127.0.0.1", self.cloud.port), timeout=30) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")  # no TLS at all
            try:
                while plain.recv(1000):
                    pass
            except ConnectionError:
                pass


class Rights(E2ETest):
    def setUp(self):
        super().setUp()
        self.source, self.copy = make_items(self.folder / "a.db", 20, others=("audit_log",)), make_items(self.folder / "b.db", 0, others=("other",))
        with sqlite(self.source) as db:
            db.execute("CREATE TABLE employees (id INTEGER NOT NULL PRIMARY KEY, name TEXT, salary INTEGER)")
            db.execute("INSERT INTO employees VALUES (1, 'Zoë', 4711)")
        self.cloud = self.world().start()
        self.agent = self.cloud.agent("HQ", start=False)
        self.agent.add_sqlite("a", self.source, private=["employees.salary", "audit_*"]).add_sqlite("b", self.copy, writable=["items"])
        self.agent.publish("a", "b").start()
        self.agent.connected().wait_published("a", "b")

    def query(self, intent, connection="a"):
        (self.folder / "intent.json").write_text(json.dumps(intent))
        return self.cloud.cli("connector", "query", "HQ", connection, "--intent", self.folder / "intent.json", "--timeout-ms", 5000)

    def test_a_table_that_is_not_opened_is_not_written(self):
        for connection, table in (("b", "other"), ("a", "items")):
            with self.subTest(table):
                code, summary = self.cloud.run(workflow("Write", ("HQ", "a", "items"), ("HQ", connection, table)))
                self.assertFailed(code, summary, "WRITE_NOT_PERMITTED")
                self.assertIn(table, summary["message"])
        self.assertEqual(rows_of(self.copy, "other"), [])
        with sqlite(self.source) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'vmc_applied'").fetchone(), (0,))

    def test_the_owner_opens_a_table_for_writing_and_closes_it_while_the_agent_runs(self):
        write = lambda name: self.cloud.run(workflow(name, ("HQ", "a", "items"), ("HQ", "b", "other")))  # noqa: E731
        self.assertFailed(*write("Before"), "WRITE_NOT_PERMITTED")
        self.assertEqual(self.agent.ok("db", "writable", "b", "other").json["writableTables"], ["items", "other"])
        for words in (["nothing"], ["--remove", "nothing"]):
            self.assertEqual(self.agent.cli("db", "writable", "b", *words).code, 5, words)
        wait_until("the table to be opened", lambda: write("Opened")[0] == 0)
        self.agent.ok("db", "writable", "b", "--remove", "other", "items")
        wait_until("the table to be closed", lambda: write("Closed")[0] != 0)
        self.assertFailed(*write("After"), "WRITE_NOT_PERMITTED")

    def test_sql_is_no_intent(self):
        for intent in ("SELECT 1", {"sql": "SELECT * FROM items"}, {"table": "items", "columns": ["id"], "sql": "DELETE FROM items"},
                       {"query": "SELECT 1"}, {"table": "items", "columns": ["id"], "filter": "id > 1"}, []):
            with self.subTest(intent):
                done = self.query(intent)
                self.assertIn(done.error["code"], ("COMMAND_MALFORMED", "INVALID_REQUEST"), done)
                self.assertNotEqual(done.code, 0)
        for intent in ({"table": "items; DROP TABLE items", "columns": ["id"]}, {"table": "items", "columns": ["id) FROM items; --"]},
                       {"table": "(SELECT 1)", "columns": ["id"]}, {"table": "sqlite_master", "columns": ["name"]},
                       {"table": "items", "columns": ["count(*)"]}, {"table": "items", "columns": ["*"]}):
            with self.subTest(intent):
                done = self.query(intent)
                self.assertEqual(done.error["code"], "SCHEMA_ACCESS_DENIED", done)
        done = self.query({"table": "items", "columns": ["id"], "filter": {"op": "eq", "column": "name", "value": "x' OR '1'='1"}})
        self.assertEqual((done.code, done.json["rowCount"]), (0, 0), done)
        self.assertEqual(len(rows_of(self.source, "items")), 20)

    def test_what_is_private_is_neither_shown_nor_read(self):
        shown = json.dumps(self.cloud.ok("schema", "show", "HQ", "a"))
        self.assertIn("employees", shown)
        self.assertNotIn("salary", shown)
        self.assertNotIn("audit_log", shown)
        shown = json.dumps(self.agent.ok("schema", "show", "a").json)
        self.assertNotIn("salary", shown)
        self.assertEqual(self.query({"table": "employees", "columns": ["id", "name"]}).json["rows"], [[1, "Zoë"]])
        for intent in ({"table": "employees", "columns": ["id", "salary"]}, {"table": "employees", "columns": ["SALARY"]},
                       {"table": "EMPLOYEES", "columns": ["Salary"]}, {"table": "main.employees", "columns": ["salary"]},
                       {"table": "audit_log", "columns": ["id"]}, {"table": "AUDIT_LOG", "columns": ["id"]},
                       {"table": "employees", "columns": ["id"], "filter": {"op": "gt", "column": "salary", "value": 4000}},
                       {"table": "employees", "columns": ["id"], "order": [{"column": "salary"}]},
                       {"table": "employees", "columns": ["id"], "ranges": [{"columns": ["salary"], "after": [4000]}]}):
            with self.subTest(intent):
                done = self.query(intent)
                self.assertEqual(done.error["code"], "SCHEMA_ACCESS_DENIED", done)
                self.assertNotIn("4711", done.err + done.out)
        code, summary = self.cloud.run(workflow("Salaries", ("HQ", "a", "employees"), ("HQ", "b", "items"), columns=["id", "salary"]))
        self.assertFailed(code, summary, "SCHEMA_ACCESS_DENIED")

    def test_a_connection_that_is_not_there(self):
        done = self.query({"table": "items", "columns": ["id"]}, connection="nowhere")
        self.assertEqual((done.code, done.error["code"]), (5, "CONNECTION_NOT_FOUND"), done)
        done = self.agent.cli("db", "test", "aa")
        self.assertEqual((done.code, done.error["code"]), (5, "CONNECTION_NOT_FOUND"), done)
        self.assertIn("'a'", done.error["next"])
        done = self.cloud.cli("connector", "query", "HK", "a", "--table", "items", "--columns", "id")
        self.assertEqual((done.code, done.error["code"]), (5, "NOT_FOUND"), done)
        self.assertIn("HQ", done.error["next"])

    def test_a_token_of_another_tenant_sees_nothing(self):
        execution = self.cloud.submit(workflow("Copy", ("HQ", "a", "items"), ("HQ", "b", "items")))
        self.cloud.finish(execution)
        self.cloud.ok("tenant", "create", "other", "--name", "Other", "--tier", "free")
        self.assertEqual({t["tenant"] for t in self.cloud.ok("tenant", "list")["items"]}, {"default", "other"})
        token = self.cloud.token(tenant="other")
        for path in ("/api/v1/connectors", "/api/v1/keys", "/api/v1/workflows", "/api/v1/executions", "/api/v1/notices"):
            status, _, body = self.cloud.http("GET", path, token=token)
            self.assertEqual((status, body["items"]), (200, []), path)
        for method, path, body in (("GET", f"/api/v1/executions/{execution}", None), ("GET", f"/api/v1/executions/{execution}/events", None),
                                   ("POST", f"/api/v1/executions/{execution}/cancel", {}), ("GET", "/api/v1/workflows/Copy", None),
                                   ("POST", "/api/v1/workflows/Copy/executions", {}), ("GET", "/api/v1/connectors/HQ", None),
                                   ("GET", "/api/v1/connectors/HQ/schemas/a", None), ("POST", f"/api/v1/keys/{self.agent.key_id}/revoke", {}),
                                   ("POST", "/api/v1/connectors/HQ/query", {"connection": "a", "intent": {"table": "items", "columns": ["id"]}})):
            with self.subTest(path):
                status, _, body = self.cloud.http(method, path, body, token=token)
                self.assertEqual((status, body["code"]), (404, "NOT_FOUND"), body)
        for path in ("/api/v1/tenants",):
            status, _, body = self.cloud.http("GET", path, token=token)
            self.assertEqual((status, body["code"]), (403, "FORBIDDEN"), body)
        for wrong in (None, "nonsense", token[:-1] + ("0" if token[-1] != "0" else "1"), token.replace("vmt_", "vmc_")):
            status, headers, body = self.cloud.http("GET", "/api/v1/connectors", token=wrong)
            self.assertEqual((status, body["code"]), (401, "AUTH_FAILED"), wrong)

    def test_secrets_are_in_no_log_and_in_no_file_of_the_platform(self):
        token = self.cloud.token()
        self.cloud.http("GET", "/api/v1/keys", token=token)
        for process in self.cloud.processes():
            process.stop()
        secrets = [self.agent.key.encode(), token.encode()]
        for file in [*self.cloud.folder.rglob("*")]:
            if file.is_file():
                data = file.read_bytes()
                for secret in secrets:
                    self.assertNotIn(secret, data, file)


if __name__ == "__main__":
    unittest.main()
