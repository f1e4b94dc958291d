// Everything begins here; a part that fails leaves the others alone, and the console says which.
for (const start of [startTheme, startTables, startCurves, startScatter, startConfusion, startGallery]) {
  try {
    start();
  } catch (error) {
    console.error(start.name, error);
  }
}
addEventListener("scroll", followTip, { passive: true, capture: true });
