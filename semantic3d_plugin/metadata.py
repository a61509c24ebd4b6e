"""What metadata.txt says of the plugin; the version number stands there alone."""

import configparser
import functools
import os

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "metadata.txt")


@functools.lru_cache(maxsize=None)
def plugin_metadata(key):
    """The value of `key` in metadata.txt's [general] section, "" where there is none."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(PATH, encoding="utf-8")
    return parser.get("general", key, fallback="")
