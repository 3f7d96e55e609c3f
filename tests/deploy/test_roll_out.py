"""A version is rolled out in the order in which old and new can live together."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.built import COMPOSE, KUBERNETES, manifests

SCRIPT = KUBERNETES / "roll-out.sh"


def rolled_out(folder: Path, *arguments: str, fails: str = "") -> tuple[int, list[str]]:
    """Runs the script with a kubectl that writes down what it was asked, and fails where asked for `fails`."""
    kubectl = folder / "kubectl"
    kubectl.write_text(f'#!/bin/sh\necho "$*" >>{folder}/asked\ncase "$*" in *"{fails or "nothing"}"*) exit 1;; esac\n')
    kubectl.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(folder)}
    done = subprocess.run(["sh", SCRIPT, *arguments], env=environment, check=False, capture_output=True, text=True)
    return done.returncode, (folder / "asked").read_text().splitlines() if (folder / "asked").exists() else []


def test_schema_and_queues_go_first_then_who_handles_then_who_sends(tmp_path: Path) -> None:
    code, asked = rolled_out(tmp_path, "overlay")
    assert code == 0
    assert asked[0] == "kustomize overlay"
    acts = [next(word for word in line.split() if word in {"apply", "delete", "wait", "rollout"}) for line in asked[1:]]
    assert acts == ["apply", "delete", "apply", "wait", "apply", "rollout", "apply", "rollout"]
    assert "release" in asked[3]
    assert "(worker, relay)" in asked[5]
    assert "notin (release)" in asked[7]
    assert all("-n momo" in line for line in asked if "rollout" in line or "wait" in line)
    assert {path.name for path in tmp_path.iterdir()} == {"kubectl", "asked"}, "nothing is left behind"


@pytest.mark.parametrize(
    "fails", ["kustomize", "wait", "rollout status deployment -l app.kubernetes.io/component in (worker"]
)
def test_what_fails_ends_it(tmp_path: Path, fails: str) -> None:
    code, asked = rolled_out(tmp_path, "overlay", "other", fails=fails)
    assert code != 0
    assert fails in asked[-1]
    assert not any("notin (release)" in line for line in asked)


def test_it_has_to_be_told_what(tmp_path: Path) -> None:
    code, asked = rolled_out(tmp_path)
    assert (code, asked) == (2, [])


def _real_kubectl() -> bool:
    """Whether there is a kubectl whose kustomize is of this decade: Debian 12's is not."""
    if not shutil.which("kubectl"):
        return False
    told = subprocess.run(["kubectl", "version", "--client"], check=False, capture_output=True, text=True).stdout
    return "Kustomize Version: v5" in told


@pytest.mark.skipif(not _real_kubectl(), reason="no kubectl with kustomize 5")
def test_kustomize_builds_the_example(tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    example = tmp_path / "kubernetes" / "overlays" / "example"
    subprocess.run(["sh", COMPOSE / "secrets.sh", example / "secrets"], check=True, capture_output=True)
    text = subprocess.run(["kubectl", "kustomize", example], check=True, capture_output=True, text=True).stdout
    built = list(yaml.safe_load_all(text))
    kinds = sorted(manifest["kind"] for manifest in built if manifest["kind"] not in {"ConfigMap", "Secret"})
    assert kinds == sorted(manifest["kind"] for manifest in manifests())
    [settings] = [manifest for manifest in built if manifest["kind"] == "ConfigMap"]
    assert settings["data"].keys() > {"MOMO_PORT", "OTEL_TRACES_SAMPLER"}
    secrets = {manifest["metadata"]["name"] for manifest in built if manifest["kind"] == "Secret"}
    for manifest in built:
        if manifest["kind"] in {"Deployment", "Job"}:
            spec = manifest["spec"]["template"]["spec"]
            [container] = spec["containers"]
            assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
            assert container["image"].startswith("registry.example/")
            [volume] = [volume for volume in spec["volumes"] if volume["name"] == "secrets"]
            assert {source["secret"]["name"] for source in volume["projected"]["sources"]} <= secrets
