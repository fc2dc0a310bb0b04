"use strict";
// Hover: SVG titles become one tooltip that shows at once, also by touch.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  document.body.append(tip);
  for (const title of document.querySelectorAll("svg.figure title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  document.addEventListener("pointerover", (event) => {
    const marked = event.target.closest("[data-tip]");
    tip.style.display = marked ? "block" : "none";
    if (marked) tip.textContent = marked.dataset.tip;
  });
  document.addEventListener("pointermove", (event) => {
    const right = Math.max(0, document.documentElement.clientWidth - tip.offsetWidth - 4);
    tip.style.left = Math.min(event.clientX + 14, right) + "px";
    tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 10) + "px";
  });
})();

// Items: filter and sort in memory, show fifty at a time, build an item's texts when it is opened.
// Everything is set as text, never as markup.
(() => {
  const source = document.getElementById("items-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const perPage = 50;
  const form = document.getElementById("items-form");
  const list = document.getElementById("items-list");
  const pages = document.getElementById("items-pages");
  const count = document.getElementById("items-count");
  document.getElementById("items-note").textContent = data.note;
  let shown = [];
  let page = 0;

  const visible = (text) =>
    text.replace(/[\x00-\x08\x0b-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0))).replace(/\x7f/g, "\u2421");
  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = visible(String(text));
    if (className) made.className = className;
    return made;
  };
  const number = (value) => value.toLocaleString("en");
  const option = (value, text) => {
    const made = element("option", text);
    made.value = value;
    return made;
  };

  const tasksOfRun = () => {
    const run = data.runs[form.run.value];
    const before = form.task.value;
    form.task.replaceChildren(option("", "all"), ...run.tasks.map((task, index) => option(String(index), task)));
    if (form.task.querySelector(`option[value="${CSS.escape(before)}"]`)) form.task.value = before;
  };

  const matches = (item, text) =>
    [item.i, item.x, item.s_x || "", ...item.r, JSON.stringify(item.f)].some((part) => part.toLowerCase().includes(text));

  // An item without a score is the earlier part of a question that was asked in two.
  const scoreClass = (score) => score === null ? "" : score <= 0 ? "zero" : score < 1 ? "some" : "full";

  const filterItems = () => {
    const run = data.runs[form.run.value];
    const text = form.text.value.toLowerCase();
    const task = form.task.value;
    shown = run.items.filter((item) =>
      (task === "" || item.t === Number(task)) &&
      (form.cut.value === "" || (item.d > 0) === (form.cut.value === "1")) &&
      (form.score.value === "" || form.score.value === scoreClass(item.s)) &&
      (text === "" || matches(item, text)));
    const key = form.sort.value.replace("-", "");
    const sign = form.sort.value.startsWith("-") ? -1 : 1;
    const field = {score: "s", tokens: "p", dropped: "d"}[key];
    if (field) shown.sort((a, b) => sign * (a[field] - b[field]));
    page = 0;
    showPage();
  };

  const part = (body, title, text) => {
    body.append(element("h3", title), element("pre", text === "" ? "(empty)" : text));
  };

  const openItem = (details, item) => {
    const body = element("div", undefined, "item");
    part(body, "Prediction", item.x);
    if (item.r.length) part(body, item.r.length > 1 ? `References (${item.rn})` : "Reference", item.r.join("\n———\n"));
    if (item.s_x !== undefined) part(body, "Compared: prediction after extraction", item.s_x);
    if (item.s_r !== undefined) part(body, "Compared: references", item.s_r.join("\n———\n"));
    const facts = [item.s === null ? "not scored by itself" : `metric ${item.m}, score ${item.s}`, ...Object.entries(item.a).map(([name, value]) => `${name} ${value}`)];
    if (item.c) facts.push("log-likelihoods of the choices " + item.c.join(", "));
    facts.push(`prompt ${number(item.p)} tokens, ${number(item.u)} of them reused`);
    facts.push(item.d ? `${number(item.d)} tokens dropped (${item.k})` : "nothing dropped");
    facts.push(`${number(item.g)} tokens generated, ended by ${item.e || "nothing"}`);
    facts.push(`prefill ${item.tp} s, decode ${item.td} s`, `prompt SHA-256 ${item.h}`);
    part(body, "How", facts.join("\n"));
    if (Object.keys(item.f).length) part(body, "Fields", JSON.stringify(item.f, null, 1));
    details.append(body);
  };

  const showPage = () => {
    const run = data.runs[form.run.value];
    list.replaceChildren();
    for (const item of shown.slice(page * perPage, (page + 1) * perPage)) {
      const details = element("details");
      const summary = element("summary");
      const score = element("span", item.s === null ? "–" : item.s.toFixed(4), "n");
      const tokens = element("span", `${number(item.p)} `, "n");
      tokens.append(element("i", "tokens"));
      const dropped = element("span", item.d ? `${number(item.d)} ` : "", "n");
      if (item.d) dropped.append(element("i", "dropped"));
      summary.append(element("span", run.tasks[item.t]), element("span", item.i), score, tokens, dropped);
      details.append(summary);
      details.addEventListener("toggle", () => openItem(details, item), {once: true});
      list.append(details);
    }
    const last = Math.max(0, Math.ceil(shown.length / perPage) - 1);
    const [back, next] = pages.querySelectorAll("button");
    back.disabled = page <= 0;
    next.disabled = page >= last;
    pages.querySelector("span").textContent = `page ${page + 1} of ${last + 1}`;
    const scored = shown.filter((item) => item.s !== null);
    const mean = scored.reduce((sum, item) => sum + item.s, 0) / scored.length;
    count.textContent = `${number(shown.length)} of ${number(run.items.length)} items` +
      (scored.length ? `, mean score ${mean.toFixed(4)}` : "");
  };

  form.run.append(...data.runs.map((run, index) => option(String(index), run.label)));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target === form.run) tasksOfRun();
    filterItems();
  });
  pages.addEventListener("click", (event) => {
    page += Number(event.target.dataset.step || 0);
    showPage();
  });
  tasksOfRun();
  filterItems();
})();
