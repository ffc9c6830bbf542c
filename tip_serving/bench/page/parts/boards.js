// The judge switch, light and dark, the order of rows, the comparison of two cells.
(() => {
  "use strict";
  const root = document.documentElement;
  const boards = [...document.querySelectorAll(".board")];

  const themeSwitch = document.getElementById("theme-switch");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const showTheme = () => themeSwitch.setAttribute("aria-pressed", String(isDark()));
  themeSwitch.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("tip-theme", root.dataset.theme); } catch { /* kept for this view only */ }
    showTheme();
  });
  prefersDark.addEventListener("change", showTheme);
  showTheme();

  const judgeSwitch = document.getElementById("judge-switch");
  judgeSwitch?.addEventListener("change", () => {
    const at = Number(judgeSwitch.value);
    boards.forEach((board, i) => board.classList.toggle("is-shown", i === at));
    document.dispatchEvent(new CustomEvent("judge", { detail: at }));
  });

  // A value that is missing comes last whichever way the rows are sorted.
  function compare(a, b, direction) {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
    return direction * order;
  }

  function sort(board, key, direction) {
    const body = board.querySelector(".ranking tbody");
    const value = (row) => row.querySelector(`.c-${key}`).dataset.v;
    const rows = [...body.rows].map((row, i) => ({ row, i, v: value(row) }));
    rows.sort((a, b) => compare(a.v, b.v, direction) || a.i - b.i);
    body.append(...rows.map(({ row }) => row));
    for (const th of board.querySelectorAll(".ranking thead th")) th.removeAttribute("aria-sort");
    const th = board.querySelector(`.ranking thead .c-${key}`);
    th.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    const name = th.querySelector("button").textContent;
    board.querySelector("[data-sorted]").textContent = `Sorted by ${name}, ${th.getAttribute("aria-sort")}`;
  }

  for (const board of boards) {
    const first = (button) => ("descending" in button.dataset ? -1 : 1);
    const button = (key) => board.querySelector(`.ranking [data-sort="${key}"]`);
    const select = board.querySelector("[data-sort-select]");
    for (const each of board.querySelectorAll(".ranking [data-sort]")) {
      each.addEventListener("click", () => {
        const now = each.closest("th").getAttribute("aria-sort");
        const direction = now ? (now === "ascending" ? -1 : 1) : first(each);
        sort(board, each.dataset.sort, direction);
        if ([...select.options].some((option) => option.value === each.dataset.sort)) select.value = each.dataset.sort;
      });
    }
    select.addEventListener("change", () => sort(board, select.value, first(button(select.value))));
    board.querySelector(".ranking thead .c-place").setAttribute("aria-sort", "ascending");
  }

  for (const form of document.querySelectorAll("[data-compare]")) {
    const table = form.parentElement.querySelector(".matrix");
    const cells = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1));
    const tell = () => {
      const [i, j] = [form.elements.first.selectedIndex, form.elements.second.selectedIndex];
      const same = "These are the same cell.";
      form.querySelector("output").textContent = i === j ? same : cells[i][j].title || "These two share no scenario.";
      cells.flat().forEach((cell) => cell.classList.remove("is-chosen"));
      cells[i][j].classList.add("is-chosen");
    };
    form.addEventListener("change", tell);
    form.addEventListener("submit", (event) => event.preventDefault());
    table.addEventListener("click", (event) => {
      const cell = event.target.closest("tbody td");
      if (!cell) return;
      form.elements.first.selectedIndex = cell.parentElement.rowIndex - 1;
      form.elements.second.selectedIndex = cell.cellIndex - 1;
      tell();
    });
    tell();
  }
})();
