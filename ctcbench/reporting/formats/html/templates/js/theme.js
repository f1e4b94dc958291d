// Light and dark theme: the system's until the button is pressed, then the reader's choice, in local storage.
const KEY = "ctcbench-report-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function readTheme() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // browsers may refuse storage to file:// pages
  }
}

function storeTheme(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // without storage, the choice is lost when the page is closed
  }
}

function startTheme() {
  const root = document.documentElement;
  if (["light", "dark"].includes(readTheme())) root.dataset.theme = readTheme();
  $("theme").addEventListener("click", () => {
    const now = root.dataset.theme || (system.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    storeTheme(root.dataset.theme);
  });
}
