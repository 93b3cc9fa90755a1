"""The registry: every network has a contract suite, and importing it is cheap."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from bot.posters.registry import NETWORKS
from tests.posters.contract import PosterContract


@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_has_a_contract_suite(name: str) -> None:
    module = importlib.import_module(f"tests.posters.test_{name}")
    suites = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, PosterContract)
    ]
    assert any(getattr(suite, "network", None) == name for suite in suites)


def test_the_names_are_those_of_the_settings() -> None:
    assert list(NETWORKS) == ["file", "mastodon", "x", "bluesky", "misskey"]
    assert all(network.name == name for name, network in NETWORKS.items())


def test_importing_it_loads_no_client_and_no_library() -> None:
    heavy = "{'httpx', 'httpcore', 'ssl', 'tweepy', 'requests', 'PIL', 'filelock', 'regex'}"
    code = f"import sys, bot.posters.registry; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
