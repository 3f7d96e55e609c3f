"""What compose/Dockerfile promises, read by hand; `make image-check` builds and runs it."""

from __future__ import annotations

import importlib.util
import re
import tomllib

import pytest

from momo import health
from momo.settings import SERVICES, Settings, load, variable
from tests.image.dockerfile import DOCKERFILE, ROOT, stages

RUNTIME = stages()["runtime"]


def test_there_is_one_image_for_each_service_that_serves_it_and_differs_in_nothing_else() -> None:
    images = {name: stage for name, stage in stages().items() if stage.base == "runtime"}
    assert set(images) == {f"{service}-service" for service in SERVICES}
    for name, stage in images.items():
        assert stage.argv("CMD") == ["serve", name.removesuffix("-service")]
        assert stage.all("LABEL") == [f'org.opencontainers.image.title="momo-{name}"']
        assert {word for word, _ in stage.instructions} == {"LABEL", "CMD"}


def test_momo_itself_is_process_one_and_runs_as_a_user_without_rights() -> None:
    assert RUNTIME.argv("ENTRYPOINT") == ["momo"]
    user, group = map(int, RUNTIME.all("USER")[-1].split(":"))
    assert user == group == 10001


def test_the_health_check_runs_a_module_that_reads_the_ports_which_the_image_sets() -> None:
    python, option, module = RUNTIME.argv("HEALTHCHECK")
    assert (python, option) == ("python", "-m")
    assert importlib.util.find_spec(module) is not None
    assert module == health.__name__
    assert set(health.PORTS) <= set(environment())


def test_every_variable_of_the_image_is_one_that_the_settings_read() -> None:
    ours = {name: value for name, value in environment().items() if name.startswith("MOMO_")}
    assert set(ours) <= {variable(field) for field in Settings.__struct_fields__}
    settings = load(ours)
    assert (settings.host, settings.port, settings.metrics_port) == ("0.0.0.0", 8080, 9100)


def test_bases_are_arguments_and_no_registry_or_index_is_named() -> None:
    arguments = dict(rest.split("=", 1) for rest in stages()[""].all("ARG"))
    assert {stage.base for stage in stages().values()} == {"", "${BASE}", "${BUILDER}", "runtime"}
    assert set(arguments) == {"BASE", "BUILDER"}
    assert not re.search(r"https?://|\w\.\w+/", "".join(arguments.values()))
    assert "://" not in DOCKERFILE.read_text()


def test_only_the_environment_comes_over_from_the_stage_that_builds() -> None:
    assert RUNTIME.all("COPY") == ["--from=build /opt/momo /opt/momo"]


def test_all_that_is_installed_is_compared_with_its_hash() -> None:
    installs = [part for line in stages()["build"].all("RUN") for part in line.split("&&") if " install " in part]
    assert len(installs) == 3
    assert all("--require-hashes" in part or "dist/*.whl" in part for part in installs)
    (build,) = [part for line in stages()["build"].all("RUN") for part in line.split("&&") if "uv build" in part]
    assert "--require-hashes" in build


def test_the_label_has_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert RUNTIME.all("ARG") == [f"VERSION={project['version']}"]


@pytest.mark.parametrize("line", (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()[1:])
def test_what_is_let_into_the_build_exists(line: str) -> None:
    assert line in {"*", "compose/*", "**/__pycache__"} or (line[0] == "!" and (ROOT / line[1:]).exists())


def environment() -> dict[str, str]:
    return dict(word.split("=", 1) for rest in RUNTIME.all("ENV") for word in rest.split())
