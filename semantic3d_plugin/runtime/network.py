"""The installers' way to the network: QGIS's proxy and certificates, the user's pip settings, no secrets in logs."""

from __future__ import annotations

import configparser
import os
import re
import sys
from pathlib import Path
from typing import Mapping
from urllib.parse import quote

from .process import backend_variables

_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
# a password may hold an @, and after a user's name a slash too, though neither should stand there unescaped
_URL_SECRET = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^/\s]+|[^/:@\s]+:[^\s]+)@")
_SHARED_PREFIXES = {Path("/usr"), Path("/usr/local"), Path("/")}  # what lies there belongs to everybody
# pip's settings that uv can take over: pip's name -> uv's variable.
_UV_VARIABLES = {
    "find-links": "UV_FIND_LINKS",
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
}


def installer_variables(certificates: Path | None = None) -> dict[str, str]:
    """Environment variables for uv and pip: QGIS's libraries kept away, its proxy and certificates passed on.

    Args:
        certificates: a PEM file to trust where the user named none (see `write_certificates`).
    """
    variables = backend_variables(os.environ)
    given = {name.upper() for name, value in variables.items() if value}  # programs read either spelling
    variables.update({name: value for name, value in qgis_proxy().items() if name.upper() not in given})
    users = [pip_settings(variables).get("cert"), *map(variables.get, _CERTIFICATE_VARIABLES)]
    if certificates is not None and not any(map(_users_own, users)):
        variables.update({"SSL_CERT_FILE": str(certificates), "PIP_CERT": str(certificates)})
    elif variables.get("SSL_CERT_FILE"):
        variables.setdefault("PIP_CERT", variables["SSL_CERT_FILE"])
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):  # where the user's own packages go, not the environment's
        variables.pop(name, None)
    variables.update({"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PYTHONUNBUFFERED": "1"})
    variables.setdefault("PIP_RETRIES", "5")
    variables.setdefault("UV_HTTP_TIMEOUT", "120")
    return variables


def _users_own(path: str | None) -> bool:
    """Whether a path to certificates is the user's, not set by what starts QGIS (OSGeo4W, conda) for itself."""
    prefixes = [sys.prefix, sys.base_prefix, *(os.environ.get(name) for name in ("OSGEO4W_ROOT", "CONDA_PREFIX"))]
    own = [Path(prefix) for prefix in prefixes if prefix and Path(prefix) not in _SHARED_PREFIXES]
    return bool(path) and not any(prefix in Path(path).parents for prefix in own)


