#!/bin/sh
# Fetch the fonts of fonts.txt into the folder `fonts` below the current one. Needs apt, npm and tar.
# Each line of the list: where from, package, version, files (of npm: weights and styles).
set -eu
list=$(dirname "$0")/fonts.txt
unpacked=$(mktemp -d)
chmod 755 "$unpacked" # apt downloads as another user
trap 'rm -rf "$unpacked"' EXIT
while read -r from package version files; do
  folder=fonts/${package##*/}
  mkdir -p "$folder"
  case $from in
    debian)
      (cd "$unpacked" && apt-get download "$package" > /dev/null && dpkg-deb -x ./*.deb .)
      ;;
    npm)
      (cd "$unpacked" && npm pack --silent "$package@$version" > /dev/null && tar -xzf ./*.tgz)
      files=$(for style in $files; do echo "${package##*/}-latin-$style.woff"; done)
      ;;
  esac
  for file in $files; do
    # The first by path: some packages have a font twice.
    cp "$(find "$unpacked" -name "$file" | sort | head -n 1)" "$folder/"
  done
  find "$unpacked" -mindepth 1 -delete
done < "$list"
