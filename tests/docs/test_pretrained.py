"""The page `pretrained`: its list of fonts, its script and its settings fit each other."""

import subprocess
import tarfile
import tomllib

import pytest

from ctcbench.registry.discovery import load_registry
from tests.docs.pages import DOCS, read

FOLDER = DOCS / "pretrained"
LINES = [line.split() for line in read(FOLDER / "fonts.txt").splitlines()]

# Packages of the list as `npm pack` and `apt-get download` leave them, with one font for all of their files.
NPM = '#!/bin/sh\ncp "$TARBALL" fontsource-font-1.0.0.tgz\n'
APT = "#!/bin/sh\ntouch font_1.0_all.deb\n"
DPKG = '#!/bin/sh\nmkdir -p "$3/usr/share/fonts"\necho font > "$3/usr/share/fonts/One.ttf"\n'


def test_the_page_states_the_numbers_of_the_list():
    assert all(line[0] in ("debian", "npm") and len(line) >= 4 for line in LINES)
    assert len({line[1] for line in LINES}) == len(LINES)
    debian = sum(line[0] == "debian" for line in LINES)
    files = sum(len(line) - 3 for line in LINES)
    page = read(DOCS / "pretrained.md")
    assert f"{files:,} font files: {debian} Debian packages and {len(LINES) - debian:,} packages of" in page


@pytest.mark.parametrize("slot", ["dataset", "extra_dataset"])
def test_the_settings_name_existing_options(slot):
    settings = tomllib.loads(read(FOLDER / "lettering.toml"))
    registry = load_registry([])
    given = registry.resolve("dataset", settings[slot])
    assert given.startswith("lettering:fonts=fonts,case=one,height=64,")
    assert registry.resolve("backbone", settings["backbone"]) == "cnn5:step=8"


def test_the_script_copies_the_listed_files_of_each_package(tmp_path):
    programs, work = tmp_path / "bin", tmp_path / "work"
    programs.mkdir()
    work.mkdir()
    for name, text in (("npm", NPM), ("apt-get", APT), ("dpkg-deb", DPKG)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    font = tmp_path / "abel-latin-400-normal.woff"
    font.write_text("woff")
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        archive.add(font, "package/files/abel-latin-400-normal.woff")
    script = tmp_path / "get-fonts.sh"
    script.write_text(read(FOLDER / "get-fonts.sh"))
    (tmp_path / "fonts.txt").write_text(
        "debian fonts-one 1.0 One.ttf\nnpm @fontsource/abel 5.3.0 400-normal\n"
    )
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "TARBALL": str(tmp_path / "package.tgz")}
    command = ["sh", str(script)]
    subprocess.run(command, cwd=work, env=environment, check=True)
    found = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
    assert found == ["fonts/abel/abel-latin-400-normal.woff", "fonts/fonts-one/One.ttf"]

    # A second time it continues: only the new package is fetched, which lacks its file.
    (work / "fonts/abel/abel-latin-400-normal.woff").write_text("kept")
    with (tmp_path / "fonts.txt").open("a") as fonts:
        fonts.write("debian fonts-two 2.0 Two.ttf\n")
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "fonts-two has no file Two.ttf (the list is of version 2.0)\n"
    assert (work / "fonts/abel/abel-latin-400-normal.woff").read_text() == "kept"
    assert not (work / "fonts/fonts-two").exists()
