// Runs before anything is drawn, so that nothing moves or flashes afterwards.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");
  let theme = null;
  try { theme = localStorage.getItem("tip-theme"); } catch { /* a browser may keep nothing for files */ }
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
})();