def uv_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """The same variables, with pip's configuration translated for uv, which does not read it."""
    result = dict(variables)
    settings = pip_settings(variables)
    for name, value in settings.items():
        target = _UV_VARIABLES.get(name)
        if target and value and not result.get(target):
            separator = "," if target == "UV_FIND_LINKS" else " "
            result[target] = separator.join(value.split())
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        result.setdefault("UV_NO_INDEX", "1")
    certificates = [settings.get("cert"), *(variables.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))]
    for path in filter(None, certificates):
        result.setdefault("SSL_CERT_FILE", path)  # the only one that uv reads
    proxy = settings.get("proxy")
    if proxy and not any(name.upper() in ("HTTPS_PROXY", "ALL_PROXY") for name in result):
        result.update({"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy})
    # Every file is checked against its hash, so it does not matter which index has it.
    result.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    result["UV_NO_PROGRESS"] = "1"
    return result


def pip_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """What pip's files and variables say, by pip's option names; the stronger place wins."""
    settings: dict[str, str] = {}
    for path in _pip_files(variables):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip itself will say what is wrong with its file
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update({name.replace("_", "-"): value for name, value in parser.items(section)})
    for name in (*_UV_VARIABLES, "cert", "proxy", "no-index"):
        value = variables.get("PIP_" + name.upper().replace("-", "_"))
        if value:
            settings[name] = value
    return settings


def _pip_files(variables: Mapping[str, str]) -> list[Path]:
    """pip's configuration files, weakest first, as pip documents them."""
    home = Path.home()
    if variables.get("PIP_CONFIG_FILE"):
        return [] if variables["PIP_CONFIG_FILE"] == os.devnull else [Path(variables["PIP_CONFIG_FILE"])]
    if os.name == "nt":
        return [
            Path(variables.get("PROGRAMDATA", r"C:\ProgramData")) / "pip" / "pip.ini",
            home / "pip" / "pip.ini",
            Path(variables.get("APPDATA", str(home))) / "pip" / "pip.ini",
        ]
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip" / "pip.conf"]
    if sys.platform == "darwin":
        files.append(home / "Library" / "Application Support" / "pip" / "pip.conf")
    files.append(Path(variables.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf")
    return files


def qgis_proxy() -> dict[str, str]:
    """QGIS's own proxy as variables that uv and pip read; {} where it uses none, or the system's.

    The network manager is asked, not the settings: their keys change between versions, and the user and password may
    lie in the authentication database, which it has looked up.
    """
    try:
        from qgis.core import QgsApplication, QgsNetworkAccessManager
        from qgis.PyQt.QtNetwork import QNetworkProxy
    except ImportError:
        return {}
    if QgsApplication.instance() is None:
        return {}  # the manager needs an application
    manager = QgsNetworkAccessManager.instance()
    proxy = manager.fallbackProxy()
    kinds = QNetworkProxy.ProxyType
    if manager.useSystemProxy() or proxy.type() in (kinds.DefaultProxy, kinds.NoProxy):
        return {}
    socks = proxy.type() == kinds.Socks5Proxy
    return proxy_variables(
        {
            "proxyType": "Socks5Proxy" if socks else "HttpProxy",
            "proxyHost": proxy.hostName(),
            "proxyPort": proxy.port(),
            "proxyUser": proxy.user(),
            "proxyPassword": proxy.password(),
            "proxyExcludedUrls": manager.excludeList(),
            "noProxyUrls": manager.noProxyList(),
        }
    )


def proxy_variables(settings: Mapping[str, object]) -> dict[str, str]:
    """A proxy, by the names of QGIS's settings, as environment variables."""
    host = str(settings.get("proxyHost") or "").strip()
    kind = str(settings.get("proxyType") or "DefaultProxy")
    if not host or kind == "DefaultProxy":
        return {}
    user, password = (str(settings.get(key) or "") for key in ("proxyUser", "proxyPassword"))
    who = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    port = str(settings.get("proxyPort") or "").strip()
    scheme = "socks5" if kind == "Socks5Proxy" else "http"
    address = f"{scheme}://{who}{host}" + (f":{port}" if port and port != "0" else "")
    variables = {name: address for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    variables.update({name.lower(): address for name in list(variables)})
    hosts = _hosts(settings.get("noProxyUrls")) + _hosts(settings.get("proxyExcludedUrls"))
    if hosts:
        variables["NO_PROXY"] = variables["no_proxy"] = ",".join(hosts)
    return variables


def _hosts(value: object) -> list[str]:
    """Host names of QGIS's list of addresses that go without the proxy."""
    lines = value if isinstance(value, (list, tuple)) else [value or ""]
    texts = [text for line in lines for text in str(line).split("|")]
    return [re.sub(r"^[a-z]+://", "", str(text).strip()).split("/")[0] for text in texts if str(text).strip()]


def write_certificates(path: Path) -> Path | None:
    """Write all that QGIS trusts to `path` when the user added authorities to QGIS; None where there are none."""
    try:
        from qgis.core import QgsApplication
    except ImportError:
        return None
    if QgsApplication.instance() is None:
        return None  # without an application asking for the manager ends the process
    manager = QgsApplication.authManager()
    if manager is None or not hasattr(manager, "databaseCAs") or manager.isDisabled() or not manager.databaseCAs():
        return None
    text = bytes(manager.trustedCaCertsPemText())
    if not text:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    return path


def scrubbed(text: str, variables: Mapping[str, str] | None = None) -> str:
    """The text without user names and passwords in addresses."""
    text = _URL_SECRET.sub(r"\g<scheme>***@", text)
    for name, value in (variables or {}).items():
        if value and len(value) >= 6 and re.search("PASSWORD|TOKEN|SECRET|CREDENTIAL", name, re.IGNORECASE):
            text = text.replace(value, "***")
    return text
