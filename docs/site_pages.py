"""Pages of the documentation site that are made from the code: notebooks, keys, commands, API."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent


SHIM = "https://unpkg.com/iframe-worker/shim"  # what Material loads so that search works from files


@event_priority(100)  # before the plugin that turns notebooks into pages
def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages before the site is built."""
    pages = {
        "reference/protocol_keys.md": keys("protocol", "protocol files"),
        "reference/study_keys.md": keys("study", "study files"),
        "reference/command_line.md": command_line(),
        "reference/python.md": python(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        path = f"notebooks/{notebook.name}"
        files.append(File(path, str(ROOT), config["site_dir"], config["use_directory_urls"]))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Show links to files that are not in the site (examples, data) as plain names."""
    return re.sub(r"\[([^\]]+)\]\((?:\.\./)*(?:examples|results)/[^)]*\)", r"`\1`", markdown)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Mend what Material and the plugins leave: see :func:`_mended`."""
    up = "../" * page.url.count("/")
    if page.url.startswith("notebooks/"):  # in the repository they lie beside the folder docs
        output = re.sub(r'href="\.\./docs/([\w/]+)\.md', r'href="../\1.html', output)
    if page.url.startswith("reference/"):  # Sphinx roles in docstrings
        output = re.sub(r":(?:func|class|meth|mod|data|attr):(?=<code>)", "", output)
    return _mended(output, up)


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """Mend the page for addresses that are not there."""
    if template_name != "404.html":
        return output_content
    return _mended(re.sub(r'(href|src)="/', r'\1="', output_content), "")


def _mended(output: str, up: str) -> str:
    """Load the copy of the shim that lies in the site, so that no network is needed.

    Also name the search for screen readers, let what scrolls sideways be reached by keyboard, and
    open a figure in full size when it is clicked.
    """
    output = output.replace(SHIM, f"{up}assets/iframe-worker.js")
    output = output.replace('role="dialog"', 'role="dialog" aria-label="Search"', 1)
    output = re.sub(r"(<pre[^>]*>(?:<span></span>)?<code)>", r'\1 tabindex="0">', output)
    output = re.sub(
        r'(?<!">)(<img alt="[^"]*" src="([^"]*figures/[^"]+)"[^>]*>)',
        r'<a href="\2">\1</a>',
        output,
    )
    return output.replace("<table>", '<table tabindex="0">')


def keys(kind: str, what: str) -> str:
    """Return tables of the keys of a kind of file, from its JSON Schema."""
    from wakesleep.checks.schema import json_schema

    schema = json_schema(kind)
    parts = [f"# Keys of {what}\n\nMade from the specification that checks the files.\n"]
    parts.append(_table(f"The {kind} file", schema))
    for name, its in sorted(schema.get("$defs", {}).items()):
        if "properties" in its:
            parts.append(_table(name, its))
    return "\n".join(parts)


def _table(name: str, its: dict[str, Any]) -> str:
    rows = [f"## {name}\n", str(its.get("description", "")).split("\n")[0], ""]
    rows += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, value in its["properties"].items():
        default = value.get("default", _of(value, "default", ""))
        meaning = value.get("description", _of(value, "description", ""))
        shown = "" if default in ("", None) else f"`{default}`"
        if isinstance(default, dict):
            shown = f"see {_type(value)}"
        cells = [f"`{key}`", _type(value), shown, str(meaning)]
        rows.append("| " + " | ".join(_plain(cell) for cell in cells) + " |")
    return "\n".join([*rows, ""])


def _of(value: dict[str, Any], name: str, otherwise: Any) -> Any:
    return next((one[name] for one in value.get("anyOf", ()) if name in one), otherwise)


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2]
    if "enum" in value:
        return ", ".join(f"`{its}`" for its in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    choices = value.get("anyOf", value.get("oneOf", ()))
    if choices:
        kinds = (_type(its) for its in choices if "pattern" not in its)
        return " or ".join(dict.fromkeys(its for its in kinds if its not in ("", "null")))
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {})) or 'values'}"
    return str(value.get("type", ""))


def _plain(cell: str) -> str:
    return cell.replace("\n", " ").replace("|", "\\|")


def command_line() -> str:
    """Return the help of every command."""
    import typer

    from wakesleep.cli.main import app

    group = typer.main.get_command(app)
    parts = ["# Command line\n", f"{group.help}\n", f"{group.epilog}\n"]
    for name, command in group.commands.items():
        parts.append(f"## wakesleep {name}\n\n{command.help}\n")
        parts += ["| argument or option | meaning |", "|---|---|"]
        for its in command.params:
            option = its.param_type_name == "option"
            given = ", ".join(its.opts) if option else str(its.metavar or its.name)
            told = _plain(str(getattr(its, "help", None) or ""))
            shown = its.default not in (None, False, "") and not callable(its.default)
            default = f" Default `{its.default}`." if shown else ""
            parts.append(f"| `{given}` | {told}{default} |")
        parts.append("")
    return "\n".join(parts)


def python() -> str:
    """Return a page that mkdocstrings fills with the docstrings of the public functions."""
    import wakesleep

    parts = ["# Python\n"]
    parts.append(
        "Everything here is an attribute of `wakesleep`, imported when it is first used.\n"
    )
    modules = []
    for name, home in wakesleep._HOMES.items():
        module, _, attribute = home.partition(":")
        if attribute:
            place = f"::: {module}.{attribute}"
            parts.append(f"{place}\n    options: {{heading: 'wakesleep.{name}'}}\n")
        else:
            modules.append(name)
    for name in modules:
        its = getattr(wakesleep, name)
        parts.append(f"## wakesleep.{name}\n\n{inspect.getdoc(its).split(chr(10))[0]}\n")
        for each in getattr(its, "__all__", ()):
            found = getattr(its, each)
            if inspect.isfunction(found):
                place = f"::: {found.__module__}.{found.__name__}"
                shown = f"heading: 'wakesleep.{name}.{each}', heading_level: 3"
                parts.append(f"{place}\n    options: {{{shown}}}\n")
    return "\n".join(parts)
