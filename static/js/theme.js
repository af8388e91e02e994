// Light or dark, before the first paint: the one script that blocks, because the page is the same
// bytes for everybody and a cookie could not change it. The choice is kept in localStorage, and only
// while it differs from the system's.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const system = () => (dark.matches ? "dark" : "light");

  const read = () => {
    try {
      const kept = localStorage.getItem(KEY);
      return kept === "light" || kept === "dark" ? kept : null;
    } catch {
      return null; // Storage is switched off: the choice lives as long as the page.
    }
  };

  const write = (theme) => {
    try {
      if (theme) localStorage.setItem(KEY, theme);
      else localStorage.removeItem(KEY);
    } catch {
      // As above.
    }
  };

  const apply = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    // The browser's own bars follow the theme, not the system.
    for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
      meta.dataset.media ??= meta.media;
      if (!theme) meta.media = meta.dataset.media;
      else meta.media = meta.dataset.media.includes(theme) ? "all" : "not all";
    }
  };

  apply(read());
  addEventListener("storage", (event) => event.key === KEY && apply(read()));
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const now = root.dataset.theme ?? system();
    const next = now === "dark" ? "light" : "dark";
    const choice = next === system() ? null : next;
    write(choice);
    apply(choice);
  });
})();
