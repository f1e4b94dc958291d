// Start every part; if one fails, the others still work, and the console shows the error.
for (const start of [
  startTheme, startTables, startSheets, startCurves, startScatter, startConfidence, startBreakdown, startConfusion, startGallery,
]) {
  try {
    start();
  } catch (error) {
    console.error(start.name, error);
  }
}
addEventListener("scroll", followTip, { passive: true, capture: true });
