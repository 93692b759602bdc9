"""What the user has written down for every day: engines by name, where flags and the C program are.

`$XDG_CONFIG_HOME/braggtrace/config.toml` (`~/.config` if unset):

    engine = "gpubox"                 # the one that is used unless --engine says otherwise
    args = "flags.txt"                # nanoBragg's flags, where a trace does not tell its own
    bin = "~/bin/nanoBragg"           # the C program
    root = "~/reports"                # where evidence goes

    [engines]
    gpubox = "ssh gpubox braggtrace engine"
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from braggtrace.errors import InputError, UsageError

__all__ = [
    "LOCAL",
    "NO_ENGINE",
    "Backends",
    "Config",
    "EngineChoice",
    "choose_backends",
    "choose_engine",
    "config_path",
    "default_root",
    "load_config",
]

LOCAL = "local"
"""The name of the engine on this machine."""

ROOT = "reports"
"""Where evidence goes, below the folder in which the program was started, unless the config file says otherwise."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine to use.

    Attributes:
        name: as people call it.
        command: the words that start it; () for the one that came with this program.
        off: no engine at all.
    """

    name: str = LOCAL
    command: tuple[str, ...] = ()
    off: bool = False


NO_ENGINE = EngineChoice("none", off=True)


@dataclass(frozen=True, slots=True)
class Config:
    """The config file.

    Attributes:
        engine: name or command of the engine to use, "" for the local one.
        engines: commands by name.
        args: a file with nanoBragg's flags, "" for none.
        program: the C program, "" for none.
        root: where evidence goes, "" for the usual place.
    """

    engine: str = ""
    engines: Mapping[str, str] = field(default_factory=dict)
    args: str = ""
    program: str = ""
    root: str = ""


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the config file is."""
    env = os.environ if environ is None else environ
    home = env.get("XDG_CONFIG_HOME", "")
    base = Path(home) if home and Path(home).is_absolute() else Path(env.get("HOME") or "~").expanduser() / ".config"
    return base / "braggtrace" / "config.toml"


def load_config(path: Path | None = None) -> Config:
    """Read the config file; where there is none, everything has its default.

    Raises:
        InputError: it can't be read, or says something that means nothing.
    """
    path = config_path() if path is None else path
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("can't read the config file", path=path, got=str(error)) from error
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("the config file is no TOML", path=path, got=str(error)) from error
    return _config_of(table, path)


def _config_of(table: Mapping[str, Any], path: Path) -> Config:
    unknown = sorted(table.keys() - {"engine", "engines", "args", "bin", "root"})
    if unknown:
        raise InputError("unknown key", path=path, expected="engine, engines, args, bin or root", got=unknown[0])
    engines = table.get("engines", {})
    if not isinstance(engines, dict):
        raise InputError("'engines' is no table", path=path, expected='[engines] with NAME = "COMMAND"')
    words = {name: table.get(name, "") for name in ("engine", "args", "bin", "root")}
    for name, value in [*words.items(), *engines.items()]:
        if not isinstance(value, str):
            raise InputError(f"{name!r} is no text", path=path, expected='NAME = "…"', got=repr(value))
    for name in engines:
        if name in (LOCAL, NO_ENGINE.name):
            raise InputError(f"an engine can't be called {name!r}", path=path)
    home = {name: str(Path(words[name]).expanduser()) if words[name] else "" for name in ("args", "bin", "root")}
    return Config(words["engine"], engines, home["args"], home["bin"], home["root"])


def default_root(environ: Mapping[str, str] | None = None) -> Path:
    """Where evidence goes if nobody says otherwise.

    Raises:
        InputError: the config file can't be read.
    """
    return Path(load_config(config_path(environ)).root or ROOT)


def choose_engine(wanted: str | None, config: Config) -> EngineChoice:
    """The engine that an option or the config file names.

    Args:
        wanted: `--engine`'s value: a name of the config file, "local", "none", or a command; None if it was not given.
        config: the config file.

    Raises:
        UsageError: it is neither a name nor a command.
    """
    text = (config.engine if wanted is None else wanted).strip()
    if text in ("", LOCAL):
        return EngineChoice()
    if text == NO_ENGINE.name:
        return NO_ENGINE
    try:
        command = tuple(shlex.split(config.engines.get(text, text)))
    except ValueError as error:
        raise UsageError("the engine's command can't be split into words", got=text, expected=str(error)) from error
    if text in config.engines and command:
        return EngineChoice(text, command)
    if not command or (len(command) == 1 and shutil.which(command[0]) is None):
        known = ", ".join([LOCAL, NO_ENGINE.name, *config.engines])
        raise UsageError("no such engine", expected=f"{known}, or a command", got=text)
    return EngineChoice(" ".join(command[:2]), command)


RUNS = Path(".braggtrace/runs")
"""Where runs are kept, below the folder in which the program was started."""


@dataclass(frozen=True, slots=True)
class Backends:
    """What can run something, and what is known before the user says anything.

    Attributes:
        engine: the engine to use.
        engines: commands of others, by name.
        args: a file with flags that the user named for this session, "" for none.
        usual_args: the one of the config file, "" for none.
        program: the C program, "" for none.
        runs: where runs are kept.
        root: where evidence goes.
    """

    engine: EngineChoice = NO_ENGINE
    engines: Mapping[str, str] = field(default_factory=dict)
    args: str = ""
    usual_args: str = ""
    program: str = ""
    runs: Path = RUNS
    root: str = ROOT


def choose_backends(
    engine: str | None, args: str | None, program: str | None, environ: Mapping[str, str] | None = None
) -> Backends:
    """Options first, then the environment, then the config file.

    Args:
        engine: `--engine`'s value, None if it was not given.
        args: `--args`' value.
        program: `--bin`'s value.
        environ: the environment.

    Raises:
        BraggtraceError: a file or an engine that was named can't be used.
    """
    env = os.environ if environ is None else environ
    config = load_config(config_path(env))
    if args is not None and not Path(args).is_file():
        raise InputError("can't read flags", path=args, expected="a file of nanoBragg flags")
    return Backends(
        choose_engine(engine, config),
        config.engines,
        "" if args is None else str(Path(args).absolute()),
        config.args,
        _program(program or env.get("NB_C_BIN", "") or config.program),
        root=config.root or ROOT,
    )


def _program(name: str) -> str:
    """A path that means the same from every folder; a name without a slash is looked for on the PATH."""
    return str(Path(name).expanduser().absolute()) if "/" in name else name
