"""A plugin with the options of mkdocs-redirects 1.2, for sites of the tests."""

from mkdocs.config import config_options as c
from mkdocs.config.base import Config
from mkdocs.plugins import BasePlugin


class RedirectsConfig(Config):
    """Its one option."""

    redirect_maps = c.Type(dict, default={})


class Redirects(BasePlugin[RedirectsConfig]):
    """Does nothing but have its options."""
