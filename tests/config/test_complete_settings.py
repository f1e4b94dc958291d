"""Settings of stored documents: those that were added later have their defaults."""

from ctcbench import RunConfig
from ctcbench.config.complete_settings import complete_settings


def test_settings_of_this_version_are_returned_unchanged():
    settings = RunConfig(lr=0.5, freeze="none").model_dump()
    assert complete_settings(settings) == settings


def test_settings_that_were_added_later_have_their_defaults():
    settings = RunConfig(lr=0.5).model_dump()
    earlier = {name: value for name, value in settings.items() if name not in ("freeze", "patience")}
    assert complete_settings(earlier) == settings


def test_other_settings_are_not_invented():
    assert "lr" not in complete_settings({"backbone": "cnn3"})
