#!/bin/sh
# Fetch the fonts of fonts.txt into the folder `fonts` below the current one. Needs apt, npm and tar.
# Each line of the list: where from, package, version, files (of npm: weights and styles). Packages whose
# folder exists are skipped, so the script continues after a stop. apt has a single version of each package,
# which may be another one than that of the list.
set -eu
list=$(dirname "$0")/fonts.txt
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
while read -r from package version files; do
  folder=fonts/${package##*/}
  [ ! -d "$folder" ] || continue
  case $from in
    debian)
      (cd "$unpacked" && apt-get download "$package" > /dev/null < /dev/null && dpkg-deb -x ./*.deb .)
      ;;
    npm)
      (cd "$unpacked" && npm pack --silent "$package@$version" > /dev/null < /dev/null && tar -xzf ./*.tgz)
      files=$(for style in $files; do echo "${package##*/}-latin-$style.woff"; done)
      ;;
  esac
  mkdir -p "$folder.part"
  for file in $files; do
    # The first by path: some packages have a font twice.
    found=$(find "$unpacked" -name "$file" | sort | head -n 1)
    [ -n "$found" ] || {
      echo "$package has no file $file (the list is of version $version)" >&2
      exit 1
    }
    cp "$found" "$folder.part/"
  done
  mv "$folder.part" "$folder"
  find "$unpacked" -mindepth 1 -delete
done < "$list"
