"""What a running agent says of itself, and one agent a folder."""

import unittest

from harness import E2ETest, make_items, vmc, wait_until


class Status(E2ETest):
    def site(self, more=""):
        cloud = self.world().start(worker=False)
        agent = cloud.agent("HQ", start=False).add_sqlite("shop", make_items(self.folder / "shop.db", 3))
        with open(agent.config.parent / "conf.d" / "shop.toml", "a") as file:
            file.write(more)
        return cloud, agent.publish("shop")

    def test_link_connections_and_rights_are_told_while_it_runs(self):
        cloud, agent = self.site()
        silent = agent.cli("status")
        self.assertEqual((silent.code, silent.error["code"]), (7, "UNAVAILABLE"), silent)
        agent.start()
        agent.connected()
        agent.wait_published("shop")
        wait_until("connected is told", lambda: agent.cli("status").json["state"] == "connected")
        done = cloud.cli("connector", "query", "HQ", "shop", "--sql", "-", stdin="SELECT count(*) FROM items")
        self.assertEqual(done.json["rows"], [[3]], done)

        def told():
            shop = agent.cli("status").json["connections"][0]
            return shop if shop["pool"]["opened"] and shop["grants"] != "unknown" else None

        shop = wait_until("the pool's figures are told", told)
        self.assertEqual((shop["id"], shop["grants"], shop["pool"]["inUse"]), ("shop", "weak", 0), shop)
        self.assertTrue(shop["findings"], shop)
        text = vmc("--config", agent.config, "--state", agent.home, "agent", "status")
        self.assertEqual(text.code, 0, text)
        self.assertRegex(text.out, r"Agent 'HQ' .*: connected since 20\d\d-")
        self.assertRegex(text.out, r"shop +sqlite +select +weak +\d+ +0 +0")
        agent.stop()
        self.assertEqual(agent.cli("status").code, 7)

    def test_a_second_agent_with_the_same_folder_is_refused(self):
        _, agent = self.site()
        agent.start()
        agent.connected()
        second = agent.cli()
        self.assertEqual(second.code, 6, second)
        self.assertIn("an agent runs with folder", second.err)

    def test_a_user_that_may_write_is_refused_where_the_owner_says_so(self):
        cloud, agent = self.site('weak_grants = "refuse"\n')
        agent.start()
        agent.connected()
        agent.wait_published("shop")
        done = cloud.cli("connector", "query", "HQ", "shop", "--sql", "-", stdin="SELECT count(*) FROM items")
        self.assertEqual(done.error["code"], "WEAK_GRANTS", done)
        self.assertIn("vmc agent db test shop", str(done.error), done)
        with open(agent.config.parent / "conf.d" / "shop.toml", "a") as file:
            file.write('writable_tables = ["items"]\n')  # a user that loads has to write
        agent.ok("schema", "private", "shop", "items.secret")
        ask = lambda: cloud.cli("connector", "query", "HQ", "shop", "--sql", "-", stdin="SELECT count(*) FROM items")
        wait_until("what is seen last is judged by the settings as they are now", lambda: ask().code == 0)


if __name__ == "__main__":
    unittest.main()
