"""Contact sheets of the test images in a report."""

import dataclasses

from ctcbench.reporting.formats.html.cached_images import CachedImages
from ctcbench.reporting.formats.html.data_sheets import MOST_IMAGES, MOST_SHEETS, data_sheets
from tests.reporting.formats.html import html_cases as cases
from tests.reporting.formats.html.html_runs import IMAGES, a_run


def test_a_data_set_has_a_sheet_of_its_first_images(tmp_path, registry):
    members = [a_run(tmp_path, registry, "greedy", "cnn3", seed) for seed in (0, 1)]
    images = CachedImages(registry, 10**6)
    rows = [cases.row(1, {}, members), cases.row(2, {}, members[:1])]
    (sheet,) = data_sheets(rows, images)["sheets"]
    assert (sheet["dataset"], sheet["rows"], sheet["why"]) == ("captcha:width=100,length=4", [1, 2], "")
    assert sheet["about"] == [
        ["test images", str(IMAGES)], ["size", "100 × 40 pixels"], ["characters in a text", "4"],
        ["different characters", sheet["about"][3][1]],
    ]  # fmt: skip
    assert len(sheet["pictures"]) == MOST_IMAGES
    key, text = sheet["pictures"][5]
    assert images.uris[key].startswith("data:image/png") and text == members[0].predictions.targets[5]


def test_a_sheet_without_images_has_the_reason(tmp_path, registry):
    odd = cases.member(tmp_path, cases.texts(("1", "1")), nonsense=1)
    (sheet,) = data_sheets([cases.row(1, {}, [odd])], CachedImages(registry, 10**6))["sheets"]
    assert sheet["pictures"] == [] and "another version" in sheet["why"]


def test_of_many_data_sets_the_first_are_shown(tmp_path, registry):
    rows = []
    for number in range(1, MOST_SHEETS + 3):
        one = cases.member(tmp_path, cases.texts(("1", "1")), dataset="captcha")
        provenance = {**one.result.provenance, "data": {"fingerprint": str(number)}}
        one = dataclasses.replace(one, result=dataclasses.replace(one.result, provenance=provenance))
        rows.append(cases.row(number, {}, [one]))
    found = data_sheets(rows, CachedImages(registry, 10**6))
    assert len(found["sheets"]) == MOST_SHEETS and found["left_out"] == 2
