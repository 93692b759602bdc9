"""Which engine is used, and what the config file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from braggtrace.errors import BraggtraceError, InputError, UsageError
from braggtrace_tui.config import (
    NO_ENGINE,
    Config,
    EngineChoice,
    choose_backends,
    choose_engine,
    config_path,
    default_root,
    load_config,
)

CONFIG = Config(engines={"gpubox": "ssh gpubox braggtrace engine"})


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    """Nobody has to write one."""
    assert load_config(tmp_path / "none.toml") == Config()
    assert choose_engine(None, Config()) == EngineChoice("local")


def test_the_file_names_engines_flags_and_the_c_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As documented, with ~ for the home folder."""
    monkeypatch.setenv("HOME", "/home/me")
    path = tmp_path / "config.toml"
    path.write_text(
        'engine = "gpubox"\nargs = "flags.txt"\nbin = "~/bin/nb"\n[engines]\ngpubox = "ssh gpubox braggtrace engine"\n'
    )
    config = load_config(path)
    assert config == Config("gpubox", {"gpubox": "ssh gpubox braggtrace engine"}, "flags.txt", "/home/me/bin/nb")
    assert choose_engine(None, config) == EngineChoice("gpubox", ("ssh", "gpubox", "braggtrace", "engine"))
    assert choose_engine("local", config) == EngineChoice("local")
    assert choose_engine("none", config) == NO_ENGINE


@pytest.mark.parametrize(
    "text",
    [
        "engine = 3",
        "engines = 'x'",
        "[engines]\nlocal = 'x'",
        "[engines]\nbox = 1",
        "typo = 1",
        "= 3",
        "engine = '\udcff'",
    ],
)
def test_a_file_that_means_nothing_is_refused(tmp_path: Path, text: str) -> None:
    """With its path, before any screen."""
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"config\.toml"):
        load_config(path)


def test_an_engine_is_a_name_or_a_command() -> None:
    """A word that is neither is refused, with the names that there are."""
    assert choose_engine("gpubox", CONFIG).name == "gpubox"
    assert choose_engine("sh -c 'braggtrace engine'", CONFIG) == EngineChoice(
        "sh -c", ("sh", "-c", "braggtrace engine")
    )
    assert choose_engine("sh", CONFIG).command == ("sh",)
    with pytest.raises(UsageError, match="local, none, gpubox, or a command"):
        choose_engine("gpubxo", CONFIG)
    with pytest.raises(UsageError, match="split into words"):
        choose_engine("sh -c 'x", CONFIG)


def test_options_come_before_the_environment_and_the_file(tmp_path: Path) -> None:
    """The nearest to the hand wins."""
    env = {"XDG_CONFIG_HOME": str(tmp_path), "NB_C_BIN": "/from/environment"}
    (tmp_path / "braggtrace").mkdir()
    config_path(env).write_text('bin = "/from/file"\nargs = "/from/file.txt"\n')
    flags = tmp_path / "flags.txt"
    flags.write_text("-N 5")
    chosen = choose_backends("none", str(flags), "/from/option", env)
    assert (chosen.engine, chosen.args, chosen.program) == (NO_ENGINE, str(flags), "/from/option")
    assert choose_backends(None, None, None, env).program == "/from/environment"
    del env["NB_C_BIN"]
    assert choose_backends(None, None, None, env).program == "/from/file"
    assert choose_backends(None, None, None, env).usual_args == "/from/file.txt"
    with pytest.raises(BraggtraceError, match="no/such"):
        choose_backends(None, "no/such", None, env)


def test_evidence_goes_where_the_config_file_says(tmp_path: Path) -> None:
    """For the screen and for the command line."""
    env = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    assert choose_backends(None, None, None, env).root == str(default_root(env)) == "reports"
    (tmp_path / "braggtrace").mkdir()
    config_path(env).write_text('root = "~/evidence"\n')
    home = str(Path("~/evidence").expanduser())
    assert choose_backends(None, None, None, env).root == str(default_root(env)) == home
