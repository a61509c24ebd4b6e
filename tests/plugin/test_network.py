"""QGIS's proxy as the installers get it, from its settings in the spelling of QGIS 3 and of QGIS 4."""

import pytest
from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsNetworkAccessManager, QgsSettings

from semantic3d_plugin.runtime.network import qgis_proxy

KEYS = {  # QGIS 3: QGIS 4
    "proxyEnabled": "proxy-enabled",
    "proxyType": "proxy-type",
    "proxyHost": "proxy-host",
    "proxyPort": "proxy-port",
    "proxyUser": "proxy-user",
    "proxyPassword": "proxy-password",
    "proxyExcludedUrls": "proxy-excluded-urls",
    "noProxyUrls": "no-proxy-urls",
    "authcfg": "authcfg",
}


@pytest.fixture
def use_proxy(qgis_app, monkeypatch):
    """Set QGIS's proxy as its options dialog does."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    def use(**settings):
        for key, value in {"proxyEnabled": True, "proxyHost": "proxy.example", "proxyPort": 3128, **settings}.items():
            QgsSettings().setValue("proxy/" + key, value)
            QgsSettings().setValue("proxy/" + KEYS[key], value)
        QgsNetworkAccessManager.instance().setupDefaultProxyAndCache()

    yield use
    QgsSettings().remove("proxy")
    QgsNetworkAccessManager.instance().setupDefaultProxyAndCache()


def test_the_proxy_and_its_exceptions_come_from_the_network_manager(use_proxy):
    use_proxy(
        proxyType="HttpProxy", proxyUser="me", proxyPassword="p:w",
        proxyExcludedUrls=["http://a.example/x"], noProxyUrls=["https://b.example"],
    )  # fmt: skip
    # The settings go and the manager stays, as where another version's keys are in use.
    QgsSettings().remove("proxy")
    found = qgis_proxy()
    assert found["HTTPS_PROXY"] == found["all_proxy"] == "http://me:p%3Aw@proxy.example:3128"
    assert sorted(found["NO_PROXY"].split(",")) == ["a.example", "b.example"]


def test_user_and_password_come_from_the_authentication_database(use_proxy):
    manager = QgsApplication.authManager()
    if manager.isDisabled() or not manager.setMasterPassword("master", True):
        pytest.skip("this QGIS has no authentication database")
    config = QgsAuthMethodConfig("Basic")
    config.setName("proxy")
    config.setConfigMap({"username": "clerk", "password": "s3cret"})
    assert manager.storeAuthenticationConfig(config)
    try:
        use_proxy(proxyType="HttpProxy", authcfg=config.id())
        assert qgis_proxy()["HTTPS_PROXY"] == "http://clerk:s3cret@proxy.example:3128"
    finally:
        manager.removeAuthenticationConfig(config.id())


@pytest.mark.parametrize("kind, scheme", [("Socks5Proxy", "socks5"), ("HttpCachingProxy", "http")])
def test_kinds_of_proxy(use_proxy, kind, scheme):
    use_proxy(proxyType=kind)
    assert qgis_proxy()["ALL_PROXY"] == scheme + "://proxy.example:3128"


@pytest.mark.parametrize("settings", [{"proxyEnabled": False}, {"proxyType": "DefaultProxy"}])
def test_no_proxy_and_the_systems_are_left_alone(use_proxy, monkeypatch, settings):
    monkeypatch.setenv("http_proxy", "http://system.example:1")
    use_proxy(**{"proxyType": "HttpProxy", **settings})
    assert qgis_proxy() == {}
