"""A cluster of two nodes on this host: a node or the head dies under a search, and a stranger may not join."""

import os
import subprocess
import sys
import textwrap
import time

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install 'modelwright[ray]'")

from modelwright import load_study

pytestmark = pytest.mark.faults

#: Has the nodes, in a process of its own; obeys the lines it reads, and says when it has.
HOST = """
    import sys
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    print(cluster.address, *[node.node_id for node in nodes], flush=True)
    for line in sys.stdin:
        if line.startswith("kill"):
            cluster.remove_node(next(n for n in nodes if n.node_id == line.split()[1]), allow_graceful=False)
        elif line.startswith("head"):
            cluster.head_node.kill_gcs_server(check_alive=False)
        print("done", flush=True)
    cluster.shutdown()
"""

#: A search whose trials wait until the test lets them go on, those on the node that is to die for ever.
SEARCH = """
    import os, pathlib, sys, time
    import modelwright as mw
    from modelwright.execute import RayExecutor

    notes, address = pathlib.Path(sys.argv[1]), sys.argv[2]

    def function(hp):
        x = hp.Float("x", -1, 1)
        if not (notes / "space").exists():  # the first trial shows the space, and others wait for it
            (notes / "space").touch()
            return x * x
        with open(notes / "began", "a") as file:
            file.write(os.environ["MODELWRIGHT_NODE"] + "\\n")
        dying = notes / "dying"
        while not dying.exists() or dying.read_text() == os.environ["MODELWRIGHT_NODE"]:
            time.sleep(0.05)
        return x * x

    mw.tune(function, objective="minimize", trials=8, strategy="random", seed=3, name="here", verbose=0,
            store=str(notes / "studies.db"), executor=RayExecutor(address if address != "here" else None, slots=2))
"""


@pytest.fixture
def environment():
    own = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    return {**own, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 2, "RAY_USAGE_STATS_ENABLED": "0"}


class Nodes:
    def __init__(self, environment):
        pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(HOST)], text=True, env=environment, **pipe
        )
        self.address, *self.nodes = self.process.stdout.readline().split()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "done"

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture
def nodes(environment):
    made = Nodes(environment)
    yield made
    made.close()


def start(folder, address, environment):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SEARCH), str(folder), address],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(there, seconds=90):
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.05)


def began(folder):
    path = folder / "began"
    return path.read_text().split() if path.exists() else []


def let_go(folder, dying):
    (folder / "dying.new").write_text(dying)
    (folder / "dying.new").rename(folder / "dying")


def test_the_trials_of_a_node_that_dies_run_again_elsewhere(tmp_path, environment, nodes):
    search = start(tmp_path, nodes.address, environment)
    wait_for(lambda: set(nodes.nodes) <= set(began(tmp_path)))
    dying = nodes.nodes[0]
    let_go(tmp_path, dying)
    nodes.tell(f"kill {dying}")
    assert search.wait(120) == 0, search.stderr.read()
    study = load_study("here", store=tmp_path / "studies.db")
    assert [trial.state for trial in study.trials] == ["complete"] * 8
    assert sum(row.attempt for row in study._machine.history.rows) == 1


def test_a_search_whose_head_dies_goes_on_from_its_own_store_on_another_cluster(tmp_path, environment, nodes):
    search = start(tmp_path, nodes.address, environment)
    wait_for(lambda: set(nodes.nodes) <= set(began(tmp_path)))
    let_go(tmp_path, nodes.nodes[0])  # the other node's trials end
    wait_for(lambda: len(began(tmp_path)) >= 5)
    nodes.tell("head")
    try:
        search.wait(20)
    except subprocess.TimeoutExpired:
        search.kill()
        search.wait()
    before = {
        t.number: t.value for t in load_study("here", store=tmp_path / "studies.db").trials if t.state == "complete"
    }
    assert before
    again = start(tmp_path, "here", environment)
    assert again.wait(120) == 0, again.stderr.read()
    after = load_study("here", store=tmp_path / "studies.db").trials
    assert [trial.state for trial in after] == ["complete"] * 8
    assert before.items() <= {trial.number: trial.value for trial in after}.items()


def test_a_cluster_without_tokens_is_refused(tmp_path, environment):
    open_to_all = {k: v for k, v in environment.items() if not k.startswith("RAY_AUTH")} | {"RAY_AUTH_MODE": "disabled"}
    nodes = Nodes(open_to_all)
    try:
        search = start(tmp_path, nodes.address, open_to_all)
        assert search.wait(90) == 1
        said = search.stderr.read()
        assert "runs code for everybody who reaches it" in said and "RAY_AUTH_MODE=token" in said
        assert not began(tmp_path)
    finally:
        nodes.close()


def test_a_wrong_token_is_told_from_a_cluster_that_is_not_there(tmp_path, environment, nodes):
    search = start(tmp_path, nodes.address, {**environment, "RAY_AUTH_TOKEN": "f" * 32})
    assert search.wait(90) == 1
    assert "the same token" in search.stderr.read()
