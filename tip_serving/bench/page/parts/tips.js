// The browser of tips. Every text is untrusted: it enters the page through textContent and nothing else.
(() => {
  "use strict";
  const form = document.getElementById("tips-form");
  if (!form) return;
  const data = JSON.parse(document.getElementById("tips-data").textContent);
  const found = document.getElementById("tips-found");
  const count = document.getElementById("tips-count");
  const more = document.getElementById("tips-more");
  const controls = form.elements;
  const CARDS = 60; // as many again with each "Show more"
  let board = 0;
  let limit = CARDS;

  function make(tag, className, text, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    node.append(...children);
    return node;
  }

  function said(tag, className, text) {
    const node = make(tag, className, text);
    node.dir = "auto";
    return node;
  }

  const cellLabel = (i) => data.cells[i].join(" ");
  const facts = (...all) => all.filter(Boolean).join(" \u00b7 ");
  const scenarioLabel = (s) => facts(s.kind, s.now, s.id.length > 16 ? `${s.id.slice(0, 16)}\u2026` : s.id);
  const number = (value) => String(Math.round(value * 100) / 100).replace("-", "\u2212");

  function fill(select, entries) {
    select.replaceChildren(...entries.map(([value, text]) => {
      const option = make("option", "", text);
      option.value = value;
      return option;
    }));
  }

  // Cells in the order of the shown board; cells that it lacks follow.
  function order() {
    const known = data.orders[board] ?? [];
    const all = data.cells.map((_, i) => i);
    return [...known, ...all.filter((i) => !known.includes(i))];
  }

  function fillCells() {
    const kept = [controls.cell.value, controls.beside.value];
    const entries = order().map((i) => [String(i), cellLabel(i)]);
    fill(controls.cell, [["", "all"], ...entries]);
    fill(controls.beside, [["", "none"], ...entries]);
    [controls.cell.value, controls.beside.value] = kept;
    controls.beside.disabled = controls.cell.value === "";
  }

  // Everything that can be searched, once, in small letters.
  for (const scenario of data.scenarios) {
    scenario.text = scenario.tasks.map((task) => task[0]).join("\n").toLocaleLowerCase();
    scenario.tips = scenario.tips.map(([cell, sample, text, scores]) => ({
      cell, sample, text, scores,
      words: [text, ...scores.map((score) => score[3])].join("\n").toLocaleLowerCase(),
    }));
  }

  // Whose score orders the tips: the judge of the shown board.
  function scoreOf(tip) {
    const score = tip.scores.find((each) => each[0] === board);
    return score ? score[1] : null;
  }

  function sorted(tips) {
    const place = new Map(order().map((cell, i) => [cell, i]));
    const byPlace = (a, b) => place.get(a.cell) - place.get(b.cell) || a.sample - b.sample;
    const direction = { best: -1, worst: 1 }[controls.order.value];
    if (!direction) return tips.sort(byPlace);
    return tips.sort((a, b) => {
      const [x, y] = [scoreOf(a), scoreOf(b)];
      if (x === null || y === null) return (x === null) - (y === null) || byPlace(a, b);
      return direction * (x - y) || byPlace(a, b);
    });
  }

  function matching() {
    const text = controls.text.value.trim().toLocaleLowerCase();
    const cells = [controls.cell.value, controls.beside.value].filter(Boolean).map(Number);
    const chosen = controls.scenario.value;
    const groups = [];
    for (const [i, scenario] of data.scenarios.entries()) {
      if (chosen !== "" && Number(chosen) !== i) continue;
      const fits = (tip) => (!cells.length || cells.includes(tip.cell))
        && (!text || tip.words.includes(text) || scenario.text.includes(text));
      const tips = sorted(scenario.tips.filter(fits));
      if (tips.length) groups.push({ scenario, tips });
    }
    return groups;
  }

  function situation(scenario) {
    const title = facts(scenario.kind, scenario.now, scenario.language) || scenario.id;
    const box = make("header", "situation", undefined, said("h3", "", title));
    if (scenario.kind && !scenario.n_tasks) box.append(make("p", "say", "No open task."));
    const list = make("ul", "tasks");
    for (const [content, due, urgent] of scenario.tasks) {
      const item = make("li", urgent ? "urgent" : "", undefined, said("span", "", content));
      if (due) item.append(" ", said("small", "", due));
      if (urgent) item.append(" ", make("small", "alert", "urgent"));
      list.append(item);
    }
    const left = scenario.n_tasks - scenario.tasks.length;
    if (left > 0) list.append(make("li", "rest", `and ${left} more`));
    box.append(list);
    return box;
  }

  function scoreItem([judge, score, points, comment]) {
    const { judge: name, rubric, criteria } = data.judges[judge];
    const item = make("li", judge === board ? "is-current" : "");
    item.append(make("span", "score", number(score)), " ", said("span", "by", rubric ? `${name} \u00b7 ${rubric}` : name));
    const told = criteria.map((name, i) => [name, points[i]]).filter(([, value]) => value !== null && value !== undefined);
    if (told.length) {
      const list = make("ul", "points");
      for (const [criterion, value] of told) list.append(make("li", "", `${criterion} ${number(value)}`));
      item.append(list);
    }
    if (comment) item.append(said("p", "comment", comment));
    return item;
  }

  function card(tip) {
    const [model, prompt] = data.cells[tip.cell];
    const head = make("h4", "cell-name", undefined, make("bdi", "", model), " ", make("bdi", "prompt", prompt));
    if (tip.sample) head.append(" ", make("small", "", `tip ${tip.sample + 1}`));
    const scores = make("ul", "scores");
    for (const score of tip.scores) scores.append(scoreItem(score));
    if (!tip.scores.length) scores.append(make("li", "unscored", "unscored"));
    return make("article", "card", undefined, head, said("p", "tip", tip.text), scores);
  }

  function show() {
    const groups = matching();
    const total = groups.reduce((sum, group) => sum + group.tips.length, 0);
    let left = limit;
    const sections = [];
    for (const { scenario, tips } of groups) {
      if (left <= 0) break;
      const cards = make("div", "cards", undefined, ...tips.slice(0, left).map(card));
      left -= tips.length;
      sections.push(make("section", "group", undefined, situation(scenario), cards));
    }
    found.replaceChildren(...sections);
    const shown = Math.min(limit, total);
    const inScenarios = groups.length === 1 ? "one scenario" : `${groups.length} scenarios`;
    const some = shown < total ? `${shown} of ${total} tips` : `${total} ${total === 1 ? "tip" : "tips"}`;
    count.textContent = total ? `${some}, ${inScenarios}` : "No tip in the sample fits.";
    more.hidden = shown >= total;
  }

  function changed() {
    limit = CARDS;
    controls.beside.disabled = controls.cell.value === "";
    if (controls.beside.disabled) controls.beside.value = "";
    show();
  }

  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("click", (event) => {
    const step = Number(event.target.dataset?.step);
    if (!step) return;
    const select = controls.scenario;
    select.selectedIndex = (select.selectedIndex + step + select.options.length) % select.options.length;
    changed();
  });
  more.addEventListener("click", () => {
    limit += CARDS;
    show();
  });
  document.addEventListener("judge", (event) => {
    board = event.detail;
    fillCells();
    show();
  });

  fill(controls.scenario, [["", "all"], ...data.scenarios.map((s, i) => [String(i), scenarioLabel(s)])]);
  controls.scenario.selectedIndex = Math.min(1, data.scenarios.length);
  fillCells();
  show();
})();
