#!/usr/bin/env python3
"""Keep i18n/*.ts in step with the words in the source.

    scripts/translate.py            write new source texts into the .ts files, drop those that are gone
    scripts/translate.py --check    change nothing; exit 1 where a text is missing, unfinished or obsolete

A text is a string literal in a call of tr(...) in the part of the plugin that QGIS loads. The .ts files are
Qt Linguist's: translators open them there. scripts/build_resources.py compiles them.
"""

import argparse
import ast
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PLUGIN = REPOSITORY / "semantic3d_plugin"
FOLDER = REPOSITORY / "i18n"
CONTEXT = "Semantic3D"
LANGUAGES = ("de", "fr")
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n'


def modules():
    """The Python files that QGIS loads; the backend has no words for windows."""
    return sorted(p for p in PLUGIN.rglob("*.py") if "backend" not in p.relative_to(PLUGIN).parts[:-1])


def source_texts():
    """Every translatable text with the files that hold it, in order of appearance.

    Raises:
        SystemExit: a tr(...) whose argument is no literal, which could never be translated.
    """
    texts = {}
    for path in modules():
        name = path.relative_to(REPOSITORY).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or called_name(node.func) != "tr" or is_forwarding(node):
                continue
            if len(node.args) != 1 or not isinstance(getattr(node.args[0], "value", None), str):
                raise SystemExit("{}:{}: tr() takes one string literal".format(name, node.lineno))
            texts.setdefault(node.args[0].value, []).append(name)
    return texts


def called_name(function):
    """The last part of what is called: tr for tr(...) and self.tr(...)."""
    return getattr(function, "attr", getattr(function, "id", None))


def is_forwarding(call):
    """`return tr(text)` inside a method tr hands a text on and holds none."""
    return len(call.args) == 1 and isinstance(call.args[0], ast.Name) and call.args[0].id == "text"


def ts_path(language):
    return FOLDER / "semantic3d_{}.ts".format(language)


def read_ts(language):
    """Source text -> (translation, finished) of a .ts file; empty where there is none."""
    if not ts_path(language).is_file():
        return {}
    entries = {}
    for message in ElementTree.parse(ts_path(language)).getroot().iter("message"):
        translation = message.find("translation")
        finished = translation.get("type") is None and bool(translation.text)
        entries[message.findtext("source")] = (translation.text or "", finished)
    return entries


def write_ts(language, texts, known):
    """Write the .ts of `language`: all `texts`, with the translations that are `known`."""
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ElementTree.SubElement(root, "context")
    ElementTree.SubElement(context, "name").text = CONTEXT
    for text, files in texts.items():
        message = ElementTree.SubElement(context, "message")
        for name in sorted(set(files)):
            ElementTree.SubElement(message, "location", filename="../" + name)
        ElementTree.SubElement(message, "source").text = text
        translated, finished = known.get(text, ("", False))
        translation = ElementTree.SubElement(message, "translation", {} if finished else {"type": "unfinished"})
        translation.text = translated
    ElementTree.indent(root)
    FOLDER.mkdir(exist_ok=True)
    ts_path(language).write_text(
        HEAD + ElementTree.tostring(root, encoding="unicode") + "\n", encoding="utf-8", newline="\n"
    )


def faults(language, texts):
    """What is wrong with a language, one line each."""
    entries = read_ts(language)
    lines = ["missing: " + text for text in texts if text not in entries]
    lines += ["unfinished: " + text for text, (_, finished) in entries.items() if text in texts and not finished]
    lines += ["obsolete: " + text for text in entries if text not in texts]
    return ["{}: {}".format(language, line) for line in lines]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="report only")
    options = parser.parse_args(arguments)
    texts = source_texts()
    if not options.check:
        for language in LANGUAGES:
            write_ts(language, texts, read_ts(language))
    found = [line for language in LANGUAGES for line in faults(language, texts)]
    print("\n".join(found + ["{} texts, {} faults".format(len(texts), len(found))]))
    return 1 if found and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
