"""The Ray cluster a session uses: found, joined or started on this host alone. Knows nothing of trials.

A cluster runs whatever it is sent, so one that others can reach must ask who sends it: without token authentication
it is refused. One that is started here listens on the loopback interface only, and nothing is sent to Ray's makers.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from modelwright.core.errors import StudyError
from modelwright.core.optional import optional
from modelwright.execute.threads import available_cores

_WHERE = "executor='ray'"
_TOKENS = (
    "Start every node and this program with RAY_AUTH_MODE=token and the same token (RAY_AUTH_TOKEN, or the file "
    "~/.ray/auth_token that 'ray get-auth-token --generate' writes)."
)
#: Reads the list of nodes as somebody who has no token.
_AS_A_STRANGER = "import sys; from ray._raylet import GcsClient; GcsClient(address=sys.argv[1]).get_all_node_info()"


def ray_module() -> Any:
    """Ray, with its usage statistics switched off."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    return optional("ray", extra="ray", purpose=_WHERE)


def connect(address: str | None, *, quiet: bool, runtime_env: Mapping[str, Any] | None) -> bool:
    """Have this process connected to a cluster; whether it was not before.

    Args:
        address: ``host:port`` of a cluster's head, "auto" for the one that RAY_ADDRESS names or that runs on this
            host, None for the one this process is connected to already, or else a new one on this host alone.

    Raises:
        StudyError: there is no such cluster, it cannot be joined, or everybody can join it.
    """
    ray = ray_module()
    made = not ray.is_initialized()
    if made:
        options: dict[str, Any] = {"log_to_driver": not quiet, "configure_logging": False}
        if runtime_env:
            options["runtime_env"] = dict(runtime_env)
        _init(ray, address, options)
    elif address not in (None, "auto", "local") and address != ray.get_runtime_context().gcs_address:
        raise StudyError(
            f"this process is connected to the Ray cluster {ray.get_runtime_context().gcs_address}, not {address}",
            where=_WHERE,
            hint="Call ray.shutdown() first, or leave the address out.",
        )
    try:
        _refuse_open(ray.get_runtime_context().gcs_address)
    except BaseException:
        if made:
            ray.shutdown()
        raise
    return made


def _init(ray: Any, address: str | None, options: dict[str, Any]) -> None:
    local = address in (None, "local")
    try:
        with _own_signals(), _without_remarks(), _loopback(ray) if local else contextlib.nullcontext():
            if local:
                options |= {"num_cpus": len(available_cores()), "include_dashboard": False, "address": "local"}
                ray.init(**options, _node_ip_address="127.0.0.1")
            else:
                ray.init(address=address, **options)
    except Exception as error:
        what = "no Ray cluster could be started on this host" if local else f"the Ray cluster {address!r} is not joined"
        hint = f"Is it running there, with the same versions of Ray and Python, and the same token? {_TOKENS}"
        said = " ".join(str(error).split())[:400]
        raise StudyError(
            f"{what}: {said}", where=_WHERE, hint="See Ray's logs in /tmp/ray." if local else hint
        ) from error


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray puts a handler for SIGTERM in the place of the program's; it goes back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _without_remarks() -> Iterator[None]:
    """That tokens are asked for, which Ray remarks at each start, is what is wanted here."""
    log = logging.getLogger("ray._private.authentication.authentication_token_setup")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


@contextlib.contextmanager
def _loopback(ray: Any) -> Iterator[None]:
    """Let a node call itself 127.0.0.1, as Ray does on macOS and Windows; so its servers listen there alone."""
    constants = ray._private.ray_constants
    before, constants.ENABLE_RAY_CLUSTER = constants.ENABLE_RAY_CLUSTER, False
    variable, given = constants.ENABLE_RAY_CLUSTERS_ENV_VAR, os.environ.get(constants.ENABLE_RAY_CLUSTERS_ENV_VAR)
    os.environ[variable] = "0"
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before
        if given is None:
            del os.environ[variable]
        else:
            os.environ[variable] = given


def _refuse_open(address: str) -> None:
    """Raise for a cluster that others can reach and that takes what anybody sends."""
    if is_loopback(address):
        return
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")}
    stranger = subprocess.run(
        [sys.executable, "-c", _AS_A_STRANGER, address],
        env={**environment, "RAY_AUTH_MODE": "disabled"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    if stranger.returncode == 0:
        raise StudyError(
            f"the Ray cluster {address} runs code for everybody who reaches it: it does not ask for a token",
            where=_WHERE,
            hint=_TOKENS,
        )


def is_loopback(address: str) -> bool:
    """Whether only this host reaches an address.

    >>> is_loopback("127.0.0.1:6379"), is_loopback("[::1]:6379"), is_loopback("10.0.0.7:6379"), is_loopback("head:6379")
    (True, True, False, False)
    """
    host = address.removeprefix("ray://").rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
